use crate::program::no_panic;
use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// How long a program may take until it says that it serves: it opens files and listens.
const TO_START: Duration = Duration::from_mins(1);

/// Longer than a server lets its requests finish.
const TO_STOP: Duration = Duration::from_secs(30);

/// A program that runs on, with what it says in a file.
pub(crate) struct Running {
    child: Child,
    log: PathBuf,
    /// Where this run begins in the log.
    begin: usize,
}

impl Running {
    /// Starts it; what it says is appended to `log`.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let file = File::options().create(true).append(true).open(log);
        let file = file.with_context(|| format!("opening {}", log.display()))?;
        let begin = usize::try_from(file.metadata().context("reading a log's length")?.len())?;
        let child = command
            .stdout(file.try_clone().context("sharing a log")?)
            .stderr(file)
            .spawn()
            .context("starting the program")?;
        Ok(Self { child, log: log.to_path_buf(), begin })
    }

    /// Waits until what this run says holds what `find` looks for; whole lines alone are shown to it.
    pub(crate) async fn until<T>(&mut self, what: &str, find: impl Fn(&str) -> Option<T>) -> Result<T> {
        let started = Instant::now();
        loop {
            let ended = self.child.try_wait().context("looking after the program")?;
            let said = self.said()?;
            let whole = said.rfind('\n').map_or("", |end| &said[..=end]);
            if let Some(found) = find(whole) {
                return Ok(found);
            }
            if let Some(status) = ended {
                bail!("it ended ({status}) before it said {what}: {said}");
            }
            if started.elapsed() > TO_START {
                bail!("it does not say {what} within {TO_START:?}: {said}");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The number of its process; none when it has ended.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// What it has said since it started.
    pub(crate) fn said(&self) -> Result<String> {
        let text = std::fs::read(&self.log).with_context(|| format!("reading {}", self.log.display()))?;
        Ok(String::from_utf8_lossy(text.get(self.begin..).unwrap_or_default()).into_owned())
    }

    /// Ends it by SIGKILL, wherever it stands.
    pub(crate) async fn kill(mut self) -> Result<()> {
        self.child.kill().await.context("killing the program")?;
        no_panic(&self.said()?)
    }

    /// Ends it by SIGTERM; it must end well.
    pub(crate) async fn stop(mut self) -> Result<()> {
        let pid = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let pid = pid.with_context(|| format!("it has ended before it was stopped: {:?}", self.said()))?;
        kill_process(pid, Signal::TERM).context("stopping the program")?;
        let status = tokio::time::timeout(TO_STOP, self.child.wait())
            .await
            .with_context(|| format!("it did not stop within {TO_STOP:?}: {:?}", self.said()))?
            .context("waiting for the program")?;
        no_panic(&self.said()?)?;
        if !status.success() {
            bail!("told to stop, it ended with {status}: {}", self.said()?);
        }
        Ok(())
    }
}

/// The first `http://` address behind `word` in what was said.
pub(crate) fn address_behind(word: &str, said: &str) -> Option<String> {
    let address = said.split_once(word)?.1.split_once("http://")?.1;
    let end = address.find(|c: char| !(c.is_ascii_digit() || ".:".contains(c))).unwrap_or(address.len());
    Some(format!("http://{}", &address[..end]))
}
