//! QoS classes: Kubernetes' own cases first, then those derived from its rules.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails the test")]

use plimsoll_qos::{Pod, QosClass, qos_class};
use serde_json::{Value, json};

use QosClass::{BestEffort, Burstable, Guaranteed};

/// `"100m/100Mi -> 200m/-"`: CPU and memory requested, then limited.
fn resources(text: &str) -> Value {
    let (requests, limits) = text.split_once(" -> ").unwrap();
    let list = |side: &str| {
        let (cpu, memory) = side.split_once('/').unwrap();
        let set = [("cpu", cpu), ("memory", memory)].into_iter().filter(|(_, amount)| *amount != "-");
        set.map(|(name, amount)| (name.to_owned(), json!(amount))).collect::<serde_json::Map<_, _>>()
    };
    json!({"requests": list(requests), "limits": list(limits)})
}

fn containers(all: &[&str]) -> Vec<Value> {
    all.iter()
        .zip(1..)
        .map(|(text, n)| json!({"name": format!("c{n}"), "resources": resources(text)}))
        .collect()
}

fn pod(all: &[&str]) -> Value {
    json!({"containers": containers(all)})
}

fn class(pod: &Value) -> QosClass {
    qos_class(&serde_json::from_value::<Pod>(pod.clone()).unwrap()).class
}

fn class_after_defaulting(pod: &Value) -> QosClass {
    qos_class(&serde_json::from_value::<Pod>(pod.clone()).unwrap().defaulted()).class
}

const EMPTY: &str = "-/- -> -/-";
const FULL: &str = "100m/100Mi -> 100m/100Mi";

#[test]
fn containers_decide_the_class_as_in_kubernetes() {
    let table: [(&[&str], QosClass); 14] = [
        (&[FULL], Guaranteed),
        (&[FULL, FULL], Guaranteed),
        (&[EMPTY], BestEffort),
        (&[EMPTY, EMPTY], BestEffort),
        (&[EMPTY, "1/- -> 2/-"], Burstable),
        (&[EMPTY, "10m/100Mi -> 10m/100Mi"], Burstable),
        (&["-/100Mi -> -/100Mi"], Burstable),
        (&["100m/100Mi -> -/-"], Burstable),
        (&["1/100Mi -> 2/100Mi", FULL], Burstable),
        (&["100m/100Mi -> 200m/200Mi", "100m/100Mi -> -/-"], Burstable),
        (&["10m/100Mi -> 100m/200Mi"], Burstable),
        (&["0/0 -> 100m/200Mi"], Burstable),
        (&["0/0 -> 0/0"], BestEffort),
        (&["1/1Gi -> 1000m/1024Mi"], Guaranteed),
    ];
    for (all, expected) in table {
        assert_eq!(class(&pod(all)), expected, "{all:?}");
    }
}

#[test]
fn other_resources_never_count() {
    for name in ["hugepages-2Mi", "ephemeral-storage", "nvidia.com/gpu"] {
        let only = json!({"requests": {name: "1Gi"}, "limits": {name: "1Gi"}});
        assert_eq!(
            class(&json!({"containers": [{"name": "main", "resources": only}]})),
            BestEffort,
            "{name}"
        );
    }
    let mut with_overhead = pod(&[FULL]);
    with_overhead["overhead"] = json!({"cpu": "10m"});
    with_overhead["ephemeralContainers"] = json!([{"name": "debug"}]);
    assert_eq!(class(&with_overhead), Guaranteed);
}

#[test]
fn init_containers_and_sidecars_count() {
    let with_init = |main: &str, init: &str, policy: Option<&str>| {
        let mut init = json!({"name": "init", "resources": resources(init)});
        if let Some(policy) = policy {
            init["restartPolicy"] = json!(policy);
        }
        json!({"containers": containers(&[main]), "initContainers": [init]})
    };
    assert_eq!(class(&with_init(EMPTY, "10m/100Mi -> 100m/200Mi", None)), Burstable);
    assert_eq!(class(&with_init(FULL, EMPTY, Some("Always"))), Burstable);
    assert_eq!(class(&with_init(FULL, FULL, Some("Always"))), Guaranteed);
    assert_eq!(class(&with_init(FULL, EMPTY, None)), Burstable);
}

#[test]
fn resources_of_the_pod_as_a_whole_decide_alone() {
    let whole = |text: &str, all: &[&str]| {
        let mut pod = pod(all);
        pod["resources"] = resources(text);
        pod
    };
    let table: [(&str, &[&str], QosClass); 8] = [
        ("10m/100Mi -> 10m/100Mi", &[EMPTY], Guaranteed),
        ("10m/100Mi -> 10m/100Mi", &["3m/10Mi -> 5m/20Mi"], Guaranteed),
        ("10m/10Mi -> 20m/50Mi", &[EMPTY], Burstable),
        ("10m/10Mi -> 20m/50Mi", &["5m/10Mi -> 5m/10Mi"], Burstable),
        ("10m/10Mi -> -/-", &["5m/10Mi -> -/-"], Burstable),
        ("10m/10Mi -> 5m/-", &["5m/10Mi -> -/-", "5m/10Mi -> 5m/10Mi"], Burstable),
        ("-/- -> -/-", &[FULL], Guaranteed),
        ("1/- -> 1/-", &[FULL], Burstable),
    ];
    for (text, all, expected) in table {
        assert_eq!(class(&whole(text, all)), expected, "{text} {all:?}");
    }
    // Kubernetes 1.36 sums the memory limits of the containers into the pod.
    assert_eq!(class_after_defaulting(&whole("1/- -> 1/-", &[FULL])), Guaranteed);
}

#[test]
fn defaulting_turns_limits_into_requests() {
    assert_eq!(class(&pod(&["-/- -> 1/1Gi"])), Burstable);
    assert_eq!(class_after_defaulting(&pod(&["-/- -> 1/1Gi"])), Guaranteed);
    assert_eq!(class_after_defaulting(&pod(&["-/- -> 1/-"])), Burstable);
    assert_eq!(class_after_defaulting(&pod(&["100m/1Gi -> 100.5m/1Gi"])), Burstable);
    assert_eq!(class_after_defaulting(&pod(&["101m/1Gi -> 100.5m/1Gi"])), Guaranteed);
}

#[test]
fn a_class_says_why() {
    let because = |pod: Value| qos_class(&serde_json::from_value::<Pod>(pod).unwrap()).because;
    assert_eq!(because(pod(&[FULL, "1/1Gi -> 1/-"])), "container `c2` has no memory limit");
    assert_eq!(because(pod(&["10m/1Gi -> 1/1Gi"])), "container `c1` requests 10m of CPU and may use 1");
    assert_eq!(because(pod(&[EMPTY])), "container `c1` neither requests nor limits CPU or memory");
    assert_eq!(because(pod(&[EMPTY, EMPTY])), "no container requests or limits CPU or memory");
    let sidecar = json!({"containers": containers(&[FULL]), "initContainers": [{"name": "proxy", "restartPolicy": "Always"}]});
    assert_eq!(because(sidecar), "sidecar `proxy` has no CPU limit");
}
