//! Where blobs lie between the source and the targets.
//!
//! Each is read from the source once, into a file, and sent from there while it is still growing. A target that must
//! begin again begins at the start of the file. When all targets are done with a blob its file goes; one that a killed
//! process left is gone on with, from its end.

use std::collections::HashMap;
use std::fs::{File as StdFile, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use bytes::{Bytes, BytesMut};
use futures::stream::{self, BoxStream, StreamExt as _};
use oci_spec::image::{Descriptor, Digest};
use parking_lot::Mutex;
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{Place, local};
use crate::content::{BlobSource, Verifier};
use crate::error::{Error, Kind};

const LOCK: &str = "lock";
/// What is read from a file at a time.
const PIECE: usize = 256 << 10;

/// A folder of blobs under way.
#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
    live: Arc<Live>,
    /// Held as long as the folder is used.
    _lock: StdFile,
}

/// What is on its way into the folder: copies that need the same blob at the same time share it, and its file.
type Live = Mutex<HashMap<Digest, Weak<Transfer>>>;

impl Spool {
    pub(super) fn open(folder: PathBuf) -> Result<Self, Error> {
        let named = || format!("folder {}", folder.display());
        std::fs::create_dir_all(&folder).map_err(|error| local(named(), "it cannot be made", error))?;
        let lock = StdFile::options().create(true).truncate(false).write(true).open(folder.join(LOCK));
        let lock = lock.map_err(|error| local(named(), "it cannot be written to", error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { folder, live: Arc::default(), _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                Err(Error::new(Kind::Local, named(), "another process copies by it"))
            }
            Err(TryLockError::Error(error)) => Err(local(named(), "it cannot be locked", error)),
        }
    }

    /// The blobs of one copy, each of which so many targets are done with in the end.
    pub(super) fn transfers(&self, sources: &[Place], targets: usize) -> Transfers {
        Transfers {
            folder: self.folder.clone(),
            live: self.live.clone(),
            sources: sources.to_vec(),
            targets: Some(targets),
            open: Mutex::default(),
        }
    }

    /// The blobs of copies that begin one after another: each stays until this is dropped.
    pub(super) fn kept(&self, sources: &[Place]) -> Transfers {
        Transfers { targets: None, ..self.transfers(sources, 0) }
    }
}

/// The blobs of one copy.
#[derive(Debug)]
pub(super) struct Transfers {
    folder: PathBuf,
    live: Arc<Live>,
    sources: Vec<Place>,
    /// How many are done with each blob in the end; nobody knows, where there is none.
    targets: Option<usize>,
    open: Mutex<HashMap<Digest, Open>>,
}

#[derive(Debug, Default)]
struct Open {
    transfer: Option<Arc<Transfer>>,
    done: usize,
}

impl Transfers {
    /// A blob to send from. The first who asks has it read from the source.
    pub(super) fn source(&self, blob: &Descriptor) -> Arc<Transfer> {
        let mut open = self.open.lock();
        let entry = open.entry(blob.digest().clone()).or_default();
        // One that failed is begun anew, for whoever tries again.
        let failed = entry.transfer.take_if(|transfer| transfer.has_failed());
        let transfer = entry.transfer.get_or_insert_with(|| self.shared(blob)).clone();
        drop(open);
        drop(failed);
        transfer
    }

    /// The transfer of a blob that another copy has begun, or a new one.
    fn shared(&self, blob: &Descriptor) -> Arc<Transfer> {
        // Outlives the lock: the last to let go of a transfer takes it.
        let held;
        let mut live = self.live.lock();
        held = live.get(blob.digest()).and_then(Weak::upgrade);
        if let Some(transfer) = held.as_ref().filter(|transfer| !transfer.has_failed()) {
            return transfer.clone();
        }
        let transfer = Arc::new(Transfer::begin(&self.folder, &self.live, &self.sources, blob));
        live.insert(blob.digest().clone(), Arc::downgrade(&transfer));
        transfer
    }

