//! What comes back when a data center is lost: importance first, both ledgers, by name and with the reason.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails the test")]

use plimsoll_qos::{CapacityError, LossAnswer, LossRequest, lose};
use serde_json::{Value, json};

fn mk_node(name: &str, cpu: &str, memory: &str) -> Value {
    json!({
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "zone": name[..1]}},
        "status": {"allocatable": {"cpu": cpu, "memory": memory, "pods": "10"}},
    })
}

fn mk_pod(name: &str, node: &str, cpu: &str, priority: i32) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "demo", "labels": {"app": "shop"}},
        "spec": {"nodeName": node, "priority": priority, "priorityClassName": format!("class-{priority}"),
                 "containers": [{"name": "main", "resources": {"requests": {"cpu": cpu, "memory": "1Gi"}}}]},
    })
}

fn try_lose(request: Value) -> Result<LossAnswer, CapacityError> {
    lose(serde_json::from_value::<LossRequest>(request).unwrap())
}

/// Two data centers; the first is lost.
fn lose_first(first: &[Value], pods: &[Value], second: &[Value], others: &[Value]) -> LossAnswer {
    try_lose(json!({
        "clusters": [{"name": "dc-1", "nodes": first, "pods": pods}, {"name": "dc-2", "nodes": second, "pods": others}],
        "lose": {"dataCenters": ["dc-1"]},
    }))
    .unwrap()
}

fn missing(answer: &LossAnswer) -> Vec<&str> {
    answer.missing.iter().map(|missing| missing.name.as_str()).collect()
}

fn moves(answer: &LossAnswer) -> Vec<(&str, &str)> {
    answer.moves.iter().map(|moved| (moved.name.as_str(), moved.to_node.as_str())).collect()
}

#[test]
fn the_more_important_come_back_first_and_the_missing_are_named_with_the_reason() {
    let pods = [
        mk_pod("idle-1", "a1", "2", 500),
        mk_pod("shop-1", "a1", "3", 900),
        mk_pod("idle-2", "a1", "2", 500),
    ];
    let others = [mk_pod("there", "b1", "3", 100)];
    let answer = lose_first(&[mk_node("a1", "8", "32Gi")], &pods, &[mk_node("b1", "8", "32Gi")], &others);
    assert_eq!(moves(&answer), [("shop-1", "b1"), ("idle-1", "b1")]);
    assert_eq!(missing(&answer), ["idle-2"]);
    assert_eq!(
        answer.missing[0].because,
        "none of 1 node left takes it: cpu is short on 1 node (it needs 2, at most 0 is free)"
    );
    assert_eq!((answer.returns, answer.bound, answer.displaced), (2, 2, 3));
    assert_eq!(
        answer.because,
        "2 of 3 pods find another place on the 1 node left, 1 does not, the most important of them demo/idle-2; no placement brings back more"
    );
    assert_eq!(
        serde_json::to_value(&answer.tiers).unwrap(),
        json!([
            {"priority": 900, "priorityClass": "class-900", "displaced": 1, "returns": 1, "boundWithHigher": 1},
            {"priority": 500, "priorityClass": "class-500", "displaced": 2, "returns": 1, "boundWithHigher": 2},
        ])
    );
    let amounts = serde_json::to_value([&answer.short, &answer.free_before, &answer.free_after]).unwrap();
    assert_eq!(
        amounts,
        json!([
            {"cpu": "2", "memory": "1Gi", "pods": "1"},
            {"cpu": "5", "memory": "31Gi", "pods": "9"},
            {"memory": "29Gi", "pods": "7"},
        ])
    );
}

#[test]
fn pods_that_belong_to_their_node_or_are_finished_are_not_missed() {
    let mut agent = mk_pod("agent", "a1", "1", 900);
    agent["metadata"]["ownerReferences"] = json!([{"kind": "DaemonSet", "name": "agent"}]);
    let mut job = mk_pod("job", "a1", "1", 900);
    job["status"] = json!({"phase": "Failed"});
    let answer = lose_first(&[mk_node("a1", "8", "32Gi")], &[agent, job], &[mk_node("b1", "8", "32Gi")], &[]);
    assert_eq!((answer.displaced, answer.tied), (0, 1));
    assert_eq!(answer.because, "no pod has to find another place");
}

