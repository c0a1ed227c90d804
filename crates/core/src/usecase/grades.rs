//! The grades of the installation: showing them, setting them, and what a Release relied on.
//!
//! A grade that an App's head Release has cannot be taken away: its team would learn of it from its next, perhaps
//! urgent, Release. Others may be; they are *retired*, and their `PriorityClass`es stay, because a rollback is never
//! refused and may bring one back. That is also why it does no harm when an App takes a grade in the moment in which
//! it is retired: the App goes on, and its next Release is refused in so many words.

use std::collections::BTreeMap;

use plimsoll_qos::{GradeName, GradeRule, Policy};
use serde::Serialize;
use serde_json::Value;

use super::accept::ledger_is_current;
use super::reading::from_ledger;
use super::request::{MAX_ROUNDS, too_many_writers};
use super::{Mode, Plimsoll, Write};
use crate::caller::{Caller, Role};
use crate::content::Content;
use crate::digest::Digest;
use crate::document::read_policy;
use crate::error::{Error, Kind, Violation};
use crate::ledger::{self, Committed, Compare, Revision};
use crate::name::AppRef;
use crate::record::{App, Draft, GradePolicy, MOST_RETIRED, Request, RetiredGrade, Stored, decode, key};
use crate::view::{Etag, GradeChange, GradeView, PolicyChange, PolicyView};

/// How many Apps are named where a grade is theirs.
const NAMED: usize = 20;

/// The grades as they were read, to be compared by whoever relied on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grades {
    /// What is stored; none where nobody has set any.
    stored: Option<Stored<GradePolicy>>,
    own: Policy,
}

impl Grades {
    /// The grades that a new Release may have.
    pub(super) fn policy(&self) -> &Policy {
        self.stored.as_ref().map_or(&self.own, |stored| &stored.value.policy)
    }

    /// Those that there were once.
    pub(super) fn retired(&self) -> &[RetiredGrade] {
        self.stored.as_ref().map_or(&[], |stored| &stored.value.retired)
    }

    /// Makes a transaction fail where the grades are not these any more.
    pub(super) fn required(&self) -> Compare {
        match &self.stored {
            Some(stored) => Compare::At(key::GRADES.to_owned(), stored.revision),
            None => Compare::Absent(key::GRADES.to_owned()),
        }
    }

    /// The retired grades once `next` holds: those that it leaves out, and those of before that it does not take back.
    fn retired_by(&self, next: &Policy) -> Vec<RetiredGrade> {
        let gone = |name: &GradeName| next.grade(name.as_str()).is_none();
        let leaving = self.policy().grades().iter().filter(|rule| gone(&rule.name));
        let leaving = leaving.map(|rule| RetiredGrade { name: rule.name.clone(), priority: rule.priority });
        leaving.chain(self.retired().iter().filter(|retired| gone(&retired.name)).cloned()).collect()
    }

    /// A sentence where a Release has other terms than its grade stands for now.
    pub(super) fn note(&self, content: &Content) -> Option<String> {
        let Content { grade, terms, .. } = content;
        match self.policy().grade(grade.as_str()) {
            Some(rule) if rule.terms() == *terms => None,
            Some(rule) => Some(format!(
                "{grade} stands for CPU sold {} times and memory {} times now; the next release takes that, this one \
                 keeps {} and {}",
                rule.cpu, rule.memory, terms.cpu, terms.memory
            )),
            None => Some(format!(
                "{grade} is no grade of the installation any more; the next release needs one of {}",
                self.policy().names()
            )),
        }
    }

    fn etag(&self) -> Etag {
        Etag(self.stored.as_ref().map(|stored| stored.revision).unwrap_or_default())
    }

    fn view(&self) -> PolicyView {
        let set = self.stored.as_ref().map(|stored| &stored.value);
        PolicyView {
            etag: self.etag(),
            grades: self.policy().grades().iter().map(view).collect(),
            retired: self.retired().to_vec(),
            by: set.map(|set| set.by.clone()),
            reason: set.and_then(|set| set.reason.clone()),
            changed: set.map(|set| set.changed),
        }
    }
}

/// What a request is remembered by.
#[derive(Serialize)]
struct Setting<'a> {
    verb: &'static str,
    policy: &'a Policy,
}

