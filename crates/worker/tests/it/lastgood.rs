//! What a data center is given to go back to on its own: the newest content that was good there.

use std::collections::BTreeSet;
use std::time::Duration;

use plimsoll_core::cluster::Want;
use plimsoll_core::digest::Digest;
use plimsoll_core::error::Kind;
use plimsoll_core::name::AppUid;
use plimsoll_core::scale::Replication;
use plimsoll_core::usecase::{ScaleChange, TakeScale};
use plimsoll_core::view::Accepted;
use serde_json::json;

use crate::dice::Dice;
use crate::support::{Bed, FakeDc, Manner, ann, document, shop, write};

fn last_good(dc: &FakeDc) -> Option<u64> {
    match dc.what_it_has(&shop())? {
        Want::Run { last_good, .. } => last_good.map(|good| good.release.get()),
        Want::Deleted => None,
    }
}

async fn scale(bed: &Bed, replicas: u32, id: &str) -> Accepted {
    let change = ScaleChange { size: Some(Replication::Fixed(replicas)), ..ScaleChange::default() };
    bed.plimsoll.scale(&ann(), &shop(), change, write(id)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_scale_that_is_not_healthy_yet_takes_nothing_from_what_was_good() {
    let bed = Bed::new().await;
    let first = bed.apply(1, &json!({})).await;
    bed.until(first.id, |view| view.state.is_final()).await;
    for dc in &bed.dcs {
        dc.manner(Manner::Stuck);
    }
    scale(&bed, 5, "scale").await;
    bed.plimsoll.restart(&ann(), &shop(), write("restart")).await.unwrap();
    bed.apply(2, &json!({})).await;
    bed.eventually("everyone has it", || bed.dcs.iter().all(|dc| last_good(dc) == Some(1))).await;
}

#[tokio::test(start_paused = true)]
async fn a_scale_in_the_middle_of_a_soak_proves_nothing() {
    let bed = Bed::new().await;
    let first = bed.apply(1, &json!({})).await;
    bed.until(first.id, |view| view.state.is_final()).await;
    bed.apply(2, &json!({"soak": "10m"})).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    bed.ended(scale(&bed, 5, "scale").await).await;
    let third = bed.apply(3, &json!({})).await;
    bed.until(third.id, |view| view.state.is_final()).await;
    assert_eq!(bed.dcs.iter().map(|dc| last_good(dc)).collect::<Vec<_>>(), [Some(1); 3]);
}

/// What is to be true of one data center, worked out the plain way.
#[derive(Default)]
struct Model {
    /// The life of the App that this is about.
    life: Option<AppUid>,
    /// Everything that was good here, the newest last.
    good: Vec<(Digest, u64)>,
    /// The Releases that came to nothing here.
    failed: BTreeSet<u64>,
}

impl Model {
    /// Takes note of what is there once everything has settled, and says what there is to go back to.
    fn settle(&mut self, dc: &FakeDc) -> Option<u64> {
        let life = dc.life(&shop());
        if self.life != life {
            *self = Self { life, ..Self::default() };
        }
        let Want::Run { release, content_digest, .. } = dc.what_it_has(&shop())? else { return None };
        let entry = (content_digest, release.get());
        if !self.good.contains(&entry) {
            if dc.is_well(&shop()) && !self.failed.contains(&release.get()) {
                self.good.push(entry);
            } else {
                self.failed.insert(release.get());
            }
        }
        self.good.iter().rev().find(|(content, _)| *content != content_digest).map(|(_, release)| *release)
    }
}

/// Does one thing at random.
async fn act(bed: &Bed, dice: &mut Dice, n: usize, said: &mut Vec<String>) {
    let request = write(&format!("act-{n}"));
    let (caller, app) = (ann(), shop());
    let dc = dice.pick(&bed.dcs);
    let answer = match dice.roll(12) {
        0..=3 => {
            let version = u8::try_from(1 + dice.roll(5)).unwrap();
            let policy = dice.pick(&[json!({"deadline": "1m"}), json!({"deadline": "1m", "soak": "30s"})]);
            said.push(format!("apply {version} {policy}"));
            let unpin = write(&format!("unpin-{n}"));
            bed.plimsoll.unpin(&caller, &app, unpin).await.ok();
            bed.plimsoll.apply(&caller, &document(version, &policy), TakeScale::No, request).await
        }
        4 | 5 => {
            said.push("rollback".to_owned());
            bed.plimsoll.rollback(&caller, &app, None, request).await
        }
        6 | 7 => {
            let replicas = 3 + u32::try_from(dice.roll(4)).unwrap();
            said.push(format!("scale {replicas}"));
            let size = Some(Replication::Fixed(replicas));
            let change = ScaleChange { size, ..ScaleChange::default() };
            bed.plimsoll.scale(&caller, &app, change, request).await
        }
        8 => {
            said.push("restart".to_owned());
            bed.plimsoll.restart(&caller, &app, request).await
        }
        9 => {
            let manner = dice.pick(&[Manner::Prompt, Manner::Prompt, Manner::Stuck, Manner::Chokes(3)]);
            said.push(format!("{} {manner:?}", dc.name()));
            dc.manner(manner);
            return;
        }
        10 if dice.roll(2) == 0 => {
            said.push(format!("{} stops", dc.name()));
            dc.stop();
            return;
        }
        10 => {
            said.push(format!("{} starts", dc.name()));
            dc.start();
            return;
        }
        _ if dice.roll(3) == 0 => {
            said.push("delete".to_owned());
            bed.plimsoll.delete(&caller, &app, request).await
        }
        _ => {
            said.push("kill".to_owned());
            bed.kill().await;
            bed.run();
            return;
        }
    };
    if let Err(error) = answer {
        assert!(matches!(error.kind, Kind::Refused | Kind::NotFound), "{error}: {:?}", error.violations);
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_happens_the_way_back_is_the_newest_other_content_that_was_good_there() {
    for seed in 0..40 {
        let bed = Bed::new().await;
        let mut dice = Dice(seed);
        let mut said = Vec::new();
        let mut models: Vec<Model> = bed.dcs.iter().map(|_| Model::default()).collect();
        for n in 0..30 {
            act(&bed, &mut dice, n, &mut said).await;
            // What changes no content may be followed at once by something else.
            let hurries = said.last().is_some_and(|said| said.starts_with("scale") || said == "restart");
            if hurries && dice.roll(2) == 0 {
                continue;
            }
            tokio::time::sleep(Duration::from_mins(3)).await;
            for (dc, model) in bed.dcs.iter().zip(&mut models).filter(|(dc, _)| dc.is_up()) {
                let expected = model.settle(dc);
                assert_eq!(last_good(dc), expected, "seed {seed}, {}: {said:#?}", dc.name());
            }
        }
        bed.kill().await;
    }
}
