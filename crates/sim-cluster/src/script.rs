//! How containers behave: what a test or a demonstration scripts.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use regex::Regex;

use crate::commands::{self, Command, Executed};
use crate::object;
use crate::tree::Value;

/// How a pull of an image ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pull {
    /// It arrives after this time, the first time on each node.
    After(Duration),
    /// The registry does not have it.
    NotFound,
    /// The registry does not give it to this node.
    Denied,
    /// The runtime says this of it.
    Fails(String),
}

/// When a program gives good answers to probes, counted from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answers {
    /// From then on; never, if that never comes.
    pub from: Duration,
    /// Until then, if ever.
    pub until: Option<Duration>,
    /// How long after `until` it is as at the start again, if ever.
    pub pause: Option<Duration>,
}

impl Answers {
    /// From this time after the start on.
    pub const fn after(from: Duration) -> Self {
        Self { from, until: None, pause: None }
    }

    /// From the start on, and no more from this time after it on.
    pub const fn until(until: Duration) -> Self {
        Self { from: Duration::ZERO, until: Some(until), pause: None }
    }

    /// For one time and not for the other, in turn; it begins with the second.
    pub const fn in_turn(good: Duration, bad: Duration) -> Self {
        Self { from: bad, until: Some(bad.saturating_add(good)), pause: Some(Duration::ZERO) }
    }

    /// Not once.
    pub const fn never() -> Self {
        Self { from: Duration::MAX, until: None, pause: None }
    }
}

/// How a program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By itself, with this code.
    Code(i32),
    /// Killed, because it used more memory than it may: `OOMKilled`, 137.
    OutOfMemory,
}

/// A container that ends without being told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// How long it runs.
    pub after: Duration,
    /// How it ends.
    pub end: End,
}

/// How the start of a program ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// It runs.
    Works,
    /// Its image does not hold the command.
    NoSuchCommand,
    /// The runtime says this of it.
    Fails(String),
}

/// How a program ends that is told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leave {
    /// How long it takes; one that takes longer than it may is killed.
    pub after: Duration,
    /// The code with which it ends.
    pub code: i32,
}

/// How containers behave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behavior {
    /// How the pull of the image ends.
    pub pull: Pull,
    /// When startup and liveness probes find it well.
    pub alive: Answers,
    /// When readiness probes do.
    pub ready: Answers,
    /// Whether it ends without being told to.
    pub exit: Option<Exit>,
    /// What it writes to its log at each start, line by line; what a program might write, if nothing is said.
    pub says: Option<Vec<String>>,
    /// Whether it can be started at all.
    pub start: Start,
    /// How it ends when it is told to.
    pub leave: Leave,
    /// When its volumes of the kind `emptyDir` are fuller than they may be, from its start on.
    pub fills: Option<Duration>,
}

impl Default for Behavior {
    fn default() -> Self {
        Self {
            pull: Pull::After(Duration::from_millis(200)),
            alive: Answers::after(Duration::ZERO),
            ready: Answers::after(Duration::from_millis(300)),
            exit: None,
            says: None,
            start: Start::Works,
            leave: Leave { after: Duration::from_millis(300), code: 0 },
            fills: None,
        }
    }
}

impl Behavior {
    /// An image that no registry has: `ErrImagePull`, then `ImagePullBackOff`.
    pub fn missing() -> Self {
        Self { pull: Pull::NotFound, ..Self::default() }
    }

    /// An image that the registry refuses: `ErrImagePull`, then `ImagePullBackOff`.
    pub fn denied() -> Self {
        Self { pull: Pull::Denied, ..Self::default() }
    }

    /// A command that is not in the image: `RunContainerError`, then `CrashLoopBackOff`.
    pub fn bad_command() -> Self {
        Self { start: Start::NoSuchCommand, ..Self::default() }
    }

    /// A program that fills its volumes this long after each start; where they have a bound, the pod is evicted.
    pub fn filling(after: Duration) -> Self {
        Self { fills: Some(after), ..Self::default() }
    }

    /// A program that does not hear of SIGTERM, and is killed when its grace is over.
    pub fn deaf() -> Self {
        Self { leave: Leave { after: Duration::MAX, code: 0 }, ..Self::default() }
    }

    /// A program that ends with `code` this long after each start: `CrashLoopBackOff`.
    pub fn crashing(after: Duration, code: i32) -> Self {
        Self { exit: Some(Exit { after, end: End::Code(code) }), ..Self::default() }
    }

    /// A program that runs out of memory this long after each start: `OOMKilled`.
    pub fn out_of_memory(after: Duration) -> Self {
        Self { exit: Some(Exit { after, end: End::OutOfMemory }), ..Self::default() }
    }

    /// A program that writes these lines to its log at each start, and no others.
    pub fn saying<L: Into<String>>(lines: impl IntoIterator<Item = L>) -> Self {
        Self { says: Some(lines.into_iter().map(Into::into).collect()), ..Self::default() }
    }

