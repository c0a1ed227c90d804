//! Clusters, objects and waiting.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Event, Pod};
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::core::Status;
use kube::{Api, Client, ResourceExt};
use plimsoll_sim_cluster::SimCluster;
use serde_json::{Value, json};

pub(crate) const LONG: Duration = Duration::from_mins(2);

pub(crate) async fn mk_cluster() -> SimCluster {
    SimCluster::builder().name("dc-1").seed(7).start().await.unwrap()
}

pub(crate) fn mk_config_map(name: &str) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name}, "data": {"a": "1"}})).unwrap()
}

pub(crate) fn mk_deployment(name: &str, replicas: i32, image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{
                    "name": "app",
                    "image": image,
                    "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 1},
                    "resources": {"requests": {"cpu": "100m", "memory": "32Mi"}},
                }]},
            },
        },
    })
}

/// Applies an object of any kind the client knows a type for.
pub(crate) async fn apply<K>(api: &Api<K>, object: &Value) -> kube::Result<K>
where
    K: Clone + serde::de::DeserializeOwned + std::fmt::Debug,
{
    let name = object["metadata"]["name"].as_str().unwrap();
    api.patch(name, &PatchParams::apply("test").force(), &Patch::Apply(object)).await
}

/// Waits until `done` holds for an object, which may be absent.
pub(crate) async fn until<K>(api: &Api<K>, name: &str, done: impl Fn(Option<&K>) -> bool) -> Option<K>
where
    K: Clone + serde::de::DeserializeOwned + std::fmt::Debug,
{
    let wait = async {
        loop {
            let found = api.get_opt(name).await.unwrap();
            if done(found.as_ref()) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let Ok(found) = tokio::time::timeout(LONG, wait).await else {
        panic!("not reached: {:?}", api.get_opt(name).await);
    };
    found
}

pub(crate) fn is_rolled_out(deployment: &Deployment) -> bool {
    let wanted = deployment.spec.replicas;
    let Some(status) = &deployment.status else { return false };
    let all = if wanted == Some(0) { None } else { wanted };
    status.observed_generation == deployment.metadata.generation
        && status.replicas == all
        && status.updated_replicas == all
        && status.available_replicas == all
}

pub(crate) async fn rolled_out(client: &Client, name: &str) -> Deployment {
    let api: Api<Deployment> = Api::default_namespaced(client.clone());
    until(&api, name, |found| found.is_some_and(is_rolled_out)).await.unwrap()
}

pub(crate) async fn pods(client: &Client) -> Vec<Pod> {
    Api::default_namespaced(client.clone()).list(&ListParams::default()).await.unwrap().items
}

pub(crate) async fn pod_names(client: &Client) -> Vec<String> {
    pods(client).await.iter().map(ResourceExt::name_any).collect()
}

pub(crate) async fn created<K>(api: &Api<K>, object: Value) -> K
where
    K: Clone + serde::de::DeserializeOwned + serde::Serialize + std::fmt::Debug,
{
    api.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap()
}

/// The `Status` of a refusal.
pub(crate) fn refusal<T: std::fmt::Debug>(outcome: kube::Result<T>) -> Status {
    match outcome {
        Err(kube::Error::Api(status)) => *status,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// Whether a pod has this text there.
pub(crate) fn reaches(pointer: &'static str, value: &'static str) -> impl Fn(Option<&Pod>) -> bool {
    move |pod| {
        pod.is_some_and(|pod| serde_json::to_value(pod).unwrap().pointer(pointer) == Some(&json!(value)))
    }
}

pub(crate) fn status_of(pod: &Pod) -> Value {
    serde_json::to_value(&pod.status).unwrap()
}

/// The events about an object, each as `type reason: message`, in the order of their first occurrence.
pub(crate) async fn events_of(client: &Client, name: &str) -> Vec<String> {
    let api: Api<Event> = Api::default_namespaced(client.clone());
    let about = ListParams::default().fields(&format!("involvedObject.name={name}"));
    let told = |event: Event| {
        let word = |text: Option<String>| text.unwrap_or_default();
        format!("{} {}: {}", word(event.type_), word(event.reason), word(event.message))
    };
    api.list(&about).await.unwrap().items.into_iter().map(told).collect()
}
