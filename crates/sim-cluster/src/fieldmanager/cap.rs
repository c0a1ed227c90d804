//! Keeps the number of update entries bounded by folding the oldest ones together.

use std::collections::BTreeMap;

use super::managed::{Managed, ManagerId, Operation, Owned};

/// How many entries with operation `Update` an object may have before the oldest are folded.
const MAX_UPDATE_MANAGERS: usize = 10;
/// The manager that stands for the folded ones.
const FOLDED: &str = "ancient-changes";

/// Folds the oldest update entries of a version into one until the bound holds.
pub(super) fn cap(managed: &mut Managed) {
    let mut updaters: Vec<ManagerId> =
        managed.fields.keys().filter(|id| id.operation == Operation::Update).cloned().collect();
    let mut count = updaters.len();
    if count <= MAX_UPDATE_MANAGERS {
        return;
    }
    updaters.sort_by(|a, b| managed.seconds(a).cmp(&managed.seconds(b)).then_with(|| a.cmp(b)));
    let mut first_of_version: BTreeMap<String, ManagerId> = BTreeMap::new();
    for id in updaters {
        if count <= MAX_UPDATE_MANAGERS {
            return;
        }
        let Some(owned) = managed.fields.get(&id).cloned() else {
            continue;
        };
        let bucket = ManagerId::new(FOLDED, Operation::Update, &owned.api_version, "");
        let Some(first) = first_of_version.get(&owned.api_version) else {
            first_of_version.insert(owned.api_version, id);
            continue;
        };
        let folded = match managed.fields.remove(&bucket) {
            Some(known) => known.set,
            None => managed.fields.remove(first).map(|first| first.set).unwrap_or_default(),
        };
        managed.fields.remove(&id);
        if let Some(time) = managed.times.get(&id).cloned() {
            managed.times.insert(bucket.clone(), time);
        }
        let set = folded.union(&owned.set);
        managed.fields.insert(bucket, Owned { set, api_version: owned.api_version });
        count -= 1;
    }
}
