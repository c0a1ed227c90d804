//! The lint finds each way in which objects of a namespace do not go together with oversell, and nothing in what
//! the grades make.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails the test")]

use plimsoll_qos::lint::{Finding, Object, Rule, Severity, lint};
use plimsoll_qos::{Amounts, Policy, Quantity, hpa_target, limit_range, requests};
use proptest::prelude::*;
use serde_json::{Value, json};

fn found(objects: Value) -> Vec<Finding> {
    let objects: Vec<Object> = serde_json::from_value(objects).unwrap();
    lint(&objects, &Policy::default())
}

fn rules(objects: Value) -> Vec<Rule> {
    found(objects).into_iter().map(|finding| finding.rule).collect()
}

fn mk_container(name: &str, requests: &str, limits: &str) -> Value {
    let list = |text: &str| {
        let (cpu, memory) = text.split_once('/').unwrap();
        let named = [("cpu", cpu), ("memory", memory)].into_iter().filter(|(_, amount)| *amount != "-");
        named.map(|(name, amount)| (name.to_owned(), amount.into())).collect::<serde_json::Map<_, _>>()
    };
    json!({"name": name, "resources": {"requests": list(requests), "limits": list(limits)}})
}

fn mk_deployment(containers: &[Value]) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"replicas": 3, "template": {"spec": {
            "priorityClassName": "plimsoll-general-10", "containers": containers,
        }}},
    })
}

fn mk_scaler(percent: u32) -> Value {
    json!({
        "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {
                "type": "Utilization", "averageUtilization": percent,
            }}}],
        },
    })
}

#[expect(clippy::needless_pass_by_value, reason = "json! is made where it is passed")]
fn mk_range(item: Value) -> Value {
    json!({"kind": "LimitRange", "metadata": {"name": "range", "namespace": "shop"}, "spec": {"limits": [item]}})
}

#[expect(clippy::needless_pass_by_value, reason = "json! is made where it is passed")]
fn mk_quota(hard: Value) -> Value {
    json!({"kind": "ResourceQuota", "metadata": {"name": "quota", "namespace": "shop"}, "spec": {"hard": hard}})
}

#[test]
fn an_autoscaler_of_an_oversold_app_that_counts_percent_of_the_request_is_told_the_target() {
    let app = mk_container("app", "100m/683Mi", "1/1Gi");
    let findings = found(json!([mk_deployment(&[app]), mk_scaler(80)]));
    assert_eq!(
        findings,
        [Finding {
            severity: Severity::Warning,
            rule: Rule::TargetNotScaled,
            object: "HorizontalPodAutoscaler shop/web".into(),
            field: "spec.metrics[0].resource.target.averageUtilization".into(),
            message: "80 % of the request of 100m is only 8 % of the limit of 1: it scales up without load"
                .into(),
            remedy: "for 80 % of the limit set it to 800".into(),
        }]
    );
}

/// Percent are whole, so that a ratio near 1 leaves a small target as it is.
#[test]
fn a_target_that_scaling_would_not_change_is_not_found() {
    let near = |percent| {
        let app = mk_container("app", "333m/683Mi", "500m/1Gi");
        found(json!([mk_deployment(&[app]), mk_scaler(percent)]))
    };
    assert_eq!(near(1), []);
    assert_eq!(near(2)[0].remedy, "for 2 % of the limit set it to 3");
    let app = mk_container("app", "100m/683Mi", "101m/1Gi");
    assert_eq!(found(json!([mk_deployment(&[app]), mk_scaler(50)])), []);
}

#[test]
fn an_object_is_called_by_what_it_has() {
    let bare = |metadata: Value| {
        let pod = json!({"kind": "Pod", "metadata": metadata, "spec": {"containers": [{"name": "main"}]}});
        found(json!([pod]))[0].object.clone()
    };
    assert_eq!(bare(json!({"name": "web", "namespace": "shop"})), "Pod shop/web");
    assert_eq!(bare(json!({"name": "web"})), "Pod web");
    assert_eq!(bare(json!({})), "Pod without a name");
}

