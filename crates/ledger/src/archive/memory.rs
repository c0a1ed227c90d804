//! The archive in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use async_trait::async_trait;
use plimsoll_core::archive::{Archive, Error, Record};
use plimsoll_core::name::AppUid;

use crate::sync::lock;

/// An archive that keeps nothing beyond its own life: for tests.
#[derive(Debug, Default)]
pub struct MemoryArchive {
    kept: Mutex<BTreeMap<AppUid, Vec<Record>>>,
    refuses: Mutex<bool>,
}

impl MemoryArchive {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Fails every append from now on.
    pub fn refuse(&self) {
        *lock(&self.refuses) = true;
    }

    /// Takes what comes from now on.
    pub fn relent(&self) {
        *lock(&self.refuses) = false;
    }

    /// How many records were appended, doubles included.
    pub fn appended(&self) -> usize {
        lock(&self.kept).values().map(Vec::len).sum()
    }

    /// The lives of which something is kept.
    pub fn lives(&self) -> Vec<AppUid> {
        lock(&self.kept).keys().copied().collect()
    }
}

#[async_trait]
impl Archive for MemoryArchive {
    async fn append(&self, uid: AppUid, records: &[Record]) -> Result<(), Error> {
        if *lock(&self.refuses) {
            return Err(Error {
                place: self.place(uid),
                what: "written",
                source: "refused by a test".into(),
            });
        }
        lock(&self.kept).entry(uid).or_default().extend_from_slice(records);
        Ok(())
    }

    async fn read(&self, uid: AppUid) -> Result<Vec<Record>, Error> {
        let mut seen = BTreeSet::new();
        let all = lock(&self.kept).get(&uid).cloned().unwrap_or_default();
        Ok(all.into_iter().filter(|record| seen.insert(record.key.clone())).collect())
    }

    fn place(&self, uid: AppUid) -> String {
        format!("memory/{uid}")
    }
}
