//! What a transaction does to a store: the one place that says so, for every store of this crate.

use plimsoll_core::ledger::{Compare, Entry, Event, Revision, Transaction, Write};

/// The keys of a store while a transaction has them to itself.
pub(crate) trait Entries {
    type Error;

    fn revision_of(&self, key: &str) -> Result<Option<Revision>, Self::Error>;
    /// Says how long the value was that the key had, if it had one; so for the next.
    fn put(&mut self, key: &str, value: &[u8], revision: Revision) -> Result<Option<usize>, Self::Error>;
    fn remove(&mut self, key: &str) -> Result<Option<usize>, Self::Error>;
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Applied {
    /// A comparison did not hold.
    Lost,
    /// All held, and nothing had to be changed.
    Unchanged,
    /// All held.
    Changed {
        /// What changed, in the order of the keys.
        events: Vec<Event>,
        /// By how much the store grew, in bytes of [`entry_size`].
        growth: i64,
    },
}

/// How many bytes an entry counts for: its key, its value and its revision.
pub(crate) fn entry_size(key: &str, value: usize) -> u64 {
    (key.len() + value + size_of::<Revision>()) as u64
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
    let (mut added, mut freed) = (0, 0);
    for write in writes {
        match write {
            Write::Put(key, value) => {
                freed += entries.put(&key, &value, next)?.map_or(0, |before| entry_size(&key, before));
                added += entry_size(&key, value.len());
                let revision = next;
                events.push(Event::Put(Entry { key, value, revision }));
            }
            Write::Delete(key) => {
                if let Some(before) = entries.remove(&key)? {
                    freed += entry_size(&key, before);
                    events.push(Event::Deleted { key, revision: next });
                }
            }
        }
    }
    if events.is_empty() {
        return Ok(Applied::Unchanged);
    }
    Ok(Applied::Changed { events, growth: added.cast_signed() - freed.cast_signed() })
}

fn written_key(write: &Write) -> &str {
    let (Write::Put(key, _) | Write::Delete(key)) = write;
    key
}
