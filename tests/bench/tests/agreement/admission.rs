//! `LimitRanges` and `ResourceQuotas`: what they are refused for, what they fill in, and what they refuse.

use crate::pair::Pair;
use serde_json::{Value, json};

fn mk_range(item: &Value) -> Value {
    json!({"metadata": {"name": "r"}, "spec": {"limits": [item]}})
}

fn mk_pod(name: &str, resources: &Value) -> Value {
    let container = json!({"name": "app", "image": "registry.example/app:1", "resources": resources});
    json!({"metadata": {"name": name}, "spec": {"containers": [container]}})
}

/// What admission makes of a pod.
fn admitted(pod: &Value) -> Value {
    let resources = |part: &str| {
        let containers = pod["spec"][part].as_array().into_iter().flatten();
        containers.map(|container| container["resources"].clone()).collect::<Vec<_>>()
    };
    json!({
        "annotations": pod["metadata"]["annotations"],
        "containers": resources("containers"),
        "initContainers": resources("initContainers"),
        "qosClass": pod["status"]["qosClass"],
    })
}

fn spec(object: &Value) -> Value {
    object["spec"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_ranges_are_completed_and_refused_alike() {
    let pair = Pair::start().await;
    for item in [
        json!({"type": "Container", "max": {"cpu": "2", "memory": "1Gi"}, "min": {"cpu": "100m"}}),
        json!({"type": "Container", "default": {"cpu": "0.5"}, "defaultRequest": {"memory": "1024Mi"}}),
        json!({"type": "Container", "min": {"cpu": "2"}, "max": {"cpu": "1"}}),
        json!({"type": "Container", "min": {"cpu": "2"}, "default": {"cpu": "1"}, "defaultRequest": {"cpu": "2"}}),
        json!({"type": "Container", "max": {"cpu": "1"}, "default": {"cpu": "2"}}),
        json!({"type": "Container", "max": {"cpu": "1"}, "defaultRequest": {"cpu": "2"}}),
        json!({"type": "Container", "maxLimitRequestRatio": {"cpu": "500m"}}),
        json!({"type": "Container", "min": {"cpu": "1"}, "max": {"cpu": "3"}, "maxLimitRequestRatio": {"cpu": "4"}}),
        json!({"type": "Container", "default": {"pods": "1"}}),
        json!({"type": "Container", "default": {"apples": "1"}}),
        json!({"type": "Pod", "default": {"cpu": "1"}, "max": {"cpu": "2"}}),
        json!({"type": "Pod", "max": {"cpu": "2", "memory": "1Gi"}, "maxLimitRequestRatio": {"cpu": "2500m"}}),
        json!({"type": "PersistentVolumeClaim"}),
        json!({"type": "Whatever", "max": {"cpu": "1"}}),
        json!({"type": "Container", "default": {"hugepages-2Mi": "4Mi"}, "defaultRequest": {"hugepages-2Mi": "2Mi"}}),
    ] {
        pair.try_create("limitranges", &mk_range(&item), spec).await;
    }
    let twice = json!({"metadata": {"name": "r"}, "spec": {"limits": [{"type": "Pod"}, {"type": "Pod"}]}});
    pair.try_create("limitranges", &twice, spec).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_are_filled_in_and_refused_by_ranges_alike() {
    let mut pair = Pair::start().await;
    let resources = [
        json!({}),
        json!({"limits": {"cpu": "1"}}),
        json!({"requests": {"cpu": "100m", "memory": "64Mi"}}),
        json!({"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "512Mi"}}),
        json!({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "333m", "memory": "300Mi"}}),
        json!({"limits": {"cpu": "10", "memory": "64Gi"}, "requests": {"cpu": "1m", "memory": "1"}}),
        json!({"limits": {"cpu": "0", "memory": "0"}, "requests": {"cpu": "0", "memory": "0"}}),
        json!({"limits": {"memory": "9E"}, "requests": {"memory": "4E"}}),
    ];
    let items = [
        json!({"type": "Container", "default": {"cpu": "500m", "memory": "256Mi"}, "defaultRequest": {"cpu": "250m"}}),
        json!({"type": "Container", "max": {"cpu": "1"}}),
        json!({"type": "Container", "min": {"memory": "128Mi"}}),
        json!({"type": "Container", "maxLimitRequestRatio": {"cpu": "3"}}),
        json!({"type": "Container", "maxLimitRequestRatio": {"memory": "3413m"}}),
        json!({"type": "Container", "maxLimitRequestRatio": {"memory": "2"}}),
        json!({"type": "Pod", "max": {"cpu": "1500m"}}),
        json!({"type": "Pod", "min": {"memory": "1Gi"}}),
        json!({"type": "Pod", "maxLimitRequestRatio": {"cpu": "2"}}),
        json!({"type": "Container", "min": {"cpu": "200m"}, "max": {"cpu": "1", "memory": "1Gi"},
            "maxLimitRequestRatio": {"cpu": "2", "memory": "2"}}),
    ];
    for (number, item) in items.iter().enumerate() {
        pair.enter(&format!("range-{number}")).await;
        pair.create("limitranges", &mk_range(item), spec).await;
        for resources in &resources {
            pair.try_create("pods", &mk_pod("x", resources), admitted).await;
        }
        let image = "registry.example/app:1";
        let several = json!({"metadata": {"name": "x", "annotations": {"a": "b"}}, "spec": {
            "initContainers": [
                {"name": "step", "image": image, "resources": {"limits": {"cpu": "3"}}},
                {"name": "side", "image": image, "restartPolicy": "Always", "resources": {"requests": {"cpu": "10m"}}},
            ],
            "containers": [
                {"name": "app", "image": image, "resources": {"requests": {"cpu": "1", "memory": "700Mi"}}},
                {"name": "other", "image": image, "resources": {"limits": {"cpu": "200m", "memory": "700Mi"}}},
            ],
        }});
        pair.try_create("pods", &several, admitted).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn quotas_are_refused_alike() {
    let pair = Pair::start().await;
    for spec_of in [
        json!({"hard": {"cpu": "1", "requests.memory": "1024Mi", "count/deployments.apps": "3", "pods": "1e1"}}),
        json!({"hard": {"apples": "1"}}),
        json!({"hard": {"storage": "1"}}),
        json!({"hard": {"pods": "-1"}}),
        json!({"hard": {"pods": "1500m"}}),
        json!({"hard": {"count/configmaps": "100m"}}),
        json!({"hard": {"pods": "1"}, "scopes": ["BestEffort"]}),
        json!({"hard": {"cpu": "1"}, "scopes": ["BestEffort"]}),
        json!({"hard": {"services": "1"}, "scopes": ["Terminating"]}),
        json!({"hard": {"pods": "1"}, "scopes": ["BestEffort", "NotBestEffort"]}),
        json!({"hard": {"pods": "1"}, "scopes": ["Sometimes"]}),
        json!({"hard": {"pods": "1"}, "scopeSelector": {"matchExpressions": [
            {"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}]}}),
        json!({"hard": {"pods": "1"}, "scopeSelector": {"matchExpressions": [
            {"scopeName": "PriorityClass", "operator": "In"}]}}),
        json!({"hard": {"pods": "1"}, "scopeSelector": {"matchExpressions": [
            {"scopeName": "PriorityClass", "operator": "Exists", "values": ["high"]}]}}),
        json!({"hard": {"pods": "1"}, "scopeSelector": {"matchExpressions": [
            {"scopeName": "BestEffort", "operator": "In", "values": ["x"]}]}}),
        json!({"hard": {"pods": "1"}, "scopeSelector": {"matchExpressions": [
            {"scopeName": "PriorityClass", "operator": "Near"}]}}),
        json!({"hard": {"services": "1"}, "scopeSelector": {"matchExpressions": [
            {"scopeName": "NotTerminating", "operator": "Exists"}]}}),
    ] {
        pair.try_create("resourcequotas", &json!({"metadata": {"name": "q"}, "spec": spec_of}), spec).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn quotas_count_and_refuse_alike() {
    let mut pair = Pair::start().await;
    pair.enter("counted").await;
    let hard =
        json!({"requests.cpu": "1", "limits.memory": "1Gi", "pods": "3", "services": "1", "configmaps": "3"});
    let quota = json!({"metadata": {"name": "q"}, "spec": {"hard": hard}});
    pair.create("resourcequotas", &quota, spec).await;
    let counted = |quota: &Value| quota["status"]["used"]["configmaps"] == "1";
    pair.until("resourcequotas/q", counted).await;

    let asked = |cpu: &str, memory: &str| json!({"requests": {"cpu": cpu}, "limits": {"memory": memory}});
    for (name, resources) in [
        ("silent", json!({})),
        ("half", json!({"requests": {"cpu": "1m"}})),
        ("large", asked("2", "2Gi")),
        ("first", asked("600m", "500Mi")),
        ("second", asked("500m", "100Mi")),
        ("third", asked("400m", "600Mi")),
        ("fourth", asked("400m", "524Mi")),
        ("fifth", asked("1m", "1")),
    ] {
        pair.create("pods", &mk_pod(name, &resources), admitted).await;
    }
    let service = |name: &str| json!({"metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}});
    let nothing: fn(&Value) -> Value = |_| Value::Null;
    pair.create("services", &service("one"), nothing).await;
    pair.create("services", &service("two"), nothing).await;
    let map = |name: &str| json!({"metadata": {"name": name}});
    // A dry run books nothing.
    for name in ["a", "a", "a"] {
        pair.try_create("configmaps", &map(name), nothing).await;
    }
    for name in ["a", "b", "c"] {
        pair.create("configmaps", &map(name), nothing).await;
    }
    // What is there already is told apart from what there is no room for, as far as the real one does.
    pair.create("configmaps", &map("a"), nothing).await;
    pair.get("resourcequotas/q", |quota| quota["status"].clone()).await;
}
