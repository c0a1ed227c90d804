//! Putting a transaction together out of records.

use serde::Serialize;

use super::encode;
use crate::ledger::{Compare, Revision, Transaction, Write};

/// A transaction while it is put together.
#[derive(Debug, Default)]
pub struct Draft {
    compares: Vec<Compare>,
    writes: Vec<Write>,
}

impl Draft {
    /// This must hold.
    pub fn requires(&mut self, compare: Compare) {
        self.compares.push(compare);
    }

    /// `key` must still be as it was read.
    pub fn relies(&mut self, key: impl Into<String>, revision: Revision) {
        self.compares.push(Compare::At(key.into(), revision));
    }

    /// Writes `key`, which must not be there.
    ///
    /// # Errors
    /// If the record has no JSON form, which none lacks; so for the others.
    pub fn create<T: Serialize>(&mut self, key: String, value: &T) -> Result<(), serde_json::Error> {
        self.compares.push(Compare::Absent(key.clone()));
        self.put(key, value)
    }

    /// Writes `key`, which must be as it was read.
    pub fn replace<T: Serialize>(
        &mut self,
        key: String,
        revision: Revision,
        value: &T,
    ) -> Result<(), serde_json::Error> {
        self.compares.push(Compare::At(key.clone(), revision));
        self.put(key, value)
    }

    /// Removes `key`, which must be as it was read.
    pub fn remove(&mut self, key: String, revision: Revision) {
        self.compares.push(Compare::At(key.clone(), revision));
        self.writes.push(Write::Delete(key));
    }

    /// Removes `key`, whatever it holds.
    pub fn delete(&mut self, key: String) {
        self.writes.push(Write::Delete(key));
    }

    /// Writes `key`, whatever it holds.
    pub fn put<T: Serialize>(&mut self, key: String, value: &T) -> Result<(), serde_json::Error> {
        self.writes.push(Write::Put(key, encode(value)?));
        Ok(())
    }
}

impl From<Draft> for Transaction {
    fn from(draft: Draft) -> Self {
        Self { compares: draft.compares, writes: draft.writes }
    }
}
