//! Filling a page out of a store's entries, the same for every store.

use std::ops::Bound;

use plimsoll_core::ledger::{Direction, Entry, MAX_PAGE_BYTES, Page, Range, Revision};

/// The stretch of keys that a range is about, but for those that [`Filling::take`] still turns away.
pub(crate) type Stretch = (Bound<String>, Bound<String>);

/// Where a range begins and ends; `None` if no key can lie in it.
pub(crate) fn stretch(range: &Range) -> Option<Stretch> {
    let Range { prefix, after, limit: _, direction } = range;
    let first = Bound::Included(prefix.clone());
    match (direction, after) {
        (Direction::Up, Some(after)) if after >= prefix => {
            Some((Bound::Excluded(after.clone()), Bound::Unbounded))
        }
        (Direction::Up, _) => Some((first, Bound::Unbounded)),
        (Direction::Down, Some(after)) if after <= prefix => None,
        (Direction::Down, after) => {
            let end = [after.clone(), behind(prefix)].into_iter().flatten().min();
            Some((first, end.map_or(Bound::Unbounded, Bound::Excluded)))
        }
    }
}

/// The least text that sorts behind everything that begins with `prefix`, if there is one.
fn behind(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            text.push(next);
            return Some(text);
        }
    }
    None
}

/// A page while it is filled.
pub(crate) struct Filling<'a> {
    prefix: &'a str,
    limit: usize,
    bytes: usize,
    page: Page,
}

impl<'a> Filling<'a> {
    /// A page of at most `limit` entries that begin with `prefix`, read at `revision`.
    pub(crate) fn new(prefix: &'a str, limit: usize, revision: Revision) -> Self {
        Self { prefix, limit, bytes: 0, page: Page { entries: Vec::new(), revision, more: false } }
    }

    /// Takes the next entry of the stretch; answers whether to go on.
    pub(crate) fn take(&mut self, key: &str, revision: Revision, value: &[u8]) -> bool {
        if !key.starts_with(self.prefix) {
            return false;
        }
        self.bytes += key.len() + value.len();
        let full = self.page.entries.len() == self.limit
            || (self.bytes > MAX_PAGE_BYTES && !self.page.entries.is_empty());
        if full {
            self.page.more = true;
            return false;
        }
        self.page.entries.push(Entry { key: key.to_owned(), value: value.to_vec(), revision });
        true
    }

    pub(crate) fn done(self) -> Page {
        self.page
    }
}
