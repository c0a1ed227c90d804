//! Images come before the Release that needs them: each is looked for where its data center pulls it from, and copied
//! there first if it is not whole.
//!
//! Looking and copying take their time, so they are no part of a visit: a task of each App's own does them, and the App
//! is looked at again when something came of it. What a killed process had copied is gone on with by the next one, which
//! finds in the ledger that the outcome waits and looks anew.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use plimsoll_core::clock::Clock;
use plimsoll_core::content::Content;
use plimsoll_core::digest::Digest;
use plimsoll_core::error::Chain;
use plimsoll_core::image::{Bytes, Errand, Error, ErrorKind, Images, Preflight, Pulls};
use plimsoll_core::live::Prepared;
use plimsoll_core::name::{AppRef, DcName, ReleaseNumber};
use tokio::sync::{Notify, Semaphore};
use tokio_util::task::AbortOnDropHandle;

use crate::sights::Sights;

/// How many Apps of one data center are looked after at a time.
const AT_ONCE: usize = 32;
/// How long what was seen to be whole is taken to be so.
const FRESH: Duration = Duration::from_mins(1);
/// The first and the longest wait before a registry that does not say is asked again.
const AGAIN_FIRST: Duration = Duration::from_secs(1);
const AGAIN_LONGEST: Duration = Duration::from_mins(1);
/// How often the progress of a copy is told.
const TELL: Duration = Duration::from_millis(200);

/// The images of the Apps of one data center. What is under way ends with it.
pub(crate) struct Preflights {
    shared: Arc<Shared>,
    /// Those that look and copy, for at most one content of each App.
    tasks: Mutex<HashMap<AppRef, AbortOnDropHandle<()>>>,
}

/// What the tasks tell their results by.
struct Shared {
    dc: DcName,
    images: Images,
    sights: Arc<Sights>,
    clock: Arc<dyn Clock>,
    /// One for each App at most.
    held: Mutex<HashMap<AppRef, Entry>>,
    /// The Apps of which something came since somebody asked.
    due: Mutex<HashSet<AppRef>>,
    changed: Notify,
    turns: Semaphore,
}

struct Entry {
    release: ReleaseNumber,
    content: Digest,
    state: Preflight,
    /// When it came to stand so, by the monotonic clock.
    since: Duration,
    /// When it was last told how far a copy has come.
    told: Duration,
}

impl Preflights {
    pub(crate) fn new(dc: DcName, images: Images, sights: Arc<Sights>, clock: Arc<dyn Clock>) -> Self {
        let shared = Shared {
            dc,
            images,
            sights,
            clock,
            held: Mutex::default(),
            due: Mutex::default(),
            changed: Notify::new(),
            turns: Semaphore::new(AT_ONCE),
        };
        Self { shared: Arc::new(shared), tasks: Mutex::default() }
    }

    fn tasks(&self) -> MutexGuard<'_, HashMap<AppRef, AbortOnDropHandle<()>>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From where the data center pulls images.
    pub(crate) fn pulls(&self) -> Option<Pulls> {
        self.shared.images.registries.pulls(&self.shared.dc)
    }

    /// How it stands with the images of a content of an App.
    pub(crate) fn of(&self, app: &AppRef, content: &Digest) -> Preflight {
        match self.shared.held().get(app).filter(|entry| entry.content == *content) {
            Some(entry) if entry.state == Preflight::Ready && self.shared.is_old(entry) => Preflight::Unknown,
            Some(entry) => entry.state.clone(),
            None => Preflight::Unknown,
        }
    }

    /// Looks for the images of a content, unless that is under way or was just done, instead of those of any other
    /// content of this App.
    pub(crate) fn begin(&self, app: &AppRef, release: ReleaseNumber, digest: Digest, content: &Content) {
        if !matches!(self.of(app, &digest), Preflight::Unknown | Preflight::Missing(_)) {
            return;
        }
        self.forget(app);
        let Shared { dc, images, sights, clock, .. } = &*self.shared;
        let (state, errands) = match images.registries.errands(dc, content.images()) {
            Ok(errands) if errands.is_empty() => (Preflight::Ready, errands),
            Ok(errands) => (Preflight::Looking, errands),
            Err(error) => (Preflight::Missing(format!("with what {dc} pulls from: {error}")), Vec::new()),
        };
        let entry = Entry {
            release,
            content: digest,
            state: state.clone(),
            since: clock.elapsed(),
            told: Duration::ZERO,
        };
        self.shared.held().insert(app.clone(), entry);
        if errands.is_empty() {
            sights.note_prepared(dc, app, None);
            return;
        }
        sights.note_prepared(dc, app, Some(Prepared { release, state, bytes: None }));
        let run = self.shared.clone().run(app.clone(), digest, errands);
        self.tasks().insert(app.clone(), AbortOnDropHandle::new(tokio::spawn(run)));
    }

