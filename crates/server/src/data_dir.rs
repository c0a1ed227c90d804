//! The data directory: what lies where, who may read it, and which process has it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use plimsoll_core::name::DcName;

use crate::error::Error;

const LEDGER: &str = "ledger.redb";
const ARCHIVE: &str = "archive";
const COPIES: &str = "copies";
const CREDENTIALS: &str = "kubeconfig";
const LOCK: &str = "lock";
const IDENTITY: &str = "identity";

/// A data directory that this process alone has, until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    // The system gives the lock back with the file, also after a kill.
    _lock: File,
}

impl DataDir {
    /// Makes the folder if it is not there, and takes it.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        make(path).map_err(|error| unusable(path, path, &error))?;
        let lock = lock(path)?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The folder itself.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Who the process is that has this folder: made once, so that after a restart it holds what it held.
    pub(crate) fn identity(&self) -> Result<String, Error> {
        let path = self.path.join(IDENTITY);
        match fs::read_to_string(&path) {
            Ok(text) if uuid::Uuid::parse_str(text.trim()).is_ok() => return Ok(text.trim().to_owned()),
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(unusable(&self.path, &path, &error));
            }
            // None, or one that is damaged: a new one costs a moment's wait for what the old one held.
            Ok(_) | Err(_) => {}
        }
        let identity = uuid::Uuid::now_v7().to_string();
        write_private(&path, &format!("{identity}\n"))
            .map_err(|error| unusable(&self.path, &path, &error))?;
        Ok(identity)
    }

    /// The file of the ledger.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.path.join(LEDGER)
    }

    /// The folder of what the ledger no longer holds.
    pub(crate) fn archive(&self) -> PathBuf {
        self.path.join(ARCHIVE)
    }

    /// The folder of images that are being copied.
    pub(crate) fn copies(&self) -> PathBuf {
        self.path.join(COPIES)
    }

    /// The file with the way to a data center and the credentials there.
    pub(crate) fn kubeconfig(&self, dc: &DcName) -> PathBuf {
        self.path.join(CREDENTIALS).join(format!("{dc}.yaml"))
    }

    /// The way to a data center, if it has one.
    pub(crate) fn read_kubeconfig(&self, dc: &DcName) -> io::Result<Option<String>> {
        match fs::read_to_string(self.kubeconfig(dc)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps the way to a data center, readable by this user alone.
    pub(crate) fn write_kubeconfig(&self, dc: &DcName, text: &str) -> io::Result<()> {
        make(&self.path.join(CREDENTIALS))?;
        write_private(&self.kubeconfig(dc), text)
    }

    /// Forgets the way to a data center.
    pub(crate) fn remove_kubeconfig(&self, dc: &DcName) -> io::Result<()> {
        match fs::remove_file(self.kubeconfig(dc)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Writes a file that holds a secret: this user alone may read it, and it is there whole or as it was.
pub(crate) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A named temporary file is made with mode 0600.
    let mut file = tempfile::NamedTempFile::with_prefix_in(".new-", folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(folder)?.sync_all()
}

/// Makes a folder if it is not there: credentials lie in it, which are nobody else's business.
fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn lock(path: &Path) -> Result<File, Error> {
    let name = path.join(LOCK);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&name)
        .map_err(|error| unusable(path, &name, &error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            // Between taking the lock and writing its pid, the other process has not named itself yet.
            let read = file.read_to_string(&mut pid);
            let pid = pid.trim();
            let named = read.is_ok() && !pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit());
            let pid = if named { pid.to_owned() } else { "that is just starting".to_owned() };
            return Err(Error::InUse { path: path.to_owned(), pid });
        }
        Err(TryLockError::Error(error)) => return Err(unusable(path, &name, &error)),
    }
    // What a killed process left in it is written over.
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .map_err(|error| unusable(path, &name, &error))?;
    Ok(file)
}

/// Why a data directory cannot be used, for what was met at `place` in it: it goes by the name that it was given.
fn unusable(path: &Path, place: &Path, error: &io::Error) -> Error {
    let below = place.strip_prefix(path).ok().filter(|below| !below.as_os_str().is_empty());
    let inside = below.map_or_else(String::new, |below| format!(" ({} in it)", below.display()));
    let (message, remedy) = match error.kind() {
        io::ErrorKind::PermissionDenied => {
            ("is not writable for this user", "give this user the right to, or use another directory")
        }
        io::ErrorKind::ReadOnlyFilesystem => ("lies on a read-only file system", "use another directory"),
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists if below.is_none() => {
            ("is no directory", "move what is there away, or use another directory")
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists | io::ErrorKind::IsADirectory => {
            ("holds something of another kind", "move that away, or use another directory")
        }
        io::ErrorKind::NotFound => {
            ("cannot be made: nothing can be made in the folder above it", "use another directory")
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            ("has no space left", "make room, or use another directory")
        }
        _ => {
            let message = format!("cannot be used{inside}: {error}");
            return Error::DataDir { path: path.to_owned(), message, remedy: "use another directory" };
        }
    };
    Error::DataDir { path: path.to_owned(), message: format!("{message}{inside}"), remedy }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_second_process_is_told_the_first_ones_pid() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataDir::open(folder.path()).unwrap();
        let refused = DataDir::open(folder.path()).unwrap_err().to_string();
        let path = folder.path().display();
        let pid = std::process::id();
        assert_eq!(
            refused,
            format!(
                "data directory {path} is in use by process {pid}; stop that one, or use another directory"
            )
        );
        drop(first);
        DataDir::open(folder.path()).unwrap();
    }

    #[test]
    fn what_a_killed_process_left_in_the_lock_keeps_nobody_out() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(LOCK), "4194304\n and more").unwrap();
        let _dir = DataDir::open(folder.path()).unwrap();
        let text = fs::read_to_string(folder.path().join(LOCK)).unwrap();
        assert_eq!(text, format!("{}\n", std::process::id()));
    }

    #[test]
    fn credentials_are_readable_by_this_user_alone() {
        let folder = tempfile::tempdir().unwrap();
        let dir = DataDir::open(&folder.path().join("new/data")).unwrap();
        let dc: DcName = "dc-1".parse().unwrap();
        assert_eq!(dir.read_kubeconfig(&dc).unwrap(), None);
        dir.write_kubeconfig(&dc, "apiVersion: v1\n").unwrap();
        dir.write_kubeconfig(&dc, "apiVersion: v2\n").unwrap();
        assert_eq!(dir.read_kubeconfig(&dc).unwrap().as_deref(), Some("apiVersion: v2\n"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir.kubeconfig(&dc)), 0o600);
        assert_eq!(mode(dir.path()), 0o700);
        dir.remove_kubeconfig(&dc).unwrap();
        dir.remove_kubeconfig(&dc).unwrap();
        assert_eq!(dir.read_kubeconfig(&dc).unwrap(), None);
    }

    #[test]
    fn a_folder_is_the_same_candidate_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let identity = || DataDir::open(folder.path()).unwrap().identity().unwrap();
        let first = identity();
        assert_eq!(identity(), first);
        fs::write(folder.path().join(IDENTITY), "").unwrap();
        assert_ne!(identity(), first);
    }

    #[test]
    fn what_is_wrong_inside_is_told_of_the_folder_that_was_given() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let table = [
            (
                "kubeconfig",
                io::ErrorKind::PermissionDenied,
                "is not writable for this user (kubeconfig in it); give",
            ),
            ("lock", io::ErrorKind::IsADirectory, "holds something of another kind (lock in it); move"),
            ("", io::ErrorKind::PermissionDenied, "is not writable for this user; give"),
            ("", io::ErrorKind::NotFound, "cannot be made: nothing can be made in the folder above it; use"),
        ];
        for (place, kind, said) in table {
            let error = unusable(&path, &path.join(place), &kind.into()).to_string();
            let expected = format!("data directory {}: {said}", path.display());
            assert!(error.starts_with(&expected), "{error}");
        }
        fs::create_dir_all(path.join(LOCK)).unwrap();
        let error = DataDir::open(&path).unwrap_err().to_string();
        assert!(error.contains("holds something of another kind (lock in it)"), "{error}");
    }

    #[test]
    fn a_path_that_is_no_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        for path in [file.clone(), file.join("below")] {
            let error = DataDir::open(&path).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("data directory {}", path.display()))
                    && error.contains("is no directory; move"),
                "{error}"
            );
        }
    }
}
