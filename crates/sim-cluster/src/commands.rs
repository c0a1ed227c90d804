//! Commands that are run in containers: what a test scripts, and the few that every container knows.

use std::fmt;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::object::{self, list, text};
use crate::script::Containers;
use crate::tree::Value;

/// A command that somebody runs in a container, as by `kubectl exec`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The namespace of the pod.
    pub namespace: String,
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// The program and its arguments.
    pub arguments: Vec<String>,
    /// Its whole standard input; empty where it has none.
    pub input: Vec<u8>,
}

/// What a command does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Executed {
    /// What it prints.
    pub stdout: Vec<u8>,
    /// What it complains of.
    pub stderr: Vec<u8>,
    /// The code with which it ends.
    pub code: u8,
    /// Why the runtime cannot start it at all; then it does nothing of the above.
    pub refusal: Option<String>,
}

impl Executed {
    /// It prints this and succeeds.
    pub fn printing(stdout: impl Into<Vec<u8>>) -> Self {
        Self { stdout: stdout.into(), ..Self::default() }
    }

    /// The runtime cannot start it, such as for `permission denied`.
    pub fn refused(why: impl Into<String>) -> Self {
        Self { refusal: Some(why.into()), ..Self::default() }
    }

    /// It complains of this and ends with `code`.
    pub fn failing(code: u8, stderr: impl Into<Vec<u8>>) -> Self {
        Self { stderr: stderr.into(), code, ..Self::default() }
    }
}

/// What answers the commands of some containers; nothing where it knows a command not.
pub(crate) type Answer = Arc<dyn Fn(&Command) -> Option<Executed> + Send + Sync>;

/// What answers which containers' commands; of several, the one set last.
#[derive(Clone, Default)]
pub(crate) struct Answers {
    entries: Arc<RwLock<Vec<(Containers, Answer)>>>,
}

impl Answers {
    pub(crate) fn set(&self, containers: Containers, answer: Answer) {
        self.entries.write().push((containers, answer));
    }

    pub(crate) fn clear(&self) {
        self.entries.write().clear();
    }

    pub(crate) fn of(&self, pod: &Value, container: &Value) -> Option<Answer> {
        let entries = self.entries.read();
        let held = entries.iter().rev().find(|(containers, _)| containers.hold(pod, container));
        held.map(|(_, answer)| answer.clone())
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.read().len()
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").field("entries", &self.len()).finish()
    }
}

/// A command that every container knows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// It does this, whatever its input.
    Done(Executed),
    /// It prints its input.
    Cat,
}

/// The commands that every container knows: `cat` without arguments, `echo`, `env`, `false`, `hostname` and `true`.
/// There is no shell.
pub(crate) fn known(pod: &Value, container: &Value, arguments: &[String]) -> Option<Known> {
    let (program, rest) = arguments.split_first()?;
    let name = program.strip_prefix("/bin/").or_else(|| program.strip_prefix("/usr/bin/")).unwrap_or(program);
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    let done = match (name, &*rest) {
        ("cat", []) => return Some(Known::Cat),
        ("echo", ["-n", words @ ..]) => Executed::printing(words.join(" ")),
        ("echo", words) => Executed::printing(format!("{}\n", words.join(" "))),
        ("env", []) => Executed::printing(environment(pod, container)),
        ("false", _) => Executed::failing(1, ""),
        ("hostname", []) => Executed::printing(format!("{}\n", hostname(pod))),
        ("true", _) => Executed::default(),
        _ => return None,
    };
    Some(Known::Done(done))
}

/// What the specification of a container says, and what every container has.
fn environment(pod: &Value, container: &Value) -> String {
    let mut lines = vec![
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
        format!("HOSTNAME={}", hostname(pod)),
    ];
    lines.extend(
        list(container, "/env")
            .iter()
            .filter(|variable| variable.get("valueFrom").is_none())
            .map(|variable| format!("{}={}", text(variable, "/name"), text(variable, "/value"))),
    );
    lines.push("HOME=/root".to_owned());
    lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
}

fn hostname(pod: &Value) -> &str {
    match text(pod, "/spec/hostname") {
        "" => object::name(pod),
        hostname => hostname,
    }
}
