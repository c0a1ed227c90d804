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
    hope: Hope,
    /// What else failed beside it.
    others: Vec<Failure>,
}

/// Whether trying again may help by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hope {
    /// The same would come of it.
    None,
    /// Nobody was reached. It helps to try again where somebody was before.
    Unreached,
    /// Somebody was reached who could not serve now.
    Reached,
}

/// Something did not work, which has no code of its own.
pub(crate) const FAILED: u8 = 1;
/// The request has faults.
pub(crate) const USAGE: u8 = 2;
/// The server goes on.
pub(crate) const TIMED_OUT: u8 = 8;
/// The user ended it.
pub(crate) const INTERRUPTED: u8 = 130;

/// Which exit code tells most where several things failed in different ways.
const WORST_FIRST: [u8; 8] = [INTERRUPTED, FAILED, 4, USAGE, 5, 7, 6, TIMED_OUT];

impl Failure {
    pub(crate) fn new(exit: u8, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), details: Vec::new(), hope: Hope::None, others: Vec::new() }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(USAGE, message)
    }

    /// The same with one more line.
    pub(crate) fn with(mut self, detail: impl Into<String>) -> Self {
        self.details.push(detail.into());
        self
    }

    /// The same with what it is about before it, where several things are done at once.
    pub(crate) fn about(mut self, what: &str) -> Self {
        if !self.message.starts_with(what) {
            self.message = format!("{what}: {}", self.message);
        }
        self
    }

    /// What the server said; where a fault stands in `source`, it is told by line and column.
    pub(crate) fn problem(problem: Problem, source: Option<&Source>) -> Self {
        let kind = kind(&problem);
        let exit = kind.map_or(FAILED, Kind::exit);
        let Problem { detail, reason, violations, .. } = problem;
        let message = match source {
            Some(source) if kind.is_some_and(is_about_the_request) => {
                format!("{}: {detail}", subject(source, &reason))
            }
            _ => detail,
        };
        let details = placed(&violations, source);
        let hope = if kind == Some(Kind::Unavailable) { Hope::Reached } else { Hope::None };
        Self { exit, message, details, hope, others: Vec::new() }
    }

    /// The faults of a document that was not sent.
    pub(crate) fn faults(message: &str, violations: &[Violation], source: &Source) -> Self {
        let message = format!("{}: {message}", source.title());
        let details = placed(violations, Some(source));
        Self { exit: USAGE, message, details, hope: Hope::None, others: Vec::new() }
    }

    /// Writes it to standard error and ends with its code.
    pub(crate) fn report(self) -> ExitCode {
        let exit = self.exit();
        for Self { exit: _, message, details, hope: _, others: _ } in
            std::iter::once(&self).chain(&self.others)
        {
            eprintln!("error: {}", clean(message));
            for detail in details {
                eprintln!("  {}", clean(detail));
            }
        }
        ExitCode::from(exit)
    }

    /// All of them as one, if there is any: each is told, and the worst decides the exit code.
    pub(crate) fn of_all(failures: Vec<Self>) -> Result<(), Self> {
        let mut failures = failures.into_iter();
        match failures.next() {
            None => Ok(()),
            Some(first) => Err(Self { others: failures.collect(), ..first }),
        }
    }

    /// The same as one that may pass by itself: whoever has time may try again.
    pub(crate) fn passing(mut self, hope: Hope) -> Self {
        self.hope = hope;
        self
    }

    pub(crate) fn hope(&self) -> Hope {
        self.hope
    }

    /// What it says, line by line.
    #[cfg(test)]
    pub(crate) fn lines(&self) -> Vec<String> {
        std::iter::once(&self.message).chain(&self.details).map(|line| clean(line)).collect()
    }

    /// The exit code: the worst, where several failed.
    pub(crate) fn exit(&self) -> u8 {
        let codes: Vec<u8> = std::iter::once(self.exit).chain(self.others.iter().map(Self::exit)).collect();
        WORST_FIRST.into_iter().find(|code| codes.contains(code)).unwrap_or(self.exit)
    }
}

