//! Pausing, resuming and aborting.

use std::time::Duration;

use plimsoll_core::cluster::Want;
use plimsoll_core::error::Error;
use plimsoll_core::fold::OperationState;
use plimsoll_core::name::OperationId;
use plimsoll_core::record::OutcomeState;
use plimsoll_core::usecase::{ScaleChange, Steering, Write};
use plimsoll_core::view::{Accepted, Health};
use serde_json::json;

use crate::support::{Bed, FakeDc, Manner, ann, shop, write};

fn release(dc: &FakeDc) -> Option<u64> {
    match dc.what_it_has(&shop())? {
        Want::Run { release, .. } => Some(release.get()),
        Want::Deleted => None,
    }
}

async fn say(bed: &Bed, id: OperationId, steering: Steering) -> Result<Accepted, Error> {
    let write = Write { reason: Some("the lunch rush".to_owned()), ..write(&format!("{steering:?}-{id}")) };
    let steered = bed.plimsoll.steer_operation(&ann(), id, steering, write).await?;
    Ok(steered.of_app().unwrap())
}

fn refused(answer: Result<Accepted, Error>) -> (&'static str, String) {
    let error = answer.unwrap_err();
    (error.reason, error.message)
}

/// An upgrade to release 2 that soaks in dc-1 while the others wait.
async fn upgrade(bed: &Bed) -> OperationId {
    let first = bed.apply(1, &json!({})).await;
    bed.until(first.id, |view| view.state.is_final()).await;
    let second = bed.apply(2, &json!({"order": [["dc-1"]], "soak": "10m"})).await;
    bed.until(second.id, |view| view.dcs[0].state == OutcomeState::Healthy).await;
    second.id
}

#[tokio::test(start_paused = true)]
async fn a_pause_opens_no_gate_and_lets_go_on_what_was_sent() {
    let bed = Bed::new().await;
    let id = upgrade(&bed).await;
    let accepted = say(&bed, id, Steering::Pause).await.unwrap();
    assert_eq!(accepted.notes, ["dc-2, dc-3: no order until it is resumed; dc-1: what was sent goes on"]);
    let paused = accepted.operation.unwrap();
    assert_eq!(paused.state, OperationState::Paused);
    assert_eq!(paused.message.as_deref(), Some("paused by ann (the lunch rush)"));
    tokio::time::sleep(Duration::from_hours(5)).await;
    assert_eq!(bed.dcs.iter().map(|dc| release(dc)).collect::<Vec<_>>(), [Some(2), Some(1), Some(1)]);
    let resumed = say(&bed, id, Steering::Resume).await.unwrap();
    assert_eq!(resumed.notes, ["it was paused by ann (the lunch rush)"]);
    let end = bed.until(id, |view| view.state.is_final()).await;
    assert_eq!(end.state, OperationState::Succeeded);
    assert_eq!(bed.dcs.iter().map(|dc| release(dc)).collect::<Vec<_>>(), [Some(2); 3]);
}

#[tokio::test(start_paused = true)]
async fn a_publish_that_is_held_tries_again_when_it_is_resumed_with_the_whole_deadline() {
    let bed = Bed::new().await;
    let first = bed.apply(1, &json!({})).await;
    bed.until(first.id, |view| view.state.is_final()).await;
    bed.dcs[0].manner(Manner::Chokes(2));
    let second = bed.apply(2, &json!({"order": [["dc-1"]], "deadline": "10m"})).await;
    bed.until(second.id, |view| view.state == OperationState::Held).await;
    let resumed = say(&bed, second.id, Steering::Resume).await.unwrap();
    assert_eq!(resumed.notes, ["dc-1: tried again, with the whole deadline"]);
    assert_eq!(resumed.operation.unwrap().state, OperationState::Running);
    // What was hopeless may be mended a little after somebody said so.
    tokio::time::sleep(Duration::from_mins(8)).await;
    let view = bed.plimsoll.operation(&ann(), second.id).await.unwrap().of_app().unwrap();
    assert_eq!(Bed::outcomes(&view), ["dc-1 Progressing", "dc-2 Waiting", "dc-3 Waiting"]);
    bed.dcs[0].manner(Manner::Prompt);
    let end = bed.until(second.id, |view| view.state.is_final()).await;
    assert_eq!(end.state, OperationState::Succeeded);
    assert_eq!(bed.dcs[0].puts().len(), 2, "nothing was delivered twice");
}

