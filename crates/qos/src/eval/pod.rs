//! Pods: class, requests, what is filled in, resizes.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use super::{Answer, fields, read, text};
use crate::{KubernetesVersion, Pod, PodFault, PodStatus, Resources, qos_class_by};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[expect(dead_code, reason = "read by the caller, and named here so that other fields are refused")]
    op: IgnoredAny,
    pod: Pod,
    #[serde(default)]
    server: KubernetesVersion,
    #[serde(default)]
    template: bool,
}

impl Asked {
    fn pod(self) -> (Pod, KubernetesVersion) {
        let pod = if self.template { self.pod.defaulted_by(self.server) } else { self.pod };
        (pod, self.server)
    }
}

pub(super) fn qos_class(request: &[u8]) -> Answer {
    let (pod, server) = read::<Asked>(request)?.pod();
    let classified = qos_class_by(&pod, server);
    let answer = fields([("class", text(&classified.class)), ("because", classified.because.into())]);
    Ok(with_faults(answer, &pod))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Counted {
    #[expect(dead_code, reason = "read by the caller, and named here so that other fields are refused")]
    op: IgnoredAny,
    pod: Pod,
    #[serde(default)]
    server: KubernetesVersion,
    #[serde(default)]
    template: bool,
    status: Option<PodStatus>,
}

pub(super) fn pod_requests(request: &[u8]) -> Answer {
    let Counted { op: _, pod, server, template, status } = read(request)?;
    let pod = if template { pod.defaulted_by(server) } else { pod.as_counted_by(server) };
    let requests = match status {
        Some(status) => pod.requests_held(&status),
        None => pod.requests(),
    };
    let answer = fields([("requests", listed(requests)), ("limits", listed(pod.limits()))]);
    Ok(with_faults(answer, &pod))
}

pub(super) fn quota_usage(request: &[u8]) -> Answer {
    let (pod, server) = read::<Asked>(request)?.pod();
    let pod = pod.as_counted_by(server);
    Ok(with_faults(fields([("usage", listed(pod.quota_usage()))]), &pod))
}

pub(super) fn defaulted(request: &[u8]) -> Answer {
    let asked: Asked = read(request)?;
    let pod = asked.pod.defaulted_by(asked.server);
    Ok(with_faults(fields([("pod", json!(pod))]), &pod))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resized {
    #[expect(dead_code, reason = "read by the caller, and named here so that other fields are refused")]
    op: IgnoredAny,
    pod: Pod,
    to: Pod,
    #[serde(default)]
    server: KubernetesVersion,
}

pub(super) fn resize(request: &[u8]) -> Answer {
    let Resized { op: _, pod, to, server } = read(request)?;
    let resize = pod.resize(&to, server);
    let refusals: Vec<Value> = resize.refusals.iter().map(text).collect();
    Ok(fields([
        ("allowed", resize.is_allowed().into()),
        ("refusals", refusals.into()),
        ("restarts", json!(resize.restarts)),
        ("bestEffort", json!(resize.best_effort)),
    ]))
}

/// The answer, which is that of Kubernetes' own code for any pod, and beside it why an API server stores no such pod.
fn with_faults(mut answer: Map<String, Value>, pod: &Pod) -> Map<String, Value> {
    let fault = |fault: PodFault| json!(format!("{fault}; {}", fault.remedy()));
    let faults: Vec<Value> = pod.faults().into_iter().map(fault).collect();
    if !faults.is_empty() {
        answer.insert("faults".to_owned(), faults.into());
    }
    answer
}

fn listed(amounts: Resources) -> Value {
    json!(amounts.without_zeros())
}
