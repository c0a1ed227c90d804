//! The verbs that ask the oversell engine: the built program on files and standard input, without any server.

mod page;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use plimsoll_qos::eval;
use serde_json::{Value, json};

use crate::fixture::{Fixture, SHOP};
use crate::{all, told};

/// A node as `kubectl get` prints it, as far as it matters.
fn node(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
        "status": {"allocatable": {"cpu": "16", "memory": "64Gi", "pods": "110"}, "nodeInfo": {"osImage": "x"}}})
}

fn pod(name: &str, node: &str, priority: i32) -> Value {
    let amounts = json!({"cpu": "2", "memory": "8Gi"});
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "demo", "uid": "1"},
        "spec": {"nodeName": node, "priority": priority, "containers": [
            {"name": "app", "image": "x", "resources": {"requests": amounts, "limits": amounts}}]},
        "status": {"phase": "Running"}})
}

fn list(items: &[Value]) -> Value {
    json!({"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}})
}

/// Two data centers with two nodes each, in which all but a few pods have room in the other.
fn fleet() -> [Value; 2] {
    ["dc-1", "dc-2"].map(|dc| {
        let nodes = ["n1", "n2"].map(|name| node(&format!("{dc}-{name}")));
        let pods = (0..10).map(|number| {
            let priority = if number < 4 { 800_000_000 } else { 600_000_000 };
            pod(&format!("{dc}-shop-{number}"), &format!("{dc}-n{}", number % 2 + 1), priority)
        });
        list(&nodes.into_iter().chain(pods).collect::<Vec<_>>())
    })
}

/// A fixture in whose folder the fleet lies: the first data center as JSON, the second as YAML.
fn with_fleet() -> Fixture {
    let fixture = Fixture::bare();
    let [first, second] = fleet();
    fixture.file("dc-1.json", &format!("{first:#}"));
    fixture.file("dc-2.yaml", &serde_saphyr::to_string(&second).unwrap());
    fixture
}

const FLEET: [&str; 4] = ["--cluster", "dc-1=dc-1.json", "--cluster", "dc-2=dc-2.yaml"];

fn with<'a>(verb: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    ["qos", verb].into_iter().chain(FLEET).chain(more.iter().copied()).collect()
}

const DEPLOYMENTS: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: demo}
spec:
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          resources: {limits: {cpu: 500m, memory: 512Mi}}
        - name: proxy
          resources: {requests: {cpu: 10m}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: bare, namespace: demo}
spec:
  template:
    spec:
      containers: [{name: main}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: demo}
";

const GRADES: &str = "\
grades:
  - {name: gold, qosClass: Guaranteed, cpu: 1, memory: '1', priority: 900}
  - {name: tin, qosClass: Burstable, cpu: 4, memory: 5/4, priority: 100}
";

#[test]
fn quantities_sizes_and_policies_say_why() {
    let fixture = Fixture::bare();
    let sidecar = "  sidecars:\n    - name: proxy\n      image: registry.example.com/demo/proxy@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n      size: {cpu: 100m, memory: 64Mi}\n";
    fixture.file("shop.yaml", &format!("{SHOP}{sidecar}"));
    fixture.file("grades.yaml", GRADES);
    fixture.file("half.yaml", &GRADES.replace("5/4", "1.25"));
    fixture.file("wrong.yaml", &GRADES.replace("cpu: 1,", "cpu: 2,").replace("100}", "1000}"));
    insta::assert_snapshot!(all(
        &fixture,
        &[
            &["qos", "quantity", "1.5Gi", "100m", ".5i"],
            &["qos", "quantity", "1024Mi", "-o", "json"],
            &["qos", "quantity", "100m", "--strict", "--resource", "memory"],
            &["qos", "size", "--grade", "general-5", "--cpu", "333m", "--memory", "1Gi"],
            &["qos", "size", "--grade", "general-5", "--cpu", "333m", "--memory", "1Gi", "-o", "yaml"],
            &["qos", "size", "--grade", "tin", "--cpu", "1", "--memory", "1Gi", "--policy", "grades.yaml"],
            &["qos", "size", "--grade", "vip", "--cpu", "1", "--memory", "1Gi"],
            &["qos", "size", "--grade", "vip", "--cpu", "1", "--memory", "1Gi", "--policy", "grades.yaml"],
            &["qos", "size", "--grade", "general-5", "--cpu", "1", "--memory", "1mi"],
            &["qos", "size", "-f", "shop.yaml"],
            &["qos", "size"],
            &["qos", "policy"],
            &["qos", "policy", "-f", "grades.yaml", "-o", "json"],
            &["qos", "policy", "-f", "wrong.yaml"],
            &["qos", "policy", "-f", "half.yaml"],
            &["qos", "size", "--grade", "general-5", "--cpu", "1m", "--memory", "1Mi"],
            &["qos", "size", "--grade", "general-5", "--cpu", "1", "--memory", "65Ti"],
            &["qos", "policy", "-o", "name"],
        ]
    ));
}

