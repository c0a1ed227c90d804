//! Deployments: from one template to the next, by the real controller's rules.

mod hash;
mod progress;
mod revision;
mod rolling;
mod sets;

use std::time::Duration;

use super::recorder::{Kind, Recorder, Source};
use super::{Outcome, Rounding, int_or_percent};
use crate::api::{Api, Caller, DeleteOptions, Part, Target};
use crate::object::{self, integer, text};
use crate::status::ApiError;
use crate::store::{Key, Object};
use crate::tree::Value;
use sets::Sets;

const CALLER: &str = "kube-controller-manager";
const SOURCE: Source<'_> = Source { component: "deployment-controller", host: "" };

pub(super) fn sync(api: &Api, recorder: &Recorder, key: &Key) -> Outcome {
    let Some(deployment) = api.store.get(key) else { return Ok(None) };
    let context = Context { api, recorder, key };
    if object::is_terminating(&deployment) {
        return context.report(&deployment, None);
    }
    sets::adopt(api, &deployment)?;
    let mut found = Sets::of(api, &deployment);
    if object::flag(&deployment, "/spec/paused") {
        rolling::scale_in_proportion(&context, &deployment, &found)?;
        return context.report(&deployment, None);
    }
    if rolling::is_scaling(&deployment, &found) {
        rolling::scale_in_proportion(&context, &deployment, &found)?;
        return context.report(&deployment, None);
    }
    let failure = if text(&deployment, "/spec/strategy/type") == "Recreate" {
        rolling::recreate(&context, &deployment, &mut found)
    } else {
        rolling::roll(&context, &deployment, &mut found)
    };
    let failure = failure.err();
    let wait = context.report(&deployment, failure.as_ref())?;
    context.clean_up(&deployment)?;
    Ok(if failure.is_some() { Some(Duration::from_secs(5)) } else { wait })
}

/// What every step needs.
struct Context<'a> {
    api: &'a Api,
    recorder: &'a Recorder,
    key: &'a Key,
}

impl Context<'_> {
    fn target(&self, set: &Value) -> Option<Target> {
        let resource = self.api.registry.by_key("replicasets.apps")?;
        Some(Target::new(&resource, &self.key.namespace, object::name(set)))
    }

    /// Sets the replicas of a ReplicaSet, tells about it, and keeps its annotations right.
    fn scale(&self, deployment: &Object, set: &Object, replicas: i64) -> Result<(), ApiError> {
        let before = integer(set, "/spec/replicas").unwrap_or_default();
        let Some(target) = self.target(set) else { return Ok(()) };
        let (desired, most) = sizes(deployment);
        self.api.modify(&Caller::component(CALLER), &target, Part::Main, |set| {
            set["spec"]["replicas"] = replicas.into();
            sets::annotate_sizes(set, desired, most);
        })?;
        if before != replicas {
            let word = if before < replicas { "up" } else { "down" };
            let message =
                format!("Scaled {word} replica set {} from {before} to {replicas}", object::name(set));
            self.recorder.record(SOURCE, deployment, Kind::Normal, "ScalingReplicaSet", &message);
        }
        Ok(())
    }

    fn report(&self, deployment: &Object, failure: Option<&ApiError>) -> Outcome {
        // The spec that was acted on is the one that is reported as observed.
        progress::report(self, deployment, failure)
    }

    /// Removes old, empty `ReplicaSets` beyond the history limit, once the rollout is complete.
    fn clean_up(&self, deployment: &Object) -> Result<(), ApiError> {
        let Some(current) = self.api.store.get(self.key) else { return Ok(()) };
        if !progress::is_complete(&current) {
            return Ok(());
        }
        let limit = integer(deployment, "/spec/revisionHistoryLimit").unwrap_or(10);
        let sets = Sets::of(self.api, deployment);
        let mut idle: Vec<&Object> = sets
            .old
            .iter()
            .filter(|set| {
                !object::is_terminating(set)
                    && integer(set, "/spec/replicas").unwrap_or_default() == 0
                    && integer(set, "/status/replicas").unwrap_or_default() == 0
                    && integer(set, "/status/observedGeneration").unwrap_or_default()
                        >= object::generation(set)
            })
            .collect();
        idle.sort_by_key(|set| revision::of(set));
        let surplus = sets.old.len().saturating_sub(usize::try_from(limit).unwrap_or_default());
        for set in idle.into_iter().take(surplus) {
            if let Some(target) = self.target(set) {
                let uid = Some(object::uid(set).to_owned());
                self.api.delete(&target, &DeleteOptions { uid, ..DeleteOptions::default() })?;
            }
        }
        Ok(())
    }
}

/// Replicas ordered, and the most pods there may be meanwhile.
fn sizes(deployment: &Value) -> (i64, i64) {
    let desired = integer(deployment, "/spec/replicas").unwrap_or(1);
    let (surge, _) = bounds(deployment, desired);
    (desired, desired + surge)
}

/// How many pods beyond, and how many below the order there may be during a rollout.
fn bounds(deployment: &Value, desired: i64) -> (i64, i64) {
    if text(deployment, "/spec/strategy/type") == "Recreate" {
        return (0, 0);
    }
    let rolling = &deployment["spec"]["strategy"]["rollingUpdate"];
    let surge = int_or_percent(&rolling["maxSurge"], desired, Rounding::Up);
    let mut unavailable = int_or_percent(&rolling["maxUnavailable"], desired, Rounding::Down);
    if surge == 0 && unavailable == 0 {
        // Otherwise nothing could ever move.
        unavailable = 1;
    }
    (surge, unavailable.min(desired))
}
