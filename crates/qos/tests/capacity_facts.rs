//! What of nodes and of running pods counts where pods are to be placed, one fact of Kubernetes at a time.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails the test")]

use plimsoll_qos::{FitAnswer, FitRequest, fit};
use serde_json::{Value, json};

fn mk_node(name: &str, cpu: &str, memory: &str) -> Value {
    json!({
        "metadata": {"name": name, "labels": {"zone": name, "cores": "8"}},
        "status": {"allocatable": {"cpu": cpu, "memory": memory, "pods": "110"}},
    })
}

fn mk_running(name: &str, node: &str, cpu: &str) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "demo", "labels": {"app": "shop"}},
        "spec": {"nodeName": node, "containers": [{"name": "main", "resources": {"requests": {"cpu": cpu}}}]},
    })
}

/// A core and a gibibyte, with these fields of a pod.
fn mk_want(fields: &Value) -> Value {
    let main = json!({"name": "main", "resources": {"requests": {"cpu": "1", "memory": "1Gi"}}});
    let mut pod = json!({"containers": [main]});
    for (name, value) in fields.as_object().unwrap() {
        pod[name] = value.clone();
    }
    json!({"pod": pod, "namespace": "demo", "labels": {"app": "shop"}})
}

fn ask(nodes: &[Value], pods: &[Value], want: &Value) -> FitAnswer {
    let clusters = json!([{"name": "dc-1", "nodes": nodes, "pods": pods}]);
    fit(serde_json::from_value::<FitRequest>(json!({"clusters": clusters, "want": want})).unwrap()).unwrap()
}

#[test]
fn the_effect_of_a_taint_decides_whether_it_keeps_pods_away() {
    for (effect, fits) in [("NoSchedule", 0), ("NoExecute", 0), ("PreferNoSchedule", 8)] {
        let mut node = mk_node("n1", "8", "32Gi");
        node["spec"] = json!({"taints": [{"key": "locked", "value": "yes", "effect": effect}]});
        assert_eq!(ask(std::slice::from_ref(&node), &[], &mk_want(&json!({}))).all.fits, fits, "{effect}");
        let tolerant = mk_want(&json!({"tolerations": [{"key": "locked", "operator": "Exists"}]}));
        assert_eq!(ask(&[node], &[], &tolerant).all.fits, 8, "{effect}");
    }
}

