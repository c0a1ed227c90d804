//! The golden rules of production.

use serde_json::{Value, json};

use super::super::golden::{check, check_scale};
use super::{mk_doc_with, read};
use crate::record::Environment;

fn broken(spec: &Value) -> Vec<String> {
    let document = read(&mk_doc_with(spec));
    assert_eq!(check(&document, Environment::Testing), []);
    let violations = check(&document, Environment::Production);
    violations.iter().map(|v| format!("{}: {}; {}", v.path, v.message, v.remedy)).collect()
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
