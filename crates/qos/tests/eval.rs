//! The line protocol: what it answers, and that nothing stops it.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails the test")]

use std::io::{BufRead, BufReader, Write};

use plimsoll_qos::eval;
use proptest::prelude::*;
use serde_json::{Value, json};

fn ask(request: &Value) -> Value {
    serde_json::from_str(&eval::line(request.to_string().as_bytes())).unwrap()
}

fn main_container(requests: &Value, limits: &Value) -> Value {
    json!({"containers": [{"name": "main", "resources": {"requests": requests, "limits": limits}}]})
}

#[test]
fn every_operation_answers_in_the_shape_that_is_documented() {
    let pod = main_container(&json!({"cpu": "250m", "memory": "1Gi"}), &json!({"cpu": "1"}));
    let resized = main_container(&json!({"cpu": "500m", "memory": "1Gi"}), &json!({"cpu": "1"}));
    let table = [
        (json!({"op": "quantity", "value": "1.5Gi"}), json!({"ok": true, "canonical": "1536Mi"})),
        (
            json!({"op": "arithmetic", "left": "1500m", "right": "500m", "scale": 0}),
            json!({"ok": true, "order": "Greater", "sum": "2", "difference": "1", "rounded": "2"}),
        ),
        (
            json!({"op": "qosClass", "pod": pod}),
            json!({"ok": true, "class": "Burstable", "because": "container `main` requests 250m of CPU and may use 1"}),
        ),
        (
            json!({"op": "podRequests", "pod": pod}),
            json!({"ok": true, "requests": {"cpu": "250m", "memory": "1Gi"}, "limits": {"cpu": "1"}}),
        ),
        (
            json!({"op": "quotaUsage", "pod": pod}),
            json!({"ok": true, "usage": {
                "pods": "1", "cpu": "250m", "memory": "1Gi",
                "requests.cpu": "250m", "requests.memory": "1Gi", "limits.cpu": "1",
            }}),
        ),
        (
            json!({"op": "defaulted", "pod": main_container(&json!({}), &json!({"cpu": "1.0005"}))}),
            json!({"ok": true, "pod": main_container(&json!({"cpu": "1001m"}), &json!({"cpu": "1001m"}))}),
        ),
        (
            json!({"op": "resize", "pod": pod, "to": resized}),
            json!({"ok": true, "allowed": true, "refusals": [], "restarts": [], "bestEffort": []}),
        ),
        (
            json!({"op": "size", "grade": "general-5", "cpu": "333m", "memory": "1Gi"}),
            json!({"ok": true, "cpuRequest": "67m", "memoryRequest": "683Mi", "class": "Burstable", "because": {
                "cpu": "ceil(333m / 5), grade general-5",
                "memory": "ceil(1Gi × 2/3) to whole Mi, grade general-5",
            }}),
        ),
        (
            json!({"op": "size", "grade": "general-5", "cpu": "1", "memory": "1Gi", "terms": {"cpu": "3", "memory": "1"}}),
            json!({"ok": true, "cpuRequest": "334m", "memoryRequest": "1Gi", "class": "Burstable", "because": {
                "cpu": "ceil(1 / 3), grade general-5",
                "memory": "equal to the limit, grade general-5",
            }}),
        ),
    ];
    for (request, answer) in table {
        assert_eq!(ask(&request), answer, "{request}");
    }
    assert!(eval::line(br#"{"op":"quantity","value":"1"}"#).starts_with(r#"{"ok":true,"#));
}

#[test]
fn strict_mode_says_what_was_probably_meant() {
    let strict = |value: &str, resource: Option<&str>| {
        let answer = ask(&match resource {
            Some(resource) => json!({"op": "quantity", "value": value, "strict": true, "resource": resource}),
            None => json!({"op": "quantity", "value": value, "strict": true}),
        });
        answer.get("error").or(answer.get("canonical")).unwrap().as_str().unwrap().to_owned()
    };
    assert_eq!(strict("100m", Some("memory")), "`m` is no unit of memory; did you mean 100Mi?");
    assert_eq!(strict("100mi", None), "`mi` is no unit of memory; did you mean 100Mi?");
    assert_eq!(strict("100m", None), "100m");
    assert_eq!(strict("512Mi", None), "512Mi");
    assert_eq!(strict("10Gi", Some("ephemeral-storage")), "10Gi");
    assert_eq!(
        strict("65Ti", None),
        "`65Ti` of memory is more than any server has (64Ti); write at most 64Ti"
    );
}

#[test]
fn a_template_is_filled_in_first_and_the_version_decides_how() {
    let limited = main_container(&json!({}), &json!({"cpu": "1", "memory": "1Gi"}));
    let class = |request: Value| ask(&request)["class"].clone();
    assert_eq!(class(json!({"op": "qosClass", "pod": limited})), "Burstable");
    assert_eq!(class(json!({"op": "qosClass", "pod": limited, "template": true})), "Guaranteed");
    let mut whole = limited;
    whole["resources"] = json!({"requests": {"cpu": "1"}, "limits": {"cpu": "1"}});
    assert_eq!(class(json!({"op": "qosClass", "pod": whole, "template": true})), "Guaranteed");
    assert_eq!(
        class(json!({"op": "qosClass", "pod": whole, "template": true, "server": "1.36"})),
        "Burstable"
    );
    assert_eq!(
        class(json!({"op": "qosClass", "pod": whole, "template": true, "server": "v1.33.4"})),
        "Guaranteed"
    );
}

#[test]
fn resources_that_no_server_takes_are_named_beside_the_class() {
    let pod = main_container(&json!({"cpu": "2", "memory": "1Gi"}), &json!({"cpu": "1", "memory": "1Gi"}));
    let answer = ask(&json!({"op": "qosClass", "pod": pod}));
    assert_eq!(
        answer["faults"],
        json!([
            "container `main`: requests 2 of cpu and may use only 1; request at most 1, or raise the limit to at least 2"
        ])
    );
}

#[test]
fn a_bad_line_is_answered_and_the_stream_goes_on() {
    let deep = format!(r#"{{"op":"qosClass","pod":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let lines = [
        "",
        "nonsense",
        "[]",
        "{}",
        r#"{"op":7}"#,
        r#"{"op":"frobnicate"}"#,
        r#"{"op":"quantity"}"#,
        r#"{"op":"quantity","value":"1","unknown":true}"#,
        r#"{"op":"quantity","value":"1e999999999999"}"#,
        r#"{"op":"qosClass","pod":{"containers":7}}"#,
        r#"["qosClass"]"#,
        r#"{"op":"qosClass","pod":[]}"#,
        r#"{"op":"qosClass","pod":{"containers":[["main"]]}}"#,
        r#"{"op":"qosClass","pod":{"containers":[{"name":"main","resources":[]}]}}"#,
        r#"{"op":"lose","clusters":[["dc-1"]],"lose":{"dataCenters":["dc-1"]}}"#,
        r#"{"op":"fit","clusters":[{"name":"dc-1","nodes":[[{"name":"n1"}]]}],"want":{"pod":{}}}"#,
        r#"{"op":"policy","policy":[[]]}"#,
        r#"{"op":"nodeView","pod":{},"machine":["64Gi"]}"#,
        r#"{"op":"qosClass","pod":{"containers":[]},"server":"latest"}"#,
        r#"{"op":"size","grade":"vip","cpu":"1","memory":"1Gi"}"#,
        r#"{"op":"size","grade":"general-5","cpu":"-1","memory":"1Gi"}"#,
        r#"{"op":"size","grade":"general-5","cpu":"1","memory":"1Gi","terms":{"cpu":"1/2","memory":"1"}}"#,
        "{\"op\":\"quantity\",\"value\":\"\u{0}\"}",
        deep.as_str(),
    ];
    let mut requests = lines.join("\n").into_bytes();
    requests.extend(b"\n{\"op\":\"quantity\",\"value\":\"\xff\"}\n{\"op\":\"quantity\",\"value\":\"1\"}");
    let mut answers = Vec::new();
    let count = eval::stream(requests.as_slice(), &mut answers).unwrap();
    let answers = String::from_utf8(answers).unwrap();
    let answers: Vec<Value> = answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((answers.len(), count), (lines.len() + 2, lines.len() as u64 + 2));
    let (last, bad) = answers.split_last().unwrap();
    for (answer, line) in bad.iter().zip(lines) {
        assert_eq!(answer["ok"], false, "{line}");
        let error = answer["error"].as_str().unwrap();
        assert!(!error.is_empty() && error.len() < 400, "{line}: {error}");
    }
    assert_eq!(*last, json!({"ok": true, "canonical": "1"}));
}

#[test]
fn whatever_is_beyond_a_bound_is_told_with_the_bound() {
    let error = |request: &str| {
        let answer: Value = serde_json::from_str(&eval::line(request.as_bytes())).unwrap();
        answer["error"].as_str().unwrap().to_owned()
    };
    let long = format!(r#"{{"op":"quantity","value":"{}"}}"#, "1".repeat(eval::MAX_LINE));
    assert!(error(&long).starts_with("a line has at most 64 MiB; "), "{}", error(&long));
    let containers = vec!["{}"; 20_001].join(",");
    let many = error(&format!(r#"{{"op":"qosClass","pod":{{"containers":[{containers}]}}}}"#));
    assert!(many.starts_with("a list has at most 20000 items"), "{many}");
    let names: Vec<_> = (0..=4096).map(|number| format!(r#""r{number}":"1""#)).collect();
    let names = error(&format!(r#"{{"op":"qosClass","pod":{{"overhead":{{{}}}}}}}"#, names.join(",")));
    assert!(names.starts_with("a map has at most 4096 names"), "{names}");
    let deep = error(&format!(
        r#"{{"op":"lint","objects":[{}{}]}}"#,
        r#"{"a":"#.repeat(500),
        "1".to_owned() + &"}".repeat(500)
    ));
    assert!(deep.starts_with("JSON is read down to 127 levels, and there are more at line 1"), "{deep}");
    let digits = error(&format!(r#"{{"op":"quantity","value":"{}"}}"#, "1".repeat(513)));
    assert_eq!(digits, "a quantity has at most 512 characters");
    let node = |number: u32| json!({"metadata": {"name": format!("n{number}")}, "status": {"allocatable": {"pods": "9e18"}}});
    let nodes: Vec<Value> = (0..3).map(node).collect();
    let count = error(
        &json!({"op": "fit", "clusters": [{"name": "dc-1", "nodes": nodes}], "want": {"pod": {}}})
            .to_string(),
    );
    assert!(count.contains("a count in it is beyond 2^64 - 1"), "{count}");
    for none in ["", "  ", "nonsense", "[]", "null", "7"] {
        let said = r#"a request is an object, such as {"op":"quantity","value":"1.5Gi"}"#;
        assert_eq!(error(none), said, "{none}");
    }
}

#[test]
fn a_program_may_wait_for_each_answer_before_it_asks_again() {
    let (requests, mut ask) = std::io::pipe().unwrap();
    let (answers, answer) = std::io::pipe().unwrap();
    let server = std::thread::spawn(move || eval::stream(requests, answer).unwrap());
    let mut answers = BufReader::new(answers).lines();
    for value in ["1000m", "1024Mi"] {
        writeln!(ask, r#"{{"op":"quantity","value":"{value}"}}"#).unwrap();
        assert!(answers.next().unwrap().unwrap().contains(r#""ok":true"#));
    }
    drop(ask);
    assert_eq!(server.join().unwrap(), 2);
}

proptest! {
    #[test]
    fn whatever_comes_in_one_line_of_json_goes_out(request in prop::collection::vec(any::<u8>(), 0..200)) {
        let answer = eval::line(&request);
        prop_assert!(!answer.contains('\n'));
        let answer: Value = serde_json::from_str(&answer).unwrap();
        prop_assert!(answer["ok"].is_boolean());
    }

    #[test]
    fn values_of_any_kind_in_any_place_are_answered(
        op in prop::sample::select(vec!["quantity", "arithmetic", "qosClass", "podRequests", "quotaUsage", "defaulted", "resize", "size"]),
        field in prop::sample::select(vec!["value", "pod", "to", "left", "cpu", "scale", "server", "status", "terms"]),
        value in prop::sample::select(vec![
            json!(null), json!(true), json!(-1), json!(1e300), json!(u64::MAX), json!(""), json!([]), json!({}),
            json!({"containers": [null]}), json!({"containers": [{"resources": {"limits": {"cpu": [1]}}}]}),
            json!({"containers": [{"resources": {"limits": {"cpu": -1.5e-300}}}]}), json!({"resources": {"limits": {"": 1}}}),
        ]),
    ) {
        let mut request = json!({"op": op, "pod": {}, "to": {}, "value": "1", "left": "1", "right": "1", "grade": "system", "cpu": "1", "memory": "1Gi"});
        let wanted = |name: &str| match op {
            "quantity" => name == "value",
            "arithmetic" => name == "left" || name == "right",
            "size" => ["grade", "cpu", "memory"].contains(&name),
            "resize" => name == "pod" || name == "to",
            _ => name == "pod",
        };
        request.as_object_mut().unwrap().retain(|name, _| name == "op" || wanted(name));
        request[field] = value;
        prop_assert!(ask(&request)["ok"].is_boolean());
    }
}

/// The grades of an installation that has two of its own.
const POLICY: &str = r#"{"grades":[
    {"name":"gold","qosClass":"Guaranteed","cpu":"1","memory":"1","priority":900},
    {"name":"tin","qosClass":"Burstable","cpu":"4","memory":"5/4","priority":100}]}"#;

fn asked_with_policy(mut request: Value) -> Value {
    request["policy"] = serde_json::from_str(POLICY).unwrap();
    serde_json::from_str(&eval::line(request.to_string().as_bytes())).unwrap()
}

#[test]
fn an_installation_may_ask_by_its_own_grades() {
    let size = asked_with_policy(json!({"op": "size", "grade": "tin", "cpu": "1", "memory": "1Gi"}));
    assert_eq!((&size["cpuRequest"], &size["memoryRequest"]), (&json!("250m"), &json!("820Mi")));

    let node = json!({"metadata": {"name": "n"}, "status": {"allocatable": {"cpu": "10", "memory": "400Gi", "pods": "110"}}});
    let fit = asked_with_policy(json!({"op": "fit", "clusters": [{"name": "dc-1", "nodes": [node]}],
        "want": {"grade": "tin", "size": {"cpu": "1", "memory": "1Gi"}}}));
    assert_eq!((&fit["fits"], &fit["binding"]), (&json!(40), &json!("cpu")));

    // Hardly used for a day, so the most often sold of the grades that there are is enough, and that it has.
    let idle = json!({"end": 86_400, "interval": 300, "values": vec!["1m"; 289]});
    let memory = json!({"end": 86_400, "interval": 300, "values": vec!["900Mi"; 289]});
    let app = json!({"namespace": "demo", "name": "shop", "grade": "tin", "size": {"cpu": "1", "memory": "1Gi"},
        "replicas": 1, "pods": [{"cpu": idle, "memory": memory}]});
    let advice = asked_with_policy(json!({"op": "advise", "now": 86_400, "apps": [app]}));
    assert_eq!(
        (&advice["apps"][0]["grade"], &advice["apps"][0]["ratio"]),
        (&json!("tin"), &json!("4")),
        "{advice}"
    );
    assert_eq!(advice["apps"][0]["advisedGrade"], json!(null));

    let policy = asked_with_policy(json!({"op": "policy"}));
    assert_eq!(policy["priorityClasses"][1]["name"], json!("plimsoll-tin"));
    assert_eq!(policy["limitRange"]["maxLimitRequestRatio"], json!({"cpu": "4", "memory": "1250m"}));
}

#[test]
fn a_grade_that_the_policy_does_not_have_is_told_with_those_it_has() {
    let size = json!({"cpu": "1", "memory": "1Gi"});
    let app = json!({"namespace": "demo", "name": "shop", "grade": "general-5", "size": size, "replicas": 1, "pods": []});
    for (whose, request) in [
        ("", json!({"op": "size", "grade": "general-5", "cpu": "1", "memory": "1Gi"})),
        ("", json!({"op": "fit", "clusters": [], "want": {"grade": "general-5", "size": size}})),
        ("demo/shop: ", json!({"op": "advise", "now": 1, "apps": [app]})),
    ] {
        let answer = asked_with_policy(request);
        let error = format!("{whose}`general-5` is no grade; the grades are gold, tin");
        assert_eq!(answer, json!({"ok": false, "error": error}));
    }
}

#[test]
fn nodes_and_namespaces_are_asked_about_line_by_line_too() {
    let pod =
        json!({"containers": [{"name": "main", "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}}]});
    let ask = |request: Value| -> Value {
        serde_json::from_str(&eval::line(request.to_string().as_bytes())).unwrap()
    };
    let order = ask(json!({"op": "evictionOrder", "pods": [
        {"name": "modest", "request": "2Gi", "usage": "1Gi"},
        {"name": "greedy", "priority": 500, "request": "1Gi", "usage": "2Gi"},
    ]}));
    assert_eq!(
        order,
        json!({"ok": true, "order": [
            {"name": "greedy", "because": "uses 2Gi, 1Gi more than it requests; priority 500"},
            {"name": "modest", "because": "uses 1Gi, no more than the 2Gi it requests; priority 0"},
        ]})
    );
    let view = ask(json!({"op": "nodeView", "pod": pod, "machine": {"memory": "64Gi"}}));
    assert_eq!(
        (&view["qos"]["class"], &view["containers"][0]["oomScoreAdj"]["value"]),
        (&json!("Guaranteed"), &json!(-997))
    );
    let deployment = json!({"kind": "Deployment", "metadata": {"name": "web", "namespace": "demo"},
        "spec": {"template": {"spec": {"containers": [{"name": "main"}]}}}});
    let found = ask(json!({"op": "lint", "objects": [deployment, {"kind": "Service"}]}));
    assert_eq!(found["findings"][0]["rule"], json!("bestEffort"), "{found}");
}

#[test]
fn a_size_that_nobody_means_is_refused_by_its_resource_once() {
    let refused = |cpu: &str, memory: &str| {
        ask(&json!({"op": "size", "grade": "general-5", "cpu": cpu, "memory": memory}))["error"].clone()
    };
    let example = "write a number and a unit, for example 500m of CPU or 512Mi of memory";
    assert_eq!(refused("-1", "1Gi"), json!(format!("CPU must be above zero, not `-1`; {example}")));
    assert_eq!(refused("1", "100m"), json!("`m` is no unit of memory; did you mean 100Mi?"));
}
