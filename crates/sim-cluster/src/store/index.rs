//! Where the objects are that have something in common.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// The paths of objects by a name, of a label or a field, and its value.
#[derive(Debug, Default)]
pub(super) struct Index {
    held: HashMap<(Box<str>, Box<str>), Paths>,
}

/// In the order of lists.
pub(super) type Paths = BTreeSet<Arc<str>>;

impl Index {
    pub(super) fn insert(&mut self, name: &str, value: &str, path: &Arc<str>) {
        self.held.entry((name.into(), value.into())).or_default().insert(path.clone());
    }

    pub(super) fn remove(&mut self, name: &str, value: &str, path: &str) {
        let entry = (name.into(), value.into());
        if let Some(paths) = self.held.get_mut(&entry) {
            paths.remove(path);
            if paths.is_empty() {
                self.held.remove(&entry);
            }
        }
    }

    /// Those that have this value; none if there are none.
    pub(super) fn get(&self, name: &str, value: &str) -> Option<&Paths> {
        self.held.get(&(name.into(), value.into()))
    }
}
