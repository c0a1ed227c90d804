//! How many more fit: the numbers of the reference, taints, selectors, spreads, two ledgers and bad input.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails the test")]

use plimsoll_qos::{Amounts, CapacityError, FitAnswer, FitRequest, NodeAnswer, Ratio, fit, useful_ratio};
use serde_json::{Value, json};

fn mk_node(name: &str, cpu: &str, memory: &str) -> Value {
    json!({
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "status": {"allocatable": {"cpu": cpu, "memory": memory, "pods": "110"}},
    })
}

fn mk_pod(name: &str, node: &str, cpu: &str, memory: &str) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "demo", "labels": {"app": "shop"}},
        "spec": {"nodeName": node, "containers": [
            {"name": "main", "resources": {"requests": {"cpu": cpu, "memory": memory}}}]},
    })
}

fn mk_want(cpu: &str, memory: &str) -> Value {
    json!({"pod": {"containers": [{"name": "main", "resources": {"requests": {"cpu": cpu, "memory": memory}}}]}})
}

fn try_fit(request: Value) -> Result<FitAnswer, CapacityError> {
    fit(serde_json::from_value::<FitRequest>(request).unwrap())
}

fn ask(nodes: &[Value], pods: &[Value], want: &Value) -> FitAnswer {
    try_fit(json!({"clusters": [{"name": "dc-1", "nodes": nodes, "pods": pods}], "want": want})).unwrap()
}

fn nodes(answer: &FitAnswer) -> &[NodeAnswer] {
    &answer.all.data_centers[0].clusters[0].nodes
}

#[test]
fn a_node_of_96_cores_takes_480_by_cpu_143_by_memory_and_110_by_slots() {
    let want = json!({"grade": "general-5", "size": {"cpu": "2", "memory": "4Gi"}});
    // 480 by CPU is what is sold ten times; at five it is 240.
    let ten = json!({"grade": "general-10", "size": {"cpu": "2", "memory": "4Gi"}});
    let answer = ask(&[mk_node("n1", "96", "384Gi")], &[], &ten);
    assert_eq!(
        serde_json::to_value(&answer.all.by_dimension).unwrap(),
        json!({"cpu": 480, "memory": 143, "pods": 110})
    );
    assert_eq!(answer.all.fits, 110);
    assert_eq!(answer.all.binding.as_deref(), Some("pods"));
    assert_eq!(
        answer.all.because,
        "110 fit on 1 node; what runs out first is pod slots, on 1 node; with more of it, up to 33 more would fit"
    );
    assert_eq!(nodes(&answer)[0].because, "110 by pod slots: 110 of 110 free");
    assert_eq!(
        answer.request_because,
        "cpu 200m: ceil(2 / 10), grade general-10; memory 2731Mi: ceil(4Gi × 2/3) to whole Mi, grade general-10"
    );

    // k*: beyond 2000/872 not one more fits, because slots bind; the same node sold five times fits as many.
    let useful = answer.useful_ratio.unwrap();
    assert_eq!((useful.ratio.to_string().as_str(), useful.decimal.as_str()), ("250/109", "2.294"));
    assert!(
        useful.because.ends_with("floor(96 / 110) = 872m or less; k* = 2 / 872m = 250/109 ≈ 2.294"),
        "{}",
        useful.because
    );
    assert_eq!(ask(&[mk_node("n1", "96", "384Gi")], &[], &want).all.fits, 110);
}

#[test]
fn the_useful_ratio_of_a_fleet_is_memory_ratio_times_memory_per_core_over_that_of_the_pod() {
    let amounts =
        |cpu: &str, memory: &str| Amounts { cpu: cpu.parse().unwrap(), memory: memory.parse().unwrap() };
    let three_halves = Ratio::new(3, 2).unwrap();
    let fleet = useful_ratio(&amounts("125514", "597684Gi"), &amounts("2", "4Gi"), three_halves).unwrap();
    assert_eq!((fleet.ratio.to_string().as_str(), fleet.decimal.as_str()), ("49807/13946", "3.572"));
    let node = useful_ratio(&amounts("96", "384Gi"), &amounts("2", "4Gi"), three_halves).unwrap();
    assert_eq!(node.because, "k* = 3/2 × (384Gi / 96 cores) / (4Gi / 2 cores) = 3 ≈ 3.000");
    let small = useful_ratio(&amounts("96", "96Gi"), &amounts("1", "4Gi"), Ratio::ONE).unwrap();
    assert_eq!((small.ratio.to_string().as_str(), small.decimal.as_str()), ("1", "1.000"));
    assert_eq!(
        small.because,
        "k* = 1 × (96Gi / 96 cores) / (4Gi / 1 cores) = 1/4, below 1: not even CPU that is sold once is used up"
    );
    assert_eq!(useful_ratio(&amounts("0", "1Gi"), &amounts("1", "4Gi"), Ratio::ONE), None);
}

