//! A cache that forgets what was not asked for longest.

use std::collections::HashMap;

/// How many entries client-go's caches of events have.
pub(super) const ENTRIES: usize = 4096;

#[derive(Debug)]
pub(super) struct Lru<V> {
    /// With the moment at which each was used last.
    entries: HashMap<u64, (u64, V)>,
    /// Those that were oldest when it was last looked, the oldest of them last; some may have been used since.
    oldest: Vec<(u64, u64)>,
    clock: u64,
    bound: usize,
}

impl<V> Default for Lru<V> {
    fn default() -> Self {
        Self { entries: HashMap::new(), oldest: Vec::new(), clock: 0, bound: ENTRIES }
    }
}

impl<V> Lru<V> {
    /// What is kept under a key, which counts as used.
    pub(super) fn get(&mut self, key: u64, make: impl FnOnce() -> V) -> &mut V {
        self.clock += 1;
        if self.entries.len() >= self.bound && !self.entries.contains_key(&key) {
            self.forget_oldest();
        }
        let (used, value) = self.entries.entry(key).or_insert_with(|| (0, make()));
        *used = self.clock;
        value
    }

    fn forget_oldest(&mut self) {
        loop {
            while let Some((used, key)) = self.oldest.pop() {
                if self.entries.get(&key).is_some_and(|(last, _)| *last == used) {
                    self.entries.remove(&key);
                    return;
                }
            }
            // All are gone through for a quarter of them at a time.
            let mut entries: Vec<_> = self.entries.iter().map(|(key, (used, _))| (*used, *key)).collect();
            entries.sort_unstable();
            entries.truncate(entries.len().div_ceil(4));
            entries.reverse();
            if entries.is_empty() {
                return;
            }
            self.oldest = entries;
        }
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
        assert_eq!(lru.entries.len(), 2);
    }

    #[test]
    fn it_holds_the_same_as_a_list_in_the_order_of_use() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut lru = Lru { bound: 20, ..Lru::default() };
        let mut list: Vec<u64> = Vec::new();
        for _ in 0..5000 {
            let key = random.u64(..40);
            lru.get(key, || ());
            list.retain(|held| *held != key);
            list.push(key);
            if list.len() > 20 {
                list.remove(0);
            }
            let mut held: Vec<u64> = lru.entries.keys().copied().collect();
            let mut expected = list.clone();
            held.sort_unstable();
            expected.sort_unstable();
            assert_eq!(held, expected);
        }
    }
}
