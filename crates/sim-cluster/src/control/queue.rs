//! What controllers have yet to look at.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::Work;

/// Pieces of work, each at most once. They are done one namespace after the other: what belongs together is looked at
/// together, while it is still at hand.
#[derive(Debug, Default)]
pub(super) struct Queue {
    by_namespace: BTreeMap<String, BTreeSet<Work>>,
    /// What lies in no namespace; it is done whichever namespace has its turn.
    wide: BTreeSet<Work>,
    turn: String,
}

impl Queue {
    pub(super) fn insert(&mut self, work: Work) -> bool {
        let Some(namespace) = work.namespace() else { return self.wide.insert(work) };
        if let Some(held) = self.by_namespace.get_mut(namespace) {
            return held.insert(work);
        }
        self.by_namespace.insert(namespace.to_owned(), BTreeSet::from([work]));
        true
    }

    /// The next piece of work of the namespace that has its turn.
    pub(super) fn pop(&mut self) -> Option<Work> {
        let Some(held) = self.by_namespace.get_mut(&self.turn) else { return self.wide.pop_first() };
        if self.wide.first().is_some_and(|wide| held.first().is_none_or(|first| wide < first)) {
            return self.wide.pop_first();
        }
        let work = held.pop_first();
        if held.is_empty() {
            self.by_namespace.remove(&self.turn);
        }
        work
    }

    /// Gives the turn to the next namespace with work; the one that has it comes last.
    pub(super) fn next_turn(&mut self) {
        let behind = (Bound::Excluded(self.turn.as_str()), Bound::Unbounded);
        let next =
            self.by_namespace.range::<str, _>(behind).next().or_else(|| self.by_namespace.first_key_value());
        if let Some((namespace, _)) = next {
            self.turn = namespace.clone();
        }
    }

    /// Whether there is nothing left of the turn.
    pub(super) fn is_turn_over(&self) -> bool {
        self.wide.is_empty() && !self.by_namespace.contains_key(&self.turn)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.wide.is_empty() && self.by_namespace.is_empty()
    }
}

impl Extend<Work> for Queue {
    fn extend<I: IntoIterator<Item = Work>>(&mut self, works: I) {
        for work in works {
            self.insert(work);
        }
    }
}

impl FromIterator<Work> for Queue {
    fn from_iter<I: IntoIterator<Item = Work>>(works: I) -> Self {
        let mut queue = Self::default();
        queue.extend(works);
        queue
    }
}

#[cfg(test)]
mod tests {
    use super::super::Work;
    use super::Queue;
    use crate::store::Key;

    fn pod(namespace: &str, name: &str) -> Work {
        Work::Pod(Key::new("pods", namespace, name))
    }

    #[test]
    fn a_namespace_is_done_before_the_next_one_and_each_has_its_turn() {
        let mut queue = Queue::default();
        queue.extend([pod("b", "x"), pod("a", "y"), pod("a", "x"), pod("a", "x")]);
        queue.next_turn();
        assert_eq!((queue.pop(), queue.pop()), (Some(pod("a", "x")), Some(pod("a", "y"))));
        queue.insert(pod("a", "z"));
        assert!(!queue.is_turn_over());
        queue.next_turn();
        assert_eq!((queue.pop(), queue.pop()), (Some(pod("b", "x")), None));
        assert!(queue.is_turn_over() && !queue.is_empty());
        queue.next_turn();
        assert_eq!(queue.pop(), Some(pod("a", "z")));
        assert!(queue.is_empty());
    }

    #[test]
    fn what_lies_in_no_namespace_is_done_in_its_order_whoever_has_the_turn() {
        let mut queue = Queue::default();
        let set = Work::ReplicaSet(Key::new("replicasets.apps", "a", "x"));
        queue.extend([pod("a", "x"), Work::Schedule, set.clone()]);
        assert_eq!(queue.pop(), Some(Work::Schedule));
        queue.extend([Work::Schedule]);
        queue.next_turn();
        assert_eq!(
            [queue.pop(), queue.pop(), queue.pop()],
            [Some(set), Some(Work::Schedule), Some(pod("a", "x"))]
        );
    }
}
