//! Registries and images as a client of REST sees them.

use http::StatusCode;
use serde_json::{Value, json};

use crate::fixture::Fixture;

fn web() -> String {
    format!("qa.example.com/shop/web@{}", plimsoll_fixture::image("shop/web", "1.0"))
}

#[tokio::test]
async fn registries_and_what_lies_in_them_are_shown() {
    let fixture = Fixture::new().await;
    let mut told = Vec::new();
    for (method, path) in [
        ("GET", "/v1/registries"),
        ("POST", "/v1/registries/qa.example.com/probe?requestId=probe"),
        ("GET", "/v1/registries?pageSize=1&pageToken=MQ"),
        ("GET", "/v1/registries/qa.example.com/repositories"),
        ("GET", "/v1/registries/qa.example.com/repositories?prefix=shop"),
        ("GET", "/v1/registries/qa.example.com/repositories?prefix=sho"),
        ("GET", "/v1/registries/dc-1.example.com/repositories"),
        ("GET", "/v1/registries/dc-2.example.com/repositories"),
        ("GET", "/v1/registries/elsewhere.example.com/repositories"),
        ("GET", "/v1/registries/qa.example.com/tags?repository=shop/web"),
        ("GET", "/v1/registries/qa.example.com/tags?repository=shop/none"),
        ("GET", "/v1/registries/qa.example.com/tags"),
        ("GET", "/v1/images?image=qa.example.com/shop/web:1.0"),
        ("GET", "/v1/images?image=qa.example.com/shop/web:9"),
        ("GET", "/v1/images?image=shop/web:1.0"),
        ("GET", "/v1/images?image=qa.example.com/shop/web"),
        ("GET", "/v1/images/whereabouts?image=qa.example.com/shop/web:1.0&sample=1Mi"),
        ("GET", "/v1/images/whereabouts?image=qa.example.com/shop/web:1.0&sample=2Gi"),
        ("DELETE", "/v1/images?image=qa.example.com/shop/web:1.0&requestId=tag"),
    ] {
        let mut answer = fixture.call(Some("operator"), method, path, None).await;
        if let Some(body) = answer.body.as_object_mut() {
            body.remove("traceId");
        }
        told.push(json!({"request": format!("{method} {path}"), "status": answer.status.as_u16(), "body": answer.body}));
    }
    insta::assert_yaml_snapshot!(told);
}

#[tokio::test]
async fn a_list_goes_on_behind_its_token_and_says_on_every_page_whether_it_is_complete() {
    let fixture = Fixture::new().await;
    let list = "/v1/registries/qa.example.com/repositories?pageSize=2";
    let first = fixture.ok("GET", list, None).await.body;
    let token = first["nextPageToken"].as_str().unwrap_or_default();
    let second = fixture.ok("GET", &format!("{list}&pageToken={token}"), None).await.body;
    let names = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().into_iter().flatten();
        items.map(|item| item["name"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(
        [names(&first), names(&second)].concat(),
        ["qa.example.com/shop/api", "qa.example.com/shop/web", "qa.example.com/tools"]
    );
    assert_eq!(
        [&first["complete"], &second["complete"], &second["nextPageToken"]],
        [&json!(true), &json!(true), &Value::Null]
    );
    // The same place in the list below a path is another list's.
    let below = format!("{list}&prefix=shop&pageToken={token}");
    let refused = fixture.call(Some("viewer"), "GET", &below, None).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn an_image_is_removed_once_and_the_repeat_of_the_request_gets_the_first_answer() {
    let fixture = Fixture::new().await;
    let image = web();
    let place = |request: &str| format!("/v1/images?image={image}&requestId={request}");
    let checked = fixture.ok("DELETE", &format!("{}&validateOnly=true", place("one")), None).await.body;
    assert_eq!(checked["notes"], json!(["nothing was removed: it would be"]));
    let removed = fixture.ok("DELETE", &place("one"), None).await.body;
    assert_eq!(removed["repository"], "qa.example.com/shop/web");
    assert_eq!(fixture.ok("DELETE", &place("one"), None).await.body, removed);
    let again = fixture.call(Some("operator"), "DELETE", &place("two"), None).await;
    assert_eq!((again.status, &again.body["reason"]), (StatusCode::NOT_FOUND, &json!("IMAGE_NOT_FOUND")));
}

#[tokio::test]
async fn an_installation_without_registries_says_so() {
    let fixture = Fixture::over(plimsoll_fixture::installation().await);
    let registries = fixture.ok("GET", "/v1/registries", None).await.body;
    assert_eq!(registries["items"], json!([]));
    let said = "this installation has no registries; list them under [[registries]] in plimsoll.toml";
    assert_eq!(registries["notes"], json!([said]));
    let place = format!("/v1/images?image={}&requestId=x", web());
    for (method, path) in [
        ("POST", "/v1/registries/qa.example.com/probe?requestId=x"),
        ("GET", "/v1/registries/qa.example.com/repositories"),
        ("GET", "/v1/images/whereabouts?image=qa.example.com/shop/web:1.0"),
        ("DELETE", place.as_str()),
    ] {
        let answer = fixture.call(Some("operator"), method, path, None).await;
        assert_eq!(
            (answer.status, &answer.body["reason"]),
            (StatusCode::CONFLICT, &json!("NO_REGISTRIES")),
            "{path}"
        );
        assert_eq!(answer.body["detail"], said);
    }
}
