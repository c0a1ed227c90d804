//! A data center that a person has go its own way.

use std::time::Duration;

use plimsoll_core::cluster::{Local, Want};
use plimsoll_core::fold::OperationState;
use plimsoll_core::record::OutcomeState;
use plimsoll_core::view::Health;
use serde_json::json;

use crate::support::{Bed, FakeDc, ann, shop, write};

fn local() -> Local {
    let text = |text: &str| Some(text.to_owned());
    Local {
        by: text("bob"),
        at: text("2026-11-23T03:00:00Z"),
        reason: text("cut off, and release 1 was bad"),
    }
}

const SENTENCE: &str = "changed locally by bob at 2026-11-23T03:00:00Z (cut off, and release 1 was bad): nothing is \
                        delivered there; what is ordered comes back when that App resource is deleted, which \
                        restarts no pod by itself";

fn release(dc: &FakeDc) -> Option<u64> {
    match dc.what_it_has(&shop())? {
        Want::Run { release, .. } => Some(release.get()),
        Want::Deleted => None,
    }
}

/// An App whose second data center goes its own way.
async fn diverged() -> Bed {
    let bed = Bed::new().await;
    let first = bed.apply(1, &json!({})).await;
    bed.until(first.id, |view| view.state.is_final()).await;
    bed.dcs[1].go_local(&shop(), local());
    bed
}

#[tokio::test(start_paused = true)]
async fn a_data_center_that_goes_its_own_way_is_skipped_says_who_and_why_and_delays_nobody() {
    let bed = diverged().await;
    let begun = tokio::time::Instant::now();
    let second = bed.apply(2, &json!({"order": [["dc-2"], ["dc-1"]]})).await;
    let end = bed.until(second.id, |view| view.state.is_final()).await;
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(end.state, OperationState::SucceededOwing);
    assert_eq!(Bed::outcomes(&end), ["dc-1 Healthy", "dc-2 Diverged", "dc-3 Healthy"]);
    assert_eq!(end.dcs[1].reason.as_deref(), Some("LocalRollback"));
    assert_eq!(end.dcs[1].message.as_deref(), Some(SENTENCE));
    let app = bed.plimsoll.get(&ann(), &shop()).await.unwrap();
    assert_eq!((app.dcs[1].health, app.dcs[1].findings[0].message.as_str()), (Health::Degraded, SENTENCE));
    tokio::time::sleep(Duration::from_hours(5)).await;
    assert_eq!((bed.dcs[1].puts().len(), bed.dcs[1].refused()), (1, 0), "nothing is even tried");
}

#[tokio::test(start_paused = true)]
async fn a_rollback_leaves_it_out_and_names_it() {
    let bed = diverged().await;
    let second = bed.apply(2, &json!({})).await;
    bed.until(second.id, |view| view.state.is_final()).await;
    let back = bed.plimsoll.rollback(&ann(), &shop(), None, write("back")).await.unwrap();
    assert_eq!(back.notes[1], format!("dc-2 is left out: {SENTENCE}"));
    let end = bed.ended(back).await;
    assert_eq!(Bed::outcomes(&end), ["dc-1 Healthy", "dc-2 Diverged", "dc-3 Healthy"]);
    assert_eq!(bed.dcs[1].puts().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn when_its_app_resource_is_deleted_it_gets_what_is_ordered() {
    let bed = diverged().await;
    let second = bed.apply(2, &json!({})).await;
    bed.until(second.id, |view| view.state.is_final()).await;
    bed.dcs[1].lose(&shop());
    bed.eventually("it is one of them again", || release(&bed.dcs[1]) == Some(2)).await;
    let view = bed.settled(second.id).await;
    assert_eq!(view.dcs[1].state, OutcomeState::Healthy);
    assert_eq!(bed.dcs[1].puts().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn one_that_goes_its_own_way_in_the_middle_of_a_soak_is_not_waited_for() {
    let bed = Bed::new().await;
    let first = bed.apply(1, &json!({"soak": "10m"})).await;
    bed.until(first.id, |view| view.dcs[1].state == OutcomeState::Healthy).await;
    bed.dcs[1].go_local(&shop(), Local::default());
    let end = bed.until(first.id, |view| view.state.is_final()).await;
    assert_eq!(Bed::outcomes(&end), ["dc-1 Healthy", "dc-2 Diverged", "dc-3 Healthy"]);
    assert!(
        end.dcs[1].message.as_deref().unwrap().starts_with("changed locally by somebody who left no name: ")
    );
}
