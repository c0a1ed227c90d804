//! What a transaction does to a store: the one place that says so, for every store of this crate.

use plimsoll_core::ledger::{Compare, Entry, Event, Revision, Transaction, Write};

/// The keys of a store while a transaction has them to itself.
pub(crate) trait Entries {
    type Error;

    fn revision_of(&self, key: &str) -> Result<Option<Revision>, Self::Error>;
    fn put(&mut self, key: &str, value: &[u8], revision: Revision) -> Result<(), Self::Error>;
    /// Says whether the key was there.
    fn remove(&mut self, key: &str) -> Result<bool, Self::Error>;
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Applied {
    /// A comparison did not hold.
    Lost,
    /// All held, and nothing had to be changed.
    Unchanged,
    /// All held; this is what changed, in the order of the keys.
    Changed(Vec<Event>),
}

/// Compares, and if all holds, writes under the revision `next`.
pub(crate) fn apply<E: Entries>(
    entries: &mut E,
    transaction: Transaction,
    next: Revision,
) -> Result<Applied, E::Error> {
    let Transaction { compares, mut writes } = transaction;
    for compare in &compares {
        let holds = match compare {
            Compare::Absent(key) => entries.revision_of(key)?.is_none(),
            Compare::Present(key) => entries.revision_of(key)?.is_some(),
            Compare::At(key, revision) => entries.revision_of(key)? == Some(*revision),
        };
        if !holds {
            return Ok(Applied::Lost);
        }
    }
    writes.sort_by(|a, b| written_key(a).cmp(written_key(b)));
    let mut events = Vec::with_capacity(writes.len());
    for write in writes {
        match write {
            Write::Put(key, value) => {
                entries.put(&key, &value, next)?;
                let revision = next;
                events.push(Event::Put(Entry { key, value, revision }));
            }
            Write::Delete(key) => {
                if entries.remove(&key)? {
                    events.push(Event::Deleted { key, revision: next });
                }
            }
        }
    }
    if events.is_empty() {
        return Ok(Applied::Unchanged);
    }
    Ok(Applied::Changed(events))
}

fn written_key(write: &Write) -> &str {
    let (Write::Put(key, _) | Write::Delete(key)) = write;
    key
}
