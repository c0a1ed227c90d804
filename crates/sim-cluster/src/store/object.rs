//! Objects as the store keeps them, and as it hands them out.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use bytes::Bytes;
use parking_lot::Mutex;

use super::facts::Facts;
use super::text::{Alike, Kept, Text};
use crate::tree::Value;

/// Of so much JSON the trees are kept, those that were looked at last: as much as all that a thousand rollouts touch in
/// one second, for what is read again and again in turn is gone each time if it does not fit as a whole.
const RECENT_BYTES: usize = 32 << 20;

/// Of so many at most.
const RECENT_OBJECTS: usize = 1 << 14;

/// An object: JSON that is read when something in it is looked at.
///
/// Keep none for long that was looked at, for it holds its tree.
#[derive(Clone)]
pub(crate) struct Object(Form);

#[derive(Clone)]
enum Form {
    /// One that no store holds.
    Made(Arc<Made>),
    Stored(Arc<Stored>, OnceLock<Arc<Value>>),
}

struct Made {
    tree: Value,
    facts: OnceLock<Box<Facts>>,
}

impl Object {
    pub(super) fn of(stored: &Arc<Stored>) -> Self {
        Self(Form::Stored(stored.clone(), OnceLock::new()))
    }

    /// What controllers look at most; it is there without reading the object.
    pub(crate) fn facts(&self) -> &Facts {
        match &self.0 {
            Form::Made(made) => made.facts.get_or_init(|| Box::new(Facts::of(&made.tree))),
            Form::Stored(stored, _) => stored.facts(),
        }
    }

    /// The same, without what was read of it.
    pub(crate) fn unread(&self) -> Self {
        match &self.0 {
            Form::Made(made) => Self(Form::Made(made.clone())),
            Form::Stored(stored, _) => Self::of(stored),
        }
    }

    /// The object as JSON.
    pub(crate) fn json(&self) -> Bytes {
        match &self.0 {
            Form::Made(made) => Text::of(&made.tree).bytes().clone(),
            Form::Stored(stored, _) => stored.json(),
        }
    }

    /// Appends the object as JSON.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match &self.0 {
            Form::Made(made) => out.extend_from_slice(Text::of(&made.tree).bytes()),
            Form::Stored(stored, _) => out.extend_from_slice(stored.text.text().bytes()),
        }
    }

    /// Appends the object as JSON without `kind` and `apiVersion`, as lists of built-in kinds show it.
    pub(crate) fn write_item(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        match &self.0 {
            Form::Made(made) => out.extend_from_slice(Text::of(&made.tree).tail()),
            Form::Stored(stored, _) => out.extend_from_slice(stored.text.text().tail()),
        }
    }

    /// Appends the object's metadata as JSON.
    pub(crate) fn write_metadata(&self, out: &mut Vec<u8>) {
        let mut write = |text: &Text| match text.metadata() {
            b"" => out.extend_from_slice(b"null"),
            metadata => out.extend_from_slice(metadata),
        };
        match &self.0 {
            Form::Made(made) => write(&Text::of(&made.tree)),
            Form::Stored(stored, _) => write(&stored.text.text()),
        }
    }

    /// The object in another version of its kind, which differs in what it calls itself alone.
    pub(crate) fn in_version(&self, kind: &str, api_version: &str) -> Self {
        match &self.0 {
            Form::Stored(stored, _) if stored.text.is_of(kind, api_version) => self.clone(),
            Form::Stored(stored, _) => {
                let text = stored.text.text().converted(kind, api_version);
                Self::of(&Stored::new(text, &stored.shelf))
            }
            Form::Made(made) if made.tree.get("apiVersion").is_some_and(|held| held == api_version) => {
                self.clone()
            }
            Form::Made(made) => {
                let mut shown = made.tree.clone();
                shown["apiVersion"] = api_version.into();
                shown.into()
            }
        }
    }
}

impl Deref for Object {
    type Target = Value;

    fn deref(&self) -> &Value {
        match &self.0 {
            Form::Made(made) => &made.tree,
            Form::Stored(stored, tree) => tree.get_or_init(|| stored.tree()),
        }
    }
}

impl From<Value> for Object {
    fn from(tree: Value) -> Self {
        Self(Form::Made(Arc::new(Made { tree, facts: OnceLock::new() })))
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.json()))
    }
}

