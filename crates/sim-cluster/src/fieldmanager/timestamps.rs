//! Undoes a change of timestamps that would be the only change of a write.

use crate::tree::{List, Text, Value};

/// If `new` differs from `old` in nothing but the times of its managers, gives it the old times back, so
/// that it equals `old` and need not be written.
pub fn settle_timestamps(old: &Value, new: &mut Value) {
    let (Some(before), Some(after)) = (entries(old), entries(new)) else {
        return;
    };
    if before.len() != after.len() || before == after {
        return;
    }
    let same_owners = before.iter().zip(after).all(|(a, b)| without(a, "time").eq(without(b, "time")));
    if !same_owners || !is_same_beside_entries(old, new) {
        return;
    }
    let before = before.to_vec();
    if let Some(slot) = new.pointer_mut("/metadata/managedFields") {
        *slot = before.into();
    }
}

fn entries(object: &Value) -> Option<&[Value]> {
    object.get("metadata")?.get("managedFields")?.as_array().map(List::as_slice)
}

fn is_same_beside_entries(old: &Value, new: &Value) -> bool {
    without(old, "metadata").eq(without(new, "metadata"))
        && match (old.get("metadata"), new.get("metadata")) {
            (Some(old), Some(new)) => without(old, "managedFields").eq(without(new, "managedFields")),
            (old, new) => old == new,
        }
}

/// The fields of a map but one.
fn without<'a>(map: &'a Value, field: &str) -> impl Iterator<Item = (&'a Text, &'a Value)> {
    map.as_object().into_iter().flatten().filter(move |(name, _)| *name != field)
}
