//! Transactions: all or nothing, one at a time, each with a revision of its own.

use std::sync::Arc;

use futures::future::join_all;
use plimsoll_core::ledger::{Committed, Compare, Ledger, Revision, Transaction, Write};

use crate::stack::{all, commit, create, delete, entry, present, put, replace};

pub(crate) async fn of_many_creators_of_a_key_exactly_one_commits(ledger: Arc<dyn Ledger>) {
    let names: Vec<String> = (0..32).map(|n| format!("writer-{n}")).collect();
    let winners = race(&ledger, names.iter().map(|name| create("head", name))).await;
    let [(winner, revision)] = winners[..] else {
        panic!("{winners:?}");
    };
    assert_eq!(ledger.get("head").await.unwrap(), Some(entry("head", &names[winner], revision)));
}

pub(crate) async fn of_many_writers_with_the_same_compare_exactly_one_commits(ledger: Arc<dyn Ledger>) {
    let mut at = commit(&*ledger, put("head", "first")).await;
    for _ in 0..10 {
        let names: Vec<String> = (0..16).map(|n| format!("writer-{n}")).collect();
        let winners = race(&ledger, names.iter().map(|name| replace("head", at, name))).await;
        let [(winner, revision)] = winners[..] else {
            panic!("{winners:?}");
        };
        assert_eq!(ledger.get("head").await.unwrap(), Some(entry("head", &names[winner], revision)));
        at = revision;
    }
}

pub(crate) async fn concurrent_increments_lose_no_update(ledger: Arc<dyn Ledger>) {
    commit(&*ledger, create("count", "0")).await;
    let writers = (0..8).map(|_| {
        let ledger = Arc::clone(&ledger);
        tokio::spawn(async move {
            for _ in 0..10 {
                loop {
                    let found = ledger.get("count").await.unwrap().unwrap();
                    let count: u32 = std::str::from_utf8(&found.value).unwrap().parse().unwrap();
                    let next = replace("count", found.revision, &(count + 1).to_string());
                    if ledger.transact(next).await.unwrap() != Committed::Lost {
                        break;
                    }
                }
            }
        })
    });
    for done in join_all(writers).await {
        done.unwrap();
    }
    assert_eq!(ledger.get("count").await.unwrap().unwrap().value, b"80");
}

pub(crate) async fn a_transaction_that_lost_one_comparison_writes_nothing(ledger: Arc<dyn Ledger>) {
    let first = commit(&*ledger, put("head", "1")).await;
    let transaction = Transaction {
        compares: vec![
            Compare::At("head".into(), first),
            Compare::Absent("release".into()),
            Compare::Present("namespace".into()),
        ],
        writes: vec![Write::Put("head".into(), b"2".to_vec()), Write::Put("release".into(), b"2".to_vec())],
    };
    assert_eq!(ledger.transact(transaction).await.unwrap(), Committed::Lost);
    assert_eq!(all(&*ledger, "").await, [entry("head", "1", first)]);
    assert_eq!(present(&*ledger).await, first);
}

pub(crate) async fn a_transaction_stamps_all_its_keys_with_one_revision(ledger: Arc<dyn Ledger>) {
    commit(&*ledger, put("a", "old")).await;
    let revision = commit(
        &*ledger,
        Transaction {
            compares: vec![],
            writes: vec![Write::Put("b".into(), b"2".to_vec()), Write::Put("a".into(), b"1".to_vec())],
        },
    )
    .await;
    assert_eq!(all(&*ledger, "").await, [entry("a", "1", revision), entry("b", "2", revision)]);
}

pub(crate) async fn revisions_grow_by_one_and_are_never_given_twice(ledger: Arc<dyn Ledger>) {
    let before = present(&*ledger).await;
    let keys: Vec<String> = (0..100).map(|n| format!("key-{n}")).collect();
    let mut given: Vec<u64> =
        race(&ledger, keys.iter().map(|key| put(key, "x"))).await.into_iter().map(|(_, at)| at.0).collect();
    given.sort_unstable();
    assert_eq!(given, (before.0 + 1..=before.0 + 100).collect::<Vec<_>>());
}