#[test]
fn a_target_beyond_the_limit_and_one_without_a_request_are_errors() {
    let app = || mk_container("app", "100m/683Mi", "1/1Gi");
    assert_eq!(rules(json!([mk_deployment(&[app()]), mk_scaler(1000)])), []);
    let barely = found(json!([mk_deployment(&[app()]), mk_scaler(1001)]));
    assert_eq!(
        barely[0].message,
        "1001 % of the request of 100m is 101 % of the limit of 1: it never scales up"
    );
    let beyond = found(json!([mk_deployment(&[app()]), mk_scaler(1100)]));
    assert_eq!((beyond[0].severity, beyond[0].rule), (Severity::Error, Rule::TargetBeyondLimit));
    assert_eq!(beyond[0].remedy, "for 80 % of the limit set it to 800");
    let injected = mk_container("proxy", "-/64Mi", "-/64Mi");
    let findings = found(json!([mk_deployment(&[app(), injected]), mk_scaler(800)]));
    assert_eq!(findings[0].rule, Rule::TargetWithoutRequest);
    assert!(findings[0].message.contains("container `proxy` requests no cpu"), "{findings:?}");
    let one_container = json!({
        "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": "web"},
            "metrics": [{"containerResource": {"name": "cpu", "container": "app", "target": {"averageUtilization": 800}}}],
        },
    });
    let proxy = mk_container("proxy", "-/64Mi", "-/64Mi");
    assert_eq!(rules(json!([mk_deployment(&[app(), proxy]), one_container])), []);
}

#[test]
fn an_injected_container_without_limits_that_costs_the_class_is_named() {
    let pod = |name: &str| {
        json!({
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "shop", "ownerReferences": [{"kind": "ReplicaSet", "name": "web-1"}]},
            "spec": {"containers": [mk_container("app", "-/-", "1/1Gi"), {"name": "istio-proxy"}]},
        })
    };
    let template = mk_deployment(&[mk_container("app", "-/-", "1/1Gi")]);
    let findings = found(json!([template, pod("web-1-a")]));
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!((findings[0].rule, findings[0].object.as_str()), (Rule::ClassLost, "Pod shop/web-1-a"));
    assert_eq!(findings[0].field, "spec.containers[1].resources");
    assert!(findings[0].message.contains("all containers but `istio-proxy` are Guaranteed"), "{findings:?}");
}

#[test]
fn pods_that_say_nothing_or_oversell_beyond_the_policy_are_found() {
    assert_eq!(rules(json!([mk_deployment(&[json!({"name": "app"})])])), [Rule::BestEffort]);
    let greedy = found(json!([mk_deployment(&[mk_container("app", "50m/256Mi", "1/1Gi")])]));
    let rules: Vec<Rule> = greedy.iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, [Rule::MemoryOversold, Rule::CpuOversold]);
    assert_eq!(greedy[0].remedy, "request at least 683Mi");
    assert_eq!(greedy[1].remedy, "request at least 100m");
}

#[test]
fn memory_sold_twice_without_a_priority_is_found() {
    let mut deployment = mk_deployment(&[mk_container("app", "1/1Gi", "2/1536Mi")]);
    assert_eq!(rules(json!([deployment])), []);
    deployment["spec"]["template"]["spec"]["priorityClassName"] = Value::Null;
    assert_eq!(rules(json!([deployment])), [Rule::NoPriority]);
    deployment["spec"]["template"]["spec"]["priority"] = 5.into();
    assert_eq!(rules(json!([deployment])), []);
}

#[test]
fn a_thousandth_of_a_byte_is_taken_for_the_typo_it_is() {
    let findings = found(json!([mk_deployment(&[mk_container("app", "100m/100m", "100m/100m")])]));
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!((findings[0].rule, findings[0].severity), (Rule::MemoryTypo, Severity::Error));
    assert_eq!(findings[0].field, "spec.template.spec.containers[0].resources.requests.memory");
}

#[test]
fn less_than_a_mebibyte_is_no_memory() {
    let judged = |memory: &str| {
        let amounts = format!("100m/{memory}");
        rules(json!([mk_deployment(&[mk_container("app", &amounts, &amounts)])]))
    };
    assert_eq!(judged("1023Ki"), [Rule::MemoryTypo]);
    assert_eq!(judged("1Mi"), []);
}

