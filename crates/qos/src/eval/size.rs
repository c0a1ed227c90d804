//! Sizes: the requests that follow from a limit and a grade.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use super::{Answer, fields, read, text};
use crate::{Amounts, Grade, GradeRule, Policy, QosClass, Quantity, Resource, Terms, UnknownGrade, requests};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked<'a> {
    #[expect(dead_code, reason = "read by the caller, and named here so that other fields are refused")]
    op: IgnoredAny,
    #[serde(borrow)]
    grade: Cow<'a, str>,
    #[serde(borrow)]
    cpu: Cow<'a, str>,
    #[serde(borrow)]
    memory: Cow<'a, str>,
    terms: Option<Terms>,
    policy: Option<Policy>,
}

pub(super) fn size(request: &[u8]) -> Answer {
    let Asked { op: _, grade, cpu, memory, terms, policy } = read(request)?;
    let stands_for = terms_of(&grade, policy.as_ref())?;
    let strictly =
        |text: &str, resource| Quantity::parse_strict(text, resource).map_err(|error| error.to_string());
    let limit = Amounts { cpu: strictly(&cpu, Resource::Cpu)?, memory: strictly(&memory, Resource::Memory)? };
    let asked = requests(&limit, &grade, &terms.unwrap_or(stands_for));
    let guaranteed = asked.amounts() == limit;
    Ok(fields([
        ("cpuRequest", text(&asked.cpu.value)),
        ("memoryRequest", text(&asked.memory.value)),
        ("class", text(&if guaranteed { QosClass::Guaranteed } else { QosClass::Burstable })),
        ("because", json!({"cpu": asked.cpu.because, "memory": asked.memory.because})),
    ]))
}

fn terms_of(grade: &str, policy: Option<&Policy>) -> Result<Terms, String> {
    match policy {
        Some(policy) => policy.named(grade).map(GradeRule::terms).map_err(|error| error.to_string()),
        // A million lines without a policy build none.
        None => grade.parse().map(Grade::terms).map_err(|error: UnknownGrade| error.to_string()),
    }
}
