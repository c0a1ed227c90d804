//! Sizes: the requests that follow from a limit and a grade.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use super::{Answer, fields, read, text};
use crate::{Amounts, Grade, Quantity, Resource, Terms, requests};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked<'a> {
    #[expect(dead_code, reason = "read by the caller, and named here so that other fields are refused")]
    op: IgnoredAny,
    grade: Grade,
    #[serde(borrow)]
    cpu: Cow<'a, str>,
    #[serde(borrow)]
    memory: Cow<'a, str>,
    terms: Option<Terms>,
}

pub(super) fn size(request: &[u8]) -> Answer {
    let Asked { op: _, grade, cpu, memory, terms } = read(request)?;
    let strictly = |text: &str, resource| {
        Quantity::parse_strict(text, resource).map_err(|error| format!("{resource}: {error}"))
    };
    let limit = Amounts { cpu: strictly(&cpu, Resource::Cpu)?, memory: strictly(&memory, Resource::Memory)? };
    let asked = requests(&limit, grade, &terms.unwrap_or_else(|| grade.terms()));
    let guaranteed = asked.amounts() == limit;
    Ok(fields([
        ("cpuRequest", text(&asked.cpu.value)),
        ("memoryRequest", text(&asked.memory.value)),
        ("class", if guaranteed { "Guaranteed" } else { "Burstable" }.into()),
        ("because", json!({"cpu": asked.cpu.because, "memory": asked.memory.because})),
    ]))
}
