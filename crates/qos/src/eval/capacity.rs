//! Capacity: how many more fit, and what does not come back.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Answer, fields, read};
use crate::evidence::{AdviseRequest, AppUsage, advise as what_to_do};
use crate::{
    CapacityError, Cluster, Detail, FitRequest, Inventory, Ledgers, LossRequest, Lost, Policy, Preempt,
    WantedRequest, fit as how_many, lose as what_if,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fit {
    #[expect(dead_code, reason = "read by the caller, and named here so that other fields are refused")]
    op: IgnoredAny,
    clusters: Vec<Cluster>,
    want: Option<WantedRequest>,
    wants: Option<Vec<WantedRequest>>,
    #[serde(default)]
    ledgers: Ledgers,
    #[serde(default)]
    detail: Detail,
    #[serde(default)]
    policy: Policy,
}

pub(super) fn fit(request: &[u8]) -> Answer {
    let Fit { op: _, clusters, want, wants, ledgers, detail, policy } = read(request)?;
    let text = |error: CapacityError| error.to_string();
    match (want, wants) {
        (Some(want), None) => {
            fields_of(&how_many(FitRequest { clusters, want, ledgers, detail, policy }).map_err(text)?)
        }
        (None, Some(wants)) => {
            let inventory = Inventory::new(clusters, ledgers).map_err(text)?;
            let answer = |want: WantedRequest| {
                let wanted = want.resolve(&policy).map_err(text)?;
                fields_of(&inventory.fit(&wanted).map_err(text)?.answer(detail))
            };
            let answers = wants.into_iter().map(|want| {
                Value::Object(answer(want).unwrap_or_else(|error| fields([("error", error.into())])))
            });
            Ok(fields([("answers", answers.collect())]))
        }
        _ => Err("say either `want` or `wants`".to_owned()),
    }
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
    #[serde(default)]
    preempt: Preempt,
}

pub(super) fn lose(request: &[u8]) -> Answer {
    let Loss { op: _, clusters, lose, ledgers, preempt } = read(request)?;
    let answer = what_if(LossRequest { clusters, lose, ledgers, preempt });
    fields_of(&answer.map_err(|error| error.to_string())?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advise {
    #[expect(dead_code, reason = "read by the caller, and named here so that other fields are refused")]
    op: IgnoredAny,
    now: u64,
    apps: Vec<AppUsage>,
    #[serde(default)]
    policy: Policy,
}

pub(super) fn advise(request: &[u8]) -> Answer {
    let Advise { op: _, now, apps, policy } = read(request)?;
    fields_of(&what_to_do(&AdviseRequest { now, apps, policy }).map_err(|error| error.to_string())?)
}

pub(super) fn fields_of(answer: &impl Serialize) -> Answer {
    match serde_json::to_value(answer) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err("the answer is no object".to_owned()),
        // A count beyond 2^64 - 1: nodes that claim more pod slots than anyone can run.
        Err(error) => Err(format!(
            "the answer cannot be written, for a count in it is beyond 2^64 - 1: nodes claim more than any machine has ({error})"
        )),
    }
}
