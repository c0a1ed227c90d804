//! Nodes, namespaces and policies: what a node does with a pod, what does not go together, which grades there are.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use super::capacity::fields_of;
use super::{Answer, fields, read};
use crate::lint::{Object, lint as look};
use crate::{
    Candidate, Machine, Pod, Policy, eviction_order as order, limit_range, node_view as view,
    priority_classes,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Viewed {
    #[expect(dead_code, reason = "read by the caller, and named here so that other fields are refused")]
    op: IgnoredAny,
    pod: Pod,
    machine: Machine,
}

pub(super) fn node_view(request: &[u8]) -> Answer {
    let Viewed { op: _, pod, machine } = read(request)?;
    fields_of(&view(&pod, &machine).map_err(|error| error.to_string())?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ranked {
    #[expect(dead_code, reason = "read by the caller, and named here so that other fields are refused")]
    op: IgnoredAny,
    pods: Vec<Candidate>,
}

pub(super) fn eviction_order(request: &[u8]) -> Answer {
    let Ranked { op: _, pods } = read(request)?;
    Ok(fields([("order", json!(order(&pods).map_err(|error| error.to_string())?))]))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Looked {
    #[expect(dead_code, reason = "read by the caller, and named here so that other fields are refused")]
    op: IgnoredAny,
    objects: Vec<Object>,
    #[serde(default)]
    policy: Policy,
}

pub(super) fn lint(request: &[u8]) -> Answer {
    let Looked { op: _, objects, policy } = read(request)?;
    Ok(fields([("findings", json!(look(&objects, &policy)))]))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Checked {
    #[expect(dead_code, reason = "read by the caller, and named here so that other fields are refused")]
    op: IgnoredAny,
    #[serde(default)]
    policy: Policy,
}

pub(super) fn policy(request: &[u8]) -> Answer {
    let Checked { op: _, policy } = read(request)?;
    Ok(fields([
        ("grades", json!(policy.grades())),
        ("priorityClasses", json!(priority_classes(&policy))),
        ("limitRange", json!(limit_range(&policy))),
    ]))
}
