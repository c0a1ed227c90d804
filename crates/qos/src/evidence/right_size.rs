//! The size that what was used asks for, and what it saves.

use std::fmt;

use serde::Serialize;

use super::{Recommendation, TaskUsage, recommend_cpu, recommend_memory};
use crate::quantity::Integer;
use crate::{Amounts, Quantity, Resources, Terms, requests};

/// Below this difference, in percent of what stands, nothing else is advised.
const WORTH_IT: u32 = 10;

/// Another size, and what it saves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RightSize {
    /// The limits that are advised.
    pub size: Amounts,
    /// What these request under the terms of the grade.
    pub requests: Amounts,
    /// What all replicas request less than now; below zero where they need more.
    pub saving: Resources,
    /// How it came about, for people.
    pub because: String,
}

/// The size that the use of an application's pods asks for; none without evidence, or where it is about right.
///
/// A limit is to hold the peaks, so it is the upper bound of the recommendation: whole thousandths of a core and
/// whole Mi, rounded up. The request follows from it as from every limit.
pub fn right_size(
    limit: &Amounts,
    grade: impl fmt::Display,
    terms: &Terms,
    replicas: u32,
    cpu: &[TaskUsage],
    memory: &[TaskUsage],
) -> Option<RightSize> {
    let (cpu, memory) = (recommend_cpu(cpu)?, recommend_memory(memory)?);
    let mebibyte = Quantity::from_mebibytes(1);
    let fitting = Amounts {
        cpu: Quantity::from_millis(cpu.upper),
        memory: Quantity::from_bytes(memory.upper).round_up_to(&mebibyte),
    };
    let size = Amounts {
        cpu: if differs(&limit.cpu, &fitting.cpu) { fitting.cpu } else { limit.cpu.clone() },
        memory: if differs(&limit.memory, &fitting.memory) { fitting.memory } else { limit.memory.clone() },
    };
    if size == *limit {
        return None;
    }
    let (now, then) = (requests(limit, &grade, terms).amounts(), requests(&size, &grade, terms).amounts());
    let saved = |now: &Quantity, then: &Quantity| {
        let each = now - then;
        let all = each.integer().times(&Integer::from(i128::from(replicas)));
        Quantity::from_nanos(all, each.format())
    };
    let saving =
        Resources::from([("cpu", saved(&now.cpu, &then.cpu)), ("memory", saved(&now.memory, &then.memory))]);
    let because = in_words(&size, limit, cpu, memory);
    Some(RightSize { size, requests: then, saving, because })
}

/// Whether the difference is worth a change.
fn differs(now: &Quantity, then: &Quantity) -> bool {
    let difference = if now > then { now - then } else { then - now };
    difference.nanos() * 100_u32 > now.nanos() * WORTH_IT
}

fn in_words(size: &Amounts, limit: &Amounts, cpu: Recommendation, memory: Recommendation) -> String {
    let change = |what: &str, now: &Quantity, then: &Quantity, target: &Quantity| {
        if now == then {
            return format!("{what} {now} is about right");
        }
        format!("{what} {now} → {then}, which holds 95 % of what was seen (90 %: {target}) with a margin")
    };
    let cpu = change("cpu", &limit.cpu, &size.cpu, &Quantity::from_millis(cpu.target));
    let memory = change("memory", &limit.memory, &size.memory, &Quantity::from_bytes(memory.target));
    format!("{cpu}; {memory}")
}
