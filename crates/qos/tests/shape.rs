//! What is read of Kubernetes' objects, and sums over amounts by name.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails the test")]

use plimsoll_qos::{LabelSelector, Node, Pod, Quantity, Resources, Taint, Toleration};
use serde_json::json;

fn resources(amounts: &[(&str, &str)]) -> Resources {
    amounts.iter().map(|(name, amount)| (*name, amount.parse::<Quantity>().unwrap())).collect()
}

#[test]
fn a_pod_is_read_from_the_spec_that_the_api_stores() {
    let pod: Pod = serde_json::from_value(json!({
        "containers": [{
            "name": "main", "image": "registry/shop@sha256:0", "terminationMessagePath": "/dev/termination-log",
            "resources": {"requests": {"cpu": "67m", "memory": "683Mi"}, "limits": {"cpu": "333m", "memory": "1Gi"}},
            "resizePolicy": [{"resourceName": "cpu", "restartPolicy": "NotRequired"}],
        }],
        "initContainers": [{"name": "proxy", "restartPolicy": "Always", "resources": {}}],
        "overhead": {"cpu": "10m"},
        "nodeName": "node-1",
        "nodeSelector": {"disk": "ssd"},
        "priority": 600_000_000,
        "priorityClassName": "plimsoll-general-5",
        "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}],
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"app": "shop"}}}],
        "affinity": {"nodeAffinity": {}}, "dnsPolicy": "ClusterFirst",
    }))
    .unwrap();
    assert_eq!(pod.containers[0].resources.requests, resources(&[("cpu", "67m"), ("memory", "683Mi")]));
    assert_eq!(pod.containers[0].resize_policy[0].restart_policy, "NotRequired");
    assert!(pod.init_containers[0].is_sidecar());
    assert_eq!(pod.overhead, resources(&[("cpu", "10m")]));
    assert_eq!((pod.node_name.as_deref(), pod.priority), (Some("node-1"), Some(600_000_000)));
    assert!(pod.topology_spread_constraints[0].is_hard());
    let again: Pod = serde_json::from_value(serde_json::to_value(&pod).unwrap()).unwrap();
    assert_eq!(again, pod);
}

#[test]
fn what_go_writes_as_null_is_empty() {
    let pod: Pod = serde_json::from_value(json!({
        "containers": null, "initContainers": null, "overhead": null, "resources": null, "tolerations": null,
    }))
    .unwrap();
    assert_eq!(pod, Pod::default());
    let pod: Pod = serde_json::from_value(json!({"containers": [{
        "name": "main", "resources": {"requests": null, "limits": {"cpu": null}}, "restartPolicy": null,
    }]}))
    .unwrap();
    assert_eq!(pod.containers[0].resources.limits, resources(&[("cpu", "0")]));
    assert_eq!(
        serde_json::from_value::<Node>(json!({"metadata": null, "status": {"allocatable": null}})).unwrap(),
        Node::default()
    );
}

#[test]
fn a_node_is_read_and_written_as_kubernetes_has_it() {
    let node: Node = serde_json::from_value(json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": "node-1", "labels": {"zone": "a"}, "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"podCIDR": "10.0.0.0/24", "unschedulable": true, "taints": [{"key": "gpu", "effect": "NoSchedule"}]},
        "status": {"capacity": {"cpu": "96"}, "allocatable": {"cpu": "95500m", "memory": "384Gi", "pods": "110"}},
    }))
    .unwrap();
    assert_eq!(node.name, "node-1");
    assert_eq!(node.pod_slots(), 110);
    assert_eq!(Node::named("empty").pod_slots(), 0);
    assert!(node.unschedulable);
    assert_eq!(
        node.taints,
        [Taint { key: "gpu".to_owned(), value: String::new(), effect: "NoSchedule".to_owned() }]
    );
    let again: Node = serde_json::from_value(serde_json::to_value(&node).unwrap()).unwrap();
    assert_eq!(again, node);
}

#[test]
fn lists_and_maps_without_end_are_refused() {
    let many = |n: usize| json!({"containers": vec![json!({"name": "c"}); n]});
    assert_eq!(serde_json::from_value::<Pod>(many(20_000)).unwrap().containers.len(), 20_000);
    let refused = serde_json::from_value::<Pod>(many(20_001)).unwrap_err();
    assert_eq!(refused.to_string(), "a list has at most 20000 items");
    let names: serde_json::Map<_, _> = (0..4097).map(|n| (format!("example.com/{n}"), json!("1"))).collect();
    let refused = serde_json::from_value::<Resources>(names.into()).unwrap_err();
    assert_eq!(refused.to_string(), "a map has at most 4096 names");
}

