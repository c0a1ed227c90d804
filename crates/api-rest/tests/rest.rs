//! The API as a client sees it.

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod images;

use axum::body::Body;
use fixture::{Answer, Fixture, SHOP, mk_document};
use http::{Request, StatusCode};
use serde_json::{Value, json};

/// Problem bodies without what differs from request to request.
fn problem(answer: &Answer) -> Value {
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    let mut body = answer.body.clone();
    assert_eq!(body["traceId"], answer.headers["x-trace-id"].to_str().unwrap_or_default());
    body["traceId"] = Value::Null;
    body
}

#[test]
fn the_openapi_document_is_as_it_was_reviewed() {
    insta::assert_json_snapshot!(plimsoll_api_rest::openapi());
}

#[tokio::test]
async fn an_app_its_releases_and_its_document_are_shown() {
    let fixture = Fixture::with_shop().await;
    let app = fixture.ok("GET", SHOP, None).await;
    assert_eq!(app.headers["etag"], app.body["etag"].as_str().unwrap_or_default());
    for list in ["/v1/apps", "/v1/namespaces/demo/apps"] {
        assert_eq!(fixture.ok("GET", list, None).await.body, json!({"items": [app.body]}));
    }
    let releases = fixture.ok("GET", &format!("{SHOP}/history"), None).await.body;
    let document = fixture.ok("GET", &format!("{SHOP}/releases/1"), None).await.body;
    let unchanged = fixture.ok("POST", &format!("{SHOP}/diff"), Some(document.clone())).await.body;
    assert_eq!(unchanged, json!({"release": 1, "changes": [], "notes": []}));
    let mut other = document;
    other["spec"]["env"] = json!({"A": "1"});
    let changed = fixture.ok("POST", &format!("{SHOP}/diff"), Some(other)).await.body;
    let operations = fixture.ok("GET", &format!("{SHOP}/operations"), None).await.body;
    assert_eq!(fixture.ok("GET", "/v1/operations?namespace=demo&app=shop", None).await.body, operations);
    assert_eq!(fixture.ok("GET", "/v1/operations", None).await.body, operations);
    insta::assert_json_snapshot!([app.body, releases, changed, operations]);
}

#[tokio::test]
async fn a_change_that_takes_time_says_where_its_operation_is() {
    let fixture = Fixture::with_shop().await;
    let mut document = mk_document("demo", "shop");
    document["spec"]["env"] = json!({"A": "1"});
    let answer = fixture.ok("PUT", &format!("{SHOP}?requestId=upgrade&reason=sale"), Some(document)).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let place = answer.headers["location"].to_str().unwrap_or_default().to_owned();
    let operation = fixture.ok("GET", &place, None).await.body;
    assert_eq!(operation, answer.body["operation"]);
    insta::assert_json_snapshot!(answer.body);
}