#[test]
fn the_readme_of_cluster_capacity_has_52_and_then_46() {
    let four: Vec<_> = (1..=4).map(|n| mk_node(&format!("n{n}"), "2", "8Gi")).collect();
    let want = mk_want("150m", "100Mi");
    let empty = ask(&four, &[], &want);
    assert_eq!((empty.all.fits, empty.all.binding.as_deref()), (52, Some("cpu")));
    let placed: Vec<_> = ["n1", "n1", "n2", "n3", "n3", "n4"]
        .iter()
        .enumerate()
        .map(|(n, on)| mk_pod(&format!("p{n}"), on, "150m", "100Mi"))
        .collect();
    let answer = ask(&four, &placed, &want);
    assert_eq!(answer.all.fits, 46);
    assert_eq!(nodes(&answer).iter().map(|node| node.fits).collect::<Vec<_>>(), [11, 12, 11, 12]);
}

#[test]
fn what_is_there_rounds_down_and_what_is_asked_for_rounds_up() {
    let fits = |cpu: &str, memory: &str, want: Value| ask(&[mk_node("n1", cpu, memory)], &[], &want).all.fits;
    assert_eq!(fits("2999.9m", "8Gi", mk_want("1", "1Gi")), 2);
    assert_eq!(fits("3", "3221225471.5", mk_want("1", "1Gi")), 2);
    assert_eq!(fits("3", "8Gi", mk_want("1000.1m", "1Gi")), 2);
    assert_eq!(fits("3", "3Gi", mk_want("1", "1073741824.5")), 2);
    assert_eq!(fits("3", "3Gi", mk_want("1", "1Gi")), 3);
}

#[test]
fn dividing_the_sums_claims_what_no_node_can_take() {
    let three: Vec<_> = (1..=3).map(|n| mk_node(&format!("n{n}"), "3", "64Gi")).collect();
    let answer = ask(&three, &[], &mk_want("2", "1Gi"));
    assert_eq!((answer.all.fits, answer.all.by_sums), (3, 4));
    assert_eq!(
        answer.all.because,
        "3 fit on 3 nodes; what runs out first is cpu, on 3 nodes; with more of it, up to 189 more would fit; dividing the sums would claim 4"
    );
    assert_eq!(
        serde_json::to_value(&answer.all.stranded).unwrap(),
        json!({"cpu": "3", "memory": "189Gi", "pods": "327"})
    );
}

#[test]
fn nodes_that_admit_no_such_pod_say_why() {
    let mut cordoned = mk_node("cordoned", "8", "32Gi");
    cordoned["spec"] = json!({"unschedulable": true});
    let mut tainted = mk_node("tainted", "8", "32Gi");
    tainted["spec"] = json!({"taints": [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]});
    let mut preferring = mk_node("preferring", "8", "32Gi");
    preferring["spec"] = json!({"taints": [{"key": "gpu", "effect": "PreferNoSchedule"}]});
    preferring["metadata"]["labels"]["disk"] = json!("ssd");
    let fleet = [cordoned, tainted, preferring, mk_node("plain", "8", "32Gi")];
    let reasons = |want: &Value| -> Vec<String> {
        nodes(&ask(&fleet, &[], want)).iter().map(|node| format!("{}: {}", node.fits, node.because)).collect()
    };
    let free = "8 by cpu: 8 of 8 free".to_owned();
    let want = mk_want("1", "1Gi");
    let barred = "0: it has the taint gpu=yes:NoSchedule, which is not tolerated".to_owned();
    assert_eq!(
        reasons(&want),
        ["0: it is cordoned".to_owned(), barred, format!("8: {free}"), format!("8: {free}")]
    );

    let mut placed = want.clone();
    placed["pod"]["tolerations"] = json!([{"operator": "Exists"}]);
    placed["pod"]["nodeSelector"] = json!({"disk": "ssd"});
    let lacks = "0: it lacks the label disk=ssd that the node selector asks for".to_owned();
    assert_eq!(reasons(&placed), [lacks.clone(), lacks.clone(), format!("8: {free}"), lacks]);

    placed["pod"]["nodeSelector"] = json!({});
    placed["pod"]["affinity"] = json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
    "nodeSelectorTerms": [
        {"matchExpressions": [{"key": "disk", "operator": "Exists"}]},
        {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["tainted"]}]},
    ]}}});
    let other = "0: it does not match the required node affinity".to_owned();
    assert_eq!(reasons(&placed), [other.clone(), format!("8: {free}"), format!("8: {free}"), other]);

    let nowhere = json!({"pod": {"nodeSelector": {"disk": "tape"}}});
    let answer = ask(&fleet, &[], &nowhere);
    assert_eq!(answer.all.because, "none of 4 nodes admits such a pod");
    assert_eq!((answer.all.fits, answer.all.binding), (0, None));
}

