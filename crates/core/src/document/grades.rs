//! The grades that an installation sets, as people write them.
//!
//! The form is that of [`Policy`] in JSON; `docs/oversell.md` says what may stand in it. All faults are told at once:
//! those of the fields, and, where all could be read, those of the grades together.

use plimsoll_qos::{GradeName, GradeRule, Policy, PolicyError, QosClass, Ratio};
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
    let rules = policy(&Node::root(value, &faults));
    let (told, _, _) = faults.into_parts();
    match rules {
        Some(rules) if told.is_empty() => Policy::new(rules).map_err(|PolicyError(faults)| {
            let told = |fault: &plimsoll_qos::PolicyFault| {
                Violation::new(fault.field(), fault.message(), fault.remedy())
            };
            faults.iter().map(told).collect()
        }),
        _ => Err(told),
    }
}

fn policy(root: &Node<'_>) -> Option<Vec<GradeRule>> {
    root.object(FIELDS)?.required("grades", |node| node.list(0..=MOST_READ, |node| rule(&node)))
}

fn rule(node: &Node<'_>) -> Option<GradeRule> {
    let rule = node.object(GRADE_FIELDS)?;
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
    Some(GradeRule {
        name: name?,
        qos_class: qos_class?,
        cpu: cpu?,
        memory: memory?,
        priority: i32::try_from(priority?).ok()?,
    })
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
