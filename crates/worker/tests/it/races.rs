//! Verbs and workers that meet, and evidence that arrives in between.

use std::sync::Arc;
use std::time::Duration;

use plimsoll_core::cluster::Want;
use plimsoll_core::fold::OperationState;
use plimsoll_core::ledger::Write as LedgerWrite;
use plimsoll_core::name::ReleaseNumber;
use plimsoll_core::record::OutcomeState;
use plimsoll_core::usecase::PageRequest;
use plimsoll_ledger::MemoryLedger;
use plimsoll_ledger::faults::{Call, Fault, FaultLedger, Gate, Rule};
use serde_json::json;

use crate::support::{Bed, Manner, ann, shop, write};

fn release(want: Option<Want>) -> Option<u64> {
    match want? {
        Want::Run { release, .. } => Some(release.get()),
        Want::Deleted => None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_delete_covers_a_data_center_whose_first_gate_opens_meanwhile() {
    let faults = Arc::new(FaultLedger::new(Arc::new(MemoryLedger::new())));
    let bed = Bed::on(faults.clone()).await;
    for dc in &bed.dcs {
        dc.manner(Manner::Stuck);
    }
    let first = bed.apply(1, &json!({"order": [["dc-1"]]})).await;
    bed.until(first.id, |view| view.dcs[0].state == OutcomeState::Progressing).await;
    // The delete has looked, and is about to commit, when the gates of dc-2 and dc-3 open.
    let gate = Gate::shut();
    let deletes_the_app = |writes: &[LedgerWrite]| {
        writes.iter().any(|write| matches!(write, LedgerWrite::Delete(key) if key.starts_with("apps/")))
    };
    let rule = Rule::on(Call::Transact, Fault::Wait(gate.clone()))
        .when(move |seen| seen.transaction.is_some_and(|transaction| deletes_the_app(&transaction.writes)))
        .times(1);
    faults.add(rule);
    let plimsoll = bed.plimsoll.clone();
    let delete = tokio::spawn(async move { plimsoll.delete(&ann(), &shop(), write("delete")).await });
    gate.arrived(1).await;
    bed.dcs[0].manner(Manner::Prompt);
    bed.eventually("the others have it", || bed.dcs[1..].iter().all(|dc| dc.what_it_has(&shop()).is_some()))
        .await;
    gate.open();
    let end = bed.ended(delete.await.unwrap().unwrap()).await;
    assert_eq!(Bed::outcomes(&end), ["dc-1 Done", "dc-2 Done", "dc-3 Done"]);
    for dc in &bed.dcs {
        assert_eq!(dc.what_it_has(&shop()), Some(Want::Deleted));
    }
}

#[tokio::test(start_paused = true)]
async fn online_of_what_was_never_healthy_goes_by_gates_and_brings_no_other_release() {
    let bed = Bed::new().await;
    let first = bed.apply(1, &json!({})).await;
    bed.until(first.id, |view| view.state.is_final()).await;
    bed.ended(bed.plimsoll.offline(&ann(), &shop(), write("off")).await.unwrap()).await;
    let second = bed.apply(2, &json!({"order": [["dc-1"]], "soak": "1m"})).await;
    bed.until(second.id, |view| view.state.is_final()).await;
    let online = bed.plimsoll.online(&ann(), &shop(), write("on")).await.unwrap().operation.unwrap();
    bed.until(online.id, |view| view.dcs[0].state == OutcomeState::Healthy).await;
    let third = bed.apply(3, &json!({"order": [["dc-1"]], "soak": "10m"})).await;
    bed.until(online.id, |view| view.dcs[2].state == OutcomeState::Healthy).await;
    assert_eq!(release(bed.dcs[2].what_it_has(&shop())), Some(2), "release 3 soaks in dc-1 still");
    bed.until(third.id, |view| view.state.is_final()).await;
    assert_eq!(release(bed.dcs[2].what_it_has(&shop())), Some(3));
}

#[tokio::test(start_paused = true)]
async fn a_rollback_finds_the_release_that_online_showed_to_be_good() {
    let bed = Bed::new().await;
    let first = bed.apply(1, &json!({})).await;
    bed.until(first.id, |view| view.state.is_final()).await;
    bed.ended(bed.plimsoll.offline(&ann(), &shop(), write("off")).await.unwrap()).await;
    let second = bed.apply(2, &json!({})).await;
    bed.until(second.id, |view| view.state.is_final()).await;
    bed.ended(bed.plimsoll.online(&ann(), &shop(), write("on")).await.unwrap()).await;
    let third = bed.apply(3, &json!({})).await;
    bed.until(third.id, |view| view.state.is_final()).await;
    let back = bed.plimsoll.rollback(&ann(), &shop(), None, write("back")).await.unwrap();
    assert_eq!(bed.ended(back).await.state, OperationState::Succeeded);
    let history = bed.plimsoll.history(&ann(), &shop(), PageRequest::default()).await.unwrap();
    assert_eq!(history.items[0].back_to.map(ReleaseNumber::get), Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_for_a_moment_opens_no_other_gate() {
    let bed = Bed::new().await;
    bed.dcs[0].manner(Manner::Stuck);
    let first = bed.apply(1, &json!({"order": [["dc-1"]], "deadline": "1h"})).await;
    bed.until(first.id, |view| view.dcs[0].state == OutcomeState::Progressing).await;
    bed.dcs[0].stop();
    tokio::time::sleep(Duration::from_secs(1)).await;
    bed.dcs[0].start();
    tokio::time::sleep(Duration::from_mins(1)).await;
    let view = bed.plimsoll.operation(&ann(), first.id).await.unwrap().of_app().unwrap();
    assert_eq!(Bed::outcomes(&view), ["dc-1 Progressing", "dc-2 Waiting", "dc-3 Waiting"]);
}

#[tokio::test(start_paused = true)]
async fn a_delete_that_takes_longer_than_any_deadline_ends_all_the_same() {
    let bed = Bed::new().await;
    let first = bed.apply(1, &json!({})).await;
    bed.until(first.id, |view| view.state.is_final()).await;
    bed.dcs[1].holds_on(true);
    let delete = bed.plimsoll.delete(&ann(), &shop(), write("delete")).await.unwrap().operation.unwrap();
    tokio::time::sleep(Duration::from_mins(45)).await;
    let view = bed.plimsoll.operation(&ann(), delete.id).await.unwrap().of_app().unwrap();
    assert_eq!(view.state, OperationState::Running);
    bed.dcs[1].holds_on(false);
    assert_eq!(bed.until(delete.id, |view| view.state.is_final()).await.state, OperationState::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn an_app_resource_that_somebody_edited_is_put_right_under_its_fence() {
    let bed = Bed::new().await;
    let first = bed.apply(1, &json!({})).await;
    bed.until(first.id, |view| view.state.is_final()).await;
    bed.dcs[0].edit(&shop());
    bed.eventually("it is put right", || bed.dcs[0].puts().len() == 2).await;
    let puts = bed.dcs[0].puts();
    assert_eq!(puts[0], puts[1]);
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(bed.dcs[0].puts().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_order_that_is_not_taken_says_why_and_is_offered_again_with_patience() {
    let bed = Bed::new().await;
    bed.dcs[2].refuses(true);
    let first = bed.apply(1, &json!({"deadline": "1h"})).await;
    let view = bed.until(first.id, |view| view.dcs[2].reason.is_some()).await;
    assert_eq!(view.dcs[2].reason.as_deref(), Some("NotDelivered"));
    assert_eq!(view.dcs[2].message.as_deref(), Some("the data center refuses: not today"));
    let before = bed.dcs[2].refused();
    tokio::time::sleep(Duration::from_mins(10)).await;
    let offers = bed.dcs[2].refused() - before;
    assert!((5..=20).contains(&offers), "{offers} offers in ten minutes");
    bed.dcs[2].refuses(false);
    assert_eq!(bed.until(first.id, |view| view.state.is_final()).await.state, OperationState::Succeeded);
}
