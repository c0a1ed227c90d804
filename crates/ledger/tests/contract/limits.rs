//! The bounds of the port.

use std::sync::Arc;
use std::time::Duration;

use plimsoll_core::ledger::{
    Compare, Error, Ledger, MAX_KEY, MAX_OPERATIONS, MAX_TRANSACTION, MAX_VALUE, Range, Revision,
    Transaction, Write,
};

use crate::stack::{commit, delete, present, put};

pub(crate) async fn a_key_and_a_value_at_the_bound_are_taken(ledger: Arc<dyn Ledger>) {
    let key = "k".repeat(MAX_KEY);
    let value = "v".repeat(MAX_VALUE);
    commit(&*ledger, put(&key, &value)).await;
    assert_eq!(ledger.get(&key).await.unwrap().unwrap().value.len(), MAX_VALUE);
    let names = (0..MAX_OPERATIONS).map(|n| format!("key-{n}"));
    commit(
        &*ledger,
        Transaction {
            compares: names.clone().map(Compare::Absent).collect(),
            writes: names.map(|name| Write::Put(name, b"x".to_vec())).collect(),
        },
    )
    .await;
}

pub(crate) async fn what_is_beyond_the_bounds_is_refused_and_changes_nothing(ledger: Arc<dyn Ledger>) {
    let before = present(&*ledger).await;
    let long = "k".repeat(MAX_KEY + 1);
    let names = (0..=MAX_OPERATIONS).map(|n| format!("key-{n}"));
    let half = vec![b'v'; MAX_TRANSACTION / 2];
    let refused = [
        put("", "value"),
        put(&long, "value"),
        delete(&long),
        put("key", ""),
        put("key", &"v".repeat(MAX_VALUE + 1)),
        Transaction { compares: vec![Compare::Absent(String::new())], writes: vec![] },
        Transaction { compares: vec![Compare::Present(long.clone())], writes: vec![] },
        Transaction { compares: names.clone().map(Compare::Absent).collect(), writes: vec![] },
        Transaction { compares: vec![], writes: names.map(Write::Delete).collect() },
        Transaction {
            compares: vec![],
            writes: vec![Write::Put("twice".into(), b"1".to_vec()), Write::Delete("twice".into())],
        },
        Transaction {
            compares: vec![],
            writes: vec![Write::Put("a".into(), half.clone()), Write::Put("b".into(), half)],
        },
    ];
    for transaction in refused {
        let answer = ledger.transact(transaction).await;
        assert!(matches!(answer, Err(Error::Invalid(_))), "{answer:?}");
    }
    assert_eq!(present(&*ledger).await, before);
}

pub(crate) async fn reads_beyond_the_bounds_are_refused(ledger: Arc<dyn Ledger>) {
    let long = "k".repeat(MAX_KEY + 1);
    assert!(matches!(ledger.get("").await, Err(Error::Invalid(_))));
    assert!(matches!(ledger.get(&long).await, Err(Error::Invalid(_))));
    assert!(matches!(ledger.watch(&long, Revision(0)).await, Err(Error::Invalid(_))));
    assert!(matches!(ledger.campaign(&long, "me", Duration::from_secs(1)).await, Err(Error::Invalid(_))));
    for range in [
        Range { limit: 0, ..Range::prefix("") },
        Range::prefix(long.clone()),
        Range { after: Some(long), ..Range::prefix("") },
    ] {
        assert!(matches!(ledger.range(&range).await, Err(Error::Invalid(_))), "{range:?}");
    }
}
