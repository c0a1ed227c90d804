//! Objects and lists in the form a client asked for.

use serde_json::{Map, Value, json};

use super::query::Query;
use super::respond::Form;
use super::table;
use crate::api::{Api, Page, Target};
use crate::object;
use crate::store::Object;

const TABLE_VERSION: &str = "meta.k8s.io/v1";

/// One object.
pub(super) fn object(api: &Api, target: &Target, form: Form, query: &Query, object: &Object) -> Value {
    // A `Status` and a Scale are what they are in every form.
    let is_of_target = object["kind"] == target.resource.kind.as_str();
    match form {
        Form::Metadata if is_of_target => partial(object),
        Form::Table if is_of_target => {
            let rows = [object.clone()];
            let version = object["metadata"]["resourceVersion"].clone();
            table(api, target, query, &rows, &json!({"resourceVersion": version}), Header::Shown)
        }
        _ => Value::clone(object),
    }
}

/// One page of a list.
pub(super) fn list(api: &Api, target: &Target, form: Form, query: &Query, page: &Page) -> Value {
    let mut metadata = Map::new();
    metadata.insert("resourceVersion".into(), page.revision.to_string().into());
    if !page.token.is_empty() || target.resource.is_custom() && form == Form::Full {
        metadata.insert("continue".into(), page.token.clone().into());
        if let Some(remaining) = page.remaining {
            metadata.insert("remainingItemCount".into(), remaining.into());
        }
    }
    match form {
        Form::Full => json!({
            "kind": target.resource.list_kind,
            "apiVersion": target.api_version(),
            "metadata": metadata,
            "items": page.items.iter().map(|item| in_list(target, item)).collect::<Vec<_>>(),
        }),
        Form::Metadata => json!({
            "kind": "PartialObjectMetadataList",
            "apiVersion": TABLE_VERSION,
            "metadata": metadata,
            "items": page.items.iter().map(|item| partial(item)).collect::<Vec<_>>(),
        }),
        Form::Table => table(api, target, query, &page.items, &Value::Object(metadata), Header::Shown),
    }
}

/// Items of typed lists come without `apiVersion` and `kind`; those of custom resources with them.
fn in_list(target: &Target, item: &Value) -> Value {
    let mut item = item.clone();
    if !target.resource.is_custom()
        && let Some(fields) = item.as_object_mut()
    {
        fields.remove("apiVersion");
        fields.remove("kind");
    }
    item
}

/// The metadata of an object alone.
pub(super) fn partial(object: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": TABLE_VERSION, "metadata": object["metadata"]})
}

/// Whether a table names its columns; only the first of a watch does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    Shown,
    Omitted,
}

pub(super) fn table(
    api: &Api,
    target: &Target,
    query: &Query,
    objects: &[Object],
    metadata: &Value,
    header: Header,
) -> Value {
    let include = query.get("includeObject");
    let columns = table::columns(target);
    let rows: Vec<Value> = objects
        .iter()
        .map(|object| {
            let cells = table::cells(target, object, api.now());
            let shown = match include {
                "None" => Value::Null,
                "Object" => Value::clone(object),
                _ => partial(object),
            };
            json!({"cells": cells, "object": shown})
        })
        .collect();
    json!({
        "kind": "Table",
        "apiVersion": TABLE_VERSION,
        "metadata": metadata,
        "columnDefinitions": if header == Header::Shown { Value::Array(columns) } else { Value::Null },
        "rows": rows,
    })
}

/// The resource version of an event's object, in the form of a table.
pub(super) fn version_of(object: &Value) -> Value {
    json!({"resourceVersion": object::resource_version(object)})
}
