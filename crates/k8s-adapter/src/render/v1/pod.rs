//! The pod template.

use plimsoll_core::content::{ApiToken, Content};
use plimsoll_core::digest::Digest;
use serde_json::{Value, json};

use super::config::Config;
use super::container::{Role, container, seconds};
use super::{Input, MAIN, RenderError, volume};
use crate::label;

/// What a Deployment tells the pods of its revisions apart by.
const REVISION: &str = "pod-template-hash";

/// The template, marked with the digest of what it says: so that pods tell what they run, and that nothing
/// but what reaches them restarts them (a changed publish policy, or another data center's overlay, is
/// content too, and is not in here).
pub(super) fn template(input: &Input<'_>, config: &Config) -> Result<Value, RenderError> {
    let mut labels = input.labels();
    labels.insert(label::GRADE.to_owned(), json!(input.content.grade));
    let mut template = json!({"metadata": {}});
    template["metadata"]["labels"] = Value::Object(labels);
    template["spec"] = spec(input, config);
    let digest = Digest::of(&template)?;
    template["metadata"]["labels"][label::CONTENT] = json!(digest.short(32));
    if input.restarts > 0 {
        template["metadata"]["annotations"] = json!({label::RESTARTS: input.restarts.to_string()});
    }
    Ok(template)
}

fn spec(input: &Input<'_>, config: &Config) -> Value {
    let Content { grade, main, init, sidecars, user, shutdown, api_token, .. } = input.content;
    // Steps prepare what the others find: so they go first, and the sidecars after them.
    let steps = init.iter().map(|step| container(input, config, Role::Step, &step.name, &step.inner));
    let beside =
        sidecars.iter().map(|sidecar| container(input, config, Role::Sidecar, &sidecar.name, &sidecar.inner));
    let before: Vec<Value> = steps.chain(beside).collect();
    let mut spec = json!({
        "volumes": volume::volumes(input, config),
        "priorityClassName": grade.priority_class(),
        "terminationGracePeriodSeconds": (seconds(shutdown.drain) + seconds(shutdown.grace)).max(1),
        "automountServiceAccountToken": *api_token == ApiToken::Mounted,
        // They would put the addresses of every Service of the namespace into the environment.
        "enableServiceLinks": false,
        "securityContext": {
            "runAsNonRoot": true,
            "runAsUser": user,
            "runAsGroup": user,
            "fsGroup": user,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        // `hostNetwork`, `hostPID` and `hostIPC` are not said to be false, since the API server stores nothing
        // for that: whoever sets one owns it, and it is taken away.
        "topologySpreadConstraints": [over_servers(input)],
        "affinity": over_zones(input),
    });
    spec["containers"] = Value::Array(vec![container(input, config, Role::Main, MAIN, main)]);
    if !before.is_empty() {
        spec["initContainers"] = Value::Array(before);
    }
    spec
}

/// Evenly, but not at the price of not running: with a server down, the rest takes its pods. Counted per
/// revision, so that the pods which a rollout is about to remove do not push the new ones together.
fn over_servers(input: &Input<'_>) -> Value {
    json!({
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": input.selector()},
        "matchLabelKeys": [REVISION],
    })
}

/// And rather in another zone, where servers say which they are in. Not as a second constraint beside the first: the
/// scheduler gives no points to a server that lacks the label of any of them, so that without zones, as in most
/// private data centers, nothing would be spread at all.
fn over_zones(input: &Input<'_>) -> Value {
    json!({"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{
        "weight": 100,
        "podAffinityTerm": {
            "topologyKey": "topology.kubernetes.io/zone",
            "labelSelector": {"matchLabels": input.selector()},
            "matchLabelKeys": [REVISION],
        },
    }]}})
}