    /// A program that lives and is never ready.
    pub fn never_ready() -> Self {
        Self { ready: Answers::never(), ..Self::default() }
    }

    /// A program that is ready at first and no more from this time after each start on, but lives.
    pub fn unready_after(time: Duration) -> Self {
        Self { ready: Answers::until(time), ..Self::default() }
    }

    /// A program that is unready for one time after each start, ready for the other, and so on in turn.
    pub fn flapping(ready: Duration, unready: Duration) -> Self {
        Self { ready: Answers::in_turn(ready, unready), ..Self::default() }
    }

    /// A program that needs this long until any probe succeeds; a startup probe with less patience kills it.
    pub fn slow(start: Duration) -> Self {
        Self { alive: Answers::after(start), ready: Answers::after(start), ..Self::default() }
    }

    /// A program that answers nobody any more from this time after each start on; a liveness probe kills it.
    pub fn hanging(after: Duration) -> Self {
        Self { alive: Answers::until(after), ready: Answers::until(after), ..Self::default() }
    }
}

/// Which containers are meant: those for which everything holds that was said.
#[derive(Debug, Clone, Default)]
pub struct Containers {
    image: Option<Regex>,
    name: Option<String>,
    pod: Option<String>,
    namespace: Option<String>,
    labels: Vec<(String, String)>,
    node: Option<String>,
}

impl Containers {
    /// Every container.
    pub fn all() -> Self {
        Self::default()
    }

    /// Those whose image matches a regular expression.
    pub fn of_image(pattern: &str) -> Result<Self, regex::Error> {
        Ok(Self { image: Some(Regex::new(pattern)?), ..Self::default() })
    }

    /// Those with this name.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Those of the pod with this name.
    #[must_use]
    pub fn in_pod(self, name: impl Into<String>) -> Self {
        Self { pod: Some(name.into()), ..self }
    }

    /// Those of pods in this namespace.
    #[must_use]
    pub fn in_namespace(self, namespace: impl Into<String>) -> Self {
        Self { namespace: Some(namespace.into()), ..self }
    }

    /// Those of pods with this label.
    #[must_use]
    pub fn labelled(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.push((key.into(), value.into()));
        self
    }

    /// Those on this node.
    #[must_use]
    pub fn on_node(self, node: impl Into<String>) -> Self {
        Self { node: Some(node.into()), ..self }
    }

    pub(crate) fn hold(&self, pod: &Value, container: &Value) -> bool {
        let Self { image, name, pod: of, namespace, labels, node } = self;
        let text = |pointer| object::text(container, pointer);
        image.as_ref().is_none_or(|pattern| pattern.is_match(text("/image")))
            && name.as_ref().is_none_or(|name| name == text("/name"))
            && of.as_ref().is_none_or(|name| name == object::name(pod))
            && namespace.as_ref().is_none_or(|namespace| namespace == object::namespace(pod))
            && node.as_ref().is_none_or(|node| node == object::text(pod, "/spec/nodeName"))
            && labels.iter().all(|(key, value)| object::label(pod, key) == Some(value))
    }
}

/// How a cluster's containers behave; of several behaviors that are meant for one, the one set last holds.
#[derive(Clone, Default)]
pub struct Scripts {
    entries: Arc<RwLock<Vec<(Containers, Behavior)>>>,
    pub(crate) commands: commands::Answers,
}

impl Scripts {
    /// These containers behave like this, from their next pull or start on.
    pub fn set(&self, containers: Containers, behavior: Behavior) {
        self.entries.write().push((containers, behavior));
    }

    /// Containers whose image matches a regular expression behave like this, from their next pull or start on.
    pub fn set_pattern(&self, pattern: &str, behavior: Behavior) -> Result<(), regex::Error> {
        self.set(Containers::of_image(pattern)?, behavior);
        Ok(())
    }

    /// Commands that are run in these containers do what the answer says, once their input has ended. Where it says
    /// nothing, and in other containers, there are `cat`, `echo`, `env`, `false`, `hostname` and `true`, and no shell.
    pub fn on_command(
        &self,
        containers: Containers,
        answer: impl Fn(&Command) -> Option<Executed> + Send + Sync + 'static,
    ) {
        self.commands.set(containers, Arc::new(answer));
    }

    /// Forgets all scripts.
    pub fn clear(&self) {
        self.entries.write().clear();
        self.commands.clear();
    }

    pub(crate) fn of(&self, pod: &Value, container: &Value) -> Behavior {
        let entries = self.entries.read();
        let held = entries.iter().rev().find(|(containers, _)| containers.hold(pod, container));
        held.map(|(_, behavior)| behavior.clone()).unwrap_or_default()
    }
}

impl fmt::Debug for Scripts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scripts")
            .field("entries", &self.entries.read().len())
            .field("commands", &self.commands)
            .finish()
    }
}
