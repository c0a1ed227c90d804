//! What pods name and may not be there: Secrets and `ConfigMaps`.

use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::support::{created, events_of, mk_cluster, reaches, status_of, until};

const REASON: &str = "/status/containerStatuses/0/state/waiting/reason";
const MESSAGE: &str = "/status/containerStatuses/0/state/waiting/message";

async fn run(client: &Client, name: &str, container: &Value, volumes: &Value) -> Api<Pod> {
    let mut app = json!({"name": "app", "image": "app:1"});
    app.as_object_mut().unwrap().extend(container.as_object().unwrap().clone());
    let api: Api<Pod> = Api::default_namespaced(client.clone());
    created(&api, json!({"metadata": {"name": name}, "spec": {"containers": [app], "volumes": volumes}}))
        .await;
    api
}

fn env_of(source: &Value) -> Value {
    json!({"env": [{"name": "A", "valueFrom": source}]})
}

async fn make_secret(client: &Client, name: &str, data: &Value) {
    let api: Api<Secret> = Api::default_namespaced(client.clone());
    created(&api, json!({"metadata": {"name": name}, "stringData": data})).await;
}

#[tokio::test(start_paused = true)]
async fn a_container_whose_secret_is_missing_waits_in_the_kubelets_words_until_it_is_there() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    let env = env_of(&json!({"secretKeyRef": {"name": "s", "key": "k"}}));
    let api = run(&client, "x", &env, &json!([])).await;
    let waiting = until(&api, "x", reaches(REASON, "CreateContainerConfigError")).await.unwrap();
    let status = status_of(&waiting);
    assert_eq!(status["phase"], "Pending");
    let container = &status["containerStatuses"][0];
    assert_eq!(container["state"]["waiting"]["message"], "secret \"s\" not found");
    assert_eq!((&container["restartCount"], &container["imageID"]), (&json!(0), &json!("")));
    assert!(status["podIP"].is_string(), "the sandbox is up");

    tokio::time::sleep(Duration::from_mins(1)).await;
    make_secret(&client, "s", &json!({"k": "v"})).await;
    let running = until(&api, "x", reaches("/status/phase", "Running")).await.unwrap();
    assert_eq!(status_of(&running)["containerStatuses"][0]["restartCount"], 0);
    assert_eq!(
        events_of(&client, "x").await,
        [
            "Normal Scheduled: Successfully assigned default/x to dc-1-n1",
            "Normal Pulling: Pulling image \"app:1\"",
            "Normal Pulled: Successfully pulled image \"app:1\" in 200ms (200ms including waiting). Image size: \
             3659416 bytes.",
            "Warning Failed: Error: secret \"s\" not found",
            "Normal Pulled: Container image \"app:1\" already present on machine and can be accessed by the pod",
            "Normal Created: Container created",
            "Normal Started: Container started",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn whatever_the_environment_lacks_is_named_as_the_kubelet_names_it() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    make_secret(&client, "s", &json!({"k": "v"})).await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client.clone());
    created(&maps, json!({"metadata": {"name": "c"}, "data": {"k": "v"}, "binaryData": {"b": "AA=="}})).await;
    let cases = [
        (
            "secret-key",
            env_of(&json!({"secretKeyRef": {"name": "s", "key": "no"}})),
            "couldn't find key no in Secret default/s",
        ),
        (
            "map",
            env_of(&json!({"configMapKeyRef": {"name": "no", "key": "k"}})),
            "configmap \"no\" not found",
        ),
        (
            "map-key",
            env_of(&json!({"configMapKeyRef": {"name": "c", "key": "no"}})),
            "couldn't find key no in ConfigMap default/c",
        ),
        (
            "binary",
            env_of(&json!({"configMapKeyRef": {"name": "c", "key": "b"}})),
            "couldn't find key b in ConfigMap default/c",
        ),
        ("from-map", json!({"envFrom": [{"configMapRef": {"name": "no"}}]}), "configmap \"no\" not found"),
        (
            "from-secret",
            json!({"envFrom": [{"secretRef": {"name": "s"}}, {"secretRef": {"name": "no"}}]}),
            "secret \"no\" not found",
        ),
        (
            "first",
            json!({
                "envFrom": [{"secretRef": {"name": "later"}}],
                "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "no", "key": "k"}}}],
            }),
            "secret \"later\" not found",
        ),
    ];
    for (name, container, message) in cases {
        let api = run(&client, name, &container, &json!([])).await;
        let waiting = until(&api, name, reaches(REASON, "CreateContainerConfigError")).await.unwrap();
        let found = serde_json::to_value(&waiting).unwrap();
        assert_eq!(found.pointer(MESSAGE).unwrap(), message, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_volume_of_something_missing_keeps_the_pod_creating_until_it_is_there() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    let volumes = json!([
        {"name": "secret", "secret": {"secretName": "no"}},
        {"name": "keyed", "secret": {"secretName": "s", "items": [{"key": "no", "path": "p"}]}},
        {"name": "map", "configMap": {"name": "no"}},
        {"name": "keyed-map", "configMap": {"name": "kube-root-ca.crt", "items": [{"key": "no", "path": "p"}]}},
        {"name": "both", "projected": {"sources": [{"configMap": {"name": "a"}}, {"secret": {"name": "b"}}]}},
    ]);
    make_secret(&client, "s", &json!({"k": "v"})).await;
    let api = run(&client, "x", &json!({}), &volumes).await;
    tokio::time::sleep(Duration::from_mins(5)).await;
    let waiting = api.get("x").await.unwrap();
    let status = status_of(&waiting);
    assert_eq!((&status["phase"], status.get("podIP")), (&json!("Pending"), None));
    assert_eq!(status["containerStatuses"][0]["state"], json!({"waiting": {"reason": "ContainerCreating"}}));
    assert_eq!(
        (&status["conditions"][0]["type"], &status["conditions"][0]["status"]),
        (&json!("PodReadyToStartContainers"), &json!("False"))
    );
    let failed = |volume: &str, why: &str| {
        format!("Warning FailedMount: MountVolume.SetUp failed for volume \"{volume}\" : {why}")
    };
    assert_eq!(
        events_of(&client, "x").await,
        [
            "Normal Scheduled: Successfully assigned default/x to dc-1-n1".to_owned(),
            failed("secret", "secret \"no\" not found"),
            failed("keyed", "references non-existent secret key: no"),
            failed("map", "configmap \"no\" not found"),
            failed("keyed-map", "configmap references non-existent config key: no"),
            failed("both", "[configmap \"a\" not found, secret \"b\" not found]"),
        ]
    );

    let api = run(&client, "y", &json!({}), &json!([{"name": "map", "configMap": {"name": "late"}}])).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client.clone());
    created(&maps, json!({"metadata": {"name": "late"}})).await;
    until(&api, "y", reaches("/status/phase", "Running")).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_optional_keeps_nobody_waiting() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    make_secret(&client, "s", &json!({"k": "v"})).await;
    let container = json!({
        "envFrom": [{"configMapRef": {"name": "no", "optional": true}}],
        "env": [
            {"name": "A", "valueFrom": {"secretKeyRef": {"name": "no", "key": "k", "optional": true}}},
            {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "no", "optional": true}}},
        ],
    });
    let volumes = json!([
        {"name": "a", "secret": {"secretName": "no", "optional": true}},
        {"name": "b", "secret": {"secretName": "s", "optional": true, "items": [{"key": "no", "path": "p"}]}},
    ]);
    let api = run(&client, "x", &container, &volumes).await;
    until(&api, "x", reaches("/status/phase", "Running")).await;
}
