//! Ports of nodes: counted as the scheduler counts them, wherever pods are counted.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails the test")]

use plimsoll_qos::{FitRequest, LossRequest, fit, lose};
use serde_json::{Value, json};

fn mk_node(name: &str) -> Value {
    json!({"metadata": {"name": name}, "status": {"allocatable": {"cpu": "8", "memory": "32Gi", "pods": "40"}}})
}

fn mk_spec(ports: &Value) -> Value {
    json!({"containers": [{"name": "main", "ports": ports,
        "resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "4"}}}]})
}

fn mk_pod(name: &str, node: &str, priority: i32, ports: &Value) -> Value {
    let mut spec = mk_spec(ports);
    spec["nodeName"] = json!(node);
    spec["priority"] = json!(priority);
    json!({"metadata": {"name": name, "namespace": "demo"}, "spec": spec})
}

fn port(number: i32) -> Value {
    json!([{"containerPort": 80, "hostPort": number}])
}

fn ask(nodes: &[Value], pods: &[Value], spec: &Value) -> Value {
    let clusters = json!([{"name": "dc-1", "nodes": nodes, "pods": pods}]);
    let request = json!({"clusters": clusters, "want": {"pod": spec}});
    serde_json::to_value(fit(serde_json::from_value::<FitRequest>(request).unwrap()).unwrap()).unwrap()
}

fn by_node(answer: &Value) -> Vec<(u64, String)> {
    let nodes = answer["dataCenters"][0]["clusters"][0]["nodes"].as_array().unwrap();
    nodes
        .iter()
        .map(|it| (it["fits"].as_u64().unwrap(), it["because"].as_str().unwrap().to_owned()))
        .collect()
}

#[test]
fn a_host_port_fits_once_on_each_node_and_not_where_somebody_has_it() {
    let nodes = [mk_node("n1"), mk_node("n2"), mk_node("n3")];
    let answer = ask(&nodes, &[mk_pod("proxy", "n2", 0, &port(8080))], &mk_spec(&port(8080)));
    assert_eq!(answer["fits"], 2);
    assert_eq!(answer["bound"], 2);
    assert_eq!(answer["byDimension"], json!({"cpu": 23, "hostPorts": 2, "pods": 119}));
    assert_eq!(answer["binding"], "hostPorts");
    assert_eq!(
        answer["because"],
        "2 fit on 3 nodes; what binds first is host ports, one pod on a node, on 3 nodes; without them, up to 21 more would fit"
    );
    let free = "1 by host ports: one pod takes 8080/TCP".to_owned();
    let taken = "0 by host ports: demo/proxy has 8080/TCP".to_owned();
    assert_eq!(by_node(&answer), [(1, free.clone()), (0, taken), (1, free)]);
    // One fits on each, so selling CPU more than 4 / 8 times buys nothing.
    assert_eq!(answer["usefulRatio"]["decimal"], "1.000");
}

/// The table of the scheduler's own rule (`HostPortInfo.CheckConflict`), and what it reads of a pod.
#[test]
fn ports_are_in_each_others_way_by_number_protocol_and_address() {
    let fits = |there: Value, wanted: Value| {
        ask(&[mk_node("n1")], &[mk_pod("there", "n1", 0, &there)], &mk_spec(&wanted))["fits"]
            .as_u64()
            .unwrap()
    };
    let at = |ip: &str, protocol: &str| json!([{"hostPort": 80, "hostIP": ip, "protocol": protocol}]);
    for (there, wanted, expected) in [
        (at("", ""), at("0.0.0.0", "TCP"), 0),
        (at("", "UDP"), at("", "TCP"), 1),
        (at("", "SCTP"), at("", "SCTP"), 0),
        (at("10.0.0.1", "TCP"), at("10.0.0.2", "TCP"), 1),
        (at("10.0.0.1", "TCP"), at("10.0.0.1", "TCP"), 0),
        (at("10.0.0.1", "TCP"), at("", "TCP"), 0),
        (at("", "TCP"), at("10.0.0.1", "TCP"), 0),
        (at("10.0.0.1", "UDP"), at("", "TCP"), 1),
        // As the scheduler has it, this one is an address like any other.
        (at("::", "TCP"), at("10.0.0.1", "TCP"), 1),
        (port(81), port(80), 1),
        (json!([{"hostPort": 1}, {"hostPort": 2}]), json!([{"hostPort": 3}, {"hostPort": 2}]), 0),
    ] {
        assert_eq!(fits(there.clone(), wanted.clone()), expected, "{there} {wanted}");
    }
    // What is written and says nothing is as if it were not there.
    let nothing = json!([{"containerPort": null, "hostPort": 80, "hostIP": null, "protocol": null}]);
    assert_eq!(fits(nothing, port(80)), 0);
    // Without a port of the node nothing is in the way.
    assert_eq!(fits(port(80), json!([{"containerPort": 80}])), 7);
}

#[test]
fn sidecars_take_ports_init_steps_do_not_and_the_nodes_network_makes_every_port_one_of_the_node() {
    let of = |init: Value| {
        let mut spec = mk_spec(&json!([]));
        spec["initContainers"] = json!([init]);
        ask(&[mk_node("n1")], &[], &spec)["fits"].as_u64().unwrap()
    };
    assert_eq!(of(json!({"name": "step", "ports": [{"hostPort": 80}]})), 8);
    assert_eq!(of(json!({"name": "proxy", "restartPolicy": "Always", "ports": [{"hostPort": 80}]})), 1);
    let mut spec = mk_spec(&json!([{"containerPort": 9100}]));
    spec["hostNetwork"] = json!(true);
    let answer = ask(&[mk_node("n1"), mk_node("n2")], &[mk_pod("there", "n2", 0, &port(9100))], &spec);
    assert_eq!(answer["fits"], 1);
    assert_eq!(
        serde_json::from_value::<plimsoll_qos::Pod>(spec).unwrap().defaulted().containers[0].ports[0]
            .host_port,
        9100
    );
}

#[test]
fn ports_come_before_other_shortages_as_the_scheduler_looks_at_them_first() {
    let mut full = mk_node("n1");
    full["status"]["allocatable"]["cpu"] = json!("1");
    let answer = ask(&[full], &[mk_pod("there", "n1", 0, &port(80))], &mk_spec(&port(80)));
    assert_eq!(answer["binding"], "hostPorts");
}

fn try_lose(pods: &[Value], others: &[Value], left: &[Value], preempt: &str) -> Value {
    let request = json!({
        "clusters": [{"name": "dc-1", "nodes": [mk_node("a1"), mk_node("a2"), mk_node("a3")], "pods": pods},
                     {"name": "dc-2", "nodes": left, "pods": others}],
        "lose": {"dataCenters": ["dc-1"]}, "preempt": preempt,
    });
    serde_json::to_value(lose(serde_json::from_value::<LossRequest>(request).unwrap()).unwrap()).unwrap()
}

#[test]
fn what_is_lost_comes_back_once_on_each_node_that_has_the_port_free() {
    let pods: Vec<_> =
        (1..=3).map(|n| mk_pod(&format!("edge-{n}"), &format!("a{n}"), 0, &port(443))).collect();
    let left = [mk_node("b1"), mk_node("b2"), mk_node("b3")];
    let others = [mk_pod("there", "b2", 0, &port(443))];
    let answer = try_lose(&pods, &others, &left, "Nobody");
    assert_eq!((&answer["returns"], &answer["bound"]), (&json!(2), &json!(2)));
    assert_eq!(
        answer["missing"][0]["because"],
        "none of 3 nodes left takes it: the host port 443/TCP is taken on 3 nodes"
    );
    // Another port is not in the way, so all come back where one of them has room.
    let pods = [mk_pod("one", "a1", 0, &port(1)), mk_pod("two", "a2", 0, &port(2))];
    assert_eq!(try_lose(&pods, &[], &left[..1], "Nobody")["returns"], 2);
}

#[test]
fn whoever_has_the_port_makes_way_for_somebody_more_important_and_for_nobody_else() {
    let left = [mk_node("b1")];
    let there =
        |priority: i32| [mk_pod("there", "b1", priority, &port(443)), mk_pod("beside", "b1", 0, &json!([]))];
    let lost = [mk_pod("edge", "a1", 900, &port(443))];
    let answer = &try_lose(&lost, &there(500), &left, "LowerPriority")["preemption"];
    let pushed: Vec<_> = answer["pushedAside"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!((&answer["returns"], &answer["bound"], pushed), (&json!(1), &json!(1), vec![&json!("there")]));
    assert!(answer["pushedAside"][0]["because"].as_str().unwrap().contains("443/TCP is taken"), "{answer}");
    let answer = &try_lose(&lost, &there(900), &left, "LowerPriority")["preemption"];
    assert_eq!(
        (&answer["returns"], &answer["bound"], &answer["pushedAside"]),
        (&json!(0), &json!(0), &json!([]))
    );
}
