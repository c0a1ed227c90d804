//! The objects of one resource.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use serde_json::{Map, Value};
use tokio::sync::watch;

use super::Object;
use super::history::{Compacted, History};
use crate::object;
use crate::select::LabelSelector;

#[derive(Debug)]
pub(super) struct Table {
    /// By path, which is also the order of lists.
    pub(super) objects: BTreeMap<String, Object>,
    /// Label, value and the paths of those that have it.
    labelled: HashMap<(String, String), BTreeSet<String>>,
    pub(super) history: History,
    pub(super) latest: watch::Sender<u64>,
}

impl Table {
    pub(super) fn new(revision: u64) -> Self {
        Self {
            objects: BTreeMap::new(),
            labelled: HashMap::new(),
            history: History::starting_after(revision),
            latest: watch::Sender::new(revision),
        }
    }

    pub(super) fn get(&self, namespace: &str, name: &str) -> Option<Object> {
        self.objects.get(&path(namespace, name)).cloned()
    }

    /// Puts an object in its place; the answer is what was there.
    pub(super) fn insert(&mut self, path: String, object: Object) -> Option<Object> {
        let previous = self.objects.get(&path).cloned();
        let same = previous.as_ref().is_some_and(|previous| labels(previous) == labels(&object));
        if !same {
            if let Some(previous) = &previous {
                self.unlabel(&path, previous);
            }
            for (key, value) in text_labels(&object) {
                self.labelled.entry((key.to_owned(), value.to_owned())).or_default().insert(path.clone());
            }
        }
        self.objects.insert(path, object);
        previous
    }

    pub(super) fn remove(&mut self, path: &str) {
        if let Some(previous) = self.objects.remove(path) {
            self.unlabel(path, &previous);
        }
    }

    fn unlabel(&mut self, path: &str, object: &Value) {
        for (key, value) in text_labels(object) {
            let entry = (key.to_owned(), value.to_owned());
            if let Some(paths) = self.labelled.get_mut(&entry) {
                paths.remove(path);
                if paths.is_empty() {
                    self.labelled.remove(&entry);
                }
            }
        }
    }

    /// Those of a namespace that a selector selects, in the order of lists. Goes through no more than those that have
    /// the rarest label that it names.
    pub(super) fn select(&self, namespace: &str, selector: &LabelSelector) -> Vec<Object> {
        let rarest = selector
            .exact()
            .map(|(key, value)| self.labelled.get(&(key.to_owned(), value.to_owned())))
            .min_by_key(|paths| paths.map_or(0, BTreeSet::len));
        let selected = |object: &&Object| selector.matches_object(object);
        match rarest {
            None => self.range(namespace).map(|(_, object)| object).filter(selected).cloned().collect(),
            Some(paths) => paths
                .into_iter()
                .flatten()
                .filter(|path| parts(path).0 == namespace)
                .filter_map(|path| self.objects.get(path))
                .filter(selected)
                .cloned()
                .collect(),
        }
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

fn labels(object: &Value) -> Option<&Map<String, Value>> {
    object::map(object, "/metadata/labels")
}

fn text_labels(object: &Value) -> impl Iterator<Item = (&str, &str)> {
    let labels = labels(object).into_iter().flatten();
    labels.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
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
