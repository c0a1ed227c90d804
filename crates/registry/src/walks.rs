//! Lists that were read not long ago, for their further pages.
//!
//! A registry is asked for its whole list at once, since only that shows what is missing in it, and who reads it page by
//! page is not to wait for all of it each time.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use plimsoll_core::image::{Home, Host, Names, Repository, Tag, Walk};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// The entries of one list, of which more are not read.
pub(crate) const MOST: usize = 100_000;
/// How long a list is kept, counted from when it was last read from.
const KEPT: Duration = Duration::from_mins(2);
/// How many lists of each kind are kept, and how many are read at once.
const LISTS: usize = 4;

/// Lists that were read not long ago.
#[derive(Debug)]
pub(crate) struct Walks {
    repositories: Recent<Host, Repository>,
    tags: Recent<Home, Tag>,
    turns: Semaphore,
}

impl Default for Walks {
    fn default() -> Self {
        Self { repositories: Recent::default(), tags: Recent::default(), turns: Semaphore::new(LISTS) }
    }
}

impl Walks {
    /// The lists of repositories.
    pub(crate) fn repositories(&self) -> &Recent<Host, Repository> {
        &self.repositories
    }

    /// The lists of tags.
    pub(crate) fn tags(&self) -> &Recent<Home, Tag> {
        &self.tags
    }

    /// A turn to read a list; none when it has not come by then.
    pub(crate) async fn turn(&self, until: Instant) -> Option<SemaphorePermit<'_>> {
        tokio::time::timeout_at(until, self.turns.acquire()).await.ok()?.ok()
    }
}

/// Lists of one kind, the one that was read from last at the end.
#[derive(Debug)]
pub(crate) struct Recent<K, T>(Mutex<Vec<(K, Instant, Names<T>)>>);

impl<K, T> Default for Recent<K, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: PartialEq + Clone, T> Recent<K, T> {
    /// The list that was read of this, where a further page of it is asked for.
    pub(crate) fn find(&self, key: &K, walk: Walk) -> Option<Names<T>> {
        let mut kept = self.0.lock();
        kept.retain(|(_, read, _)| read.elapsed() < KEPT);
        if walk == Walk::Anew {
            return None;
        }
        let place = kept.iter().position(|(other, ..)| other == key)?;
        let (key, _, names) = kept.remove(place);
        let found = Names { names: names.names.clone(), incomplete: names.incomplete.clone() };
        kept.push((key, Instant::now(), names));
        Some(found)
    }

    /// Keeps a list that was read, in the place of the one before.
    pub(crate) fn keep(&self, key: &K, mut items: Vec<T>, incomplete: Option<String>) -> Names<T>
    where
        T: Ord,
    {
        items.sort_unstable();
        items.dedup();
        let names: Arc<[T]> = items.into();
        let mut kept = self.0.lock();
        kept.retain(|(other, ..)| other != key);
        if kept.len() >= LISTS {
            kept.remove(0);
        }
        // One of a single page has no further one.
        kept.push((
            key.clone(),
            Instant::now(),
            Names { names: names.clone(), incomplete: incomplete.clone() },
        ));
        Names { names, incomplete }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_further_page_is_of_the_list_that_was_read_and_a_first_one_never_is() {
        let recent: Recent<u8, u8> = Recent::default();
        assert_eq!(recent.find(&1, Walk::GoOn), None);
        let read = recent.keep(&1, vec![3, 1, 2, 3], Some("because".to_owned()));
        assert_eq!((&*read.names, read.incomplete.as_deref()), (&[1, 2, 3][..], Some("because")));
        assert_eq!(recent.find(&1, Walk::Anew), None);
        assert_eq!(recent.find(&1, Walk::GoOn), Some(read));
        assert_eq!(recent.find(&2, Walk::GoOn), None);
        tokio::time::advance(KEPT).await;
        assert_eq!(recent.find(&1, Walk::GoOn), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_list_that_nobody_reads_on_makes_room() {
        let recent: Recent<usize, u8> = Recent::default();
        for key in 0..LISTS {
            recent.keep(&key, vec![0], None);
        }
        assert!(recent.find(&0, Walk::GoOn).is_some());
        recent.keep(&LISTS, vec![0], None);
        let kept: Vec<usize> = (0..=LISTS).filter(|key| recent.find(key, Walk::GoOn).is_some()).collect();
        assert_eq!(kept, [0, 2, 3, 4]);
    }
}
