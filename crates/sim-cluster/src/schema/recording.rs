//! How the OpenAPI documents of a real server become the files under `schemas/`: which documents, what is
//! kept of them, and how they are written, so that recording twice gives the same bytes.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::GzDecoder;

use super::openapi::ref_target;
use crate::tree::{Map, Text, Value, json};

/// The documents that are recorded, as paths below `/openapi/v3/`.
pub const DOCUMENTS: [&str; 9] = [
    "api/v1",
    "apis/apiextensions.k8s.io/v1",
    "apis/apps/v1",
    "apis/autoscaling/v2",
    "apis/coordination.k8s.io/v1",
    "apis/discovery.k8s.io/v1",
    "apis/events.k8s.io/v1",
    "apis/policy/v1",
    "apis/scheduling.k8s.io/v1",
];

/// The query parameters of a patch that clients look for before they use them.
const PARAMETERS: [&str; 4] = ["dryRun", "fieldManager", "fieldValidation", "force"];

/// The name of the file under `schemas/` that holds a document.
pub fn file_name(document: &str) -> String {
    format!("{}.json.gz", document.replace('/', "_"))
}

/// Reduces a server's document to its structure: patch operations with their query parameters, and the
/// schemas without prose. Everything that decides how objects are merged, defaulted and checked stays.
pub fn strip(document: &Value) -> Value {
    let mut paths = Map::new();
    for (path, item) in document.get("paths").and_then(Value::as_object).into_iter().flatten() {
        if let Some(patch) = item.get("patch") {
            paths.insert(path.clone(), json!({ "patch": strip_operation(item, patch) }));
        }
    }
    let empty = Map::new();
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object).unwrap_or(&empty);
    let kept: Map = reachable(schemas)
        .into_iter()
        .filter_map(|name| schemas.get(&name).map(|schema| (name, strip_schema(schema))))
        .collect();
    json!({
        "openapi": document.get("openapi"),
        "info": document.get("info"),
        "paths": paths,
        "components": { "schemas": kept },
    })
}

/// Writes a stripped document as it is checked in: keys sorted, no timestamp in the header.
pub fn encode(document: &Value) -> std::io::Result<Vec<u8>> {
    let mut encoder = flate2::GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    encoder.write_all(sorted(document).to_string().as_bytes())?;
    encoder.finish()
}

/// Reads what [`encode`] wrote.
pub fn decode(bytes: &[u8]) -> std::io::Result<Value> {
    let mut text = String::new();
    GzDecoder::new(bytes).read_to_string(&mut text)?;
    Ok(serde_json::from_str(&text)?)
}

fn strip_operation(item: &Value, operation: &Value) -> Value {
    let own = operation.get("parameters").and_then(Value::as_array);
    let shared = item.get("parameters").and_then(Value::as_array);
    let mut parameters: Vec<Value> = own
        .into_iter()
        .chain(shared)
        .flatten()
        .filter(|parameter| parameter.get("in").and_then(Value::as_str) == Some("query"))
        .filter(|parameter| {
            parameter.get("name").and_then(Value::as_str).is_some_and(|name| PARAMETERS.contains(&name))
        })
        .map(|parameter| {
            json!({ "name": parameter.get("name"), "in": "query", "schema": parameter.get("schema") })
        })
        .collect();
    parameters.sort_by_key(|parameter| parameter["name"].to_string());
    json!({
        "operationId": operation.get("operationId"),
        "parameters": parameters,
        "responses": { "200": { "description": "OK" } },
        "x-kubernetes-action": operation.get("x-kubernetes-action"),
        "x-kubernetes-group-version-kind": operation.get("x-kubernetes-group-version-kind"),
    })
}

/// The kinds, and every type that they are made of.
fn reachable(schemas: &Map) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut pending: Vec<&str> = schemas
        .iter()
        .filter(|(_, schema)| schema.get("x-kubernetes-group-version-kind").is_some())
        .map(|(name, _)| name.as_str())
        .collect();
    while let Some(name) = pending.pop() {
        if found.insert(name.to_owned())
            && let Some(schema) = schemas.get(name)
        {
            collect_refs(schema, &mut pending);
        }
    }
    found
}

fn collect_refs<'a>(schema: &'a Value, found: &mut Vec<&'a str>) {
    if let Some(target) = ref_target(schema) {
        found.push(target);
    }
    match schema {
        Value::Object(map) => map.values().for_each(|value| collect_refs(value, found)),
        Value::Array(list) => list.iter().for_each(|value| collect_refs(value, found)),
        _ => {}
    }
}

/// Drops the prose of a schema and of the schemas in it, but not a property that is called `description`.
fn strip_schema(schema: &Value) -> Value {
    let Value::Object(map) = schema else {
        return schema.clone();
    };
    let mut kept = Map::new();
    for (key, value) in map {
        let value = match (key.as_str(), value) {
            ("description" | "example" | "externalDocs", _) => continue,
            ("properties", Value::Object(properties)) => {
                properties.iter().map(|(name, member)| (name.clone(), strip_schema(member))).collect()
            }
            ("items" | "additionalProperties" | "not", member) => strip_schema(member),
            ("allOf" | "oneOf" | "anyOf", Value::Array(members)) => {
                members.iter().map(strip_schema).collect()
            }
            _ => value.clone(),
        };
        kept.insert(key.clone(), value);
    }
    Value::Object(kept)
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&Text> = map.keys().collect();
            keys.sort();
            keys.into_iter().map(|key| (key.clone(), sorted(&value[key]))).collect()
        }
        Value::Array(list) => list.iter().map(sorted).collect(),
        other => other.clone(),
    }
}
