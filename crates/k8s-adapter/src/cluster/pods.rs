//! What the pods of Apps run, read on demand: nothing is watched for it and nothing is written.

use std::collections::BTreeMap;

use plimsoll_core::cluster::{AppLife, Error, PodImages};
use plimsoll_core::name::{AppUid, NamespaceName};
use serde::Deserialize;

use crate::connection::{Subject, to_error};
use crate::label::APP_UID;
use crate::rest::Rest;

/// How many Apps one request names: an address has a bound.
const APPS: usize = 50;
/// How many pods are read with one request, and how many at all.
const PAGE: usize = 500;
const MOST: usize = 10_000;

/// A list of pods, of which only what is asked for is kept.
#[derive(Deserialize)]
struct List {
    metadata: ListMeta,
    items: Vec<Pod>,
}

#[derive(Deserialize)]
struct ListMeta {
    #[serde(default, rename = "continue")]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Pod {
    metadata: Meta,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    phase: String,
    container_statuses: Vec<Container>,
    init_container_statuses: Vec<Container>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    #[serde(default, rename = "imageID")]
    image_id: String,
    #[serde(default)]
    state: State,
}

/// What a container does; a step that was taken before the others has ended.
#[derive(Default, Deserialize)]
#[serde(default)]
struct State {
    terminated: Option<serde::de::IgnoredAny>,
}

/// The pods of these Apps that have not ended.
pub(super) async fn read(rest: &Rest, apps: &[AppLife]) -> Result<Vec<PodImages>, Error> {
    let mut by_namespace: BTreeMap<&NamespaceName, Vec<AppUid>> = BTreeMap::new();
    for AppLife { namespace, uid } in apps {
        by_namespace.entry(namespace).or_default().push(*uid);
    }
    let mut pods = Vec::new();
    for (namespace, uids) in by_namespace {
        for some in uids.chunks(APPS) {
            let names: Vec<String> = some.iter().map(ToString::to_string).collect();
            let selector = format!("{APP_UID}%20in%20%28{}%29", names.join("%2C"));
            let path = format!("/api/v1/namespaces/{namespace}/pods?labelSelector={selector}&limit={PAGE}");
            let mut next = String::new();
            loop {
                let list: List = rest
                    .get(&format!("{path}&continue={next}"))
                    .await
                    .map_err(|error| to_error(error, Subject::Other))?;
                pods.extend(list.items.into_iter().filter_map(|pod| images(namespace, pod)));
                if pods.len() > MOST {
                    return Err(Error::Refused(format!("there are more than {MOST} pods to look at")));
                }
                match list.metadata.next.filter(|next| !next.is_empty()) {
                    Some(token) => next = token,
                    None => break,
                }
            }
        }
    }
    Ok(pods)
}

fn images(namespace: &NamespaceName, pod: Pod) -> Option<PodImages> {
    let Pod { metadata: Meta { labels }, status } = pod;
    let Status { phase, container_statuses, init_container_statuses } = status;
    if matches!(phase.as_str(), "Succeeded" | "Failed") {
        return None;
    }
    let uid = labels.get(APP_UID)?.parse().ok()?;
    let steps = init_container_statuses.into_iter().filter(|step| step.state.terminated.is_none());
    let ids = container_statuses.into_iter().chain(steps).map(|container| container.image_id);
    // One that was not pulled yet has none.
    let images = ids.filter(|id| !id.is_empty()).collect();
    Some(PodImages { app: AppLife { namespace: namespace.clone(), uid }, images })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_runs_is_told_and_what_has_ended_or_was_not_pulled_is_not() {
        let uid = "0199f3a0-0000-7000-8000-000000000001";
        let container =
            |id: &str, state: &str| json!({"name": id, "imageID": id, "state": {state: {}}, "ready": true});
        let pod = |phase: &str, label: &str| {
            let pod = json!({
                "metadata": {"name": "shop-1", "labels": {APP_UID: label}},
                "status": {
                    "phase": phase,
                    "initContainerStatuses": [container("step", "terminated"), container("sidecar", "running")],
                    "containerStatuses": [container("main", "running"), container("", "waiting")],
                },
            });
            images(&"demo".parse().unwrap(), serde_json::from_value(pod).unwrap())
        };
        let app = AppLife { namespace: "demo".parse().unwrap(), uid: uid.parse().unwrap() };
        let images = vec!["main".to_owned(), "sidecar".to_owned()];
        assert_eq!(pod("Running", uid), Some(PodImages { app, images }));
        assert_eq!(pod("Succeeded", uid), None);
        assert_eq!(pod("Running", "nobody"), None);
    }
}
