//! `/openapi.json` is OpenAPI 3.1 by the specification's own schema, and nothing in it leads nowhere.

use std::collections::BTreeSet;

use serde_json::{Value, json};

const SCHEMA: &str = include_str!("openapi/schema-3.1.json");

fn document() -> Value {
    json!(plimsoll_api_rest::openapi())
}

fn faults(document: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap_or_default();
    match jsonschema::validator_for(&schema) {
        Ok(schema) => {
            schema.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
        }
        Err(error) => vec![format!("the schema of OpenAPI 3.1: {error}")],
    }
}

/// All values of `key` anywhere in the tree.
fn all<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get(key));
            fields.values().for_each(|value| all(value, key, found));
        }
        Value::Array(items) => items.iter().for_each(|value| all(value, key, found)),
        _ => {}
    }
}

#[test]
fn the_document_is_openapi_3_1() {
    assert_eq!(faults(&document()), Vec::<String>::new());
}

#[test]
fn what_is_not_openapi_3_1_is_noticed() {
    for (place, value) in [
        ("/openapi", json!("3.0.3")),
        ("/info", json!({"title": "no version"})),
        ("/paths/~1v1~1apps/get/parameters/0/in", json!("somewhere")),
        ("/paths/~1v1~1apps/get/responses/200", json!("ok")),
    ] {
        let mut document = document();
        *document.pointer_mut(place).unwrap_or_else(|| panic!("there is no {place}")) = value;
        assert!(!faults(&document).is_empty(), "{place}");
    }
}

#[test]
fn every_schema_in_it_is_a_json_schema() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    assert!(schemas.len() > 20);
    for (name, schema) in schemas {
        let mut schema = schema.clone();
        schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
        let checked = jsonschema::meta::validate(&schema);
        assert!(checked.is_ok(), "{name}: {:?}", checked.err().map(|error| error.to_string()));
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_operation_has_a_name_of_its_own() {
    let document = document();
    let mut references = Vec::new();
    all(&document, "$ref", &mut references);
    assert!(references.len() > 20);
    for reference in references {
        let place = reference.as_str().and_then(|reference| reference.strip_prefix('#'));
        assert!(place.and_then(|place| document.pointer(place)).is_some(), "{reference}");
    }
    let mut ids = Vec::new();
    all(&document["paths"], "operationId", &mut ids);
    let names: BTreeSet<_> = ids.iter().filter_map(|id| id.as_str()).collect();
    assert_eq!(names.len(), ids.len(), "{ids:?}");
}

#[test]
fn every_parameter_of_a_path_is_described_and_no_other() {
    for (path, item) in document()["paths"].as_object().unwrap() {
        let in_path: BTreeSet<&str> =
            path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        for (method, operation) in item.as_object().unwrap() {
            let described = operation["parameters"].as_array().into_iter().flatten();
            let described: BTreeSet<&str> = described
                .filter(|parameter| parameter["in"] == "path")
                .filter_map(|parameter| parameter["name"].as_str())
                .collect();
            assert_eq!(described, in_path, "{method} {path}");
        }
    }
}