/// Where two dimensions run out together, the first of them is named: CPU before memory before slots.
#[test]
fn of_two_that_run_out_together_the_first_is_named() {
    for (cpu, memory, expected) in
        [("4", "4Gi", "cpu"), ("4", "3Gi", "memory"), ("3", "4Gi", "cpu"), ("200", "110Gi", "memory")]
    {
        let answer = ask(&[mk_node("n1", cpu, memory)], &[], &mk_want("1", "1Gi"));
        assert_eq!(answer.all.binding.as_deref(), Some(expected), "{cpu} {memory}");
    }
}

#[test]
fn devices_disk_and_slots_bind_like_cpu_and_memory() {
    let mut gpu = mk_node("gpu", "64", "512Gi");
    gpu["status"]["allocatable"]["nvidia.com/gpu"] = json!("8");
    gpu["status"]["allocatable"]["ephemeral-storage"] = json!("100Gi");
    let fleet = [gpu, mk_node("plain", "64", "512Gi")];
    let want = |name: &str, amount: &str| {
        let mut want = mk_want("1", "1Gi");
        want["pod"]["containers"][0]["resources"]["requests"][name] = json!(amount);
        want
    };
    let answer = ask(&fleet, &[], &want("nvidia.com/gpu", "3"));
    assert_eq!((answer.all.fits, answer.all.binding.as_deref()), (2, Some("nvidia.com/gpu")));
    assert_eq!(nodes(&answer)[1].because, "0 by nvidia.com/gpu: 0 of 0 free");
    assert_eq!(nodes(&answer)[0].stranded.amount("nvidia.com/gpu").to_string(), "2");
    assert_eq!(ask(&fleet, &[], &want("ephemeral-storage", "30Gi")).all.fits, 3);
    let unheard = ask(&fleet, &[], &want("example.com/fpga", "1"));
    assert_eq!(
        (unheard.all.fits, unheard.all.because.as_str()),
        (0, "no node has any example.com/fpga; not counted: deviceClass")
    );
    // A pod without requests takes a slot all the same.
    assert_eq!(ask(&fleet, &[], &json!({"pod": {}})).all.fits, 220);
}

#[test]
fn finished_and_unplaced_pods_take_no_place_and_strays_are_told() {
    let mut finished = mk_pod("finished", "n1", "4", "1Gi");
    finished["status"] = json!({"phase": "Succeeded"});
    let pods = [
        finished,
        mk_pod("waiting", "", "4", "1Gi"),
        mk_pod("stray", "n9", "4", "1Gi"),
        mk_pod("there", "n1", "1", "1Gi"),
    ];
    let answer = ask(&[mk_node("n1", "8", "32Gi")], &pods, &mk_want("1", "1Gi"));
    assert_eq!(answer.all.fits, 7);
    assert_eq!(
        answer.notes,
        [
            "cluster `dc-1`: not counted, pods on nodes that are not there: 1",
            "cluster `dc-1`: not counted, pods that are not placed yet: 1",
        ]
    );
}

#[test]
fn a_node_that_is_over_its_measure_takes_nothing_and_lends_nothing() {
    let pods = [mk_pod("big", "n1", "1", "20Gi"), mk_pod("bigger", "n1", "1", "20Gi")];
    let answer = ask(&[mk_node("n1", "8", "32Gi"), mk_node("n2", "8", "32Gi")], &pods, &mk_want("1", "1Gi"));
    assert_eq!(nodes(&answer).iter().map(|node| node.fits).collect::<Vec<_>>(), [0, 8]);
    assert_eq!(answer.all.free.amount("memory").to_string(), "32Gi");
}

