//! The golden rules of production.

use plimsoll_qos::Policy;
use serde_json::{Value, json};

use super::super::golden::check_scale;
use super::super::{Host, Refusal, admit};
use super::{mk_doc_with, read, said};
use crate::builders::mk_dcs;
use crate::record::Environment;

/// What production says of a document: its faults, and the rules that it breaks.
fn refused(document: &Value) -> (Vec<String>, Vec<String>) {
    let dcs = mk_dcs(["dc-1", "dc-2", "dc-3"]);
    let host = Host { environment: Environment::Production, dcs: &dcs, grades: &Policy::default() };
    let Refusal { faults, broken } = admit(document, host).err().unwrap_or_default();
    (faults.iter().map(said).collect(), broken.iter().map(said).collect())
}

fn broken(spec: &Value) -> Vec<String> {
    let document = mk_doc_with(spec);
    let dcs = mk_dcs(["dc-1", "dc-2", "dc-3"]);
    let testing = Host { environment: Environment::Testing, dcs: &dcs, grades: &Policy::default() };
    assert_eq!(admit(&document, testing).as_ref(), Ok(&read(&document)));
    let (faults, broken) = refused(&document);
    assert_eq!(faults, Vec::<String>::new());
    broken
}

fn probed(scale: &Value) -> Value {
    let probe = json!({"tcp": {"port": 80}});
    json!({"probes": {"readiness": probe, "liveness": probe}, "scale": scale})
}

#[test]
fn production_asks_for_probes() {
    assert_eq!(
        broken(&json!({})),
        [
            "spec.probes.readiness: in production an App has a readiness probe (golden rule `readiness-probe`); add one that succeeds when the App can take traffic",
            "spec.probes.liveness: in production an App has a liveness probe (golden rule `liveness-probe`); add one that fails only when nothing but a restart helps",
        ]
    );
}

#[test]
fn production_refuses_heaps_that_cannot_fit_wherever_they_are_asked_for() {
    let container = |name: &str| {
        let digest = "a".repeat(64);
        json!({
            "name": name, "image": format!("registry.example.com/x@sha256:{digest}"),
            "size": {"cpu": 1, "memory": "64Mi"}, "command": ["/bin/java", "-Xmx64m"],
        })
    };
    let mut spec = probed(&json!({}));
    spec["size"] = json!({"cpu": 1, "memory": "1Gi"});
    spec["args"] = json!(["-Xms1g", "-Xmx1g"]);
    spec["env"] =
        json!({"GOMEMLIMIT": "1GiB", "JAVA_OPTS": "-Xmx768m", "NODE_OPTIONS": "--max-old-space-size=2048"});
    spec["init"] = json!([container("migrate")]);
    spec["sidecars"] = json!([container("proxy")]);
    spec["dataCenters"] = json!({"dc-2": {"env": {"JAVA_OPTS": "-Xmx2g"}}});
    let places: Vec<String> = broken(&spec)
        .into_iter()
        .map(|said| {
            assert!(said.contains("(golden rule `heap-fits`); raise `size.memory`"), "{said}");
            said.split(": ").next().unwrap().to_owned()
        })
        .collect();
    assert_eq!(
        places,
        [
            "spec.args[1]",
            "spec.env.NODE_OPTIONS",
            "spec.dataCenters.dc-2.env.JAVA_OPTS",
            "spec.init[0].command[1]",
            "spec.sidecars[0].command[1]",
        ]
    );
}

#[test]
fn production_asks_for_three_replicas_where_there_are_any() {
    for scale in [
        json!({}),
        json!({"replicas": 0}),
        json!({"replicas": 3}),
        json!({"autoscale": {"min": 3, "max": 9}}),
    ] {
        assert_eq!(broken(&probed(&scale)), Vec::<String>::new(), "{scale}");
    }
    let scale = json!({
        "autoscale": {"min": 2, "max": 9},
        "exceptions": {"dc-1": {"replicas": 1}, "dc-2": {"replicas": 0}, "dc-3": {"autoscale": {"min": 1, "max": 9}}},
    });
    let rule = "(golden rule `min-replicas`)";
    let expected = [
        format!(
            "spec.scale.autoscale.min: fewer than 3 pods in a data center are too few for production {rule}; write 3 or more"
        ),
        format!(
            "spec.scale.exceptions.dc-1.replicas: fewer than 3 pods in a data center are too few for production {rule}; write 3 or more, or 0"
        ),
        format!(
            "spec.scale.exceptions.dc-3.autoscale.min: fewer than 3 pods in a data center are too few for production {rule}; write 3 or more"
        ),
    ];
    assert_eq!(broken(&probed(&scale)), expected);
    let scale = read(&mk_doc_with(&probed(&scale))).scale;
    assert_eq!(check_scale(&scale, Environment::Production).len(), 3);
    assert_eq!(check_scale(&scale, Environment::Testing), []);
}

