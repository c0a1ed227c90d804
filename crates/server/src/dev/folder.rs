//! The folder of `dev`: given and kept, or temporary and gone with the process, unless that failed.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tempfile::TempDir;
use tracing_subscriber::EnvFilter;

use super::say;
use crate::data_dir::DataDir;
use crate::error::Error;

const LOG: &str = "plimsoll.log";
const FILTER: &str = "info";

/// Where everything lies that `dev` makes.
pub(super) enum Folder {
    Kept(PathBuf),
    Temporary(TempDir),
}

impl Folder {
    pub(super) fn open(data: Option<PathBuf>) -> Result<Self, Error> {
        match data {
            // What is shown to people must work from any other folder.
            Some(path) => match std::path::absolute(&path) {
                Ok(path) => Ok(Self::Kept(path)),
                Err(error) => Err(unusable(path, &error)),
            },
            None => match tempfile::Builder::new().prefix("plimsoll-dev-").tempdir() {
                Ok(folder) => Ok(Self::Temporary(folder)),
                Err(error) => Err(unusable(std::env::temp_dir(), &error)),
            },
        }
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }

    /// Takes the folder for this process alone.
    pub(super) fn take(&self) -> Result<DataDir, Error> {
        DataDir::open(self.path())
    }

    /// Where the state of a simulated data center is kept; none where nothing outlives the process.
    pub(super) fn state_of(&self, dc: &str) -> Option<PathBuf> {
        match self {
            Self::Kept(path) => Some(path.join("simulated").join(dc)),
            Self::Temporary(_) => None,
        }
    }

    /// The log of this run: standard error belongs to the live lines.
    pub(super) fn start_log(&self) -> Result<(), Error> {
        let path = self.path().join(LOG);
        let file: File = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| unusable(path, &error))?;
        let filter = EnvFilter::try_from_env("PLIMSOLL_LOG").unwrap_or_else(|_| EnvFilter::new(FILTER));
        let started = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(false)
            .with_writer(Mutex::new(file))
            .try_init();
        if let Err(error) = started {
            // Whoever embeds this has a log of their own.
            tracing::debug!(%error, "the log was set up already");
        }
        Ok(())
    }

    /// Removes a temporary folder, unless its log tells what went wrong.
    pub(super) fn close(self, outcome: &Result<(), Error>) {
        let Self::Temporary(folder) = self else { return };
        if matches!(outcome, Ok(()) | Err(Error::Interrupted)) {
            let path = folder.path().to_owned();
            if let Err(error) = folder.close() {
                say::message(&format!("{} was not removed ({error})", path.display()));
            }
        } else {
            let path = folder.keep();
            say::message(&format!(
                "everything that was made is left in {}; {LOG} there says more, and whoever has seen it may remove the \
                 folder",
                path.display()
            ));
        }
    }
}

fn unusable(path: PathBuf, error: &io::Error) -> Error {
    Error::DataDir { path, message: format!("cannot be used ({error})"), remedy: "give another with --data" }
}
