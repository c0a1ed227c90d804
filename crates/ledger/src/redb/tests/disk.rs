//! A disk that forgets, tears and fails, as real ones do.

use std::io::{Error, ErrorKind, Result};
use std::sync::{Arc, Mutex};

use redb::StorageBackend;

use crate::sync::lock;

/// Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk(Arc<Mutex<State>>);

#[derive(Clone, Debug, Default)]
struct State {
    /// What the system shows: all that was written.
    shown: Vec<u8>,
    /// What a power cut leaves for certain.
    synced: Vec<u8>,
    /// What a power cut leaves or not, each by itself.
    unsynced: Vec<Change>,
    /// Writes beyond fail as on a full disk.
    capacity: Option<usize>,
    failing: Option<Failing>,
}

#[derive(Clone, Debug)]
enum Change {
    Length(usize),
    Bytes(usize, Vec<u8>),
}

/// What fails until it is mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failing {
    Reads,
    Writes,
    Syncs,
}

impl Disk {
    /// The disk after a power cut at this moment; `kept` says which of the changes reached it that no sync
    /// waited for.
    pub(super) fn after_power_cut(&self, mut kept: impl FnMut() -> bool) -> Self {
        let state = lock(&self.0);
        let mut left = state.synced.clone();
        for change in &state.unsynced {
            if kept() {
                change.apply(&mut left);
            }
        }
        Self(Arc::new(Mutex::new(State { shown: left.clone(), synced: left, ..State::default() })))
    }

    pub(super) fn is_empty(&self) -> bool {
        lock(&self.0).shown.is_empty()
    }

    /// No more room than is used now.
    pub(super) fn fill(&self) {
        let mut state = lock(&self.0);
        state.capacity = Some(state.shown.len());
    }

    pub(super) fn make_room(&self) {
        lock(&self.0).capacity = None;
    }

    pub(super) fn fail(&self, failing: Failing) {
        lock(&self.0).failing = Some(failing);
    }

    pub(super) fn mend(&self) {
        lock(&self.0).failing = None;
    }
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Length(length) => bytes.resize(*length, 0),
            Self::Bytes(offset, data) => {
                if bytes.len() < offset + data.len() {
                    bytes.resize(offset + data.len(), 0);
                }
                bytes[*offset..offset + data.len()].copy_from_slice(data);
            }
        }
    }
}

impl State {
    fn may(&self, what: Failing) -> Result<()> {
        if self.failing == Some(what) { Err(Error::other("the disk failed")) } else { Ok(()) }
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.shown);
        self.unsynced.push(change);
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64> {
        Ok(lock(&self.0).shown.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let state = lock(&self.0);
        state.may(Failing::Reads)?;
        let offset = usize::try_from(offset).unwrap();
        let found = state.shown.get(offset..offset + out.len()).ok_or(ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(found);
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<()> {
        let mut state = lock(&self.0);
        state.may(Failing::Writes)?;
        state.change(Change::Length(usize::try_from(len).unwrap()));
        Ok(())
    }

    fn sync_data(&self) -> Result<()> {
        let mut state = lock(&self.0);
        state.may(Failing::Syncs)?;
        state.synced = state.shown.clone();
        state.unsynced.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        let mut state = lock(&self.0);
        state.may(Failing::Writes)?;
        let offset = usize::try_from(offset).unwrap();
        if state.capacity.is_some_and(|capacity| offset + data.len() > capacity) {
            return Err(ErrorKind::StorageFull.into());
        }
        state.change(Change::Bytes(offset, data.to_vec()));
        Ok(())
    }
}
