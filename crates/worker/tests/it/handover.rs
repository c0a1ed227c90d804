//! What becomes of soak and deadline when the workers end and others go on.

use std::sync::Arc;
use std::time::Duration;

use plimsoll_core::fold::OperationState;
use plimsoll_core::record::OutcomeState;
use plimsoll_ledger::MemoryLedger;
use plimsoll_ledger::faults::{Call, Fault, FaultLedger, Rule};
use serde_json::json;

use crate::support::{Bed, Manner};

/// How much longer than it should something may take: connecting, and one look.
const SLACK: Duration = Duration::from_secs(2);

fn minutes(range: std::ops::Range<u64>, took: Duration) {
    let bounds = Duration::from_mins(range.start)..Duration::from_mins(range.end) + SLACK;
    assert!(bounds.contains(&took), "{took:?} is not in {bounds:?}");
}

#[tokio::test(start_paused = true)]
async fn a_soak_goes_on_where_the_last_worker_left_it() {
    let bed = Bed::new().await;
    let operation = bed.apply(1, &json!({"soak": "10m"})).await;
    bed.until(operation.id, |view| view.dcs.iter().all(|dc| dc.state == OutcomeState::Healthy)).await;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_mins(2)).await;
        bed.stop().await;
        // Time that no worker saw counts for nothing.
        tokio::time::sleep(Duration::from_hours(1)).await;
        bed.run();
    }
    let again = tokio::time::Instant::now();
    let end = bed.until(operation.id, |view| view.state.is_final()).await;
    assert_eq!(end.state, OperationState::Succeeded);
    minutes(4..4, again.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_deadline_goes_on_where_the_last_worker_left_it() {
    let bed = Bed::new().await;
    bed.dcs[1].manner(Manner::Stuck);
    let operation = bed.apply(1, &json!({"deadline": "10m"})).await;
    bed.until(operation.id, |view| view.dcs[1].state == OutcomeState::Progressing).await;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_mins(2)).await;
        bed.stop().await;
        tokio::time::sleep(Duration::from_hours(1)).await;
        bed.run();
    }
    let again = tokio::time::Instant::now();
    bed.until(operation.id, |view| view.state == OperationState::Held).await;
    minutes(4..4, again.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_killed_worker_makes_a_soak_longer_and_never_shorter() {
    let bed = Bed::new().await;
    let operation = bed.apply(1, &json!({"soak": "10m"})).await;
    bed.until(operation.id, |view| view.dcs.iter().all(|dc| dc.state == OutcomeState::Healthy)).await;
    tokio::time::sleep(Duration::from_mins(6)).await;
    bed.kill().await;
    tokio::time::sleep(Duration::from_hours(1)).await;
    bed.run();
    let again = tokio::time::Instant::now();
    bed.until(operation.id, |view| view.state.is_final()).await;
    minutes(4..10, again.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_worker_ends_in_time_when_the_ledger_takes_nothing() {
    let faults = Arc::new(FaultLedger::new(Arc::new(MemoryLedger::new())));
    let bed = Bed::on(faults.clone()).await;
    bed.dcs[0].manner(Manner::Stuck);
    let operation = bed.apply(1, &json!({"deadline": "1h"})).await;
    bed.until(operation.id, |view| view.dcs[0].state == OutcomeState::Progressing).await;
    tokio::time::sleep(Duration::from_mins(5)).await;
    faults.add(Rule::on(Call::Transact, Fault::Delay(Duration::from_hours(2))));
    let begun = tokio::time::Instant::now();
    bed.stop().await;
    assert!(begun.elapsed() <= Duration::from_secs(5), "{:?}", begun.elapsed());
}
