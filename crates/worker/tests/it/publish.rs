//! Publishing: go live, upgrade, waves, soak, deadline, roll back.

use std::time::Duration;

use crate::support::{Bed, Manner, ann, document, shop, write};
use plimsoll_core::cluster::{Power, Want};
use plimsoll_core::error::Kind;
use plimsoll_core::fold::OperationState;
use plimsoll_core::name::ReleaseNumber;
use plimsoll_core::record::OutcomeState;
use plimsoll_core::usecase::{Mode, PageRequest, TakeScale, Write};
use serde_json::json;

fn release(want: Option<Want>) -> Option<u64> {
    match want? {
        Want::Run { release, .. } => Some(release.get()),
        Want::Deleted => None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_publish_reaches_every_data_center_with_one_write_each() {
    let bed = Bed::new().await;
    let operation = bed.apply(1, &json!({})).await;
    let end = bed.until(operation.id, |view| view.state.is_final()).await;
    assert_eq!(end.state, OperationState::Succeeded);
    assert_eq!(Bed::outcomes(&end), ["dc-1 Healthy", "dc-2 Healthy", "dc-3 Healthy"]);
    for dc in &bed.dcs {
        assert_eq!(dc.puts().len(), 1);
    }
    let app = bed.plimsoll.get(&ann(), &shop()).await.unwrap();
    assert_eq!(app.release.get(), 1);
    assert_eq!(app.dcs.iter().map(|dc| dc.replicas.unwrap().ready).collect::<Vec<_>>(), [3, 3, 3]);
}

#[tokio::test(start_paused = true)]
async fn at_rest_nothing_is_written() {
    let bed = Bed::new().await;
    let operation = bed.apply(1, &json!({})).await;
    bed.until(operation.id, |view| view.state.is_final()).await;
    let revision =
        || async { bed.ledger.range(&plimsoll_core::ledger::Range::prefix("apps/")).await.unwrap().revision };
    tokio::time::sleep(Duration::from_mins(1)).await;
    let before = revision().await;
    tokio::time::sleep(Duration::from_hours(10)).await;
    assert_eq!(revision().await, before);
    assert!(bed.dcs.iter().all(|dc| dc.puts().len() == 1));
}

#[tokio::test(start_paused = true)]
async fn a_wave_opens_when_the_one_before_has_soaked() {
    let bed = Bed::new().await;
    let policy = json!({"order": [["dc-2"], ["dc-1"]], "soak": "1m"});
    let operation = bed.apply(1, &policy).await;
    bed.until(operation.id, |view| view.dcs[1].state == OutcomeState::Healthy).await;
    tokio::time::sleep(Duration::from_secs(50)).await;
    assert_eq!(
        (bed.dcs[0].puts().len(), bed.dcs[2].puts().len()),
        (0, 0),
        "nobody else before the soak is over"
    );
    let begun = tokio::time::Instant::now();
    let end = bed.until(operation.id, |view| view.state.is_final()).await;
    assert_eq!(end.state, OperationState::Succeeded);
    let took = begun.elapsed();
    assert!(took > Duration::from_secs(125) && took < Duration::from_secs(140), "two more soaks: {took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_publish_that_misses_its_deadline_is_held_with_the_reason() {
    let bed = Bed::new().await;
    bed.dcs[1].manner(Manner::Stuck);
    let operation = bed.apply(1, &json!({"deadline": "2m"})).await;
    let held = bed.until(operation.id, |view| view.state == OperationState::Held).await;
    assert_eq!(
        held.message.as_deref(),
        Some("dc-2: not healthy within 2m: the image cannot be pulled; publish a fix, or resume it")
    );
    assert_eq!(held.dcs[1].reason.as_deref(), Some("ImagePull"), "the cause, not that it took long");
    assert_eq!(held.dcs[1].message.as_deref(), Some("not healthy within 2m: the image cannot be pulled"));
    assert_eq!((held.dcs[1].since - held.created).get_seconds(), 120);
}

#[tokio::test(start_paused = true)]
async fn a_failed_upgrade_rolls_itself_back_and_pins() {
    let bed = Bed::new().await;
    let first = bed.apply(1, &json!({"onFailure": "Rollback"})).await;
    bed.until(first.id, |view| view.state.is_final()).await;
    bed.dcs[0].manner(Manner::Chokes(2));
    let second = bed.apply(2, &json!({"onFailure": "Rollback", "order": [["dc-1"]]})).await;
    let end = bed.until(second.id, |view| view.state.is_final()).await;
    assert_eq!(end.state, OperationState::RolledBack);
    let rollback = end.superseded_by.unwrap();
    let end = bed.until(rollback, |view| view.state.is_final()).await;
    assert_eq!((end.state, end.by.as_str()), (OperationState::Succeeded, "plimsoll"));
    let app = bed.plimsoll.get(&ann(), &shop()).await.unwrap();
    assert_eq!(bed.dcs[2].puts().len(), 2, "the bad release never reached dc-3");
    let why = "release 2 failed: dc-1: the image cannot be pulled";
    let pin = app.pin.unwrap();
    assert_eq!((app.release.get(), pin.from.get(), pin.reason.as_deref()), (3, 2, Some(why)));
    assert_eq!(end.reason.as_deref(), Some(why));
    let history = bed.plimsoll.history(&ann(), &shop(), PageRequest::default()).await.unwrap();
    assert_eq!(history.items[0].reason.as_deref(), Some(why));
    let refused = bed
        .plimsoll
        .apply(&ann(), &document(4, &json!({})), TakeScale::No, write("pinned"))
        .await
        .unwrap_err();
    assert!(refused.message.contains(&format!("({why})")), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_rollback_preempts_a_running_publish_which_then_reaches_nobody_else() {
    let bed = Bed::new().await;
    let first = bed.apply(1, &json!({})).await;
    bed.until(first.id, |view| view.state.is_final()).await;
    bed.dcs[0].manner(Manner::Stuck);
    let second = bed.apply(2, &json!({"order": [["dc-1"]]})).await;
    bed.until(second.id, |view| view.dcs[0].state == OutcomeState::Progressing).await;
    let rollback = bed.plimsoll.rollback(&ann(), &shop(), None, write("back")).await.unwrap();
    bed.dcs[0].manner(Manner::Prompt);
    assert_eq!(bed.ended(rollback).await.state, OperationState::Succeeded);
    let second = bed.plimsoll.operation(&ann(), second.id).await.unwrap().of_app().unwrap();
    assert_eq!(second.state, OperationState::Superseded);
    assert_eq!(Bed::outcomes(&second), ["dc-1 Progressing", "dc-2 Waiting", "dc-3 Waiting"]);
    for dc in &bed.dcs {
        assert_eq!(release(dc.what_it_has(&shop())), Some(3));
    }
    let refused = bed
        .plimsoll
        .apply(&ann(), &document(4, &json!({})), TakeScale::No, write("pinned"))
        .await
        .unwrap_err();
    assert_eq!((refused.kind, refused.reason), (Kind::Refused, "PINNED"));
    bed.plimsoll.unpin(&ann(), &shop(), write("unpin")).await.unwrap();
    let again = bed.apply(4, &json!({})).await;
    assert_eq!(bed.until(again.id, |view| view.state.is_final()).await.state, OperationState::Succeeded);
    let history = bed.plimsoll.history(&ann(), &shop(), PageRequest::default()).await.unwrap();
    let numbers: Vec<_> =
        history.items.iter().map(|r| (r.number.get(), r.back_to.map(ReleaseNumber::get))).collect();
    assert_eq!(numbers, [(4, None), (3, Some(1)), (2, None), (1, None)]);
}

#[tokio::test(start_paused = true)]
async fn a_later_publish_supersedes_the_earlier() {
    let bed = Bed::new().await;
    bed.dcs[0].manner(Manner::Stuck);
    let first = bed.apply(1, &json!({"order": [["dc-1"]]})).await;
    bed.until(first.id, |view| view.dcs[0].state == OutcomeState::Progressing).await;
    bed.dcs[0].manner(Manner::Prompt);
    let second = bed.apply(2, &json!({})).await;
    bed.until(second.id, |view| view.state == OperationState::Succeeded).await;
    let first = bed.plimsoll.operation(&ann(), first.id).await.unwrap().of_app().unwrap();
    assert_eq!((first.state, first.superseded_by), (OperationState::Superseded, Some(second.id)));
}

#[tokio::test(start_paused = true)]
async fn of_two_publishes_with_the_same_if_match_one_wins_and_the_other_learns_who() {
    let bed = Bed::new().await;
    let first = bed.apply(1, &json!({})).await;
    bed.until(first.id, |view| view.state.is_final()).await;
    let etag = bed.plimsoll.get(&ann(), &shop()).await.unwrap().etag;
    let send = |version, id| {
        let plimsoll = bed.plimsoll.clone();
        async move {
            let write = Write { if_match: Some(etag), ..write(id) };
            plimsoll.apply(&ann(), &document(version, &json!({})), TakeScale::No, write).await
        }
    };
    let (two, three) = futures::join!(send(2, "two"), send(3, "three"));
    let (won, lost) = if two.is_ok() { (two, three) } else { (three, two) };
    won.unwrap();
    let lost = lost.unwrap_err();
    assert_eq!((lost.kind, lost.reason), (Kind::Conflict, "APP_CHANGED"));
    assert!(lost.message.contains("ann changed demo/shop at 1970-01-01"), "{}", lost.message);
}

#[tokio::test(start_paused = true)]
async fn a_repeated_request_gets_the_first_answer_and_another_one_under_its_id_is_refused() {
    let bed = Bed::new().await;
    let apply = |version| {
        let plimsoll = bed.plimsoll.clone();
        async move { plimsoll.apply(&ann(), &document(version, &json!({})), TakeScale::No, write("same")).await }
    };
    let first = apply(1).await.unwrap().operation.unwrap();
    let again = apply(1).await.unwrap().operation.unwrap();
    assert_eq!(first.id, again.id);
    assert_eq!(apply(2).await.unwrap_err().reason, "REQUEST_ID_REUSED");
    let only_checked = Write { mode: Mode::Validate, ..write("check") };
    let checked =
        bed.plimsoll.apply(&ann(), &document(3, &json!({})), TakeScale::No, only_checked).await.unwrap();
    assert_eq!(checked.operation, None);
    assert_eq!(bed.plimsoll.get(&ann(), &shop()).await.unwrap().release.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn offline_online_restart_scale_and_delete_write_every_order_at_once() {
    let bed = Bed::new().await;
    let first = bed.apply(1, &json!({"order": [["dc-1"], ["dc-2"]], "soak": "5m"})).await;
    bed.until(first.id, |view| view.state.is_final()).await;
    let begun = tokio::time::Instant::now();
    let end = bed.ended(bed.plimsoll.offline(&ann(), &shop(), write("off")).await.unwrap()).await;
    assert_eq!(Bed::outcomes(&end), ["dc-1 Done", "dc-2 Done", "dc-3 Done"]);
    assert!(matches!(bed.dcs[0].what_it_has(&shop()), Some(Want::Run { power: Power::Offline, .. })));
    bed.ended(bed.plimsoll.online(&ann(), &shop(), write("on")).await.unwrap()).await;
    bed.ended(bed.plimsoll.restart(&ann(), &shop(), write("restart")).await.unwrap()).await;
    assert!(matches!(bed.dcs[2].what_it_has(&shop()), Some(Want::Run { restarts: 1, .. })));
    let change = plimsoll_core::usecase::ScaleChange {
        size: Some(plimsoll_core::scale::Replication::Fixed(5)),
        ..Default::default()
    };
    let end = bed.ended(bed.plimsoll.scale(&ann(), &shop(), change, write("scale")).await.unwrap()).await;
    assert_eq!(end.dcs.iter().map(|dc| dc.replicas.unwrap().ready).collect::<Vec<_>>(), [5, 5, 5]);
    let end = bed.ended(bed.plimsoll.delete(&ann(), &shop(), write("delete")).await.unwrap()).await;
    assert_eq!(Bed::outcomes(&end), ["dc-1 Done", "dc-2 Done", "dc-3 Done"]);
    assert_eq!(bed.plimsoll.get(&ann(), &shop()).await.unwrap_err().kind, Kind::NotFound);
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "none of them waits for a wave: {:?}",
        begun.elapsed()
    );
    let reborn = bed.apply(9, &json!({})).await;
    let end = bed.until(reborn.id, |view| view.state.is_final()).await;
    assert_eq!((end.state, end.release.get()), (OperationState::Succeeded, 1));
}

#[tokio::test(start_paused = true)]
async fn a_scale_in_the_middle_of_an_upgrade_ends_no_upgrade() {
    let bed = Bed::new().await;
    let first = bed.apply(1, &json!({})).await;
    bed.until(first.id, |view| view.state.is_final()).await;
    let second = bed.apply(2, &json!({"order": [["dc-1"]], "soak": "10m"})).await;
    bed.until(second.id, |view| view.dcs[0].state == OutcomeState::Healthy).await;
    let change = plimsoll_core::usecase::ScaleChange {
        size: Some(plimsoll_core::scale::Replication::Fixed(4)),
        ..Default::default()
    };
    bed.ended(bed.plimsoll.scale(&ann(), &shop(), change, write("scale")).await.unwrap()).await;
    assert_eq!(release(bed.dcs[1].what_it_has(&shop())), Some(1), "the scale brought no release");
    let end = bed.until(second.id, |view| view.state.is_final()).await;
    assert_eq!(end.state, OperationState::Succeeded);
    assert_eq!(release(bed.dcs[1].what_it_has(&shop())), Some(2));
}