#[test]
fn the_largest_first_on_the_node_that_it_fills_best() {
    let pods = [mk_pod("small", "a1", "1", 0), mk_pod("large", "a1", "4", 0), mk_pod("middle", "a1", "3", 0)];
    let second = [mk_node("b1", "8", "32Gi"), mk_node("b2", "4", "32Gi"), mk_node("b3", "4", "32Gi")];
    let answer = lose_first(&[mk_node("a1", "8", "32Gi")], &pods, &second, &[]);
    assert_eq!(moves(&answer), [("large", "b2"), ("middle", "b3"), ("small", "b3")]);
    assert_eq!(answer.because, "all 3 pods find another place on the 3 nodes left");
    assert!(answer.all_return());
}

#[test]
fn a_peak_that_is_predicted_above_the_request_keeps_a_pod_from_coming_back() {
    let request = |ledgers: Value| {
        json!({
            "clusters": [
                {"name": "dc-1", "nodes": [mk_node("a1", "8", "32Gi")],
                 "pods": [mk_pod("hot-1", "a1", "1", 0), mk_pod("hot-2", "a1", "1", 0)],
                 "peaks": {"demo/hot-1": {"cpu": "5", "memory": "1Gi"}, "demo/hot-2": {"cpu": "5", "memory": "1Gi"}}},
                {"name": "dc-2", "nodes": [mk_node("b1", "8", "32Gi")]},
            ],
            "lose": {"clusters": ["dc-1"]},
            "ledgers": ledgers,
        })
    };
    assert_eq!(try_lose(request(json!("requests"))).unwrap().returns, 2);
    let both = try_lose(request(json!({"requestsAndPeaks": {"targetPercent": 100}}))).unwrap();
    assert_eq!((both.returns, both.bound), (1, 1));
    assert_eq!(
        both.missing[0].because,
        "none of 1 node left takes it: cpu at the predicted peak is short on 1 node (it needs 5, at most 3 is free)"
    );
}

#[test]
fn memory_that_is_left_is_told_in_whole_mi() {
    let mut pod = mk_pod("p", "a1", "1", 0);
    pod["spec"]["containers"][0]["resources"]["requests"]["memory"] = json!("30Gi");
    let because = |memory: &str| {
        let second = [mk_node("b1", "8", memory)];
        let answer = lose_first(&[mk_node("a1", "8", "32Gi")], &[pod.clone()], &second, &[]);
        answer.missing[0].because.clone()
    };
    let told = |most: &str| {
        format!(
            "none of 1 node left takes it: memory is short on 1 node (it needs 30Gi, at most {most} is free)"
        )
    };
    assert_eq!(because("17179869183"), told("16383Mi"));
    assert_eq!(because("1000"), told("1k"));
}

