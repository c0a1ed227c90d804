//! The verbs of the API, each one transaction on the store, without any HTTP.

mod bind;
mod create;
mod decode;
mod delete;
mod evict;
mod ownership;
mod patch;
mod read;
mod request;
mod scale;
mod update;
mod watch;

use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::Mutex;

pub(crate) use delete::{DeleteOptions, Propagation};
pub(crate) use patch::{Patch, PatchType};
pub(crate) use read::{ListOptions, Page, VersionMatch};
pub(crate) use request::{Answer, Caller, Part, Target, Validation, WriteOptions};
pub(crate) use watch::{WatchEvent, WatchOptions, WatchStart, Watcher};

use crate::clock::{self, Clock};
use crate::fieldmanager::Shapes;
use crate::resource::Registry;
use crate::schema::Schemas;
use crate::store::Store;
use read::Snapshots;

/// The API of one cluster: its store, what it serves, and the time.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) store: Store,
    pub(crate) registry: Registry,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) schemas: &'static Schemas,
    shapes: Shapes,
    random: Mutex<fastrand::Rng>,
    snapshots: Mutex<Snapshots>,
    authority: String,
}

impl Api {
    pub(crate) fn new(store: Store, clock: Arc<dyn Clock>, seed: u64, authority: String) -> Self {
        Self {
            store,
            registry: Registry::new(),
            clock,
            schemas: Schemas::builtin(),
            shapes: Shapes::default(),
            random: Mutex::new(fastrand::Rng::with_seed(seed)),
            snapshots: Mutex::new(Snapshots::default()),
            authority,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The certificate of the cluster's authority, as pods get it.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// The current time as objects carry it.
    pub(crate) fn timestamp(&self) -> String {
        clock::seconds(self.now())
    }

    /// A random (version 4) uuid from the seeded source.
    pub(crate) fn new_uid(&self) -> String {
        let bytes = self.random.lock().u128(..).to_be_bytes();
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }

    /// The suffix that `generateName` and pod names get: letters and digits that form no words.
    pub(crate) fn name_suffix(&self) -> String {
        const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        let mut random = self.random.lock();
        (0..5).map(|_| char::from(ALPHABET[random.usize(..ALPHABET.len())])).collect()
    }

    /// A number below `bound` from the seeded source.
    pub(crate) fn random_below(&self, bound: usize) -> usize {
        self.random.lock().usize(..bound.max(1))
    }
}