#[test]
fn a_hard_spread_over_zones_holds_the_fuller_ones_back() {
    let zoned = |name: &str, zone: &str, cpu: &str| {
        let mut node = mk_node(name, cpu, "64Gi");
        node["metadata"]["labels"]["zone"] = json!(zone);
        node
    };
    let fleet = [zoned("a1", "a", "10"), zoned("b1", "b", "4"), zoned("c1", "c", "9"), zoned("c2", "c", "9")];
    let mut want = mk_want("1", "1Gi");
    want["namespace"] = json!("demo");
    want["labels"] = json!({"app": "shop"});
    let spread = json!({"maxSkew": 2, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "shop"}}});
    want["pod"]["topologySpreadConstraints"] = json!([spread]);
    // Zone b is full at 4, so no zone may hold more than 6; a holds two of them already.
    let pods = [mk_pod("p1", "a1", "1", "1Gi"), mk_pod("p2", "a1", "1", "1Gi")];
    let answer = ask(&fleet, &pods, &want);
    assert_eq!(answer.all.fits, 4 + 4 + 6);
    assert_eq!(answer.all.binding.as_deref(), Some("spread over zone"));
    assert_eq!(
        answer.all.because,
        "14 fit on 4 nodes: the hard spread over zone binds; without it, 30 would fit"
    );
    assert_eq!(nodes(&answer).iter().map(|node| node.fits).collect::<Vec<_>>(), [4, 4, 6, 0]);
    // A tainted zone that nothing can enter still counts as an empty one, as the scheduler has it by default.
    let mut locked = zoned("d1", "d", "10");
    locked["spec"] = json!({"taints": [{"key": "locked", "effect": "NoSchedule"}]});
    let mut five = fleet.to_vec();
    five.push(locked);
    assert_eq!(ask(&five, &pods, &want).all.fits, 2 + 2);
    want["pod"]["topologySpreadConstraints"][0]["nodeTaintsPolicy"] = json!("Honor");
    assert_eq!(ask(&five, &pods, &want).all.fits, 14);
    // Another namespace's pods are not counted, and an advisory spread holds nothing back.
    want["namespace"] = json!("other");
    assert_eq!(ask(&fleet, &pods, &want).all.fits, 6 + 4 + 6);
    want["pod"]["topologySpreadConstraints"][0]["whenUnsatisfiable"] = json!("ScheduleAnyway");
    assert_eq!(ask(&fleet, &pods, &want).all.fits, 30);
}

