//! What is noted of many objects and is the same of most of them, kept once.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

/// Values of which equal ones are one.
#[derive(Debug)]
pub(super) struct Shared<T: ?Sized> {
    /// Up to half of them may be those that nobody has any more.
    held: HashSet<Arc<T>>,
    /// When there are so many, it is looked who is needed.
    full: usize,
}

const FEW: usize = 16;

impl<T: ?Sized> Default for Shared<T> {
    fn default() -> Self {
        Self { held: HashSet::new(), full: FEW }
    }
}

impl<T: Eq + Hash + ?Sized> Shared<T> {
    /// The one that is equal to this.
    pub(super) fn one<V: Borrow<T> + Into<Arc<T>>>(&mut self, value: V) -> Arc<T> {
        if let Some(held) = self.held.get(value.borrow()) {
            return held.clone();
        }
        if self.held.len() >= self.full {
            self.held.retain(|held| Arc::strong_count(held) > 1);
            self.full = FEW.max(2 * self.held.len());
        }
        let value = value.into();
        self.held.insert(value.clone());
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_one_and_what_nobody_has_is_forgotten() {
        let mut shared = Shared::<str>::default();
        let one = shared.one("a".to_owned());
        assert!(Arc::ptr_eq(&one, &shared.one("a".to_owned())));
        for number in 0..1000 {
            shared.one(number.to_string());
            assert!(shared.held.len() <= FEW);
        }
        assert!(Arc::ptr_eq(&one, &shared.one("a".to_owned())));
        let many: Vec<_> = (0..1000).map(|number| shared.one(number.to_string())).collect();
        assert!(many.iter().all(|held| Arc::ptr_eq(held, &shared.one(held.to_string()))));
    }
}
