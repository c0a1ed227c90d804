//! What the lint leaves alone beside what it finds: each finding at its edge.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails the test")]

use plimsoll_qos::Policy;
use plimsoll_qos::lint::{Object, Rule, lint};
use serde_json::{Value, json};

fn rules(objects: Value) -> Vec<Rule> {
    let objects: Vec<Object> = serde_json::from_value(objects).unwrap();
    lint(&objects, &Policy::default()).into_iter().map(|finding| finding.rule).collect()
}

fn mk_container(name: &str, requests: &Value, limits: &Value) -> Value {
    json!({"name": name, "resources": {"requests": requests, "limits": limits}})
}

/// One that requests all that it may use.
fn mk_whole(name: &str) -> Value {
    let amounts = json!({"cpu": "1", "memory": "1Gi"});
    mk_container(name, &amounts, &amounts)
}

/// One of grade `general-10`.
fn mk_sold(name: &str) -> Value {
    mk_container(name, &json!({"cpu": "100m", "memory": "683Mi"}), &json!({"cpu": "1", "memory": "1Gi"}))
}

fn mk_deployment(spec: &Value) -> Value {
    json!({"kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}, "spec": {"template": {"spec": spec}}})
}

fn mk_range(item: &Value) -> Value {
    json!({"kind": "LimitRange", "metadata": {"name": "range", "namespace": "shop"}, "spec": {"limits": [item]}})
}

fn mk_scaler(percent: u32) -> Value {
    json!({"kind": "HorizontalPodAutoscaler", "metadata": {"name": "web", "namespace": "shop"}, "spec": {
        "scaleTargetRef": {"kind": "Deployment", "name": "web"},
        "metrics": [{"resource": {"name": "cpu", "target": {"averageUtilization": percent}}}],
    }})
}

#[test]
fn one_container_costs_the_class_not_several() {
    let found = |containers: &[Value]| {
        let spec = json!({"containers": containers, "priorityClassName": "plimsoll-important"});
        rules(json!([mk_deployment(&spec)]))
    };
    let bare = |name: &str| mk_container(name, &json!({}), &json!({}));
    assert_eq!(found(&[mk_whole("app"), bare("proxy")]), [Rule::ClassLost]);
    assert_eq!(found(&[mk_whole("app"), bare("proxy"), bare("agent")]), []);
    assert_eq!(found(&[mk_whole("app"), mk_whole("proxy")]), []);
    assert_eq!(found(&[bare("app")]), [Rule::BestEffort]);
}

#[test]
fn only_memory_that_is_sold_more_than_once_needs_a_priority() {
    let found = |containers: Value, priority: Value| {
        let mut spec = json!({"containers": containers});
        spec.as_object_mut().unwrap().extend(priority.as_object().unwrap().clone());
        rules(json!([mk_deployment(&spec)]))
    };
    assert_eq!(found(json!([mk_sold("app")]), json!({})), [Rule::NoPriority]);
    assert_eq!(found(json!([mk_sold("app")]), json!({"priority": 5})), []);
    assert_eq!(found(json!([mk_sold("app")]), json!({"priorityClassName": "low"})), []);
    assert_eq!(found(json!([mk_whole("app")]), json!({})), []);
}

#[test]
fn a_target_is_found_only_where_it_can_not_have_been_meant() {
    let found = |container: &Value, percent: u32| {
        let spec = json!({"containers": [container], "priorityClassName": "plimsoll-general-10"});
        rules(json!([mk_deployment(&spec), mk_scaler(percent)]))
    };
    // Sold ten times: 100 % of the request are 10 % of the limit, 400 % are 40 %.
    assert_eq!(found(&mk_sold("app"), 100), [Rule::TargetNotScaled]);
    assert_eq!(found(&mk_sold("app"), 101), []);
    assert_eq!(found(&mk_sold("app"), 400), []);
    // Nearly all is requested: 84 % of the request are 50.4 % of the limit, 83 % are 49.8 %.
    let near = mk_container(
        "app",
        &json!({"cpu": "600m", "memory": "683Mi"}),
        &json!({"cpu": "1", "memory": "1Gi"}),
    );
    assert_eq!(found(&near, 84), []);
    assert_eq!(found(&near, 83), [Rule::TargetNotScaled]);
}

#[test]
fn an_autoscaler_counts_sidecars_and_no_init_steps() {
    let found = |restart_policy: Value| {
        let before = json!({"name": "before", "restartPolicy": restart_policy, "resources": {"requests": {"memory": "64Mi"}}});
        let spec = json!({"containers": [mk_sold("app")], "initContainers": [before],
            "priorityClassName": "plimsoll-general-10"});
        rules(json!([mk_deployment(&spec), mk_scaler(800)]))
    };
    assert_eq!(found(json!("Always")), [Rule::TargetWithoutRequest]);
    assert_eq!(found(json!(null)), []);
}

#[test]
fn a_default_that_equals_the_request_is_no_fault_and_one_alone_derives_the_other() {
    let found = |request: &str| {
        let app = mk_container("app", &json!({"cpu": request}), &json!({}));
        let filled =
            json!({"type": "Container", "default": {"cpu": "500m"}, "defaultRequest": {"cpu": "500m"}});
        rules(json!([mk_deployment(&json!({"containers": [app]})), mk_range(&filled)]))
    };
    assert_eq!(found("500m"), []);
    assert_eq!(found("501m"), [Rule::DefaultBelowRequest]);
    for one in ["default", "defaultRequest"] {
        let item = json!({"type": "Container", "max": {"cpu": "4"}, one: {"cpu": "1"}});
        assert_eq!(rules(json!([mk_range(&item)])), [Rule::DefaultsDerived], "{one}");
    }
}

#[test]
fn a_quota_has_what_a_range_fills_in_or_derives() {
    let found = |item: Value| {
        let quota = json!({"kind": "ResourceQuota", "metadata": {"name": "quota", "namespace": "shop"},
            "spec": {"hard": {"requests.cpu": "10", "limits.cpu": "10"}}});
        let app = mk_container("app", &json!({"memory": "1Gi"}), &json!({"memory": "1Gi"}));
        let mut item = item;
        item["type"] = json!("Container");
        rules(json!([mk_deployment(&json!({"containers": [app]})), mk_range(&item), quota]))
    };
    assert_eq!(found(json!({})), [Rule::QuotaNeeds, Rule::QuotaNeeds]);
    // Kubernetes makes the default of the largest, and the request of the default.
    assert_eq!(found(json!({"max": {"cpu": "4"}})), [Rule::DefaultsDerived]);
    assert_eq!(found(json!({"default": {"cpu": "1"}})), [Rule::DefaultsDerived]);
    assert_eq!(found(json!({"defaultRequest": {"cpu": "1"}})), [Rule::QuotaNeeds]);
}

#[test]
fn a_quota_of_pods_with_requests_counts_none_without() {
    let found = |scope: &str| {
        let quota = json!({"kind": "ResourceQuota", "metadata": {"name": "quota", "namespace": "shop"},
            "spec": {"hard": {"limits.cpu": "10"}, "scopes": [scope]}});
        rules(json!([mk_deployment(&json!({"containers": [{"name": "main"}]})), quota]))
    };
    assert_eq!(found("NotBestEffort"), [Rule::BestEffort]);
    assert_eq!(found("BestEffort"), [Rule::QuotaNeeds, Rule::BestEffort]);
}

#[test]
fn a_pod_that_a_workload_owns_is_not_told_what_its_workload_is_told() {
    let strict = mk_range(&json!({"type": "Container", "maxLimitRequestRatio": {"cpu": "4"}}));
    let spec = json!({"containers": [mk_sold("app")], "priorityClassName": "plimsoll-general-10"});
    let pod = |owners: Value| json!({"kind": "Pod", "metadata": {"name": "web-1", "namespace": "shop", "ownerReferences": owners}, "spec": spec});
    let owned = pod(json!([{"kind": "ReplicaSet", "name": "web"}]));
    assert_eq!(rules(json!([mk_deployment(&spec), owned, strict])), [Rule::RatioRefused]);
    assert_eq!(rules(json!([pod(json!([])), strict])), [Rule::RatioRefused]);
}

/// A range that gives whoever says nothing a whole CPU and 1Gi.
fn mk_filling_range() -> Value {
    let amounts = json!({"cpu": "1", "memory": "1Gi"});
    mk_range(&json!({"type": "Container", "default": amounts, "defaultRequest": amounts}))
}

#[test]
fn pods_are_judged_with_what_a_range_fills_in() {
    let bare = |name: &str| mk_container(name, &json!({}), &json!({}));
    let alone = |containers: Value| mk_deployment(&json!({"containers": containers}));
    assert_eq!(rules(json!([alone(json!([bare("app")])), mk_filling_range()])), []);
    assert_eq!(rules(json!([alone(json!([mk_whole("app"), bare("proxy")])), mk_filling_range()])), []);
    // What a range fills in is counted by quotas, and by autoscalers.
    let quota = json!({"kind": "ResourceQuota", "metadata": {"name": "quota", "namespace": "shop"},
        "spec": {"hard": {"limits.cpu": "500m"}}});
    let small = json!([alone(json!([bare("app")])), mk_filling_range(), quota]);
    assert_eq!(rules(small), [Rule::QuotaTooSmall]);
    assert_eq!(rules(json!([alone(json!([bare("app")])), mk_filling_range(), mk_scaler(80)])), []);
    // The largest is the default limit of a range without one, and the smallest the last of the default requests.
    let derived =
        mk_range(&json!({"type": "Container", "max": {"cpu": "1"}, "min": {"cpu": "1m", "memory": "1Gi"},
        "default": {"memory": "1Gi"}}));
    assert_eq!(rules(json!([alone(json!([bare("app")])), derived])), [Rule::DefaultsDerived]);
    let least = mk_range(&json!({"type": "Container", "min": {"cpu": "1m"}}));
    assert_eq!(rules(json!([alone(json!([bare("app")])), least])), []);
}

#[test]
fn a_range_fills_nothing_into_a_pod_that_is_stored() {
    let pod = |stored: Value| {
        json!([{"kind": "Pod", "metadata": {"name": "web-1", "namespace": "shop", "creationTimestamp": stored},
            "spec": {"containers": [{"name": "app"}]}}, mk_filling_range()])
    };
    assert_eq!(rules(pod(json!("2026-11-20T08:00:00Z"))), [Rule::BestEffort]);
    assert_eq!(rules(pod(json!(null))), []);
}

#[test]
fn a_pod_that_asks_as_a_whole_need_not_ask_by_container() {
    let spec = json!({"resources": {"requests": {"cpu": "100m", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"}},
        "containers": [{"name": "app"}]});
    let quota = json!({"kind": "ResourceQuota", "metadata": {"name": "quota", "namespace": "shop"},
        "spec": {"hard": {"requests.cpu": "10", "limits.cpu": "10"}}});
    assert_eq!(rules(json!([mk_deployment(&spec), quota])), []);
    assert_eq!(rules(json!([mk_deployment(&spec), mk_scaler(800)])), []);
    assert_eq!(rules(json!([mk_deployment(&spec), mk_scaler(80)])), [Rule::TargetNotScaled]);
    assert_eq!(rules(json!([mk_deployment(&spec), mk_scaler(1001)])), [Rule::TargetBeyondLimit]);
    let memory = json!({"resources": {"requests": {"memory": "1Gi"}}, "containers": [mk_sold("app")],
        "priorityClassName": "plimsoll-general-10"});
    let of_cpu = json!({"resources": {"requests": {"memory": "1Gi"}}, "containers": [{"name": "app"}]});
    assert_eq!(rules(json!([mk_deployment(&memory), mk_scaler(800)])), []);
    assert_eq!(rules(json!([mk_deployment(&of_cpu), mk_scaler(800)])), [Rule::TargetWithoutRequest]);
}

#[test]
fn a_target_of_a_container_that_is_not_there_is_found() {
    let found = |container: &str| {
        let mut scaler = mk_scaler(800);
        scaler["spec"]["metrics"][0] = json!({"containerResource": {"name": "cpu", "container": container,
            "target": {"averageUtilization": 800}}});
        let spec = json!({"containers": [mk_sold("app")], "priorityClassName": "plimsoll-general-10"});
        rules(json!([mk_deployment(&spec), scaler]))
    };
    assert_eq!(found("app"), []);
    assert_eq!(found("aap"), [Rule::TargetWithoutRequest]);
}

#[test]
fn what_runs_to_its_end_is_judged_where_it_is_described() {
    let spec = json!({"template": {"spec": {"containers": [{"name": "main"}]}}});
    let job = |owners: Value| json!({"kind": "Job", "metadata": {"name": "tidy", "namespace": "shop", "ownerReferences": owners}, "spec": spec});
    let by_time = json!({"kind": "CronJob", "metadata": {"name": "tidy", "namespace": "shop"}, "spec": {"jobTemplate": {"spec": spec}}});
    let objects: Vec<Object> =
        serde_json::from_value(json!([by_time, job(json!([{"kind": "CronJob", "name": "tidy"}]))])).unwrap();
    let findings = lint(&objects, &Policy::default());
    let said: Vec<_> = findings.iter().map(|it| (it.rule, it.object.as_str(), it.field.as_str())).collect();
    assert_eq!(
        said,
        [(Rule::BestEffort, "CronJob shop/tidy", "spec.jobTemplate.spec.template.spec.containers")]
    );
    assert_eq!(rules(json!([job(json!([]))])), [Rule::BestEffort]);
}