/// The `grades.yaml` of docs/oversell.md, as it stands there.
fn documented_grades() -> String {
    let page = include_str!("../../../../docs/oversell.md");
    let block = page.split("```yaml\n").nth(1).unwrap();
    block.split("```").next().unwrap().to_owned()
}

#[test]
fn every_verb_takes_the_grades_that_the_docs_show_and_policy_show_prints() {
    let fixture = Fixture::new();
    fixture.file("grades.yaml", &documented_grades());
    for format in ["json", "yaml"] {
        let shown = fixture.run(&["policy", "show", "-o", format]);
        assert_eq!(shown.exit, Some(0), "{shown:?}");
        fixture.file(&format!("shown.{format}"), &shown.stdout);
        let printed = fixture.run(&["qos", "policy", "-o", format]);
        fixture.file(&format!("printed.{format}"), &printed.stdout);
    }
    fixture.file("shop.yaml", &SHOP.replace("general-2", "bronze-20"));
    fixture.file(
        "wrong.yaml",
        "grades:\n  - {name: Gold, qosClass: Guaranteed, cpu: 2, memory: 1, priority: 9}\n",
    );
    fixture.file("empty.yaml", "");
    let size = ["qos", "size", "--cpu", "1", "--memory", "1Gi"];
    for (file, grade) in [
        ("grades.yaml", "bronze-20"),
        ("shown.json", "general-5"),
        ("shown.yaml", "general-5"),
        ("printed.json", "general-5"),
        ("printed.yaml", "general-5"),
    ] {
        let said = fixture.run(&[&size[..], &["--grade", grade, "--policy", file]].concat());
        assert_eq!(said.exit, Some(0), "{file}: {said:?}");
    }
    insta::assert_snapshot!(all(
        &fixture,
        &[
            &["qos", "policy", "-f", "grades.yaml"],
            &["qos", "classify", "-f", "shop.yaml", "--policy", "grades.yaml"],
            &["qos", "classify", "-f", "shop.yaml"],
            &["qos", "node-view", "-f", "shop.yaml", "--memory", "64Gi", "--policy", "grades.yaml"],
            &["qos", "policy", "-f", "wrong.yaml"],
            &["qos", "policy", "-f", "empty.yaml"],
            &["policy", "set", "-f", "/dev/null"],
        ]
    ));
}

