//! Input that was right and has a few faults: it is answered or refused, never with a panic, and what is taken is what
//! was meant: printed again it reads as the same.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper of tests fails the test")]

mod mutation;

use mutation::{any_faults, any_slips, faulty, slipped};
use plimsoll_qos::{Amounts, Cluster, Node, Policy, QosClass, Quantity, Resource, eval, requests};
use proptest::prelude::*;
use serde_json::{Value, json};

/// How many faulty inputs each reader gets.
const CASES: u32 = 3000;

fn mk_pod() -> Value {
    json!({
        "containers": [{
            "name": "main",
            "ports": [{"containerPort": 80, "hostPort": 8080, "protocol": "TCP"}],
            "resources": {"requests": {"cpu": "250m", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1.5Gi"}},
            "resizePolicy": [{"resourceName": "cpu", "restartPolicy": "NotRequired"}],
        }],
        "initContainers": [{"name": "proxy", "restartPolicy": "Always", "resources": {"limits": {"cpu": "10.5m"}}}],
        "overhead": {"cpu": "10m"},
        "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "4Gi"}},
        "priority": 600_000_000,
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"app": "shop"}}}],
    })
}

fn mk_cluster(name: &str) -> Value {
    let node = |node: &str| {
        json!({
            "metadata": {"name": node, "labels": {"disk": "ssd", "zone": node}},
            "spec": {"taints": [{"key": "gpu", "effect": "NoSchedule"}]},
            "status": {"allocatable": {"cpu": "7900m", "memory": "32Gi", "pods": "110", "nvidia.com/gpu": "2"}},
        })
    };
    let pod = |pod: &str, node: &str| {
        let mut spec = mk_pod();
        spec["nodeName"] = node.into();
        json!({"metadata": {"name": pod, "namespace": "demo", "labels": {"app": "shop"}}, "spec": spec,
            "status": {"phase": "Running", "containerStatuses": [{"name": "main", "allocatedResources": {"cpu": "300m"}}]}})
    };
    json!({
        "name": name,
        "nodes": [node("n1"), node("n2")],
        "pods": [pod("p1", "n1"), pod("p2", "n2")],
        "budgets": [{"metadata": {"name": "b", "namespace": "demo"}, "spec": {"selector": {"matchLabels": {"app": "shop"}}},
            "status": {"disruptionsAllowed": 1}}],
        "peaks": {"demo/p1": {"cpu": "500m", "memory": "1Gi"}},
    })
}

fn mk_policy() -> Value {
    json!({"grades": [
        {"name": "gold", "qosClass": "Guaranteed", "cpu": 1, "memory": "1", "priority": 900},
        {"name": "general-5", "qosClass": "Burstable", "cpu": "7/2", "memory": "3/2", "priority": 100},
    ]})
}

/// One request of each operation, or more where it has several ways.
fn requests_of_every_kind() -> Vec<Value> {
    let series = |value: &str| json!({"end": 86_400, "interval": 300, "values": vec![value; 289]});
    let app = json!({"namespace": "demo", "name": "shop", "grade": "general-5", "replicas": 2,
        "size": {"cpu": "2", "memory": "4Gi"}, "pods": vec![json!({"cpu": series("20m"), "memory": series("1Gi")}); 2]});
    let clusters = json!([mk_cluster("dc-1"), mk_cluster("dc-2")]);
    let ledgers = json!({"requestsAndPeaks": {"targetPercent": 90}});
    let deployment = json!({"kind": "Deployment", "metadata": {"name": "web", "namespace": "demo"},
        "spec": {"template": {"spec": mk_pod()}}});
    let range = json!({"kind": "LimitRange", "metadata": {"name": "r", "namespace": "demo"},
        "spec": {"limits": [{"type": "Container", "default": {"cpu": "1"}, "maxLimitRequestRatio": {"cpu": "4"}}]}});
    let quota = json!({"kind": "ResourceQuota", "metadata": {"name": "q", "namespace": "demo"},
        "spec": {"hard": {"requests.cpu": "10", "limits.memory": "1Gi"}}});
    vec![
        json!({"op": "quantity", "value": "1.5Gi"}),
        json!({"op": "quantity", "value": "100m", "strict": true, "resource": "cpu"}),
        json!({"op": "arithmetic", "left": "1500m", "right": "1Gi", "scale": -2}),
        json!({"op": "qosClass", "pod": mk_pod(), "template": true, "server": "1.36"}),
        json!({"op": "podRequests", "pod": mk_pod(), "status": {"containerStatuses": [{"name": "main"}]}}),
        json!({"op": "quotaUsage", "pod": mk_pod()}),
        json!({"op": "defaulted", "pod": mk_pod(), "server": "1.37"}),
        json!({"op": "resize", "pod": mk_pod(), "to": mk_pod()}),
        json!({"op": "size", "grade": "general-5", "cpu": "333m", "memory": "1Gi", "policy": mk_policy()}),
        json!({"op": "size", "grade": "general-2", "cpu": "2", "memory": "1500M", "terms": {"cpu": "3", "memory": "5/4"}}),
        json!({"op": "fit", "clusters": clusters, "want": {"pod": mk_pod(), "namespace": "demo", "labels": {"app": "shop"}}}),
        json!({"op": "fit", "clusters": clusters, "ledgers": ledgers, "policy": mk_policy(),
            "want": {"grade": "general-5", "size": {"cpu": "1", "memory": "1Gi"}}}),
        json!({"op": "lose", "clusters": clusters, "lose": {"dataCenters": ["dc-1"]}, "ledgers": ledgers}),
        json!({"op": "lose", "clusters": clusters, "lose": {"nodes": [{"cluster": "dc-1", "node": "n1"}]}, "preempt": "LowerPriority"}),
        json!({"op": "advise", "now": 86_400, "apps": [app], "policy": mk_policy()}),
        json!({"op": "nodeView", "pod": mk_pod(), "machine": {"memory": "64Gi", "memoryThrottlingFactor": "0.9"}}),
        json!({"op": "evictionOrder", "pods": [{"name": "a", "priority": 5, "request": "1Gi", "usage": "2Gi"}, {"name": "b"}]}),
        json!({"op": "lint", "objects": [deployment, range, quota], "policy": mk_policy()}),
        json!({"op": "policy", "policy": mk_policy()}),
    ]
}

