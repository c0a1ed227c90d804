//! The archive port: where the ledger's old entries go, for good.

use async_trait::async_trait;

use crate::name::AppUid;

/// An entry as the ledger held it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its key in the ledger.
    pub key: String,
    /// Its value there: JSON with a format version.
    pub value: Vec<u8>,
}

/// Why the archive did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("the archive {place} cannot be {what}")]
pub struct Error {
    /// Where it lies.
    pub place: String,
    /// What was to be done with it.
    pub what: &'static str,
    /// Why not.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// An archive.
///
/// The contract: what [`Archive::append`] has answered is kept, whatever happens then; nothing that is kept is ever
/// changed. Entries leave the ledger only after they were appended, so a crash in between may bring one twice, and
/// an entry of one key always has the same value: readers take the first of each key.
#[async_trait]
pub trait Archive: Send + Sync + 'static {
    /// Adds records to what is kept of a life of an App.
    async fn append(&self, uid: AppUid, records: &[Record]) -> Result<(), Error>;

    /// What is kept of a life of an App, in the order that it came, each key once.
    async fn read(&self, uid: AppUid) -> Result<Vec<Record>, Error>;

    /// Where that lies, for people.
    fn place(&self, uid: AppUid) -> String;
}