#[test]
fn pods_are_classified_viewed_and_linted() {
    let fixture = Fixture::bare();
    fixture.file("web.yaml", DEPLOYMENTS);
    fixture.file("shop.yaml", SHOP);
    fixture.file("service.yaml", DEPLOYMENTS.rsplit("---\n").next().unwrap());
    fixture.file(
        "range.yaml",
        "kind: LimitRange\nmetadata: {name: small, namespace: demo}\nspec:\n  limits:\n    - {type: Container, \
         max: {cpu: 10m, memory: 4Gi}, default: {cpu: 10m, memory: 4Gi}, defaultRequest: {cpu: 10m, memory: 4Gi}}\n",
    );
    fixture.file(
        "wrong.yaml",
        &DEPLOYMENTS.replace("requests: {cpu: 10m}", "requests: {cpu: 2}, limits: {cpu: 1}"),
    );
    fixture.file("bad.json", "{\"kind\": \"Deployment\",\n \"spec\": {\"template\": {}}}");
    fixture.file("odd.yaml", &DEPLOYMENTS.replace("512Mi", "512mi"));
    fixture.file(
        "array.json",
        r#"[{"kind": "Pod", "metadata": {"name": "one"}, "spec": {"containers": [{"name": "main"}]}}]"#,
    );
    fixture.file("cut.json", "{\"kind\": \"List\",\n \"items\": [");
    fixture.file("cut.yaml", "kind: List\nitems: [1\nx: 2\n");
    insta::assert_snapshot!(all(
        &fixture,
        &[
            &["qos", "classify", "-f", "web.yaml", "-f", "shop.yaml"],
            &["qos", "classify", "-f", "web.yaml", "-o", "json"],
            &["qos", "classify", "-f", "array.json"],
            &["qos", "classify", "-f", "service.yaml"],
            &["qos", "classify", "-f", "bad.json"],
            &["qos", "classify", "-f", "odd.yaml"],
            &["qos", "classify", "-f", "cut.json"],
            &["qos", "classify", "-f", "cut.yaml"],
            &["qos", "classify", "-f", "absent.yaml"],
            &["qos", "classify", "-f", "web.yaml", "--server-version", "latest"],
            &["qos", "node-view", "-f", "shop.yaml", "--memory", "64Gi", "--memory-throttling-factor", "0.9"],
            &["qos", "node-view", "-f", "shop.yaml", "--memory", "0"],
            &["qos", "node-view", "-f", "shop.yaml", "--memory", "64"],
            &["qos", "node-view", "-f", "shop.yaml", "--memory", "64Gi", "--allocatable-memory", "60gb"],
            &["qos", "node-view", "-f", "shop.yaml", "--memory", "64Gi", "--allocatable-memory", "65Gi"],
            &["qos", "node-view", "-f", "shop.yaml", "--memory", "64Gi", "--memory-throttling-factor", "90"],
            &["qos", "node-view", "-f", "web.yaml", "--memory", "64Gi", "--memory-throttling-factor", "0.9"],
            &["qos", "node-view", "-f", "wrong.yaml", "--memory", "64Gi"],
            &["qos", "node-view", "-f", "shop.yaml"],
            &["qos", "lint", "-f", "web.yaml"],
            &["qos", "lint", "-f", "web.yaml", "-o", "json"],
            &["qos", "lint", "-f", "service.yaml"],
            &["qos", "lint", "-f", "shop.yaml"],
            &["qos", "lint", "-f", "shop.yaml", "-f", "range.yaml"],
            &["qos", "lint", "-f", "shop.yaml", "-f", "service.yaml"],
            &["qos", "lint", "-f", "wrong.yaml"],
            &["qos", "classify", "-f", "wrong.yaml"],
        ]
    ));
}