/// As it says; by the status, where an older or another server says none.
fn kind(problem: &Problem) -> Option<Kind> {
    let named = Kind::ALL.into_iter().find(|kind| format!("{kind:?}") == problem.kind);
    named.or_else(|| Kind::ALL.into_iter().find(|kind| kind.http() == problem.status))
}

/// Whether it is what was sent that keeps the server from doing it: then its file is named.
fn is_about_the_request(kind: Kind) -> bool {
    match kind {
        Kind::Invalid
        | Kind::PermissionDenied
        | Kind::NotFound
        | Kind::AlreadyExists
        | Kind::Conflict
        | Kind::Refused
        | Kind::ResourceExhausted => true,
        Kind::Unauthenticated
        | Kind::Unavailable
        | Kind::DeadlineExceeded
        | Kind::Unimplemented
        | Kind::Cancelled
        | Kind::Internal => false,
    }
}

/// The file, and the line that the server speaks of where it speaks of one without saying so.
fn subject(source: &Source, reason: &str) -> String {
    match source.place("metadata.namespace") {
        Some(place) if reason == "NAMESPACE_NOT_FOUND" && source.names_its_namespace() => place.to_string(),
        _ => source.title(),
    }
}

/// The faults in the order in which they stand in the file, then the broken rules likewise; what stands nowhere
/// comes first.
fn placed(violations: &[Violation], source: Option<&Source>) -> Vec<String> {
    let mut violations: Vec<_> = violations.iter().collect();
    if let Some(source) = source {
        violations.sort_by_key(|violation| {
            (violation.rule.is_some(), source.place(&violation.path).map(|place| place.position()))
        });
    }
    violations.into_iter().map(|violation| place(violation, source)).collect()
}

/// `shop.yaml:7:3: spec.image: has no digest — name the digest`.
fn place(violation: &Violation, source: Option<&Source>) -> String {
    let Violation { path, message, remedy, rule: _ } = violation;
    let mut parts: Vec<&dyn Display> = Vec::new();
    let name = source.map(Source::name);
    let at = source.and_then(|source| source.place(path));
    if let Some(at) = &at {
        parts.push(at);
    } else if let Some(name) = &name {
        parts.push(name);
    }
    if !path.is_empty() {
        parts.push(path);
    }
    parts.push(message);
    let said = parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(": ");
    if remedy.is_empty() { said } else { format!("{said} — {remedy}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mk_problem(kind: &str, status: u16) -> Problem {
        Problem {
            type_: "urn:plimsoll:error:REASON".to_owned(),
            title: "Reason".to_owned(),
            status,
            detail: "why".to_owned(),
            kind: kind.to_owned(),
            reason: "REASON".to_owned(),
            metadata: std::collections::BTreeMap::new(),
            trace_id: String::new(),
            violations: Vec::new(),
        }
    }

    #[test]
    fn every_kind_ends_with_its_own_code() {
        for kind in Kind::ALL {
            let problem = mk_problem(&format!("{kind:?}"), kind.http());
            let failure = Failure::problem(problem, None);
            assert_eq!(failure.exit(), kind.exit(), "{kind:?}");
            assert_eq!(failure.hope() == Hope::Reached, kind == Kind::Unavailable, "{kind:?}");
        }
    }

    #[test]
    fn of_several_failures_the_worst_decides_and_each_code_has_its_rank() {
        let code = |codes: &[u8]| {
            let failures = codes.iter().map(|code| Failure::new(*code, "why")).collect();
            Failure::of_all(failures).err().map(|failure| failure.exit())
        };
        assert_eq!(code(&[]), None);
        assert_eq!(code(&[6, 2, 8]), Some(2));
        assert_eq!(code(&[8, 1, 130]), Some(130));
        for kind in Kind::ALL {
            assert!(WORST_FIRST.contains(&kind.exit()), "{kind:?}");
        }
    }

    #[test]
    fn a_kind_that_is_not_known_is_told_by_its_status() {
        for (status, code) in [(412, 6), (404, 5), (403, 4), (422, 2), (418, FAILED)] {
            assert_eq!(Failure::problem(mk_problem("Newer", status), None).exit(), code, "{status}");
        }
    }
}
