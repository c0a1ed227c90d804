//! The services as a client sees them.

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod images;

use fixture::{Failed, Fixture, mk_document, mk_request, options, shop, with_shop};
use prost_reflect::MethodDescriptor;
use serde_json::{Value, json};

const UNAUTHENTICATED: i32 = 16;
const PERMISSION_DENIED: i32 = 7;

#[tokio::test]
async fn every_method_asks_who_calls_before_anything_else() {
    let fixture = Fixture::new().await;
    for method in fixture.methods() {
        for authorization in
            [None, Some("Bearer "), Some("Bearer nobody"), Some("Basic operator"), Some("operator")]
        {
            let answer = fixture.call_with(authorization, method.name(), json!({})).await;
            let code = answer.expect_err(method.name()).code;
            assert_eq!(code, UNAUTHENTICATED, "{} with {authorization:?}", method.name());
        }
    }
}

#[tokio::test]
async fn a_viewer_may_write_nothing_and_learns_nothing_from_being_refused() {
    let fixture = with_shop().await;
    let is_write = |name: &str| fixture.method(name).input().get_field_by_name("options").is_some();
    let writes: Vec<_> = fixture.methods().into_iter().filter(|method| is_write(method.name())).collect();
    assert_eq!(writes.len(), 22, "a new write is covered by itself; say here that there is one");
    for method in writes {
        let mut answers = Vec::new();
        for app in [shop(), json!({"namespace": "demo", "name": "absent"})] {
            let request = mk_request(&fixture, method.name(), &app);
            answers
                .push(fixture.call(Some("viewer"), method.name(), request).await.expect_err(method.name()));
        }
        assert_eq!(answers[0].code, PERMISSION_DENIED, "{}", method.name());
        assert_eq!(answers[0], answers[1], "{}", method.name());
    }
}

#[tokio::test]
async fn a_viewer_may_look_at_everything() {
    let fixture = with_shop().await;
    let operation = fixture.ok("GetApp", json!({"app": shop()})).await["app"]["operation"].clone();
    for method in fixture.methods() {
        let is_write = method.input().get_field_by_name("options").is_some();
        if is_write || method.name() == "WaitOperation" || method.name() == "WatchOperation" {
            continue;
        }
        let mut request = mk_request(&fixture, method.name(), &shop());
        if request.get("id").is_some() {
            request["id"] = operation.clone();
        }
        fixture
            .call(Some("viewer"), method.name(), request)
            .await
            .unwrap_or_else(|failed| panic!("{}: {failed:?}", method.name()));
    }
}

#[tokio::test]
async fn the_verbs_of_an_app_answer_what_they_started() {
    let fixture = with_shop().await;
    let accepted = |answer: &Value| {
        let operation = &answer["accepted"]["operation"];
        (operation["kind"].clone(), operation["state"].clone(), answer["accepted"]["notes"].clone())
    };
    let scaled =
        json!({"app": shop(), "options": options("scale"), "size": {"replicas": 5}, "dataCenters": ["dc-2"]});
    let mut told = vec![("ScaleApp", accepted(&fixture.ok("ScaleApp", scaled).await))];
    for method in ["RestartApp", "OfflineApp", "OnlineApp", "UnpinApp", "DeleteApp"] {
        let request = json!({"app": shop(), "options": options(method)});
        told.push((method, accepted(&fixture.ok(method, request).await)));
    }
    insta::assert_yaml_snapshot!(told);
}

#[tokio::test]
async fn an_app_its_releases_and_its_document_are_shown() {
    let fixture = with_shop().await;
    let app = fixture.ok("GetApp", json!({"app": shop()})).await;
    let apps = fixture.ok("ListApps", json!({"namespace": "demo"})).await;
    assert_eq!(apps["apps"], json!([app["app"]]));
    let releases = fixture.ok("ListReleases", json!({"app": shop()})).await;
    let document = fixture.ok("GetDocument", json!({"app": shop(), "release": 1})).await;
    let unchanged = fixture.ok("DiffApp", document.clone()).await;
    assert_eq!(unchanged["changes"], Value::Null);
    let mut other = document.clone();
    other["document"]["spec"]["env"] = json!({"A": "1"});
    let changed = fixture.ok("DiffApp", other).await;
    insta::assert_yaml_snapshot!(json!([app, releases, document, changed]));
}

