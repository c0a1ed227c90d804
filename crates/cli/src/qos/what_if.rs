//! What does not come back.

use std::fmt::Write as _;
use std::process::ExitCode;

use plimsoll_qos::{LossRequest, Lost, Preempt, lose};
use serde_json::Value;

use super::answer::{amounts, answered, items, roughly, show, text, unsure};
use super::arguments::WhatIf;
use super::unless;
use crate::arguments::Format;
use crate::failure::Failure;
use crate::output::{Table, clean};

/// So many missing pods are named in a table; a wide one, JSON and YAML name all.
const NAMED: usize = 20;

pub(super) fn run(format: Format, arguments: WhatIf) -> Result<ExitCode, Failure> {
    let WhatIf { fleet, lose: data_centers, lose_cluster: clusters, lose_node: nodes, preempt } = arguments;
    let preempt = if preempt { Preempt::LowerPriority } else { Preempt::Nobody };
    let lost = Lost { data_centers, clusters, nodes };
    let (clusters, ledgers) = fleet.read()?;
    let answer = lose(LossRequest { clusters, lose: lost, ledgers, preempt })
        .map_err(|error| Failure::usage(error.to_string()))?;
    let all_return = answer.all_return();
    let answer = answered(&answer)?;
    show(format, &answer, || told(&answer, if format == Format::Wide { usize::MAX } else { NAMED }))?;
    Ok(unless(!all_return))
}

/// Who makes way, and what does not come back even so.
fn pushed_aside(preemption: &Value, most: usize) -> String {
    let mut said = format!("{}\n", clean(&text(&preemption["because"])));
    let mut pushed = Table::new(&["PUSHED ASIDE", "FROM", "PRIORITY", "FOR", "GOES TO"]);
    let all = items(&preemption["pushedAside"]);
    for pod in all.iter().take(most) {
        let field = |name: &str| text(&pod[name]);
        let goes_to = if pod["goesTo"].is_null() { field("because") } else { field("goesTo") };
        let budget = match &pod["breaksBudget"] {
            Value::Null => String::new(),
            budget => format!(", against {}", text(budget)),
        };
        pushed.push([
            format!("{}/{}", field("namespace"), field("name")),
            format!("{}/{}", field("cluster"), field("node")),
            field("priority"),
            format!("{}{budget}", field("makesWayFor")),
            goes_to,
        ]);
    }
    // Writing to a String cannot fail.
    if !pushed.is_empty() {
        let _ = write!(said, "{pushed}");
    }
    if let Some(more) = all.len().checked_sub(most).filter(|more| *more > 0) {
        let _ = write!(said, "\n… and {more} more; -o wide names them all");
    }
    said
}

fn told(answer: &Value, most: usize) -> String {
    unsure(answer);
    let mut said = format!("{}\n", clean(&text(&answer["because"])));
    // Writing to a String cannot fail.
    let lines = [
        ("short:", amounts(&answer["short"])),
        ("free:", roughly(&answer["freeBefore"])),
        ("left:", roughly(&answer["freeAfter"])),
    ];
    for (head, amounts) in lines {
        if !amounts.is_empty() {
            let _ = writeln!(said, "{head:<8} {}", clean(&amounts));
        }
    }
    let mut tiers = Table::new(&["PRIORITY", "CLASS", "DISPLACED", "RETURN", "AT MOST, WITH HIGHER"]);
    for tier in items(&answer["tiers"]) {
        let fields = ["priority", "priorityClass", "displaced", "returns", "boundWithHigher"];
        tiers.push(fields.map(|field| text(&tier[field])));
    }
    if !tiers.is_empty() {
        let _ = write!(said, "\n{tiers}");
    }
    let all = items(&answer["missing"]);
    let mut missing = Table::new(&["MISSING", "FROM", "PRIORITY", "BECAUSE"]);
    for pod in all.iter().take(most) {
        let field = |name: &str| text(&pod[name]);
        let name = format!("{}/{}", field("namespace"), field("name"));
        missing.push([name, field("cluster"), field("priority"), field("because")]);
    }
    if !missing.is_empty() {
        let _ = write!(said, "\n\n{missing}");
    }
    if let Some(more) = all.len().checked_sub(most).filter(|more| *more > 0) {
        let _ = write!(said, "\n… and {more} more; -o wide names them all");
    }
    if answer["preemption"].is_object() {
        let _ = write!(said, "\n\n{}", pushed_aside(&answer["preemption"], most));
    }
    said.trim_end().to_owned()
}