    /// Ends what is under way for an App, and forgets what came of it.
    pub(crate) fn forget(&self, app: &AppRef) {
        self.tasks().remove(app);
        self.shared.held().remove(app);
    }

    /// Forgets all Apps but these.
    pub(crate) fn keep(&self, apps: &HashSet<AppRef>) {
        let gone: Vec<AppRef> =
            self.shared.held().keys().filter(|app| !apps.contains(*app)).cloned().collect();
        for app in &gone {
            self.forget(app);
            self.shared.sights.note_prepared(&self.shared.dc, app, None);
        }
    }

    /// Ends everything that is under way.
    pub(crate) fn clear(&self) {
        self.tasks().clear();
        self.shared.held().clear();
    }

    /// The Apps of which something came, once there are any.
    pub(crate) async fn changed(&self) -> HashSet<AppRef> {
        let shared = &self.shared;
        loop {
            let changed = shared.changed.notified();
            let due = std::mem::take(&mut *shared.due.lock().unwrap_or_else(PoisonError::into_inner));
            if !due.is_empty() {
                return due;
            }
            changed.await;
        }
    }
}

impl Shared {
    fn held(&self) -> MutexGuard<'_, HashMap<AppRef, Entry>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_old(&self, entry: &Entry) -> bool {
        self.clock.elapsed().saturating_sub(entry.since) > FRESH
    }

    async fn run(self: Arc<Self>, app: AppRef, content: Digest, errands: Vec<Errand>) {
        let mut pause = AGAIN_FIRST;
        loop {
            let state = self.attend(&app, &content, &errands).await;
            let is_silent = matches!(state, Preflight::Silent(..));
            self.settle(&app, &content, state);
            if !is_silent {
                return;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(AGAIN_LONGEST);
        }
    }

    /// Looks once for all images, and copies what is not whole.
    async fn attend(&self, app: &AppRef, content: &Digest, errands: &[Errand]) -> Preflight {
        let Ok(_turn) = self.turns.acquire().await else { return Preflight::Unknown };
        for errand in errands {
            let at = format!("{}@{}", errand.at, errand.digest.short(12));
            let copying = Preflight::Copying(format!("{at} is not whole there; it is copied first"));
            let on = |bytes: Bytes| self.note(app, content, &copying, bytes);
            if let Err(error) = errand.run(&*self.images.registry, &on).await {
                tracing::warn!(%app, dc = %self.dc, image = at, error = %Chain(&error), "an image is not there");
                return concluded(&error);
            }
        }
        Preflight::Ready
    }

    /// Notes how far a copy has come.
    fn note(&self, app: &AppRef, content: &Digest, copying: &Preflight, bytes: Bytes) {
        let now = self.clock.elapsed();
        let prepared = {
            let mut held = self.held();
            let Some(entry) = held.get_mut(app).filter(|entry| entry.content == *content) else { return };
            let is_news = entry.state != *copying;
            if !is_news && now.saturating_sub(entry.told) < TELL && bytes.done < bytes.total {
                return;
            }
            entry.told = now;
            if is_news {
                entry.state = copying.clone();
                entry.since = now;
                self.tell(app);
            }
            Prepared { release: entry.release, state: copying.clone(), bytes: Some(bytes) }
        };
        self.sights.note_prepared(&self.dc, app, Some(prepared));
    }

    fn settle(&self, app: &AppRef, content: &Digest, state: Preflight) {
        let prepared = {
            let mut held = self.held();
            let Some(entry) = held.get_mut(app).filter(|entry| entry.content == *content) else { return };
            entry.state = state.clone();
            entry.since = self.clock.elapsed();
            Prepared { release: entry.release, state, bytes: None }
        };
        self.sights.note_prepared(&self.dc, app, Some(prepared));
        self.tell(app);
    }

    fn tell(&self, app: &AppRef) {
        self.due.lock().unwrap_or_else(PoisonError::into_inner).insert(app.clone());
        self.changed.notify_one();
    }
}

/// What follows from an image that is not where it is needed, with what becomes of it.
fn concluded(error: &Error) -> Preflight {
    let next = match error.kind {
        ErrorKind::NotFound => {
            return Preflight::Missing(format!("{error}; push it, then resume, or publish another"));
        }
        ErrorKind::Refused => "it goes on by itself once an operator has given Plimsoll the right to it",
        ErrorKind::Unreachable => "it goes on by itself when that answers",
        ErrorKind::Unsure => "it is tried again",
    };
    Preflight::Silent(error.kind, format!("{error}; {next}"))
}
