use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ApiResource, DeleteParams, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams};
use kube::discovery::Discovery;
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

use crate::support::{created, mk_cluster, refusal, until};

fn definition() -> Value {
    json!({
        "metadata": {"name": "apps.dc.example.io"},
        "spec": {
            "group": "dc.example.io",
            "names": {"kind": "App", "plural": "apps"},
            "scope": "Namespaced",
            "versions": [{
                "name": "v1alpha1",
                "served": true,
                "storage": true,
                "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {
                    "type": "object",
                    "properties": {
                        "spec": {
                            "type": "object",
                            "x-kubernetes-validations": [
                                {"rule": "self.fence >= oldSelf.fence", "message": "the fence never falls"},
                            ],
                            "properties": {
                                "fence": {"type": "integer"},
                                "mode": {"type": "string", "default": "plain"},
                            },
                        },
                        "status": {"type": "object", "properties": {"ready": {"type": "boolean"}}},
                    },
                }},
            }],
        },
    })
}

fn apps(client: &Client) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("dc.example.io", "v1alpha1", "App");
    Api::default_namespaced_with(client.clone(), &ApiResource::from_gvk_with_plural(&kind, "apps"))
}

async fn define(client: &Client) -> Api<CustomResourceDefinition> {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    created(&definitions, definition()).await;
    until(&definitions, "apps.dc.example.io", |found| {
        let conditions = found.and_then(|found| found.status.as_ref()?.conditions.as_ref());
        conditions.is_some_and(|list| list.iter().any(|c| c.type_ == "Established" && c.status == "True"))
    })
    .await;
    definitions
}

fn mk_app(fence: i64) -> DynamicObject {
    let app = json!({
        "apiVersion": "dc.example.io/v1alpha1",
        "kind": "App",
        "metadata": {"name": "shop"},
        "spec": {"fence": fence, "unknown": 1},
        "status": {"ready": true},
    });
    serde_json::from_value(app).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_custom_resource_is_not_found_before_it_is_defined() {
    let cluster = mk_cluster().await;
    let status = refusal(apps(&cluster.client()).get("shop").await);
    assert_eq!((status.code, status.message.trim()), (404, "404 page not found"));
}

#[tokio::test(start_paused = true)]
async fn a_custom_resource_is_pruned_defaulted_and_held_to_its_rules() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    define(&client).await;
    let api = apps(&client);
    let made = api.create(&PostParams::default(), &mk_app(3)).await.unwrap();
    assert_eq!(made.data["spec"], json!({"fence": 3, "mode": "plain"}));
    assert_eq!(made.data.get("status"), None, "status is written through its subresource alone");
    assert_eq!(made.metadata.generation, Some(1));

    let lower = json!({"spec": {"fence": 2}});
    let status = refusal(api.patch("shop", &PatchParams::default(), &Patch::Merge(&lower)).await);
    assert_eq!((status.code, status.reason.as_str()), (422, "Invalid"));
    assert!(status.message.contains("the fence never falls"), "{}", status.message);

    let mut blind = mk_app(4);
    let status = refusal(api.replace("shop", &PostParams::default(), &blind).await);
    assert!(status.message.contains("metadata.resourceVersion"), "{}", status.message);
    blind.metadata.resource_version = made.resource_version();
    blind.metadata.uid = made.uid();
    let replaced = api.replace("shop", &PostParams::default(), &blind).await.unwrap();
    assert_eq!(replaced.metadata.generation, Some(2));

    let ready = json!({"status": {"ready": true}, "spec": {"fence": 9}});
    let patched = api.patch_status("shop", &PatchParams::default(), &Patch::Merge(&ready)).await.unwrap();
    assert_eq!(patched.data["status"]["ready"], true);
    assert_eq!(patched.data["spec"]["fence"], 4, "a status write leaves the spec alone");
    assert_eq!(patched.metadata.generation, Some(2));
}

#[tokio::test(start_paused = true)]
async fn discovery_shows_a_defined_resource_in_both_forms() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    define(&client).await;
    let kind = GroupVersionKind::gvk("dc.example.io", "v1alpha1", "App");
    for discovery in [
        Discovery::new(client.clone()).run().await.unwrap(),
        Discovery::new(client.clone()).run_aggregated().await.unwrap(),
    ] {
        let (resource, capabilities) = discovery.resolve_gvk(&kind).unwrap();
        assert_eq!(resource.plural, "apps");
        assert!(capabilities.supports_operation("watch"));
        assert!(discovery.resolve_gvk(&GroupVersionKind::gvk("apps", "v1", "Deployment")).is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_deleted_definition_takes_its_objects_with_it() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    let definitions = define(&client).await;
    apps(&client).create(&PostParams::default(), &mk_app(1)).await.unwrap();
    definitions.delete("apps.dc.example.io", &DeleteParams::default()).await.unwrap();
    until(&definitions, "apps.dc.example.io", |found| found.is_none()).await;
    assert_eq!(refusal(apps(&client).get("shop").await).code, 404);
    define(&client).await;
    assert!(apps(&client).get_opt("shop").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_custom_resource_has_no_protobuf() {
    let cluster = mk_cluster().await;
    define(&cluster.client()).await;
    let path = "/apis/dc.example.io/v1alpha1/namespaces/default/apps";
    let request = http::Request::post(path).header("content-type", "application/vnd.kubernetes.protobuf");
    let answer = cluster.client().request::<Value>(request.body(b"k8s\0".to_vec()).unwrap()).await;
    let status = refusal(answer);
    assert_eq!((status.code, status.reason.as_str()), (415, "UnsupportedMediaType"));
    assert!(status.message.ends_with("include: application/json, application/yaml"), "{}", status.message);
}
