//! The order of merged lists: what the patch lists comes in its order, what only the server has keeps its
//! place among the live items as well as it can.

use super::PatchError;
use crate::schema::golang;
use crate::tree::{List, Value};

/// A list in an object or a patch.
pub(super) type Items = List;

/// The value of an item's merge key.
pub(super) fn merge_key<'a>(item: &'a Value, key: &str) -> Result<&'a Value, PatchError> {
    item.get(key).ok_or_else(|| {
        PatchError::Failed(format!("map: {} does not contain declared merge key: {key}", golang::plain(item)))
    })
}

/// Where the item with this merge key is.
pub(super) fn find(items: &[Value], key: &str, id: &Value) -> Result<Option<usize>, PatchError> {
    for (at, item) in items.iter().enumerate() {
        let Value::Object(fields) = item else {
            return Err(PatchError::Failed(format!("value for key {at} is not a map")));
        };
        if fields.get(key) == Some(id) {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

/// Drops repeated scalars as the server does: a repeat is filled with the last item.
pub(super) fn without_repeats(mut items: Items) -> Items {
    let mut at = 0;
    while at < items.len() {
        let mut other = at + 1;
        while other < items.len() {
            if items[at] == items[other] {
                items.swap_remove(other);
            } else {
                other += 1;
            }
        }
        at += 1;
    }
    items
}

/// Splits items into those that `listed` has and those that it has not.
pub(super) fn partition(
    items: Items,
    listed: &[Value],
    key: Option<&str>,
) -> Result<(Items, Items), PatchError> {
    let mut inside = Items::new();
    let mut outside = Items::new();
    for item in items {
        let known = match key {
            None => listed.contains(&item),
            Some(key) => find(listed, key, merge_key(&item, key)?)?.is_some(),
        };
        let side = if known { &mut inside } else { &mut outside };
        side.push(item);
    }
    Ok((inside, outside))
}

/// Sorts the patch's items by the patch's order and the others by the server's, and interleaves them.
pub(super) fn arrange(
    in_patch: Items,
    server_only: Items,
    patch_order: &[Value],
    server_order: &[Value],
    key: Option<&str>,
) -> Result<Items, PatchError> {
    if let Some(key) = key {
        for item in in_patch.iter().chain(server_only.iter()).chain(patch_order).chain(server_order) {
            merge_key(item, key)?;
        }
    }
    let mut right = sorted(in_patch, patch_order, key).into_iter().peekable();
    let mut left = sorted(server_only, server_order, key).into_iter().peekable();
    let mut all = Items::new();
    loop {
        let take_left = match (left.peek(), right.peek()) {
            (None, None) => return Ok(all),
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (Some(left), Some(right)) => {
                match (position(server_order, left, key), position(server_order, right, key)) {
                    (Some(left), Some(right)) => left < right,
                    _ => false,
                }
            }
        };
        all.extend(if take_left { left.next() } else { right.next() });
    }
}

/// Checks that a patch's items come in the order that `$setElementOrder` gives, and are all in it.
pub(super) fn check(patch: &[Value], wanted: &[Value], key: Option<&str>) -> Result<(), PatchError> {
    if patch.is_empty() || wanted.is_empty() {
        return Ok(());
    }
    let mut left = patch.iter().filter(|item| item.get("$patch").is_none()).peekable();
    for order in wanted {
        let Some(item) = left.peek() else { return Ok(()) };
        let equal = match key {
            None => *item == order,
            Some(key) => merge_key(item, key)? == merge_key(order, key)?,
        };
        if equal {
            left.next();
        }
    }
    if left.peek().is_none() {
        return Ok(());
    }
    let print = |items: &[Value]| golang::plain(&Value::from(items.to_vec()));
    Err(PatchError::Failed(format!(
        "The order in patch list:\n{}\n doesn't match $setElementOrder list:\n{}\n",
        print(patch),
        print(wanted)
    )))
}

fn sorted(mut items: Items, order: &[Value], key: Option<&str>) -> Items {
    items.sort_by_key(|item| position(order, item, key));
    items
}

fn position(order: &[Value], item: &Value, key: Option<&str>) -> Option<usize> {
    order.iter().position(|other| match key {
        None => other == item,
        Some(key) => other.get(key) == item.get(key),
    })
}
