//! A cache that forgets what was not asked for longest.

use std::collections::{BTreeMap, HashMap};

/// How many entries client-go's caches of events have.
pub(super) const ENTRIES: usize = 4096;

#[derive(Debug)]
pub(super) struct Lru<V> {
    entries: HashMap<u64, (u64, V)>,
    /// When each key was used last, oldest first.
    uses: BTreeMap<u64, u64>,
    clock: u64,
    bound: usize,
}

impl<V> Default for Lru<V> {
    fn default() -> Self {
        Self { entries: HashMap::new(), uses: BTreeMap::new(), clock: 0, bound: ENTRIES }
    }
}

impl<V> Lru<V> {
    /// What is kept under a key, which counts as used.
    pub(super) fn get(&mut self, key: u64, make: impl FnOnce() -> V) -> &mut V {
        self.clock += 1;
        let now = self.clock;
        if let Some((used, _)) = self.entries.get_mut(&key) {
            self.uses.remove(used);
            *used = now;
        } else if self.entries.len() >= self.bound
            && let Some((_, oldest)) = self.uses.pop_first()
        {
            self.entries.remove(&oldest);
        }
        self.uses.insert(now, key);
        let (_, value) = self.entries.entry(key).or_insert_with(|| (now, make()));
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_asked_for_longest_is_forgotten() {
        let mut lru = Lru { bound: 2, ..Lru::default() };
        for key in [1, 2, 1, 3] {
            *lru.get(key, || 0) += 1;
        }
        assert_eq!((*lru.get(1, || 0), *lru.get(3, || 0), *lru.get(2, || 0)), (2, 1, 0));
        assert_eq!(lru.uses.len(), 2);
    }
}