impl Plimsoll {
    /// The grades of the installation.
    ///
    /// # Errors
    /// `Refused` where it was not named yet.
    pub async fn policy(&self, caller: &Caller) -> Result<PolicyView, Error> {
        caller.require(Role::Viewer)?;
        self.read_installation().await?;
        Ok(self.read_grades().await?.view())
    }

    /// Sets the grades of the installation: those that new Releases may have, the most important first. What was
    /// released stays as it is; the answer names every grade that changes, and the Apps that have it.
    ///
    /// # Errors
    /// `Invalid` with every fault of the grades; `Refused` where a grade is left out that an App has, where a name is
    /// to stand for another priority than it had, and for a request id that was another request's; `Conflict` where
    /// `If-Match` names what is not there any more.
    pub async fn set_policy(
        &self,
        caller: &Caller,
        grades: &Value,
        write: Write,
    ) -> Result<PolicyChange, Error> {
        caller.require(Role::Operator)?;
        let next = admit_policy(grades)?;
        let body = Digest::of(&Setting { verb: "policy set", policy: &next }).map_err(Error::internal)?;
        for _ in 0..MAX_ROUNDS {
            let grades = self.read_grades().await?;
            if self.seen(caller, &write.request_id, body).await?.is_some() {
                return Ok(PolicyChange { policy: grades.view(), changes: Vec::new() });
            }
            self.read_installation().await?;
            ledger_is_current(&self.read_dcs().await?)?;
            check_match(&write, &grades)?;
            let changes = self.changes(grades.policy(), &next).await?;
            let retired = check(&grades, &next, &changes)?;
            let set = GradePolicy {
                policy: next.clone(),
                retired,
                by: caller.name.clone(),
                reason: write.reason.clone(),
                changed: self.clock.now(),
            };
            if write.mode == Mode::Validate {
                let policy =
                    PolicyView { etag: grades.etag(), ..Grades::new(set, Revision::default()).view() };
                return Ok(PolicyChange { policy, changes });
            }
            let request = Request { body, operation: None, notes: Vec::new(), at: self.clock.now() };
            let mut draft = Draft::default();
            draft.requires(grades.required());
            if !changes.is_empty() {
                draft.put(key::GRADES.to_owned(), &set).map_err(Error::internal)?;
            }
            draft.create(key::request(&caller.name, &write.request_id), &request).map_err(Error::internal)?;
            match self.ledger.transact(draft.into()).await {
                Ok(Committed::At(revision)) => {
                    let policy =
                        if changes.is_empty() { grades.view() } else { Grades::new(set, revision).view() };
                    return Ok(PolicyChange { policy, changes });
                }
                // Whether it was committed shows in the request's own record, on the next round.
                Ok(Committed::Lost) | Err(ledger::Error::Unknown(_)) => {}
                Err(error) => return Err(from_ledger(error)),
            }
        }
        Err(too_many_writers("the grades"))
    }

    pub(super) async fn read_grades(&self) -> Result<Grades, Error> {
        Ok(Grades { stored: self.read(key::GRADES).await?, own: Policy::default() })
    }

    /// What differs between two policies, with the Apps whose head has a grade that is no longer the same.
    async fn changes(&self, before: &Policy, after: &Policy) -> Result<Vec<GradeChange>, Error> {
        let mut changes: Vec<GradeChange> = Vec::new();
        for rule in after.grades() {
            let was = before.grade(rule.name.as_str());
            if was != Some(rule) {
                changes.push(change(rule.name.clone(), was, Some(rule)));
            }
        }
        for rule in before.grades().iter().filter(|rule| after.grade(rule.name.as_str()).is_none()) {
            changes.push(change(rule.name.clone(), Some(rule), None));
        }
        if changes.iter().all(|change| change.before.is_none()) {
            return Ok(changes);
        }
        let mut apps = self.apps_by_grade().await?;
        for change in &mut changes {
            let theirs = apps.remove(&change.grade).unwrap_or_default();
            change.count = theirs.len();
            change.apps = theirs.into_iter().take(NAMED).collect();
        }
        Ok(changes)
    }

