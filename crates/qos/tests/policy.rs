//! The grades that an installation may set.

use plimsoll_qos::{Amounts, Grade, GradeName, Policy, PolicyFault, QosClass, Quantity, Ratio, requests};
use proptest::prelude::*;
use serde_json::{Value, json};

fn mk_grade(name: &str, class: &str, cpu: &str, memory: &str, priority: i64) -> Value {
    json!({"name": name, "qosClass": class, "cpu": cpu, "memory": memory, "priority": priority})
}

fn read(grades: &[Value]) -> Result<Policy, String> {
    serde_json::from_value(json!({ "grades": grades })).map_err(|error| error.to_string())
}

#[test]
fn the_grades_of_its_own_are_those_of_the_enumeration() {
    let policy = Policy::default();
    assert_eq!(policy.names(), "system, important, general-2, general-5, general-10");
    for grade in Grade::ALL {
        let rule = policy.grade(grade.name()).unwrap();
        assert_eq!(rule.terms(), grade.terms());
        assert_eq!(rule.qos_class, grade.qos_class());
        assert_eq!((rule.priority_class().as_str(), rule.priority), grade.priority());
    }
    assert_eq!(Policy::new(policy.grades().to_vec()).unwrap(), policy);
    assert_eq!(policy.grade("gold"), None);
}

#[test]
fn a_policy_survives_being_written_and_read() {
    let policy = Policy::default();
    let text = serde_json::to_string(&policy).unwrap();
    assert_eq!(serde_json::from_str::<Policy>(&text).unwrap(), policy);
}

#[test]
fn a_ratio_may_be_a_number_as_people_write_it() {
    let written = |cpu: Value| serde_json::from_value::<Ratio>(cpu).map_err(|error| error.to_string());
    assert_eq!(written(json!(3)), Ok(Ratio::new(3, 1).unwrap()));
    assert_eq!(written(json!("3")), written(json!(3)));
    assert_eq!(
        written(json!(1.5)).unwrap_err(),
        "`1.5` is no ratio; write a whole number or a fraction, for example 5 or 3/2"
    );
    assert_eq!(
        written(json!(0)).unwrap_err(),
        "the ratio 0/1 is below 1, which would ask for more than the limit"
    );
    let other = "a ratio must be a whole number or a fraction, for example 5 or \"3/2\"";
    for nonsense in [json!(null), json!([5]), json!(true)] {
        assert_eq!(written(nonsense).unwrap_err(), other);
    }
}

#[test]
fn an_installation_may_have_grades_of_its_own() {
    let gold = mk_grade("gold", "Guaranteed", "1", "1", 900);
    let iron = mk_grade("iron", "Burstable", "7/2", "5/4", 100);
    let policy = read(&[gold, iron]).unwrap();
    let iron = policy.grade("iron").unwrap();
    assert_eq!(iron.cpu, Ratio::new(7, 2).unwrap());
    assert_eq!(iron.priority_class(), "plimsoll-iron");
}

/// Which of them would be given up first, nobody could say.
#[test]
fn two_grades_of_one_priority_are_refused() {
    let grades = |below: i64| {
        read(&[
            mk_grade("gold", "Guaranteed", "1", "1", 100),
            mk_grade("iron", "Burstable", "5", "3/2", below),
        ])
    };
    assert!(grades(99).is_ok());
    for priority in [100, 101] {
        let refused = grades(priority).unwrap_err();
        assert!(refused.starts_with("grades[1].priority"), "{refused}");
    }
    // Each is held against the one before it, not against the first alone.
    let third = |priority| {
        let iron = mk_grade("iron", "Burstable", "5", "3/2", 50);
        read(&[
            mk_grade("gold", "Guaranteed", "1", "1", 100),
            iron,
            mk_grade("tin", "Burstable", "5", "3/2", priority),
        ])
    };
    assert!(third(49).is_ok());
    assert!(
        third(60)
            .unwrap_err()
            .starts_with("grades[2].priority: `tin` (60) is less important than `iron` (50)")
    );
}

fn twenty_one() -> Vec<Value> {
    (0..21).map(|number| mk_grade(&format!("g{number}"), "Burstable", "5", "3/2", 100 - number)).collect()
}

