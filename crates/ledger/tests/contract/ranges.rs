//! Ranges: in order, in pages, each page at one revision.

use std::sync::Arc;

use plimsoll_core::ledger::{
    Direction, Ledger, MAX_PAGE, MAX_PAGE_BYTES, MAX_VALUE, Page, Range, Transaction, Write,
};

use crate::stack::{all, commit, entry, present, put};

pub(crate) async fn a_range_is_in_the_order_of_the_bytes_of_its_keys(ledger: Arc<dyn Ledger>) {
    for key in ["b", "a/2", "ä", "a", "a/10", "Z", "a-1", "a\u{0}", "中"] {
        commit(&*ledger, put(key, "x")).await;
    }
    let keys: Vec<String> = all(&*ledger, "").await.into_iter().map(|entry| entry.key).collect();
    assert_eq!(keys, ["Z", "a", "a\u{0}", "a-1", "a/10", "a/2", "b", "ä", "中"]);
}

pub(crate) async fn prefixes_that_are_prefixes_of_each_other_are_told_apart(ledger: Arc<dyn Ledger>) {
    for key in
        ["orders/demo/shop/dc-1", "orders/demo/shop-2/dc-1", "orders/demo/shop/dc-10", "orders/demo/sho"]
    {
        commit(&*ledger, put(key, "x")).await;
    }
    let mut found = Vec::new();
    for prefix in
        ["orders/demo/shop/dc-1", "orders/demo/shop/", "orders/demo/shop", "orders/demo/", "orders/x"]
    {
        found.push(all(&*ledger, prefix).await.len());
    }
    assert_eq!(found, [2, 2, 3, 4, 0]);
}

pub(crate) async fn pages_follow_one_another_without_gap_or_overlap(ledger: Arc<dyn Ledger>) {
    let names: Vec<String> = (0..25).map(|n| format!("app/{n:02}")).collect();
    commit(
        &*ledger,
        Transaction {
            compares: vec![],
            writes: names.iter().map(|name| Write::Put(name.clone(), b"x".to_vec())).collect(),
        },
    )
    .await;
    commit(&*ledger, put("app0", "behind the prefix")).await;
    let both = [Direction::Up, Direction::Down].into_iter();
    for (direction, limit) in both.flat_map(|direction| [1, 7, 24, 25, 26].map(|limit| (direction, limit))) {
        let mut found = Vec::new();
        let mut sizes = Vec::new();
        let mut after = None;
        loop {
            let page = ledger.range(&Range { prefix: "app/".into(), after, limit, direction }).await.unwrap();
            sizes.push(page.entries.len());
            found.extend(page.entries.iter().map(|entry| entry.key.clone()));
            after = found.last().cloned();
            if !page.more {
                break;
            }
        }
        if direction == Direction::Down {
            found.reverse();
        }
        assert_eq!(found, names);
        assert_eq!(sizes.len(), names.len().div_ceil(limit), "{sizes:?}");
    }
}

pub(crate) async fn a_page_holds_no_more_than_the_port_allows(ledger: Arc<dyn Ledger>) {
    for hundred in 0..=MAX_PAGE / 100 {
        let writes = (0..100).map(|n| Write::Put(format!("{:05}", hundred * 100 + n), b"x".to_vec()));
        commit(&*ledger, Transaction { compares: vec![], writes: writes.collect() }).await;
    }
    let page = ledger.range(&Range { limit: MAX_PAGE + 50, ..Range::prefix("") }).await.unwrap();
    assert_eq!((page.entries.len(), page.more), (MAX_PAGE, true));
}

pub(crate) async fn a_page_ends_early_rather_than_hold_too_many_bytes(ledger: Arc<dyn Ledger>) {
    let value = "v".repeat(MAX_VALUE);
    for n in 0..=MAX_PAGE_BYTES / MAX_VALUE {
        commit(&*ledger, put(&format!("key-{n}"), &value)).await;
    }
    let page = ledger.range(&Range::prefix("")).await.unwrap();
    assert_eq!((page.entries.len(), page.more), (MAX_PAGE_BYTES / MAX_VALUE - 1, true));
    let after = page.entries.last().map(|entry| entry.key.clone());
    let rest = ledger.range(&Range { after, ..Range::prefix("") }).await.unwrap();
    assert_eq!((rest.entries.len(), rest.more), (2, false));
}

