//! The fault wrapper does what its rules say, once, to whom they say, and nothing else.

#![expect(clippy::panic, clippy::unwrap_used, reason = "the tests share functions")]

use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use plimsoll_core::ledger::{
    Committed, Compare, Entry, Error, Event, Ledger, Range, Revision, Transaction, Write,
};
use plimsoll_ledger::MemoryLedger;
use plimsoll_ledger::faults::{Call, Fault, FaultLedger, Gate, Rule, WatchFault};
use tokio::time::Instant;

const TTL: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_refused_transaction_did_not_happen() {
    let ledger = mk_ledger();
    let fired = ledger.add(Rule::on(Call::Transact, Fault::Refuse).times(1));
    assert!(matches!(ledger.transact(write("a", "1")).await, Err(Error::Unavailable(_))));
    assert_eq!(ledger.get("a").await.unwrap(), None);
    put(&ledger, "a", "2").await;
    assert_eq!(fired.get(), 1);
    ledger.add(Rule::on(Call::Transact, Fault::Full));
    assert!(matches!(ledger.transact(write("a", "3")).await, Err(Error::Full)));
    ledger.clear();
    put(&ledger, "a", "4").await;
}

#[tokio::test]
async fn a_transaction_whose_reply_was_lost_did_happen() {
    let ledger = mk_ledger();
    ledger.add(Rule::on(Call::Transact, Fault::LoseReply).key("orders/").nth(2));
    put(&ledger, "orders/1", "x").await;
    put(&ledger, "releases/1", "x").await;
    assert!(matches!(ledger.transact(write("orders/2", "x")).await, Err(Error::Unknown(_))));
    assert_eq!(ledger.get("orders/2").await.unwrap().map(|entry| entry.revision), Some(Revision(3)));
    put(&ledger, "orders/3", "x").await;
}

#[tokio::test]
async fn a_read_whose_reply_was_lost_is_unavailable() {
    let ledger = mk_ledger();
    ledger.add(Rule::on(Call::Get, Fault::LoseReply));
    ledger.add(Rule::on(Call::Range, Fault::LoseReply).key("apps/"));
    assert!(matches!(ledger.get("a").await, Err(Error::Unavailable(_))));
    assert!(matches!(ledger.range(&Range::prefix("apps/")).await, Err(Error::Unavailable(_))));
    ledger.range(&Range::prefix("orders/")).await.unwrap();
}

#[tokio::test]
async fn a_rule_may_look_at_the_transaction() {
    let ledger = mk_ledger();
    let rule = Rule::on(Call::Transact, Fault::Refuse).when(|seen| {
        seen.transaction
            .is_some_and(|transaction| transaction.compares.contains(&Compare::Absent("a".into())))
    });
    ledger.add(rule);
    put(&ledger, "a", "1").await;
    let create = Transaction { compares: vec![Compare::Absent("a".into())], writes: vec![] };
    assert!(matches!(ledger.transact(create).await, Err(Error::Unavailable(_))));
}

#[tokio::test(start_paused = true)]
async fn a_delayed_call_happens_later() {
    let ledger = mk_ledger();
    ledger.add(Rule::on(Call::Transact, Fault::Delay(Duration::from_secs(7))));
    let begun = Instant::now();
    put(&ledger, "a", "1").await;
    assert_eq!(begun.elapsed(), Duration::from_secs(7));
}

#[tokio::test]
async fn a_call_at_a_gate_waits_until_it_is_opened() {
    let ledger = Arc::new(mk_ledger());
    let gate = Gate::shut();
    ledger.add(Rule::on(Call::Transact, Fault::Wait(gate.clone())));
    let writer = tokio::spawn({
        let ledger = Arc::clone(&ledger);
        async move { put(&ledger, "a", "1").await }
    });
    gate.arrived(1).await;
    assert_eq!(ledger.get("a").await.unwrap(), None);
    gate.open();
    writer.await.unwrap();
    assert!(ledger.get("a").await.unwrap().is_some());
}

#[tokio::test]
async fn calls_are_counted_by_kind_and_key() {
    let ledger = mk_ledger();
    let orders = ledger.count(Call::Transact, "orders/");
    let writes = ledger.count(Call::Transact, "");
    let gets = ledger.count(Call::Get, "orders/");
    put(&ledger, "orders/1", "x").await;
    put(&ledger, "apps/1", "x").await;
    let both = Transaction {
        compares: vec![Compare::Present("orders/1".into())],
        writes: vec![Write::Put("apps/1".into(), b"x".to_vec())],
    };
    assert_eq!(ledger.transact(both).await.unwrap(), Committed::At(Revision(3)));
    ledger.get("orders/1").await.unwrap();
    ledger.get("apps/1").await.unwrap();
    assert_eq!([orders.get(), writes.get(), gets.get()], [1, 3, 1]);
}

