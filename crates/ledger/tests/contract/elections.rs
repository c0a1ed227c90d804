//! Elections: one seat per name, handed on when it is free.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::join_all;
use plimsoll_core::ledger::{Error, Ledger};
use tokio::sync::oneshot;
use tokio::task::yield_now;

const TTL: Duration = Duration::from_secs(10);

pub(crate) async fn a_seat_has_one_holder_at_a_time(ledger: Arc<dyn Ledger>) {
    let holders = Arc::new(AtomicUsize::new(0));
    let candidates = (0..16).map(|n| {
        let (ledger, holders) = (Arc::clone(&ledger), Arc::clone(&holders));
        tokio::spawn(async move {
            let seat = ledger.campaign("worker/dc-1", &format!("process-{n}"), TTL).await.unwrap();
            assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0);
            for _ in 0..10 {
                yield_now().await;
            }
            assert!(seat.lost().now_or_never().is_none());
            assert_eq!(holders.fetch_sub(1, Ordering::SeqCst), 1);
        })
    });
    for done in join_all(candidates).await {
        done.unwrap();
    }
}

pub(crate) async fn the_next_candidate_gets_the_seat_when_it_is_dropped(ledger: Arc<dyn Ledger>) {
    let first = ledger.campaign("worker/dc-1", "a", TTL).await.unwrap();
    let second = ledger.campaign("worker/dc-1", "b", TTL);
    tokio::pin!(second);
    for _ in 0..10 {
        assert!(futures::poll!(&mut second).is_pending());
        yield_now().await;
    }
    drop(first);
    second.await.unwrap();
}

pub(crate) async fn elections_of_other_names_are_independent(ledger: Arc<dyn Ledger>) {
    let _first = ledger.campaign("worker/dc-1", "a", TTL).await.unwrap();
    let _second = ledger.campaign("worker/dc-10", "a", TTL).await.unwrap();
    let _third = ledger.campaign("worker/dc", "b", TTL).await.unwrap();
}

pub(crate) async fn a_candidate_that_gave_up_does_not_block_the_next(ledger: Arc<dyn Ledger>) {
    let first = ledger.campaign("worker/dc-1", "a", TTL).await.unwrap();
    let (waits, waiting) = oneshot::channel();
    let impatient = {
        let ledger = Arc::clone(&ledger);
        tokio::spawn(async move {
            let campaign = ledger.campaign("worker/dc-1", "b", TTL);
            tokio::pin!(campaign);
            assert!(futures::poll!(&mut campaign).is_pending());
            waits.send(()).unwrap();
            campaign.await
        })
    };
    waiting.await.unwrap();
    impatient.abort();
    assert!(impatient.await.is_err_and(|gone| gone.is_cancelled()));
    drop(first);
    ledger.campaign("worker/dc-1", "c", TTL).await.unwrap();
}

pub(crate) async fn an_election_without_name_or_time_is_refused(ledger: Arc<dyn Ledger>) {
    assert!(matches!(ledger.campaign("", "a", TTL).await, Err(Error::Invalid(_))));
    assert!(matches!(ledger.campaign("worker/dc-1", "a", Duration::ZERO).await, Err(Error::Invalid(_))));
}