#[test]
fn a_spread_counts_the_domains_and_the_pods_that_its_policies_say() {
    let zoned = |name: &str| {
        let mut node = mk_node(name, "10", "64Gi");
        node["metadata"]["labels"]["zone"] = json!(name);
        node
    };
    let fleet = [zoned("a"), zoned("b"), zoned("c")];
    let pods: Vec<_> = (0..4)
        .map(|n| {
            let mut pod = mk_pod(&format!("old-{n}"), "a", "1", "1Gi");
            pod["metadata"]["labels"]["revision"] = json!("old");
            pod
        })
        .collect();
    let mut want = mk_want("1", "1Gi");
    want["namespace"] = json!("demo");
    want["labels"] = json!({"app": "shop", "revision": "new"});
    want["pod"]["affinity"] = json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["c"]}]}]}}});
    let mut spread = json!({"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "shop"}}});
    let mut fits = |spread: &Value| {
        want["pod"]["topologySpreadConstraints"] = json!([spread]);
        nodes(&ask(&fleet, &pods, &want)).iter().map(|node| node.fits).collect::<Vec<_>>()
    };
    // Zone c is not asked for, so it is no domain: a may go up to 10 pods, b up to 10.
    assert_eq!(fits(&spread), [6, 10, 0]);
    // Three domains are wanted, two there are: the emptiest counts as empty, and a holds more than one already.
    spread["minDomains"] = json!(3);
    assert_eq!(fits(&spread), [0, 1, 0]);
    spread["minDomains"] = json!(1);
    // Counted all the same, c stays empty for ever.
    spread["nodeAffinityPolicy"] = json!("Ignore");
    assert_eq!(fits(&spread), [0, 1, 0]);
    // Of another revision are the four that run.
    spread["matchLabelKeys"] = json!(["revision"]);
    assert_eq!(fits(&spread), [1, 1, 0]);
}

#[test]
fn what_runs_keeps_newcomers_away_by_its_anti_affinity() {
    let guard = |namespaces: Value| {
        let mut guard = mk_pod("guard", "n1", "1", "1Gi");
        guard["spec"]["affinity"] = json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{
            "topologyKey": "kubernetes.io/hostname", "namespaces": namespaces,
            "labelSelector": {"matchLabels": {"app": "shop"}}}]}});
        guard
    };
    let fleet = [mk_node("n1", "8", "32Gi"), mk_node("n2", "8", "32Gi")];
    let fits = |namespaces: Value, namespace: &str, app: &str| {
        let mut want = mk_want("1", "1Gi");
        want["namespace"] = json!(namespace);
        want["labels"] = json!({"app": app});
        let answer = ask(&fleet, &[guard(namespaces)], &want);
        (answer.all.fits, nodes(&answer)[0].because.clone())
    };
    let kept = (8, "a pod nearby keeps such pods away by its anti-affinity".to_owned());
    let free = (15, "7 by cpu: 7 of 8 free".to_owned());
    assert_eq!(fits(json!([]), "demo", "shop"), kept);
    assert_eq!(fits(json!([]), "demo", "other"), free);
    assert_eq!(fits(json!([]), "other", "shop"), free);
    assert_eq!(fits(json!(["other"]), "other", "shop"), kept);
    assert_eq!(fits(json!(["other"]), "demo", "shop"), free);
}

#[test]
fn the_second_ledger_binds_where_peaks_are_predicted_above_requests() {
    let pods = [mk_pod("hot", "n1", "1", "1Gi"), mk_pod("unknown", "n1", "1", "1Gi")];
    let request = |ledgers: Value| {
        json!({
            "clusters": [{"name": "dc-1", "nodes": [mk_node("n1", "10", "64Gi")], "pods": pods,
                          "peaks": {"demo/hot": {"cpu": "3", "memory": "1Gi"}}}],
            "want": {"pod": mk_want("1", "1Gi")["pod"], "peak": {"cpu": "1500m", "memory": "1Gi"}},
            "ledgers": ledgers,
        })
    };
    assert_eq!(try_fit(request(json!("requests"))).unwrap().all.fits, 8);
    // 80 % of 10 cores, less 3 predicted and 1 requested by the pod that nothing is known of.
    let both = try_fit(request(json!({"requestsAndPeaks": {"targetPercent": 80}}))).unwrap();
    assert_eq!((both.all.fits, both.all.binding.as_deref()), (2, Some("cpu at the predicted peak")));
    let refused = try_fit(request(json!({"requestsAndPeaks": {"targetPercent": 0}})));
    assert_eq!(
        refused.unwrap_err().to_string(),
        "the share of a node that peaks may reach must be between 1 and 100, not 0"
    );
}

