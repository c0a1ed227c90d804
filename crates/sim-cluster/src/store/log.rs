//! The file that lets a cluster survive a restart: one line per write, appended before it takes effect.
//!
//! A process killed at any moment leaves at most a torn last line, which the next start cuts off. Lines reach
//! the operating system at once and the disk when the cluster shuts down or the file is rewritten: a simulated
//! cluster is not the place to wait for a disk on each write.

use std::borrow::Borrow;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::Key;
use crate::tree::Value;

const FORMAT: u32 = 1;
const FILE: &str = "objects.log";
const DRAFT: &str = "objects.log.new";
const LOCK: &str = "lock";
/// A log is rewritten when it has this many lines and four times as many as there are objects.
const COMPACTION_LINES: usize = 20_000;

/// Why the data directory of a cluster cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file system refused.
    #[error("{action} {path}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another process has the directory open.
    #[error("{path} is in use by another process")]
    InUse {
        /// The data directory.
        path: PathBuf,
    },
    /// The file holds something this program did not write, or a newer one did.
    #[error("{path} is damaged at line {line}: {why}")]
    Damaged {
        /// The log file.
        path: PathBuf,
        /// Counted from one.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: u32,
    revision: u64,
    /// How often the revision went back because a backup was put in its place.
    #[serde(default)]
    put_back: u32,
}

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    revision: u64,
    resource: &'a str,
    namespace: &'a str,
    name: &'a str,
    object: Option<Value>,
}

/// The same line up to the object, which is JSON already.
#[derive(Serialize)]
struct LineStart<'a> {
    revision: u64,
    resource: &'a str,
    namespace: &'a str,
    name: &'a str,
}

/// What a log holds when it is opened.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) revision: u64,
    pub(super) put_back: u32,
    pub(super) objects: Vec<(Key, Value)>,
}

#[derive(Debug)]
pub(super) struct Log {
    folder: PathBuf,
    file: File,
    lines: usize,
    put_back: u32,
    /// Held for as long as the log is open, so that no second process appends to it.
    _lock: File,
}

impl Log {
    /// Opens or makes the log of a folder and reads what it holds.
    pub(super) fn open(folder: &Path) -> Result<(Self, Kept), LogError> {
        fs::create_dir_all(folder).map_err(io_error("making", folder))?;
        let lock = lock(folder)?;
        let path = folder.join(FILE);
        let new = Header { format: FORMAT, revision: 1, put_back: 0 };
        let (header, objects) = if path.exists() { read(&path)? } else { (new, IndexMap::new()) };
        let objects: Vec<(Key, Value)> = objects.into_iter().collect();
        // Rewritten at each start: a torn tail and what was overwritten are gone before the first append.
        let texts = objects.iter().map(|(key, value)| (key, value.to_string()));
        let file = rewrite(folder, &header, texts)?;
        let Header { revision, put_back, .. } = header;
        let log = Self { folder: folder.to_owned(), file, lines: objects.len(), put_back, _lock: lock };
        Ok((log, Kept { revision, put_back, objects }))
    }

    pub(super) fn append(&mut self, revision: u64, key: &Key, object: Option<&[u8]>) -> Result<(), LogError> {
        let text = line(revision, key, object).map_err(io_error("writing", &self.folder))?;
        self.file.write_all(&text).map_err(io_error("writing", &self.folder.join(FILE)))?;
        self.lines += 1;
        Ok(())
    }

    pub(super) fn is_compaction_due(&self, live: usize) -> bool {
        self.lines > COMPACTION_LINES && self.lines > live.saturating_mul(4)
    }

    pub(super) fn compact(
        &mut self,
        revision: u64,
        objects: impl Iterator<Item = (Key, Bytes)>,
    ) -> Result<(), LogError> {
        let mut lines = 0;
        let header = Header { format: FORMAT, revision, put_back: self.put_back };
        self.file = rewrite(&self.folder, &header, objects.inspect(|_| lines += 1))?;
        self.lines = lines;
        Ok(())
    }

    /// The same for an earlier revision than the last.
    pub(super) fn put_back(
        &mut self,
        revision: u64,
        objects: impl Iterator<Item = (Key, Bytes)>,
    ) -> Result<(), LogError> {
        self.put_back += 1;
        self.compact(revision, objects)
    }

    pub(super) fn sync(&mut self) -> Result<(), LogError> {
        self.file.sync_all().map_err(io_error("syncing", &self.folder.join(FILE)))
    }
}

fn lock(folder: &Path) -> Result<File, LogError> {
    let path = folder.join(LOCK);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(io_error("opening", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(LogError::InUse { path: folder.to_owned() }),
        Err(fs::TryLockError::Error(source)) => Err(LogError::Io { action: "locking", path, source }),
    }
}

/// Writes a fresh log beside the old one and puts it in its place.
fn rewrite(
    folder: &Path,
    header: &Header,
    objects: impl Iterator<Item = (impl Borrow<Key>, impl AsRef<[u8]>)>,
) -> Result<File, LogError> {
    let draft = folder.join(DRAFT);
    let path = folder.join(FILE);
    // Secrets are among the objects.
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)
        .map_err(io_error("making", &draft))?;
    let mut out = BufWriter::new(file);
    let written = (|| {
        out.write_all(&checked(&serde_json::to_vec(header)?))?;
        for (key, object) in objects {
            out.write_all(&line(header.revision, key.borrow(), Some(object.as_ref()))?)?;
        }
        out.flush()
    })();
    written.map_err(io_error("writing", &draft))?;
    let file =
        out.into_inner().map_err(io::IntoInnerError::into_error).map_err(io_error("writing", &draft))?;
    file.sync_all().map_err(io_error("syncing", &draft))?;
    fs::rename(&draft, &path).map_err(io_error("replacing", &path))?;
    File::open(folder).and_then(|dir| dir.sync_all()).map_err(io_error("syncing", folder))?;
    Ok(file)
}

