//! The objects of one resource.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use tokio::sync::watch;

use super::history::{Compacted, History};
use super::index::{Index, Paths};
use super::object::{Object, Recent, Shelf, Stored};
use crate::object;
use crate::select::Selection;
use crate::tree::{Map, Value};

#[derive(Debug)]
pub(super) struct Table {
    /// By path, which is also the order of lists.
    pub(super) objects: BTreeMap<Arc<str>, Arc<Stored>>,
    pub(super) shelf: Arc<Shelf>,
    labels: Index,
    /// By the values of `indexed`.
    fields: Index,
    indexed: &'static [&'static str],
    pub(super) history: History,
    pub(super) latest: watch::Sender<u64>,
}

/// The fields, as JSON pointers, by which large lists are asked for.
fn indexed(resource: &str) -> &'static [&'static str] {
    match resource {
        "pods" => &["/spec/nodeName"],
        "services" => &["/spec/clusterIP", "/spec/type"],
        "events" => &["/involvedObject/name"],
        _ => &[],
    }
}

impl Table {
    pub(super) fn new(resource: &str, revision: u64, recent: &Arc<Recent>) -> Self {
        Self {
            objects: BTreeMap::new(),
            shelf: Shelf::new(recent),
            labels: Index::default(),
            fields: Index::default(),
            indexed: indexed(resource),
            history: History::starting_after(revision),
            latest: watch::Sender::new(revision),
        }
    }

    pub(super) fn get(&self, namespace: &str, name: &str) -> Option<Object> {
        self.objects.get(&*path(namespace, name)).map(Object::of)
    }

    /// Puts an object in its place, of which `tree` is what it holds; the answer is the place, and what was there.
    pub(super) fn insert(
        &mut self,
        path: &str,
        stored: &Arc<Stored>,
        tree: &Value,
    ) -> (Arc<str>, Option<Arc<Stored>>) {
        let held = self.objects.get_key_value(path);
        let (path, previous) = match held {
            Some((path, previous)) => (path.clone(), Some(previous.clone())),
            None => (Arc::from(path), None),
        };
        let before = previous.as_ref().map(Object::of);
        let before = before.as_deref();
        if before.is_none_or(|before| labels(before) != labels(tree)) {
            for (key, value) in before.into_iter().flat_map(text_labels) {
                self.labels.remove(key, value, &path);
            }
            for (key, value) in text_labels(tree) {
                self.labels.insert(key, value, &path);
            }
        }
        for field in self.indexed {
            let (value, held) = (object::text(tree, field), before.map(|before| object::text(before, field)));
            if held != Some(value) {
                if let Some(held) = held {
                    self.fields.remove(field, held, &path);
                }
                self.fields.insert(field, value, &path);
            }
        }
        self.objects.insert(path.clone(), stored.clone());
        (path, previous)
    }

    pub(super) fn remove(&mut self, path: &str) -> Option<(Arc<str>, Arc<Stored>)> {
        let (path, previous) = self.objects.remove_entry(path)?;
        let before = Object::of(&previous);
        for (key, value) in text_labels(&before) {
            self.labels.remove(key, value, &path);
        }
        for field in self.indexed {
            self.fields.remove(field, object::text(&before, field), &path);
        }
        Some((path, previous))
    }