pub(crate) async fn a_range_may_begin_behind_any_key(ledger: Arc<dyn Ledger>) {
    for key in ["a/1", "b/1", "b/2", "c/1"] {
        commit(&*ledger, put(key, "x")).await;
    }
    let behind = async |after: &str| {
        let range = Range { after: Some(after.into()), ..Range::prefix("b/") };
        let page = ledger.range(&range).await.unwrap();
        page.entries.into_iter().map(|entry| entry.key).collect::<Vec<_>>()
    };
    assert_eq!(behind("").await, ["b/1", "b/2"]);
    assert_eq!(behind("a/1").await, ["b/1", "b/2"]);
    assert_eq!(behind("b/").await, ["b/1", "b/2"]);
    assert_eq!(behind("b/0").await, ["b/1", "b/2"]);
    assert_eq!(behind("b/1").await, ["b/2"]);
    assert_eq!(behind("b/2").await, [""; 0]);
    assert_eq!(behind("c").await, [""; 0]);
}

pub(crate) async fn a_page_is_read_at_the_one_revision_that_it_names(ledger: Arc<dyn Ledger>) {
    assert_eq!(
        ledger.range(&Range::prefix("")).await.unwrap(),
        Page { entries: vec![], revision: present(&*ledger).await, more: false }
    );
    let both = |value: String| Transaction {
        compares: vec![],
        writes: vec![
            Write::Put("left".into(), value.clone().into_bytes()),
            Write::Put("right".into(), value.into_bytes()),
        ],
    };
    let first = commit(&*ledger, both("0".into())).await;
    let writer = {
        let ledger = Arc::clone(&ledger);
        tokio::spawn(async move {
            for n in 1..=100 {
                commit(&*ledger, both(n.to_string())).await;
            }
        })
    };
    loop {
        let done = writer.is_finished();
        let page = ledger.range(&Range::prefix("")).await.unwrap();
        let value = (page.revision.0 - first.0).to_string();
        let expected = [entry("left", &value, page.revision), entry("right", &value, page.revision)];
        assert_eq!(page.entries, expected);
        if done {
            break;
        }
    }
    writer.await.unwrap();
}

pub(crate) async fn a_range_from_above_may_begin_anywhere(ledger: Arc<dyn Ledger>) {
    for key in ["a", "b", "b/1", "b/2", "b/2/x", "b0", "c", "b/\u{10ffff}", "b/\u{10ffff}/1"] {
        commit(&*ledger, put(key, "x")).await;
    }
    let down = async |prefix: &str, after: Option<&str>| -> Vec<String> {
        let range = Range { after: after.map(str::to_owned), ..Range::down(prefix) };
        ledger.range(&range).await.unwrap().entries.into_iter().map(|entry| entry.key).collect()
    };
    assert_eq!(down("b/", None).await, ["b/\u{10ffff}/1", "b/\u{10ffff}", "b/2/x", "b/2", "b/1"]);
    assert_eq!(down("b/", Some("z")).await.len(), 5, "behind all of them");
    assert_eq!(down("b/", Some("b/2/x")).await, ["b/2", "b/1"]);
    assert_eq!(down("b/", Some("b/2/a")).await, ["b/2", "b/1"], "a key that is not there");
    assert_eq!(down("b/\u{10ffff}", None).await.len(), 2, "a prefix that no character comes behind");
    for before_all in ["b/", "b", "a", ""] {
        assert!(down("b/", Some(before_all)).await.is_empty(), "{before_all}");
    }
    assert_eq!(down("", Some("b")).await, ["a"]);
    assert_eq!(down("", None).await.len(), 9);
}
