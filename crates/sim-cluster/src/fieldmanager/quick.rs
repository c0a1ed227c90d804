//! The usual writes. Of an update: few fields change, and most managers lose none; their entries stay as they are
//! written, unread. Of a create: all is one manager's.

use std::borrow::Cow;
use std::cmp::Ordering;

use jiff::Timestamp;

use super::compare::{Comparison, compare};
use super::managed::{ManagerId, Operation, entry, wire_time};
use super::typed::{Duplicates, validate, validate_beside};
use super::written::Written;
use super::{Form, Target, UpdateContext, reset, restore_managed_fields, take_managed_fields};
use crate::tree::Value;

/// More entries than this may have to be folded.
const MOST_ENTRIES: usize = 9;

/// Does what [`super::update`] does where nothing is there yet; nothing where the object brings owners with it.
pub(super) fn create(new: &mut Value, ctx: &UpdateContext<'_>) -> Option<()> {
    let target = ctx.target;
    let brings = new.get("metadata").is_some_and(|metadata| metadata.get("managedFields").is_some());
    if brings || target.form != Form::Struct {
        return None;
    }
    if let Some(fields) = ctx.shapes.fields_of(target, new, || made(new, target)) {
        let manager = target.manager(ctx.manager, Operation::Update);
        let entry = entry(&manager, target.api_version, fields, Some(&wire_time(ctx.now)));
        restore_managed_fields(new, Some([entry].into_iter().collect()));
    }
    Some(())
}

/// What whoever makes an object owns of it, as it is written; nothing of what does not fit its schema.
fn made(new: &Value, target: &Target<'_>) -> Option<Value> {
    validate(target.schema, new, Duplicates::Allowed).ok()?;
    let Comparison { modified: mut own, added, .. } =
        compare(target.schema, &target.empty_object(), new).without(target.rules().ignored);
    own.absorb(added);
    let own = Written::of(&own.difference(&reset::NEVER_OWNED));
    (!own.is_empty()).then(|| own.to_fields().into())
}

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
    let Comparison { removed, modified: mut touched, added } =
        compare(target.schema, live, new).without(target.rules().ignored);
    touched.absorb(added);
    if touched.is_empty() && removed.is_empty() {
        return Ok(None);
    }
    let manager = target.manager(ctx.manager, Operation::Update);
    let now = wire_time(ctx.now);
    let nobodys = touched.intersection(&reset::NEVER_OWNED);
    if !nobodys.is_empty() {
        touched = touched.difference(&nobodys);
    }
    let [own, nobodys, removed] = [touched, nobodys, removed].map(|set| Written::of(&set));
    let mut is_noted = own.is_empty();
    let mut entries = Vec::with_capacity(held.len() + 1);
    for held in held {
        let before = held.get("fieldsV1").and_then(Value::as_object).ok_or(Unreadable)?;
        let is_own = !is_noted && is_of(held, &manager);
        let loses = nobodys.meets(before) || removed.meets(before) || !is_own && own.meets(before);
        if !is_own && !loses {
            entries.push(Cow::Borrowed(held));
            continue;
        }
        let mut fields = before.clone();
        nobodys.take_from(&mut fields);
        removed.take_from(&mut fields);
        let mut kept = held.clone();
        if is_own {
            own.put_into(&mut fields);
            kept["time"] = now.clone().into();
            is_noted = true;
        } else {
            own.take_from(&mut fields);
        }
        if !fields.is_empty() {
            kept["fieldsV1"] = fields.into();
            entries.push(Cow::Owned(kept));
        }
    }
    if !is_noted {
        let fields = own.to_fields().into();
        entries.push(Cow::Owned(entry(&manager, target.api_version, fields, Some(&now))));
    }
    entries.sort_by(|one, other| order(one, other));
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

/// The order of [`super::managed::Managed::encode`], among entries of one version.
fn order(one: &Value, other: &Value) -> Ordering {
    let by = |field: &str| text(one, field).cmp(text(other, field));
    let at = |entry| text(entry, "time").parse::<Timestamp>().map_or(0, Timestamp::as_second);
    // Times that are written alike, to the second, are in order as texts.
    let (times, length) = ([text(one, "time"), text(other, "time")], "2001-02-03T04:05:06Z".len());
    let is_plain = times.iter().all(|time| time.len() == length && time.ends_with('Z'));
    let by_time = || if is_plain { times[0].cmp(times[1]) } else { at(one).cmp(&at(other)) };
    // `Apply` comes before `Update`.
    by("operation").then_with(by_time).then_with(|| by("manager")).then_with(|| by("subresource"))
}
