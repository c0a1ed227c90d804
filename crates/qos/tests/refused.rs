//! What no API server stores is refused wherever a number would be made of it; what is not counted is named.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails the test")]

use plimsoll_qos::eval;
use serde_json::{Value, json};

fn ask(request: &Value) -> Value {
    serde_json::from_str(&eval::line(request.to_string().as_bytes())).unwrap()
}

fn error(request: &Value) -> String {
    let answer = ask(request);
    answer["error"].as_str().unwrap().to_owned()
}

fn mk_spec(requests: &Value, limits: &Value) -> Value {
    json!({"containers": [{"name": "main", "resources": {"requests": requests, "limits": limits}}]})
}

fn mk_fleet(pods: &Value) -> Value {
    let node = |name: &str| json!({"metadata": {"name": name}, "status": {"allocatable": {"cpu": "8", "memory": "8Gi", "pods": "40"}}});
    json!([{"name": "dc-1", "nodes": [node("a1")], "pods": pods}, {"name": "dc-2", "nodes": [node("b1")]}])
}

fn mk_pod(spec: &Value) -> Value {
    let mut spec = spec.clone();
    spec["nodeName"] = json!("a1");
    json!({"metadata": {"name": "shop", "namespace": "demo"}, "spec": spec})
}

fn mk_lose(spec: &Value) -> Value {
    json!({"op": "lose", "clusters": mk_fleet(&json!([mk_pod(spec)])), "lose": {"clusters": ["dc-1"]}})
}

fn mk_fit(spec: &Value) -> Value {
    json!({"op": "fit", "clusters": mk_fleet(&json!([])), "want": {"pod": spec}})
}

