//! Every route and method of the OpenAPI document: without a token, and with one that may not.

#[cfg(test)]
mod fixture;

use fixture::{Fixture, SHOP, mk_document};
use http::StatusCode;
use serde_json::{Value, json};

/// What asks for no token: a list that is reviewed, and never grows by accident.
const OPEN: [&str; 3] = ["/healthz", "/openapi.json", "/readyz"];

/// What only reads, though it is a POST.
const READING_POSTS: [&str; 2] = ["/v1/namespaces/{namespace}/apps/{app}/diff", "/v1/operations/{id}/wait"];

/// Each method of each path in the document.
fn routes() -> Vec<(String, String)> {
    let document = serde_json::to_value(plimsoll_api_rest::openapi()).unwrap_or_default();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in item.as_object().into_iter().flatten().map(|(method, _)| method.to_uppercase()) {
            routes.push((method, path.clone()));
        }
    }
    assert!(routes.len() > 20, "{routes:?}");
    routes
}

fn is_write(method: &str, path: &str) -> bool {
    method != "GET" && !READING_POSTS.contains(&path)
}

/// The path with names in it, of an App that is there or of one that is not.
fn concrete(path: &str, app: &str) -> String {
    path.replace("{namespace}", "demo")
        .replace("{app}", app)
        .replace("{number}", "1")
        .replace("{dc}", "dc-1")
        .replace("{host}", "qa.example.com")
        .replace("{id}", "0199f3a0-0000-7000-8000-000000000001")
}

/// What a route cannot do without in its query.
fn query(path: &str) -> &'static str {
    match path {
        "/v1/registries/{host}/tags" => "&repository=shop/web",
        "/v1/images" | "/v1/images/whereabouts" => concat!(
            "&image=qa.example.com/shop/web@",
            "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
        ),
        _ => "",
    }
}

/// A body that the route takes.
fn body(method: &str, path: &str, app: &str) -> Option<Value> {
    let last = path.rsplit('/').next().unwrap_or_default();
    match (method, last) {
        ("PUT", "{app}") | ("POST", "diff") => Some(mk_document("demo", app)),
        ("POST", "scale") => Some(json!({"replicas": 4})),
        ("POST", "installation") => Some(json!({"id": "test", "name": "Test", "environment": "Production"})),
        ("POST", "datacenters") => Some(json!({"name": "dc-3", "kubeconfig": "uid-of-dc-3"})),
        ("POST", "namespaces") => Some(json!({"name": "other"})),
        ("PUT", "policy") => Some(json!({"grades": []})),
        ("POST", "copy") => Some(json!({"image": "registry.example.com/shop/web:1.4"})),
        ("POST", "sync") => Some(json!({"repository": "registry.example.com/shop/web"})),
        ("POST", "verify") => Some(json!({"subject": "registry.example.com/shop/web:1.4"})),
        _ => None,
    }
}

#[tokio::test]
async fn every_route_asks_who_calls_before_anything_else() {
    let fixture = Fixture::with_shop().await;
    for (method, path) in routes() {
        if OPEN.contains(&path.as_str()) {
            continue;
        }
        for who in [None, Some(""), Some(" "), Some("nobody")] {
            // The query and the body are wrong as well, which nobody is told who is not known.
            let answer = fixture.call(who, &method, &format!("{}?x=y", concrete(&path, "shop")), None).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path} as {who:?}");
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
            assert_eq!(answer.body["reason"], "UNAUTHENTICATED");
        }
    }
}

#[tokio::test]
async fn what_is_open_is_as_it_was_reviewed() {
    let fixture = Fixture::new().await;
    for path in OPEN {
        let status = fixture.call(None, "GET", path, None).await.status;
        assert_ne!(status, StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[tokio::test]
async fn a_viewer_may_write_nothing_and_learns_nothing_from_being_refused() {
    let fixture = Fixture::with_shop().await;
    let before = fixture.ok("GET", SHOP, None).await.body;
    for (method, path) in routes() {
        if !is_write(&method, &path) {
            continue;
        }
        let mut answers = Vec::new();
        for app in ["shop", "absent"] {
            let place = format!("{}?requestId=viewer{}", concrete(&path, app), query(&path));
            let mut answer = fixture.call(Some("viewer"), &method, &place, body(&method, &path, app)).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {place}: {answer:?}");
            answer.body["traceId"] = Value::Null;
            answers.push(answer.body);
        }
        assert_eq!(answers[0], answers[1], "{method} {path}");
    }
    assert_eq!(fixture.ok("GET", SHOP, None).await.body, before);
}

#[tokio::test]
async fn a_developer_may_not_change_the_installation() {
    let fixture = Fixture::with_shop().await;
    for (method, path) in [
        ("POST", "/v1/installation"),
        ("POST", "/v1/datacenters"),
        ("POST", "/v1/namespaces"),
        ("PUT", "/v1/policy"),
        ("POST", "/v1/registries/qa.example.com/probe"),
        ("DELETE", "/v1/images"),
    ] {
        let place = format!("{path}?requestId=developer{}", query(path));
        let answer = fixture.call(Some("developer"), method, &place, body(method, path, "")).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn a_viewer_may_look_at_everything() {
    let fixture = Fixture::with_shop().await;
    let operation = fixture.ok("GET", SHOP, None).await.body["operation"].clone();
    for (method, path) in routes() {
        // A running Operation is waited for and watched for ever; other tests do that.
        if is_write(&method, &path) || path.contains("{id}/") || OPEN.contains(&path.as_str()) {
            continue;
        }
        let place = path.replace("{id}", operation.as_str().unwrap_or_default());
        let mut place = concrete(&place, "shop");
        // The image of the query is of nobody: what is asked for here is one that is there.
        if path == "/v1/images" || path == "/v1/images/whereabouts" {
            place.push_str("?image=qa.example.com/shop/web:1.0");
        } else if !query(&path).is_empty() {
            place = format!("{place}?{}", query(&path).trim_start_matches('&'));
        }
        let answer = fixture.call(Some("viewer"), &method, &place, body(&method, &path, "shop")).await;
        assert_eq!(answer.status, StatusCode::OK, "{method} {place}: {answer:?}");
    }
}
