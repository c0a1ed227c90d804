//! Capacity over the line protocol: the shapes that are documented, and that nothing stops it.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails the test")]

use plimsoll_qos::eval;
use proptest::prelude::*;
use serde_json::{Value, json};

fn ask(request: &Value) -> Value {
    serde_json::from_str(&eval::line(request.to_string().as_bytes())).unwrap()
}

fn mk_cluster(name: &str, pods: &Value) -> Value {
    json!({
        "name": name,
        "nodes": [{"metadata": {"name": "n1"}, "status": {"allocatable": {"cpu": "4", "memory": "16Gi", "pods": "20"}}}],
        "pods": pods,
    })
}

fn mk_pod(name: &str) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "demo"},
        "spec": {"nodeName": "n1", "priority": 7, "containers": [
            {"name": "main", "resources": {"requests": {"cpu": "3", "memory": "1Gi"}}}]},
    })
}

#[test]
fn fit_answers_in_the_shape_that_is_documented() {
    let clusters = json!([mk_cluster("dc-1", &json!([mk_pod("p")]))]);
    let want = json!({"grade": "general-5", "size": {"cpu": "1", "memory": "3Gi"}});
    let whole = json!({
        "fits": 5, "bound": 5, "bySums": 5, "byDimension": {"cpu": 5, "memory": 7, "pods": 19}, "binding": "cpu",
        "because": "5 fit on 1 node; what runs out first is cpu, on 1 node; with more of it, up to 2 more would fit",
        "free": {"cpu": "1", "memory": "15Gi", "pods": "19"}, "stranded": {"memory": "5Gi", "pods": "14"},
    });
    let with = |more: Value| {
        let mut whole = whole.clone();
        whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        whole
    };
    let node = json!({
        "name": "n1", "fits": 5, "alone": 5, "byDimension": {"cpu": 5, "memory": 7, "pods": 19}, "binding": "cpu",
        "because": "5 by cpu: 1 of 4 free", "stranded": {"memory": "5Gi", "pods": "14"},
    });
    let cluster = with(json!({"name": "dc-1", "nodes": [node]}));
    let center = with(json!({"name": "dc-1", "clusters": [cluster]}));
    let expected = with(json!({
        "ok": true, "request": {"cpu": "200m", "memory": "2Gi", "pods": "1"},
        "requestBecause": "cpu 200m: ceil(1 / 5), grade general-5; memory 2Gi: ceil(3Gi × 2/3) to whole Mi, grade general-5",
        "usefulRatio": {
            "ratio": "500/71", "decimal": "7.043",
            "because": "node `n1` of cluster `dc-1` takes 7 by everything but CPU, so CPU binds nowhere any more once a \
                        pod requests floor(1 / 7) = 142m or less; k* = 1 / 142m = 500/71 ≈ 7.043",
        },
        "dataCenters": [center],
    }));
    assert_eq!(ask(&json!({"op": "fit", "clusters": clusters, "want": want})), expected);
    let short = ask(&json!({"op": "fit", "clusters": clusters, "want": want, "detail": "DataCenters"}));
    assert_eq!(short["dataCenters"], json!([with(json!({"name": "dc-1"}))]));
}

#[test]
fn several_sizes_are_asked_of_a_fleet_that_is_counted_once() {
    let clusters = json!([mk_cluster("dc-1", &json!([mk_pod("p")]))]);
    let of = |cpu: &str| json!({"grade": "general-5", "size": {"cpu": cpu, "memory": "3Gi"}});
    let all = ask(
        &json!({"op": "fit", "clusters": clusters, "wants": [of("1"), of("0"), of("4")], "detail": "DataCenters"}),
    );
    assert_eq!(all["answers"][0]["fits"], json!(5));
    assert!(
        all["answers"][1]["error"]
            .as_str()
            .unwrap()
            .starts_with("the size is not valid: CPU must be above zero")
    );
    let mut alone =
        ask(&json!({"op": "fit", "clusters": clusters, "want": of("4"), "detail": "DataCenters"}));
    alone.as_object_mut().unwrap().remove("ok");
    assert_eq!(all["answers"][2], alone);
    let both = ask(&json!({"op": "fit", "clusters": clusters, "want": of("1"), "wants": []}));
    assert_eq!(both["error"], json!("say either `want` or `wants`"));
}

