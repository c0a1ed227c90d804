//! Drift: what others do to what is ours is put right, once, and told.

use std::collections::BTreeSet;

use plimsoll_core::cluster::{Drift, Status};
use plimsoll_core::scale::{Autoscale, Replication};
use serde_json::{Value, json};

use super::Target;
use super::mk::MkDelivery;
use super::running::{Running, is_settled};
use super::workloads::{APPS, CORE, all, config_maps, list};

const POLICY: &str = "apis/policy/v1";
const AUTOSCALING: &str = "apis/autoscaling/v2";

/// What somebody changes by hand is put right, and who did it is told.
pub async fn a_hand_edit_is_put_right_and_told(target: &Target) {
    let running = Running::start(target);
    let order = running.app();
    running.settle(&order).await;
    let image = running.deployment().await["spec"]["template"]["spec"]["containers"][0]["image"].clone();
    target.scale_as("a-person", "deployments/shop", 1).await;
    let told = |status: &Status| {
        super::running::is_settled(status) && status.drift.iter().any(|drift| drift.field == ".spec.replicas")
    };
    let status = running.status(&order, "the replicas put right", told).await;
    assert_eq!(status.replicas, all(3));
    let drift = &status.drift[0];
    assert_eq!((drift.object.as_str(), drift.manager.as_deref()), ("Deployment/shop", Some("a-person")));

    let edit = json!({"spec": {"selector": {"plimsoll.io/app-uid": "nobody"}}});
    target.merge_as("a-person", CORE, "services/shop", &edit).await;
    let selector = ".spec.selector[\"plimsoll.io/app-uid\"]";
    let told = |status: &Status| status.drift.iter().any(|drift| drift.field == selector);
    running.status(&order, "the selector told", told).await;
    let service = target.get(CORE, "services/shop").await;
    assert_eq!(service["spec"]["selector"], json!({"plimsoll.io/app-uid": order.uid.to_string()}));
    assert_eq!(running.deployment().await["spec"]["template"]["spec"]["containers"][0]["image"], image);
    running.stop().await;
}

/// What others add beside what is ours stays.
pub async fn what_others_add_is_theirs(target: &Target) {
    let running = Running::start(target);
    let order = running.app();
    running.settle(&order).await;
    let note = json!({"metadata": {"annotations": {"theirs": "1"}}});
    target.merge_as("a-person", APPS, "deployments/shop", &note).await;
    let status = running.settle(&order.next(|next| next.restarts = 1)).await;
    assert_eq!(status.drift, Vec::new());
    assert_eq!(running.deployment().await["metadata"]["annotations"]["theirs"], "1");
    running.stop().await;
}