#[test]
fn selectors_taints_and_hard_spreads_hold_where_pods_come_back_too() {
    let mut here = mk_pod("here", "a1", "1", 0);
    here["spec"]["nodeSelector"] = json!({"zone": "a"});
    let answer = lose_first(&[mk_node("a1", "8", "32Gi")], &[here], &[mk_node("b1", "8", "32Gi")], &[]);
    assert_eq!(
        answer.missing[0].because,
        "none of 1 node left takes it: 1 × lacks the label zone=a that the node selector asks for"
    );
    assert_eq!(answer.bound, 0);

    let spread = json!([{"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "shop"}}}]);
    let pods: Vec<_> = (1..=4)
        .map(|n| {
            let mut pod = mk_pod(&format!("p{n}"), "a1", "1", 0);
            pod["spec"]["topologySpreadConstraints"] = spread.clone();
            pod
        })
        .collect();
    let second = [mk_node("b1", "1", "32Gi"), mk_node("b2", "8", "32Gi")];
    let answer = lose_first(&[mk_node("a1", "8", "32Gi")], &pods, &second, &[]);
    // b1 is full with one, so b2 takes two.
    assert_eq!(answer.returns, 3);
    assert_eq!(
        answer.missing[0].because,
        "none of 2 nodes left takes it: cpu is short on 1 node (it needs 1, at most 0 is free); a hard spread holds it off 1 node"
    );
}

#[test]
fn a_spread_counts_what_was_placed_before_of_another_size() {
    let spread = json!([{"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "shop"}}}]);
    let spreading = |name: &str, cpu: &str| {
        let mut pod = mk_pod(name, "a1", cpu, 0);
        pod["spec"]["topologySpreadConstraints"] = spread.clone();
        pod
    };
    let pods = [
        spreading("large", "3"),
        spreading("small-1", "1"),
        spreading("small-2", "1"),
        mk_pod("free", "a1", "2", 0),
    ];
    let second = [mk_node("b1", "6", "32Gi"), mk_node("b2", "7", "32Gi")];
    let answer = lose_first(&[mk_node("a1", "8", "32Gi")], &pods, &second, &[]);
    // Without the spread, all would go to b1, which they fill best.
    assert_eq!(moves(&answer), [("large", "b1"), ("free", "b1"), ("small-1", "b2"), ("small-2", "b2")]);
}

#[test]
fn anti_affinity_is_never_broken_to_bring_a_pod_back() {
    let away = json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{
        "topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "shop"}}}]}});
    let mut guard = mk_pod("guard", "b1", "1", 0);
    guard["spec"]["affinity"] = away.clone();
    let mut alone = mk_pod("alone", "a1", "1", 0);
    alone["spec"]["affinity"] = away;
    let mut other = mk_pod("other", "a1", "1", 0);
    other["metadata"]["labels"]["app"] = json!("other");
    let pods = [mk_pod("kept", "a1", "1", 0), alone, other];
    let answer = lose_first(&[mk_node("a1", "8", "32Gi")], &pods, &[mk_node("b1", "8", "32Gi")], &[guard]);
    assert_eq!(moves(&answer), [("other", "b1")]);
    let reasons: Vec<_> =
        answer.missing.iter().map(|missing| (missing.name.as_str(), missing.because.as_str())).collect();
    assert_eq!(
        reasons,
        [
            ("kept", "none of 1 node left takes it: 1 × a pod nearby keeps it away by its anti-affinity"),
            ("alone", "a required podAntiAffinity is not counted here, so it may or may not come back"),
        ]
    );
    assert_eq!((answer.returns, answer.bound), (1, 1));
}

#[test]
fn single_nodes_are_lost_and_what_is_not_there_cannot_be() {
    let request = |lose: Value| {
        json!({
            "clusters": [{"name": "c", "dataCenter": "dc-1", "nodes": [mk_node("a1", "8", "32Gi"), mk_node("a2", "8", "32Gi")],
                          "pods": [mk_pod("p", "a1", "1", 0), mk_pod("q", "a2", "1", 0)]}],
            "lose": lose,
        })
    };
    let answer = try_lose(request(json!({"nodes": [{"cluster": "c", "node": "a1"}]}))).unwrap();
    assert_eq!((answer.nodes_lost, answer.nodes_left, moves(&answer)), (1, 1, vec![("p", "a2")]));
    let all = try_lose(request(json!({"dataCenters": ["dc-1"]}))).unwrap();
    assert_eq!((all.returns, all.bound, all.missing[0].because.as_str()), (0, 0, "no node is left"));
    for (lose, error) in [
        (json!({"dataCenters": ["dc-2"]}), "there is no data center `dc-2`"),
        (json!({"clusters": ["dc-1"]}), "there is no cluster `dc-1`"),
        (json!({"nodes": [{"cluster": "d", "node": "a1"}]}), "there is no node `a1` in cluster `d`"),
    ] {
        assert_eq!(try_lose(request(lose)).unwrap_err().to_string(), error);
    }
    assert_eq!(try_lose(request(json!({}))).unwrap().because, "no pod has to find another place");
}

/// `dc-1` is lost; how those that ran there come back where less important ones make way.
fn lose_preempting(first: &[Value], pods: &[Value], second: &[Value], others: &[Value]) -> Value {
    let answer = try_lose(json!({
        "clusters": [{"name": "dc-1", "nodes": first, "pods": pods}, {"name": "dc-2", "nodes": second, "pods": others}],
        "lose": {"dataCenters": ["dc-1"]},
        "preempt": "LowerPriority",
    }));
    serde_json::to_value(answer.unwrap().preemption.unwrap()).unwrap()
}

#[test]
fn the_less_important_make_way_and_are_named_with_where_they_go() {
    let others =
        [mk_pod("batch-1", "b1", "4", 100), mk_pod("batch-2", "b1", "3", 100), mk_pod("web", "b2", "6", 500)];
    let answer = lose_preempting(
        &[mk_node("a1", "8", "32Gi")],
        &[mk_pod("shop", "a1", "4", 900)],
        &[mk_node("b1", "8", "32Gi"), mk_node("b2", "9", "32Gi")],
        &others,
    );
    assert_eq!(
        answer,
        json!({
            "returns": 1,
            "bound": 1,
            "because": "1 of 1 pods come back where less important ones make way, at most 1 can; 1 less important pod is pushed aside and finds another place; disruption budgets (none are given) and grace periods are not counted",
            "pushedAside": [{
                "cluster": "dc-2", "node": "b1", "namespace": "demo", "name": "batch-2", "priority": 100,
                "makesWayFor": "demo/shop", "goesTo": "dc-2/b2",
            }],
            "missing": [],
            "notCounted": [
                {"field": "podDisruptionBudget",
                 "because": "no budgets are given; the scheduler breaks them last, so where there are any, others may make way, or on other nodes"},
                {"field": "terminationGracePeriodSeconds",
                 "because": "those who make way take their time, and a place is free only after that"},
            ],
        })
    );
}

/// b1 would lose one of priority 500, b2 two of 100: the scheduler takes b2.
#[test]
fn the_node_is_taken_where_the_least_important_must_go() {
    let others =
        [mk_pod("web", "b1", "8", 500), mk_pod("batch-1", "b2", "4", 100), mk_pod("batch-2", "b2", "4", 100)];
    let answer = lose_preempting(
        &[mk_node("a1", "8", "32Gi")],
        &[mk_pod("shop", "a1", "8", 900)],
        &[mk_node("b1", "8", "32Gi"), mk_node("b2", "8", "32Gi")],
        &others,
    );
    let names: Vec<_> =
        answer["pushedAside"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["batch-1", "batch-2"]);
    assert!(answer["pushedAside"][0]["because"].as_str().unwrap().contains("cpu is short"), "{answer}");
}

#[test]
fn nobody_makes_way_for_an_equal_or_where_there_is_room() {
    let one = |priority: i32, cpu: &str| {
        lose_preempting(
            &[mk_node("a1", "8", "32Gi")],
            &[mk_pod("shop", "a1", cpu, priority)],
            &[mk_node("b1", "8", "32Gi")],
            &[mk_pod("there", "b1", "6", 500)],
        )
    };
    let equal = one(500, "4");
    assert_eq!(
        (&equal["returns"], &equal["bound"], &equal["pushedAside"]),
        (&json!(0), &json!(0), &json!([]))
    );
    assert_eq!(equal["missing"][0]["name"], "shop");
    let roomy = one(900, "2");
    assert_eq!((&roomy["returns"], &roomy["pushedAside"]), (&json!(1), &json!([])));
    let pushed = one(501, "4");
    assert_eq!((&pushed["returns"], &pushed["pushedAside"][0]["name"]), (&json!(1), &json!("there")));
}

#[test]
fn a_pod_that_belongs_to_its_node_goes_for_good() {
    let mut agent = mk_pod("agent", "b1", "6", 0);
    agent["metadata"]["ownerReferences"] = json!([{"kind": "DaemonSet", "name": "agent"}]);
    let answer = lose_preempting(
        &[mk_node("a1", "8", "32Gi")],
        &[mk_pod("shop", "a1", "4", 900)],
        &[mk_node("b1", "8", "32Gi"), mk_node("b2", "1", "32Gi")],
        &[agent],
    );
    assert_eq!(answer["pushedAside"][0]["because"], "it belongs to its node");
}

/// Two empty nodes and four lost pods, which another order of filling the nodes brought back but for one.
#[test]
fn where_nobody_is_pushed_aside_nobody_is_lost_by_preemption() {
    let amounts = |cpu: &str, memory: &str| json!({"cpu": cpu, "memory": memory, "pods": "10"});
    let node = |name: &str, cpu: &str, memory: &str| json!({"metadata": {"name": name}, "status": {"allocatable": amounts(cpu, memory)}});
    let pod = |name: &str, priority: i32, cpu: &str, memory: &str| {
        let mut pod = mk_pod(name, "a1", cpu, priority);
        pod["spec"]["containers"][0]["resources"]["requests"]["memory"] = json!(memory);
        pod
    };
    let pods = [
        pod("l0", 2, "3m", "2Mi"),
        pod("l1", 3, "3m", "3Mi"),
        pod("l2", 2, "2m", "5Mi"),
        pod("l3", 1, "2m", "3Mi"),
    ];
    let left = [node("n0", "9m", "7Mi"), node("n1", "9m", "6Mi")];
    let plain = lose_first(&[mk_node("a1", "8", "32Gi")], &pods, &left, &[]);
    let played = lose_preempting(&[mk_node("a1", "8", "32Gi")], &pods, &left, &[]);
    assert_eq!((plain.returns, &played["returns"], &played["pushedAside"]), (4, &json!(4), &json!([])));
}

/// One that is more important takes the room of two that had come back, and the answer says that this is why.
#[test]
fn fewer_come_back_only_where_the_more_important_are_larger() {
    let pods = [
        mk_pod("large", "a1", "6", 900),
        mk_pod("small-1", "a1", "2", 100),
        mk_pod("small-2", "a1", "2", 100),
    ];
    let answer = lose_preempting(
        &[mk_node("a1", "16", "64Gi")],
        &pods,
        &[mk_node("b1", "8", "32Gi")],
        &[mk_pod("there", "b1", "4", 500)],
    );
    assert_eq!((&answer["returns"], answer["missing"].as_array().unwrap().len()), (&json!(2), 1));
    let others = [mk_pod("there-1", "b1", "2", 500), mk_pod("there-2", "b1", "2", 950)];
    let answer =
        lose_preempting(&[mk_node("a1", "16", "64Gi")], &pods, &[mk_node("b1", "8", "32Gi")], &others);
    assert_eq!(answer["returns"], 1);
    assert_eq!(
        answer["because"],
        "1 of 3 pods come back where less important ones make way, at most 2 can; 1 less important pod is pushed aside \
         and finds no other place; without that 2 would, but less important ones; \
         disruption budgets (none are given) and grace periods are not counted"
    );
}

#[test]
fn a_pod_that_is_never_to_preempt_pushes_nobody_aside() {
    let mut polite = mk_pod("polite", "a1", "4", 900);
    polite["spec"]["preemptionPolicy"] = json!("Never");
    let answer = lose_preempting(
        &[mk_node("a1", "8", "32Gi")],
        &[polite],
        &[mk_node("b1", "8", "32Gi")],
        &[mk_pod("there", "b1", "6", 500)],
    );
    assert_eq!((&answer["returns"], &answer["pushedAside"]), (&json!(0), &json!([])));
    let because = answer["missing"][0]["because"].as_str().unwrap();
    assert!(because.ends_with("; its preemptionPolicy is Never, so nobody makes way"), "{because}");
}

/// A pod with a label of its own, so that a budget can be about it alone.
fn mk_named(name: &str, node: &str, priority: i32) -> Value {
    let mut pod = mk_pod(name, node, "4", priority);
    pod["metadata"]["labels"] = json!({"app": name});
    // Who is pushed aside does not do the same to the next one, which is another story.
    pod["spec"]["preemptionPolicy"] = json!("Never");
    pod
}

fn mk_budget(app: &str, allowed: i32) -> Value {
    json!({"metadata": {"name": format!("{app}-budget"), "namespace": "demo"},
        "spec": {"selector": {"matchLabels": {"app": app}}}, "status": {"disruptionsAllowed": allowed}})
}

/// Who makes way for one that needs four cores, each with the budget that this breaks; and the words.
fn pushed_under(budgets: &[Value], nodes: &[Value], others: &[Value]) -> (Vec<String>, String) {
    let answer = try_lose(json!({
        "clusters": [
            {"name": "dc-1", "nodes": [mk_node("a1", "8", "32Gi")], "pods": [mk_pod("edge", "a1", "4", 900)]},
            {"name": "dc-2", "nodes": nodes, "pods": others, "budgets": budgets},
        ],
        "lose": {"dataCenters": ["dc-1"]}, "preempt": "LowerPriority",
    }));
    let played = answer.unwrap().preemption.unwrap();
    assert_eq!(played.returns, 1);
    let name = |pushed: plimsoll_qos::Pushed| match pushed.breaks_budget {
        Some(budget) => format!("{} against {budget}", pushed.name),
        None => pushed.name,
    };
    (played.pushed_aside.into_iter().map(name).collect(), played.because)
}

#[test]
fn disruption_budgets_are_broken_last() {
    let nodes = [mk_node("b1", "8", "32Gi")];
    let others = [mk_named("web", "b1", 500), mk_named("batch", "b1", 100)];
    let pushed = |budgets: &[Value]| pushed_under(budgets, &nodes, &others);
    assert_eq!(pushed(&[]).0, ["batch"]);
    assert!(
        pushed(&[]).1.ends_with("; disruption budgets (none are given) and grace periods are not counted")
    );
    // The less important one has a budget that is used up, so the other one goes.
    let (names, because) = pushed(&[mk_budget("batch", 0)]);
    assert_eq!(names, ["web"]);
    assert!(because.ends_with("finds no other place; grace periods are not counted"), "{because}");
    // With one to spare, or about others, or about nobody, it protects nobody.
    assert_eq!(pushed(&[mk_budget("batch", 1)]).0, ["batch"]);
    assert_eq!(pushed(&[mk_budget("others", 0)]).0, ["batch"]);
    let mut elsewhere = mk_budget("batch", 0);
    elsewhere["metadata"]["namespace"] = json!("elsewhere");
    assert_eq!(pushed(&[elsewhere]).0, ["batch"]);
    let mut empty = mk_budget("batch", 0);
    empty["spec"]["selector"] = json!({});
    assert_eq!(pushed(&[empty]).0, ["batch"]);
    let mut counted = mk_budget("batch", 0);
    counted["status"]["disruptedPods"] = json!({"batch": "2026-01-01T00:00:00Z"});
    assert_eq!(pushed(&[counted]).0, ["batch"]);
    // Where both are protected, one is broken, and named.
    let (names, because) = pushed(&[mk_budget("batch", 0), mk_budget("web", 0)]);
    assert_eq!(names, ["batch against demo/batch-budget"]);
    assert!(
        because.contains("pushed aside and finds no other place, 1 against a disruption budget"),
        "{because}"
    );
}

/// As the scheduler has it, a node where no budget is broken comes before one where the less important must go.
#[test]
fn a_node_is_taken_where_the_fewest_budgets_are_broken() {
    let nodes = [mk_node("b1", "4", "32Gi"), mk_node("b2", "4", "32Gi")];
    let others = [mk_named("batch", "b1", 100), mk_named("web", "b2", 500)];
    assert_eq!(pushed_under(&[], &nodes, &others).0, ["batch"]);
    assert_eq!(pushed_under(&[mk_budget("batch", 0)], &nodes, &others).0, ["web"]);
}

/// What one pod used up of a budget, the next one does not find any more.
#[test]
fn a_budget_is_used_up_by_those_who_go() {
    let nodes = [mk_node("b1", "4", "32Gi")];
    let mut twins = [mk_named("batch", "b1", 100), mk_named("batch", "b1", 100)];
    for (number, twin) in twins.iter_mut().enumerate() {
        twin["metadata"]["name"] = json!(format!("batch-{number}"));
        twin["spec"]["containers"][0]["resources"]["requests"]["cpu"] = json!("2");
    }
    let (names, _) = pushed_under(&[mk_budget("batch", 1)], &nodes, &twins);
    assert_eq!(names, ["batch-0", "batch-1 against demo/batch-budget"]);
}
