//! Data centers that are added when Apps are there already.

use std::time::Duration;

use plimsoll_core::cluster::{Power, Want};
use plimsoll_core::fold::OperationState;
use plimsoll_core::ledger::Range;
use plimsoll_core::record::OutcomeState;
use plimsoll_core::scale::{Placement, Replication};
use plimsoll_core::usecase::{OperationFilter, PageRequest, ScaleChange};
use plimsoll_core::view::Health;
use serde_json::json;

use crate::support::{Bed, FakeDc, Manner, ann, shop, write};

/// The Release and the replicas that a data center was given.
fn has(dc: &FakeDc) -> Option<(u64, Replication)> {
    match dc.what_it_has(&shop())? {
        Want::Run { release, replication, .. } => Some((release.get(), replication)),
        Want::Deleted => None,
    }
}

fn release(dc: &FakeDc) -> Option<u64> {
    has(dc).map(|(release, _)| release)
}

#[tokio::test(start_paused = true)]
async fn a_data_center_that_is_added_gets_what_completed_last_with_the_scale_of_the_app() {
    let bed = Bed::new().await;
    for version in 1..=2 {
        let operation = bed.apply(version, &json!({})).await;
        bed.until(operation.id, |view| view.state.is_final()).await;
    }
    let change = ScaleChange { size: Some(Replication::Fixed(5)), ..ScaleChange::default() };
    bed.ended(bed.plimsoll.scale(&ann(), &shop(), change, write("scale")).await.unwrap()).await;
    let operations = || async {
        let page = PageRequest::default();
        bed.plimsoll.operations(&ann(), OperationFilter::default(), page).await.unwrap().items
    };
    let before = operations().await;
    let new = bed.add("dc-4").await;
    bed.eventually("it is there", || has(&new) == Some((2, Replication::Fixed(5)))).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    let app = bed.plimsoll.get(&ann(), &shop()).await.unwrap();
    let dc = &app.dcs[3];
    assert_eq!((dc.release, dc.health, dc.replicas.unwrap().ready), (Some(app.release), Health::Healthy, 5));
    assert_eq!(app.health, Health::Healthy);
    assert_eq!(operations().await, before, "nobody is told to wait for it");
    let revision = || async { bed.ledger.range(&Range::prefix("apps/")).await.unwrap().revision };
    let written = revision().await;
    tokio::time::sleep(Duration::from_hours(10)).await;
    assert_eq!((revision().await, new.puts().len()), (written, 1), "then it is quiet");
    // From then on it is one of them, and knows what to go back to.
    let third = bed.apply(3, &json!({})).await;
    let end = bed.until(third.id, |view| view.state.is_final()).await;
    assert_eq!(end.dcs.len(), 4);
    assert!(matches!(
        new.what_it_has(&shop()),
        Some(Want::Run { release, last_good: Some(good), .. }) if (release.get(), good.release.get()) == (3, 2)
    ));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_added_in_the_middle_of_a_publish_gets_the_release_before_and_then_the_new_one() {
    let bed = Bed::new().await;
    let first = bed.apply(1, &json!({})).await;
    bed.until(first.id, |view| view.state.is_final()).await;
    let second = bed.apply(2, &json!({"order": [["dc-1"]], "soak": "10m"})).await;
    bed.until(second.id, |view| view.dcs[0].state == OutcomeState::Healthy).await;
    let new = bed.add("dc-4").await;
    bed.eventually("it has the one before", || release(&new) == Some(1)).await;
    let end = bed.until(second.id, |view| view.state.is_final()).await;
    assert_eq!((end.state, end.dcs.len()), (OperationState::Succeeded, 3));
    bed.eventually("it has the new one", || release(&new) == Some(2)).await;
    assert_eq!(new.puts().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_added_after_a_publish_that_failed_gets_the_last_that_did_not() {
    let bed = Bed::new().await;
    let first = bed.apply(1, &json!({})).await;
    bed.until(first.id, |view| view.state.is_final()).await;
    bed.dcs[0].manner(Manner::Chokes(2));
    let second = bed.apply(2, &json!({"order": [["dc-1"]]})).await;
    bed.until(second.id, |view| view.state == OperationState::Held).await;
    let new = bed.add("dc-4").await;
    bed.eventually("it has the good one", || release(&new) == Some(1)).await;
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(new.puts().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_added_before_anything_completed_waits_for_that() {
    let bed = Bed::new().await;
    let first = bed.apply(1, &json!({"soak": "10m"})).await;
    bed.until(first.id, |view| view.dcs[0].state == OutcomeState::Healthy).await;
    let new = bed.add("dc-4").await;
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(release(&new), None);
    bed.until(first.id, |view| view.state.is_final()).await;
    bed.eventually("it has it too", || release(&new) == Some(1)).await;
}

#[tokio::test(start_paused = true)]
async fn one_that_placement_does_not_name_gets_nothing_until_it_does() {
    let bed = Bed::new().await;
    let first = bed.apply(1, &json!({})).await;
    bed.until(first.id, |view| view.state.is_final()).await;
    let place = |placement| ScaleChange { placement: Some(placement), ..ScaleChange::default() };
    let only = Placement::Only(vec!["dc-1".parse().unwrap(), "dc-2".parse().unwrap()]);
    bed.ended(bed.plimsoll.scale(&ann(), &shop(), place(only), write("two")).await.unwrap()).await;
    let new = bed.add("dc-4").await;
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(release(&new), None);
    let app = bed.plimsoll.get(&ann(), &shop()).await.unwrap();
    assert_eq!((app.health, app.dcs[3].health), (Health::Healthy, Health::Offline));
    bed.ended(bed.plimsoll.scale(&ann(), &shop(), place(Placement::All), write("all")).await.unwrap()).await;
    bed.eventually("it has it", || release(&new) == Some(1)).await;
}

#[tokio::test(start_paused = true)]
async fn an_app_that_is_offline_is_offline_in_one_that_is_added_and_comes_online_there_too() {
    let bed = Bed::new().await;
    let first = bed.apply(1, &json!({})).await;
    bed.until(first.id, |view| view.state.is_final()).await;
    bed.ended(bed.plimsoll.offline(&ann(), &shop(), write("off")).await.unwrap()).await;
    let new = bed.add("dc-4").await;
    let power = || match new.what_it_has(&shop()) {
        Some(Want::Run { power, .. }) => Some(power),
        _ => None,
    };
    bed.eventually("it is offline", || power() == Some(Power::Offline)).await;
    let end = bed.ended(bed.plimsoll.online(&ann(), &shop(), write("on")).await.unwrap()).await;
    assert_eq!(end.dcs.len(), 4);
    assert_eq!(power(), Some(Power::Online));
}
