//! Data centers that lose much at once, or are not what they were: nothing is written there until an operator
//! decides.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{Bed, ann, write};
use plimsoll_core::breaker::{Cause, Deed, Guard, Loss, Stop};
use plimsoll_core::error::Kind;
use plimsoll_core::fold::OperationState;
use plimsoll_core::name::AppRef;
use plimsoll_core::record::{DcState, OutcomeState};
use plimsoll_core::scale::Replication;
use plimsoll_core::usecase::ScaleChange;
use plimsoll_core::view::{DcView, Health};
use plimsoll_ledger::MemoryLedger;

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("app-{n}")).collect()
}

fn app(name: &str) -> AppRef {
    AppRef { namespace: "demo".parse().unwrap(), name: name.parse().unwrap() }
}

fn is_held(view: &DcView) -> bool {
    view.state == DcState::Held
}

/// Long enough for everything that would be done to be done.
async fn a_while() {
    tokio::time::sleep(Duration::from_mins(2)).await;
}

fn reasons(view: &DcView) -> Vec<&'static str> {
    view.stops.iter().map(|stop| stop.cause.reason()).collect()
}

#[tokio::test(start_paused = true)]
async fn three_of_ten_missing_app_resources_come_back_and_stop_nothing() {
    let bed = Bed::new().await;
    bed.publish_apps(&names(10), 1).await;
    for name in &names(3) {
        bed.dcs[0].lose(&app(name));
    }
    bed.eventually("they are back", || bed.dcs[0].size() == 10).await;
    a_while().await;
    assert_eq!(bed.dc(0).await.state, DcState::Active);
}

