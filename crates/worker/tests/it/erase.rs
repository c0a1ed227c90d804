//! What a deletion leaves behind, and until when: an App resource in each data center, a tombstone in the ledger, and
//! in the Orders of the next life the list of those before it.

use std::sync::Arc;
use std::time::Duration;

use plimsoll_core::cluster::Want;
use plimsoll_core::fold::OperationState;
use plimsoll_core::ledger::Entry;
use plimsoll_core::name::{AppRef, AppUid};
use plimsoll_core::record::{DcState, Order, decode, key};
use plimsoll_core::scale::Replication;
use plimsoll_core::usecase::ScaleChange;
use plimsoll_core::view::{Accepted, OperationView};
use plimsoll_ledger::MemoryLedger;
use plimsoll_ledger::faults::{Call, Fault, FaultLedger, Rule};
use serde_json::json;

use crate::integrity::Inventory;
use crate::support::{Bed, ann, shop, write};

const HOUR: Duration = Duration::from_hours(1);
/// Longer than a deletion is remembered, and any worker's look at it takes.
const EIGHT_DAYS: Duration = Duration::from_hours(8 * 24);

impl Bed {
    async fn go_live(&self, version: u8) -> AppUid {
        let published = self.apply(version, &json!({})).await;
        self.until(published.id, |view| view.state.is_final()).await;
        self.plimsoll.get(&ann(), &shop()).await.unwrap().uid
    }

    async fn delete(&self, request: &str) -> Accepted {
        self.plimsoll.delete(&ann(), &shop(), write(request)).await.unwrap()
    }

    async fn deleted(&self, request: &str) -> OperationView {
        let accepted = self.delete(request).await;
        self.ended(accepted).await
    }

    async fn count(&self, prefix: &str) -> usize {
        let inventory = Inventory::of(&*self.ledger).await;
        inventory.check();
        inventory.count(prefix)
    }

