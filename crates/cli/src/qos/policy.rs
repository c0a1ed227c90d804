//! The grades of an installation.

use std::path::Path;
use std::process::ExitCode;

use plimsoll_api_rest::dto::Violation;
use plimsoll_core::document::read_policy;
use plimsoll_qos::Policy;
use serde_json::{Value, json};

use super::answer::{amounts, ask, items, show, text};
use super::arguments::{Policies, PolicyFile};
use crate::arguments::Format;
use crate::command::policy as of_installation;
use crate::failure::Failure;
use crate::output::{Table, sold};

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
                sold(&field("cpu")),
                sold(&field("memory")),
                field("priority"),
                text(&class["name"]),
            ]);
        }
        let range = &answer["limitRange"];
        format!(
            "{table}\n\nA namespace's LimitRange fills in {} as limit and {} as request, and lets through limits of \
             at most so many times the request: cpu {}, memory {}.",
            amounts(&range["default"]),
            amounts(&range["defaultRequest"]),
            times(&range["maxLimitRequestRatio"]["cpu"]),
            times(&range["maxLimitRequestRatio"]["memory"])
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

/// A ratio that Kubernetes writes as a quantity, as people do: `1.5`, not `1500m`.
fn times(ratio: &Value) -> String {
    let written = text(ratio);
    let Some(millis) = written.strip_suffix('m').and_then(|millis| millis.parse::<u64>().ok()) else {
        return written;
    };
    format!("{}.{}", millis / 1000, format!("{:03}", millis % 1000).trim_end_matches('0'))
}

impl PolicyFile {
    /// The grades that it names; Plimsoll's own without a file.
    pub(super) fn policy(&self) -> Result<Policy, Failure> {
        open(self.policy.as_deref())
    }
}

/// The grades of a file as `policy set` takes them, read by the same rules as the server reads them.
fn open(path: Option<&Path>) -> Result<Policy, Failure> {
    let Some(path) = path else { return Ok(Policy::default()) };
    let source = of_installation::open(path.to_owned())?;
    read_policy(&of_installation::grades(source.value())).map_err(|faults| {
        let count = match faults.len() {
            1 => "1 fault".to_owned(),
            count => format!("{count} faults"),
        };
        let faults: Vec<_> = faults.into_iter().map(Violation::from).collect();
        Failure::faults(&format!("the policy has {count}"), &faults, &source)
    })
}