#[tokio::test(start_paused = true)]
async fn a_second_failure_is_held_again_and_can_be_resumed_again() {
    let bed = Bed::new().await;
    bed.dcs[0].manner(Manner::Stuck);
    bed.dcs[1].manner(Manner::Stuck);
    let first = bed.apply(1, &json!({"deadline": "2m"})).await;
    bed.until(first.id, |view| view.state == OperationState::Held).await;
    bed.dcs[1].manner(Manner::Prompt);
    say(&bed, first.id, Steering::Resume).await.unwrap();
    let held = bed.until(first.id, |view| view.state == OperationState::Held).await;
    assert_eq!(Bed::outcomes(&held), ["dc-1 Failed", "dc-2 Healthy", "dc-3 Healthy"]);
    assert_eq!((held.dcs[0].since - held.created).get_seconds(), 240);
    let app = bed.plimsoll.get(&ann(), &shop()).await.unwrap();
    let health: Vec<Health> = app.dcs.iter().map(|dc| dc.health).collect();
    assert_eq!(
        health,
        [Health::Degraded, Health::Healthy, Health::Healthy],
        "nobody waits for dc-1 any more"
    );
    bed.dcs[0].manner(Manner::Prompt);
    let again = write("again");
    bed.plimsoll.steer_operation(&ann(), first.id, Steering::Resume, again).await.unwrap();
    assert_eq!(bed.until(first.id, |view| view.state.is_final()).await.state, OperationState::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_after_a_resume_is_not_tried_again_by_that_resume() {
    let bed = Bed::new().await;
    bed.dcs[0].manner(Manner::Chokes(1));
    bed.dcs[1].manner(Manner::Stuck);
    let first = bed.apply(1, &json!({"deadline": "10m"})).await;
    bed.until(first.id, |view| view.state == OperationState::Held).await;
    bed.dcs[0].manner(Manner::Prompt);
    say(&bed, first.id, Steering::Resume).await.unwrap();
    let held = bed.until(first.id, |view| view.state == OperationState::Held).await;
    assert_eq!(Bed::outcomes(&held), ["dc-1 Healthy", "dc-2 Failed", "dc-3 Healthy"]);
    tokio::time::sleep(Duration::from_hours(1)).await;
    let view = bed.plimsoll.operation(&ann(), first.id).await.unwrap().of_app().unwrap();
    assert_eq!(view.state, OperationState::Held);
}

#[tokio::test(start_paused = true)]
async fn an_abort_leaves_everyone_as_they_are_and_says_what_runs_where() {
    let bed = Bed::new().await;
    let id = upgrade(&bed).await;
    let accepted = say(&bed, id, Steering::Abort).await.unwrap();
    assert_eq!(
        accepted.notes,
        [
            "dc-1: release 2; dc-2, dc-3: still release 1",
            "release 2 stays what demo/shop aims at: publish again, or roll back"
        ]
    );
    let aborted = accepted.operation.unwrap();
    assert_eq!(aborted.state, OperationState::Aborted);
    assert_eq!(
        aborted.message.as_deref(),
        Some("aborted by ann (the lunch rush); dc-1: release 2; dc-2, dc-3: still release 1")
    );
    tokio::time::sleep(Duration::from_hours(5)).await;
    assert_eq!(bed.dcs.iter().map(|dc| release(dc)).collect::<Vec<_>>(), [Some(2), Some(1), Some(1)]);
    let again = bed.apply(2, &json!({"order": [["dc-1"]], "soak": "10m"})).await;
    assert_eq!(again.release.get(), 3, "the same document is published again");
    assert_eq!(bed.until(again.id, |view| view.state.is_final()).await.state, OperationState::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_paused_resumed_or_aborted_says_what_it_does_instead() {
    let bed = Bed::new().await;
    let id = upgrade(&bed).await;
    assert_eq!(
        refused(say(&bed, id, Steering::Resume).await),
        (
            "NOTHING_TO_RESUME",
            "the upgrade of demo/shop to release 2 is neither paused nor held: it goes on".to_owned()
        )
    );
    bed.until(id, |view| view.state.is_final()).await;
    for steering in [Steering::Pause, Steering::Resume, Steering::Abort] {
        assert_eq!(
            refused(say(&bed, id, steering).await),
            ("OPERATION_ENDED", "the upgrade of demo/shop to release 2 has ended: it succeeded".to_owned())
        );
    }
    bed.dcs[0].manner(Manner::Stuck);
    let change =
        ScaleChange { size: Some(plimsoll_core::scale::Replication::Fixed(4)), ..ScaleChange::default() };
    let scale = bed.plimsoll.scale(&ann(), &shop(), change, write("scale")).await.unwrap();
    assert_eq!(
        refused(say(&bed, scale.operation.unwrap().id, Steering::Pause).await),
        (
            "NOTHING_TO_PAUSE",
            "every data center has its order from the scaling of demo/shop already, so there is nothing left to \
             pause; plimsoll rollback brings back what was there before"
                .to_owned()
        )
    );
    bed.dcs[0].holds_on(true);
    let delete = bed.plimsoll.delete(&ann(), &shop(), write("delete")).await.unwrap();
    assert_eq!(
        refused(say(&bed, delete.operation.unwrap().id, Steering::Abort).await),
        (
            "NOT_ABORTABLE",
            "the deletion of demo/shop is ordered in every data center and cannot be called back; apply makes \
             the app anew"
                .to_owned()
        )
    );
}

#[tokio::test(start_paused = true)]
async fn what_only_lost_data_centers_could_meet_cannot_be_resumed_and_says_so() {
    let bed = Bed::new().await;
    for dc in &bed.dcs {
        dc.stop();
    }
    let first = bed.apply(1, &json!({})).await;
    bed.until(first.id, |view| view.state == OperationState::Held).await;
    assert_eq!(
        refused(say(&bed, first.id, Steering::Resume).await),
        (
            "NOTHING_TO_RESUME",
            "the go-live of demo/shop is held for what nobody can resume: only dc-1, dc-2, dc-3 could still meet \
             the publish policy, and cannot be reached"
                .to_owned()
        )
    );
}

#[tokio::test(start_paused = true)]
async fn a_repeat_gets_the_first_answer_and_a_check_changes_nothing() {
    let bed = Bed::new().await;
    let id = upgrade(&bed).await;
    let checked = Write { mode: plimsoll_core::usecase::Mode::Validate, ..write("check") };
    let answer =
        bed.plimsoll.steer_operation(&ann(), id, Steering::Abort, checked).await.unwrap().of_app().unwrap();
    assert_eq!(answer.operation, None);
    let first = say(&bed, id, Steering::Pause).await.unwrap();
    say(&bed, id, Steering::Resume).await.unwrap();
    let again = say(&bed, id, Steering::Pause).await.unwrap();
    assert_eq!(again.notes, first.notes);
    assert_eq!(again.operation.unwrap().state, OperationState::Running, "it was said once");
    let other = write(&format!("Pause-{id}"));
    let other = bed
        .plimsoll
        .steer_operation(&ann(), id, Steering::Abort, other)
        .await
        .map(|steered| steered.of_app().unwrap());
    assert_eq!(refused(other).0, "REQUEST_ID_REUSED");
}

#[tokio::test(start_paused = true)]
async fn a_paused_publish_keeps_waiting_when_its_data_centers_are_lost_and_return() {
    let bed = Bed::new().await;
    let id = upgrade(&bed).await;
    say(&bed, id, Steering::Pause).await.unwrap();
    bed.dcs[1].stop();
    bed.dcs[2].stop();
    bed.until(id, |view| view.dcs[2].state == OutcomeState::Owed).await;
    tokio::time::sleep(Duration::from_mins(30)).await;
    let view = bed.plimsoll.operation(&ann(), id).await.unwrap().of_app().unwrap();
    assert_eq!(view.state, OperationState::Paused, "it ends when it is resumed, and not by their loss");
    bed.dcs[1].start();
    bed.dcs[2].start();
    tokio::time::sleep(Duration::from_mins(30)).await;
    assert_eq!(bed.dcs.iter().map(|dc| release(dc)).collect::<Vec<_>>(), [Some(2), Some(1), Some(1)]);
    say(&bed, id, Steering::Resume).await.unwrap();
    assert_eq!(bed.until(id, |view| view.state.is_final()).await.state, OperationState::Succeeded);
}
