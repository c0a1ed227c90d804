use serde_json::{Value, json};

use super::findings::findings;
use crate::reconcile::Pod;

/// A pod that has a server and that nothing has begun of, as the kubelet says it while it waits for volumes.
fn mk_creating(uid: &str) -> Value {
    json!({
        "metadata": {"name": uid, "uid": uid, "namespace": "demo", "labels": {"pod-template-hash": "5d9"}},
        "spec": {
            "nodeName": "node-1",
            "volumes": [
                {"name": "tmp", "emptyDir": {}},
                {"name": "files", "configMap": {"name": "shop-files-1", "items": [{"key": "a.toml", "path": "a"}]}},
                {"name": "secret-trust-1f3a", "secret": {"secretName": "trust", "items": [
                    {"key": "store.p12", "path": "s"}, {"key": "pin", "path": "p"},
                ]}},
                {"name": "secret-keys-9c20", "secret": {"secretName": "keys", "items": [
                    {"key": "tls.key", "path": "k"},
                ]}},
            ],
            "containers": [{"name": "app", "env": [
                {"name": "MODE", "value": "live"},
                {"name": "PIN", "valueFrom": {"secretKeyRef": {"name": "trust", "key": "pin"}}},
                {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "shop-database", "key": "password"}}},
            ]}],
        },
        "status": {
            "phase": "Pending",
            "conditions": [
                {"type": "PodReadyToStartContainers", "status": "False"},
                {"type": "Ready", "status": "False"},
                {"type": "PodScheduled", "status": "True"},
            ],
            "containerStatuses": [
                {"name": "app", "ready": false, "restartCount": 0, "lastState": {},
                 "state": {"waiting": {"reason": "ContainerCreating"}}},
            ],
        },
    })
}

fn mk_event(reason: &str, message: &str, second: u32) -> Value {
    let at = format!("2026-11-23T10:00:{second:02}Z");
    json!({"reason": reason, "message": message, "type": "Warning", "lastTimestamp": at})
}

fn mount(volume: &str, words: &str, second: u32) -> Value {
    let message = format!("MountVolume.SetUp failed for volume \"{volume}\" : {words}");
    mk_event("FailedMount", &message, second)
}

/// What is said of two pods of one template, of which events were asked for one.
fn said(events: &[Value]) -> Vec<(String, String)> {
    let mut pods = ["a", "b"].map(|uid| Pod::new(&mk_creating(uid))).to_vec();
    Pod::explain(&mut pods, "a", events);
    findings(&json!([]), pods)
}

#[test]
fn what_a_volume_lacks_is_said_with_what_to_do() {
    let none = "secret \"trust\" not found";
    let generic = "Unable to attach or mount volumes: unmounted volumes=[secret-trust-1f3a], unattached volumes=[], \
                   failed to process volumes=[]: context deadline exceeded";
    let sandbox = "Failed to create pod sandbox: rpc error: code = Unknown desc = no address is left";
    let table = [
        vec![mount("secret-trust-1f3a", none, 0)],
        vec![mount("secret-keys-9c20", "references non-existent secret key: tls.key", 0)],
        // Both are tried in the same round.
        vec![mount("secret-trust-1f3a", none, 2), mount("secret-keys-9c20", "secret \"keys\" not found", 1)],
        // The first is tried no more: it was put right.
        vec![mount("secret-trust-1f3a", none, 2), mount("secret-keys-9c20", "secret \"keys\" not found", 59)],
        vec![mount("files", "configmap \"shop-files-1\" not found", 0)],
        vec![mount("files", "configmap references non-existent config key: a.toml", 0)],
        vec![mk_event("FailedMount", generic, 9), mount("secret-trust-1f3a", none, 8)],
        vec![mk_event("FailedMount", generic, 9)],
        vec![mount(
            "secret-trust-1f3a",
            "failed to sync secret cache: timed out waiting for the condition",
            0,
        )],
        vec![mk_event("FailedCreatePodSandBox", sandbox, 0)],
        vec![mk_event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503", 0)],
    ];
    let said: Vec<_> = table.iter().map(|events| said(events)).collect();
    insta::assert_yaml_snapshot!(said);
}

#[test]
fn what_a_container_lacks_is_said_with_what_to_do() {
    let table = [
        "secret \"shop-database\" not found",
        "couldn't find key password in Secret demo/shop-database",
        "configmap \"shop-env-7\" not found",
        "couldn't find key MODE in ConfigMap demo/shop-env-7",
        "services have not yet been read at least once, cannot construct envvars",
    ];
    let said = table.map(|words| {
        let mut pod = mk_creating("a");
        pod["status"]["containerStatuses"][0]["state"] =
            json!({"waiting": {"reason": "CreateContainerConfigError", "message": words}});
        findings(&json!([]), vec![Pod::new(&pod)])
    });
    insta::assert_yaml_snapshot!(said);
}

#[test]
fn events_are_asked_for_where_nothing_of_a_pod_has_begun_and_for_one_pod_of_each_template() {
    type Change = fn(&mut Value);
    let table: [(&str, bool, Change); 8] = [
        ("as it is", true, |_| ()),
        ("its kubelet has said nothing yet", true, |pod| pod["status"] = json!({"phase": "Pending"})),
        ("an init step comes first", true, |pod| {
            pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] = json!("PodInitializing");
        }),
        ("its images are being fetched", false, |pod| {
            pod["status"]["conditions"][0]["status"] = json!("True");
        }),
        ("its status says why", false, |pod| {
            pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] = json!("ErrImagePull");
        }),
        ("it has no server", false, |pod| pod["spec"]["nodeName"] = Value::Null),
        ("it runs", false, |pod| pod["status"]["phase"] = json!("Running")),
        ("it goes", false, |pod| pod["metadata"]["deletionTimestamp"] = json!("2026-11-23T10:00:00Z")),
    ];
    for (name, is_unbegun, change) in table {
        let mut pod = mk_creating("a");
        change(&mut pod);
        assert_eq!(Pod::new(&pod).is_unbegun, is_unbegun, "{name}");
    }

    let mut pods = ["a", "b", "c", "d"].map(|uid| Pod::new(&mk_creating(uid)));
    assert_eq!(Pod::to_ask_about(&pods), Vec::<String>::new(), "mounting takes a moment");
    pods.iter_mut().skip(1).for_each(|pod| pod.is_stuck = true);
    assert_eq!(Pod::to_ask_about(&pods), ["b"]);
    pods[3].template = "777".to_owned();
    assert_eq!(Pod::to_ask_about(&pods), ["b", "d"]);
}
