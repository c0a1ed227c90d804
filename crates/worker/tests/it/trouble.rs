//! Data centers that go away and come back, workers that die, resources that vanish.

use std::time::Duration;

use crate::support::{Bed, Manner, ann, document, shop, write};
use plimsoll_core::cluster::Want;
use plimsoll_core::fold::OperationState;
use plimsoll_core::record::OutcomeState;
use plimsoll_core::usecase::TakeScale;
use plimsoll_core::view::Health;
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn a_data_center_that_is_down_is_owed_and_gets_its_newest_order_once_on_return() {
    let bed = Bed::new().await;
    let first = bed.apply(1, &json!({})).await;
    bed.until(first.id, |view| view.state.is_final()).await;
    bed.dcs[2].stop();
    let mut owing = Vec::new();
    for version in 2..=5 {
        let operation = bed.apply(version, &json!({})).await;
        let end = bed.until(operation.id, |view| view.state.is_final()).await;
        assert_eq!(end.state, OperationState::SucceededOwing);
        assert_eq!(Bed::outcomes(&end), ["dc-1 Healthy", "dc-2 Healthy", "dc-3 Owed"]);
        owing.push(operation.id);
    }
    assert_eq!(bed.dcs[2].puts().len(), 1);
    let overtaken = bed.plimsoll.operation(&ann(), owing[0]).await.unwrap().of_app().unwrap();
    assert_eq!(Bed::outcomes(&overtaken), ["dc-1 Healthy", "dc-2 Healthy", "dc-3 Superseded"]);
    let app = bed.plimsoll.get(&ann(), &shop()).await.unwrap();
    assert_eq!(app.dcs[2].health, Health::Unknown);
    bed.dcs[2].start();
    let delivered = || bed.dcs[2].puts().len() > 1;
    bed.eventually("the return is noticed", delivered).await;
    let view = bed.settled(owing[3]).await;
    assert_eq!(view.state, OperationState::Succeeded, "nobody is owed any more");
    assert_eq!(view.dcs[2].state, OutcomeState::Healthy);
    assert_eq!(bed.dcs[2].puts().len(), 2, "one write, of the newest");
    assert!(matches!(bed.dcs[2].what_it_has(&shop()), Some(Want::Run { release, .. }) if release.get() == 5));
}

