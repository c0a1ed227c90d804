//! Whether a data center can be worked with at all: its version, and what the credentials may do there.

use std::fmt;

use futures::future::try_join_all;
use plimsoll_core::cluster::Error;
use serde_json::{Value, json};

use crate::connection::{Subject, to_error};
use crate::rest::Rest;

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/// How many rights are asked about at once.
const TOGETHER: usize = 8;

/// The lowest minor version of Kubernetes 1 in which everything that is rendered is on by default. The last to
/// come was `preStop.sleep` (KEP-3960), on by default from 1.30; before it native sidecars (KEP-753, 1.29), and in
/// 1.27 `matchLabelKeys` (KEP-3243), `unhealthyPodEvictionPolicy` (KEP-3017) and autoscaling by the usage of one
/// container (KEP-1610). An older server would drop the field, or refuse the object.
const LOWEST_MINOR: u32 = 30;

/// What the credentials must be allowed in all namespaces, each verb of each resource. `deploy/data-center.yaml`
/// grants exactly these, which a test holds it to.
const NEEDED: &[(&str, &str, &[&str])] = &[
    // Who the data center is, and the Namespaces of Plimsoll in it.
    ("", "namespaces", &["get", "create", "patch"]),
    // What stands beside the Apps of a Namespace.
    ("", "limitranges", KEPT),
    ("", "resourcequotas", KEPT),
    // What it needs before it can hold Apps.
    ("apiextensions.k8s.io", "customresourcedefinitions", &["get", "create", "patch"]),
    ("scheduling.k8s.io", "priorityclasses", &["list", "create"]),
    // What was ordered, and what is said of it.
    ("dc.plimsoll.io", "apps", &["get", "list", "watch", "create", "update", "delete"]),
    ("dc.plimsoll.io", "apps/status", &["update"]),
    // The election of the controller.
    ("coordination.k8s.io", "leases", &["get", "create", "update"]),
    // What Apps are made of.
    ("", "configmaps", WHOLE),
    ("", "services", WHOLE),
    ("apps", "deployments", WHOLE),
    ("autoscaling", "horizontalpodautoscalers", WHOLE),
    ("policy", "poddisruptionbudgets", WHOLE),
    // How they fare.
    ("apps", "replicasets", &["list", "watch"]),
    ("", "pods", &["list"]),
    ("", "events", &["list"]),
];

const KEPT: &[&str] = &["list", "watch", "create", "patch"];
const WHOLE: &[&str] = &["get", "list", "watch", "create", "patch", "delete"];

/// Rights on one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rights {
    group: &'static str,
    resource: &'static str,
    verbs: Vec<&'static str>,
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { group, resource, verbs } = self;
        write!(f, "{} {resource}", verbs.join(", "))?;
        if group.is_empty() { Ok(()) } else { write!(f, " ({group})") }
    }
}

/// The rights that the credentials lack. Those of an administrator are one question.
async fn missing_rights(rest: &Rest) -> Result<Vec<Rights>, Error> {
    if may(rest, "*", "*", "*").await? {
        return Ok(Vec::new());
    }
    let mut asked = Vec::new();
    for (group, resource, verbs) in NEEDED {
        asked.extend(verbs.iter().map(|verb| (*group, *resource, *verb)));
    }
    let mut answers = Vec::with_capacity(asked.len());
    for some in asked.chunks(TOGETHER) {
        let allowed = some.iter().map(|(group, resource, verb)| may(rest, group, resource, verb));
        answers.extend(some.iter().copied().zip(try_join_all(allowed).await?));
    }
    let mut missing: Vec<Rights> = Vec::new();
    for ((group, resource, verb), is_allowed) in answers {
        match missing.last_mut() {
            _ if is_allowed => {}
            Some(last) if last.group == group && last.resource == resource => last.verbs.push(verb),
            _ => missing.push(Rights { group, resource, verbs: vec![verb] }),
        }
    }
    Ok(missing)
}

async fn may(rest: &Rest, group: &str, resource: &str, verb: &str) -> Result<bool, Error> {
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let mut attributes = json!({"group": group, "resource": resource, "verb": verb});
    if !subresource.is_empty() {
        attributes["subresource"] = json!(subresource);
    }
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    });
    let answer: Value =
        rest.create(REVIEWS, &review).await.map_err(|error| to_error(error, Subject::Other))?;
    answer["status"]["allowed"]
        .as_bool()
        .ok_or_else(|| Error::Unreadable("a review without an answer".into()))
}

/// Refuses what is too old, or may not be worked with.
pub(super) async fn require(rest: &Rest) -> Result<(), Error> {
    let version: Value = rest.get("/version").await.map_err(|error| to_error(error, Subject::Other))?;
    if let Some(why) = too_old(version["gitVersion"].as_str().unwrap_or_default()) {
        return Err(Error::Refused(why));
    }
    let missing = missing_rights(rest).await?;
    if missing.is_empty() {
        return Ok(());
    }
    let missing: Vec<String> = missing.iter().map(Rights::to_string).collect();
    Err(Error::Forbidden(format!("{}; each in all namespaces", missing.join("; "))))
}

/// Why a version, such as `v1.29.4-eks-1`, will not do. One that cannot be read is given the benefit of the doubt.
fn too_old(version: &str) -> Option<String> {
    let mut numbers = version.trim_start_matches('v').split(['.', '-', '+']);
    let mut next = || numbers.next()?.parse::<u32>().ok();
    let (major, minor) = (next()?, next()?);
    ((major, minor) < (1, LOWEST_MINOR)).then(|| {
        format!(
            "it runs Kubernetes {version}, and apps need 1.{LOWEST_MINOR} or newer, where everything that they are \
             made of is on by default; upgrade the cluster"
        )
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_manifest_for_operators_grants_what_is_asked_for_and_nothing_else() {
        let needed: BTreeSet<(String, String, String)> = NEEDED
            .iter()
            .flat_map(|(group, resource, verbs)| verbs.iter().map(move |verb| (group, resource, verb)))
            .map(|(group, resource, verb)| ((*group).to_owned(), (*resource).to_owned(), (*verb).to_owned()))
            .collect();
        let manifest = include_str!("../../../../deploy/data-center.yaml");
        let documents: Vec<Value> = serde_saphyr::from_multiple(manifest).unwrap();
        let role = documents.iter().find(|document| document["kind"] == "ClusterRole").unwrap();
        let texts = |list: &Value| -> Vec<String> {
            list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
        };
        let mut granted = BTreeSet::new();
        for rule in role["rules"].as_array().unwrap() {
            for group in texts(&rule["apiGroups"]) {
                for resource in texts(&rule["resources"]) {
                    for verb in texts(&rule["verbs"]) {
                        granted.insert((group.clone(), resource.clone(), verb));
                    }
                }
            }
        }
        assert_eq!(granted, needed);
    }

    #[test]
    fn versions_below_the_lowest_are_refused_however_they_are_written() {
        for old in ["v1.29.14", "v1.29.4-eks-036c24b", "v1.9.0", "1.29+", "v0.31.0"] {
            assert!(too_old(old).is_some(), "{old}");
        }
        for good in ["v1.30.0", "v1.30.0-rc.1", "v1.37.0+k3s1", "v2.0.0", "development", ""] {
            assert_eq!(too_old(good), None, "{good}");
        }
        insta::assert_snapshot!(too_old("v1.29.14").unwrap());
    }
}
