//! The grades of an installation that set its own.

use plimsoll_qos::Policy;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{Host, admit, faults as faults_anywhere, read_policy, validate_by};
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
        ["spec.grade: `general-5` is not known here; write one of gold, silver-3, bronze-20"]
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

#[test]
fn grades_are_read_as_they_are_written_and_a_whole_ratio_may_be_a_number() {
    let written = serde_json::to_value(metals()).unwrap();
    assert_eq!(read_policy(&written), Ok(metals()));
    let mut with_numbers = written;
    with_numbers["grades"][1]["cpu"] = json!(3);
    with_numbers["grades"][0]["memory"] = json!(1);
    assert_eq!(read_policy(&with_numbers), Ok(metals()));
    // What is read here, the engine reads by itself.
    assert_eq!(serde_json::from_value::<Policy>(with_numbers).unwrap(), metals());
}

#[test]
fn every_fault_of_grades_is_told_at_once_by_its_field() {
    let told = |grades: Value| -> Vec<String> {
        read_policy(&json!({ "grades": grades })).unwrap_err().iter().map(said).collect()
    };
    assert_eq!(
        told(json!([
            {"name": "Gold", "qosClass": "guaranteed", "cpu": 1.5, "memory": "1/2", "priority": -1},
            {"name": "iron", "qosClass": "Burstable", "memory": "a", "prio": 8, "priority": "8"},
        ])),
        [
            "grades[0].name: this cannot name a grade; write lower-case letters, digits and dashes, a letter first and \
             no dash last, at most 40",
            "grades[0].qosClass: `guaranteed` is not one of Guaranteed, Burstable, BestEffort; did you mean \
             `Guaranteed`?",
            "grades[0].cpu: 1.5 is not a whole number from 1 to 100; write how many times it may be sold, as 5 or \
             \"3/2\"",
            "grades[0].memory: the ratio 1/2 is below 1, which would ask for more than the limit; write how many times \
             it may be sold, as 5 or \"3/2\"",
            "grades[0].priority: -1 is not a whole number from 0 to 2147483647; write a whole number from 0 to \
             2147483647",
            "grades[1].prio: there is no field `prio` here; write one of name, qosClass, cpu, memory, priority",
            "grades[1].cpu: this is missing; add `cpu`",
            "grades[1].memory: `a` is no ratio; write a whole number or a fraction, for example 5 or 3/2; write how \
             many times it may be sold, as 5 or \"3/2\"",
            "grades[1].priority: this must be a number, not a text; write a whole number from 0 to 2147483647",
        ]
    );
    // Those of the fields do not hide those of the grades together.
    assert_eq!(
        told(json!([
            {"name": "Gold", "qosClass": "Guaranteed", "cpu": 2, "memory": "a", "priority": 7},
            {"name": "iron", "cpu": "1", "memory": "1", "priority": 9},
            {"name": "iron", "qosClass": "Burstable", "cpu": "1000001/1000000", "memory": 1, "priority": 8},
        ])),
        [
            "grades[0].name: this cannot name a grade; write lower-case letters, digits and dashes, a letter first and \
             no dash last, at most 40",
            "grades[0].memory: `a` is no ratio; write a whole number or a fraction, for example 5 or 3/2; write how \
             many times it may be sold, as 5 or \"3/2\"",
            "grades[1].qosClass: this is missing; add `qosClass`",
            "grades[0]: `grade-1` is Guaranteed, which leaves nothing to sell twice; set cpu and memory to 1, or qosClass to \
             Burstable",
            "grades[1].priority: `iron` (9) is less important than `grade-1` (7) and must have a lower priority; change the \
             order of the grades or the values",
            "grades[1].cpu: `iron` is less important than `grade-1` and sold 1 times, `grade-1` 2 times; the less important \
             must be sold at least as often",
            "grades[2].name: `iron` is there twice; name each grade once",
            "grades[2].cpu: 1000001/1000000 is so little that rounding up leaves nothing to sell, and pods may be Guaranteed; \
             write 1, or 11/10 at least",
        ]
    );
    assert_eq!(told(json!([])), ["grades: there is none; name at least one"]);
    assert_eq!(
        told(json!([
            {"name": "high", "qosClass": "Burstable", "cpu": 10, "memory": "3/2", "priority": 1},
            {"name": "free", "qosClass": "BestEffort", "cpu": 5, "memory": "3/2", "priority": 9},
        ])),
        [
            "grades[1].qosClass: `free` is BestEffort, which no grade may be; use Burstable",
            "grades[1].priority: `free` (9) is less important than `high` (1) and must have a lower priority; change \
             the order of the grades or the values",
            "grades[1].cpu: `free` is less important than `high` and sold 5 times, `high` 10 times; the less important \
             must be sold at least as often",
        ]
    );
}

/// What may be written for each field of a grade, right and wrong; `None` leaves it out.
fn any_grade() -> impl Strategy<Value = Value> {
    let field = |values: Value| {
        prop::option::weighted(0.97, prop::sample::select(values.as_array().cloned().unwrap()))
    };
    let ratio = || {
        json!([
            "1",
            "1",
            1,
            1,
            "3/2",
            "3/2",
            "2",
            2,
            5,
            "5",
            "7/2",
            0,
            101,
            1.5,
            3.0,
            -1,
            "1.5",
            "",
            "101/100",
            null,
            [1],
            true
        ])
    };
    (
        field(json!(["a", "b", "c", "d", "e", "general-5", "A", "", 5, null])),
        field(json!(["Guaranteed", "Burstable", "Burstable", "BestEffort", "guaranteed", 1])),
        field(ratio()),
        field(ratio()),
        field(json!([
            900,
            800,
            700,
            600,
            1,
            0,
            -1,
            999_999_999,
            1_000_000_000,
            4_294_967_296_u64,
            1.0,
            "9",
            null
        ])),
        prop::bool::weighted(0.02),
    )
        .prop_map(|(name, class, cpu, memory, priority, is_more)| {
            let mut grade = json!({});
            for (field, value) in [
                ("name", name),
                ("qosClass", class),
                ("cpu", cpu),
                ("memory", memory),
                ("priority", priority),
            ] {
                if let Some(value) = value {
                    grade[field] = value;
                }
            }
            if is_more {
                grade["more"] = json!(1);
            }
            grade
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// Files and requests on one side, lines of `plimsoll qos eval` and the ledger on the other.
    #[test]
    fn both_readers_of_grades_take_the_same(grades in prop::collection::vec(any_grade(), 0..3)) {
        let value = json!({"grades": grades});
        let read = read_policy(&value);
        let by_engine = serde_json::from_value::<Policy>(value).map_err(|error| error.to_string());
        match (&read, &by_engine) {
            (Ok(read), Ok(by_engine)) => prop_assert_eq!(read, by_engine),
            (Err(faults), Err(error)) => prop_assert!(!faults.is_empty() && !error.is_empty()),
            _ => prop_assert!(false, "{:?} and {:?}", read, by_engine),
        }
    }
}
