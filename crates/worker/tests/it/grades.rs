//! The grades of an installation: set, changed, taken away, and in every data center before what needs them.

use std::sync::Arc;
use std::time::Duration;

use plimsoll_core::cluster::Want;
use plimsoll_core::content::Content;
use plimsoll_core::error::{Error, Kind};
use plimsoll_core::record::OutcomeState;
use plimsoll_core::usecase::{Mode, TakeScale, Write};
use plimsoll_core::view::{Etag, GradeChange, OperationView, PolicyChange};
use plimsoll_ledger::MemoryLedger;
use plimsoll_ledger::faults::{Call, Fault, FaultLedger, Gate, Rule};
use serde_json::{Value, json};

use crate::support::{Bed, FakeDc, ann, document, shop, write};

fn grade(name: &str, cpu: &str, priority: i32) -> Value {
    let (class, memory) = if cpu == "1" { ("Guaranteed", "1") } else { ("Burstable", "3/2") };
    json!({"name": name, "qosClass": class, "cpu": cpu, "memory": memory, "priority": priority})
}

/// Plimsoll's own grades with one more, which is sold so often.
fn with_silver(cpu: &str) -> Value {
    json!({"grades": [
        grade("system", "1", 900_000_000),
        grade("important", "1", 800_000_000),
        grade("general-2", "2", 700_000_000),
        grade("silver", cpu, 650_000_000),
        grade("general-5", "5", 600_000_000),
        grade("general-10", "10", 500_000_000),
    ]})
}

/// The same without a grade.
fn without(name: &str, grades: &Value) -> Value {
    let mut grades = grades.clone();
    grades["grades"].as_array_mut().unwrap().retain(|grade| grade["name"] != name);
    grades
}

async fn set(bed: &Bed, grades: &Value, id: &str) -> Result<PolicyChange, Error> {
    bed.plimsoll.set_policy(&ann(), grades, write(id)).await
}

async fn apply(bed: &Bed, grade: &str, version: u8, id: &str) -> Result<Option<OperationView>, Error> {
    let mut document = document(version, &json!({}));
    document["spec"]["grade"] = json!(grade);
    let accepted = bed.plimsoll.apply(&ann(), &document, TakeScale::No, write(id)).await?;
    Ok(accepted.operation)
}

async fn publish(bed: &Bed, grade: &str, version: u8, id: &str) -> OperationView {
    let operation = apply(bed, grade, version, id).await.unwrap().unwrap();
    bed.until(operation.id, |view| view.state.is_final()).await
}

fn content(dc: &FakeDc) -> Content {
    match dc.what_it_has(&shop()) {
        Some(Want::Run { content, .. }) => content,
        other => panic!("it has {other:?}"),
    }
}

fn ratio(dc: &FakeDc) -> String {
    content(dc).terms.cpu.to_string()
}

/// `silver 2 → 3: demo/shop`.
fn told(change: &GradeChange) -> String {
    let cpu = |grade: &Option<plimsoll_core::view::GradeView>| {
        grade.as_ref().map_or_else(|| "none".to_owned(), |grade| grade.cpu.to_string())
    };
    let apps: Vec<String> = change.apps.iter().map(ToString::to_string).collect();
    format!("{} {} → {}: {}", change.grade, cpu(&change.before), cpu(&change.after), apps.join(", "))
}