#[test]
fn a_limit_below_its_request_and_an_amount_below_zero_are_refused_by_field_with_what_to_do() {
    let cases = [
        (
            mk_spec(&json!({"cpu": "2"}), &json!({"cpu": "1"})),
            "containers[0].resources.requests.cpu: container `main`: requests 2 of cpu and may use only 1; request at most 1, or raise the limit to at least 2",
        ),
        (
            // Together they would be above zero.
            json!({"containers": [{"name": "a", "resources": {"requests": {"cpu": "3"}}},
                                  {"name": "b", "resources": {"requests": {"cpu": "-1"}}}]}),
            "containers[1].resources.requests.cpu: container `b`: -1 of cpu is below zero; write zero or more, or leave it out",
        ),
        (
            json!({"containers": [{"name": "a"}], "overhead": {"memory": "-1Mi"}}),
            "overhead.memory: the overhead: -1Mi of memory is below zero; write zero or more, or leave it out",
        ),
        (
            json!({"containers": [{"name": "a", "resources": {"requests": {"cpu": "3"}}}],
                   "resources": {"requests": {"cpu": "2"}}}),
            "resources.requests.cpu: the pod: requests 2 of cpu, less than its containers do together (3); request at least 3 for the pod, or less for its containers",
        ),
        (
            mk_spec(&json!({"nvidia.com/gpu": "2"}), &json!({"nvidia.com/gpu": "1"})),
            "containers[0].resources.requests.nvidia.com/gpu: container `main`: requests 2 of nvidia.com/gpu and may use only 1; request at most 1, or raise the limit to at least 2",
        ),
    ];
    for (spec, said) in cases {
        assert_eq!(error(&mk_fit(&spec)), format!("what is wanted: {said}"));
        let running = json!({"op": "fit", "clusters": mk_fleet(&json!([mk_pod(&spec)])),
            "want": {"grade": "general-5", "size": {"cpu": "1", "memory": "1Gi"}}});
        let of_pod = format!("pod `demo/shop` in cluster `dc-1`: {said}");
        assert_eq!(error(&running), of_pod);
        assert_eq!(error(&mk_lose(&spec)), of_pod);
        assert_eq!(error(&json!({"op": "nodeView", "pod": spec, "machine": {"memory": "64Gi"}})), said);
        let deployment = json!({"kind": "Deployment", "metadata": {"name": "shop", "namespace": "demo"},
            "spec": {"template": {"spec": spec}}});
        let findings = ask(&json!({"op": "lint", "objects": [deployment]}));
        let refused: Vec<_> = findings["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|it| it["rule"] == "podRefused")
            .map(|it| {
                let text = |field: &str| it[field].as_str().unwrap();
                let field = text("field").strip_prefix("spec.template.spec.").unwrap();
                let message = text("message").strip_prefix("an API server refuses such pods: ").unwrap();
                assert_eq!(text("severity"), "error");
                format!("{field}: {message}; {}", text("remedy"))
            })
            .collect();
        assert!(refused.iter().any(|it| it == said), "{findings}");
        // Kubernetes' own code has a number for any pod, so these have one too, and say beside it what it is worth.
        let said = said.split_once(": ").unwrap().1;
        for op in ["qosClass", "podRequests", "quotaUsage", "defaulted"] {
            let answer = ask(&json!({"op": op, "pod": spec}));
            assert!(
                answer["ok"] == true && answer["faults"].as_array().unwrap().contains(&json!(said)),
                "{answer}"
            );
        }
    }
    let device = mk_spec(&json!({"nvidia.com/gpu": "1"}), &json!({}));
    assert_eq!(ask(&mk_fit(&device))["ok"], true, "a number about it is right");
}

#[test]
fn what_a_pod_uses_or_requests_is_not_below_zero_when_it_is_ranked() {
    let order = |pod: Value| error(&json!({"op": "evictionOrder", "pods": [{"name": "idle"}, pod]}));
    assert_eq!(
        order(json!({"name": "shop", "request": "-1Gi"})),
        "pods[1].request: pod `shop` has -1Gi of memory, which is below zero; write zero or more"
    );
    assert_eq!(
        order(json!({"name": "shop", "usage": "-5"})),
        "pods[1].usage: pod `shop` has -5 of memory, which is below zero; write zero or more"
    );
}

#[test]
fn what_the_scheduler_looks_at_and_nobody_counts_is_named_in_words_and_in_a_field() {
    let spec = |more: Value| {
        let mut spec = mk_spec(&json!({"cpu": "1"}), &json!({}));
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        spec
    };
    let fields = |answer: &Value| -> Vec<String> {
        let all = answer["notCounted"].as_array().map_or(&[][..], Vec::as_slice);
        all.iter().map(|it| it["field"].as_str().unwrap().to_owned()).collect()
    };
    for (more, field, words) in [
        (
            json!({"volumes": [{"name": "config", "configMap": {"name": "x"}}, {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}),
            "volumes",
            "volume `data` is of persistentVolumeClaim",
        ),
        (json!({"volumes": [{"name": "data", "ephemeral": {}}]}), "volumes", "volume `data` is of ephemeral"),
        (
            json!({"resourceClaims": [{"name": "gpu", "resourceClaimName": "x"}]}),
            "resourceClaims",
            "the claim `gpu`",
        ),
        (
            json!({"schedulingGates": [{"name": "wait"}]}),
            "schedulingGates",
            "none is placed at all before the gate `wait`",
        ),
        (
            json!({"schedulingGroup": {"podGroupName": "train"}}),
            "schedulingGroup",
            "pods of the group `train`",
        ),
        (json!({"schedulerName": "volcano"}), "schedulerName", "`volcano` places such pods"),
        (
            json!({"tolerations": [{"key": "level", "operator": "Gt", "value": "3"}]}),
            "tolerations",
            "by Gt counts as tolerating nothing",
        ),
    ] {
        let answer = ask(&mk_fit(&spec(more.clone())));
        assert_eq!(fields(&answer), [field], "{answer}");
        assert!(answer["notCounted"][0]["because"].as_str().unwrap().contains(words), "{answer}");
        assert!(
            answer["because"].as_str().unwrap().ends_with(&format!("; not counted: {field}")),
            "{answer}"
        );
        let lost = ask(&mk_lose(&spec(more)));
        assert_eq!(
            (fields(&lost), &lost["notCounted"][0]["pods"]),
            (vec![field.to_owned()], &json!(1)),
            "{lost}"
        );
        assert!(
            lost["because"].as_str().unwrap().ends_with(&format!("; not counted: {field} (1 pod)")),
            "{lost}"
        );
    }
    // What a node makes itself, and the usual scheduler, take nothing from an answer.
    let all = json!({"volumes": [{"name": "a", "emptyDir": {}}, {"name": "b", "hostPath": {"path": "/x"}}, {"name": "c", "secret": null}],
                     "schedulerName": "default-scheduler", "resourceClaims": null});
    assert_eq!(ask(&mk_fit(&spec(all.clone()))).get("notCounted"), None);
    assert_eq!(ask(&mk_lose(&spec(all))).get("notCounted"), None);
    // A RuntimeClass has added its part to every pod that is stored.
    let kata = json!({"runtimeClassName": "kata"});
    assert_eq!(fields(&ask(&mk_fit(&spec(kata.clone())))), ["runtimeClassName"]);
    assert_eq!(fields(&ask(&mk_lose(&spec(kata)))), Vec::<String>::new());
}

#[test]
fn anti_affinity_that_selects_namespaces_by_labels_is_told_to_be_a_guess() {
    let away = |selector: Value| {
        let mut pod = mk_pod(&mk_spec(&json!({"cpu": "1"}), &json!({})));
        pod["spec"]["affinity"] = json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{
            "topologyKey": "host", "labelSelector": {}, "namespaceSelector": selector}]}});
        let mut fleet = mk_fleet(&json!([pod]));
        fleet[0]["nodes"][0]["metadata"]["labels"] = json!({"host": "a1"});
        ask(
            &json!({"op": "fit", "clusters": fleet, "want": {"pod": mk_spec(&json!({"cpu": "1"}), &json!({}))}}),
        )
    };
    let guessed = away(json!({"matchLabels": {"team": "a"}}));
    assert_eq!(
        (&guessed["fits"], &guessed["notCounted"][0]["field"]),
        (&json!(8), &json!("podAntiAffinity.namespaceSelector"))
    );
    let known = away(json!({}));
    assert_eq!((&known["fits"], known.get("notCounted")), (&json!(8), None));
}

#[test]
fn a_node_without_allocatable_counts_by_its_capacity_and_one_that_says_nothing_is_named() {
    let node = |name: &str, status: Value| json!({"metadata": {"name": name}, "status": status});
    let amounts = json!({"cpu": "4", "memory": "8Gi", "pods": "40"});
    let nodes = [
        node("n1", json!({"capacity": amounts})),
        node("n2", json!({"capacity": amounts, "allocatable": {"cpu": "1", "memory": "8Gi", "pods": "40"}})),
        node("n3", json!({})),
        json!({"metadata": {"name": "n4"}}),
    ];
    let want = json!({"pod": mk_spec(&json!({"cpu": "1"}), &json!({}))});
    let answer = ask(&json!({"op": "fit", "clusters": [{"name": "dc-1", "nodes": nodes}], "want": want}));
    assert_eq!(answer["fits"], 5);
    assert_eq!(
        answer["notes"],
        json!([
            "cluster `dc-1`: node `n3` and 1 more say neither status.allocatable nor status.capacity, which counts as 0; give what `kubectl get nodes -o json` prints",
            "cluster `dc-1`: node `n1` says no status.allocatable, so that status.capacity counts, as the API server has it"
        ])
    );
}