#[test]
fn amounts_are_added_and_taken_away_by_name() {
    let mut sum = resources(&[("cpu", "1"), ("memory", "1Gi")]);
    sum += &resources(&[("cpu", "500m"), ("nvidia.com/gpu", "1")]);
    assert_eq!(sum, resources(&[("cpu", "1500m"), ("memory", "1Gi"), ("nvidia.com/gpu", "1")]));
    sum -= &resources(&[("cpu", "1500m"), ("pods", "1")]);
    assert_eq!(sum.amount("pods"), &"-1".parse().unwrap());
    assert_eq!(sum.without_zeros(), resources(&[("memory", "1Gi"), ("nvidia.com/gpu", "1"), ("pods", "-1")]));
}

#[test]
fn the_larger_amount_of_each_name_is_taken() {
    let larger = resources(&[("cpu", "1"), ("memory", "1Gi")]).max(&resources(&[
        ("cpu", "2"),
        ("memory", "1"),
        ("pods", "3"),
    ]));
    assert_eq!(larger, resources(&[("cpu", "2"), ("memory", "1Gi"), ("pods", "3")]));
}

#[test]
fn what_does_not_fit_is_named_with_what_there_is() {
    let node = resources(&[("cpu", "4"), ("memory", "8Gi"), ("pods", "110")]);
    assert!(resources(&[("cpu", "4000m"), ("memory", "8192Mi")]).fit_in(&node));
    assert!(resources(&[("nvidia.com/gpu", "0")]).fit_in(&node));
    let wanted = resources(&[("cpu", "5"), ("memory", "1Gi"), ("nvidia.com/gpu", "1")]);
    let beyond: Vec<String> =
        wanted.beyond(&node).map(|(name, want, there)| format!("{name} {want} {there}")).collect();
    assert_eq!(beyond, ["cpu 5 4", "nvidia.com/gpu 1 0"]);
    assert!(!wanted.fit_in(&node));
}

#[test]
fn tolerations_answer_taints_as_in_kubernetes() {
    let taint = |value: &str, effect: &str| Taint {
        key: "gpu".to_owned(),
        value: value.to_owned(),
        effect: effect.to_owned(),
    };
    let toleration = |key: &str, operator: &str, value: &str, effect: &str| Toleration {
        key: key.to_owned(),
        operator: operator.to_owned(),
        value: value.to_owned(),
        effect: effect.to_owned(),
    };
    assert!(toleration("", "Exists", "", "").tolerates(&taint("a", "NoSchedule")));
    assert!(toleration("gpu", "Exists", "", "NoExecute").tolerates(&taint("a", "NoExecute")));
    assert!(!toleration("gpu", "Exists", "", "NoExecute").tolerates(&taint("a", "NoSchedule")));
    assert!(toleration("gpu", "", "a", "").tolerates(&taint("a", "NoSchedule")));
    assert!(!toleration("gpu", "Equal", "b", "").tolerates(&taint("a", "NoSchedule")));
    assert!(!toleration("disk", "Exists", "", "").tolerates(&taint("a", "NoSchedule")));
    assert!(!toleration("gpu", "Gt", "a", "").tolerates(&taint("a", "NoSchedule")));
}

#[test]
fn selectors_answer_labels_as_in_kubernetes() {
    let labels = [("app", "shop"), ("tier", "web")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    let table = [
        (json!({}), true),
        (json!({"matchLabels": {"app": "shop"}}), true),
        (json!({"matchLabels": {"app": "till"}}), false),
        (json!({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["web", "db"]}]}), true),
        (json!({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["web"]}]}), false),
        (json!({"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["a"]}]}), true),
        (json!({"matchExpressions": [{"key": "zone", "operator": "Exists"}]}), false),
        (json!({"matchExpressions": [{"key": "zone", "operator": "DoesNotExist", "values": null}]}), true),
        (json!({"matchExpressions": [{"key": "app", "operator": "Like", "values": ["shop"]}]}), false),
    ];
    for (selector, expected) in table {
        let selector_: LabelSelector = serde_json::from_value(selector.clone()).unwrap();
        assert_eq!(selector_.matches(&labels), expected, "{selector}");
    }
}
