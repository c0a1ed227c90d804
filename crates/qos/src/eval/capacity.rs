//! Capacity: how many more fit, and what does not come back.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Answer, read};
use crate::{
    Cluster, Detail, FitRequest, Ledgers, LossRequest, Lost, WantedRequest, fit as how_many, lose as what_if,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fit {
    #[expect(dead_code, reason = "read by the caller, and named here so that other fields are refused")]
    op: IgnoredAny,
    clusters: Vec<Cluster>,
    want: WantedRequest,
    #[serde(default)]
    ledgers: Ledgers,
    #[serde(default)]
    detail: Detail,
}

pub(super) fn fit(request: &[u8]) -> Answer {
    let Fit { op: _, clusters, want, ledgers, detail } = read(request)?;
    let answer = how_many(FitRequest { clusters, want, ledgers, detail });
    fields_of(&answer.map_err(|error| error.to_string())?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Loss {
    #[expect(dead_code, reason = "read by the caller, and named here so that other fields are refused")]
    op: IgnoredAny,
    clusters: Vec<Cluster>,
    lose: Lost,
    #[serde(default)]
    ledgers: Ledgers,
}

pub(super) fn lose(request: &[u8]) -> Answer {
    let Loss { op: _, clusters, lose, ledgers } = read(request)?;
    let answer = what_if(LossRequest { clusters, lose, ledgers });
    fields_of(&answer.map_err(|error| error.to_string())?)
}

fn fields_of(answer: &impl Serialize) -> Answer {
    match serde_json::to_value(answer) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err("the answer is no object".to_owned()),
        // A count beyond 2^64 - 1: nodes that claim more pod slots than anyone can run.
        Err(error) => Err(format!("the answer cannot be written: {error}")),
    }
}
