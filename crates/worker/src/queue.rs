//! Which Apps are to be looked at: each at most once, however often it was asked for, and never twice at the
//! same time.

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;

/// A queue of keys that are due. It holds each key once, so it is bounded by how many there are.
pub(crate) struct Queue<K> {
    due: VecDeque<K>,
    queued: HashSet<K>,
    /// In work; a key that becomes due meanwhile waits until it is finished.
    busy: HashSet<K>,
    again: HashSet<K>,
}

impl<K: Clone + Eq + Hash> Queue<K> {
    pub(crate) fn new() -> Self {
        Self { due: VecDeque::new(), queued: HashSet::new(), busy: HashSet::new(), again: HashSet::new() }
    }

    /// Marks a key as due.
    pub(crate) fn push(&mut self, key: K) {
        if self.busy.contains(&key) {
            self.again.insert(key);
        } else if self.queued.insert(key.clone()) {
            self.due.push_back(key);
        }
    }

    /// Takes the key that has been due for longest into work.
    pub(crate) fn pop(&mut self) -> Option<K> {
        let key = self.due.pop_front()?;
        self.queued.remove(&key);
        self.busy.insert(key.clone());
        Some(key)
    }

    /// Ends the work on a key; it is due again if that was said meanwhile.
    pub(crate) fn finish(&mut self, key: &K) {
        self.busy.remove(key);
        if self.again.remove(key) {
            self.push(key.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_due_once_however_often_it_is_asked_for() {
        let mut queue = Queue::new();
        queue.push("a");
        queue.push("b");
        queue.push("a");
        assert_eq!([queue.pop(), queue.pop(), queue.pop()], [Some("a"), Some("b"), None]);
    }

    #[test]
    fn a_key_that_becomes_due_in_work_waits_for_its_end() {
        let mut queue = Queue::new();
        queue.push("a");
        assert_eq!(queue.pop(), Some("a"));
        queue.push("a");
        assert_eq!(queue.pop(), None);
        queue.finish(&"a");
        assert_eq!(queue.pop(), Some("a"));
        queue.finish(&"a");
        assert_eq!(queue.pop(), None);
    }
}
