//! Why the program ends other than well: one clear line, what belongs to it, and the exit code.

use std::fmt::Display;
use std::process::ExitCode;

use plimsoll_api_rest::dto::{Problem, Violation};
use plimsoll_core::error::Kind;

use crate::document::Source;
use crate::output::clean;

/// Why the program ends other than well.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: u8,
    message: String,
    details: Vec<String>,
}

/// Something did not work, which has no code of its own.
pub(crate) const FAILED: u8 = 1;
/// The request has faults.
pub(crate) const USAGE: u8 = 2;
/// The server goes on.
pub(crate) const TIMED_OUT: u8 = 8;
/// The user ended it.
pub(crate) const INTERRUPTED: u8 = 130;

impl Failure {
    pub(crate) fn new(exit: u8, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), details: Vec::new() }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(USAGE, message)
    }

    /// The same with one more line.
    pub(crate) fn with(mut self, detail: impl Into<String>) -> Self {
        self.details.push(detail.into());
        self
    }

    /// What the server said; where a fault stands in `source`, it is told by line and column.
    pub(crate) fn problem(problem: Problem, source: Option<&Source>) -> Self {
        let exit = exit(&problem);
        let Problem { detail, violations, .. } = problem;
        let details = violations.iter().map(|violation| place(violation, source)).collect();
        Self { exit, message: detail, details }
    }

    /// The faults of a document that was not sent.
    pub(crate) fn faults(message: impl Into<String>, violations: &[Violation], source: &Source) -> Self {
        let details = violations.iter().map(|violation| place(violation, Some(source))).collect();
        Self { exit: USAGE, message: message.into(), details }
    }

    /// Writes it to standard error and ends with its code.
    pub(crate) fn report(self) -> ExitCode {
        let Self { exit, message, details } = self;
        eprintln!("error: {}", clean(&message));
        for detail in details {
            eprintln!("  {}", clean(&detail));
        }
        ExitCode::from(exit)
    }

    pub(crate) fn exit(&self) -> u8 {
        self.exit
    }
}

/// By the kind; by the status, where an older or another server tells none.
fn exit(problem: &Problem) -> u8 {
    if let Some(kind) = Kind::ALL.into_iter().find(|kind| format!("{kind:?}") == problem.kind) {
        return kind.exit();
    }
    let kind = Kind::ALL.into_iter().find(|kind| kind.http() == problem.status);
    kind.map_or(FAILED, Kind::exit)
}

/// `shop.yaml:7:3: spec.image: has no digest — name the digest`.
fn place(violation: &Violation, source: Option<&Source>) -> String {
    let Violation { path, message, remedy } = violation;
    let mut parts: Vec<&dyn Display> = Vec::new();
    let at = source.and_then(|source| source.place(path));
    if let Some(at) = &at {
        parts.push(at);
    }
    if !path.is_empty() {
        parts.push(path);
    }
    parts.push(message);
    let said = parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(": ");
    if remedy.is_empty() { said } else { format!("{said} — {remedy}") }
}
