//! The tables of the file, and reading them.

use std::fmt;
use std::io::ErrorKind;
use std::ops::Bound;
use std::sync::RwLock;

use plimsoll_core::ledger::{Entry, Error, MAX_PAGE_BYTES, Page, Revision};
use redb::{Database, ReadTransaction, ReadableDatabase as _, ReadableTable, Table, TableDefinition};

use super::open::OpenError;
use crate::apply::Entries;
use crate::sync::{read, write};

/// Every key, with the revision that last wrote it and its value.
pub(super) const ENTRIES: TableDefinition<'static, &str, (u64, &[u8])> = TableDefinition::new("entries");
/// Numbers that concern the whole file.
pub(super) const META: TableDefinition<'static, &str, u64> = TableDefinition::new("meta");
/// In [`META`]: the format of the file.
pub(super) const FORMAT: &str = "format";
/// In [`META`]: the revision of the newest transaction.
pub(super) const REVISION: &str = "revision";

/// The file, while it is open.
pub(super) struct Store {
    database: RwLock<Option<Database>>,
    open: Box<dyn Fn() -> Result<Database, OpenError> + Send + Sync>,
}

impl Store {
    /// Opens the file; `open` is kept for [`Store::reopen`].
    pub(super) fn open(
        open: impl Fn() -> Result<Database, OpenError> + Send + Sync + 'static,
    ) -> Result<Self, OpenError> {
        let database = RwLock::new(Some(open()?));
        Ok(Self { database, open: Box::new(open) })
    }

    /// Closes the file and opens it again: redb does nothing more with a file that failed once.
    pub(super) fn reopen(&self) -> Result<(), OpenError> {
        let mut database = write(&self.database);
        *database = None;
        *database = Some((self.open)()?);
        Ok(())
    }

    /// Closes the file, when the reads that are in it have ended.
    pub(super) fn close(&self) {
        *write(&self.database) = None;
    }

    /// Runs `work` on the database; `None` if it is closed.
    pub(super) fn with<T>(&self, work: impl FnOnce(&Database) -> T) -> Option<T> {
        read(&self.database).as_ref().map(work)
    }

    pub(super) fn get(&self, key: String) -> Result<Option<Entry>, Error> {
        self.read(|transaction| {
            let entries = transaction.open_table(ENTRIES)?;
            Ok(entries.get(key.as_str())?.map(|found| entry(key, found.value())))
        })
    }

    pub(super) fn range(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Page, Error> {
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        self.read(|transaction| {
            let revision = revision(&transaction.open_table(META)?)?;
            let mut page = Page { entries: Vec::new(), revision, more: false };
            let mut bytes = 0;
            for found in transaction.open_table(ENTRIES)?.range::<&str>((from, Bound::Unbounded))? {
                let (key, value) = found?;
                let (key, value) = (key.value(), value.value());
                if !key.starts_with(prefix) {
                    break;
                }
                bytes += key.len() + value.1.len();
                if page.entries.len() == limit || (bytes > MAX_PAGE_BYTES && !page.entries.is_empty()) {
                    page.more = true;
                    break;
                }
                page.entries.push(entry(key.to_owned(), value));
            }
            Ok(page)
        })
    }

    pub(super) fn revision(&self) -> Result<Revision, Error> {
        self.read(|transaction| revision(&transaction.open_table(META)?))
    }

    fn read<T>(&self, work: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>) -> Result<T, Error> {
        self.with(|database| work(&database.begin_read()?)).ok_or_else(closed)?.map_err(not_done)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { database, open: _ } = self;
        f.debug_struct("Store").field("database", database).finish_non_exhaustive()
    }
}

impl Entries for Table<'_, &'static str, (u64, &'static [u8])> {
    type Error = redb::StorageError;

    fn revision_of(&self, key: &str) -> Result<Option<Revision>, Self::Error> {
        Ok(self.get(key)?.map(|found| Revision(found.value().0)))
    }

    fn put(&mut self, key: &str, value: &[u8], revision: Revision) -> Result<(), Self::Error> {
        self.insert(key, (revision.0, value)).map(drop)
    }

    fn remove(&mut self, key: &str) -> Result<bool, Self::Error> {
        Ok(Table::remove(self, key)?.is_some())
    }
}

/// The revision that the file says it has.
pub(super) fn revision(meta: &impl ReadableTable<&'static str, u64>) -> Result<Revision, redb::Error> {
    match meta.get(REVISION)? {
        Some(found) => Ok(Revision(found.value())),
        None => Err(redb::Error::Corrupted("the file does not say its revision".into())),
    }
}

/// What a failure means of which it is known that nothing happened.
pub(super) fn not_done(error: redb::Error) -> Error {
    match error {
        redb::Error::Io(source)
            if matches!(source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) =>
        {
            Error::Full
        }
        error @ redb::Error::Corrupted(_) => Error::Corrupt(error.into()),
        error => Error::Unavailable(error.into()),
    }
}

pub(super) fn closed() -> Error {
    Error::Unavailable("the ledger is closed".into())
}

fn entry(key: String, (revision, value): (u64, &[u8])) -> Entry {
    Entry { key, value: value.to_vec(), revision: Revision(revision) }
}