    /// Those that a selection selects, in one namespace or in all of them, in the order of lists. Goes through no
    /// more than those that have the rarest label or indexed field that it names, and looks into none of them where
    /// labels and such fields are all it names.
    pub(super) fn select(
        &self,
        namespace: Option<&str>,
        selection: &Selection,
    ) -> Vec<(&Arc<str>, &Arc<Stored>)> {
        let Selection { labels, fields } = selection;
        let selected = |stored: &Arc<Stored>| selection.matches(&Object::of(stored));
        let named = fields.exact().find(|(field, _)| *field == "/metadata/name");
        if let (Some((_, name)), Some(namespace)) = (named, namespace) {
            let found = self.objects.get_key_value(&*path(namespace, name));
            return found.filter(|(_, stored)| selected(stored)).into_iter().collect();
        }
        let by_label = labels.exact().map(|(key, value)| self.labels.get(key, value));
        let by_field = fields
            .exact()
            .filter(|(field, _)| self.indexed.contains(field))
            .map(|(field, value)| self.fields.get(field, value));
        let mut sets = Vec::new();
        for set in by_label.chain(by_field) {
            let Some(set) = set else { return Vec::new() };
            sets.push(set);
        }
        let exhaustive = sets.len() == labels.len() + fields.len();
        let fits = |(_, stored): &(&Arc<str>, &Arc<Stored>)| exhaustive || selected(stored);
        let Some(rarest) = sets.iter().min_by_key(|set| set.len()) else {
            return self.range(namespace).filter(fits).collect();
        };
        within(rarest, namespace)
            .filter(|path| sets.iter().all(|set| set.contains(*path)))
            .filter_map(|path| self.objects.get_key_value(path))
            .filter(fits)
            .collect()
    }

    /// Those of which an indexed field has this value.
    pub(super) fn having(&self, field: &str, value: &str) -> Vec<Object> {
        let paths = self.fields.get(field, value).into_iter().flatten();
        paths.filter_map(|path| self.objects.get(path)).map(Object::of).collect()
    }

    pub(super) fn list(&self, namespace: Option<&str>) -> Vec<Object> {
        self.range(namespace).map(|(_, stored)| Object::of(stored)).collect()
    }

    /// The list as it was: what happened since is undone, the last change first.
    pub(super) fn list_at(&self, namespace: Option<&str>, revision: u64) -> Result<Vec<Object>, Compacted> {
        let mut objects = self.objects.clone();
        for change in self.history.since(revision)?.iter().rev() {
            match change.before() {
                Some(before) => objects.insert(change.path().clone(), before.clone()),
                None => objects.remove(change.path()),
            };
        }
        let inside = |path: &str| namespace.is_none_or(|namespace| parts(path).0 == namespace);
        Ok(objects.iter().filter(|(path, _)| inside(path)).map(|(_, stored)| Object::of(stored)).collect())
    }

    /// Where those of a namespace are, or all of them.
    pub(super) fn paths(&self, namespace: Option<&str>) -> impl Iterator<Item = &str> {
        self.range(namespace).map(|(path, _)| &**path)
    }

    pub(super) fn holds(&self, namespace: &str) -> bool {
        self.range(Some(namespace)).next().is_some()
    }

    fn range(&self, namespace: Option<&str>) -> impl Iterator<Item = (&Arc<str>, &Arc<Stored>)> {
        let start = namespace.map(|namespace| path(namespace, "")).unwrap_or_default();
        let inside = self.objects.range::<str, _>((Bound::Included(&*start), Bound::Unbounded));
        inside.take_while(move |(path, _)| path.starts_with(&start))
    }
}

/// Those of some paths that lie in a namespace, or all of them.
fn within<'a>(paths: &'a Paths, namespace: Option<&str>) -> impl Iterator<Item = &'a Arc<str>> + use<'a> {
    let start = namespace.map(|namespace| path(namespace, "")).unwrap_or_default();
    let inside = paths.range::<str, _>((Bound::Included(&*start), Bound::Unbounded));
    inside.take_while(move |path| path.starts_with(&start))
}

fn labels(object: &Value) -> Option<&Map> {
    object::map(object, "/metadata/labels")
}

fn text_labels(object: &Value) -> impl Iterator<Item = (&str, &str)> {
    let labels = labels(object).into_iter().flatten();
    labels.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
}

/// Where a real server keeps an object below its resource: its lists come in the order of these, in which the
/// namespace `a-b` lies before the namespace `a`.
pub(crate) fn path(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") }
}

/// The namespace and the name of a path.
pub(super) fn parts(path: &str) -> (&str, &str) {
    path.split_once('/').unwrap_or(("", path))
}
