//! The implementations, each as a stack of its own, and short words for the cases.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use plimsoll_core::ledger::{
    Committed, Compare, Entry, Event, Ledger, Range, Revision, Transaction, Watch, Write,
};
use plimsoll_ledger::faults::FaultLedger;
use plimsoll_ledger::{History, MemoryLedger, Options, RedbLedger};
use tempfile::TempDir;

/// Little, so that a case can exceed it.
pub(crate) const HISTORY: History = History { transactions: 256, bytes: 16 * 1024 * 1024 };

/// A ledger that is nobody else's.
pub(crate) struct Stack {
    ledger: Arc<dyn Ledger>,
    /// Where its file lies; removed when the stack goes.
    _folder: Option<TempDir>,
}

pub(crate) async fn memory() -> Stack {
    Stack { ledger: Arc::new(MemoryLedger::with_history(HISTORY)), _folder: None }
}

pub(crate) async fn redb() -> Stack {
    let folder = TempDir::new().unwrap();
    Stack { ledger: Arc::new(open(folder.path()).await), _folder: Some(folder) }
}

pub(crate) async fn memory_without_faults() -> Stack {
    wrapped(memory().await)
}

pub(crate) async fn redb_without_faults() -> Stack {
    wrapped(redb().await)
}

fn wrapped(stack: Stack) -> Stack {
    Stack { ledger: Arc::new(FaultLedger::new(stack.ledger)), ..stack }
}

async fn open(folder: &Path) -> RedbLedger {
    RedbLedger::open_with(folder.join("ledger.redb"), Options { history: HISTORY, ..Options::default() })
        .await
        .unwrap()
}

/// Runs a case, which must come to an end.
pub(crate) async fn run<F: Future<Output = ()>>(stack: Stack, case: impl FnOnce(Arc<dyn Ledger>) -> F) {
    let Stack { ledger, _folder } = stack;
    tokio::time::timeout(Duration::from_mins(1), case(ledger)).await.unwrap();
}

pub(crate) fn put(key: &str, value: &str) -> Transaction {
    Transaction { compares: Vec::new(), writes: vec![Write::Put(key.into(), value.into())] }
}

pub(crate) fn create(key: &str, value: &str) -> Transaction {
    Transaction { compares: vec![Compare::Absent(key.into())], ..put(key, value) }
}

pub(crate) fn replace(key: &str, at: Revision, value: &str) -> Transaction {
    Transaction { compares: vec![Compare::At(key.into(), at)], ..put(key, value) }
}

pub(crate) fn delete(key: &str) -> Transaction {
    Transaction { compares: Vec::new(), writes: vec![Write::Delete(key.into())] }
}

pub(crate) fn entry(key: &str, value: &str, revision: Revision) -> Entry {
    Entry { key: key.into(), value: value.into(), revision }
}

pub(crate) fn put_event(key: &str, value: &str, revision: Revision) -> Event {
    Event::Put(entry(key, value, revision))
}

/// Commits what cannot be lost.
pub(crate) async fn commit(ledger: &dyn Ledger, transaction: Transaction) -> Revision {
    match ledger.transact(transaction).await.unwrap() {
        Committed::At(revision) => revision,
        Committed::Lost => panic!("a comparison did not hold"),
    }
}

/// The present revision.
pub(crate) async fn present(ledger: &dyn Ledger) -> Revision {
    commit(ledger, Transaction::default()).await
}

/// All entries under a prefix that one page can hold.
pub(crate) async fn all(ledger: &dyn Ledger, prefix: &str) -> Vec<Entry> {
    let page = ledger.range(&Range::prefix(prefix)).await.unwrap();
    assert!(!page.more);
    page.entries
}

/// What the watch hands out next.
pub(crate) async fn next(watch: &mut Watch) -> Vec<Event> {
    watch.next().await.unwrap().unwrap()
}
