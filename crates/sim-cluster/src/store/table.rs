//! The objects of one resource.

use std::collections::BTreeMap;
use std::ops::Bound;

use tokio::sync::watch;

use super::Object;
use super::history::{Compacted, History};
use crate::object;

#[derive(Debug)]
pub(super) struct Table {
    /// By path, which is also the order of lists.
    pub(super) objects: BTreeMap<String, Object>,
    pub(super) history: History,
    pub(super) latest: watch::Sender<u64>,
}

impl Table {
    pub(super) fn new(revision: u64) -> Self {
        Self {
            objects: BTreeMap::new(),
            history: History::starting_after(revision),
            latest: watch::Sender::new(revision),
        }
    }

    pub(super) fn get(&self, namespace: &str, name: &str) -> Option<Object> {
        self.objects.get(&path(namespace, name)).cloned()
    }

    pub(super) fn list(&self, namespace: Option<&str>) -> Vec<Object> {
        match namespace {
            None => self.objects.values().cloned().collect(),
            Some(namespace) => self.range(namespace).map(|(_, object)| object.clone()).collect(),
        }
    }

    /// The list as it was: what happened since is undone, the last change first.
    pub(super) fn list_at(&self, namespace: Option<&str>, revision: u64) -> Result<Vec<Object>, Compacted> {
        let mut objects = self.objects.clone();
        for change in self.history.since(revision)?.iter().rev() {
            let path = path(object::namespace(&change.object), object::name(&change.object));
            match &change.previous {
                Some(previous) => objects.insert(path, previous.clone()),
                None => objects.remove(&path),
            };
        }
        let inside = |path: &str| namespace.is_none_or(|namespace| parts(path).0 == namespace);
        Ok(objects.into_iter().filter(|(path, _)| inside(path)).map(|(_, object)| object).collect())
    }

    pub(super) fn holds(&self, namespace: &str) -> bool {
        self.range(namespace).next().is_some()
    }

    fn range(&self, namespace: &str) -> impl Iterator<Item = (&String, &Object)> {
        let start = path(namespace, "");
        self.objects
            .range((Bound::Included(start.clone()), Bound::Unbounded))
            .take_while(move |(path, _)| path.starts_with(&start))
    }
}

/// Where a real server keeps an object below its resource: its lists come in the order of these, in which the
/// namespace `a-b` lies before the namespace `a`.
pub(super) fn path(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") }
}

/// The namespace and the name of a path.
pub(super) fn parts(path: &str) -> (&str, &str) {
    path.split_once('/').unwrap_or(("", path))
}