pub(crate) async fn a_transaction_without_writes_commits_at_the_present_revision(ledger: Arc<dyn Ledger>) {
    assert_eq!(present(&*ledger).await, present(&*ledger).await);
    let written = commit(&*ledger, put("a", "1")).await;
    assert_eq!(present(&*ledger).await, written);
}

pub(crate) async fn a_transaction_that_only_compares_can_be_lost(ledger: Arc<dyn Ledger>) {
    let at = commit(&*ledger, put("a", "1")).await;
    let compare = |compare| Transaction { compares: vec![compare], writes: vec![] };
    assert_eq!(commit(&*ledger, compare(Compare::At("a".into(), at))).await, at);
    for lost in [
        Compare::At("a".into(), Revision(at.0 + 1)),
        Compare::At("b".into(), Revision(0)),
        Compare::Absent("a".into()),
        Compare::Present("b".into()),
    ] {
        assert_eq!(ledger.transact(compare(lost)).await.unwrap(), Committed::Lost);
    }
}

pub(crate) async fn deleting_a_key_that_is_not_there_changes_nothing(ledger: Arc<dyn Ledger>) {
    let at = commit(&*ledger, put("a", "1")).await;
    assert_eq!(commit(&*ledger, delete("b")).await, at);
    let gone = commit(&*ledger, delete("a")).await;
    assert_eq!(gone.0, at.0 + 1);
    assert_eq!(commit(&*ledger, delete("a")).await, gone);
    assert_eq!(all(&*ledger, "").await, []);
}

pub(crate) async fn a_key_deleted_and_written_again_is_not_at_its_old_revision(ledger: Arc<dyn Ledger>) {
    let old = commit(&*ledger, put("a", "same")).await;
    commit(&*ledger, delete("a")).await;
    let new = commit(&*ledger, create("a", "same")).await;
    assert_eq!(ledger.transact(replace("a", old, "other")).await.unwrap(), Committed::Lost);
    commit(&*ledger, replace("a", new, "other")).await;
}

pub(crate) async fn present_holds_for_any_value_and_not_without_one(ledger: Arc<dyn Ledger>) {
    let guarded =
        |value: &str| Transaction { compares: vec![Compare::Present("guard".into())], ..put("a", value) };
    assert_eq!(ledger.transact(guarded("0")).await.unwrap(), Committed::Lost);
    commit(&*ledger, put("guard", "x")).await;
    commit(&*ledger, guarded("1")).await;
    commit(&*ledger, put("guard", "y")).await;
    commit(&*ledger, guarded("2")).await;
    commit(&*ledger, delete("guard")).await;
    assert_eq!(ledger.transact(guarded("3")).await.unwrap(), Committed::Lost);
    assert_eq!(ledger.get("a").await.unwrap().unwrap().value, b"2");
}

pub(crate) async fn a_read_begun_after_a_commit_sees_it(ledger: Arc<dyn Ledger>) {
    let tasks = (0..16).map(|task| {
        let ledger = Arc::clone(&ledger);
        tokio::spawn(async move {
            let key = format!("task-{task}");
            for round in 0..10 {
                let value = round.to_string();
                let revision = commit(&*ledger, put(&key, &value)).await;
                assert_eq!(ledger.get(&key).await.unwrap(), Some(entry(&key, &value, revision)));
                assert_eq!(all(&*ledger, &key).await.first(), Some(&entry(&key, &value, revision)));
            }
        })
    });
    for done in join_all(tasks).await {
        done.unwrap();
    }
}

/// Lets all happen at once; returns which ones committed, and where.
async fn race(
    ledger: &Arc<dyn Ledger>,
    transactions: impl Iterator<Item = Transaction>,
) -> Vec<(usize, Revision)> {
    let tasks = transactions.map(|transaction| {
        let ledger = Arc::clone(ledger);
        tokio::spawn(async move { ledger.transact(transaction).await.unwrap() })
    });
    join_all(tasks.collect::<Vec<_>>())
        .await
        .into_iter()
        .enumerate()
        .filter_map(|(n, done)| match done.unwrap() {
            Committed::At(revision) => Some((n, revision)),
            Committed::Lost => None,
        })
        .collect()
}
