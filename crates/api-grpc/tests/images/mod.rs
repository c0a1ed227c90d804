//! Registries and images as a client of gRPC sees them.

use serde_json::json;

use crate::fixture::{Failed, Fixture, options};

#[tokio::test]
async fn registries_and_images_are_shown() {
    let fixture = Fixture::new().await;
    let web = json!({"image": "qa.example.com/shop/web:1.0"});
    let mut told = Vec::new();
    for (method, request) in [
        ("ProbeRegistry", json!({"host": "qa.example.com", "options": options("probe")})),
        ("ListRegistries", json!({})),
        ("ListRepositories", json!({"host": "qa.example.com", "prefix": "shop", "page": {"pageSize": 1}})),
        ("ListRepositories", json!({"host": "dc-1.example.com"})),
        ("ListTags", json!({"host": "qa.example.com", "repository": "shop/web"})),
        ("GetImage", web.clone()),
        ("LocateImage", web),
    ] {
        told.push(json!({"method": method, "answer": fixture.ok(method, request).await}));
    }
    insta::assert_yaml_snapshot!(told);
}

#[tokio::test]
async fn what_cannot_be_asked_is_told_with_its_code() {
    const INVALID_ARGUMENT: i32 = 3;
    const NOT_FOUND: i32 = 5;
    const UNAVAILABLE: i32 = 14;
    let fixture = Fixture::new().await;
    for (method, request, code, words) in [
        ("ListTags", json!({"host": "", "repository": "Web"}), INVALID_ARGUMENT, "the request has faults"),
        ("ListRepositories", json!({"host": "qa.example.com", "prefix": "a//b"}), INVALID_ARGUMENT, "faults"),
        (
            "ListRepositories",
            json!({"host": "elsewhere.example.com"}),
            INVALID_ARGUMENT,
            "none of the registries",
        ),
        ("ListRepositories", json!({"host": "dc-2.example.com"}), UNAVAILABLE, "does not answer"),
        ("GetImage", json!({"image": "qa.example.com/shop/web"}), INVALID_ARGUMENT, "the request has faults"),
        ("GetImage", json!({"image": "qa.example.com/shop/web:9"}), NOT_FOUND, "there is no"),
        (
            "RemoveImage",
            json!({"image": "qa.example.com/shop/web:1.0", "options": options("tag")}),
            INVALID_ARGUMENT,
            "the request has faults",
        ),
    ] {
        let failed = fixture.call(Some("operator"), method, request).await.expect_err(method);
        assert!(failed.code == code && failed.message.contains(words), "{method}: {failed:?}");
    }
    let image = format!("qa.example.com/shop/web@{}", plimsoll_fixture::image("shop/web", "1.0"));
    let remove = |request: &str| json!({"image": image, "options": options(request)});
    let removed = fixture.ok("RemoveImage", remove("one")).await;
    assert_eq!(fixture.ok("RemoveImage", remove("one")).await, removed);
    let Failed { code, .. } = fixture.call(Some("operator"), "RemoveImage", remove("two")).await.unwrap_err();
    assert_eq!(code, NOT_FOUND);
}
