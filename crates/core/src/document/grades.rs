//! The grades that an installation sets, as people write them.
//!
//! The form is that of [`Policy`] in JSON; `docs/oversell.md` says what may stand in it. All faults are told at once:
//! those of the fields, and those of the grades together, as far as they could be read. The rules, and what a ratio or a
//! name may be, are those of `plimsoll-qos`.

use plimsoll_qos::{GradeDraft, GradeName, GradeRule, Policy, QosClass, Ratio};
use serde_json::Value;

use super::reader::{Faults, Node, Object};
use crate::error::Violation;

const FIELDS: &[&str] = &["grades"];
const GRADE_FIELDS: &[&str] = &["name", "qosClass", "cpu", "memory", "priority"];

/// The most of which a policy knows anything; the bounds of each resource are its own.
const MOST: u32 = 100;
/// More grades than this are not even read: a policy bounds them far below.
const MOST_READ: usize = 1000;

const RATIO: &str = "write how many times it may be sold, as 5 or \"3/2\"";

/// Reads grades, or tells everything that is wrong with them.
///
/// # Errors
/// Every fault with its path, and never none.
pub fn read_policy(value: &Value) -> Result<Policy, Vec<Violation>> {
    let faults = Faults::default();
    let drafts = policy(&Node::root(value, &faults));
    let (mut told, _, _) = faults.into_parts();
    if let Some(drafts) = &drafts {
        let together = Policy::faults(drafts);
        told.extend(
            together.iter().map(|fault| Violation::new(fault.field(), fault.message(), fault.remedy())),
        );
    }
    let drafts = drafts.unwrap_or_default().into_iter();
    match drafts.map(GradeRule::try_from).collect::<Result<Vec<_>, _>>().map(Policy::new) {
        Ok(Ok(policy)) if told.is_empty() => Ok(policy),
        _ => Err(told),
    }
}

fn policy(root: &Node<'_>) -> Option<Vec<GradeDraft>> {
    root.object(FIELDS)?.required("grades", |node| node.list(0..=MOST_READ, |node| Some(draft(&node))))
}

fn draft(node: &Node<'_>) -> GradeDraft {
    let Some(rule) = node.object(GRADE_FIELDS) else { return GradeDraft::default() };
    let name = rule.required("name", |node| {
        let remedy =
            "write lower-case letters, digits and dashes, a letter first and no dash last, at most 40";
        node.parsed(|text| text.parse::<GradeName>().map_err(|_| "this cannot name a grade"), remedy)
    });
    let qos_class = rule.required("qosClass", |node| {
        node.one_of(&[
            ("Guaranteed", QosClass::Guaranteed),
            ("Burstable", QosClass::Burstable),
            // Refused by its own rule, which says why.
            ("BestEffort", QosClass::BestEffort),
        ])
    });
    let cpu = ratio(&rule, "cpu");
    let memory = ratio(&rule, "memory");
    let priority = rule.required("priority", |node| node.whole(0..=i32::MAX.unsigned_abs()));
    let priority = priority.and_then(|priority| i32::try_from(priority).ok());
    GradeDraft { name, qos_class, cpu, memory, priority }
}

/// A ratio is a text, for a half has no other exact form; a whole number is taken as one.
fn ratio(rule: &Object<'_>, field: &str) -> Option<Ratio> {
    rule.required(field, |node| {
        if node.is_number() {
            let whole = node.whole_or(1..=MOST, RATIO.to_owned())?;
            return Ratio::new(whole, 1).ok();
        }
        node.parsed(str::parse::<Ratio>, RATIO)
    })
}
