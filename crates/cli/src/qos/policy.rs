//! The grades of an installation.

use std::process::ExitCode;

use plimsoll_qos::Policy;
use serde_json::{Value, json};

use super::answer::{amounts, ask, items, show, text};
use super::arguments::{Policies, PolicyFile};
use super::input::Input;
use crate::arguments::Format;
use crate::failure::Failure;
use crate::output::Table;

pub(super) fn run(format: Format, arguments: &Policies) -> Result<ExitCode, Failure> {
    let policy = open(arguments.file.as_deref())?;
    let answer = ask(&json!({"op": "policy", "policy": policy}))?;
    show(format, &answer, || {
        let mut table = Table::new(&["GRADE", "CLASS", "CPU", "MEMORY", "PRIORITY", "PRIORITY CLASS"]);
        let classes = items(&answer["priorityClasses"]);
        for (grade, class) in items(&answer["grades"]).iter().zip(classes) {
            let field = |name: &str| text(&grade[name]);
            table.push([
                field("name"),
                field("qosClass"),
                format!("sold {} times", field("cpu")),
                format!("sold {} times", field("memory")),
                field("priority"),
                text(&class["name"]),
            ]);
        }
        let range = &answer["limitRange"];
        format!(
            "{table}\n\nA namespace's LimitRange fills in {} as limit and {} as request, and lets through limits of \
             at most so many times the request: {}.",
            amounts(&range["default"]),
            amounts(&range["defaultRequest"]),
            amounts(&range["maxLimitRequestRatio"])
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

impl PolicyFile {
    /// The grades that it names; Plimsoll's own without a file.
    pub(super) fn policy(&self) -> Result<Policy, Failure> {
        open(self.policy.as_deref())
    }
}

fn open(path: Option<&std::path::Path>) -> Result<Policy, Failure> {
    let Some(path) = path else { return Ok(Policy::default()) };
    let input = Input::open(path)?;
    let mut value: Value = input.one()?;
    // What `qos policy -o json` prints is read too: beside the grades it has what follows from them.
    if value["ok"] == true {
        value = json!({"grades": value["grades"].take()});
    }
    serde_json::from_value(value).map_err(|error| {
        let failure = Failure::usage(format!("{} is no policy", input.name()));
        error.to_string().lines().fold(failure, Failure::with)
    })
}