/// An object in a store: shared by its table, the history, and everybody who holds it.
#[derive(Debug)]
pub(super) struct Stored {
    text: Kept,
    tree: Mutex<Tree>,
    /// Of most objects from the beginning on.
    facts: OnceLock<Box<Facts>>,
    shelf: Arc<Shelf>,
}

/// Where the objects of one table are kept.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    recent: Arc<Recent>,
    alike: Alike,
}

impl Shelf {
    pub(super) fn new(recent: &Arc<Recent>) -> Arc<Self> {
        Arc::new(Self { recent: recent.clone(), alike: Alike::default() })
    }
}

/// What was read of an object.
#[derive(Debug)]
enum Tree {
    /// It is there, since it was looked at not long ago.
    Held(Arc<Value>),
    /// It is there as long as somebody else has it.
    Let(Weak<Value>),
}

impl Default for Tree {
    fn default() -> Self {
        Self::Let(Weak::new())
    }
}

impl Stored {
    fn new(text: Text, shelf: &Arc<Shelf>) -> Arc<Self> {
        let text = Kept::new(text, &shelf.alike);
        Arc::new(Self { text, tree: Mutex::default(), facts: OnceLock::new(), shelf: shelf.clone() })
    }

    pub(super) fn of(tree: Value, shelf: &Arc<Shelf>) -> (Arc<Self>, Object) {
        let stored = Self::new(Text::of(&tree), shelf);
        // Of events there are most, and no controller looks at them.
        let is_looked_at = tree.get("kind").is_none_or(|kind| kind != "Event");
        if is_looked_at {
            stored.facts.get_or_init(|| Box::new(Facts::of(&tree)));
        }
        let tree = Arc::new(tree);
        if is_looked_at {
            Self::keep(&stored, &tree);
        } else {
            stored.text.pack(&shelf.alike);
        }
        let object = Object(Form::Stored(stored.clone(), OnceLock::from(tree)));
        (stored, object)
    }

    pub(super) fn json(&self) -> Bytes {
        self.text.text().bytes().clone()
    }

    /// How long the JSON is.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    fn facts(self: &Arc<Self>) -> &Facts {
        self.facts.get_or_init(|| Box::new(Facts::of(&self.tree())))
    }

    fn tree(self: &Arc<Self>) -> Arc<Value> {
        let held = match &*self.tree.lock() {
            Tree::Held(tree) => Some(tree.clone()),
            Tree::Let(tree) => tree.upgrade(),
        };
        held.unwrap_or_else(|| {
            let tree = Arc::new(self.text.text().parsed());
            Self::keep(self, &tree);
            tree
        })
    }

    fn keep(this: &Arc<Self>, tree: &Arc<Value>) {
        let before = std::mem::replace(&mut *this.tree.lock(), Tree::Held(tree.clone()));
        if let Tree::Let(_) = before {
            this.shelf.recent.keep(this);
        }
    }

    /// It is looked at no more, since it was not for long or another state came in the place of this one: the tree is
    /// held no longer, and the text is packed.
    pub(super) fn put_away(&self) {
        self.let_go();
        self.text.pack(&self.shelf.alike);
    }

    /// Holds the tree no longer.
    fn let_go(&self) {
        let mut held = self.tree.lock();
        if let Tree::Held(tree) = &*held {
            let weak = Arc::downgrade(tree);
            let tree = std::mem::replace(&mut *held, Tree::Let(weak));
            self.shelf.recent.bytes.fetch_sub(self.len(), Ordering::Relaxed);
            drop(held);
            // Taking a tree apart takes its time; not under the lock.
            drop(tree);
        }
    }
}

impl Drop for Stored {
    fn drop(&mut self) {
        self.let_go();
    }
}

/// The objects of which trees are held: what is written is soon looked at, by everybody who acts on it.
#[derive(Debug, Default)]
pub(super) struct Recent {
    /// Those that were read last come last. Some may have been let go since.
    objects: Mutex<VecDeque<Weak<Stored>>>,
    /// How much JSON there is of those that are held.
    bytes: AtomicUsize,
}

impl Recent {
    fn keep(&self, stored: &Arc<Stored>) {
        self.bytes.fetch_add(stored.len(), Ordering::Relaxed);
        self.objects.lock().push_back(Arc::downgrade(stored));
        while let Some(oldest) = self.too_many() {
            if let Some(oldest) = oldest.upgrade() {
                oldest.put_away();
            }
        }
    }

    /// Lets all of them go.
    pub(super) fn clear(&self) {
        let objects = std::mem::take(&mut *self.objects.lock());
        objects.iter().filter_map(Weak::upgrade).for_each(|stored| stored.put_away());
    }

