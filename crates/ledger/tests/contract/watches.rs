//! Watches: everything after a revision, once, in order, or an error.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::future::join_all;
use plimsoll_core::ledger::{Committed, Error, Event, Ledger, Range, Revision, Transaction, Write};

use crate::stack::{HISTORY, commit, create, delete, next, present, put, put_event};

pub(crate) async fn a_watch_gets_everything_after_its_revision_once_and_in_order(ledger: Arc<dyn Ledger>) {
    commit(&*ledger, put("a", "before")).await;
    let from = present(&*ledger).await;
    for n in 0..20 {
        commit(&*ledger, put("a", &n.to_string())).await;
    }
    let mut watch = ledger.watch("a", from).await.unwrap();
    for n in 20..40 {
        commit(&*ledger, put("a", &n.to_string())).await;
    }
    for n in 0..40 {
        assert_eq!(next(&mut watch).await, [put_event("a", &n.to_string(), Revision(from.0 + 1 + n))]);
    }
    assert!(futures::poll!(watch.next()).is_pending());
}

pub(crate) async fn keys_of_one_transaction_arrive_together_in_their_order(ledger: Arc<dyn Ledger>) {
    let from = commit(&*ledger, put("app/b", "old")).await;
    let mut watch = ledger.watch("app/", from).await.unwrap();
    let revision = commit(
        &*ledger,
        Transaction {
            compares: vec![],
            writes: vec![
                Write::Put("app/c".into(), b"3".to_vec()),
                Write::Delete("app/b".into()),
                Write::Put("other".into(), b"0".to_vec()),
                Write::Put("app/a".into(), b"1".to_vec()),
            ],
        },
    )
    .await;
    let expected = [
        put_event("app/a", "1", revision),
        Event::Deleted { key: "app/b".into(), revision },
        put_event("app/c", "3", revision),
    ];
    assert_eq!(next(&mut watch).await, expected);
}

pub(crate) async fn a_watch_sees_its_prefix_only(ledger: Arc<dyn Ledger>) {
    let from = present(&*ledger).await;
    let mut narrow = ledger.watch("app/shop/", from).await.unwrap();
    let mut wide = ledger.watch("app/shop", from).await.unwrap();
    let mut everything = ledger.watch("", from).await.unwrap();
    let one = put_event("app/shop-2/x", "1", commit(&*ledger, put("app/shop-2/x", "1")).await);
    let two = put_event("app/shop/x", "2", commit(&*ledger, put("app/shop/x", "2")).await);
    let three = put_event("app", "3", commit(&*ledger, put("app", "3")).await);
    assert_eq!(next(&mut narrow).await, std::slice::from_ref(&two));
    assert_eq!(next(&mut wide).await, std::slice::from_ref(&one));
    assert_eq!(next(&mut wide).await, std::slice::from_ref(&two));
    for expected in [one, two, three] {
        assert_eq!(next(&mut everything).await, [expected]);
    }
}

pub(crate) async fn a_deletion_arrives_with_its_revision(ledger: Arc<dyn Ledger>) {
    let from = commit(&*ledger, put("a", "1")).await;
    let mut watch = ledger.watch("a", from).await.unwrap();
    let revision = commit(&*ledger, delete("a")).await;
    assert_eq!(next(&mut watch).await, [Event::Deleted { key: "a".into(), revision }]);
}

pub(crate) async fn a_key_written_before_and_after_the_watch_began_is_seen_once(ledger: Arc<dyn Ledger>) {
    let first = commit(&*ledger, put("a", "1")).await;
    let mut from_before = ledger.watch("a", Revision(first.0 - 1)).await.unwrap();
    let mut from_then = ledger.watch("a", first).await.unwrap();
    let second = commit(&*ledger, put("a", "2")).await;
    assert_eq!(next(&mut from_before).await, [put_event("a", "1", first)]);
    assert_eq!(next(&mut from_before).await, [put_event("a", "2", second)]);
    assert_eq!(next(&mut from_then).await, [put_event("a", "2", second)]);
}

pub(crate) async fn what_was_lost_or_changed_nothing_is_not_seen(ledger: Arc<dyn Ledger>) {
    let from = commit(&*ledger, put("a", "1")).await;
    let mut watch = ledger.watch("", from).await.unwrap();
    assert_eq!(ledger.transact(create("a", "2")).await.unwrap(), Committed::Lost);
    commit(&*ledger, delete("b")).await;
    let revision = commit(&*ledger, put("c", "3")).await;
    assert_eq!(next(&mut watch).await, [put_event("c", "3", revision)]);
}

