//! A ledger that is nearly full: what could wait waits, what brings an App back or down never does.

use std::num::NonZeroU64;
use std::sync::Arc;

use plimsoll_core::error::Kind;
use plimsoll_core::ledger::{Compare, Ledger, Transaction, Write as LedgerWrite};
use plimsoll_core::scale::Replication;
use plimsoll_core::usecase::{Mode, ScaleChange, TakeScale, Write};
use plimsoll_ledger::MemoryLedger;
use serde_json::json;

use crate::support::{Bed, ann, document, shop, write};

const QUOTA: u64 = 1024 * 1024;

/// Puts what belongs to nobody into the ledger, up to this many percent of its quota.
async fn fill(ledger: &MemoryLedger, percent: u64) {
    let used = ledger.size().await.unwrap().used;
    let key = "ballast".to_owned();
    let more = (QUOTA * percent).div_ceil(100) - used - (key.len() + 8) as u64;
    let writes = vec![LedgerWrite::Put(key.clone(), vec![b'x'; usize::try_from(more).unwrap()])];
    let _ = ledger.transact(Transaction { compares: vec![Compare::Absent(key)], writes }).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_nearly_full_ledger_refuses_publishes_and_nothing_else() {
    let ledger = Arc::new(MemoryLedger::with_quota(NonZeroU64::new(QUOTA).unwrap()));
    let bed = Bed::on(ledger.clone()).await;
    for version in 1..=3 {
        let published = bed.apply(version, &json!({})).await;
        bed.until(published.id, |view| view.state.is_final()).await;
    }
    fill(&ledger, 80).await;
    for mode in [Mode::Do, Mode::Validate] {
        let request = Write { mode, ..write("refused") };
        let refused =
            bed.plimsoll.apply(&ann(), &document(4, &json!({})), TakeScale::No, request).await.unwrap_err();
        assert_eq!((refused.kind, refused.reason), (Kind::Refused, "LEDGER_SCARCE"));
        assert_eq!(
            refused.message,
            "the ledger holds 1 of 1 MiB, and from 80 % on it takes no new release; rollback, scale, restart, \
             offline, online and delete go on; an operator raises quota under [ledger] in plimsoll.toml, or deletes \
             apps that are not needed"
        );
    }
    let (caller, app) = (ann(), shop());
    let unchanged = bed.plimsoll.apply(&caller, &document(3, &json!({})), TakeScale::No, write("same")).await;
    assert!(unchanged.unwrap().operation.is_none(), "what makes no release is no publish");
    let change = ScaleChange { size: Some(Replication::Fixed(4)), ..ScaleChange::default() };
    bed.ended(bed.plimsoll.scale(&caller, &app, change, write("scale")).await.unwrap()).await;
    bed.ended(bed.plimsoll.rollback(&caller, &app, None, write("rollback")).await.unwrap()).await;
    bed.plimsoll.unpin(&caller, &app, write("unpin")).await.unwrap();
    bed.ended(bed.plimsoll.restart(&caller, &app, write("restart")).await.unwrap()).await;
    bed.ended(bed.plimsoll.offline(&caller, &app, write("offline")).await.unwrap()).await;
    bed.ended(bed.plimsoll.online(&caller, &app, write("online")).await.unwrap()).await;
    bed.ended(bed.plimsoll.delete(&caller, &app, write("delete")).await.unwrap()).await;
    bed.kill().await;
}

#[tokio::test(start_paused = true)]
async fn below_the_mark_publishes_go_on() {
    let ledger = Arc::new(MemoryLedger::with_quota(NonZeroU64::new(QUOTA).unwrap()));
    let bed = Bed::on(ledger.clone()).await;
    fill(&ledger, 79).await;
    let published = bed.apply(1, &json!({})).await;
    bed.until(published.id, |view| view.state.is_final()).await;
    bed.kill().await;
}