    /// The one that was read first, if trees are held of more than there is room for.
    fn too_many(&self) -> Option<Weak<Stored>> {
        let mut objects = self.objects.lock();
        let is_full = self.bytes.load(Ordering::Relaxed) > RECENT_BYTES || objects.len() > RECENT_OBJECTS;
        if is_full { objects.pop_front() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Key, Store};
    use super::RECENT_BYTES;
    use crate::store::object::{Stored, Tree};
    use crate::tree::{Value, json};
    use std::sync::Arc;

    fn key(number: usize) -> Key {
        Key::new("a", "n", format!("x-{number}"))
    }

    fn stored(store: &Store, number: usize) -> Arc<Stored> {
        let tx = store.begin();
        tx.inner.tables["a"].objects[&*format!("n/x-{number}")].clone()
    }

    fn is_held(stored: &Stored) -> bool {
        matches!(*stored.tree.lock(), Tree::Held(_))
    }

    fn put(store: &Store, number: usize, value: Value) {
        store.begin().put(&key(number), value).unwrap();
    }

    #[test]
    fn trees_are_held_of_what_was_looked_at_last_and_of_no_more_than_there_is_room_for() {
        let store = Store::in_memory();
        let large = json!({"data": "x".repeat(RECENT_BYTES / 4)});
        for number in 0..5 {
            put(&store, number, large.clone());
        }
        assert!(!is_held(&stored(&store, 0)) && !is_held(&stored(&store, 1)) && is_held(&stored(&store, 4)));
        // Read again, it takes the place of another.
        assert_eq!(store.get(&key(0)).unwrap()["data"], large["data"]);
        assert!(is_held(&stored(&store, 0)) && !is_held(&stored(&store, 2)));
    }

    #[test]
    fn the_tree_of_a_state_that_was_replaced_is_let_go_and_its_room_with_it() {
        let store = Store::in_memory();
        put(&store, 0, json!({"data": 1}));
        let first = stored(&store, 0);
        put(&store, 0, json!({"data": 2}));
        assert!(!is_held(&first) && is_held(&stored(&store, 0)));
        // Who still has the old state reads it.
        assert_eq!(first.tree()["data"], 1);
        let bytes = || first.shelf.recent.bytes.load(std::sync::atomic::Ordering::Relaxed);
        let (one, other) = (first.len(), stored(&store, 0).len());
        assert_eq!(bytes(), one + other);
        first.put_away();
        assert_eq!(bytes(), other);
        store.begin().remove(&key(0)).unwrap();
        // What is held is the last state, which the history has.
        assert_eq!(bytes(), store.changes_since(&key(0).resource, 3).unwrap()[0].object().json().len());
    }

    #[test]
    fn nothing_that_was_read_is_held_while_there_is_nothing_to_do() {
        let store = Store::in_memory();
        (0..3).for_each(|number| put(&store, number, json!({"data": number})));
        assert!(is_held(&stored(&store, 0)));
        store.rest();
        assert!((0..3).all(|number| !is_held(&stored(&store, number))));
        assert_eq!(stored(&store, 0).shelf.recent.bytes.load(std::sync::atomic::Ordering::Relaxed), 0);
        // Looked at again, it is held as before.
        assert_eq!(store.get(&key(1)).unwrap()["data"], 1);
        assert!(is_held(&stored(&store, 1)));
    }

    #[test]
    fn the_text_of_what_is_looked_at_no_more_is_packed_and_says_the_same() {
        let store = Store::in_memory();
        let object =
            |kind: &str, data: usize| json!({"kind": kind, "data": data, "notes": "as ever ".repeat(100)});
        put(&store, 0, object("ConfigMap", 1));
        let first = stored(&store, 0);
        let text = first.json();
        assert!(!first.text.is_packed());
        put(&store, 0, object("ConfigMap", 2));
        assert!(first.text.is_packed() && !stored(&store, 0).text.is_packed());
        assert_eq!((first.json(), first.tree()["data"].as_u64()), (text, Some(1)));
        put(&store, 1, object("Event", 3));
        let event = stored(&store, 1);
        assert!(event.text.is_packed());
        assert_eq!(event.tree()["data"], 3);
        put(&store, 2, json!({"kind": "ConfigMap", "data": "x".repeat(RECENT_BYTES)}));
        assert!(stored(&store, 0).text.is_packed());
    }
}