#[tokio::test(start_paused = true)]
async fn when_all_app_resources_vanish_three_are_made_again_and_then_none() {
    let bed = Bed::new().await;
    bed.publish_apps(&names(10), 1).await;
    bed.dcs[0].lose_all();
    let view = bed.dc_until(0, is_held).await;
    a_while().await;
    assert_eq!(bed.dcs[0].size(), 3);
    let Cause::Loss(Loss { count, limit, apps, deeds }) = &view.stops[0].cause else { panic!("{view:#?}") };
    assert_eq!((*count, *limit, *apps, deeds.len()), (4, 3, 10, 4));
    assert!(deeds.iter().all(|deed| deed.object.starts_with("App demo/app-")), "{deeds:?}");
    let message = view.message.unwrap();
    assert!(
        message.starts_with("dc-1 is held until an operator decides: 4 things were missing there"),
        "{message}"
    );
    assert!(message.contains("`plimsoll dc confirm dc-1`"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_a_hundred_apps_is_five() {
    let bed = Bed::new().await;
    bed.publish_apps(&names(100), 1).await;
    bed.dcs[0].lose_all();
    bed.dc_until(0, is_held).await;
    a_while().await;
    assert_eq!(bed.dcs[0].size(), 5);
}

#[tokio::test(start_paused = true)]
async fn the_same_resource_deleted_again_and_again_comes_back_each_time() {
    let bed = Bed::new().await;
    bed.publish_apps(&names(1), 1).await;
    for _ in 0..10 {
        bed.dcs[0].lose(&app("app-0"));
        bed.eventually("it is back", || bed.dcs[0].size() == 1).await;
    }
    assert_eq!(bed.dc(0).await.state, DcState::Active);
}

#[tokio::test(start_paused = true)]
async fn what_is_lost_hour_by_hour_stops_nothing() {
    let bed = Bed::new().await;
    bed.publish_apps(&names(8), 1).await;
    for pair in names(8).chunks(2) {
        for name in pair {
            bed.dcs[0].lose(&app(name));
        }
        bed.eventually("they are back", || bed.dcs[0].size() == 8).await;
        tokio::time::sleep(Duration::from_mins(61)).await;
    }
    assert_eq!(bed.dc(0).await.state, DcState::Active);
}

#[tokio::test(start_paused = true)]
async fn a_held_data_center_is_owed_and_delays_nobody() {
    let bed = Bed::new().await;
    bed.publish_apps(&names(10), 1).await;
    bed.dcs[0].lose_all();
    bed.dc_until(0, is_held).await;
    let had = bed.dcs[0].puts().len();
    let begun = tokio::time::Instant::now();
    let accepted = bed.plimsoll.restart(&ann(), &app("app-7"), write("restart")).await.unwrap();
    let end = bed.ended(accepted).await;
    assert_eq!(end.state, OperationState::SucceededOwing);
    assert_eq!(Bed::outcomes(&end), ["dc-1 Owed", "dc-2 Healthy", "dc-3 Healthy"]);
    assert_eq!(end.dcs[0].reason.as_deref(), Some("Held"));
    assert!(end.dcs[0].message.as_ref().unwrap().contains("plimsoll dc confirm dc-1"), "{end:#?}");
    let publish = bed.apply(2, &serde_json::json!({"order": [["dc-1"], ["dc-2"], ["dc-3"]]})).await;
    let end = bed.until(publish.id, |view| view.state.is_final()).await;
    assert_eq!(end.state, OperationState::SucceededOwing);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(bed.dcs[0].puts().len(), had, "nothing was written there");
    let missing = names(10).into_iter().find(|name| bed.dcs[0].what_it_has(&app(name)).is_none()).unwrap();
    let view = bed.plimsoll.get(&ann(), &app(&missing)).await.unwrap();
    assert_eq!((view.dcs[0].dc_state, view.dcs[0].health), (DcState::Held, Health::Degraded));
    assert_eq!(view.dcs[0].findings[0].reason, "Held");
}

#[tokio::test(start_paused = true)]
async fn confirming_puts_everything_back_and_counts_anew() {
    let bed = Bed::new().await;
    bed.publish_apps(&names(10), 1).await;
    bed.dcs[0].lose_all();
    bed.dc_until(0, is_held).await;
    let accepted = bed.plimsoll.restart(&ann(), &app("app-7"), write("restart")).await.unwrap();
    bed.plimsoll.confirm_dc(&ann(), &"dc-1".parse().unwrap(), write("confirm")).await.unwrap();
    bed.eventually("all are back", || bed.dcs[0].size() == 10).await;
    assert_eq!(bed.settled(accepted.operation.unwrap().id).await.dcs[0].state, OutcomeState::Healthy);
    a_while().await;
    let view = bed.dc(0).await;
    assert_eq!((view.state, view.message), (DcState::Active, None));
    for name in &names(3) {
        bed.dcs[0].lose(&app(name));
    }
    bed.eventually("those are back as well", || bed.dcs[0].size() == 10).await;
    bed.dcs[0].lose(&app("app-5"));
    bed.dc_until(0, is_held).await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_of_the_worker_keeps_the_stop() {
    let bed = Bed::new().await;
    bed.publish_apps(&names(10), 1).await;
    bed.dcs[0].lose_all();
    bed.dc_until(0, is_held).await;
    bed.kill().await;
    bed.run();
    a_while().await;
    assert_eq!(bed.dcs[0].size(), 3);
    bed.kill().await;
    bed.plimsoll.confirm_dc(&ann(), &"dc-1".parse().unwrap(), write("confirm")).await.unwrap();
    bed.run();
    bed.eventually("a worker that starts later puts them back", || bed.dcs[0].size() == 10).await;
    a_while().await;
    assert_eq!(bed.dc(0).await.state, DcState::Active);
}

#[tokio::test(start_paused = true)]
async fn what_vanished_while_no_worker_ran_is_counted_too() {
    let bed = Bed::new().await;
    bed.publish_apps(&names(10), 1).await;
    bed.kill().await;
    bed.dcs[0].lose_all();
    bed.run();
    bed.dc_until(0, is_held).await;
    a_while().await;
    assert_eq!(bed.dcs[0].size(), 3);
}

#[tokio::test(start_paused = true)]
async fn refusing_leaves_it_as_it_is() {
    let bed = Bed::new().await;
    bed.publish_apps(&names(10), 1).await;
    bed.dcs[0].lose_all();
    bed.dc_until(0, is_held).await;
    let dc = "dc-1".parse().unwrap();
    let view = bed.plimsoll.refuse_dc(&ann(), &dc, write("refuse")).await.unwrap();
    assert!(view.message.unwrap().starts_with("dc-1 stays held, as ann decided: "));
    a_while().await;
    assert_eq!(bed.dcs[0].size(), 3);
    bed.plimsoll.confirm_dc(&ann(), &dc, write("confirm")).await.unwrap();
    bed.eventually("all are back", || bed.dcs[0].size() == 10).await;
}

#[tokio::test(start_paused = true)]
async fn there_is_nothing_to_decide_about_a_data_center_that_is_well() {
    let bed = Bed::new().await;
    let dc = "dc-1".parse().unwrap();
    let error = bed.plimsoll.confirm_dc(&ann(), &dc, write("confirm")).await.unwrap_err();
    assert_eq!((error.kind, error.reason), (Kind::Refused, "NOTHING_TO_DECIDE"));
}

#[tokio::test(start_paused = true)]
async fn deleting_a_hundred_apps_by_name_stops_nothing() {
    let bed = Bed::new().await;
    bed.publish_apps(&names(100), 1).await;
    let mut operations = Vec::new();
    for name in &names(100) {
        let accepted = bed.plimsoll.delete(&ann(), &app(name), write(&format!("delete-{name}"))).await;
        operations.push(accepted.unwrap());
    }
    for operation in operations {
        assert_eq!(bed.ended(operation).await.state, OperationState::Succeeded);
    }
    for n in 0..3 {
        assert_eq!(bed.dc(n).await.state, DcState::Active);
    }
}

#[tokio::test(start_paused = true)]
async fn publishing_a_hundred_apps_over_what_is_missing_stops_nothing() {
    let bed = Bed::new().await;
    bed.publish_apps(&names(20), 1).await;
    bed.kill().await;
    bed.dcs[0].lose_all();
    let mut operations = Vec::new();
    for name in &names(20) {
        operations
            .push(bed.plimsoll.restart(&ann(), &app(name), write(&format!("restart-{name}"))).await.unwrap());
    }
    bed.run();
    for operation in operations {
        assert_eq!(bed.ended(operation).await.state, OperationState::Succeeded);
    }
    assert_eq!(bed.dc(0).await.state, DcState::Active);
}

#[tokio::test(start_paused = true)]
async fn the_stop_of_a_controller_holds_its_data_center_and_confirming_lifts_it() {
    let bed = Bed::new().await;
    bed.publish_apps(&names(10), 1).await;
    let loss = Loss {
        count: 4,
        limit: 3,
        apps: 10,
        deeds: names(4).iter().map(|name| Deed::made_again("Deployment", &app(name))).collect(),
    };
    let stop = Stop {
        by: Guard::Controller { kept: "a".to_owned() },
        cause: Cause::Loss(loss),
        since: jiff::Timestamp::UNIX_EPOCH,
    };
    bed.dcs[0].controller_stops(&app("app-0"), stop.clone());
    let view = bed.dc_until(0, is_held).await;
    assert_eq!(view.stops, [stop]);
    bed.plimsoll.confirm_dc(&ann(), &"dc-1".parse().unwrap(), write("confirm")).await.unwrap();
    bed.eventually("it is lifted", || !bed.dcs[0].has_stopped()).await;
    a_while().await;
    assert_eq!(bed.dc(0).await.state, DcState::Active);
}

#[tokio::test(start_paused = true)]
async fn another_cluster_under_the_same_name_gets_nothing_until_an_operator_takes_it() {
    let bed = Bed::new().await;
    bed.publish_apps(&names(5), 1).await;
    let had = bed.dcs[0].puts().len();
    bed.dcs[0].becomes("uid-of-another");
    let view = bed.dc_until(0, is_held).await;
    assert_eq!(reasons(&view), ["OtherCluster"]);
    a_while().await;
    assert_eq!(bed.dcs[0].puts().len(), had);
    bed.plimsoll.confirm_dc(&ann(), &"dc-1".parse().unwrap(), write("confirm")).await.unwrap();
    bed.eventually("it has everything", || bed.dcs[0].size() == 5).await;
    a_while().await;
    let view = bed.dc(0).await;
    assert_eq!((view.state, view.cluster_uid.as_str()), (DcState::Active, "uid-of-another"));
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_was_put_back_to_an_earlier_state_is_held() {
    let bed = Bed::new().await;
    bed.publish_apps(&names(10), 1).await;
    let backup = bed.dcs[0].backup();
    bed.publish_apps(&names(10), 2).await;
    let had = bed.dcs[0].puts().len();
    bed.dcs[0].put_back(backup);
    let view = bed.dc_until(0, is_held).await;
    assert_eq!(reasons(&view), ["ClusterPutBack"]);
    a_while().await;
    assert_eq!(bed.dcs[0].puts().len(), had, "nothing was written there");
    bed.plimsoll.confirm_dc(&ann(), &"dc-1".parse().unwrap(), write("confirm")).await.unwrap();
    bed.eventually("it has the newest of all", || bed.dcs[0].puts().len() == had + 10).await;
    a_while().await;
    assert_eq!(bed.dc(0).await.state, DcState::Active);
}

#[tokio::test(start_paused = true)]
async fn a_data_center_that_missed_something_is_not_taken_for_one_that_was_put_back() {
    let bed = Bed::new().await;
    bed.publish_apps(&names(10), 1).await;
    bed.dcs[0].stop();
    bed.publish_apps(&names(10), 2).await;
    bed.dcs[0].start();
    bed.eventually("it gets what it is owed", || bed.dcs[0].puts().len() == 20).await;
    assert_eq!(bed.dc(0).await.state, DcState::Active);
}

#[tokio::test(start_paused = true)]
async fn a_resource_of_another_installation_under_our_name_holds_the_data_center() {
    let bed = Bed::new().await;
    bed.publish_apps(&names(2), 1).await;
    let mut foreign = bed.dcs[1].delivery(&app("app-0"));
    foreign.installation = "other".parse().unwrap();
    bed.dcs[0].lose(&app("app-0"));
    bed.dcs[0].holds(&foreign);
    let view = bed.dc_until(0, is_held).await;
    assert_eq!(reasons(&view), ["ForeignInstallation"]);
    assert_eq!(bed.dcs[0].delivery(&app("app-0")).installation.as_str(), "other", "it was left alone");
}

#[tokio::test(start_paused = true)]
async fn an_app_that_the_ledger_does_not_know_is_shown_and_left_alone() {
    let bed = Bed::new().await;
    bed.publish_apps(&names(30), 1).await;
    let mut stranger = bed.dcs[0].delivery(&app("app-0"));
    stranger.app = app("stranger");
    bed.dcs[0].stop();
    bed.dcs[0].holds(&stranger);
    bed.dcs[0].start();
    let view = bed.dc_until(0, |view| !view.strangers.is_empty()).await;
    assert_eq!((view.state, view.strangers), (DcState::Active, vec![app("stranger")]));
    a_while().await;
    assert_eq!(bed.dcs[0].size(), 31);
}

#[tokio::test(start_paused = true)]
async fn when_the_ledger_went_back_nothing_is_accepted_and_nothing_delivered() {
    let ledger = Arc::new(MemoryLedger::new());
    let bed = Bed::on(ledger.clone()).await;
    bed.publish_apps(&names(6), 1).await;
    let backup = ledger.fork();
    bed.publish_apps(&names(6), 2).await;
    bed.kill().await;
    let had: Vec<usize> = bed.dcs.iter().map(|dc| dc.puts().len()).collect();
    let bed = bed.with_ledger(Arc::new(backup));
    bed.run();
    let view = bed.dc_until(0, |view| view.message.is_some()).await;
    assert!(view.message.as_ref().unwrap().contains("the ledger is older than the data centers"), "{view:?}");
    let error = bed.plimsoll.restart(&ann(), &app("app-1"), write("restart")).await.unwrap_err();
    assert_eq!((error.kind, error.reason), (Kind::Refused, "LEDGER_BEHIND"));
    a_while().await;
    assert_eq!(bed.dcs.iter().map(|dc| dc.puts().len()).collect::<Vec<_>>(), had);
    assert_eq!(bed.plimsoll.get(&ann(), &app("app-1")).await.unwrap().release.get(), 1, "reads go on");
}

/// So many Apps got what a backup of the ledger knows nothing of; then the ledger went on from the backup, past the
/// fences of what they have.
async fn went_on_from_a_backup(apps: usize) -> (Bed, Vec<Vec<usize>>) {
    let ledger = Arc::new(MemoryLedger::new());
    let bed = Bed::on(ledger.clone()).await;
    bed.publish_apps(&names(3), 1).await;
    let backup = ledger.fork();
    bed.publish_apps(&names(apps), 2).await;
    bed.kill().await;
    let bed = bed.with_ledger(Arc::new(backup));
    for n in 0..60 {
        for name in &names(3) {
            let change =
                ScaleChange { size: Some(Replication::Fixed(3 + n % 2)), dcs: Vec::new(), placement: None };
            bed.plimsoll
                .scale(&ann(), &app(name), change, write(&format!("scale-{name}-{n}")))
                .await
                .unwrap();
        }
    }
    let puts = names(3).iter().map(|name| puts_of(&bed, name)).collect();
    bed.run();
    (bed, puts)
}

fn puts_of(bed: &Bed, name: &str) -> Vec<usize> {
    bed.dcs.iter().map(|dc| dc.puts().iter().filter(|(put, _)| *put == app(name)).count()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_content_that_the_ledger_never_held_is_not_written_over_and_is_shown() {
    let (bed, before) = went_on_from_a_backup(1).await;
    a_while().await;
    assert_eq!(puts_of(&bed, "app-0"), before[0], "nobody knows what it is");
    assert_ne!(puts_of(&bed, "app-1"), before[1], "the others go on");
    let view = bed.plimsoll.get(&ann(), &app("app-0")).await.unwrap();
    let operation = bed.plimsoll.operation(&ann(), view.operation.unwrap()).await.unwrap().of_app().unwrap();
    for dc in &operation.dcs {
        assert_eq!((dc.state, dc.reason.as_deref()), (OutcomeState::Sent, Some("AheadOfLedger")));
        assert!(dc.message.as_ref().unwrap().contains("a content that the ledger never held"), "{dc:?}");
    }
    assert_eq!(bed.dc(0).await.message, None);
    bed.kill().await;
}

#[tokio::test(start_paused = true)]
async fn many_contents_that_the_ledger_never_held_say_that_it_went_back() {
    let (bed, before) = went_on_from_a_backup(3).await;
    let view = bed.dc_until(0, |view| view.message.is_some()).await;
    assert!(view.message.as_ref().unwrap().contains("the ledger is older than the data centers"), "{view:?}");
    a_while().await;
    for (name, before) in names(3).iter().zip(before) {
        assert_eq!(puts_of(&bed, name), before, "{name}");
    }
    bed.kill().await;
}