fn ask(request: &Value) -> Value {
    serde_json::from_str(&eval::line(request.to_string().as_bytes())).unwrap()
}

#[test]
fn each_of_these_requests_is_right_before_there_is_a_fault_in_it() {
    for request in requests_of_every_kind() {
        let answer = ask(&request);
        assert_eq!(answer["ok"], true, "{request}: {answer}");
        sound(&request, &answer).unwrap();
    }
}

/// What must hold of an answer whatever was asked.
fn sound(request: &Value, answer: &Value) -> Result<(), TestCaseError> {
    let again = |mut request: Value, field: &str, value: &Value| {
        request[field] = value.clone();
        ask(&request)
    };
    let number = |field: &str| answer[field].as_u64().map(u128::from);
    match request["op"].as_str().unwrap() {
        "quantity" => {
            let canonical = again(json!({"op": "quantity"}), "value", &answer["canonical"]);
            prop_assert_eq!(&canonical, answer);
        }
        "arithmetic" => {
            let of =
                |left: &Value, right: &Value| ask(&json!({"op": "arithmetic", "left": left, "right": right}));
            let parted = of(&answer["sum"], &request["right"]);
            // Two amounts that may be read can make one that has more digits than may be.
            if parted["ok"] == false {
                prop_assert!(answer["sum"].as_str().unwrap().len() > 512, "{}", parted);
                return Ok(());
            }
            let back = of(&parted["difference"], &request["left"]);
            prop_assert_eq!(
                &back["order"],
                "Equal",
                "what is added and taken away again leaves what was there"
            );
        }
        "qosClass" if request["template"] == true => {
            let mut filled = request.clone();
            filled.as_object_mut().unwrap().remove("template");
            filled["op"] = "defaulted".into();
            let pod = ask(&filled)["pod"].clone();
            filled["op"] = "qosClass".into();
            prop_assert_eq!(&again(filled, "pod", &pod)["class"], &answer["class"]);
        }
        "defaulted" => {
            prop_assert_eq!(
                &again(request.clone(), "pod", &answer["pod"]),
                answer,
                "filled in once is filled in"
            );
        }
        "resize" => {
            prop_assert_eq!(
                answer["allowed"].as_bool(),
                Some(answer["refusals"].as_array().unwrap().is_empty())
            );
        }
        "size" => {
            let read = |text: &Value, resource| Quantity::parse_strict(text.as_str().unwrap(), resource);
            let limit = |field, resource| read(&request[field], resource).unwrap();
            let (cpu, memory) = (limit("cpu", Resource::Cpu), limit("memory", Resource::Memory));
            let asked = |field| answer[field].as_str().unwrap().parse::<Quantity>().unwrap();
            prop_assert!(asked("cpuRequest").is_positive() && asked("cpuRequest") <= cpu);
            prop_assert!(asked("memoryRequest").is_positive() && asked("memoryRequest") <= memory);
        }
        "fit" if answer["answers"].is_null() => {
            let centers = answer["dataCenters"].as_array().unwrap();
            let sum: u128 = centers.iter().filter_map(|center| center["fits"].as_u64()).map(u128::from).sum();
            if let (Some(fits), Some(bound), Some(sums)) = (number("fits"), number("bound"), number("bySums"))
            {
                prop_assert_eq!(sum, fits);
                prop_assert!(fits <= bound && bound <= sums);
            }
        }
        "lose" => {
            prop_assert!(number("returns") <= number("bound") && number("bound") <= number("displaced"));
        }
        "nodeView" => {
            for container in answer["containers"].as_array().unwrap() {
                let score = container["oomScoreAdj"]["value"].as_i64().unwrap();
                prop_assert!(score == -997 || score == 1000 || (3..=999).contains(&score));
            }
        }
        "evictionOrder" => {
            let count = |pods: &Value| pods.as_array().map(Vec::len);
            prop_assert_eq!(count(&request["pods"]), count(&answer["order"]));
        }
        "policy" => {
            let grades = json!({"grades": answer["grades"]});
            prop_assert_eq!(&again(json!({"op": "policy"}), "policy", &grades), answer);
        }
        _ => {}
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 4000, ..ProptestConfig::with_cases(CASES) })]

    #[test]
    fn a_faulty_request_is_answered_soundly_or_refused_with_a_reason(
        request in prop::sample::select(requests_of_every_kind()), faults in any_faults(), slips in any_slips(),
    ) {
        let line = slipped(faulty(request, &faults).to_string().into_bytes(), &slips);
        let text = eval::line(&line);
        prop_assert!(!text.contains('\n'));
        let answer: Value = serde_json::from_str(&text).unwrap();
        if answer["ok"] == true {
            // In fields that nobody reads there may be bytes that are no text.
            if let Ok(request) = serde_json::from_slice::<Value>(&line) {
                prop_assert_eq!(&ask(&request), &answer, "the same, written otherwise");
                sound(&request, &answer)?;
            }
        } else {
            prop_assert_eq!(&answer["ok"], false);
            prop_assert!(!answer["error"].as_str().unwrap().is_empty());
        }
    }

    #[test]
    fn a_faulty_quantity_that_is_read_is_printed_as_what_it_is(
        text in prop::sample::select(vec!["1.5Gi", "100m", "+0.25", "12E", "1e-9", "3.001n", "9Ei", "-.5Ki", "1080000000n"]),
        slips in prop::collection::vec(any_slips(), 1..3),
    ) {
        let bytes = slips.iter().fold(text.as_bytes().to_vec(), |bytes, slips| slipped(bytes, slips));
        let text = String::from_utf8_lossy(&bytes);
        if let Ok(quantity) = text.parse::<Quantity>() {
            let printed = quantity.to_string();
            let read: Quantity = printed.parse().unwrap();
            prop_assert_eq!((&read, read.to_string()), (&quantity, printed));
            let json = serde_json::to_value(&quantity).unwrap();
            prop_assert_eq!(serde_json::from_value::<Quantity>(json).unwrap(), quantity);
        }
    }

    #[test]
    fn a_faulty_policy_that_is_taken_keeps_what_its_grades_promise(faults in any_faults(), slips in any_slips()) {
        let bytes = slipped(faulty(mk_policy(), &faults).to_string().into_bytes(), &slips);
        match serde_json::from_slice::<Policy>(&bytes) {
            Ok(policy) => {
                let written = serde_json::to_vec(&policy).unwrap();
                prop_assert_eq!(&serde_json::from_slice::<Policy>(&written).unwrap(), &policy);
                let limit = Amounts { cpu: Quantity::from_units(1), memory: Quantity::from_mebibytes(1024) };
                for rule in policy.grades() {
                    let asked = requests(&limit, &rule.name, &rule.terms()).amounts();
                    prop_assert_eq!(asked == limit, rule.qos_class == QosClass::Guaranteed);
                }
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn a_faulty_dump_of_a_cluster_that_is_read_is_written_as_what_it_is(faults in any_faults(), slips in any_slips()) {
        let bytes = slipped(faulty(mk_cluster("dc-1"), &faults).to_string().into_bytes(), &slips);
        if let Ok(cluster) = serde_json::from_slice::<Cluster>(&bytes) {
            let written = serde_json::to_vec(&cluster).unwrap();
            prop_assert_eq!(&serde_json::from_slice::<Cluster>(&written).unwrap(), &cluster);
        }
        if let Ok(node) = serde_json::from_slice::<Node>(&bytes) {
            let written = serde_json::to_vec(&node).unwrap();
            prop_assert_eq!(serde_json::from_slice::<Node>(&written).unwrap(), node);
        }
    }
}
