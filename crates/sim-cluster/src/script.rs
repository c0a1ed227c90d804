//! How containers of an image behave: what a test or a demonstration scripts.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;

/// How a pull of an image ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pull {
    /// It arrives after this time, the first time on each node.
    After(Duration),
    /// The registry does not have it.
    NotFound,
}

/// When a container, once started, is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// Its probes succeed from this time after the start on.
    After(Duration),
    /// Its readiness probe never succeeds.
    Never,
}

/// A container that ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// How long it runs.
    pub after: Duration,
    /// Its exit code.
    pub code: i32,
}

/// How the containers of an image behave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behavior {
    /// How its pull ends.
    pub pull: Pull,
    /// When it is ready.
    pub readiness: Readiness,
    /// Whether it ends by itself.
    pub exit: Option<Exit>,
}

impl Default for Behavior {
    fn default() -> Self {
        Self {
            pull: Pull::After(Duration::from_millis(200)),
            readiness: Readiness::After(Duration::from_millis(300)),
            exit: None,
        }
    }
}

impl Behavior {
    /// An image that no registry has: `ErrImagePull`, then `ImagePullBackOff`.
    pub fn missing() -> Self {
        Self { pull: Pull::NotFound, ..Self::default() }
    }

    /// A program that ends with `code` this long after each start: `CrashLoopBackOff`.
    pub fn crashing(after: Duration, code: i32) -> Self {
        Self { exit: Some(Exit { after, code }), ..Self::default() }
    }

    /// A program that runs and is never ready.
    pub fn never_ready() -> Self {
        Self { readiness: Readiness::Never, ..Self::default() }
    }

    /// A program that needs this long until its probes succeed.
    pub fn slow(start: Duration) -> Self {
        Self { readiness: Readiness::After(start), ..Self::default() }
    }
}

type Matcher = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// The behaviors of a cluster's images; the one added last that matches an image holds.
#[derive(Clone, Default)]
pub struct Scripts {
    entries: Arc<RwLock<Vec<(Matcher, Behavior)>>>,
}

impl Scripts {
    /// Images for which `matches` is true behave like this from their next start on.
    pub fn set(&self, matches: impl Fn(&str) -> bool + Send + Sync + 'static, behavior: Behavior) {
        self.entries.write().push((Arc::new(matches), behavior));
    }

    /// Images that match a regular expression behave like this from their next start on.
    pub fn set_pattern(&self, pattern: &str, behavior: Behavior) -> Result<(), regex::Error> {
        let pattern = regex::Regex::new(pattern)?;
        self.set(move |image| pattern.is_match(image), behavior);
        Ok(())
    }

    /// Forgets all scripts.
    pub fn clear(&self) {
        self.entries.write().clear();
    }

    pub(crate) fn of(&self, image: &str) -> Behavior {
        let entries = self.entries.read();
        entries.iter().rev().find(|(matches, _)| matches(image)).map(|(_, b)| b.clone()).unwrap_or_default()
    }
}

impl fmt::Debug for Scripts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scripts").field("entries", &self.entries.read().len()).finish()
    }
}