#[test]
fn a_cordon_holds_for_all_who_do_not_tolerate_it() {
    let mut node = mk_node("n1", "8", "32Gi");
    node["spec"] = json!({"unschedulable": true});
    let with = |tolerations: Value| {
        ask(std::slice::from_ref(&node), &[], &mk_want(&json!({"tolerations": tolerations}))).all.fits
    };
    assert_eq!(with(json!([])), 0);
    assert_eq!(with(json!([{"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}])), 8);
    assert_eq!(with(json!([{"operator": "Exists"}])), 8);
    let another_effect =
        json!([{"key": "node.kubernetes.io/unschedulable", "operator": "Exists", "effect": "NoExecute"}]);
    assert_eq!(with(another_effect), 0);
}

#[test]
fn a_required_affinity_compares_whole_numbers_and_is_met_by_no_empty_term() {
    let with = |terms: Value| {
        let required =
            json!({"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}});
        let want = mk_want(&json!({"affinity": {"nodeAffinity": required}}));
        ask(&[mk_node("n1", "8", "32Gi")], &[], &want).all.fits > 0
    };
    let cores = |operator: &str, bound: &str| {
        with(json!([{"matchExpressions": [{"key": "cores", "operator": operator, "values": [bound]}]}]))
    };
    let table = [
        ("Gt", [true, false, false]),
        ("Lt", [false, false, true]),
        ("In", [false, true, false]),
        ("NotIn", [true, false, true]),
    ];
    for (operator, admitted) in table {
        assert_eq!(["7", "8", "9"].map(|bound| cores(operator, bound)), admitted, "{operator}");
    }
    assert!(!with(json!([])), "no term is met by no node");
    assert!(!with(json!([{}])), "a term without conditions is met by no node");
    assert!(with(json!([{}, {"matchExpressions": [{"key": "cores", "operator": "Exists"}]}])));
}

#[test]
fn a_pod_that_ends_keeps_its_place_and_is_counted_by_no_spread() {
    let mut ending = mk_running("ending", "a", "2");
    ending["metadata"]["deletionTimestamp"] = json!("2026-11-23T00:00:00Z");
    let fleet = [mk_node("a", "4", "32Gi"), mk_node("b", "1", "32Gi")];
    assert_eq!(ask(&fleet, &[ending.clone()], &mk_want(&json!({}))).all.fits, 2 + 1);
    let spread = json!([{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "shop"}}}]);
    let want = mk_want(&json!({"topologySpreadConstraints": spread}));
    // Zone b ends at one, so zone a may hold two: both new ones, for the one that ends is none of them.
    assert_eq!(ask(&fleet, &[ending], &want).all.fits, 2 + 1);
    assert_eq!(ask(&fleet, &[mk_running("stays", "a", "2")], &want).all.fits, 1 + 1);
}

#[test]
fn a_pod_that_is_resized_takes_the_largest_of_wanted_set_aside_and_in_effect() {
    let mut resized = mk_running("resized", "n1", "1");
    resized["status"] = json!({"containerStatuses": [{
        "name": "main",
        "allocatedResources": {"cpu": "3"},
        "resources": {"requests": {"cpu": "2"}},
    }]});
    assert_eq!(ask(&[mk_node("n1", "8", "32Gi")], &[resized], &mk_want(&json!({}))).all.fits, 5);
}

/// On most nodes CPU is what runs out first, but more of it would bring little.
#[test]
fn what_binds_is_that_of_which_more_would_let_most_in() {
    let fleet = [mk_node("a", "3", "4Gi"), mk_node("b", "3", "4Gi"), mk_node("c", "64", "2Gi")];
    let answer = ask(&fleet, &[], &mk_want(&json!({})));
    assert_eq!(answer.all.fits, 3 + 3 + 2);
    assert_eq!(answer.all.binding.as_deref(), Some("memory"));
    assert_eq!(
        answer.all.because,
        "8 fit on 3 nodes; what runs out first is memory, on 1 node; with more of it, up to 62 more would fit; \
         dividing the sums would claim 10"
    );
}

#[test]
fn a_node_without_what_pods_may_have_counts_by_all_it_has_and_that_is_said() {
    let only_capacity = |name: &str| {
        let mut node = mk_node(name, "8", "32Gi");
        node["status"] = json!({"capacity": node["status"]["allocatable"]});
        node
    };
    let answer =
        ask(&[only_capacity("a"), mk_node("b", "8", "32Gi"), only_capacity("c")], &[], &mk_want(&json!({})));
    assert_eq!(answer.all.fits, 24);
    assert_eq!(
        answer.notes,
        [
            "cluster `dc-1`: node `a` and 1 more say no status.allocatable, so that status.capacity counts, as the API server has it"
        ]
    );
    let mut both = mk_node("a", "4", "32Gi");
    both["status"]["capacity"] = json!({"cpu": "8", "memory": "32Gi", "pods": "110"});
    let answer = ask(&[both], &[], &mk_want(&json!({})));
    assert_eq!((answer.all.fits, answer.notes.len()), (4, 0));
}

#[test]
fn beside_a_ledger_of_peaks_the_useful_ratio_is_of_requested_cpu() {
    let ask = |ledgers: Value| {
        let clusters = json!([{"name": "dc-1", "nodes": [mk_node("n1", "8", "64Gi")]}]);
        let want = json!({"grade": "general-10", "size": {"cpu": "2", "memory": "1Gi"}});
        let request = json!({"clusters": clusters, "want": want, "ledgers": ledgers});
        fit(serde_json::from_value::<FitRequest>(request).unwrap()).unwrap()
    };
    // Three peaks of two cores are within 90 % of eight: CPU binds, though not the CPU that is requested.
    let answer = ask(json!({"requestsAndPeaks": {"targetPercent": 90}}));
    assert_eq!(answer.all.binding.as_deref(), Some("cpu at the predicted peak"));
    let because = answer.useful_ratio.unwrap().because;
    assert!(
        because.contains("takes 3 by everything but requested CPU, so requested CPU binds nowhere"),
        "{because}"
    );
    let because = ask(json!("requests")).useful_ratio.unwrap().because;
    assert!(because.contains("takes 95 by everything but CPU, so CPU binds nowhere"), "{because}");
}
