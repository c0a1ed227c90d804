//! Revisions: the numbers that `kubectl rollout history` shows.

use crate::object;
use crate::tree::Value;

pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
pub(super) const HISTORY: &str = "deployment.kubernetes.io/revision-history";
pub(super) const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
pub(super) const MOST: &str = "deployment.kubernetes.io/max-replicas";

/// Annotations of a Deployment that its `ReplicaSets` do not get.
pub(super) const NOT_COPIED: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    HISTORY,
    DESIRED,
    MOST,
    "deprecated.deployment.rollback.to",
];

pub(super) fn of(object: &Value) -> i64 {
    object::annotation(object, REVISION).and_then(|text| text.parse().ok()).unwrap_or_default()
}