#[test]
fn capacity_names_what_binds_and_what_does_not_come_back() {
    let fixture = with_fleet();
    fixture.file("web.yaml", DEPLOYMENTS.split("---\n").next().unwrap());
    fixture.file("shop.yaml", SHOP);
    fixture.file(
        "edge.yaml",
        "kind: Pod\nmetadata: {name: edge, namespace: demo}\nspec:\n  containers:\n    - name: main\n      ports: \
         [{containerPort: 80, hostPort: 443}]\n      resources: {limits: {cpu: 1, memory: 1Gi}}\n  volumes: [{name: data, \
         persistentVolumeClaim: {claimName: data}}]\n",
    );
    fixture.file("wrong.yaml", &DEPLOYMENTS.split("---\n").next().unwrap().replace("10m}", "-10m}"));
    let busy = |dc: &str, priority: i32| {
        let mut pod = pod(&format!("{dc}-all"), dc, priority);
        pod["metadata"]["labels"] = json!({"app": "all"});
        pod["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "16"}});
        let budget = json!({"kind": "PodDisruptionBudget", "metadata": {"name": "all", "namespace": "demo"},
            "spec": {"selector": {"matchLabels": {"app": "all"}}}, "status": {"disruptionsAllowed": 0}});
        list(&[node(dc), pod, budget]).to_string()
    };
    fixture.file("busy.json", &busy("one", 900));
    fixture.file("busy-too.json", &busy("two", 500));
    let odd = |name: &str| {
        let mut node = node(name);
        // As nodes say it: in Ki, and not in whole Mi.
        node["status"]["allocatable"]["memory"] = json!("65812345Ki");
        node
    };
    fixture.file("odd.json", &list(&[odd("n1"), odd("n2"), pod("shop", "n1", 500)]).to_string());
    fixture.file("silent.json", r#"{"kind": "Node", "metadata": {"name": "n1"}, "status": {}}"#);
    fixture.file("peaks.json", r#"{"demo/dc-1-shop-0": {"cpu": "500m", "memory": "1Gi"}}"#);
    fixture.file("service.yaml", DEPLOYMENTS.rsplit("---\n").next().unwrap());
    let size = ["--grade", "general-5", "--cpu", "2", "--memory", "4Gi"];
    let runs = [
        with("fit", &size),
        with("fit", &[&size[..], &["-o", "wide"]].concat()),
        with("fit", &[&size[..], &["-o", "json", "--detail", "data-centers"]].concat()),
        with("fit", &["-f", "web.yaml"]),
        with("fit", &["-f", "shop.yaml"]),
        with("fit", &["-f", "wrong.yaml"]),
        with("fit", &["-f", "edge.yaml"]),
        with("fit", &["--grade", "general-5", "--cpu", "0.5m", "--memory", "4Gi"]),
        vec!["qos", "fit", "--cluster", "dc-1=silent.json", "-f", "web.yaml"],
        vec!["qos", "fit", "--cluster", "dc-1=odd.json", "-f", "web.yaml", "-o", "wide"],
        vec!["qos", "what-if", "--cluster", "dc-1=odd.json", "--lose-node", "dc-1/n1"],
        with("fit", &[&size[..], &["--peak-target", "90", "--peaks", "dc-1=peaks.json"]].concat()),
        with("fit", &[&size[..], &["--peak-target", "0"]].concat()),
        with("fit", &["--grade", "vip", "--cpu", "2", "--memory", "4Gi"]),
        with("what-if", &["--lose", "dc-1"]),
        with("what-if", &["--lose-node", "dc-1/dc-1-n1"]),
        with("what-if", &["--lose", "dc-1", "--preempt"]),
        vec![
            "qos",
            "what-if",
            "--cluster",
            "dc-1=busy.json",
            "--cluster",
            "dc-2=busy-too.json",
            "--lose",
            "dc-1",
            "--preempt",
        ],
        with("what-if", &["--lose", "dc-9"]),
        with("what-if", &[]),
        vec![
            "qos",
            "fit",
            "--cluster",
            "dc-1=service.yaml",
            "--grade",
            "general-5",
            "--cpu",
            "2",
            "--memory",
            "4Gi",
        ],
        vec!["qos", "what-if", "--cluster", "dc-1", "--lose", "dc-1"],
    ];
    let runs: Vec<&[&str]> = runs.iter().map(Vec::as_slice).collect();
    insta::assert_snapshot!(all(&fixture, &runs));
}

#[test]
fn advice_is_a_table_of_what_was_used() {
    let fixture = Fixture::bare();
    let series = |value: &str| json!({"end": 86_400, "interval": 300, "values": vec![value; 289]});
    let app = json!({"namespace": "demo", "name": "shop", "grade": "general-2", "replicas": 3,
        "size": {"cpu": "2", "memory": "4Gi"}, "pods": vec![json!({"cpu": series("20m"), "memory": series("1Gi")}); 3]});
    let mut raised = app.clone();
    let trend = json!({"towards": "More", "ratio": "10", "looks": 6, "last": 0});
    raised["standing"] = json!({"ratio": "2", "trend": trend});
    let mut silent = app.clone();
    silent["pods"][1]["cpu"]["end"] = json!(86_400);
    silent["replicas"] = json!(12);
    fixture.file("usage.json", &json!({"now": 86_400, "apps": [app, raised, silent]}).to_string());
    fixture.file("none.json", "[]");
    fixture.file(
        "odd.yaml",
        "apps:\n  - {namespace: demo, name: shop, grade: general-2, size: {cpu: 1x, memory: 1Gi}}\n",
    );
    insta::assert_snapshot!(all(
        &fixture,
        &[
            &["qos", "advise", "-f", "usage.json"],
            &["qos", "advise", "-f", "usage.json", "--now", "1"],
            &["qos", "advise", "-f", "none.json"],
            &["qos", "advise", "-f", "odd.yaml"],
        ]
    ));
}

#[test]
fn what_is_printed_as_json_is_what_a_line_of_eval_answers() {
    let fixture = with_fleet();
    let printed = |arguments: &[&str], exit: i32| -> Value {
        let said = fixture.run(arguments);
        assert_eq!(said.exit, Some(exit), "{arguments:?}: {said:?}");
        serde_json::from_str(&said.stdout).unwrap()
    };
    let answered = |request: &Value| -> Value {
        serde_json::from_str(&eval::line(request.to_string().as_bytes())).unwrap()
    };
    let clusters: Vec<Value> = fleet()
        .iter()
        .zip(["dc-1", "dc-2"])
        .map(|(list, name)| {
            let of = |kind: &str| {
                let items = list["items"].as_array().unwrap().iter();
                items.filter(|item| item["kind"] == kind).cloned().collect::<Vec<_>>()
            };
            json!({"name": name, "nodes": of("Node"), "pods": of("Pod")})
        })
        .collect();
    let size = json!({"cpu": "2", "memory": "4Gi"});
    assert_eq!(
        printed(&with("fit", &["--grade", "general-5", "--cpu", "2", "--memory", "4Gi", "-o", "json"]), 0),
        answered(&json!({"op": "fit", "clusters": clusters, "want": {"grade": "general-5", "size": size}}))
    );
    assert_eq!(
        printed(&with("what-if", &["--lose", "dc-1", "-o", "json"]), 3),
        answered(&json!({"op": "lose", "clusters": clusters, "lose": {"dataCenters": ["dc-1"]}}))
    );
    assert_eq!(
        printed(
            &["qos", "size", "--grade", "general-5", "--cpu", "333m", "--memory", "1Gi", "-o", "json"],
            0
        ),
        answered(&json!({"op": "size", "grade": "general-5", "cpu": "333m", "memory": "1Gi"}))
    );
}

#[test]
fn eval_answers_every_line_as_the_library_does_and_each_one_at_once() {
    let fixture = Fixture::bare();
    let requests = [
        r#"{"op":"quantity","value":"1.5Gi"}"#,
        "nonsense",
        "",
        r#"{"op":"qosClass","pod":{"containers":[{"resources":{"limits":{"cpu":"1"}}}]}}"#,
        r#"{"op":"size","grade":"general-5","cpu":"333m","memory":"1Gi"}"#,
    ];
    let said = fixture.with_input(&["qos", "eval"], &requests.join("\n"));
    let answers: String = requests.iter().map(|line| eval::line(line.as_bytes()) + "\n").collect();
    assert_eq!((said.exit, said.stdout, said.stderr), (Some(0), answers, String::new()));

    // A program that asks, waits for the answer and asks again is not kept waiting.
    let mut child = fixture.command(&["qos", "eval"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in &requests {
        writeln!(stdin, "{line}").unwrap();
        assert_eq!(answers.next().unwrap().unwrap(), eval::line(line.as_bytes()));
    }
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn whoever_stops_reading_answers_is_no_trouble() {
    let fixture = Fixture::bare();
    let mut child = fixture.command(&["qos", "eval"]).stdin(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    // More than any pipe holds; writing fails once the program has ended.
    for _ in 0..100_000 {
        if writeln!(stdin, r#"{{"op":"quantity","value":"1"}}"#).is_err() {
            break;
        }
    }
    drop(stdin);
    let said = fixture.said(&child.wait_with_output().unwrap());
    assert_eq!((said.exit, said.stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_fleet_may_come_from_standard_input() {
    let fixture = Fixture::bare();
    let arguments = [
        "qos",
        "fit",
        "--cluster",
        "dc-1=-",
        "--grade",
        "system",
        "--cpu",
        "1",
        "--memory",
        "1Gi",
        "-o",
        "json",
    ];
    let said = fixture.with_input(&arguments, &list(&[node("n1")]).to_string());
    assert_eq!(said.exit, Some(0), "{}", told(&arguments, &said));
    assert_eq!(serde_json::from_str::<Value>(&said.stdout).unwrap()["fits"], 16);
}

#[test]
fn a_node_says_its_memory_itself_and_whom_it_gives_up_first() {
    let fixture = Fixture::bare();
    fixture.file("shop.yaml", SHOP);
    fixture.file(
        "node.json",
        r#"{"kind": "Node", "metadata": {"name": "a"},
            "status": {"capacity": {"memory": "64Gi"}, "allocatable": {"memory": "60Gi"}}}"#,
    );
    fixture.file("bare.json", r#"{"kind": "Node", "metadata": {"name": "a"}}"#);
    let pod = |name: &str, node: &str, priority: i32, memory: &str, phase: &str| {
        json!({"kind": "Pod", "metadata": {"name": name, "namespace": "demo"}, "status": {"phase": phase},
            "spec": {"nodeName": node, "priority": priority,
                     "containers": [{"name": "main", "resources": {"requests": {"memory": memory}}}]}})
    };
    let used = |name: &str, memory: &str| {
        json!({"kind": "PodMetrics", "metadata": {"name": name, "namespace": "demo"},
            "containers": [{"name": "main", "usage": {"cpu": "1", "memory": memory}}, {"name": "proxy", "usage": {"memory": "1Mi"}}]})
    };
    let list = |items: serde_json::Value| json!({"kind": "List", "items": items}).to_string();
    let pods = json!([
        pod("modest", "a", 500, "2Gi", "Running"),
        pod("greedy", "a", 800, "1Gi", "Running"),
        pod("idle", "a", 500, "1Gi", "Running"),
        pod("ended", "a", 0, "1Gi", "Succeeded"),
        pod("other", "b", 500, "1Gi", "Running"),
    ]);
    fixture.file("pods.json", &list(pods));
    fixture.file("wrong.json", &list(json!([pod("shop", "a", 0, "-1Gi", "Running")])));
    let metrics =
        json!([used("modest", "1Gi"), used("greedy", "2Gi"), used("idle", "1100Mi"), used("other", "1Gi")]);
    fixture.file("used.json", &list(metrics));
    insta::assert_snapshot!(all(
        &fixture,
        &[
            &["qos", "node-view", "-f", "shop.yaml", "--node", "node.json"],
            &["qos", "node-view", "-f", "shop.yaml", "--node", "bare.json"],
            &["qos", "node-view", "-f", "shop.yaml", "--node", "pods.json"],
            &["qos", "node-view", "-f", "shop.yaml", "--node", "node.json", "--memory", "1Gi"],
            &["qos", "eviction", "-f", "pods.json", "-f", "used.json"],
            &["qos", "eviction", "-f", "pods.json", "-f", "used.json", "--node", "b", "-o", "json"],
            &["qos", "eviction", "-f", "pods.json", "--node", "b"],
            &["qos", "eviction", "-f", "pods.json", "--node", "c"],
            &["qos", "eviction", "-f", "node.json"],
            &["qos", "eviction", "-f", "wrong.json"],
        ],
    ));
}
