//! The grades of an installation that set its own.

use plimsoll_qos::Policy;
use serde_json::{Value, json};

use super::super::{Host, admit, faults as faults_anywhere, validate_by};
use super::{IMAGE, mk_doc_with, said};
use crate::builders::mk_dcs;
use crate::record::Environment;

fn metals() -> Policy {
    serde_json::from_value(json!({"grades": [
        {"name": "gold", "qosClass": "Guaranteed", "cpu": "1", "memory": "1", "priority": 900},
        {"name": "silver-3", "qosClass": "Burstable", "cpu": "3", "memory": "3/2", "priority": 800},
        {"name": "bronze-20", "qosClass": "Burstable", "cpu": "20", "memory": "3/2", "priority": 700},
    ]}))
    .unwrap()
}

fn told(document: &Value, grades: &Policy) -> Vec<String> {
    validate_by(document, grades).err().unwrap_or_default().iter().map(said).collect()
}

#[test]
fn a_release_has_the_terms_that_the_installation_gives_its_grade() {
    for rule in metals().grades() {
        let document = mk_doc_with(&json!({"grade": rule.name}));
        let content = validate_by(&document, &metals()).unwrap().content;
        assert_eq!((&content.grade, content.terms), (&rule.name, rule.terms()));
    }
}

#[test]
fn a_grade_of_another_installation_is_refused_with_the_nearest_and_with_all_there_are() {
    let document = |grade: &str| mk_doc_with(&json!({"grade": grade}));
    assert_eq!(
        told(&document("silver"), &metals()),
        ["spec.grade: `silver` is not one of gold, silver-3, bronze-20; did you mean `silver-3`?"]
    );
    assert_eq!(
        told(&document("general-5"), &metals()),
        [
            "spec.grade: `general-5` is not one of gold, silver-3, bronze-20; write one of gold, silver-3, bronze-20"
        ]
    );
    let dcs = mk_dcs(["dc-1", "dc-2", "dc-3"]);
    let grades = Policy::default();
    let host = Host { environment: Environment::Testing, dcs: &dcs, grades: &grades };
    let refusal = admit(&document("gold"), host).unwrap_err();
    assert_eq!(refusal.faults.len(), 1, "{refusal:?}");
}

#[test]
fn where_nobody_knows_the_installation_a_grade_need_only_be_a_name() {
    let told = |document: &Value| faults_anywhere(document).iter().map(said).collect::<Vec<_>>();
    assert_eq!(told(&mk_doc_with(&json!({"grade": "silver-3"}))), Vec::<String>::new());
    assert_eq!(
        told(&mk_doc_with(&json!({"grade": "Silver 3", "image": "shop"}))).len(),
        2,
        "its own faults are told"
    );
}

/// Rounding up may leave nothing to sell of what is very small; its pods would then be Guaranteed.
#[test]
fn a_size_that_would_have_another_class_than_its_grade_is_refused() {
    let grades: Policy = serde_json::from_value(json!({"grades": [
        {"name": "tin", "qosClass": "Burstable", "cpu": "11/10", "memory": "1", "priority": 900},
    ]}))
    .unwrap();
    let document = |cpu: &str| mk_doc_with(&json!({"grade": "tin", "size": {"cpu": cpu, "memory": "1Gi"}}));
    assert_eq!(told(&document("11m"), &grades), Vec::<String>::new());
    assert_eq!(
        told(&document("9m"), &grades),
        [
            "spec.size: pods of this size would be Guaranteed and not Burstable, as the grade `tin` is: CPU and \
          memory are limited everywhere, and all that may be used is requested; write more CPU or memory, of which \
          rounding up leaves something to sell"
        ]
    );
    // One container of which something is left to sell is enough.
    let mut beside = document("9m");
    beside["spec"]["sidecars"] =
        json!([{"name": "proxy", "image": IMAGE, "size": {"cpu": "1", "memory": "1Gi"}}]);
    assert_eq!(told(&beside, &grades), Vec::<String>::new());
}
