//! The archive in files: one per life of an App, a JSON object per line, never changed but at its end.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use plimsoll_core::archive::{Archive, Error, Record};
use plimsoll_core::name::AppUid;
use serde_json::Value;
use tokio::task::spawn_blocking;

use crate::sync::lock;

const BEFORE_KEY: &str = "{\"key\":\"";
const BETWEEN: &str = "\",\"value\":";
const AFTER_VALUE: &str = "}";

/// An archive in a folder: `UID.jsonl` per life of an App, each line `{"key":"…","value":…}`.
///
/// A crash in the middle of an append leaves a line without its end. The next append begins a new one, and readers
/// leave out what is no whole line.
#[derive(Clone, Debug)]
pub struct FileArchive {
    folder: PathBuf,
    /// One append at a time.
    turn: Arc<Mutex<()>>,
}

impl FileArchive {
    /// The archive in `folder`, which is made with the first append.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), turn: Arc::default() }
    }

    fn path(&self, uid: AppUid) -> PathBuf {
        self.folder.join(format!("{uid}.jsonl"))
    }

    /// Does `work` with the file away from the async executor.
    async fn with<T: Send + 'static>(
        &self,
        uid: AppUid,
        what: &'static str,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let (path, turn) = (self.path(uid), Arc::clone(&self.turn));
        let done = spawn_blocking(move || {
            let _turn = lock(&turn);
            work(&path)
        });
        done.await.unwrap_or_else(|ended| Err(io::Error::other(ended))).map_err(|source| Error {
            place: self.place(uid),
            what,
            source: source.into(),
        })
    }
}

#[async_trait]
impl Archive for FileArchive {
    async fn append(&self, uid: AppUid, records: &[Record]) -> Result<(), Error> {
        let mut lines = Vec::new();
        for record in records {
            line(record, &mut lines).map_err(|source| Error {
                place: self.place(uid),
                what: "written",
                source: source.into(),
            })?;
        }
        self.with(uid, "written", move |path| append(path, &lines)).await
    }

    async fn read(&self, uid: AppUid) -> Result<Vec<Record>, Error> {
        self.with(uid, "read", |path| match std::fs::read(path) {
            Ok(bytes) => Ok(records(&bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        })
        .await
    }

    fn place(&self, uid: AppUid) -> String {
        self.path(uid).display().to_string()
    }
}

/// Adds the line of a record.
fn line(record: &Record, lines: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    let Record { key, value } = record;
    // What is on one line in the ledger stays so; anything else would not be read back.
    let value = if value.contains(&b'\n') {
        serde_json::to_vec(&serde_json::from_slice::<Value>(value)?)?
    } else {
        value.clone()
    };
    let key = serde_json::to_string(key)?;
    lines.extend_from_slice(BEFORE_KEY.trim_end_matches('"').as_bytes());
    lines.extend_from_slice(key.as_bytes());
    lines.extend_from_slice(BETWEEN.trim_start_matches('"').as_bytes());
    lines.extend_from_slice(&value);
    lines.extend_from_slice(AFTER_VALUE.as_bytes());
    lines.push(b'\n');
    Ok(())
}

/// The whole lines, each key once.
fn records(bytes: &[u8]) -> Vec<Record> {
    let mut seen = BTreeSet::new();
    let lines = bytes.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
    lines.filter_map(parse).filter(|record| seen.insert(record.key.clone())).collect()
}

/// Reads a line, if it is a whole one; the value stays as it was written, byte for byte.
fn parse(line: &str) -> Option<Record> {
    // Half a line may look whole to anything but a parser.
    let whole: Value = serde_json::from_str(line).ok()?;
    let key = whole.get("key")?.as_str()?.to_owned();
    let rest = line.strip_prefix(BEFORE_KEY)?.strip_prefix(key.as_str())?.strip_prefix(BETWEEN)?;
    Some(Record { key, value: rest.strip_suffix(AFTER_VALUE)?.as_bytes().to_vec() })
}

fn append(path: &Path, lines: &[u8]) -> io::Result<()> {
    let open = || OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path);
    let mut file = match open() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let folder = path.parent().unwrap_or(Path::new("."));
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            sync_folder(folder.parent())?;
            open()?
        }
        opened => opened?,
    };
    let is_new = file.metadata()?.len() == 0;
    if !is_new && !ends_a_line(&mut file)? {
        file.write_all(b"\n")?;
    }
    file.write_all(lines)?;
    file.sync_all()?;
    if is_new { sync_folder(path.parent()) } else { Ok(()) }
}

fn ends_a_line(file: &mut File) -> io::Result<bool> {
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == [b'\n'])
}

/// What was made in a folder is there after a power cut only once the folder itself is synced.
fn sync_folder(folder: Option<&Path>) -> io::Result<()> {
    match folder {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        Some(_) | None => Ok(()),
    }
}