#[tokio::test(start_paused = true)]
async fn a_data_center_that_is_down_delays_nobody() {
    let bed = Bed::new().await;
    bed.dcs[0].stop();
    bed.eventually("the loss is noticed", || bed.dcs[0].refused() > 0).await;
    let begun = tokio::time::Instant::now();
    let operation = bed.apply(1, &json!({"order": [["dc-1"], ["dc-2"], ["dc-3"]]})).await;
    let end = bed.until(operation.id, |view| view.state.is_final()).await;
    assert_eq!(end.state, OperationState::SucceededOwing);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_data_center_that_fails_at_one_app_is_not_lost_and_serves_the_others() {
    let bed = Bed::new().await;
    bed.dcs[0].fails_at(Some(shop()));
    let stuck = bed.apply(1, &json!({"deadline": "1h"})).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    let mut document = document(1, &json!({}));
    document["metadata"]["name"] = "other".into();
    let other = bed.plimsoll.apply(&ann(), &document, TakeScale::No, write("other")).await.unwrap();
    let begun = tokio::time::Instant::now();
    assert_eq!(bed.ended(other).await.state, OperationState::Succeeded, "nobody is owed anything");
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    let before = bed.dcs[0].refused();
    tokio::time::sleep(Duration::from_mins(30)).await;
    let view = bed.plimsoll.operation(&ann(), stuck.id).await.unwrap().of_app().unwrap();
    assert_eq!(Bed::outcomes(&view), ["dc-1 Sent", "dc-2 Healthy", "dc-3 Healthy"]);
    assert_eq!(view.dcs[0].reason.as_deref(), Some("NotDelivered"));
    let said = "the data center answers that it fails: etcdserver: request timed out (500)";
    assert_eq!(view.dcs[0].message.as_deref(), Some(said));
    let offers = bed.dcs[0].refused() - before;
    assert!((25..=35).contains(&offers), "{offers} offers in half an hour");
    bed.dcs[0].fails_at(None);
    let end = bed.until(stuck.id, |view| view.state.is_final()).await;
    assert_eq!(end.state, OperationState::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn a_data_center_that_asks_to_wait_is_left_alone_for_so_long() {
    let bed = Bed::new().await;
    bed.dcs[0].busy(Some(Duration::from_mins(5)));
    let first = bed.apply(1, &json!({"deadline": "2h"})).await;
    tokio::time::sleep(Duration::from_mins(31)).await;
    assert_eq!(bed.dcs[0].refused(), 7, "at once, and then every five minutes");
    let view = bed.plimsoll.operation(&ann(), first.id).await.unwrap().of_app().unwrap();
    assert_eq!(Bed::outcomes(&view), ["dc-1 Sent", "dc-2 Healthy", "dc-3 Healthy"]);
    let said = "the data center has too much to do now and asks to wait";
    assert_eq!(view.dcs[0].message.as_deref(), Some(said));
    bed.dcs[0].busy(None);
    assert_eq!(bed.until(first.id, |view| view.state.is_final()).await.state, OperationState::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn a_publish_that_only_lost_data_centers_could_meet_is_held_and_goes_on_by_itself() {
    let bed = Bed::new().await;
    for dc in &bed.dcs {
        dc.stop();
    }
    let operation = bed.apply(1, &json!({})).await;
    let held = bed.until(operation.id, |view| view.state == OperationState::Held).await;
    assert_eq!(Bed::outcomes(&held), ["dc-1 Owed", "dc-2 Owed", "dc-3 Owed"]);
    bed.dcs[1].start();
    let end = bed.until(operation.id, |view| view.state.is_final()).await;
    assert_eq!(end.state, OperationState::SucceededOwing);
}

#[tokio::test(start_paused = true)]
async fn a_killed_worker_loses_nothing_and_repeats_nothing() {
    let bed = Bed::new().await;
    bed.dcs[1].manner(Manner::Stuck);
    let operation = bed.apply(1, &json!({"deadline": "1h"})).await;
    bed.until(operation.id, |view| view.dcs[1].state == OutcomeState::Progressing).await;
    bed.kill().await;
    bed.dcs[1].manner(Manner::Prompt);
    bed.run();
    let end = bed.until(operation.id, |view| view.state.is_final()).await;
    assert_eq!(end.state, OperationState::Succeeded);
    assert!(bed.dcs.iter().all(|dc| dc.puts().len() == 1));
}

#[tokio::test(start_paused = true)]
async fn an_accepted_publish_is_carried_out_by_workers_that_start_later() {
    let bed = Bed::new().await;
    bed.kill().await;
    let operation = bed.apply(1, &json!({})).await;
    bed.run();
    assert_eq!(bed.until(operation.id, |view| view.state.is_final()).await.state, OperationState::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_app_resource_is_written_again() {
    let bed = Bed::new().await;
    let operation = bed.apply(1, &json!({})).await;
    bed.until(operation.id, |view| view.state.is_final()).await;
    bed.dcs[0].lose(&shop());
    bed.eventually("it is there again", || bed.dcs[0].what_it_has(&shop()).is_some()).await;
    let puts = bed.dcs[0].puts();
    assert_eq!(puts.len(), 2);
    assert_eq!(puts[0], puts[1], "the same order under the same fence");
}

#[tokio::test(start_paused = true)]
async fn a_delete_while_a_data_center_is_down_waits_for_it() {
    let bed = Bed::new().await;
    let operation = bed.apply(1, &json!({})).await;
    bed.until(operation.id, |view| view.state.is_final()).await;
    bed.dcs[0].stop();
    let delete = bed.plimsoll.delete(&ann(), &shop(), write("delete")).await.unwrap().operation.unwrap();
    let end = bed.until(delete.id, |view| view.state.is_final()).await;
    assert_eq!(end.state, OperationState::SucceededOwing);
    bed.dcs[0].start();
    bed.eventually("it is deleted there too", || {
        matches!(bed.dcs[0].what_it_has(&shop()), Some(Want::Deleted))
    })
    .await;
}
