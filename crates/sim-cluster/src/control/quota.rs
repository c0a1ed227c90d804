//! ResourceQuota status: what is really used.

use std::time::Duration;

use plimsoll_qos::Quantity;

use super::{Outcome, target};
use crate::admission::quota::{Usage, amounts, applies, is_counted, to_value, usage};
use crate::api::{Api, Caller, Part};
use crate::store::Key;
use crate::tree::Value;

/// How often everything is counted anew, for what changes without being told: a pod that should have gone by now holds
/// nothing any more.
const RESYNC: Duration = Duration::from_mins(5);

pub(super) fn sync(api: &Api, key: &Key) -> Outcome {
    let Some(quota) = api.store.get(key) else { return Ok(None) };
    let hard = amounts(&quota, "/spec/hard");
    let counted = hard.names().filter(|name| is_counted(&api.registry, name));
    let mut used: Usage = counted.map(|name| (name.to_owned(), Quantity::default())).collect();
    for resource in api.registry.all() {
        if !resource.is_namespaced() || &*resource.key == "events" {
            continue;
        }
        let objects = api.store.list(&resource.key, Some(&key.namespace));
        for object in objects.iter().filter(|object| applies(&quota, &resource, object)) {
            let more = usage(&resource, object, api.now());
            for (name, total) in &mut used {
                *total += more.amount(name);
            }
        }
    }
    let Some(target) = target(api, key) else { return Ok(None) };
    api.modify(&Caller::component("kube-controller-manager"), &target, Part::Status, |quota: &mut Value| {
        quota["status"]["hard"] = to_value(&hard);
        quota["status"]["used"] = to_value(&used);
    })?;
    Ok(Some(RESYNC))
}