    /// The lives that the Order for a data center lists to be gone first.
    async fn listed(&self, n: usize) -> Vec<AppUid> {
        let entry: Entry =
            self.ledger.get(&key::order(&shop(), self.dcs[n].name())).await.unwrap().expect("an order");
        decode::<Order>(&entry).unwrap().value.deleted
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_is_forgotten_in_every_data_center_and_then_in_the_ledger() {
    let bed = Bed::new().await;
    bed.go_live(1).await;
    bed.deleted("delete").await;
    let puts = |bed: &Bed| bed.dcs.iter().map(|dc| dc.puts().len()).collect::<Vec<_>>();
    let before = puts(&bed);
    bed.pass(24 * 7 * HOUR).await;
    assert_eq!(bed.dcs.iter().map(|dc| dc.size()).collect::<Vec<_>>(), [1, 1, 1], "a week and an hour");
    bed.pass(2 * HOUR).await;
    for dc in &bed.dcs {
        assert_eq!((dc.size(), dc.removed()), (0, vec![shop()]));
    }
    assert_eq!(bed.count(key::ORDERS).await, 0);
    bed.pass(EIGHT_DAYS).await;
    assert_eq!(puts(&bed), before, "nobody writes again what is to be forgotten");
    assert_eq!(bed.count(key::OPERATIONS).await, 0);
    for n in 0..3 {
        let view = bed.dc(n).await;
        assert_eq!((view.state, view.strangers), (DcState::Active, Vec::new()));
    }
    bed.kill().await;
}

#[tokio::test(start_paused = true)]
async fn a_data_center_that_is_away_when_a_deletion_is_forgotten_forgets_it_on_its_return() {
    let bed = Bed::new().await;
    bed.go_live(1).await;
    bed.deleted("delete").await;
    bed.dcs[2].stop();
    bed.pass(EIGHT_DAYS).await;
    assert_eq!(bed.dcs.iter().map(|dc| dc.size()).collect::<Vec<_>>(), [0, 0, 1]);
    assert_eq!(bed.count(key::ORDERS).await, 1, "it may be back in a moment");
    bed.pass(EIGHT_DAYS).await;
    assert_eq!(bed.count(key::ORDERS).await, 0, "nobody waits for it for ever");
    let puts = bed.dcs[2].puts().len();
    bed.dcs[2].start();
    bed.eventually("it has gone there too", || bed.dcs[2].size() == 0).await;
    assert_eq!(bed.dc(2).await.strangers, [], "it was never one that nobody knows");
    assert_eq!(bed.dcs[2].puts().len(), puts);
    bed.kill().await;
}

#[tokio::test(start_paused = true)]
async fn what_runs_and_is_not_known_is_never_taken_away() {
    let bed = Bed::new().await;
    bed.go_live(1).await;
    let mut stranger = bed.dcs[0].delivery(&shop());
    stranger.app.name = "stranger".parse().unwrap();
    // Its controller has not said that it is gone.
    let mut unspent = stranger.clone();
    unspent.app.name = "unspent".parse().unwrap();
    unspent.want = Want::Deleted;
    bed.dcs[0].holds_on(true);
    bed.dcs[0].stop();
    bed.dcs[0].holds(&stranger);
    bed.dcs[0].holds(&unspent);
    bed.dcs[0].start();
    bed.pass(EIGHT_DAYS).await;
    assert_eq!((bed.dcs[0].size(), bed.dcs[0].removed()), (3, vec![]));
    bed.dcs[0].holds_on(false);
    bed.eventually("what is gone is taken away", || bed.dcs[0].size() == 2).await;
    assert_eq!(bed.dcs[0].removed(), [unspent.app]);
    bed.kill().await;
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_a_ledger_from_a_backup_never_saw_stays() {
    let ledger = Arc::new(MemoryLedger::new());
    let bed = Bed::on(ledger.clone()).await;
    let backup = ledger.fork();
    bed.go_live(1).await;
    bed.deleted("delete").await;
    bed.kill().await;
    let bed = bed.with_ledger(Arc::new(backup));
    bed.run();
    bed.pass(EIGHT_DAYS).await;
    assert_eq!(bed.dcs.iter().map(|dc| dc.size()).collect::<Vec<_>>(), [1, 1, 1]);
    bed.kill().await;
}

#[tokio::test(start_paused = true)]
async fn many_deletions_forgotten_at_once_stop_nothing() {
    let bed = Bed::new().await;
    let names: Vec<String> = (0..20).map(|n| format!("app-{n}")).collect();
    let apps = names.iter().map(|name| AppRef { name: name.parse().unwrap(), ..shop() });
    bed.publish_apps(&names, 1).await;
    for app in apps {
        let request = write(&format!("delete-{app}").replace('/', "-"));
        bed.ended(bed.plimsoll.delete(&ann(), &app, request).await.unwrap()).await;
    }
    bed.pass(EIGHT_DAYS).await;
    assert!(bed.dcs.iter().all(|dc| dc.size() == 0));
    // Their names are free, and what was there before counts for nothing.
    bed.publish_apps(&names, 2).await;
    for n in 0..3 {
        assert_eq!((bed.dc(n).await.state, bed.dcs[n].size()), (DcState::Active, 20));
    }
    bed.kill().await;
}

#[tokio::test(start_paused = true)]
async fn a_held_data_center_keeps_everything_until_it_goes_on() {
    let bed = Bed::new().await;
    bed.go_live(1).await;
    bed.deleted("delete").await;
    bed.dcs[1].becomes("another");
    bed.dc_until(1, |view| view.state == DcState::Held).await;
    bed.pass(EIGHT_DAYS).await;
    assert_eq!(bed.count(key::ORDERS).await, 1);
    bed.plimsoll.confirm_dc(&ann(), bed.dcs[1].name(), write("confirm")).await.unwrap();
    bed.dc_until(1, |view| view.state == DcState::Active).await;
    bed.pass(2 * HOUR).await;
    assert_eq!((bed.count(key::ORDERS).await, bed.dcs[1].size()), (0, 0));
    bed.kill().await;
}

/// How often the ledger was written by those who forget a deletion, and what became of it, if one of these writes met a
/// fault: one that was not made, as by a crash right before it, or one whose answer was lost.
async fn forgotten_with(fault: Option<(Fault, u64)>) -> (u64, Vec<usize>, usize) {
    let faults = Arc::new(FaultLedger::new(Arc::new(MemoryLedger::new())));
    let bed = Bed::on(faults.clone()).await;
    bed.go_live(1).await;
    bed.deleted("delete").await;
    let before: Vec<usize> = bed.dcs.iter().map(|dc| dc.puts().len()).collect();
    let of_orders =
        |seen: &plimsoll_ledger::faults::Seen<'_>| seen.keys.iter().any(|key| key.starts_with(key::ORDERS));
    let counter = faults.add(Rule::on(Call::Transact, Fault::Delay(Duration::ZERO)).when(of_orders));
    if let Some((fault, nth)) = fault {
        faults.add(Rule::on(Call::Transact, fault).when(of_orders).nth(nth));
    }
    bed.pass(EIGHT_DAYS).await;
    let after: Vec<usize> = bed.dcs.iter().map(|dc| dc.puts().len()).collect();
    assert_eq!(after, before, "written again");
    let sizes = bed.dcs.iter().map(|dc| dc.size()).collect();
    let orders = bed.count(key::ORDERS).await;
    bed.kill().await;
    (counter.get(), sizes, orders)
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_the_data_center_and_the_ledger_writes_nothing_again() {
    let (writes, sizes, orders) = forgotten_with(None).await;
    assert_eq!((writes, sizes, orders), (3, vec![0; 3], 0));
    for nth in 1..=3 {
        for fault in [Fault::Refuse, Fault::LoseReply] {
            let (_, sizes, orders) = forgotten_with(Some((fault.clone(), nth))).await;
            assert_eq!((sizes, orders), (vec![0; 3], 0), "{fault:?} {nth}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_life_lists_the_one_before_it_until_that_is_gone_and_then_no_more() {
    let bed = Bed::new().await;
    let first = bed.go_live(1).await;
    bed.dcs[2].stop();
    let deletion = bed.deleted("delete").await;
    assert_eq!(deletion.state, OperationState::SucceededOwing);
    let published = bed.apply(2, &json!({})).await;
    bed.until(published.id, |view| view.state.is_final()).await;
    assert_eq!(bed.listed(0).await, [], "it has answered");
    bed.dcs[2].start();
    bed.settled(published.id).await;
    assert_eq!(bed.listed(2).await, [first]);
    assert_eq!(bed.dcs[2].delivery(&shop()).deleted, [first]);
    bed.pass(2 * HOUR).await;
    assert_eq!(bed.count(&key::releases(first)).await, 0, "what it was is in the archive");
    let change = ScaleChange { size: Some(Replication::Fixed(4)), dcs: Vec::new(), placement: None };
    bed.ended(bed.plimsoll.scale(&ann(), &shop(), change, write("scale")).await.unwrap()).await;
    assert_eq!(bed.listed(2).await, []);
    assert_eq!(bed.dcs[2].delivery(&shop()).deleted, []);
    bed.kill().await;
}