#[test]
fn each_kind_of_nonsense_is_refused_with_field_and_remedy() {
    let iron = || mk_grade("iron", "Burstable", "5", "3/2", 100);
    let cases: [(&[Value], &str); 19] = [
        (&[], "grades: there is none; name at least one"),
        (&[mk_grade("gold", "Guaranteed", "2", "1", 9)], "Guaranteed, which leaves nothing to sell twice"),
        (&[mk_grade("gold", "Guaranteed", "1", "3/2", 9)], "Guaranteed, which leaves nothing to sell twice"),
        (&[mk_grade("iron", "Burstable", "1", "1", 9)], "its pods would be Guaranteed"),
        (&[mk_grade("free", "BestEffort", "5", "3/2", 9)], "BestEffort, which no grade may be"),
        (&[mk_grade("iron", "Burstable", "1/2", "1", 9)], "the ratio 1/2 is below 1"),
        (&[mk_grade("iron", "Burstable", "5.5", "1", 9)], "`5.5` is no ratio"),
        (&[mk_grade("iron", "Burstable", "101", "1", 9)], "cpu: 101 is beyond 100"),
        (&[mk_grade("iron", "Burstable", "5", "3", 9)], "memory: 3 is beyond 2"),
        (
            &[mk_grade("iron", "Burstable", "1000001/1000000", "1", 9)],
            "grades[0].cpu: 1000001/1000000 is so little that rounding up leaves nothing to sell, and pods may be Guaranteed; \
             write 1, or 11/10 at least",
        ),
        (&[mk_grade("iron", "Burstable", "5", "12/11", 9)], "grades[0].memory: 12/11 is so little"),
        (&[mk_grade("iron", "Burstable", "1", "3/2", 9)], "set memory to at most 1"),
        (&[mk_grade("iron", "Burstable", "5", "1", 0)], "priority: 0 is out of range; use 1 to 999999999"),
        (&[mk_grade("iron", "Burstable", "5", "1", 1_000_000_000)], "use 1 to 999999999"),
        (&[mk_grade("Iron ", "Burstable", "5", "1", 9)], "`Iron ` cannot name a grade"),
        (&[iron(), iron()], "grades[1].name: `iron` is there twice"),
        (
            &[iron(), mk_grade("tin", "Burstable", "5", "3/2", 50), iron()],
            "grades[2].name: `iron` is there twice",
        ),
        (&twenty_one(), "grades: 21 are too many; an installation has at most 20"),
        (&[mk_grade("low", "Burstable", "2", "3/2", 50), iron()], "must have a lower priority"),
    ];
    assert!(read(&twenty_one()[1..]).is_ok());
    for (grades, expected) in cases {
        let error = read(grades).unwrap_err();
        assert!(error.contains(expected), "{error} does not say {expected}");
    }
}

#[test]
fn one_refusal_names_every_fault() {
    let high = mk_grade("high", "Burstable", "10", "3/2", 100);
    let error = read(&[high, mk_grade("low", "Guaranteed", "5", "1", 200)]).unwrap_err();
    assert_eq!(error.lines().count(), 4, "{error}");
}

#[test]
fn a_grade_that_is_less_important_is_sold_at_least_as_often() {
    let rule = |name: &str, cpu: u32, priority| {
        let mut rule = Policy::default().grades()[2].clone();
        rule.name = name.parse::<GradeName>().unwrap();
        rule.cpu = Ratio::new(cpu, 1).unwrap();
        rule.priority = priority;
        rule
    };
    let error = Policy::new(vec![rule("high", 5, 200), rule("low", 2, 100)]).unwrap_err();
    assert!(matches!(error.0.as_slice(), [PolicyFault::RatioOrder { index: 1, resource: "cpu", .. }]));
    assert!(Policy::new(vec![rule("high", 5, 200), rule("low", 5, 100)]).is_ok());
}

proptest! {
    #[test]
    fn whatever_is_accepted_is_in_order_and_sells_as_its_class_says(
        grades in prop::collection::vec((0_usize..3, 1_u32..40, 1_u32..36, 1_u32..40, 1_u32..36, -5_i32..40), 0..5),
    ) {
        let rules = grades.iter().enumerate().filter_map(|(index, &(class, cpu, over, memory, under, priority))| {
            let mut rule = Policy::default().grades()[0].clone();
            rule.name = format!("g{index}").parse().ok()?;
            rule.qos_class = [QosClass::Guaranteed, QosClass::Burstable, QosClass::BestEffort][class];
            rule.cpu = Ratio::new(cpu, over).ok()?;
            rule.memory = Ratio::new(memory, under).ok()?;
            rule.priority = priority;
            Some(rule)
        });
        if let Ok(policy) = Policy::new(rules.collect()) {
            for pair in policy.grades().windows(2) {
                prop_assert!(pair[0].priority > pair[1].priority);
                prop_assert!(pair[0].cpu <= pair[1].cpu && pair[0].memory <= pair[1].memory);
            }
            for rule in policy.grades() {
                prop_assert_eq!(rule.qos_class == QosClass::Guaranteed, rule.cpu.is_one() && rule.memory.is_one());
                prop_assert!(rule.memory <= rule.cpu);
                // And so it is for every size of which a tenth is something.
                let size = Amounts { cpu: Quantity::from_millis(11), memory: Quantity::from_mebibytes(11) };
                let asked = requests(&size, "any", &rule.terms()).amounts();
                prop_assert_eq!(asked == size, rule.qos_class == QosClass::Guaranteed);
            }
        }
    }
}

#[test]
fn the_terms_of_an_own_grade_make_requests() {
    let policy = read(&[mk_grade("iron", "Burstable", "7/2", "5/4", 100)]).unwrap();
    let limit = Amounts { cpu: "1".parse().unwrap(), memory: "1Gi".parse().unwrap() };
    let found = requests(&limit, Grade::General5, &policy.grades()[0].terms());
    assert_eq!(found.cpu.value.to_string(), "286m");
    assert_eq!(found.memory.value.to_string(), "820Mi");
}