    /// Every App by the grade of its head.
    async fn apps_by_grade(&self) -> Result<BTreeMap<GradeName, Vec<AppRef>>, Error> {
        let mut apps: BTreeMap<GradeName, Vec<AppRef>> = BTreeMap::new();
        for entry in self.read_all(key::APPS).await? {
            let app: App = decode(&entry).map_err(Error::internal)?.value;
            let content = self.read_content(app.uid, &app.head_content).await?;
            apps.entry(content.grade).or_default().push(app.app);
        }
        Ok(apps)
    }
}

impl Grades {
    fn new(set: GradePolicy, revision: Revision) -> Self {
        Self { stored: Some(Stored { value: set, revision }), own: Policy::default() }
    }
}

/// Reads grades as people write them.
pub(super) fn admit_policy(grades: &Value) -> Result<Policy, Error> {
    read_policy(grades).map_err(|faults| {
        let count = match faults.len() {
            1 => "1 fault".to_owned(),
            count => format!("{count} faults"),
        };
        Error::invalid(format!("the policy has {count}"), faults)
    })
}

/// What cannot be, everything at once; else the grades that are retired then.
fn check(grades: &Grades, next: &Policy, changes: &[GradeChange]) -> Result<Vec<RetiredGrade>, Error> {
    let mut violations = Vec::new();
    for (index, rule) in next.grades().iter().enumerate() {
        let retired = grades.retired().iter().find(|retired| retired.name == rule.name);
        let known = grades.policy().grade(rule.name.as_str()).map(|known| known.priority);
        if let Some(priority) = known.or(retired.map(|retired| retired.priority))
            && priority != rule.priority
        {
            violations.push(Violation::new(
                format!("grades[{index}].priority"),
                format!(
                    "`{}` has the priority {priority}: its PriorityClass {} has it in the data centers, and \
                     Kubernetes changes none",
                    rule.name,
                    rule.priority_class()
                ),
                format!("write {priority}, or give the grade a name that there never was"),
            ));
        }
    }
    for change in changes.iter().filter(|change| change.after.is_none() && change.count > 0) {
        violations.push(Violation::new(
            "grades",
            format!("`{}` is left out and is the grade of {}", change.grade, told(change)),
            "keep it until they have a release of another grade",
        ));
    }
    let retired = grades.retired_by(next);
    if retired.len() > MOST_RETIRED {
        violations.push(Violation::new(
            "grades",
            format!("{} grades would be retired, {MOST_RETIRED} at most", retired.len()),
            "take names back that there were already",
        ));
    }
    if violations.is_empty() {
        return Ok(retired);
    }
    let mut error =
        Error::new(Kind::Refused, "POLICY_REFUSED", "these grades cannot take the place of the present ones");
    error.violations = violations;
    Err(error)
}

/// `2 Apps (demo/shop, demo/till)`.
fn told(change: &GradeChange) -> String {
    let apps: Vec<String> = change.apps.iter().map(ToString::to_string).collect();
    let rest = match change.count.saturating_sub(apps.len()) {
        0 => String::new(),
        rest => format!(" and {rest} more"),
    };
    let noun = if change.count == 1 { "App" } else { "Apps" };
    format!("{} {noun} ({}{rest})", change.count, apps.join(", "))
}

fn check_match(write: &Write, grades: &Grades) -> Result<(), Error> {
    let etag = grades.etag();
    if write.if_match.is_none_or(|expected| expected == etag) {
        return Ok(());
    }
    let who = grades
        .stored
        .as_ref()
        .map_or_else(String::new, |stored| format!(" by {} at {}", stored.value.by, stored.value.changed));
    let message = format!("the grades were changed{who}, after you looked; look again and decide anew");
    Err(Error::new(Kind::Conflict, "POLICY_CHANGED", message).with("etag", etag))
}

fn change(grade: GradeName, before: Option<&GradeRule>, after: Option<&GradeRule>) -> GradeChange {
    GradeChange { grade, before: before.map(view), after: after.map(view), apps: Vec::new(), count: 0 }
}

fn view(rule: &GradeRule) -> GradeView {
    let GradeRule { name, qos_class, cpu, memory, priority } = rule.clone();
    GradeView { priority_class: name.priority_class(), name, qos_class, cpu, memory, priority }
}