#[test]
fn a_range_that_refuses_or_surprises_is_found() {
    let app = || mk_deployment(&[mk_container("app", "2/1Gi", "-/1Gi")]);
    let range = json!({
        "type": "Container", "default": {"cpu": "1", "memory": "1Gi"}, "defaultRequest": {"cpu": "1", "memory": "1Gi"},
    });
    let findings = found(json!([app(), mk_range(range)]));
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].rule, Rule::DefaultBelowRequest);
    assert_eq!(findings[0].object, "Deployment shop/web");
    let max_only = json!({"type": "Container", "max": {"cpu": "4"}});
    assert_eq!(rules(json!([mk_range(max_only)])), [Rule::DefaultsDerived]);
    let strict = json!({"type": "Container", "maxLimitRequestRatio": {"cpu": "4"}});
    let oversold = mk_deployment(&[mk_container("app", "200m/683Mi", "1/1Gi")]);
    assert_eq!(rules(json!([oversold.clone(), mk_range(strict)])), [Rule::RatioRefused]);
    let exact = json!({"type": "Container", "maxLimitRequestRatio": {"cpu": "5"}});
    assert_eq!(rules(json!([oversold, mk_range(exact)])), []);
    let of_pods = json!({"type": "Pod", "max": {"cpu": "4"}});
    assert_eq!(rules(json!([mk_range(of_pods)])), []);
}

#[test]
fn a_quota_that_refuses_or_leaves_limits_open_is_found() {
    let app = || mk_deployment(&[mk_container("app", "100m/-", "-/-")]);
    let hard = json!({"requests.cpu": "10", "limits.cpu": "10", "limits.memory": "10Gi"});
    let findings = found(json!([app(), mk_quota(hard.clone())]));
    let rules_found: Vec<Rule> = findings.iter().map(|finding| finding.rule).collect();
    assert_eq!(rules_found, [Rule::QuotaNeeds, Rule::QuotaNeeds], "{findings:?}");
    let filled = json!({
        "type": "Container", "default": {"cpu": "1", "memory": "1Gi"}, "defaultRequest": {"cpu": "1", "memory": "1Gi"},
    });
    assert_eq!(rules(json!([app(), mk_quota(hard), mk_range(filled)])), []);
    assert_eq!(rules(json!([mk_quota(json!({"requests.cpu": "10"}))])), [Rule::QuotaOnRequestsAlone]);
    assert_eq!(rules(json!([mk_quota(json!({"cpu": "10"}))])), [Rule::QuotaOnRequestsAlone]);
    assert_eq!(rules(json!([mk_quota(json!({"requests.cpu": "10", "limits.cpu": "10", "pods": "5"}))])), []);
}

/// The Deployment's pods have the priority class `plimsoll-general-10`, and requests.
#[test]
fn a_quota_is_held_against_the_pods_that_it_counts_alone() {
    let app = || mk_deployment(&[mk_container("app", "100m/-", "-/-")]);
    let by_class = |operator: &str, values: &[&str]| {
        let mut quota = mk_quota(json!({"limits.memory": "10Gi"}));
        quota["spec"]["scopeSelector"] = json!({"matchExpressions": [
            {"scopeName": "PriorityClass", "operator": operator, "values": values}]});
        rules(json!([app(), quota])) == [Rule::QuotaNeeds]
    };
    let by_scope = |scope: &str| {
        let mut quota = mk_quota(json!({"limits.memory": "10Gi"}));
        quota["spec"]["scopes"] = json!([scope]);
        rules(json!([app(), quota])) == [Rule::QuotaNeeds]
    };
    for (operator, values, counts) in [
        ("Exists", &[][..], true),
        ("DoesNotExist", &[], false),
        ("In", &["plimsoll-general-10", "other"], true),
        ("In", &["other"], false),
        ("NotIn", &["other"], true),
        ("NotIn", &["plimsoll-general-10"], false),
    ] {
        assert_eq!(by_class(operator, values), counts, "{operator} {values:?}");
    }
    for (scope, counts) in [
        ("NotBestEffort", true),
        ("BestEffort", false),
        ("NotTerminating", true),
        ("Terminating", false),
        ("CrossNamespacePodAffinity", false),
    ] {
        assert_eq!(by_scope(scope), counts, "{scope}");
    }
}