#[tokio::test]
async fn what_has_nothing_to_do_answers_at_once_and_says_why() {
    let fixture = Fixture::with_shop().await;
    let mut told = Vec::new();
    let verbs = [
        ("scale", Some(json!({"replicas": 5, "dataCenters": ["dc-2"]}))),
        ("restart", None),
        ("offline", None),
        ("online", Some(json!({}))),
        ("unpin", None),
    ];
    for (verb, body) in verbs {
        let answer = fixture.ok("POST", &format!("{SHOP}/{verb}?requestId={verb}"), body).await;
        told.push((verb, answer.status.as_u16(), answer.body));
    }
    let answer = fixture.ok("DELETE", &format!("{SHOP}?requestId=delete"), None).await;
    told.push(("delete", answer.status.as_u16(), answer.body));
    insta::assert_json_snapshot!(told);
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer_and_another_request_under_its_id_is_refused() {
    let fixture = Fixture::with_shop().await;
    let scale = |replicas: u32| Some(json!({"replicas": replicas}));
    let first = fixture.ok("POST", &format!("{SHOP}/scale?requestId=one"), scale(4)).await;
    let again = fixture.ok("POST", &format!("{SHOP}/scale?requestId=one"), scale(4)).await;
    assert_eq!((first.status, first.body), (again.status, again.body));
    let other =
        fixture.call(Some("operator"), "POST", &format!("{SHOP}/scale?requestId=one"), scale(5)).await;
    assert_eq!(other.status, StatusCode::CONFLICT);
    insta::assert_json_snapshot!(problem(&other));
}

#[tokio::test]
async fn of_two_who_saw_the_same_one_is_told_who_was_faster() {
    let fixture = Fixture::with_shop().await;
    let etag = fixture.ok("GET", SHOP, None).await.headers["etag"].clone();
    let scale = |who: &str, replicas: u32| {
        let request = Request::post(format!("{SHOP}/scale?requestId={who}")).header("if-match", etag.clone());
        let request = request
            .header("authorization", format!("Bearer {who}"))
            .header("content-type", "application/json");
        request.body(Body::from(json!({"replicas": replicas}).to_string())).unwrap_or_default()
    };
    assert!(fixture.send(scale("developer", 4)).await.status.is_success());
    let lost = fixture.send(scale("operator", 5)).await;
    assert_eq!(lost.status, StatusCode::PRECONDITION_FAILED);
    insta::assert_json_snapshot!(problem(&lost));
}

#[tokio::test]
async fn what_is_only_validated_changes_nothing() {
    let fixture = Fixture::with_shop().await;
    let before = fixture.ok("GET", SHOP, None).await.body;
    let answer = fixture.ok("DELETE", &format!("{SHOP}?requestId=x&validateOnly=true"), None).await;
    assert_eq!((answer.status, &answer.body["operation"]), (StatusCode::OK, &Value::Null));
    assert_eq!(fixture.ok("GET", SHOP, None).await.body, before);
}

#[tokio::test]
async fn the_path_says_which_app_a_document_is_of() {
    let fixture = Fixture::with_shop().await;
    let mut document = mk_document("demo", "shop");
    document["metadata"] = json!({});
    fixture.ok("PUT", &format!("{SHOP}?requestId=a"), Some(document)).await;
    let other = mk_document("demo", "till");
    let answer = fixture.call(Some("operator"), "PUT", &format!("{SHOP}?requestId=b"), Some(other)).await;
    insta::assert_json_snapshot!(problem(&answer));
}

#[tokio::test]
async fn faults_and_golden_rules_are_told_in_one_problem() {
    let fixture = Fixture::with_shop().await;
    let apply = format!("{SHOP}?requestId=both");
    let told = async |change: fn(&mut serde_json::Value)| {
        let mut document = mk_document("demo", "shop");
        change(&mut document["spec"]);
        let answer = fixture.call(Some("operator"), "PUT", &apply, Some(document)).await;
        let violations = answer.body["violations"].as_array().unwrap();
        let places: Vec<_> = violations.iter().map(|v| json!([v["path"], v["rule"]])).collect();
        json!([answer.status.as_u16(), answer.body["kind"], answer.body["metadata"]["goldenRules"], places])
    };
    let both = told(|spec| {
        spec["grade"] = json!("golden");
        spec["scale"] = json!({"replicas": 1});
        spec["probes"]["liveness"] = json!(null);
    });
    assert_eq!(
        both.await,
        json!([
            422,
            "Invalid",
            "liveness-probe,min-replicas",
            [
                ["spec.grade", null],
                ["spec.probes.liveness", "liveness-probe"],
                ["spec.scale.replicas", "min-replicas"],
            ]
        ])
    );
    let rules = told(|spec| spec["scale"] = json!({"replicas": 1}));
    assert_eq!(
        rules.await,
        json!([409, "Refused", "min-replicas", [["spec.scale.replicas", "min-replicas"]]])
    );
    let everywhere = told(|spec| spec["user"] = json!(0));
    assert_eq!(everywhere.await, json!([422, "Invalid", "non-root", [["spec.user", "non-root"]]]));
}

#[tokio::test]
async fn every_error_is_a_problem() {
    let fixture = Fixture::with_shop().await;
    let apply = format!("{SHOP}?requestId=x");
    let mut told = Vec::new();
    for (method, path, content_type, body) in [
        ("GET", "/v1/nothing", "", ""),
        ("GET", "/v2", "", ""),
        ("PATCH", SHOP, "", ""),
        ("POST", "/healthz", "", ""),
        ("GET", "/v1/namespaces/demo/apps/absent", "", ""),
        ("GET", "/v1/namespaces/Demo/apps/-", "", ""),
        ("GET", "/v1/namespaces/%ff/apps/shop", "", ""),
        ("GET", "/v1/operations/7", "", ""),
        ("GET", "/v1/operations?app=shop", "", ""),
        ("GET", "/v1/apps?pageSize=many", "", ""),
        ("GET", "/v1/apps?pagesize=3", "", ""),
        ("GET", "/v1/apps?pageSize=3&pageSize=4", "", ""),
        ("GET", "/v1/apps?pageToken=%2e%2e", "", ""),
        ("GET", "/v1/apps?token=secret", "", ""),
        ("PUT", SHOP, "application/json", "{}"),
        ("PUT", &format!("{SHOP}?requestId=x&validateonly=true"), "application/json", "{}"),
        ("PUT", &format!("{SHOP}?requestId=x&validateOnly=yes"), "application/json", "{}"),
        ("PUT", &apply, "application/yaml", "a: b"),
        ("PUT", &apply, "", ""),
        ("PUT", &apply, "application/json", "{\"a\": 1, \"a\": 2}"),
        ("PUT", &apply, "application/json", "{"),
        ("POST", &format!("{SHOP}/scale?requestId=x"), "application/json", "{\"replica\": 1}"),
        (
            "POST",
            &format!("{SHOP}/scale?requestId=x"),
            "application/json",
            "{\"autoscale\": {\"min\": \"1\"}}",
        ),
        ("POST", &format!("{SHOP}/rollback?requestId=x"), "application/json", "{\"to\": 0}"),
        ("POST", &format!("{SHOP}/restart?requestId=x"), "application/json", "{\"now\": true}"),
        ("POST", "/v1/operations/0199f3a0-0000-7000-8000-000000000001/wait?timeout=2h", "", ""),
        ("GET", "/readyz", "", ""),
    ] {
        let mut request =
            Request::builder().method(method).uri(path).header("authorization", "Bearer operator");
        if !content_type.is_empty() {
            request = request.header("content-type", content_type);
        }
        let answer = fixture.send(request.body(Body::from(body.to_owned())).unwrap_or_default()).await;
        let allow = answer.headers.get("allow").and_then(|allow| allow.to_str().ok()).map(str::to_owned);
        told.push((format!("{method} {path} {body}"), allow, problem(&answer)));
    }
    let told_text = format!("{told:?}");
    assert!(!told_text.contains("canary"), "{told_text}");
    insta::assert_json_snapshot!(told);
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused() {
    let fixture = Fixture::with_shop().await;
    let long = " ".repeat(plimsoll_api_rest::MAX_BODY + 1);
    let request = Request::put(format!("{SHOP}?requestId=x")).header("authorization", "Bearer operator");
    let request =
        request.header("content-type", "application/json").body(Body::from(long)).unwrap_or_default();
    let answer = fixture.send(request).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(problem(&answer)["reason"], "BODY_TOO_LARGE");
}

#[tokio::test]
async fn a_panic_is_an_internal_error_and_its_message_stays_here() {
    let fixture = Fixture::new().await;
    let body = json!({"name": "dc-3", "kubeconfig": "panic"});
    let answer = fixture.call(Some("operator"), "POST", "/v1/datacenters?requestId=x", Some(body)).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!answer.body.to_string().contains("canary"));
    insta::assert_json_snapshot!(problem(&answer));
}

#[tokio::test]
async fn an_installation_is_set_up_from_nothing() {
    let fixture = Fixture::over(plimsoll_fixture::bare());
    let unnamed = fixture.call(Some("viewer"), "GET", "/v1/installation", None).await;
    assert_eq!(unnamed.status, StatusCode::CONFLICT);
    let init = json!({"id": "prod", "name": "Production", "environment": "Production"});
    let dc = json!({"name": "dc-1", "kubeconfig": "uid-of-dc-1"});
    let mut told = vec![unnamed.body["reason"].clone()];
    for (path, body) in
        [("/v1/installation", init), ("/v1/datacenters", dc), ("/v1/namespaces", json!({"name": "demo"}))]
    {
        // Each is repeated without harm.
        let place = format!("{path}?requestId={}", path.replace('/', "-"));
        let first = fixture.ok("POST", &place, Some(body.clone())).await;
        assert_eq!(first.status, StatusCode::CREATED);
        assert_eq!(fixture.ok("POST", &place, Some(body)).await.body, first.body);
        told.push(fixture.ok("GET", path, None).await.body);
    }
    insta::assert_json_snapshot!(told);
}

#[tokio::test]
async fn who_sets_something_up_may_repeat_the_request_and_use_its_id_for_nothing_else() {
    let fixture = Fixture::over(plimsoll_fixture::bare());
    let init = |name: &str| json!({"id": "prod", "name": name, "environment": "Production"});
    let dc = |name: &str| json!({"name": name, "kubeconfig": format!("uid-of-{name}")});
    let namespace = |name: &str| json!({"name": name});
    for (path, one, other) in [
        ("/v1/installation", init("One"), init("Other")),
        ("/v1/datacenters", dc("dc-1"), dc("dc-2")),
        ("/v1/namespaces", namespace("one"), namespace("other")),
    ] {
        let place = format!("{path}?requestId=id-of{}", path.replace('/', "-"));
        let checked = fixture.ok("POST", &format!("{place}&validateOnly=true"), Some(one.clone())).await;
        let first = fixture.ok("POST", &place, Some(one.clone())).await.body;
        let mut checked = checked.body;
        if let Some(etag) = checked.get_mut("etag") {
            // It is of what is written.
            *etag = first["etag"].clone();
        }
        assert_eq!(checked, first, "what is only checked says what would be there");
        assert_eq!(fixture.ok("POST", &place, Some(one.clone())).await.body, first);

        let refused = fixture.call(Some("operator"), "POST", &place, Some(other)).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{path}");
        assert_eq!(refused.body["reason"], "REQUEST_ID_REUSED");
        // Under another id it is another request, for something that is there.
        let again = format!("{path}?requestId=another-id-of{}", path.replace('/', "-"));
        assert_eq!(fixture.ok("POST", &again, Some(one)).await.body, first);
    }
    // Verbs on Apps and those on the installation have their ids in common.
    let apply = format!("{SHOP}?requestId=id-of-v1-namespaces").replace("/demo/", "/one/");
    let refused = fixture.call(Some("operator"), "PUT", &apply, Some(mk_document("one", "shop"))).await;
    assert_eq!(refused.body["reason"], "REQUEST_ID_REUSED");
    let names = |page: Value| -> Vec<Value> {
        page["items"].as_array().into_iter().flatten().map(|item| item["name"].clone()).collect()
    };
    assert_eq!(names(fixture.ok("GET", "/v1/datacenters", None).await.body), ["dc-1"]);
    assert_eq!(names(fixture.ok("GET", "/v1/namespaces", None).await.body), ["one"]);
    assert_eq!(fixture.ok("GET", "/v1/installation", None).await.body["name"], "One");
}

#[tokio::test]
async fn what_is_only_checked_is_not_set_up() {
    let fixture = Fixture::over(plimsoll_fixture::bare());
    let init = json!({"id": "prod", "name": "Production", "environment": "Production"});
    fixture.ok("POST", "/v1/installation?requestId=x&validateOnly=true", Some(init)).await;
    let unnamed = fixture.call(Some("viewer"), "GET", "/v1/installation", None).await;
    assert_eq!(unnamed.body["reason"], "NOT_INITIALIZED");
}

#[tokio::test]
async fn lists_are_paged_by_a_token() {
    let fixture = Fixture::with_shop().await;
    for name in ["bakery", "cinema"] {
        let place = format!("/v1/namespaces/demo/apps/{name}?requestId={name}");
        fixture.ok("PUT", &place, Some(mk_document("demo", name))).await;
    }
    let names = |page: &Value| -> Vec<Value> {
        page["items"].as_array().into_iter().flatten().map(|app| app["name"].clone()).collect()
    };
    let first = fixture.ok("GET", "/v1/apps?pageSize=2", None).await.body;
    let token = first["nextPageToken"].as_str().unwrap_or_default();
    let second = fixture.ok("GET", &format!("/v1/apps?pageSize=2&pageToken={token}"), None).await.body;
    assert_eq!(
        (names(&first), names(&second)),
        (vec![json!("bakery"), json!("cinema")], vec![json!("shop")])
    );
    assert_eq!(second["nextPageToken"], Value::Null);
}

#[tokio::test]
async fn every_list_is_paged_and_refuses_what_is_no_token_of_it() {
    let fixture = Fixture::with_shop().await;
    fixture.ok("POST", "/v1/namespaces?requestId=other", Some(json!({"name": "a-second"}))).await;
    let namespaces = fixture.ok("GET", "/v1/namespaces?pageSize=1", None).await.body;
    let of_namespaces = namespaces["nextPageToken"].as_str().unwrap_or_default();
    assert!(!of_namespaces.is_empty(), "{namespaces}");
    let openapi = fixture.ok("GET", "/openapi.json", None).await.body;
    let paths = openapi["paths"].as_object().unwrap();
    let is_list = |path: &Value| path["get"]["operationId"].as_str().is_some_and(|id| id.starts_with("list"));
    let lists: Vec<String> = paths
        .iter()
        .filter(|(_, path)| is_list(path))
        .map(|(path, _)| path.replace("{namespace}", "demo").replace("{app}", "shop"))
        .map(|path| path.replace("{host}", "qa.example.com"))
        .map(|path| if path.ends_with("/tags") { format!("{path}?repository=shop/web&") } else { path + "?" })
        .collect();
    assert_eq!(lists.len(), 10, "{lists:?}");
    for list in lists {
        let items = fixture.ok("GET", &format!("{list}pageSize=1"), None).await.body["items"].clone();
        assert!(items.as_array().is_some_and(|items| items.len() < 2), "{list}: {items}");
        let mut refused =
            vec![("pageToken", "pageToken=shop".to_owned()), ("pageSize", "pageSize=0".to_owned())];
        if list != "/v1/namespaces?" {
            refused.push(("pageToken", format!("pageToken={of_namespaces}")));
        }
        for (field, query) in refused {
            let answer = fixture.call(Some("viewer"), "GET", &format!("{list}{query}"), None).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{list} {query}");
            assert_eq!(problem(&answer)["violations"][0]["path"], field, "{list} {query}");
        }
    }
}

#[tokio::test]
async fn a_watch_begins_with_the_present_and_ends_with_the_end() {
    let fixture = Fixture::with_shop().await;
    let first = fixture.ok("GET", SHOP, None).await.body["operation"].clone();
    let first = first.as_str().unwrap_or_default();
    // A second publish takes the place of the first, which has its end by that.
    let mut document = mk_document("demo", "shop");
    document["spec"]["env"] = json!({"A": "1"});
    fixture.ok("PUT", &format!("{SHOP}?requestId=second"), Some(document)).await;
    let stream = fixture.ok("GET", &format!("/v1/operations/{first}/watch"), None).await;
    assert_eq!(stream.headers["content-type"], "text/event-stream");
    insta::assert_snapshot!(stream.body.as_str().unwrap_or_default());
    let waited = fixture.ok("POST", &format!("/v1/operations/{first}/wait"), None).await.body;
    assert_eq!(waited["state"], "Superseded");
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_in_time_while_the_operation_goes_on() {
    let fixture = Fixture::with_shop().await;
    let running = fixture.ok("GET", SHOP, None).await.body["operation"].clone();
    let path = format!("/v1/operations/{}/wait?timeout=5m", running.as_str().unwrap_or_default());
    let answer = fixture.call(Some("viewer"), "POST", &path, None).await;
    assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(problem(&answer)["reason"], "OPERATION_RUNNING");
}

#[tokio::test]
async fn the_callers_trace_is_kept() {
    let fixture = Fixture::new().await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request =
        Request::get("/v1/nothing").header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"));
    let answer = fixture.send(request.body(Body::empty()).unwrap_or_default()).await;
    assert_eq!(
        (&answer.body["traceId"], &answer.headers["x-trace-id"]),
        (&json!(trace), &trace.parse().unwrap())
    );
}
