//! Quantities.

use std::process::ExitCode;

use serde_json::json;

use super::answer::{listed, raw, show, text};
use super::arguments::{Quantities, ResourceName};
use crate::arguments::Format;
use crate::failure::{Failure, USAGE};
use crate::output::Table;

pub(super) fn run(format: Format, arguments: Quantities) -> Result<ExitCode, Failure> {
    let Quantities { values, strict, resource } = arguments;
    let mut answers = Vec::with_capacity(values.len());
    for value in &values {
        let mut request = json!({"op": "quantity", "value": value, "strict": strict});
        if let Some(resource) = resource {
            request["resource"] = json!(match resource {
                ResourceName::Cpu => "cpu",
                ResourceName::Memory => "memory",
                ResourceName::EphemeralStorage => "ephemeral-storage",
            });
        }
        answers.push(raw(&request)?);
    }
    let all_read = answers.iter().all(|answer| answer["ok"] == true);
    let mut table = Table::new(&["VALUE", "CANONICAL", "FAULT"]);
    for (value, answer) in values.into_iter().zip(&answers) {
        table.push([value, text(&answer["canonical"]), text(&answer["error"])]);
    }
    show(format, &listed(answers), || table.to_string())?;
    Ok(if all_read { ExitCode::SUCCESS } else { ExitCode::from(USAGE) })
}
