//! How full the store says it is.

use std::sync::Arc;
use std::time::Duration;

use plimsoll_core::ledger::{Ledger, Size};

use crate::stack::{commit, create, delete, put};

const VALUE: usize = 100_000;
const KEYS: u64 = 20;

pub(crate) async fn the_size_follows_what_is_written_and_removed(ledger: Arc<dyn Ledger>) {
    let Size { used: before, quota } = ledger.size().await.unwrap();
    assert!(before < quota);
    let written = KEYS * VALUE as u64;
    for n in 0..KEYS {
        commit(&*ledger, put(&format!("key-{n}"), &"v".repeat(VALUE))).await;
    }
    until(&*ledger, |size| size.used >= before + written).await;
    for n in 0..KEYS {
        commit(&*ledger, delete(&format!("key-{n}"))).await;
    }
    let after = until(&*ledger, |size| size.used < before + written / 2).await;
    assert_eq!(after.quota, quota);
}

pub(crate) async fn what_replaces_a_value_counts_once(ledger: Arc<dyn Ledger>) {
    for _ in 0..KEYS {
        commit(&*ledger, put("key", &"v".repeat(VALUE))).await;
    }
    let once = VALUE as u64;
    until(&*ledger, |size| (once..once * 2).contains(&size.used)).await;
}

pub(crate) async fn what_was_lost_counts_nothing(ledger: Arc<dyn Ledger>) {
    commit(&*ledger, put("key", "x")).await;
    let before = ledger.size().await.unwrap();
    for _ in 0..KEYS {
        let lost = ledger.transact(create("key", &"v".repeat(VALUE))).await.unwrap();
        assert_eq!(lost, plimsoll_core::ledger::Committed::Lost);
    }
    assert!(ledger.size().await.unwrap().used < before.used + VALUE as u64);
}

/// The figure may lag, but not for long.
async fn until(ledger: &dyn Ledger, holds: impl Fn(Size) -> bool) -> Size {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let size = ledger.size().await.unwrap();
        if holds(size) {
            return size;
        }
        assert!(tokio::time::Instant::now() < deadline, "{size:?}");
        tokio::task::yield_now().await;
    }
}