fn line(revision: u64, key: &Key, object: Option<&[u8]>) -> io::Result<Vec<u8>> {
    let Key { resource, namespace, name } = key;
    let mut text = serde_json::to_vec(&LineStart { revision, resource, namespace, name })?;
    text.pop();
    text.extend_from_slice(b",\"object\":");
    text.extend_from_slice(object.unwrap_or(b"null"));
    text.push(b'}');
    Ok(checked(&text))
}

/// A line: the checksum of the text, the text, a line feed.
fn checked(text: &[u8]) -> Vec<u8> {
    let mut line = format!("{:08x} ", checksum(text)).into_bytes();
    line.extend_from_slice(text);
    line.push(b'\n');
    line
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// Replays a log: its header with the last revision, and the objects alive at its end.
fn read(path: &Path) -> Result<(Header, IndexMap<Key, Value>), LogError> {
    let file = File::open(path).map_err(io_error("opening", path))?;
    let mut reader = BufReader::new(file);
    let mut objects = IndexMap::new();
    let mut header = Header { format: FORMAT, revision: 1, put_back: 0 };
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        let length = reader.read_until(b'\n', &mut bytes).map_err(io_error("reading", path))?;
        let damaged = |why: String| LogError::Damaged { path: path.to_owned(), line: number, why };
        if length == 0 {
            break;
        }
        if bytes.last() != Some(&b'\n') {
            // Only the last line may lack its end: the process died while writing it. The first never does, for
            // a file comes to its name with that line in it.
            if number == 1 {
                return Err(damaged("it has no whole line".to_owned()));
            }
            break;
        }
        let text = unchecked(&bytes).map_err(|why| damaged(why.to_owned()))?;
        if number == 1 {
            header = serde_json::from_str(text).map_err(|error| damaged(error.to_string()))?;
            if header.format != FORMAT {
                return Err(damaged(format!("format {} is not {FORMAT}", header.format)));
            }
            continue;
        }
        let line: Line<'_> = serde_json::from_str(text).map_err(|error| damaged(error.to_string()))?;
        header.revision = header.revision.max(line.revision);
        let key = Key::new(line.resource, line.namespace, line.name);
        match line.object {
            Some(object) => objects.insert(key, object),
            None => objects.swap_remove(&key),
        };
    }
    Ok((header, objects))
}

/// The text of a line whose checksum is right.
fn unchecked(bytes: &[u8]) -> Result<&str, &'static str> {
    let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8")?;
    let (sum, text) = text.trim_end_matches('\n').split_once(' ').ok_or("no checksum")?;
    let sum = u32::from_str_radix(sum, 16).map_err(|_| "no checksum")?;
    if sum == checksum(text.as_bytes()) { Ok(text) } else { Err("the checksum does not match") }
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LogError {
    let path = path.to_owned();
    move |source| LogError::Io { action, path, source }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use crate::tree::json;

    use super::super::{Key, Store};
    use super::LogError;

    fn mk_store(folder: &std::path::Path) -> Store {
        let store = Store::open(folder).unwrap();
        store.begin().put(&Key::new("pods", "a", "x"), json!({"kept": true})).unwrap();
        store.begin().put(&Key::new("pods", "a", "y"), json!({})).unwrap();
        store.begin().remove(&Key::new("pods", "a", "y")).unwrap();
        store
    }

    #[test]
    fn objects_and_the_revision_survive_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        drop(mk_store(folder.path()));
        for _ in 0..2 {
            let store = Store::open(folder.path()).unwrap();
            let tx = store.begin();
            assert_eq!(tx.revision(), 4);
            assert_eq!(tx.list("pods", None).len(), 1);
            assert_eq!(tx.list("pods", None)[0]["metadata"]["resourceVersion"], "2");
        }
    }

    #[test]
    fn only_this_user_may_read_what_is_kept_of_secrets() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        drop(mk_store(folder.path()));
        let mode = fs::metadata(folder.path().join("objects.log")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_torn_last_line_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        drop(mk_store(folder.path()));
        let path = folder.path().join("objects.log");
        fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"0badc0de {\"revi").unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(store.begin().revision(), 4);
    }

    #[test]
    fn a_damaged_line_is_named_rather_than_skipped() {
        let folder = tempfile::tempdir().unwrap();
        drop(mk_store(folder.path()));
        let path = folder.path().join("objects.log");
        let text = fs::read_to_string(&path).unwrap().replace("kept", "lost");
        fs::write(&path, text).unwrap();
        assert!(matches!(Store::open(folder.path()), Err(LogError::Damaged { line: 2, .. })));
    }

    #[test]
    fn a_file_without_one_whole_line_is_damaged_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        drop(mk_store(folder.path()));
        let path = folder.path().join("objects.log");
        let good = fs::read(&path).unwrap();
        for bytes in [&good[..20], b"0", b"these are the accounts of the shop"] {
            fs::write(&path, bytes).unwrap();
            assert!(matches!(Store::open(folder.path()), Err(LogError::Damaged { line: 1, .. })));
            assert_eq!(fs::read(&path).unwrap(), bytes);
        }
        fs::write(&path, &good).unwrap();
        assert_eq!(Store::open(folder.path()).unwrap().begin().revision(), 4);
        fs::write(&path, b"").unwrap();
        assert_eq!(Store::open(folder.path()).unwrap().begin().revision(), 1, "nothing is lost of nothing");
    }

    #[test]
    fn a_second_process_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let _first = mk_store(folder.path());
        assert!(matches!(Store::open(folder.path()), Err(LogError::InUse { .. })));
    }
}