#[tokio::test]
async fn a_watch_is_compacted_cut_or_left_behind_as_told() {
    let ledger = mk_ledger();
    ledger.add(Rule::on_watch(WatchFault::Compacted).nth(1));
    ledger.add(Rule::on_watch(WatchFault::CutAfter(1)).nth(2));
    ledger.add(Rule::on_watch(WatchFault::FallBehindAfter(2)).nth(3));
    assert!(matches!(ledger.watch("", Revision(0)).await, Err(Error::Compacted { from: Revision(0) })));
    let mut cut = ledger.watch("", Revision(0)).await.unwrap();
    let mut behind = ledger.watch("", Revision(0)).await.unwrap();
    let mut well = ledger.watch("", Revision(0)).await.unwrap();
    for n in 1..=3 {
        put(&ledger, "a", &n.to_string()).await;
    }
    assert!(cut.next().await.unwrap().is_ok());
    assert!(matches!(cut.next().await.unwrap(), Err(Error::Unavailable(_))));
    assert!(cut.next().await.is_none());
    assert!(behind.next().await.unwrap().is_ok());
    assert!(behind.next().await.unwrap().is_ok());
    assert!(matches!(behind.next().await.unwrap(), Err(Error::Compacted { from: Revision(2) })));
    for _ in 1..=3 {
        assert!(well.next().await.unwrap().is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn a_lagging_watch_gets_everything_late_and_in_order() {
    let ledger = mk_ledger();
    ledger.add(Rule::on_watch(WatchFault::Lag(Duration::from_secs(3))));
    let mut watch = ledger.watch("", Revision(0)).await.unwrap();
    let begun = Instant::now();
    let first = put(&ledger, "a", "1").await;
    let second = put(&ledger, "a", "2").await;
    assert_eq!(revision_of(watch.next().await), first);
    assert_eq!(revision_of(watch.next().await), second);
    assert_eq!(begun.elapsed(), Duration::from_secs(6));
}

#[tokio::test]
async fn a_held_watch_shows_nothing_until_the_gate_opens() {
    let ledger = mk_ledger();
    let gate = Gate::shut();
    ledger.add(Rule::on_watch(WatchFault::Hold(gate.clone())));
    let mut watch = ledger.watch("", Revision(0)).await.unwrap();
    let revision = put(&ledger, "a", "1").await;
    let mut next = watch.next();
    assert!(futures::poll!(&mut next).is_pending());
    gate.open();
    assert_eq!(revision_of(next.await), revision);
}

#[tokio::test]
async fn all_watches_are_cut_at_once_and_new_ones_go_well() {
    let ledger = mk_ledger();
    let mut waiting = ledger.watch("", Revision(0)).await.unwrap();
    ledger.cut_watches();
    assert!(matches!(waiting.next().await.unwrap(), Err(Error::Unavailable(_))));
    let mut again = ledger.watch("", Revision(0)).await.unwrap();
    let revision = put(&ledger, "a", "1").await;
    assert_eq!(revision_of(again.next().await), revision);
}

#[tokio::test]
async fn a_seat_taken_away_is_lost_to_its_holder_and_free_for_the_next() {
    let ledger = mk_ledger();
    let held = ledger.campaign("worker/dc-1", "a", TTL).await.unwrap();
    let lost = held.lost();
    tokio::pin!(lost);
    assert!(futures::poll!(&mut lost).is_pending());
    ledger.unseat();
    lost.await;
    held.lost().await;
    let next = ledger.campaign("worker/dc-1", "b", TTL).await.unwrap();
    assert!(next.lost().now_or_never().is_none());
}

#[tokio::test]
async fn a_backup_put_back_is_an_older_ledger() {
    let memory = Arc::new(MemoryLedger::new());
    let ledger = FaultLedger::new(Arc::<MemoryLedger>::clone(&memory));
    let old = put(&ledger, "a", "1").await;
    let backup = memory.fork();
    let new = put(&ledger, "a", "2").await;
    let mut watch = ledger.watch("", new).await.unwrap();
    let seat = ledger.campaign("worker/dc-1", "a", TTL).await.unwrap();
    ledger.restore(Arc::new(backup));
    assert!(matches!(watch.next().await.unwrap(), Err(Error::Unavailable(_))));
    seat.lost().await;
    let page = ledger.range(&Range::prefix("")).await.unwrap();
    assert_eq!((page.revision, page.entries[0].revision), (old, old));
    assert!(matches!(ledger.watch("", new).await, Err(Error::Compacted { from }) if from == new));
    assert_eq!(put(&ledger, "a", "3").await, new);
    assert_eq!(memory.get("a").await.unwrap().unwrap().value, b"2");
}

#[tokio::test(start_paused = true)]
async fn paused_time_passes_over_waiting_in_memory() {
    let ledger = mk_ledger();
    let mut watch = ledger.watch("", Revision(0)).await.unwrap();
    let _seat = ledger.campaign("worker/dc-1", "a", TTL).await.unwrap();
    let begun = Instant::now();
    tokio::select! {
        _ = watch.next() => panic!("nothing was written"),
        _ = ledger.campaign("worker/dc-1", "b", TTL) => panic!("the seat is held"),
        () = tokio::time::sleep(Duration::from_hours(1)) => {}
    }
    assert_eq!(begun.elapsed(), Duration::from_hours(1));
}

fn mk_ledger() -> FaultLedger {
    FaultLedger::new(Arc::new(MemoryLedger::new()))
}

fn write(key: &str, value: &str) -> Transaction {
    Transaction { compares: vec![], writes: vec![Write::Put(key.into(), value.into())] }
}

async fn put(ledger: &FaultLedger, key: &str, value: &str) -> Revision {
    match ledger.transact(write(key, value)).await {
        Ok(Committed::At(revision)) => revision,
        other => panic!("{other:?}"),
    }
}

fn revision_of(next: Option<Result<Vec<Event>, Error>>) -> Revision {
    let events = next.unwrap().unwrap();
    match &events[..] {
        [Event::Put(Entry { revision, .. })] => *revision,
        _ => panic!("{events:?}"),
    }
}
