//! The objects of one resource.

use std::collections::BTreeMap;
use std::ops::Bound;

use tokio::sync::watch;

use super::Object;
use super::history::History;

#[derive(Debug)]
pub(super) struct Table {
    /// By namespace and name, which is also the order of lists.
    pub(super) objects: BTreeMap<(String, String), Object>,
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
        self.objects.get(&(namespace.to_owned(), name.to_owned())).cloned()
    }

    pub(super) fn list(&self, namespace: Option<&str>) -> Vec<Object> {
        match namespace {
            None => self.objects.values().cloned().collect(),
            Some(namespace) => self.range(namespace).map(|(_, object)| object.clone()).collect(),
        }
    }

    pub(super) fn holds(&self, namespace: &str) -> bool {
        self.range(namespace).next().is_some()
    }

    fn range<'a>(
        &'a self,
        namespace: &'a str,
    ) -> impl Iterator<Item = (&'a (String, String), &'a Object)> + 'a {
        let start = (namespace.to_owned(), String::new());
        self.objects
            .range((Bound::Included(start), Bound::Unbounded))
            .take_while(move |((ns, _), _)| ns == namespace)
    }
}