    /// A target is done with a blob, in whatever way.
    pub(super) fn done(&self, blob: &Descriptor) {
        let Some(targets) = self.targets else { return };
        let mut open = self.open.lock();
        let entry = open.entry(blob.digest().clone()).or_default();
        entry.done += 1;
        if entry.done >= targets {
            entry.transfer = None;
        }
    }
}

/// How far a blob has come.
#[derive(Clone, Debug)]
enum Reach {
    /// So many bytes lie in the file.
    Bytes(u64),
    /// All of them, and they were those of the digest.
    Whole,
    /// It cannot be read.
    Failed,
}

/// One blob on its way into a file.
#[derive(Debug)]
pub(super) struct Transfer {
    blob: Digest,
    path: PathBuf,
    live: Arc<Live>,
    reach: watch::Receiver<Reach>,
    failure: Arc<Mutex<Option<Error>>>,
    reading: JoinHandle<()>,
}

impl Drop for Transfer {
    fn drop(&mut self) {
        self.reading.abort();
        let mut live = self.live.lock();
        if live.get(&self.blob).is_none_or(|held| held.strong_count() > 0) {
            // The file is that of another transfer by now.
            return;
        }
        live.remove(&self.blob);
        // Only what was sent everywhere is not needed again; the rest is what the next attempt begins from.
        if matches!(*self.reach.borrow(), Reach::Whole) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Transfer {
    fn begin(folder: &Path, live: &Arc<Live>, sources: &[Place], blob: &Descriptor) -> Self {
        let path = folder.join(blob.digest().to_string().replace(':', "-"));
        let (reach, seen) = watch::channel(Reach::Bytes(0));
        let failure: Arc<Mutex<Option<Error>>> = Arc::default();
        let digest = blob.digest().clone();
        let (places, blob, file, failed) = (sources.to_vec(), blob.clone(), path.clone(), failure.clone());
        let reading = tokio::spawn(async move {
            match fetch(&places, &blob, &file, &reach).await {
                Ok(()) => reach.send_replace(Reach::Whole),
                Err(error) => {
                    *failed.lock() = Some(error);
                    reach.send_replace(Reach::Failed)
                }
            };
        });
        Self { blob: digest, path, live: live.clone(), reach: seen, failure, reading }
    }

    fn has_failed(&self) -> bool {
        matches!(*self.reach.borrow(), Reach::Failed)
    }

    /// Why the source could not be read, if that is why a target got nothing. Told once; the others hear that it was.
    pub(super) fn take_failure(&self) -> Option<Error> {
        if !self.has_failed() {
            return None;
        }
        let again = || Error::new(Kind::Unavailable, self.path.display(), "the source could not be read");
        Some(self.failure.lock().take().unwrap_or_else(again))
    }
}

impl BlobSource for Transfer {
    fn open(&self) -> BoxStream<'static, io::Result<Bytes>> {
        let reader = Reader { path: self.path.clone(), reach: self.reach.clone(), file: None, position: 0 };
        stream::unfold(Some(reader), |reader| async move {
            let mut reader = reader?;
            match reader.next().await {
                Ok(Some(piece)) => Some((Ok(piece), Some(reader))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        })
        .boxed()
    }
}

/// Reads a file that another task writes.
struct Reader {
    path: PathBuf,
    reach: watch::Receiver<Reach>,
    file: Option<File>,
    position: u64,
}

impl Reader {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            let reach = self.reach.borrow_and_update().clone();
            let available = match reach {
                Reach::Bytes(bytes) => bytes - self.position.min(bytes),
                Reach::Whole => u64::MAX,
                Reach::Failed => return Err(io::Error::other("the source could not be read")),
            };
            if available == 0 {
                self.reach.changed().await.map_err(io::Error::other)?;
                continue;
            }
            let file = match &mut self.file {
                Some(file) => file,
                none => none.insert(File::open(&self.path).await?),
            };
            let mut piece = BytesMut::with_capacity(PIECE);
            let wanted = usize::try_from(available).unwrap_or(PIECE).min(PIECE);
            let read = (&mut *file).take(wanted as u64).read_buf(&mut piece).await?;
            if read == 0 {
                return Ok(None);
            }
            self.position += read as u64;
            return Ok(Some(piece.freeze()));
        }
    }
}

/// Brings a blob into its file from the first place that gives it. What one place gave before it broke off is not read
/// again: the next is asked for the rest.
async fn fetch(
    places: &[Place],
    blob: &Descriptor,
    path: &Path,
    reach: &watch::Sender<Reach>,
) -> Result<(), Error> {
    let mut failure = None;
    for place in places {
        match fetch_from(place, blob, path, reach).await {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == Kind::Local => return Err(error),
            Err(error) => {
                tracing::debug!(%error, "source gave no blob, the next is asked");
                failure = failure.or(Some(error));
            }
        }
    }
    Err(failure.unwrap_or_else(|| Error::new(Kind::Invalid, blob.digest(), "there is nowhere to read it")))
}

/// Brings a blob into its file: the part that lies there already, then the rest from a place.
async fn fetch_from(
    place: &Place,
    blob: &Descriptor,
    path: &Path,
    reach: &watch::Sender<Reach>,
) -> Result<(), Error> {
    let failed = |error| local(path.display(), "the blob cannot be kept meanwhile", error);
    let mut verifier = Verifier::new(blob.digest(), blob.size())?;
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(path)
        .await
        .map_err(failed)?;
    if file.metadata().await.map_err(failed)?.len() > blob.size() {
        file.set_len(0).await.map_err(failed)?;
    }
    let mut piece = BytesMut::with_capacity(PIECE);
    while file.read_buf(&mut piece).await.map_err(failed)? > 0 {
        verifier.update(&piece)?;
        piece.clear();
    }
    let lay = verifier.seen();
    reach.send_replace(Reach::Bytes(lay));
    let mut pieces = place.registry.blob_from(&place.repository, blob, verifier);
    let mut written = lay;
    while let Some(piece) = pieces.next().await {
        let piece = match piece {
            Ok(piece) => piece,
            Err(error) => {
                if error.kind() == Kind::Corrupt {
                    // Nobody knows which of its bytes are wrong.
                    let _ = tokio::fs::remove_file(path).await;
                }
                return Err(error);
            }
        };
        file.write_all(&piece).await.map_err(failed)?;
        file.flush().await.map_err(failed)?;
        written += piece.len() as u64;
        reach.send_replace(Reach::Bytes(written));
    }
    Ok(())
}
