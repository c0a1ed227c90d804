//! What is lost with its node, what is summed up, and what those who make way leave behind.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails the test")]

use plimsoll_qos::{LossAnswer, LossRequest, lose};
use serde_json::{Value, json};

fn mk_node(name: &str, cpu: &str) -> Value {
    json!({
        "metadata": {"name": name, "labels": {"zone": name[..1]}},
        "status": {"allocatable": {"cpu": cpu, "memory": "32Gi", "pods": "10"}},
    })
}

fn mk_pod(name: &str, node: &str, cpu: &str, priority: i32) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "demo", "labels": {"app": "shop"}},
        "spec": {"nodeName": node, "priority": priority,
                 "containers": [{"name": "main", "resources": {"requests": {"cpu": cpu, "memory": "1Gi"}}}]},
    })
}

fn lose_nodes(nodes: &[Value], pods: &[Value], lost: &[&str]) -> LossAnswer {
    let lost: Vec<_> = lost.iter().map(|node| json!({"cluster": "dc-1", "node": node})).collect();
    let request = json!({
        "clusters": [{"name": "dc-1", "nodes": nodes, "pods": pods}],
        "lose": {"nodes": lost}, "preempt": "LowerPriority",
    });
    lose(serde_json::from_value::<LossRequest>(request).unwrap()).unwrap()
}

#[test]
fn whoever_went_with_its_node_keeps_nobody_away_any_more() {
    let mut guard = mk_pod("guard", "a1", "1", 0);
    guard["spec"]["affinity"] = json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{
        "topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "shop"}}}]}});
    let nodes = [mk_node("a1", "8"), mk_node("a2", "8"), mk_node("b1", "8")];
    let pods = [guard, mk_pod("shop", "b1", "1", 0)];
    let moved = |lost: &[&str]| {
        let answer = lose_nodes(&nodes, &pods, lost);
        answer.moves.into_iter().map(|moved| (moved.name, moved.to_node)).collect::<Vec<_>>()
    };
    assert_eq!(moved(&["b1"]), [], "the guard of zone a is there");
    assert_eq!(moved(&["a1", "b1"]), [("shop".to_owned(), "a2".to_owned())]);
}

#[test]
fn what_is_short_is_the_sum_of_all_who_are_missing() {
    let pods = [mk_pod("one", "a1", "3", 0), mk_pod("two", "a1", "4", 0), mk_pod("three", "a1", "1", 0)];
    let answer = lose_nodes(&[mk_node("a1", "8"), mk_node("b1", "1")], &pods, &["a1"]);
    assert_eq!(answer.missing.len(), 2);
    assert_eq!(
        serde_json::to_value(&answer.short).unwrap(),
        json!({"cpu": "7", "memory": "2Gi", "pods": "2"})
    );
    assert_eq!(serde_json::to_value(&answer.free_after).unwrap(), json!({"memory": "31Gi", "pods": "9"}));
}

#[test]
fn what_one_who_makes_way_leaves_behind_is_there_for_the_next() {
    let nodes = [mk_node("a1", "8"), mk_node("b1", "8")];
    let pods = [
        mk_pod("first", "a1", "2", 900),
        mk_pod("second", "a1", "3", 800),
        mk_pod("large", "b1", "5", 100),
        mk_pod("small", "b1", "3", 200),
    ];
    let answer = lose_nodes(&nodes, &pods, &["a1"]).preemption.unwrap();
    let pushed: Vec<_> = answer.pushed_aside.iter().map(|pushed| pushed.name.as_str()).collect();
    assert_eq!((pushed, answer.returns), (vec!["large"], 2));
    assert_eq!(
        answer.pushed_aside[0].because.as_deref(),
        Some("none of 1 node left takes it: cpu is short on 1 node (it needs 5, at most 0 is free)")
    );
}