#[tokio::test]
async fn lists_are_paged_by_a_token() {
    let fixture = with_shop().await;
    for name in ["bakery", "cinema"] {
        let apply = json!({"document": mk_document("demo", name), "options": options(name)});
        fixture.ok("ApplyApp", apply).await;
    }
    let first = fixture.ok("ListApps", json!({"page": {"pageSize": 2}})).await;
    let token = &first["nextPageToken"];
    let second = fixture.ok("ListApps", json!({"page": {"pageSize": 2, "pageToken": token}})).await;
    let names = |page: &Value| -> Vec<Value> {
        page["apps"].as_array().unwrap().iter().map(|app| app["name"].clone()).collect()
    };
    assert_eq!(
        (names(&first), names(&second)),
        (vec![json!("bakery"), json!("cinema")], vec![json!("shop")])
    );
    assert_eq!(second["nextPageToken"], Value::Null);
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer_and_another_request_under_its_id_is_refused() {
    let fixture = with_shop().await;
    let restart = json!({"app": shop(), "options": options("one")});
    let first = fixture.ok("RestartApp", restart.clone()).await;
    assert_eq!(fixture.ok("RestartApp", restart.clone()).await, first);
    let other = fixture.call(Some("operator"), "OfflineApp", restart).await;
    assert_eq!(other.unwrap_err().code, 9);
}

/// What was only checked has no version yet.
fn without_etag(answer: &Value) -> Value {
    let mut answer = answer.clone();
    if let Some(dc) = answer.get_mut("dataCenter").and_then(Value::as_object_mut) {
        dc.remove("etag");
    }
    answer
}

#[tokio::test]
async fn an_installation_is_set_up_from_nothing_and_each_step_may_be_repeated() {
    const FAILED_PRECONDITION: i32 = 9;
    let fixture = Fixture::over(plimsoll_fixture::bare()).await;
    let init = json!({"id": "prod", "name": "Production", "environment": "ENVIRONMENT_PRODUCTION"});
    let dc = json!({"name": "dc-1", "kubeconfig": "uid-of-dc-1"});
    let mut told = Vec::new();
    for (method, request, other) in [
        ("Init", init, json!({"name": "Other"})),
        ("AddDataCenter", dc, json!({"name": "dc-2", "kubeconfig": "uid-of-dc-2"})),
        ("CreateNamespace", json!({"name": "demo"}), json!({"name": "other"})),
    ] {
        let with = |options: Value, changes: &Value| {
            let mut request = request.clone();
            request["options"] = options;
            request.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            request
        };
        let checked = json!({"requestId": method, "validateOnly": true});
        let checked = fixture.ok(method, with(checked, &json!({}))).await;
        let first = fixture.ok(method, with(options(method), &json!({}))).await;
        assert_eq!(without_etag(&checked), without_etag(&first));
        assert_eq!(fixture.ok(method, with(options(method), &json!({}))).await, first);
        let refused = fixture.call(Some("operator"), method, with(options(method), &other)).await;
        assert_eq!(refused.unwrap_err().code, FAILED_PRECONDITION, "{method}");
        told.push(first);
    }
    told.push(fixture.ok("GetInstallation", json!({})).await);
    told.push(fixture.ok("GetDataCenter", json!({"name": "dc-1"})).await);
    told.push(fixture.ok("GetNamespace", json!({"name": "demo"})).await);
    insta::assert_yaml_snapshot!(json!(told));
}

#[tokio::test]
async fn every_fault_of_a_setup_is_told_at_once() {
    let fixture = Fixture::over(plimsoll_fixture::bare()).await;
    let failed = fixture.call(Some("operator"), "Init", json!({})).await.unwrap_err();
    assert_eq!(failed.code, 3);
    let failed = fixture.call(Some("operator"), "GetDataCenter", json!({"name": "dc-9"})).await.unwrap_err();
    assert_eq!(failed.code, 5);
}

#[tokio::test]
async fn faults_and_golden_rules_are_told_in_one_status() {
    let fixture = fixture::with_shop().await;
    let mut document = mk_document("demo", "shop");
    document["spec"]["scale"] = json!({"replicas": 1});
    let apply = |document: &Value| json!({"document": document, "options": options("both")});
    let refused = fixture.call(Some("operator"), "ApplyApp", apply(&document)).await.unwrap_err();
    assert_eq!((refused.code, refused.message.as_str()), (9, "production refuses: 1 golden rule broken"));
    document["spec"]["grade"] = json!("golden");
    let invalid = fixture.call(Some("operator"), "ApplyApp", apply(&document)).await.unwrap_err();
    let said = "the document has 1 fault and breaks 1 golden rule";
    assert_eq!((invalid.code, invalid.message.as_str()), (3, said));
}

#[tokio::test]
async fn of_two_who_saw_the_same_one_is_told_who_was_faster() {
    let fixture = with_shop().await;
    let etag = fixture.ok("GetApp", json!({"app": shop()})).await["app"]["etag"].clone();
    let scale = |id: &str, replicas: u32| json!({"app": shop(), "options": {"requestId": id, "ifMatch": etag}, "size": {"replicas": replicas}});
    fixture.call(Some("developer"), "ScaleApp", scale("a", 4)).await.unwrap();
    let lost = fixture.call(Some("operator"), "ScaleApp", scale("b", 5)).await.unwrap_err();
    assert_eq!(lost.code, 10);
    assert!(lost.message.contains("developer changed demo/shop"), "{}", lost.message);
}

#[tokio::test]
async fn what_is_only_validated_changes_nothing() {
    let fixture = with_shop().await;
    let before = fixture.ok("GetApp", json!({"app": shop()})).await;
    let delete = json!({"app": shop(), "options": {"requestId": "x", "validateOnly": true}});
    let answer = fixture.ok("DeleteApp", delete).await;
    assert_eq!(answer["accepted"]["operation"], Value::Null);
    assert_eq!(fixture.ok("GetApp", json!({"app": shop()})).await, before);
}

#[tokio::test]
async fn every_list_is_paged_and_refuses_what_is_no_token_of_it() {
    let fixture = with_shop().await;
    let all = fixture.methods();
    let lists: Vec<&str> =
        all.iter().map(MethodDescriptor::name).filter(|name| name.starts_with("List")).collect();
    assert_eq!(lists.len(), 8, "{lists:?}");
    for list in lists {
        let request = |page: Value| match list {
            "ListReleases" => json!({"app": shop(), "page": page}),
            "ListRepositories" => json!({"host": "qa.example.com", "page": page}),
            "ListTags" => json!({"host": "qa.example.com", "repository": "shop/web", "page": page}),
            _ => json!({ "page": page }),
        };
        fixture.ok(list, request(json!({"pageSize": 1}))).await;
        let refused =
            fixture.call(Some("viewer"), list, request(json!({"pageToken": "shop"}))).await.unwrap_err();
        let message = "the page token is not one of this list".to_owned();
        assert_eq!(refused, Failed { code: 3, message }, "{list}");
    }
}

#[tokio::test]
async fn a_watch_begins_with_the_present_and_ends_with_the_end() {
    let fixture = with_shop().await;
    let first = fixture.ok("GetApp", json!({"app": shop()})).await["app"]["operation"].clone();
    // A second publish takes the place of the first, which has its end by that.
    let mut document = mk_document("demo", "shop");
    document["spec"]["env"] = json!({"A": "1"});
    fixture.ok("ApplyApp", json!({"document": document, "options": options("second")})).await;
    let messages = fixture.call(Some("viewer"), "WatchOperation", json!({"id": first})).await.unwrap();
    let states: Vec<_> = messages.iter().map(|message| message["operation"]["state"].clone()).collect();
    assert_eq!(states, ["OPERATION_STATE_SUPERSEDED"]);
    let waited = fixture.ok("WaitOperation", json!({"id": first})).await;
    assert_eq!(waited["operation"], messages[0]["operation"]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_in_time_while_the_operation_goes_on() {
    let fixture = with_shop().await;
    let running = fixture.ok("GetApp", json!({"app": shop()})).await["app"]["operation"].clone();
    let wait = json!({"id": running, "timeout": "5s"});
    let answer = fixture.call(Some("viewer"), "WaitOperation", wait).await;
    let message = "the operation goes on; wait again, or watch it".to_owned();
    assert_eq!(answer.unwrap_err(), Failed { code: 4, message });
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let fixture = with_shop().await;
    let absent = json!({"app": {"namespace": "demo", "name": "absent"}});
    for method in ["GetApp", "ListReleases", "GetDocument"] {
        let code = fixture.call(Some("viewer"), method, absent.clone()).await.expect_err(method).code;
        assert_eq!(code, 5, "{method}");
    }
}

#[tokio::test]
async fn reflection_and_health_ask_for_no_token() {
    use tonic_health::pb::health_client::HealthClient;
    use tonic_reflection::pb::v1::ServerReflectionRequest;
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

    let fixture = Fixture::new().await;
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers = ServerReflectionClient::new(fixture.router())
        .server_reflection_info(tokio_stream::once(request))
        .await
        .unwrap()
        .into_inner();
    let Some(MessageResponse::ListServicesResponse(list)) =
        answers.message().await.unwrap().unwrap().message_response
    else {
        panic!("no list of services");
    };
    let services: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    insta::assert_yaml_snapshot!(services);
    for service in ["", "plimsoll.v1.AppService"] {
        let request = tonic_health::pb::HealthCheckRequest { service: service.to_owned() };
        let answer = HealthClient::new(fixture.router()).check(request).await.unwrap();
        assert_eq!(answer.into_inner().status, 1, "{service:?}");
    }
}

/// What an error carries beside its message is found by name, as grpcurl looks for it.
#[tokio::test]
async fn reflection_knows_what_the_details_of_an_error_are_made_of() {
    use tonic_reflection::pb::v1::ServerReflectionRequest;
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

    let fixture = Fixture::new().await;
    for name in ["Status", "ErrorInfo", "BadRequest", "RetryInfo"] {
        let request = ServerReflectionRequest {
            host: String::new(),
            message_request: Some(MessageRequest::FileContainingSymbol(format!("google.rpc.{name}"))),
        };
        let mut answers = ServerReflectionClient::new(fixture.router())
            .server_reflection_info(tokio_stream::once(request))
            .await
            .unwrap()
            .into_inner();
        let answer = answers.message().await.unwrap().unwrap().message_response;
        assert!(matches!(answer, Some(MessageResponse::FileDescriptorResponse(_))), "{name}: {answer:?}");
    }
}

#[tokio::test]
async fn every_method_is_in_the_documentation() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/api.md");
    let documentation = std::fs::read_to_string(path).unwrap_or_default();
    for method in Fixture::new().await.methods() {
        let told = format!("| `{}` |", method.name());
        assert!(documentation.contains(&told), "docs/api.md lacks {told}");
    }
}