fn faults(error: &Error) -> Vec<String> {
    error
        .violations
        .iter()
        .map(|fault| format!("{}: {}; {}", fault.path, fault.message, fault.remedy))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn what_runs_keeps_the_terms_of_its_release_and_the_next_release_takes_the_new_ones() {
    let bed = Bed::new().await;
    let set_it = set(&bed, &with_silver("3"), "three").await.unwrap();
    assert_eq!(set_it.changes.iter().map(told).collect::<Vec<_>>(), ["silver none → 3: "]);
    publish(&bed, "silver", 1, "first").await;
    assert!(bed.dcs.iter().all(|dc| ratio(dc) == "3"));
    let puts: Vec<_> = bed.dcs.iter().map(|dc| dc.puts()).collect();

    let request = Write { mode: Mode::Validate, ..write("look") };
    let looked = bed.plimsoll.set_policy(&ann(), &with_silver("4"), request).await.unwrap();
    assert_eq!(looked.changes.iter().map(told).collect::<Vec<_>>(), ["silver 3 → 4: demo/shop"]);
    assert_eq!(bed.plimsoll.policy(&ann()).await.unwrap(), set_it.policy, "a look changes nothing");
    assert_eq!(looked.policy.grades[3].cpu.to_string(), "4");

    set(&bed, &with_silver("4"), "four").await.unwrap();
    bed.pass(Duration::from_mins(10)).await;
    assert_eq!(bed.dcs.iter().map(|dc| dc.puts()).collect::<Vec<_>>(), puts, "nothing is written for it");
    let app = bed.plimsoll.get(&ann(), &shop()).await.unwrap();
    assert_eq!(app.terms.cpu.to_string(), "3");
    assert_eq!(
        app.grade_note.unwrap(),
        "silver stands for CPU sold 4 times and memory 3/2 times now; the next release takes that, this one keeps 3 and 3/2"
    );
    let mut same = document(1, &json!({}));
    same["spec"]["grade"] = json!("silver");
    let diff = bed.plimsoll.diff(&ann(), &same).await.unwrap();
    let changes: Vec<String> = diff
        .changes
        .iter()
        .map(|change| {
            format!(
                "{}: {} → {}",
                change.path,
                change.before.as_ref().unwrap(),
                change.after.as_ref().unwrap()
            )
        })
        .collect();
    assert_eq!(
        changes,
        [
            r#"requests.app.cpu: "167m: ceil(500m / 3), grade silver" → "125m: ceil(500m / 4), grade silver""#,
            r#"terms.cpu: "3" → "4""#,
        ]
    );

    publish(&bed, "silver", 2, "second").await;
    assert!(bed.dcs.iter().all(|dc| ratio(dc) == "4"));
    assert_eq!(bed.plimsoll.get(&ann(), &shop()).await.unwrap().grade_note, None);
    let back = bed.plimsoll.rollback(&ann(), &shop(), None, write("back")).await.unwrap();
    bed.ended(back).await;
    assert!(bed.dcs.iter().all(|dc| ratio(dc) == "3"), "a rollback brings the terms of its Release");
    bed.kill().await;
}

#[tokio::test(start_paused = true)]
async fn a_grade_that_an_app_has_cannot_be_taken_away_and_one_that_none_has_is_retired() {
    let bed = Bed::new().await;
    set(&bed, &with_silver("3"), "silver").await.unwrap();
    publish(&bed, "silver", 1, "first").await;
    let gone = without("silver", &with_silver("3"));
    let refused = set(&bed, &gone, "gone").await.unwrap_err();
    assert_eq!((refused.kind, refused.reason), (Kind::Refused, "POLICY_REFUSED"));
    assert_eq!(
        faults(&refused),
        [
            "grades: `silver` is left out and is the grade of 1 App (demo/shop); keep it until they have a release of \
          another grade"
        ]
    );

    publish(&bed, "general-5", 2, "second").await;
    let policy = set(&bed, &gone, "gone-again").await.unwrap().policy;
    assert_eq!(policy.retired.iter().map(|grade| grade.name.as_str()).collect::<Vec<_>>(), ["silver"]);
    let unknown = apply(&bed, "silver", 3, "third").await.unwrap_err();
    assert_eq!(
        faults(&unknown),
        [
            "spec.grade: `silver` is not known here; write one of system, important, general-2, general-5, general-10"
        ]
    );
    let back = bed.plimsoll.rollback(&ann(), &shop(), None, write("back")).await.unwrap();
    bed.ended(back).await;
    assert!(bed.dcs.iter().all(|dc| content(dc).grade.as_str() == "silver"), "a rollback is never refused");
    assert_eq!(
        bed.plimsoll.get(&ann(), &shop()).await.unwrap().grade_note.unwrap(),
        "silver is no grade of the installation any more; the next release needs one of system, important, general-2, general-5, general-10"
    );
    let added = bed.add("dc-4").await;
    bed.eventually("a new data center has the class for it too", || {
        added.classes().contains_key("plimsoll-silver")
    })
    .await;
    bed.kill().await;
}

#[tokio::test(start_paused = true)]
async fn a_name_keeps_its_priority_for_good() {
    let bed = Bed::new().await;
    set(&bed, &with_silver("3"), "silver").await.unwrap();
    let mut lower = with_silver("3");
    lower["grades"][3]["priority"] = json!(640_000_000);
    let words = "grades[3].priority: `silver` has the priority 650000000: its PriorityClass plimsoll-silver has it \
                 in the data centers, and Kubernetes changes none; write 650000000, or give the grade a name that \
                 there never was";
    assert_eq!(faults(&set(&bed, &lower, "lower").await.unwrap_err()), [words]);
    set(&bed, &without("silver", &with_silver("3")), "retired").await.unwrap();
    assert_eq!(faults(&set(&bed, &lower, "lower-again").await.unwrap_err()), [words], "retired or not");
    let policy = set(&bed, &with_silver("4"), "taken-back").await.unwrap().policy;
    assert_eq!(policy.retired, []);
    bed.kill().await;
}

#[tokio::test(start_paused = true)]
async fn every_data_center_has_the_classes_before_a_release_needs_them_and_is_asked_no_more() {
    let bed = Bed::new().await;
    publish(&bed, "general-2", 1, "first").await;
    let has = |dc: &Arc<FakeDc>, count| dc.classes().len() == count;
    assert!(bed.dcs.iter().all(|dc| has(dc, 5)));
    bed.dcs[2].stop();
    bed.pass(Duration::from_mins(1)).await;
    set(&bed, &with_silver("3"), "silver").await.unwrap();
    bed.eventually("those that answer have the new class", || bed.dcs[..2].iter().all(|dc| has(dc, 6))).await;
    let asked: Vec<u32> = bed.dcs.iter().map(|dc| dc.asked_for_classes()).collect();
    bed.pass(Duration::from_hours(1)).await;
    assert_eq!(bed.dcs[0].asked_for_classes(), asked[0], "at rest nobody asks");
    let second = publish(&bed, "silver", 2, "second").await;
    assert_eq!(Bed::outcomes(&second), ["dc-1 Healthy", "dc-2 Healthy", "dc-3 Owed"]);
    assert_eq!(bed.dcs[0].asked_for_classes(), asked[0]);
    bed.dcs[2].start();
    bed.settled(second.id).await;
    assert_eq!(bed.dcs[2].classes()["plimsoll-silver"], 650_000_000);
    bed.kill().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_delivered_where_another_class_bears_the_name_that_it_needs() {
    let bed = Bed::new().await;
    publish(&bed, "general-2", 1, "first").await;
    bed.dcs[1].class("plimsoll-silver", Some(7));
    set(&bed, &with_silver("3"), "silver").await.unwrap();
    let operation = apply(&bed, "silver", 2, "second").await.unwrap().unwrap();
    let view = bed.until(operation.id, |view| view.dcs[1].message.is_some()).await;
    assert_eq!(
        view.dcs[1].message.as_deref(),
        Some("the data center refuses: plimsoll-silver has the value 7")
    );
    assert_eq!(content(&bed.dcs[1]).grade.as_str(), "general-2", "what was there stays");
    bed.until(operation.id, |view| view.dcs[0].state == OutcomeState::Healthy).await;
    let mut other = document(1, &json!({}));
    other["metadata"]["name"] = json!("till");
    let till = bed.plimsoll.apply(&ann(), &other, TakeScale::No, write("till")).await.unwrap();
    let till = bed.ended(till).await;
    assert_eq!(Bed::outcomes(&till), ["dc-1 Healthy", "dc-2 Healthy", "dc-3 Healthy"], "others go on");
    bed.dcs[1].class("plimsoll-silver", None);
    bed.until(operation.id, |view| view.dcs[1].state == OutcomeState::Healthy).await;
    assert_eq!(bed.dcs[1].classes()["plimsoll-silver"], 650_000_000);
    bed.kill().await;
}

/// Between admission and its transaction the grades change: the Release has the terms that hold when it is accepted,
/// or there is none.
#[tokio::test(start_paused = true)]
async fn a_release_is_accepted_by_the_grades_of_that_moment() {
    for (next, expected) in [(with_silver("4"), Some("4")), (without("silver", &with_silver("3")), None)] {
        let faults_of = Arc::new(FaultLedger::new(Arc::new(MemoryLedger::new())));
        let bed = Bed::on(faults_of.clone()).await;
        set(&bed, &with_silver("3"), "three").await.unwrap();
        let gate = Gate::shut();
        let rule = Rule::on(Call::Transact, Fault::Wait(gate.clone()))
            .when(|seen| {
                seen.transaction.is_some_and(|transaction| {
                    let is_release = |write: &plimsoll_core::ledger::Write| {
                        matches!(write, plimsoll_core::ledger::Write::Put(key, _) if key.starts_with("releases/"))
                    };
                    transaction.writes.iter().any(is_release)
                })
            })
            .times(1);
        faults_of.add(rule);
        let bed = Arc::new(bed);
        let applying = tokio::spawn({
            let bed = bed.clone();
            async move { apply(&bed, "silver", 1, "apply").await }
        });
        gate.arrived(1).await;
        set(&bed, &next, "next").await.unwrap();
        gate.open();
        let answer = applying.await.unwrap();
        match expected {
            Some(expected) => {
                bed.until(answer.unwrap().unwrap().id, |view| view.state.is_final()).await;
                assert_eq!(ratio(&bed.dcs[0]), expected);
            }
            None => assert_eq!(answer.unwrap_err().violations[0].path, "spec.grade"),
        }
        bed.kill().await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_saw_other_grades_is_told_and_a_repeat_does_nothing_twice() {
    let bed = Bed::new().await;
    let seen = bed.plimsoll.policy(&ann()).await.unwrap().etag;
    let request = |etag: Etag, id: &str| Write { if_match: Some(etag), ..write(id) };
    let first = bed.plimsoll.set_policy(&ann(), &with_silver("3"), request(seen, "first")).await.unwrap();
    let late = bed.plimsoll.set_policy(&ann(), &with_silver("4"), request(seen, "late")).await.unwrap_err();
    assert_eq!((late.kind, late.reason), (Kind::Conflict, "POLICY_CHANGED"));
    let again = bed.plimsoll.set_policy(&ann(), &with_silver("3"), request(seen, "first")).await.unwrap();
    assert_eq!((again.policy, again.changes), (first.policy.clone(), vec![]));
    let reused = set(&bed, &with_silver("4"), "first").await.unwrap_err();
    assert_eq!(reused.reason, "REQUEST_ID_REUSED");
    let same = set(&bed, &with_silver("3"), "same").await.unwrap();
    assert_eq!((same.policy, same.changes), (first.policy, vec![]), "setting what is set writes nothing");
    bed.kill().await;
}
