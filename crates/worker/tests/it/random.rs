//! Random histories: whatever happens in whatever order, in the end every data center has what was ordered
//! last, and every Operation has ended or says why not.

use std::collections::BTreeSet;
use std::time::Duration;

use plimsoll_core::cluster::{Power, Want};
use plimsoll_core::error::Kind;
use plimsoll_core::fold::OperationState;
use plimsoll_core::scale::Replication;
use plimsoll_core::usecase::{OperationFilter, PageRequest, ScaleChange, Steering, TakeScale};
use plimsoll_core::view::{Accepted, AnyOperation, AppView, OperationView};
use serde_json::json;

use crate::dice::Dice;
use crate::support::{Bed, Manner, ann, document, shop, write};

/// Does one thing at random; what is refused by rule is part of the game.
async fn act(bed: &Bed, dice: &mut Dice, n: usize, said: &mut Vec<String>) {
    let request = write(&format!("act-{n}"));
    let app = shop();
    let caller = ann();
    let policy = dice.pick(&[
        json!({}),
        json!({"order": [["dc-2"], ["dc-3", "dc-1"]], "soak": "30s"}),
        json!({"succeed": 2, "deadline": "3m"}),
        json!({"onFailure": "Rollback", "deadline": "2m"}),
    ]);
    let dc = dice.pick(&bed.dcs);
    let answer: Option<Result<Accepted, _>> = match dice.roll(15) {
        0..=3 => {
            let version = u8::try_from(1 + dice.roll(6)).unwrap();
            said.push(format!("apply {version} {policy}"));
            Some(bed.plimsoll.apply(&caller, &document(version, &policy), TakeScale::No, request).await)
        }
        4 => {
            said.push("rollback".to_owned());
            Some(bed.plimsoll.rollback(&caller, &app, None, request).await)
        }
        5 => Some(bed.plimsoll.unpin(&caller, &app, request).await),
        6 => {
            let size = Some(Replication::Fixed(3 + u32::try_from(dice.roll(4)).unwrap()));
            said.push(format!("scale {size:?}"));
            let change = ScaleChange { size, ..ScaleChange::default() };
            Some(bed.plimsoll.scale(&caller, &app, change, request).await)
        }
        7 => {
            said.push("restart".to_owned());
            Some(bed.plimsoll.restart(&caller, &app, request).await)
        }
        8 => {
            said.push("offline".to_owned());
            Some(bed.plimsoll.offline(&caller, &app, request).await)
        }
        9 => {
            said.push("online".to_owned());
            Some(bed.plimsoll.online(&caller, &app, request).await)
        }
        10 => {
            let manner = dice.pick(&[Manner::Prompt, Manner::Prompt, Manner::Stuck, Manner::Chokes(3)]);
            said.push(format!("manner {manner:?}"));
            dc.manner(manner);
            None
        }
        11 => {
            if dice.roll(2) == 0 {
                said.push("stop".to_owned());
                dc.stop();
            } else {
                said.push("start".to_owned());
                dc.start();
            }
            None
        }
        12 => {
            let operations = operations(bed).await;
            if operations.is_empty() {
                return;
            }
            let steering = dice.pick(&[Steering::Pause, Steering::Pause, Steering::Resume, Steering::Abort]);
            said.push(format!("{steering:?}"));
            let id = operations[0].id;
            let steered = bed.plimsoll.steer_operation(&caller, id, steering, request).await;
            Some(steered.map(|steered| steered.of_app().unwrap()))
        }
        13 => {
            if dice.roll(3) == 0 {
                said.push("delete".to_owned());
                Some(bed.plimsoll.delete(&caller, &app, request).await)
            } else {
                said.push("lose".to_owned());
                dc.lose(&app);
                None
            }
        }
        _ => {
            if dice.roll(2) == 0 {
                said.push("kill".to_owned());
                bed.kill().await;
            } else {
                said.push("restart the server".to_owned());
                bed.stop().await;
            }
            bed.run();
            None
        }
    };
    if let Some(Err(error)) = answer {
        assert!(matches!(error.kind, Kind::Refused | Kind::NotFound), "{error}: {:?}", error.violations);
    }
    tokio::time::sleep(Duration::from_millis(dice.pick(&[0, 1, 20, 2_000, 90_000]))).await;
}

/// All Operations, the newest first.
async fn operations(bed: &Bed) -> Vec<OperationView> {
    let page = PageRequest { size: Some(500), token: None };
    let all = bed.plimsoll.operations(&ann(), OperationFilter { app: None }, page).await.unwrap().items;
    all.into_iter().filter_map(AnyOperation::of_app).collect()
}

/// Why the data centers do not have what the App aims at; `None` if they do.
fn astray(bed: &Bed, app: Option<&AppView>) -> Option<String> {
    for dc in &bed.dcs {
        let has = dc.what_it_has(&shop());
        let right = match (app, &has) {
            (None, None | Some(Want::Deleted)) => true,
            (Some(app), Some(Want::Run { release, content_digest, power, replication, .. })) => {
                let expected = app.scale.of(&"dc-1".parse().unwrap());
                (*release, content_digest, *power, replication)
                    == (app.release, &app.content, app.power, &expected)
            }
            _ => false,
        };
        if !right {
            return Some(format!("has {has:#?} and is to have {app:#?}"));
        }
    }
    None
}

#[tokio::test(start_paused = true)]
async fn whatever_happens_everyone_has_what_was_ordered_last() {
    for seed in 0..80 {
        let bed = Bed::new().await;
        let mut dice = Dice(seed);
        let mut said = Vec::new();
        for n in 0..25 {
            act(&bed, &mut dice, n, &mut said).await;
        }
        for dc in &bed.dcs {
            dc.start();
            dc.manner(Manner::Prompt);
        }
        for (n, operation) in operations(&bed).await.into_iter().enumerate() {
            if operation.state == OperationState::Paused {
                let request = write(&format!("resume-{n}"));
                bed.plimsoll.steer_operation(&ann(), operation.id, Steering::Resume, request).await.unwrap();
            }
        }
        tokio::time::sleep(Duration::from_mins(30)).await;
        let operations = operations(&bed).await;
        for operation in &operations {
            let held = operation.state == OperationState::Held;
            assert!(held || operation.state.is_final(), "seed {seed}: {said:#?}\n{operation:#?}");
            assert!(!held || operation.message.is_some(), "seed {seed}: {operation:#?}");
        }
        let app = bed.plimsoll.get(&ann(), &shop()).await.ok();
        // A publish that is held after a failure leaves the data centers where they are, until a person decides; so
        // does one that a person ended.
        let mut tracks = BTreeSet::new();
        let newest = operations.iter().filter(|operation| tracks.insert(operation.kind.track()));
        let held = newest
            .filter(|operation| matches!(operation.state, OperationState::Held | OperationState::Aborted))
            .count()
            > 0;
        if !held && let Some(why) = astray(&bed, app.as_ref()) {
            panic!("seed {seed}: {said:#?}\n{why}\n{operations:#?}");
        }
        if let Some(app) = app.filter(|app| app.power == Power::Offline && !held) {
            assert!(app.dcs.iter().all(|dc| dc.replicas.unwrap().ready == 0), "seed {seed}: {app:#?}");
        }
        bed.kill().await;
    }
}