#[test]
fn advise_answers_in_the_shape_that_is_documented() {
    let series = json!({"end": 1_790_000_000, "interval": 300, "values": [null, "20m"]});
    let app = json!({"namespace": "demo", "name": "shop", "grade": "general-2", "replicas": 3,
                     "size": {"cpu": "2", "memory": "4Gi"}, "pods": [{"cpu": series}]});
    let peak = |value: u64, shown: &str| {
        json!({
            "value": value, "bySigmas": 0, "byPercentiles": 0, "warm": 0, "cold": 3, "stale": 0,
            "because": format!("{shown} for 3 new pods at their limits"),
        })
    };
    assert_eq!(
        ask(&json!({"op": "advise", "now": 1_790_000_000, "apps": [app]})),
        json!({"ok": true, "saving": {}, "apps": [{
            "namespace": "demo", "name": "shop", "grade": "general-2", "ratio": "2", "effectiveRatio": "2",
            "standing": {"ratio": "2"}, "peakCpu": peak(6_000_000_000, "6"), "peakMemory": peak(12 << 30, "12Gi"),
            "because": "general-2 stays and counts what it requests, for the use of too many pods is unknown: of 3 pods 2 ordered but never measured, 1 \
                        measured for less than a day; at most 25 % may be",
        }]})
    );
}

#[test]
fn lose_answers_in_the_shape_that_is_documented() {
    let clusters =
        json!([mk_cluster("dc-1", &json!([mk_pod("p"), mk_pod("q")])), mk_cluster("dc-2", &json!([]))]);
    assert_eq!(
        ask(&json!({"op": "lose", "clusters": clusters, "lose": {"dataCenters": ["dc-1"]}})),
        json!({
            "ok": true, "nodesLost": 1, "nodesLeft": 1, "tied": 0, "displaced": 2, "returns": 1, "bound": 1,
            "because": "1 of 2 pods find another place on the 1 node left, 1 does not, the most important of them \
                        demo/q; no placement brings back more",
            "tiers": [{"priority": 7, "displaced": 2, "returns": 1, "boundWithHigher": 1}],
            "missing": [{"cluster": "dc-1", "namespace": "demo", "name": "q", "priority": 7,
                         "because": "none of 1 node left takes it: cpu is short on 1 node (it needs 3, at most 1 is free)"}],
            "short": {"cpu": "3", "memory": "1Gi", "pods": "1"},
            "freeBefore": {"cpu": "4", "memory": "16Gi", "pods": "20"},
            "freeAfter": {"cpu": "1", "memory": "15Gi", "pods": "19"},
            "moves": [{"namespace": "demo", "name": "p", "fromCluster": "dc-1", "fromNode": "n1",
                       "toCluster": "dc-2", "toNode": "n1"}],
        })
    );
    let error = |request: Value| ask(&request)["error"].as_str().unwrap().to_owned();
    assert_eq!(
        error(json!({"op": "lose", "clusters": clusters, "lose": {"clusters": ["dc-9"]}})),
        "there is no cluster `dc-9`"
    );
    assert!(
        error(json!({"op": "lose", "clusters": clusters, "loose": {}})).starts_with("unknown field `loose`")
    );
}

proptest! {
    #[test]
    fn values_of_any_kind_in_any_place_are_answered(
        op in prop::sample::select(vec!["fit", "lose"]),
        pointer in prop::sample::select(vec![
            "/clusters", "/clusters/0", "/clusters/0/name", "/clusters/0/dataCenter", "/clusters/0/nodes",
            "/clusters/0/nodes/0", "/clusters/0/nodes/0/metadata/name", "/clusters/0/nodes/0/status",
            "/clusters/0/nodes/0/status/allocatable/cpu", "/clusters/0/nodes/0/status/allocatable/pods",
            "/clusters/0/pods", "/clusters/0/pods/0", "/clusters/0/pods/0/spec", "/clusters/0/pods/0/spec/priority",
            "/clusters/0/pods/0/spec/containers", "/clusters/0/pods/0/spec/containers/0/resources",
            "/want", "/want/pod", "/want/size", "/want/grade", "/lose", "/lose/dataCenters", "/ledgers", "/detail",
        ]),
        value in prop::sample::select(vec![
            json!(null), json!(true), json!(-1), json!(1e300), json!(u64::MAX), json!("9223372036854775807"), json!(""),
            json!([]), json!({}), json!([null]), json!([{}, {}]), json!({"requestsAndPeaks": {"targetPercent": 4_294_967_295_u32}}),
        ]),
    ) {
        let clusters = json!([mk_cluster("dc-1", &json!([mk_pod("p")])), mk_cluster("dc-2", &json!([]))]);
        let mut request = match op {
            "fit" => json!({"op": op, "clusters": clusters, "want": {"pod": {}, "size": null, "grade": null}}),
            _ => json!({"op": op, "clusters": clusters, "lose": {"dataCenters": ["dc-1"]}}),
        };
        if let Some(place) = request.pointer_mut(pointer) {
            *place = value;
        }
        let answer = ask(&request);
        prop_assert!(answer["ok"].is_boolean());
        prop_assert!(answer["ok"] == json!(true) || !answer["error"].as_str().unwrap().is_empty());
    }
}
