//! The usual update: few fields change, and most managers lose none. Their entries stay as they are written, unread.

use std::borrow::Cow;

use jiff::Timestamp;

use super::compare::compare;
use super::managed::{ManagerId, Operation, Owned, entry, wire_time};
use super::path::PathElement;
use super::set::FieldSet;
use super::typed::validate_beside;
use super::{Form, UpdateContext, reset, restore_managed_fields, take_managed_fields};
use crate::tree::Value;

/// More entries than this may have to be folded.
const MOST_ENTRIES: usize = 9;

/// Does what [`super::update`] does; nothing where the update is not of the usual sort.
pub(super) fn update(live: &Value, new: &mut Value, ctx: &UpdateContext<'_>) -> Option<()> {
    let target = ctx.target;
    if target.form != Form::Struct {
        // The schema of a custom resource may have changed since the entries were written.
        return None;
    }
    let entries = live.get("metadata")?.get("managedFields")?;
    let held = entries.as_array()?;
    if held.is_empty() || held.len() > MOST_ENTRIES || !held.iter().all(|entry| is_plain(entry, ctx)) {
        return None;
    }
    let brought = new.get("metadata").and_then(|metadata| metadata.get("managedFields"));
    if target.subresource.is_empty() && brought.is_some_and(|brought| brought.as_array() != Some(held)) {
        return None;
    }
    let brought = take_managed_fields(new);
    // Where nobody owns anything any more there is no list of it.
    let entries = match changed(live, held, new, ctx) {
        Ok(Some(entries)) => (!entries.is_empty()).then(|| entries.into()),
        Ok(None) => Some(entries.clone()),
        Err(Unreadable) => {
            restore_managed_fields(new, brought);
            return None;
        }
    };
    restore_managed_fields(new, entries);
    Some(())
}

/// An entry is not as this server writes it after all.
struct Unreadable;

/// Whether an entry is as this server writes it.
fn is_plain(entry: &Value, ctx: &UpdateContext<'_>) -> bool {
    let is = |field: &str, wanted: &str| entry.get(field).is_some_and(|held| held == wanted);
    let of_group = entry.get("apiVersion").is_some_and(|held| held == ctx.target.api_version);
    let fields = entry.get("fieldsV1").and_then(Value::as_object);
    of_group
        && is("fieldsType", "FieldsV1")
        && (is("operation", "Update") || is("operation", "Apply"))
        && fields.is_some_and(|fields| !fields.is_empty())
}

/// The entries after the update; nothing where they are those before.
fn changed(
    live: &Value,
    held: &[Value],
    new: &Value,
    ctx: &UpdateContext<'_>,
) -> Result<Option<Vec<Value>>, Unreadable> {
    let target = ctx.target;
    if validate_beside(target.schema, live, new).is_err() {
        return Ok(None);
    }
    let change = compare(target.schema, live, new).without(target.rules().ignored);
    let touched = change.modified.union(&change.added);
    let lost = touched.union(&change.removed);
    if lost.is_empty() {
        return Ok(None);
    }
    let manager = target.manager(ctx.manager, Operation::Update);
    let mut own = touched.difference(&reset::NEVER_OWNED);
    let mut entries = Vec::with_capacity(held.len() + 1);
    for held in held {
        let is_own = !own.is_empty() && is_of(held, &manager);
        let fields = held.get("fieldsV1").ok_or(Unreadable)?;
        if !is_own && !meets(&lost, fields) {
            entries.push(Cow::Borrowed(held));
            continue;
        }
        let others = touched.difference(&own);
        if is_own && covers(&own, fields) && !meets(&others, fields) && !meets(&change.removed, fields) {
            // It had them all and loses none.
            let mut kept = held.clone();
            kept["time"] = wire_time(ctx.now).into();
            entries.push(Cow::Owned(kept));
            own = FieldSet::default();
            continue;
        }
        let set = FieldSet::from_fields_v1(fields).map_err(|_| Unreadable)?;
        let left = set.difference(&set.intersection(&touched)).difference(&change.removed);
        if is_own {
            own = left.union(&own);
        } else if !left.is_empty() {
            let mut kept = held.clone();
            kept["fieldsV1"] = left.to_fields_v1();
            entries.push(Cow::Owned(kept));
        }
    }
    if !own.is_empty() {
        let owned = Owned { set: own, api_version: target.api_version.to_owned() };
        entries.push(Cow::Owned(entry(&manager, &owned, Some(&wire_time(ctx.now)))));
    }
    entries.sort_by_cached_key(|entry| order(entry));
    Ok(Some(entries.into_iter().map(Cow::into_owned).collect()))
}

fn text<'a>(entry: &'a Value, field: &str) -> &'a str {
    entry.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn is_of(entry: &Value, manager: &ManagerId) -> bool {
    text(entry, "operation") == manager.operation.as_str()
        && text(entry, "manager") == manager.manager
        && text(entry, "subresource") == manager.subresource
}

/// Whether written fields may hold any of a set.
fn meets(set: &FieldSet, fields: &Value) -> bool {
    set.members().any(|element| fields.get(element.serialize()).is_some())
        || set
            .children()
            .any(|(element, child)| fields.get(element.serialize()).is_some_and(|below| meets(child, below)))
}

/// Whether written fields hold all of a set.
fn covers(set: &FieldSet, fields: &Value) -> bool {
    let below = |element: &PathElement| fields.get(element.serialize()).and_then(Value::as_object);
    set.members().all(|element| below(element).is_some_and(|at| at.is_empty() || at.contains_key(".")))
        && set
            .children()
            .all(|(element, child)| fields.get(element.serialize()).is_some_and(|below| covers(child, below)))
}

/// The order of [`super::managed::Managed::encode`], among entries of one version.
fn order(entry: &Value) -> (bool, i64, String, String) {
    let at = text(entry, "time").parse::<Timestamp>().map_or(0, Timestamp::as_second);
    let (manager, subresource) = (text(entry, "manager"), text(entry, "subresource"));
    (text(entry, "operation") == "Update", at, manager.to_owned(), subresource.to_owned())
}
