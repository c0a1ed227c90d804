//! The whole state at one revision, kept to be put back.

use std::sync::Arc;

use indexmap::IndexMap;

use super::object::Stored;
use super::table::{Table, parts, path};
use super::{Key, LogError, Object, Store};

/// The objects of a cluster and its revision at one moment, as a backup of etcd holds them.
#[derive(Debug, Clone)]
pub struct Backup {
    revision: u64,
    objects: Vec<(Key, Arc<Stored>)>,
}

impl Backup {
    /// The revision at which it was made.
    pub fn revision(&self) -> u64 {
        self.revision
    }
}

impl Store {
    /// What is there now.
    pub(crate) fn back_up(&self) -> Backup {
        let inner = self.inner.lock();
        let mut objects: Vec<_> = inner
            .tables
            .iter()
            .flat_map(|(resource, table)| {
                table.objects.iter().map(|(path, stored)| {
                    let (namespace, name) = parts(path);
                    (Key::new(resource.clone(), namespace, name), stored.clone())
                })
            })
            .collect();
        objects.sort_by(|(one, _), (other, _)| one.cmp(other));
        Backup { revision: inner.revision, objects }
    }

    /// Puts a backup in the place of what is there: objects and the revision counter go back, and neither watches nor
    /// lists show anything from before it. Running watches end.
    pub(crate) fn put_back(&self, backup: &Backup) -> Result<(), LogError> {
        let mut guard = self.inner.lock();
        let inner = &mut *guard;
        let Backup { revision, ref objects } = *backup;
        if let Some(log) = &mut inner.log {
            log.put_back(revision, objects.iter().map(|(key, stored)| (key.clone(), stored.json())))?;
        }
        let mut gone = IndexMap::new();
        for (resource, table) in std::mem::take(&mut inner.tables) {
            for (path, stored) in table.objects {
                let (namespace, name) = parts(&path);
                gone.insert(Key::new(resource.clone(), namespace, name), stored);
            }
        }
        (inner.revision, inner.forgotten) = (revision, revision);
        (inner.unwatched, inner.compacted) = (revision, revision);
        inner.put_backs += 1;
        inner.dependents.clear();
        for (key, stored) in objects {
            gone.swap_remove(key);
            let object = Object::of(stored);
            inner.index(key, None, Some(&object));
            inner.unseen.insert(key.clone(), None);
            let table = inner.tables.entry(key.resource.clone());
            let table = table.or_insert_with(|| Table::new(&key.resource, revision, &inner.recent));
            table.insert(&path(&key.namespace, &key.name), stored, &object);
        }
        gone.sort_unstable_keys();
        for (key, last) in gone {
            inner.unseen.insert(key, Some(Object::of(&last)));
        }
        self.changed.notify_one();
        Ok(())
    }
}
