//! Random transactions against a map that does the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use plimsoll_core::ledger::{Committed, Compare, Entry, Event, Ledger, Range, Revision, Transaction, Write};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::stack::{next, present};

const PREFIX: &str = "b";

/// What the ledger should hold.
struct Model {
    revision: Revision,
    entries: BTreeMap<String, Entry>,
}

#[derive(Clone, Debug)]
struct Step {
    compares: Vec<(String, Comparison)>,
    writes: BTreeMap<String, Option<Vec<u8>>>,
}

#[derive(Clone, Copy, Debug)]
enum Comparison {
    Absent,
    Present,
    /// At the revision that the key has, if it is there.
    Right,
    Wrong,
}

pub(crate) async fn random_transactions_do_what_a_map_does(ledger: Arc<dyn Ledger>) {
    // The same steps each time, as a failure must be found again; 40 runs on the one ledger.
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    let mut model = Model { revision: present(&*ledger).await, entries: BTreeMap::new() };
    for _ in 0..40 {
        let steps = vec(step(), 1..20).new_tree(&mut runner).unwrap().current();
        let mut watch = ledger.watch(PREFIX, model.revision).await.unwrap();
        let mut expected = Vec::new();
        for step in &steps {
            let transaction = model.transaction(step);
            let (answer, events) = model.apply(&transaction);
            assert_eq!(ledger.transact(transaction).await.unwrap(), answer, "{steps:#?}");
            expected.extend(Some(events).filter(|events| !events.is_empty()));
        }
        for events in expected {
            assert_eq!(next(&mut watch).await, events, "{steps:#?}");
        }
        let page = ledger.range(&Range::prefix("")).await.unwrap();
        assert_eq!(page.revision, model.revision);
        assert_eq!(page.entries, model.entries.values().cloned().collect::<Vec<_>>(), "{steps:#?}");
        for key in model.entries.keys() {
            assert_eq!(ledger.get(key).await.unwrap().as_ref(), model.entries.get(key));
        }
    }
    // So that the model is seen to be more than empty.
    assert!(model.revision.0 > 100);
}

impl Model {
    fn transaction(&self, step: &Step) -> Transaction {
        let compares = step.compares.iter().map(|(key, comparison)| {
            let revision = self.entries.get(key).map_or(self.revision, |entry| entry.revision);
            match comparison {
                Comparison::Absent => Compare::Absent(key.clone()),
                Comparison::Present => Compare::Present(key.clone()),
                Comparison::Right => Compare::At(key.clone(), revision),
                Comparison::Wrong => Compare::At(key.clone(), Revision(revision.0 + 1)),
            }
        });
        let writes = step.writes.iter().rev().map(|(key, value)| match value {
            Some(value) => Write::Put(key.clone(), value.clone()),
            None => Write::Delete(key.clone()),
        });
        Transaction { compares: compares.collect(), writes: writes.collect() }
    }

    /// What the ledger should answer, and show to a watch of [`PREFIX`].
    fn apply(&mut self, transaction: &Transaction) -> (Committed, Vec<Event>) {
        let holds = transaction.compares.iter().all(|compare| match compare {
            Compare::Absent(key) => !self.entries.contains_key(key),
            Compare::Present(key) => self.entries.contains_key(key),
            Compare::At(key, at) => self.entries.get(key).is_some_and(|entry| entry.revision == *at),
        });
        if !holds {
            return (Committed::Lost, Vec::new());
        }
        let revision = Revision(self.revision.0 + 1);
        let mut events = BTreeMap::new();
        for write in &transaction.writes {
            match write.clone() {
                Write::Put(key, value) => {
                    let entry = Entry { key: key.clone(), value, revision };
                    self.entries.insert(key.clone(), entry.clone());
                    events.insert(key, Event::Put(entry));
                }
                Write::Delete(key) => {
                    if self.entries.remove(&key).is_some() {
                        events.insert(key.clone(), Event::Deleted { key, revision });
                    }
                }
            }
        }
        if !events.is_empty() {
            self.revision = revision;
        }
        let seen = events.into_iter().filter(|(key, _)| key.starts_with(PREFIX)).map(|(_, event)| event);
        (Committed::At(self.revision), seen.collect())
    }
}

fn step() -> impl Strategy<Value = Step> {
    let comparison = prop_oneof![
        1 => Just(Comparison::Absent),
        3 => Just(Comparison::Present),
        3 => Just(Comparison::Right),
        1 => Just(Comparison::Wrong),
    ];
    let value = proptest::option::of(vec(any::<u8>(), 1..30));
    (vec((key(), comparison), 0..3), proptest::collection::btree_map(key(), value, 0..5))
        .prop_map(|(compares, writes)| Step { compares, writes })
}

/// Few, so that they meet, and some of them prefixes of others.
fn key() -> impl Strategy<Value = String> {
    proptest::string::string_regex("[abc](/[ab]{0,2})?").unwrap()
}