/// What somebody adds to what is ours alone is taken away, the pods are as they were, and who did it is told.
pub async fn what_others_add_to_the_spec_is_taken_away_and_told(target: &Target) {
    let running = Running::start(target);
    let order = running.app();
    running.settle(&order).await;
    let before = running.deployment().await["spec"].clone();
    let hashes = pod_hashes(target).await;

    let edit = json!({"spec": {
        "minReadySeconds": 2,
        "paused": true,
        "template": {
            "metadata": {"annotations": {"inject": "yes"}, "labels": {"mine": "1"}},
            "spec": {
                "hostNetwork": true,
                "nodeSelector": {"disk": "none"},
                "tolerations": [{"operator": "Exists"}],
                "dnsPolicy": "Default",
                "containers": [
                    {
                        "name": "app",
                        "env": [{"name": "LOG_FORMAT", "value": "text"}],
                        "securityContext": {"privileged": true, "runAsUser": 0, "runAsNonRoot": false},
                    },
                    {"name": "beside", "image": "registry.example.com/beside:1"},
                ],
                "volumes": [{"name": "host", "hostPath": {"path": "/"}}],
            },
        },
    }});
    // The image as well: one that is rendered, and put right in the same breath.
    let mut edit = edit;
    edit["spec"]["template"]["spec"]["containers"][0]["image"] = json!("registry.example.com/other:1");
    edit["spec"]["template"]["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] =
        json!(true);
    target.strategic_as("night-shift", APPS, "deployments/shop", &edit).await;

    let app = ".spec.template.spec.containers[name=\"app\"]";
    let expected = [
        ("Deployment/shop", ".spec.minReadySeconds".to_owned()),
        ("Deployment/shop", ".spec.paused".to_owned()),
        ("Deployment/shop", ".spec.template.metadata.annotations.inject".to_owned()),
        ("Deployment/shop", ".spec.template.metadata.labels.mine".to_owned()),
        ("Deployment/shop", ".spec.template.spec.hostNetwork".to_owned()),
        ("Deployment/shop", ".spec.template.spec.nodeSelector".to_owned()),
        ("Deployment/shop", ".spec.template.spec.tolerations".to_owned()),
        ("Deployment/shop", format!("{app}.env[name=\"LOG_FORMAT\"]")),
        ("Deployment/shop", format!("{app}.image")),
        ("Deployment/shop", format!("{app}.securityContext.privileged")),
        ("Deployment/shop", format!("{app}.securityContext.runAsUser")),
        ("Deployment/shop", format!("{app}.securityContext.runAsNonRoot")),
        ("Deployment/shop", ".spec.template.spec.containers[name=\"beside\"]".to_owned()),
        ("Deployment/shop", ".spec.template.spec.volumes[name=\"host\"]".to_owned()),
    ];
    until_told(&running, &order, &expected).await;
    let after = running.deployment().await["spec"].clone();
    assert_eq!(after, before);
    assert_eq!(pod_hashes(target).await, hashes, "the pods of before, or others of the same");
    at_rest(&running, &order).await;
    running.stop().await;
}

/// So it is with what stands around the Deployment; what the server itself filled in stays.
pub async fn what_others_add_to_a_service_or_a_budget_is_taken_away(target: &Target) {
    let running = Running::start(target);
    let order = running.app();
    running.settle(&order).await;
    let specs = async || {
        let service = target.get(CORE, "services/shop").await["spec"].clone();
        (service, target.get(POLICY, "poddisruptionbudgets/shop").await["spec"].clone())
    };
    let before = specs().await;
    let edit = json!({"spec": {"sessionAffinity": "ClientIP", "externalIPs": ["192.0.2.1"]}});
    target.merge_as("night-shift", CORE, "services/shop", &edit).await;
    let edit = json!({"spec": {"maxUnavailable": null, "minAvailable": 3}});
    target.merge_as("night-shift", POLICY, "poddisruptionbudgets/shop", &edit).await;
    let expected = [
        ("Service/shop", ".spec.sessionAffinity".to_owned()),
        ("Service/shop", ".spec.externalIPs".to_owned()),
        ("PodDisruptionBudget/shop", ".spec.minAvailable".to_owned()),
    ];
    until_told(&running, &order, &expected).await;
    assert_eq!(specs().await, before);
    at_rest(&running, &order).await;
    running.stop().await;
}

/// The number of an autoscaled App stays what its autoscaler said while something else is put right.
pub async fn what_is_taken_away_leaves_the_autoscaler_its_number(target: &Target) {
    let running = Running::start(target);
    let order = autoscaled(&running).await;
    let edit = json!({"spec": {"template": {"spec": {"hostPID": true}}}});
    target.merge_as("a-person", APPS, "deployments/shop", &edit).await;
    let behavior = json!({"spec": {"behavior": {"scaleDown": {"selectPolicy": "Disabled"}}}});
    target.merge_as("a-person", AUTOSCALING, "horizontalpodautoscalers/shop", &behavior).await;
    let told = |status: &Status| {
        let fields: BTreeSet<&str> = status.drift.iter().map(|drift| drift.field.as_str()).collect();
        is_settled(status)
            && [".spec.template.spec.hostPID", ".spec.behavior"].iter().all(|it| fields.contains(it))
    };
    let status = running.status(&order, "the additions told", told).await;
    assert_eq!(status.replicas, all(5));
    assert_eq!(running.deployment().await["spec"]["template"]["spec"]["hostPID"], Value::Null);
    at_rest(&running, &order).await;
    running.stop().await;
}

/// Somebody wipes who owns what, ours and theirs. What they added is nobody's then; it goes, the pods are as they were,
/// and an autoscaler keeps its number.
pub async fn what_others_added_goes_also_when_nobody_owns_it_any_more(target: &Target) {
    let running = Running::start(target);
    let order = autoscaled(&running).await;
    let before = running.deployment().await["spec"].clone();
    running.stop().await;

    let edit = json!({"spec": {"template": {"spec": {"hostPID": true, "nodeSelector": {"disk": "none"}}}}});
    target.merge_as("night-shift", APPS, "deployments/shop", &edit).await;
    // The API server takes this for a reset.
    let reset = json!({"metadata": {"managedFields": [{}]}});
    target.merge_as("night-shift", APPS, "deployments/shop", &reset).await;
    assert_eq!(target.get(APPS, "deployments/shop").await["metadata"]["managedFields"], Value::Null);

    let running = Running::start(target);
    target
        .until("the spec of before", async || {
            let there = running.deployment().await["spec"].clone();
            (there == before).then_some(())
        })
        .await;
    running.status(&order, "five pods", |status| status.replicas == all(5)).await;
    // Who counts the revisions owns their number again as soon as it has seen the last change.
    target
        .until("the last change seen", async || {
            let there = running.deployment().await;
            (there["status"]["observedGeneration"] == there["metadata"]["generation"]).then_some(())
        })
        .await;
    at_rest(&running, &order).await;
    running.stop().await;
}

/// `kubectl rollout restart` restarts the pods, once, and is no drift.
pub async fn a_restart_by_kubectl_is_a_restart(target: &Target) {
    let running = Running::start(target);
    let order = running.app();
    running.settle(&order).await;
    let before = pod_hashes(target).await;
    let stamp = json!({"kubectl.kubernetes.io/restartedAt": "2026-03-01T00:00:00Z"});
    let edit = json!({"spec": {"template": {"metadata": {"annotations": stamp}}}});
    target.merge_as("kubectl-rollout", APPS, "deployments/shop", &edit).await;
    target
        .until("other pods", async || {
            let hashes = pod_hashes(target).await;
            (hashes.len() == 1 && hashes != before).then_some(())
        })
        .await;
    let status = running.settled(&order).await;
    assert_eq!(status.drift, Vec::new());
    at_rest(&running, &order).await;
    assert_eq!(running.deployment().await["spec"]["template"]["metadata"]["annotations"], stamp);
    running.stop().await;
}

/// Several objects that go together are told of one by one.
pub async fn several_lost_together_are_each_told(target: &Target) {
    let running = Running::start(target);
    let order = running.app().next(|next| {
        next.replication = Replication::Auto(Autoscale { min: 2, max: 10, cpu_percent: 70 });
        next.content_mut().main.env.insert("A".to_owned(), "1".to_owned());
    });
    running.settle(&order).await;
    let map = config_maps(target).await.remove(0);
    let config_map = format!("configmaps/{map}");
    for (api, path) in [
        (AUTOSCALING, "horizontalpodautoscalers/shop"),
        (POLICY, "poddisruptionbudgets/shop"),
        (CORE, config_map.as_str()),
        (CORE, "services/shop"),
    ] {
        target.delete(api, path).await;
    }
    let lost: BTreeSet<String> = ["HorizontalPodAutoscaler/shop", "PodDisruptionBudget/shop", "Service/shop"]
        .map(str::to_owned)
        .into_iter()
        .chain([format!("ConfigMap/{map}")])
        .collect();
    let told = |status: &Status| {
        let gone = status.drift.iter().filter(|drift| drift.field.is_empty());
        is_settled(status) && gone.map(|drift| drift.object.clone()).collect::<BTreeSet<_>>() == lost
    };
    let status = running.status(&order, "each loss told", told).await;
    assert_eq!(status.drift.len(), lost.len(), "each once: {:#?}", status.drift);
    running.stop().await;
}

/// Marks that were taken off an object come back, nothing is made twice, and that is what is told.
pub async fn an_object_without_its_labels_is_known_again(target: &Target) {
    let running = Running::start(target);
    let order =
        running.app().next(|next| drop(next.content_mut().main.env.insert("A".to_owned(), "1".to_owned())));
    running.settle(&order).await;
    let config_map = format!("configmaps/{}", config_maps(target).await.remove(0));
    let mark = json!({"plimsoll.io/app-uid": null});
    let of_mark = ".metadata.labels[\"plimsoll.io/app-uid\"]";
    for (api, path, taken_off, field) in [
        (APPS, "deployments/shop", &mark, of_mark),
        (APPS, "deployments/shop", &Value::Null, ".metadata.labels"),
        (CORE, "services/shop", &mark, of_mark),
        (POLICY, "poddisruptionbudgets/shop", &mark, of_mark),
        (CORE, config_map.as_str(), &mark, of_mark),
    ] {
        let before = target.get(api, path).await;
        let edit = json!({"metadata": {"labels": taken_off}});
        target.merge_as("a-person", api, path, &edit).await;
        target
            .until(&format!("{field} of {path} put back"), async || {
                let there = target.get(api, path).await;
                (there["metadata"]["labels"] == before["metadata"]["labels"]).then_some(())
            })
            .await;
        assert_eq!(target.get(api, path).await["metadata"]["uid"], before["metadata"]["uid"]);
        let name = before["metadata"]["name"].as_str().unwrap();
        let told = |status: &Status| {
            let is_it = |drift: &Drift| drift.object.ends_with(&format!("/{name}")) && drift.field == field;
            is_settled(status) && status.drift.iter().any(is_it)
        };
        let status = running.status(&order, "the mark told", told).await;
        assert!(status.drift.iter().all(|drift| !drift.field.is_empty()), "{:#?}", status.drift);
    }
    running.stop().await;
}

/// Waits until all is put right, and each of these is told as the night shift's.
async fn until_told(running: &Running<'_>, order: &MkDelivery, expected: &[(&str, String)]) {
    let is_told = |status: &Status, (object, field): &(&str, String)| {
        let is_it = |drift: &Drift| {
            drift.object == *object
                && drift.field == *field
                && drift.manager.as_deref() == Some("night-shift")
        };
        status.drift.iter().any(is_it)
    };
    let told = |status: &Status| is_settled(status) && expected.iter().all(|drift| is_told(status, drift));
    running.status(order, "the edits told", told).await;
}

/// An App whose autoscaler has said five pods.
async fn autoscaled(running: &Running<'_>) -> MkDelivery {
    let order = running.app().next(|next| {
        next.replication = Replication::Auto(Autoscale { min: 2, max: 10, cpu_percent: 70 });
    });
    running.settle(&order).await;
    running.target.scale_as("kube-controller-manager", "deployments/shop", 5).await;
    running.status(&order, "five pods", |status| status.replicas == all(5)).await;
    order
}

/// The hashes of the templates of all pods that stay.
async fn pod_hashes(target: &Target) -> BTreeSet<String> {
    let pods = list(target, CORE, "pods").await;
    let staying = pods.iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
    staying
        .filter_map(|pod| pod["metadata"]["labels"]["pod-template-hash"].as_str().map(str::to_owned))
        .collect()
}

/// Nothing of an App is written any more: it stays as it is while another App goes live.
async fn at_rest(running: &Running<'_>, order: &MkDelivery) {
    let target = running.target;
    let versions = async || {
        let mut versions = Vec::new();
        for (api, path) in [
            ("apis/dc.plimsoll.io/v1alpha1", "apps/shop"),
            (APPS, "deployments/shop"),
            (CORE, "services/shop"),
            (POLICY, "poddisruptionbudgets/shop"),
        ] {
            let object = target.get(api, path).await;
            // Who counts pods has a last word of its own, in the status.
            versions.push((
                object["metadata"]["generation"].clone(),
                object["metadata"]["managedFields"].clone(),
            ));
        }
        versions
    };
    let before = versions().await;
    let mut marker = order.clone();
    marker.app.name = "marker".parse().unwrap();
    marker.uid = uuid::Uuid::now_v7().into();
    running.settle(&marker).await;
    let left = |(generation, managers): (Value, Value)| {
        let mut managers = managers.as_array().cloned().unwrap_or_default();
        managers.retain(|entry| entry["subresource"] != "status");
        (generation, managers)
    };
    let of = |versions: Vec<(Value, Value)>| versions.into_iter().map(left).collect::<Vec<_>>();
    assert_eq!(of(versions().await), of(before));
}
