//! Opening the file: made whole or not at all, and never written when it is not ours.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use plimsoll_core::ledger::BoxError;
use redb::backends::FileBackend;
use redb::{
    Builder, Database, DatabaseError, ReadableDatabase as _, StorageBackend, StorageError, TableError,
};
use tempfile::NamedTempFile;

use super::store::{ENTRIES, FORMAT, META, REVISION};

/// The format that this program writes; it is raised when an older program could no longer read the file.
const THIS_FORMAT: u64 = 1;
/// redb's own default is 1 GiB.
const CACHE: usize = 64 * 1024 * 1024;

/// Why a ledger file could not be opened. Nothing was written to it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has it.
    #[error("ledger {path} is open in another process; stop that one, or use another data directory", path = path.display())]
    AlreadyOpen {
        /// The file.
        path: PathBuf,
    },
    /// It is damaged, or something else than a ledger.
    #[error(
        "ledger {path} is damaged or is no ledger, it was left as it is; put back a backup, or move it away to begin an empty one",
        path = path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: BoxError,
    },
    /// A later version of this program wrote it.
    #[error(
        "ledger {path} has format {found} and this version reads up to {THIS_FORMAT}; use the version that wrote it, or a later one",
        path = path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u64,
    },
    /// The folder that it should lie in is not there.
    #[error("ledger {path} cannot be made, as its folder is not there; make the folder, or use another data directory", path = path.display())]
    NoFolder {
        /// The file.
        path: PathBuf,
    },
    /// The file or its folder refuses it.
    #[error("ledger {path} cannot be written; give this user the right to, or use another data directory", path = path.display())]
    NotWritable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The disk did not do its part.
    #[error("ledger {path} cannot be read; check its disk", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// Opens the file, or makes it if there is none.
pub(super) fn open(path: &Path) -> Result<Database, OpenError> {
    // `create` would take an empty file for a new one: here it is one that lost its content.
    match builder().open(path) {
        Err(DatabaseError::Storage(StorageError::Io(error))) if error.kind() == ErrorKind::NotFound => {
            make(path)?;
            ours(path, builder().open(path).map_err(|error| refused(path, error))?)
        }
        Err(error) => Err(refused(path, error)),
        Ok(database) => ours(path, database),
    }
}

/// A new ledger on `backend`.
pub(super) fn format(backend: impl StorageBackend) -> Result<Database, redb::Error> {
    let database = builder().create_with_backend(backend)?;
    let transaction = database.begin_write()?;
    {
        let mut meta = transaction.open_table(META)?;
        meta.insert(FORMAT, THIS_FORMAT)?;
        meta.insert(REVISION, 0)?;
        transaction.open_table(ENTRIES)?;
    }
    transaction.commit()?;
    Ok(database)
}

/// The content of the file is not what a ledger's would be.
pub(super) fn unreadable(path: &Path, source: impl Into<BoxError>) -> OpenError {
    OpenError::Corrupt { path: path.to_owned(), source: source.into() }
}

pub(super) fn builder() -> Builder {
    let mut builder = Builder::new();
    // Without the check, redb trusts a file that was shut down cleanly and may panic over a damaged one.
    builder.set_cache_size(CACHE).set_check_integrity_on_open(true);
    builder
}

/// Makes the file under another name and gives it its own when it is whole, so that one that a crash left half
/// made is never taken for a damaged one.
fn make(path: &Path) -> Result<(), OpenError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let file = NamedTempFile::with_prefix_in(".ledger-", folder).map_err(|source| match source.kind() {
        ErrorKind::NotFound => OpenError::NoFolder { path: path.to_owned() },
        _ => failed(path, source),
    })?;
    let other = file.reopen().map_err(|source| failed(path, source))?;
    let backend = FileBackend::new(other).map_err(|error| refused(path, error))?;
    let database = format(backend).map_err(|error| match error {
        redb::Error::Io(source) => failed(path, source),
        error => failed(path, io::Error::other(error)),
    })?;
    database.close().map_err(|error| refused(path, error))?;
    match file.persist_noclobber(path) {
        // Another process was first; whose file it is, the lock decides.
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(path, error.error)),
        Ok(_) => {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(|source| failed(path, source))
        }
    }
}

/// Checks that the database is a ledger of a format that this program knows.
fn ours(path: &Path, database: Database) -> Result<Database, OpenError> {
    let found = format_of(&database).map_err(|error| match error {
        redb::Error::Io(source) => failed(path, source),
        error => unreadable(path, error),
    })?;
    match found {
        Some(THIS_FORMAT) => Ok(database),
        Some(found) if found > THIS_FORMAT => Err(OpenError::Newer { path: path.to_owned(), found }),
        Some(found) => Err(unreadable(path, format!("it says format {found}, which there never was"))),
        None => Err(unreadable(path, "it is a database of another program")),
    }
}

fn format_of(database: &Database) -> Result<Option<u64>, redb::Error> {
    match database.begin_read()?.open_table(META) {
        Ok(meta) => Ok(meta.get(FORMAT)?.map(|found| found.value())),
        Err(TableError::Storage(error)) => Err(error.into()),
        // No such table, or one of other types.
        Err(_) => Ok(None),
    }
}

fn refused(path: &Path, error: DatabaseError) -> OpenError {
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
            OpenError::AlreadyOpen { path: path.to_owned() }
        }
        DatabaseError::Storage(StorageError::Io(source)) => failed(path, source),
        error => unreadable(path, error),
    }
}

fn failed(path: &Path, source: io::Error) -> OpenError {
    let path = path.to_owned();
    match source.kind() {
        // How redb says that the file is not one of its own, or shorter than it says.
        ErrorKind::InvalidData | ErrorKind::UnexpectedEof => {
            OpenError::Corrupt { path, source: source.into() }
        }
        ErrorKind::PermissionDenied
        | ErrorKind::ReadOnlyFilesystem
        | ErrorKind::NotADirectory
        | ErrorKind::IsADirectory => OpenError::NotWritable { path, source },
        _ => OpenError::Io { path, source },
    }
}