/// The paths of the faults, and those of the broken rules.
fn paths(spec: &Value) -> (Vec<String>, Vec<String>) {
    let path = |said: &String| said.split(": ").next().unwrap_or_default().to_owned();
    let (faults, broken) = refused(&mk_doc_with(spec));
    (faults.iter().map(path).collect(), broken.iter().map(path).collect())
}

#[test]
fn faults_and_broken_rules_are_told_in_one_answer() {
    let both = ["spec.probes.readiness", "spec.probes.liveness"];
    let few = "spec.scale.replicas";
    let file = json!({"path": "/a", "content": ""});
    let sidecar = json!({"name": "x", "image": super::IMAGE, "size": {"cpu": "1", "memory": "64Mi"}});
    for (spec, faults, broken) in [
        (
            json!({"grade": "golden", "scale": {"replicas": 1}}),
            vec!["spec.grade"],
            vec![both[0], both[1], few],
        ),
        (json!({"image": "shop", "scale": {"replicas": 2}}), vec!["spec.image"], vec![both[0], both[1], few]),
        // A part with a fault hides nothing of the others.
        (
            json!({"grade": "golden", "sidecars": [sidecar, sidecar]}),
            vec!["spec.grade", "spec.sidecars[1].name"],
            both.to_vec(),
        ),
        (
            json!({"grade": "golden", "files": [file, file, {"path": "/b"}]}),
            vec!["spec.grade", "spec.files[2].content", "spec.files[1].path"],
            both.to_vec(),
        ),
        (
            json!({"grade": "golden", "scale": {"exceptions": {"dc-9": {"replicas": 1}, "dc-1": {"replicas": -1}}}}),
            vec!["spec.grade", "spec.scale.exceptions.dc-1.replicas", "spec.scale.exceptions.dc-9"],
            vec![both[0], both[1], "spec.scale.exceptions.dc-9.replicas"],
        ),
        (
            json!({"grade": "golden", "publish": {"succeed": 4}}),
            vec!["spec.grade", "spec.publish.succeed"],
            both.to_vec(),
        ),
        (
            json!({
                "image": "shop",
                "size": {"cpu": "1", "memory": "64Mi", "ephemeralStorage": "1Gi"},
                "scratch": [{"path": "/b", "size": "1Gi"}],
            }),
            vec!["spec.image", "spec.size.ephemeralStorage"],
            both.to_vec(),
        ),
        (
            json!({
                "grade": "golden",
                "envFromSecrets": {"A": {"secret": "s", "key": "k"}},
                "dataCenters": {"dc-1": {"env": {"A": "b"}}},
            }),
            vec!["spec.grade", "spec.dataCenters.dc-1.env.A"],
            both.to_vec(),
        ),
    ] {
        let expected = (
            faults.iter().map(ToString::to_string).collect(),
            broken.iter().map(ToString::to_string).collect(),
        );
        assert_eq!(paths(&spec), expected, "{spec}");
    }
}

#[test]
fn what_comes_only_from_another_fault_is_not_told() {
    let probe = json!({"tcp": {"port": 80}});
    let probed = json!({"readiness": probe, "liveness": probe});
    for (spec, faults) in [
        (json!({"probes": probed, "scale": "many"}), vec!["spec.scale"]),
        (json!({"probes": probed, "scale": {"replicas": "one"}}), vec!["spec.scale.replicas"]),
        (
            json!({"probes": probed, "scale": {"replicas": 1, "autoscale": {"min": 1, "max": 2}}}),
            vec!["spec.scale"],
        ),
        (json!({"probes": 1}), vec!["spec.probes"]),
        (
            json!({"probes": {"readiness": {}, "liveness": 1}}),
            vec!["spec.probes.readiness", "spec.probes.liveness"],
        ),
        (json!({"probes": {"readyness": probe, "liveness": probe}}), vec!["spec.probes.readyness"]),
        (json!({"probs": probed}), vec!["spec.probs"]),
        (
            json!({"livenessProbe": {}, "readinessProbe": {}}),
            vec!["spec.livenessProbe", "spec.readinessProbe"],
        ),
        // Named where the App is not placed, and unknown besides: one thing to do.
        (
            json!({"probes": probed, "scale": {"placement": ["dc-1"], "exceptions": {"dc-9": {"replicas": 3}}}}),
            vec!["spec.scale.exceptions.dc-9"],
        ),
        // Two are placed once the name is right.
        (
            json!({"probes": probed, "scale": {"placement": ["dc-1", "dc-22"]}, "publish": {"succeed": 2}}),
            vec!["spec.scale.placement[1]"],
        ),
    ] {
        let expected = (faults.iter().map(ToString::to_string).collect(), Vec::new());
        assert_eq!(paths(&spec), expected, "{spec}");
    }
    let mut doc = mk_doc_with(&json!({}));
    doc["spec"] = json!({"grade": "general-2", "imgae": super::IMAGE, "resources": {}, "probes": probed});
    let (faults, broken) = refused(&doc);
    assert_eq!((faults.len(), broken.len()), (2, 0), "{faults:?} {broken:?}");
}