#[test]
fn more_than_can_be_placed_one_by_one_is_refused_by_name() {
    let mut vast = mk_node("n1", "9000000000000", "9Ei");
    vast["status"]["allocatable"]["pods"] = json!("9223372036854775807");
    let spread = |key: &str| {
        json!({"maxSkew": 2_147_483_647, "topologyKey": key, "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {}})
    };
    let mut want = mk_want("1", "1");
    want["pod"]["topologySpreadConstraints"] = json!([spread("kubernetes.io/hostname")]);
    // One node is the emptiest domain too, so nothing is held back; absurd, but a right answer.
    assert_eq!(ask(&[vast.clone()], &[], &want).all.fits, 9_000_000_000_000);
    want["pod"]["topologySpreadConstraints"] =
        json!([spread("kubernetes.io/hostname"), spread("kubernetes.io/hostname")]);
    let request = json!({"clusters": [{"name": "dc-1", "nodes": [vast]}], "want": want});
    assert_eq!(
        try_fit(request).unwrap_err().to_string(),
        "under several hard spread constraints at most 20000000 pods are placed, not 9000000000000"
    );
}

#[test]
fn thousands_of_containers_and_of_nodes_are_counted_like_few() {
    let containers: Vec<_> = (0..5_000)
        .map(|n| json!({"name": format!("c{n}"), "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}}}))
        .collect();
    let fleet: Vec<_> = (0..5_000).map(|n| mk_node(&format!("n{n}"), "16", "64Gi")).collect();
    let answer = ask(&fleet, &[], &json!({"pod": {"containers": containers}}));
    assert_eq!(answer.request.amount("cpu").to_string(), "5");
    assert_eq!((answer.all.fits, answer.all.binding.as_deref()), (15_000, Some("cpu")));
}

#[test]
fn bad_input_has_a_named_error() {
    let refuse = |nodes: Value, pods: Value, want: Value| -> String {
        let request = json!({"clusters": [{"name": "dc-1", "nodes": nodes, "pods": pods}], "want": want});
        try_fit(request).unwrap_err().to_string()
    };
    let fine = mk_node("n1", "8", "32Gi");
    let table = [
        (
            json!([mk_node("n1", "-8", "32Gi")]),
            json!([]),
            mk_want("1", "1Gi"),
            "node `n1` in cluster `dc-1` has -8 of cpu, which is below zero",
        ),
        (
            json!([mk_node("n1", "8", "9223372036854775808")]),
            json!([]),
            mk_want("1", "1Gi"),
            "node `n1` in cluster `dc-1` has 9223372036854775808 of memory, which is more than can be counted",
        ),
        (
            json!([fine]),
            json!([mk_pod("p", "n1", "-1", "1Gi")]),
            mk_want("1", "1Gi"),
            "pod `demo/p` in cluster `dc-1`: containers[0].resources.requests.cpu: container `main`: -1 of cpu is below zero; \
                write zero or more, or leave it out",
        ),
        (
            json!([fine]),
            json!([mk_pod("p", "n1", "1", "7Ei"), mk_pod("q", "n1", "1", "7Ei")]),
            mk_want("1", "1Gi"),
            "node `n1` in cluster `dc-1` has so much requested by its pods of memory, which is more than can be counted",
        ),
        (
            json!([fine]),
            json!([]),
            mk_want("-1", "1Gi"),
            "what is wanted: containers[0].resources.requests.cpu: container `main`: -1 of cpu is below zero; write zero or more, \
                or leave it out",
        ),
        (
            json!([fine]),
            json!([]),
            mk_want("1E", "1Gi"),
            "what is wanted has 1E of cpu, which is more than can be counted",
        ),
        (
            json!([fine, fine]),
            json!([]),
            mk_want("1", "1Gi"),
            "a node of cluster `dc-1` called `n1` is there twice",
        ),
        (
            json!([mk_node("", "1", "1Gi")]),
            json!([]),
            mk_want("1", "1Gi"),
            "a node of cluster `dc-1` has no name",
        ),
        (
            json!([fine]),
            json!([mk_pod("p", "n1", "1", "1Gi"), mk_pod("p", "n1", "1", "1Gi")]),
            mk_want("1", "1Gi"),
            "pod `demo/p` of cluster `dc-1` is there twice",
        ),
        (json!([fine]), json!([]), json!({}), "say what is wanted either as `size` with `grade` or as `pod`"),
        (
            json!([fine]),
            json!([]),
            json!({"grade": "general-5", "size": {"cpu": "0", "memory": "1Gi"}}),
            "the size is not valid: CPU must be above zero, not `0`; write a number and a unit, for example 500m of CPU or 512Mi of memory",
        ),
        (
            json!([fine]),
            json!([]),
            json!({"pod": {"topologySpreadConstraints": [{"maxSkew": 0, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}]}}),
            "the spread over `zone` is not valid: maxSkew must be at least 1",
        ),
        (
            json!([fine]),
            json!([]),
            json!({"pod": {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "zone"}]}}}}),
            "a required podAntiAffinity cannot be counted yet; without it the answer would be wrong",
        ),
    ];
    for (nodes, pods, want, error) in table {
        assert_eq!(refuse(nodes, pods, want), error);
    }
    let unknown = json!({"clusters": [], "want": {"pod": {}}, "wants": 1});
    assert!(serde_json::from_value::<FitRequest>(unknown).is_err());
    let nothing = try_fit(json!({"clusters": [], "want": {"pod": {}}})).unwrap();
    assert_eq!((nothing.all.fits, nothing.all.because.as_str()), (0, "there are no nodes"));
}
