//! The bridge from client-side apply: `kubectl apply --server-side` takes over what the annotation of an
//! earlier `kubectl apply` lists, and keeps that annotation current.

use super::compare::compare;
use super::set::FieldSet;
use super::typed::{Duplicates, field_set, validate};
use super::updater::Conflict;
use crate::schema::{Schema, golang};
use crate::tree::Value;

const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// The only manager for which the annotation counts.
pub(super) const KUBECTL: &str = "kubectl";
/// All annotations of an object together may not be larger.
const ANNOTATIONS_LIMIT: usize = 256 * 1024;

/// The conflicts that remain when fields which the annotation lists, unchanged since, may be taken over.
/// `None` where there is no usable annotation.
pub(super) fn remaining(
    schema: &Schema,
    api_version: &str,
    live: &Value,
    conflicts: &[Conflict],
) -> Option<Vec<Conflict>> {
    let allowed = allowed(schema, api_version, live)?;
    Some(conflicts.iter().filter(|conflict| !allowed.contains(&conflict.path)).cloned().collect())
}

/// Writes what was applied into the annotation, if there is one.
pub(super) fn refresh(object: &mut Value, applied: &Value) {
    let Some(annotations) = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) else {
        return;
    };
    if annotations.get(ANNOTATION).and_then(Value::as_str).is_none_or(str::is_empty) {
        return;
    }
    let mut applied = applied.clone();
    if let Some(own) = applied.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        own.remove(ANNOTATION);
    }
    let text = format!("{}\n", golang::json(&applied));
    annotations.insert(ANNOTATION, Value::from(text));
    let size: usize =
        annotations.iter().map(|(key, value)| key.len() + value.as_str().map_or(0, str::len)).sum();
    if size > ANNOTATIONS_LIMIT {
        annotations.remove(ANNOTATION);
    }
}

fn allowed(schema: &Schema, api_version: &str, live: &Value) -> Option<FieldSet> {
    let text = live.pointer("/metadata/annotations")?.get(ANNOTATION)?.as_str()?;
    let last: Value = serde_json::from_str(text).ok()?;
    if last.get("apiVersion").and_then(Value::as_str) != Some(api_version) {
        return None;
    }
    validate(schema, &last, Duplicates::Refused).ok()?;
    let change = compare(schema, &last, live);
    Some(
        field_set(schema, &last)
            .difference(&change.modified)
            .difference(&change.added)
            .difference(&change.removed),
    )
}
