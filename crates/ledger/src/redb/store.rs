//! The tables of the file, and reading them.

use std::fmt;
use std::io::ErrorKind;
use std::sync::RwLock;

use plimsoll_core::ledger::{Direction, Entry, Error, Page, Range, Revision};
use redb::{Database, ReadTransaction, ReadableDatabase as _, ReadableTable, Table, TableDefinition};

use super::open::OpenError;
use crate::apply::{Entries, entry_size};
use crate::page::{Filling, stretch};
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

    pub(super) fn range(&self, range: &Range, limit: usize) -> Result<Page, Error> {
        self.read(|transaction| {
            let revision = revision(&transaction.open_table(META)?)?;
            let mut page = Filling::new(&range.prefix, limit, revision);
            let Some((first, end)) = stretch(range) else { return Ok(page.done()) };
            let stretch = (first.as_ref().map(String::as_str), end.as_ref().map(String::as_str));
            let mut found = transaction.open_table(ENTRIES)?.range::<&str>(stretch)?;
            while let Some(next) = match range.direction {
                Direction::Up => found.next(),
                Direction::Down => found.next_back(),
            } {
                let (key, value) = next?;
                let (revision, value) = value.value();
                if !page.take(key.value(), Revision(revision), value) {
                    break;
                }
            }
            Ok(page.done())
        })
    }

    /// How many bytes the entries count for. It reads them all.
    pub(super) fn used(&self) -> Result<u64, Error> {
        self.read(|transaction| {
            let mut used = 0;
            for found in transaction.open_table(ENTRIES)?.iter()? {
                let (key, value) = found?;
                used += entry_size(key.value(), value.value().1.len());
            }
            Ok(used)
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

    fn put(&mut self, key: &str, value: &[u8], revision: Revision) -> Result<Option<usize>, Self::Error> {
        Ok(self.insert(key, (revision.0, value))?.map(|before| before.value().1.len()))
    }

    fn remove(&mut self, key: &str) -> Result<Option<usize>, Self::Error> {
        Ok(Table::remove(self, key)?.map(|before| before.value().1.len()))
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
