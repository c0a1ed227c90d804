//! How many pods of which ReplicaSet: rolling, recreating, scaling.

use super::super::controlled;
use super::sets::{self, Sets, sum};
use super::{Context, bounds, revision, sizes};
use crate::object::{self, integer};
use crate::status::ApiError;
use crate::store::Object;

/// One step of a rolling update.
pub(super) fn roll(context: &Context<'_>, deployment: &Object, found: &mut Sets) -> Result<(), ApiError> {
    let new = sets::ensure_new(context, deployment, found)?;
    if scale_up_new(context, deployment, found, &new)? {
        return Ok(());
    }
    scale_down_old(context, deployment, found, &new)
}

fn scale_up_new(
    context: &Context<'_>,
    deployment: &Object,
    found: &Sets,
    new: &Object,
) -> Result<bool, ApiError> {
    let (desired, most) = sizes(deployment);
    let held = integer(new, "/spec/replicas").unwrap_or_default();
    if held == desired {
        return Ok(false);
    }
    if held > desired {
        context.scale(deployment, new, desired)?;
        return Ok(true);
    }
    let there = sum(found.all(), "/spec/replicas");
    let room = most - there;
    if room <= 0 {
        return Ok(false);
    }
    context.scale(deployment, new, held + room.min(desired - held))?;
    Ok(true)
}

fn scale_down_old(
    context: &Context<'_>,
    deployment: &Object,
    found: &Sets,
    new: &Object,
) -> Result<(), ApiError> {
    let old = found.active_old();
    if old.is_empty() {
        return Ok(());
    }
    let (desired, _) = sizes(deployment);
    let (_, unavailable) = bounds(deployment, desired);
    let least = desired - unavailable;
    let new_ordered = integer(new, "/spec/replicas").unwrap_or_default();
    let new_unavailable = new_ordered - integer(new, "/status/availableReplicas").unwrap_or_default();
    let total = sum(found.all(), "/spec/replicas");
    let mut room = total - least - new_unavailable;
    if room <= 0 {
        return Ok(());
    }
    let old = clean_up_unhealthy(context, deployment, old, &mut room)?;
    // What is available now decides how many healthy old pods may go.
    let available = sum(found.all(), "/status/availableReplicas");
    let mut room = available - least;
    for set in old {
        if room <= 0 {
            break;
        }
        let held = integer(&set, "/spec/replicas").unwrap_or_default();
        let step = held.min(room);
        if step > 0 {
            context.scale(deployment, &set, held - step)?;
            room -= step;
        }
    }
    Ok(())
}

/// Old pods that are not available go first: nobody misses them.
fn clean_up_unhealthy(
    context: &Context<'_>,
    deployment: &Object,
    old: Vec<Object>,
    room: &mut i64,
) -> Result<Vec<Object>, ApiError> {
    let mut left = Vec::new();
    for set in old {
        let held = integer(&set, "/spec/replicas").unwrap_or_default();
        let available = integer(&set, "/status/availableReplicas").unwrap_or_default();
        let step = (*room).min(held - available);
        if *room <= 0 || step <= 0 {
            left.push(set);
            continue;
        }
        context.scale(deployment, &set, held - step)?;
        *room -= step;
        let key = crate::store::Key::new("replicasets.apps", object::namespace(&set), object::name(&set));
        left.extend(context.api.store.get(&key));
    }
    Ok(left)
}

/// Recreate: nothing new before everything old is gone.
pub(super) fn recreate(context: &Context<'_>, deployment: &Object, found: &mut Sets) -> Result<(), ApiError> {
    let active = found.active_old();
    if !active.is_empty() {
        for set in active {
            context.scale(deployment, &set, 0)?;
        }
        return Ok(());
    }
    let old_pods = found.old.iter().any(|set| {
        controlled(context.api, "pods", set)
            .iter()
            .any(|pod| !matches!(object::text(pod, "/status/phase"), "Succeeded" | "Failed"))
    });
    if old_pods {
        return Ok(());
    }
    let new = sets::ensure_new(context, deployment, found)?;
    let (desired, _) = sizes(deployment);
    context.scale(deployment, &new, desired)
}

/// Whether the order of replicas changed since the `ReplicaSets` were last sized.
pub(super) fn is_scaling(deployment: &Object, found: &Sets) -> bool {
    let (desired, _) = sizes(deployment);
    found.all().filter(|set| integer(set, "/spec/replicas").unwrap_or_default() > 0).any(|set| {
        let noted = object::annotation(set, revision::DESIRED).and_then(|text| text.parse::<i64>().ok());
        noted.is_some_and(|noted| noted != desired)
    })
}

/// Scales without a rollout: one ReplicaSet takes it all; several, in mid-rollout, share it.
pub(super) fn scale_in_proportion(
    context: &Context<'_>,
    deployment: &Object,
    found: &Sets,
) -> Result<(), ApiError> {
    let (desired, most) = sizes(deployment);
    let mut active: Vec<Object> =
        found.all().filter(|set| integer(set, "/spec/replicas").unwrap_or_default() > 0).cloned().collect();
    let only = match active.as_slice() {
        [] => found.new.clone().or_else(|| found.old.last().cloned()),
        [one] => Some(one.clone()),
        _ => None,
    };
    if let Some(set) = only {
        return context.scale(deployment, &set, desired);
    }
    // A finished rollout whose old pods have not all been scaled away.
    if let Some(new) = &found.new
        && integer(new, "/spec/replicas") == Some(desired)
        && integer(new, "/status/availableReplicas") == Some(desired)
    {
        for set in found.active_old() {
            context.scale(deployment, &set, 0)?;
        }
        return Ok(());
    }
    let total = sum(&active, "/spec/replicas");
    let allowed = if desired > 0 { most } else { 0 };
    let mut left = allowed - total;
    // The largest first, and among equals the newest when growing, the oldest when shrinking.
    active.sort_by_key(|set| {
        let size = -integer(set, "/spec/replicas").unwrap_or_default();
        let age = revision::of(set);
        (size, if left > 0 { -age } else { age })
    });
    let mut sizes: Vec<i64> = Vec::new();
    for set in &active {
        let held = integer(set, "/spec/replicas").unwrap_or_default();
        let share = proportion(held, total, allowed - total, left);
        sizes.push(held + share);
        left -= share;
    }
    for (index, (set, size)) in active.iter().zip(sizes).enumerate() {
        let size = if index == 0 { (size + left).max(0) } else { size };
        context.scale(deployment, set, size)?;
    }
    Ok(())
}

/// A ReplicaSet's part of a change, rounded, and never more than what is left of it.
fn proportion(held: i64, total: i64, change: i64, left: i64) -> i64 {
    if left == 0 || total == 0 {
        return 0;
    }
    let exact = held * (total + change);
    let rounded = (2 * exact + total).div_euclid(2 * total) - held;
    if change > 0 { rounded.min(left) } else { rounded.max(left) }
}