pub(crate) async fn a_list_and_a_watch_together_miss_and_double_nothing(ledger: Arc<dyn Ledger>) {
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let ledger = Arc::clone(&ledger);
            tokio::spawn(async move {
                for n in 0..50 {
                    commit(&*ledger, put(&format!("key-{}", n % 7), &format!("{writer}-{n}"))).await;
                }
            })
        })
        .collect();
    let mut seen = BTreeMap::new();
    let page = ledger.range(&Range::prefix("key-")).await.unwrap();
    let mut revision = page.revision;
    for entry in page.entries {
        assert!(entry.revision <= page.revision);
        seen.insert(entry.key.clone(), entry);
    }
    let mut watch = ledger.watch("key-", page.revision).await.unwrap();
    while revision.0 < 200 {
        for event in next(&mut watch).await {
            let Event::Put(entry) = event else {
                panic!("{event:?}");
            };
            // Every revision is one of these transactions, so each must come, and only once.
            revision.0 += 1;
            assert_eq!(entry.revision, revision);
            seen.insert(entry.key.clone(), entry);
        }
    }
    for done in join_all(writers).await {
        done.unwrap();
    }
    let end = ledger.range(&Range::prefix("key-")).await.unwrap();
    assert_eq!(seen.into_values().collect::<Vec<_>>(), end.entries);
}

pub(crate) async fn every_watcher_gets_everything(ledger: Arc<dyn Ledger>) {
    let from = present(&*ledger).await;
    let watchers: Vec<_> = join_all((0..20).map(|_| ledger.watch("", from)))
        .await
        .into_iter()
        .map(|watch| {
            let watch = watch.unwrap();
            tokio::spawn(watch.take(50).map(|events| events.unwrap().len()).collect::<Vec<_>>())
        })
        .collect();
    for n in 0..50 {
        commit(&*ledger, put(&n.to_string(), "x")).await;
    }
    for watcher in watchers {
        assert_eq!(watcher.await.unwrap(), [1; 50]);
    }
}

pub(crate) async fn a_watch_from_a_revision_long_gone_is_compacted(ledger: Arc<dyn Ledger>) {
    let from = present(&*ledger).await;
    exceed_history(&*ledger).await;
    assert!(matches!(ledger.watch("", from).await, Err(Error::Compacted { from: named }) if named == from));
    let present = present(&*ledger).await;
    let mut watch = ledger.watch("", present).await.unwrap();
    let revision = commit(&*ledger, put("a", "1")).await;
    assert_eq!(next(&mut watch).await, [put_event("a", "1", revision)]);
}

pub(crate) async fn a_watch_from_a_revision_not_reached_is_compacted(ledger: Arc<dyn Ledger>) {
    let future = Revision(present(&*ledger).await.0 + 1000);
    assert!(matches!(ledger.watch("", future).await, Err(Error::Compacted { from }) if from == future));
}

pub(crate) async fn a_watcher_that_is_too_slow_is_told_and_holds_nobody_up(ledger: Arc<dyn Ledger>) {
    let from = present(&*ledger).await;
    let mut slow = ledger.watch("", from).await.unwrap();
    let first = commit(&*ledger, put("a", "1")).await;
    assert_eq!(next(&mut slow).await, [put_event("a", "1", first)]);
    exceed_history(&*ledger).await;
    let told = slow.next().await.unwrap();
    assert!(matches!(told, Err(Error::Compacted { from }) if from == first), "{told:?}");
    assert!(slow.next().await.is_none());
}

pub(crate) async fn a_quiet_watch_outlives_history_that_does_not_concern_it(ledger: Arc<dyn Ledger>) {
    let from = present(&*ledger).await;
    let mut quiet = ledger.watch("quiet/", from).await.unwrap();
    exceed_history(&*ledger).await;
    let revision = commit(&*ledger, put("quiet/a", "1")).await;
    assert_eq!(next(&mut quiet).await, [put_event("quiet/a", "1", revision)]);
}

async fn exceed_history(ledger: &dyn Ledger) {
    for n in 0..=HISTORY.transactions {
        commit(ledger, put("noise", &n.to_string())).await;
    }
}
