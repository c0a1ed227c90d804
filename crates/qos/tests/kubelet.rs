//! What a node does with a pod: the tables of Kubernetes v1.37 and of the container runtimes.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails the test")]

use plimsoll_qos::{
    Candidate, ContainerView, Machine, MemoryReservation, NodeViewError, Pod, Quantity, WeightCurve,
    eviction_order, node_view,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn q(text: &str) -> Quantity {
    text.parse().unwrap()
}

fn mk_pod(spec: Value) -> Pod {
    serde_json::from_value(spec).unwrap()
}

fn mk_container(requests: Value, limits: Value) -> Value {
    let resources =
        Value::Object([("requests".into(), requests), ("limits".into(), limits)].into_iter().collect());
    json!({"name": "app", "resources": resources})
}

fn seen(spec: Value, machine: &Machine) -> Vec<ContainerView> {
    node_view(&mk_pod(spec), machine).unwrap().containers
}

/// A Burstable pod of one container with that memory request.
fn burstable(memory: &str) -> Value {
    json!({"containers": [mk_container(json!({"memory": memory}), json!({}))]})
}

#[test]
fn the_score_of_a_burstable_container_falls_with_its_request() {
    let machine = Machine::with_memory(q("64Gi"));
    for (request, score) in [("64Mi", 999), ("1Gi", 985), ("32Gi", 500), ("64Gi", 3), ("65Gi", 3)] {
        assert_eq!(seen(burstable(request), &machine)[0].oom_score_adj.value, score, "{request}");
    }
    let no_memory = json!({"containers": [mk_container(json!({"cpu": "1"}), json!({}))]});
    assert_eq!(seen(no_memory, &machine)[0].oom_score_adj.value, 999);
}

#[test]
fn guaranteed_and_best_effort_have_the_ends_of_the_scale() {
    let machine = Machine::with_memory(q("64Gi"));
    let both = json!({"cpu": "1", "memory": "1Gi"});
    let guaranteed = json!({"containers": [mk_container(json!({}), both)]});
    assert_eq!(seen(guaranteed, &machine)[0].oom_score_adj.value, -997);
    let empty = json!({"containers": [mk_container(json!({}), json!({}))]});
    assert_eq!(seen(empty, &machine)[0].oom_score_adj.value, 1000);
    let mut critical = burstable("1Gi");
    critical["priority"] = 2_000_001_000.into();
    critical["priorityClassName"] = "system-node-critical".into();
    assert_eq!(seen(critical.clone(), &machine)[0].oom_score_adj.value, -997);
    critical["priorityClassName"] = "system-cluster-critical".into();
    assert_eq!(seen(critical, &machine)[0].oom_score_adj.value, 985);
}

#[test]
fn what_a_pod_requests_beyond_its_containers_is_split_evenly() {
    let containers: Vec<Value> = ["50Gi", "100Gi", "0"]
        .iter()
        .map(|memory| mk_container(json!({"memory": memory}), json!({})))
        .collect();
    let pod = json!({"resources": {"requests": {"memory": "180Gi"}}, "containers": containers});
    let scores: Vec<i64> =
        seen(pod, &Machine::with_memory(q("1000Gi"))).iter().map(|c| c.oom_score_adj.value).collect();
    assert_eq!(scores, [940, 890, 990]);
}

#[test]
fn a_sidecar_does_not_die_before_the_main_containers() {
    let mut sidecar = mk_container(json!({"memory": "1Gi"}), json!({}));
    sidecar["restartPolicy"] = "Always".into();
    let pod = json!({
        "initContainers": [sidecar, mk_container(json!({"memory": "1Gi"}), json!({}))],
        "containers": [
            mk_container(json!({"memory": "10Gi"}), json!({})),
            mk_container(json!({"memory": "20Gi"}), json!({})),
        ],
    });
    let scores: Vec<i64> =
        seen(pod, &Machine::with_memory(q("100Gi"))).iter().map(|c| c.oom_score_adj.value).collect();
    assert_eq!(scores, [900, 990, 900, 800]);
}

#[test]
fn shares_weight_and_quota_follow_the_table() {
    let table = [
        ("0", 2, 1, 1),
        ("10m", 10, 1, 4),
        ("100m", 102, 4, 17),
        ("250m", 256, 10, 35),
        ("1", 1024, 39, 100),
        ("1954m", 2000, 77, 170),
        ("2", 2048, 79, 174),
        ("4", 4096, 157, 303),
        ("1000", 262_144, 10_000, 10_000),
    ];
    for (request, shares, linear, quadratic) in table {
        let pod = json!({"containers": [mk_container(json!({"cpu": request, "memory": "1"}), json!({}))]});
        let mut machine = Machine::with_memory(q("64Gi"));
        let newer = seen(pod.clone(), &machine).remove(0);
        machine.weight_curve = WeightCurve::Linear;
        let older = seen(pod, &machine).remove(0);
        assert_eq!(newer.cpu_shares.value, shares, "{request}");
        assert_eq!((older.cpu_weight.value, newer.cpu_weight.value), (linear, quadratic), "{request}");
        assert_eq!(newer.cpu_quota_us, None);
    }
    for (limit, quota) in [("1m", 1000), ("9m", 1000), ("10m", 1000), ("50m", 5000), ("1", 100_000)] {
        let pod = json!({"containers": [mk_container(json!({}), json!({"cpu": limit}))]});
        let found = seen(pod, &Machine::with_memory(q("64Gi"))).remove(0).cpu_quota_us.unwrap();
        assert_eq!(found.value, quota, "{limit}: {}", found.because);
    }
}

#[test]
fn memory_high_lies_at_the_factors_share_between_request_and_limit() {
    let table = [
        ("800Mi", "1000Mi", "0.6", "920Mi"),
        ("500Mi", "1000Mi", "0.8", "900Mi"),
        ("850Mi", "1000Mi", "0.8", "970Mi"),
        ("500Mi", "1000Mi", "0.4", "700Mi"),
        ("1000Mi", "1500Mi", "0.9", "1450Mi"),
    ];
    for (request, limit, factor, high) in table {
        let pod = json!({"containers": [mk_container(json!({"memory": request}), json!({"memory": limit}))]});
        let mut machine = Machine::with_memory(q("64Gi"));
        assert_eq!(seen(pod.clone(), &machine)[0].memory_high, None);
        machine.memory_throttling_factor = Some(q(factor));
        let found = seen(pod, &machine).remove(0);
        assert_eq!(
            Some(found.memory_high.unwrap().value),
            high.parse::<Quantity>().unwrap().value().try_into().ok()
        );
        assert_eq!(Some(found.memory_max.unwrap().value), q(limit).value().try_into().ok());
    }
}

#[test]
fn memory_high_is_in_whole_pages_and_left_out_where_it_says_nothing() {
    let mut machine = Machine::with_memory(q("64Gi"));
    machine.memory_throttling_factor = Some(q("0.9"));
    let high = |requests: Value, limits: Value, machine: &Machine| {
        seen(json!({"containers": [mk_container(requests, limits)]}), machine).remove(0).memory_high
    };
    let found = high(json!({"memory": "1Mi"}), json!({"memory": "2000000"}), &machine).unwrap();
    assert_eq!(found.value % 4096, 0);
    assert_eq!(found.value, 1_904_857 / 4096 * 4096);
    assert_eq!(high(json!({"memory": "1Gi"}), json!({"memory": "1Gi"}), &machine), None);
    machine.allocatable_memory = Some(q("10Gi"));
    let unbounded = high(json!({"memory": "0"}), json!({}), &machine).unwrap();
    assert_eq!(unbounded.value, 9 << 30);
    assert_eq!(high(json!({"memory": "11Gi"}), json!({}), &machine), None);
}

#[test]
fn tiered_reservation_keeps_the_request_hard_or_soft_by_class() {
    let mut machine = Machine::with_memory(q("64Gi"));
    machine.memory_reservation = MemoryReservation::TieredReservation;
    let both = json!({"cpu": "1", "memory": "1Gi"});
    let guaranteed = seen(json!({"containers": [mk_container(json!({}), both)]}), &machine).remove(0);
    assert_eq!(guaranteed.memory_min.map(|min| min.value), Some(1 << 30));
    assert_eq!(guaranteed.memory_low, None);
    let burstable = seen(burstable("1Gi"), &machine).remove(0);
    assert_eq!(burstable.memory_low.map(|low| low.value), Some(1 << 30));
    assert_eq!(burstable.memory_min, None);
}

#[test]
fn the_limit_of_the_pod_bounds_a_container_without_its_own() {
    let pod = json!({
        "resources": {"limits": {"cpu": "2", "memory": "1Gi"}},
        "containers": [{"name": "a"}, mk_container(json!({}), json!({"cpu": "500m", "memory": "256Mi"}))],
    });
    let found = seen(pod, &Machine::with_memory(q("64Gi")));
    assert_eq!(found[0].cpu_quota_us.as_ref().map(|quota| quota.value), Some(200_000));
    assert_eq!(found[0].memory_max.as_ref().map(|max| max.value), Some(1 << 30));
    assert_eq!(found[1].cpu_quota_us.as_ref().map(|quota| quota.value), Some(50_000));
}

#[test]
fn a_machine_or_an_amount_that_cannot_be_is_refused_by_name() {
    let pod = mk_pod(burstable("1Gi"));
    let view = |change: &dyn Fn(&mut Machine)| {
        let mut machine = Machine::with_memory(q("64Gi"));
        change(&mut machine);
        node_view(&pod, &machine).unwrap_err()
    };
    assert!(matches!(view(&|m| m.memory = q("0")), NodeViewError::NoMemory(_)));
    assert!(matches!(view(&|m| m.memory = q("-1Gi")), NodeViewError::NoMemory(_)));
    assert!(matches!(view(&|m| m.memory = q("1e30")), NodeViewError::NoMemory(_)));
    assert_eq!(
        view(&|m| m.memory = q("64")).to_string(),
        "the machine's memory is 64; give its capacity, for example 64Gi"
    );
    for (factor, said) in [("1.1", "1.1"), ("1100000001n", "1.100000001"), ("-900m", "-0.9"), ("2", "2")] {
        let error = view(&|m| m.memory_throttling_factor = Some(q(factor))).to_string();
        assert!(error.starts_with(&format!("a memory throttling factor of {said} is")), "{error}");
    }
    assert!(matches!(view(&|m| m.page_bytes = 0), NodeViewError::NoPage(0)));
    assert!(matches!(view(&|m| m.cpu_period_us = 1), NodeViewError::PeriodOutOfRange(1)));
    assert!(matches!(
        view(&|m| m.memory_throttling_factor = Some(q("1.1"))),
        NodeViewError::FactorOutOfRange(_)
    ));
    let error = |amount: &str| {
        let pod = mk_pod(json!({"containers": [mk_container(json!({"cpu": amount}), json!({}))]}));
        node_view(&pod, &Machine::with_memory(q("64Gi"))).unwrap_err()
    };
    assert!(matches!(error("-1"), NodeViewError::Refused { .. }));
    assert!(matches!(error("1e40"), NodeViewError::AmountOutOfRange { resource: "cpu", .. }));
}

fn mk_candidate(name: &str, priority: i32, request: &str, usage: Option<&str>) -> Candidate {
    Candidate { name: name.into(), priority, request: q(request), usage: usage.map(q) }
}

#[test]
fn who_uses_more_than_it_requests_goes_first_by_priority_then_by_how_much() {
    let pods = [
        mk_candidate("important", 800, "1Gi", Some("1536Mi")),
        mk_candidate("modest", 0, "2Gi", Some("1Gi")),
        mk_candidate("exact", 0, "2Gi", Some("2Gi")),
        mk_candidate("oversold", 500, "683Mi", Some("1Gi")),
        mk_candidate("greedy", 500, "683Mi", Some("3Gi")),
        mk_candidate("unknown", 900, "1Gi", None),
        mk_candidate("unknown-too", 100, "1Gi", None),
    ];
    let names: Vec<String> = eviction_order(&pods).unwrap().into_iter().map(|victim| victim.name).collect();
    assert_eq!(names, ["unknown-too", "unknown", "greedy", "oversold", "important", "exact", "modest"]);
}

#[test]
fn a_pod_is_told_when_its_turn_comes_and_never_that_it_is_safe() {
    let outlook = |containers: Value| {
        node_view(&mk_pod(json!({"containers": containers})), &Machine::with_memory(q("64Gi")))
            .unwrap()
            .eviction
    };
    let amounts = |memory: &str| json!({"cpu": "1", "memory": memory});
    assert_eq!(
        outlook(json!([mk_container(amounts("1Gi"), amounts("2Gi"))])),
        "among the last to be evicted while it uses no more than the 1Gi it requests, beyond that among the first; among \
         its like by priority (0), then by how far beyond"
    );
    assert_eq!(
        outlook(json!([mk_container(amounts("1Gi"), amounts("1Gi"))])),
        "it may use no more than the 1Gi it requests, so it is among the last to be evicted; among those, by priority (0)"
    );
    assert_eq!(
        outlook(json!([{"name": "main"}])),
        "it requests no memory, so any use makes it one of the first to be evicted; among those, by priority (0)"
    );
}

#[test]
fn a_container_without_cpu_is_not_told_of_a_limit_that_it_does_not_have() {
    let memory = json!({"memory": "1Gi"});
    let view =
        seen(json!({"containers": [mk_container(memory.clone(), memory)]}), &Machine::with_memory(q("64Gi")));
    assert_eq!(view[0].cpu_shares.value, 2);
    assert_eq!(view[0].cpu_shares.because, "the fewest there are, for it says nothing of CPU");
}

proptest! {
    #[test]
    fn no_pod_and_machine_make_a_view_fail_otherwise_than_by_name(
        amounts in prop::collection::vec((any::<u64>(), any::<u64>(), any::<u64>(), any::<u64>()), 1..4),
        memory in any::<u64>(), factor in 0_u32..1200,
    ) {
        let containers: Vec<Value> = amounts
            .iter()
            .map(|(cr, mr, cl, ml)| {
                let list = |cpu: &u64, memory: &u64| json!({"cpu": format!("{cpu}m"), "memory": memory.to_string()});
                mk_container(list(cr, mr), list(cl, ml))
            })
            .collect();
        let mut machine = Machine::with_memory(q(&memory.to_string()));
        machine.memory_throttling_factor = Some(q(&format!("{factor}m")));
        if let Ok(view) = node_view(&mk_pod(json!({"containers": containers})), &machine) {
            for container in view.containers {
                let score = container.oom_score_adj.value;
                prop_assert!(score == -997 || score == 1000 || (3..=999).contains(&score));
                prop_assert!((1..=10_000).contains(&container.cpu_weight.value));
                if let (Some(high), Some(max)) = (container.memory_high, container.memory_max) {
                    prop_assert!(high.value <= max.value || factor == 0);
                }
            }
        }
    }

    #[test]
    fn a_larger_request_is_never_killed_before_a_smaller_one(a in 1_u64..1 << 40, b in 1_u64..1 << 40) {
        let machine = Machine::with_memory(q("512Gi"));
        let score = |request: u64| seen(burstable(&request.to_string()), &machine)[0].oom_score_adj.value;
        prop_assert_eq!(score(a.min(b)) >= score(a.max(b)), true);
    }
}
