//! Objects and lists in the form a client asked for.

use bytes::Bytes;

use super::query::Query;
use super::respond::Form;
use super::table;
use crate::api::{Api, Page, Target};
use crate::object;
use crate::store::Object;
use crate::tree::{Map, Value, json};

const TABLE_VERSION: &str = "meta.k8s.io/v1";

/// One object, as JSON.
pub(super) fn object(api: &Api, target: &Target, form: Form, query: &Query, object: &Object) -> Bytes {
    if form == Form::Full {
        return object.json();
    }
    // A `Status` and a Scale are what they are in every form.
    if object["kind"] != target.resource.kind.as_str() {
        return object.json();
    }
    match form {
        Form::Full => object.json(),
        Form::Metadata => {
            let mut out = Vec::new();
            write_partial(object, &mut out);
            out.into()
        }
        Form::Table => {
            let rows = [object.clone()];
            let metadata = version_of(object);
            table(api, target, query, &rows, &metadata, Header::Shown).to_string().into()
        }
    }
}

/// One page of a list, as JSON.
pub(super) fn list(api: &Api, target: &Target, form: Form, query: &Query, page: &Page) -> Bytes {
    let mut metadata = Map::new();
    metadata.insert("resourceVersion", page.revision.to_string().into());
    if !page.token.is_empty() || target.resource.is_custom() && form == Form::Full {
        metadata.insert("continue", page.token.clone().into());
        if let Some(remaining) = page.remaining {
            metadata.insert("remainingItemCount", remaining.into());
        }
    }
    let metadata = Value::Object(metadata);
    match form {
        // Items of typed lists come without `apiVersion` and `kind`; those of custom resources with them.
        Form::Full => {
            let write = if target.resource.is_custom() { Object::write } else { Object::write_item };
            written(&target.resource.list_kind, &target.api_version(), &metadata, &page.items, write)
        }
        Form::Metadata => {
            written("PartialObjectMetadataList", TABLE_VERSION, &metadata, &page.items, write_partial)
        }
        Form::Table => table(api, target, query, &page.items, &metadata, Header::Shown).to_string().into(),
    }
}

/// A list of objects as they are, `kind` and `apiVersion` included.
pub(super) fn whole(target: &Target, revision: u64, items: &[Object]) -> Bytes {
    let metadata = json!({"resourceVersion": revision.to_string()});
    written(&target.resource.list_kind, &target.api_version(), &metadata, items, Object::write)
}

fn written(
    kind: &str,
    api_version: &str,
    metadata: &Value,
    items: &[Object],
    write: impl Fn(&Object, &mut Vec<u8>),
) -> Bytes {
    let (kind, api_version) = (Value::from(kind), Value::from(api_version));
    let mut out = Vec::with_capacity(256 + 2048 * items.len());
    let start = format!(r#"{{"kind":{kind},"apiVersion":{api_version},"metadata":{metadata},"items":["#);
    out.extend_from_slice(start.as_bytes());
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(item, &mut out);
    }
    out.extend_from_slice(b"]}");
    out.into()
}

/// The metadata of an object alone.
pub(super) fn partial(object: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": TABLE_VERSION, "metadata": object["metadata"]})
}

/// The same as JSON, of an object that need not be read for it.
pub(super) fn write_partial(object: &Object, out: &mut Vec<u8>) {
    let start = format!(r#"{{"kind":"PartialObjectMetadata","apiVersion":"{TABLE_VERSION}","metadata":"#);
    out.extend_from_slice(start.as_bytes());
    object.write_metadata(out);
    out.push(b'}');
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
        "columnDefinitions": if header == Header::Shown { columns.into() } else { Value::Null },
        "rows": rows,
    })
}

/// The resource version of an event's object, in the form of a table.
pub(super) fn version_of(object: &Value) -> Value {
    json!({"resourceVersion": object::resource_version(object)})
}
