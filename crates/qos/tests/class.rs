//! The table of QoS classes, case by case: those of Kubernetes' own unit tests, then those derived from its rules.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of tests fails the test")]

use plimsoll_qos::{KubernetesVersion, Pod, QosClass, qos_class, qos_class_by};
use serde_json::{Map, Value, json};

/// How a case is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// As it stands, as the API stores it.
    Stored,
    /// After the API server of that minor version has filled in what is missing.
    Filled(u16),
}
use By::{Filled, Stored};
use QosClass::{BestEffort, Burstable, Guaranteed};

/// `"100m/100Mi -> 200m/-"`: CPU and memory requested, then limited; `-` is absent.
fn resources(text: &str) -> Value {
    let (requests, limits) = text.split_once(" -> ").unwrap();
    let list = |side: &str| -> Value {
        let (cpu, memory) = side.split_once('/').unwrap();
        let set = [("cpu", cpu), ("memory", memory)].into_iter().filter(|(_, amount)| *amount != "-");
        Value::Object(set.map(|(name, amount)| (name.to_owned(), json!(amount))).collect::<Map<_, _>>())
    };
    let limits = if limits == "same" { requests } else { limits };
    json!({"requests": list(requests), "limits": list(limits)})
}

fn containers(all: &[&str]) -> Value {
    all.iter()
        .zip(1..)
        .map(|(text, n)| json!({"name": format!("c{n}"), "resources": resources(text)}))
        .collect()
}

fn pod(all: &[&str]) -> Value {
    json!({"containers": containers(all)})
}

fn with(mut pod: Value, field: &str, value: Value) -> Value {
    pod[field] = value;
    pod
}

fn whole(text: &str, all: &[&str]) -> Value {
    with(pod(all), "resources", resources(text))
}

fn init(text: &str, main: &str, restart_policy: Option<&str>) -> Value {
    let mut init = json!({"name": "init", "resources": resources(text)});
    if let Some(policy) = restart_policy {
        init["restartPolicy"] = json!(policy);
    }
    with(pod(&[main]), "initContainers", json!([init]))
}

fn parsed(spec: &Value) -> Pod {
    serde_json::from_value(spec.clone()).unwrap_or_else(|error| panic!("{spec}: {error}"))
}

const EMPTY: &str = "-/- -> -/-";
const FULL: &str = "100m/100Mi -> same";

#[test]
fn every_case_of_the_table_has_its_class() {
    let only = |name: &str, amount: &str| {
        let list = json!({name: amount});
        json!({"containers": [{"name": "c1", "resources": {"requests": list, "limits": list}}]})
    };
    let huge_pages = {
        let list = json!({"cpu": "0", "memory": "0", "hugepages-2Mi": "1Gi"});
        json!({"containers": [{"name": "c1", "resources": {"requests": list, "limits": list}}]})
    };
    let limits_only = pod(&["-/- -> 1/1Gi"]);
    let ephemeral = with(pod(&[FULL]), "ephemeralContainers", json!([{"name": "debug", "image": "busybox"}]));
    let table: Vec<(u8, Value, By, QosClass)> = vec![
        (1, pod(&[FULL]), Stored, Guaranteed),
        (2, pod(&[FULL, FULL]), Stored, Guaranteed),
        (3, pod(&[EMPTY]), Stored, BestEffort),
        (4, pod(&[EMPTY, EMPTY]), Stored, BestEffort),
        (5, pod(&[EMPTY, "1/- -> 2/-"]), Stored, Burstable),
        (6, pod(&[EMPTY, "10m/100Mi -> same"]), Stored, Burstable),
        (7, pod(&["-/100Mi -> same"]), Stored, Burstable),
        (8, pod(&["100m/100Mi -> -/-"]), Stored, Burstable),
        (9, pod(&["1/100Mi -> 2/100Mi", FULL]), Stored, Burstable),
        (10, pod(&["100m/100Mi -> 200m/200Mi", "100m/100Mi -> -/-"]), Stored, Burstable),
        (11, pod(&["10m/100Mi -> 100m/200Mi"]), Stored, Burstable),
        (12, pod(&["0/0 -> 100m/200Mi"]), Stored, Burstable),
        (13, huge_pages, Stored, BestEffort),
        (14, init("10m/100Mi -> 100m/200Mi", EMPTY, None), Stored, Burstable),
        (15, whole("10m/100Mi -> same", &[EMPTY]), Stored, Guaranteed),
        (16, whole("10m/100Mi -> same", &["3m/10Mi -> 5m/20Mi"]), Stored, Guaranteed),
        (17, whole("10m/10Mi -> 20m/50Mi", &[EMPTY]), Stored, Burstable),
        (18, whole("10m/10Mi -> 20m/50Mi", &["5m/10Mi -> same"]), Stored, Burstable),
        (19, whole("10m/10Mi -> -/-", &["5m/10Mi -> -/-"]), Stored, Burstable),
        (20, whole("10m/10Mi -> 5m/-", &["5m/10Mi -> -/-", "5m/10Mi -> same"]), Stored, Burstable),
        (21, ephemeral, Stored, Guaranteed),
        (22, limits_only.clone(), Stored, Burstable),
        (22, limits_only, Filled(37), Guaranteed),
        (23, pod(&["-/- -> 1/-"]), Filled(37), Burstable),
        (24, init(EMPTY, FULL, Some("Always")), Stored, Burstable),
        (25, init(FULL, FULL, Some("Always")), Stored, Guaranteed),
        (26, init(EMPTY, FULL, None), Stored, Burstable),
        (27, pod(&["1/1Gi -> 1000m/1024Mi"]), Stored, Guaranteed),
        (28, pod(&["0/0 -> 0/0"]), Stored, BestEffort),
        (29, only("ephemeral-storage", "1Gi"), Stored, BestEffort),
        (29, only("nvidia.com/gpu", "1"), Stored, BestEffort),
        (30, with(pod(&[FULL]), "resources", json!({})), Stored, Guaranteed),
        (30, whole(EMPTY, &[FULL]), Stored, Guaranteed),
        (31, whole("1/- -> 1/-", &[FULL, FULL]), Stored, Burstable),
        (32, whole("1/- -> 1/-", &[FULL, FULL]), Filled(37), Guaranteed),
        (33, pod(&["100m/1Gi -> 100.5m/1Gi"]), Filled(37), Burstable),
        (33, pod(&["101m/1Gi -> 100.5m/1Gi"]), Filled(37), Guaranteed),
        (35, with(pod(&[FULL]), "overhead", json!({"cpu": "10m", "memory": "20Mi"})), Stored, Guaranteed),
    ];
    for (number, spec, by, class) in table {
        let found = match by {
            Stored => qos_class(&parsed(&spec)),
            Filled(minor) => {
                let version = KubernetesVersion::new(minor);
                qos_class_by(&parsed(&spec).defaulted_by(version), version)
            }
        };
        assert_eq!(found.class, class, "case {number}: {spec}: {}", found.because);
    }
}

