//! What the scheduler looks at and a count does not: said with every answer that it could make wrong.

use serde::Serialize;

use super::RunningPod;
use super::wanted::requires_others;
use crate::Pod;

/// Something of the pods that the scheduler looks at and that is not counted here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Uncounted {
    /// The field of the pod, or of the objects that it stands in.
    pub field: String,
    /// How many of the pods have it, where there are several kinds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pods: Option<usize>,
    /// What is not known of it, and what that may change.
    pub because: String,
}

impl Uncounted {
    pub(crate) fn new(field: &str, because: impl Into<String>) -> Self {
        Self { field: field.to_owned(), pods: None, because: because.into() }
    }
}

/// Whether the pods are looked at before an API server has stored them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// They may lack what admission adds.
    Wanted,
    /// They have everything.
    Stored,
}

/// What of this pod is not counted; what is refused as a whole is not among it.
pub(crate) fn uncounted(pod: &Pod, stage: Stage) -> Vec<Uncounted> {
    let mut found = Vec::new();
    if let Some(volume) = pod.volumes.iter().find(|volume| volume.is_scheduled()) {
        let (name, source) = (&volume.name, &volume.source);
        found.push(Uncounted::new(
            "volumes",
            format!(
                "volume `{name}` is of {source}: which nodes reach its storage, and how many volumes they attach, is not \
                 known here, so fewer may fit"
            ),
        ));
    }
    if let Some(claim) = pod.resource_claims.first() {
        let name = &claim.name;
        found.push(Uncounted::new(
            "resourceClaims",
            format!("which nodes have devices for the claim `{name}` is not known here, so fewer may fit"),
        ));
    }
    if let Some(gate) = pod.scheduling_gates.first() {
        let name = &gate.name;
        found.push(Uncounted::new(
            "schedulingGates",
            format!("none is placed at all before the gate `{name}` is taken away"),
        ));
    }
    if let Some(group) = &pod.scheduling_group {
        let name = &group.pod_group_name;
        found.push(Uncounted::new(
            "schedulingGroup",
            format!("pods of the group `{name}` are placed together or not at all, so fewer may fit"),
        ));
    }
    if let Some(name) = pod.scheduler_name.as_deref().filter(|name| !["", "default-scheduler"].contains(name))
    {
        found.push(Uncounted::new(
            "schedulerName",
            format!("`{name}` places such pods, by rules of its own that are not known here"),
        ));
    }
    let compares = |operator: &str| ["Lt", "Gt"].contains(&operator);
    if let Some(toleration) = pod.tolerations.iter().find(|toleration| compares(&toleration.operator)) {
        let (key, operator) = (&toleration.key, &toleration.operator);
        found.push(Uncounted::new(
            "tolerations",
            format!("the toleration of `{key}` by {operator} counts as tolerating nothing, so more may fit"),
        ));
    }
    if let (Stage::Wanted, Some(name), true) = (stage, &pod.runtime_class_name, pod.overhead.is_empty()) {
        found.push(Uncounted::new(
            "runtimeClassName",
            format!(
                "what the RuntimeClass `{name}` adds to a pod (overhead, node selector, tolerations) counts only where it \
                 stands in the pod"
            ),
        ));
    }
    found
}

/// The same over several pods, each field once, with the number of pods that have it and the name of the first.
pub(crate) fn of_several<'a>(pods: impl Iterator<Item = &'a RunningPod>) -> Vec<Uncounted> {
    let mut all: Vec<Uncounted> = Vec::new();
    for pod in pods.filter(|pod| requires_others(&pod.spec).is_none()) {
        for mut one in uncounted(&pod.spec, Stage::Stored) {
            if let Some(known) = all.iter_mut().find(|known| known.field == one.field) {
                known.pods = known.pods.map(|pods| pods + 1);
            } else {
                one.because = format!("{}: {}", pod.full_name(), one.because);
                one.pods = Some(1);
                all.push(one);
            }
        }
    }
    all
}

/// What is not counted as the end of a sentence; empty where all is.
pub(crate) fn in_words(uncounted: &[Uncounted]) -> String {
    let named = uncounted.iter().map(|Uncounted { field, pods, because: _ }| match pods {
        Some(1) => format!("{field} (1 pod)"),
        Some(pods) => format!("{field} ({pods} pods)"),
        None => field.clone(),
    });
    let named: Vec<_> = named.collect();
    if named.is_empty() { String::new() } else { format!("; not counted: {}", named.join(", ")) }
}