#[test]
fn a_range_that_refuses_the_size_is_found_with_what_to_do() {
    let app = || mk_deployment(&[mk_container("app", "200m/683Mi", "1/1Gi")]);
    let range = |item: Value| mk_range(item);
    let full = |more: Value| {
        let mut item = json!({
            "type": "Container", "default": {"cpu": "1", "memory": "1Gi"}, "defaultRequest": {"cpu": "1", "memory": "1Gi"},
        });
        item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        range(item)
    };
    let findings = found(json!([app(), full(json!({"max": {"cpu": "500m"}}))]));
    assert_eq!(
        findings,
        [Finding {
            severity: Severity::Error,
            rule: Rule::SizeRefused,
            object: "Deployment shop/web".into(),
            field: "spec.template.spec.containers[0].resources.limits.cpu".into(),
            message: "its cpu limit of 1 is above the 500m that LimitRange shop/range lets a container have"
                .into(),
            remedy: "lower it to 500m, or raise max.cpu of LimitRange shop/range".into(),
        }]
    );
    assert_eq!(rules(json!([app(), full(json!({"max": {"cpu": "1"}}))])), []);
    assert_eq!(rules(json!([app(), full(json!({"min": {"cpu": "250m"}}))])), [Rule::SizeRefused]);
    assert_eq!(rules(json!([app(), full(json!({"min": {"cpu": "200m"}}))])), []);
}

/// Its two containers together have limits of 2 and 2Gi, and request 400m and 1366Mi.
#[test]
fn a_range_for_pods_is_held_against_their_containers_together() {
    let app = || {
        let container = |name: &str| mk_container(name, "200m/683Mi", "1/1Gi");
        mk_deployment(&[container("app"), container("proxy")])
    };
    for (item, expected) in [
        (json!({"max": {"cpu": "1500m"}}), Some(Rule::SizeRefused)),
        (json!({"max": {"cpu": "2", "memory": "2Gi"}}), None),
        (json!({"min": {"memory": "2Gi"}}), Some(Rule::SizeRefused)),
        (json!({"min": {"memory": "1366Mi"}}), None),
        (json!({"maxLimitRequestRatio": {"cpu": "4"}}), Some(Rule::RatioRefused)),
        (json!({"maxLimitRequestRatio": {"cpu": "5"}}), None),
    ] {
        let mut range = item.clone();
        range["type"] = "Pod".into();
        assert_eq!(rules(json!([app(), mk_range(range)])), Vec::from_iter(expected), "{item}");
    }
}

#[test]
fn a_quota_without_room_for_one_pod_is_found() {
    let app = || mk_deployment(&[mk_container("app", "200m/683Mi", "1/1Gi")]);
    let hard = |name: &str, amount: &str| {
        let mut hard = json!({"limits.cpu": "10", "limits.memory": "10Gi"});
        hard[name] = amount.into();
        found(json!([app(), mk_quota(hard)]))
    };
    let findings = hard("limits.cpu", "999m");
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].rule, Rule::QuotaTooSmall);
    assert_eq!(
        findings[0].message,
        "one pod takes 1 of limits.cpu, and ResourceQuota shop/quota has 999m of it for all"
    );
    assert_eq!(hard("pods", "0").len(), 1);
    assert_eq!(hard("requests.memory", "683Mi"), []);
    assert_eq!(hard("count/services", "0"), []);
}

#[test]
fn namespaces_are_judged_apart_and_other_kinds_passed_over() {
    let strict = json!({"type": "Container", "maxLimitRequestRatio": {"cpu": "4"}});
    let mut range = mk_range(strict);
    range["metadata"]["namespace"] = "elsewhere".into();
    let service = json!({"kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}});
    let oversold = mk_deployment(&[mk_container("app", "200m/683Mi", "1/1Gi")]);
    assert_eq!(rules(json!([oversold, range, service])), []);
}

proptest! {
    #[test]
    fn what_the_grades_make_is_clean(
        cpu in 20_u64..100_000, memory in 16_u64..100_000, grade in 0_usize..5, percent in 60_u32..=100,
    ) {
        let policy = Policy::default();
        let rule = &policy.grades()[grade];
        let limit = Amounts { cpu: Quantity::from_millis(cpu), memory: Quantity::from_mebibytes(memory) };
        let made = requests(&limit, &rule.name, &rule.terms()).amounts();
        let app = mk_container("app", &format!("{}/{}", made.cpu, made.memory), &format!("{}/{}", limit.cpu, limit.memory));
        let mut deployment = mk_deployment(&[app]);
        deployment["spec"]["template"]["spec"]["priorityClassName"] = rule.priority_class().into();
        let mut range = serde_json::to_value(limit_range(&policy)).unwrap();
        range["type"] = "Container".into();
        let target = hpa_target(percent, &limit.cpu, &made.cpu).unwrap();
        let objects = json!([deployment, mk_range(range), mk_scaler(target.unsigned_abs())]);
        prop_assert_eq!(found(objects), []);
    }
}
