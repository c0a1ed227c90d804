//! `OpenAPI` v3: the recorded documents of the built-in groups, and generated ones for custom resources.

use std::collections::BTreeSet;

use crate::api::Api;
use crate::digest::sha256;
use crate::tree::{Map, Value, json};

/// The index of documents; the hash in each address changes with the document, so that clients may cache.
pub(super) fn index(api: &Api) -> Value {
    let mut paths = Map::new();
    let custom = custom_paths(api);
    for path in api.schemas.paths().map(str::to_owned).chain(custom) {
        let hash = document(api, &path).map(|document| sha256(document.to_string())).unwrap_or_default();
        paths.insert(path.clone(), json!({"serverRelativeURL": format!("/openapi/v3/{path}?hash={hash}")}));
    }
    json!({"paths": paths})
}

/// One document.
pub(super) fn document(api: &Api, path: &str) -> Option<Value> {
    if let Some(recorded) = api.schemas.document(path) {
        return Some(Value::clone(&recorded));
    }
    let (group, version) = path.strip_prefix("apis/")?.split_once('/')?;
    let mut joined: Option<Value> = None;
    for resource in api.registry.all().iter().filter(|resource| resource.group == group) {
        let document = resource.definition.as_ref().and_then(|definition| definition.openapi_v3(version));
        match (&mut joined, document) {
            (_, None) => {}
            (None, Some(document)) => joined = Some(document.clone()),
            (Some(joined), Some(document)) => {
                join(joined, document, "/paths");
                join(joined, document, "/components/schemas");
            }
        }
    }
    joined
}

/// Adds the entries of one document's map to another's.
fn join(into: &mut Value, from: &Value, pointer: &str) {
    let Some(Value::Object(added)) = from.pointer(pointer) else { return };
    if let Some(Value::Object(held)) = into.pointer_mut(pointer) {
        held.extend(added.clone());
    }
}

fn custom_paths(api: &Api) -> BTreeSet<String> {
    let custom = api.registry.all().into_iter().filter(|resource| resource.is_custom());
    custom
        .flat_map(|resource| {
            resource
                .versions
                .iter()
                .map(|version| format!("apis/{}/{}", resource.group, version.name))
                .collect::<Vec<_>>()
        })
        .collect()
}