/// An API server takes no such pod; whoever asks about one is not told that it is Guaranteed.
#[test]
fn a_request_above_the_limit_guarantees_nothing() {
    assert_eq!(qos_class(&parsed(&pod(&["2/1Gi -> 1/1Gi"]))).class, Burstable);
    assert_eq!(qos_class(&parsed(&pod(&["1/2Gi -> 1/1Gi"]))).class, Burstable);
}

/// Only CPU, memory and huge pages may be set for a pod as a whole; other names there decide nothing.
#[test]
fn the_pod_as_a_whole_decides_only_by_what_may_be_set_for_it() {
    let with_whole = |name: &str| {
        let amounts = json!({name: "1Gi"});
        qos_class(&parsed(&with(pod(&[FULL]), "resources", json!({"requests": amounts, "limits": amounts}))))
            .class
    };
    assert_eq!(with_whole("ephemeral-storage"), Guaranteed);
    assert_eq!(with_whole("memory"), Burstable);
    assert_eq!(with_whole("hugepages-2Mi"), BestEffort);
}

/// Cases 30 to 32 came out otherwise before Kubernetes 1.37, whose source has both corrections from that version
/// on, and resources of a pod as a whole were not kept at all before 1.34.
#[test]
fn cases_about_the_pod_as_a_whole_depend_on_the_version() {
    let class = |spec: &Value, minor| {
        let version = KubernetesVersion::new(minor);
        qos_class_by(&parsed(spec).defaulted_by(version), version).class
    };
    let empty = with(pod(&[FULL]), "resources", json!({}));
    let cpu_only = whole("1/- -> 1/-", &[FULL, FULL]);
    for (spec, classes) in [
        (empty, [Guaranteed, BestEffort, BestEffort, Guaranteed]),
        (cpu_only, [Guaranteed, Burstable, Burstable, Guaranteed]),
    ] {
        assert_eq!([33, 34, 36, 37].map(|minor| class(&spec, minor)), classes, "{spec}");
    }
}

#[test]
fn case_34_a_resize_to_request_equal_to_limit_is_refused_because_the_class_would_change() {
    let from = parsed(&pod(&["10m/100Mi -> 100m/200Mi"]));
    let to = parsed(&pod(&["100m/200Mi -> 100m/200Mi"]));
    let refusals = from.resize(&to, KubernetesVersion::LATEST).refusals;
    let said: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "the class would change from Burstable to Guaranteed; a pod keeps its class, so that this takes new pods"
        ]
    );
}

#[test]
fn case_36_a_request_above_its_limit_is_invalid_before_there_is_a_class() {
    let faults = parsed(&pod(&["1/1Gi -> 2/1Gi", "2/1Gi -> 1/1Gi"])).faults();
    let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(said, ["container `c2`: requests 2 of cpu and may use only 1"]);
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
