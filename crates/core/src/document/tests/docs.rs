//! Documentation, JSON Schema and validator say the same of every field.

use std::collections::BTreeMap;

use plimsoll_qos::Policy;
use serde_json::{Map, Value, json};

use super::super::golden::{self, Breaker, Holds, Rule};
use super::super::{
    FIELDS, Host, Path, admit, container, files, metadata, ports, probe, publish, scale, spec, validate,
};
use super::{faults, mk_doc_with, mk_full_doc, read};
use crate::builders::mk_dcs;
use crate::error::Violation;
use crate::record::Environment;

const DOCS: &str = include_str!("../../../../../docs/app.md");
const SCHEMA: &str = include_str!("../../../../../docs/app.schema.json");

/// What the validator knows, by the name of the part in the schema.
pub(super) const PARTS: [(&str, &[&str]); 23] = [
    ("Document", FIELDS),
    ("Metadata", metadata::FIELDS),
    ("Spec", spec::FIELDS),
    ("Size", container::SIZE_FIELDS),
    ("Scale", scale::FIELDS),
    ("Replication", scale::REPLICATION_FIELDS),
    ("Autoscale", scale::AUTOSCALE_FIELDS),
    ("Port", ports::FIELDS),
    ("Probes", probe::PROBES_FIELDS),
    ("Probe", probe::PROBE_FIELDS),
    ("HttpCheck", probe::HTTP_FIELDS),
    ("TcpCheck", probe::TCP_FIELDS),
    ("ExecCheck", probe::EXEC_FIELDS),
    ("GrpcCheck", probe::GRPC_FIELDS),
    ("SecretKey", container::SECRET_KEY_FIELDS),
    ("File", files::FILE_FIELDS),
    ("SecretFile", files::SECRET_FILE_FIELDS),
    ("Scratch", files::SCRATCH_FIELDS),
    ("InitStep", container::INIT_FIELDS),
    ("Sidecar", container::SIDECAR_FIELDS),
    ("Shutdown", spec::SHUTDOWN_FIELDS),
    ("Overlay", files::OVERLAY_FIELDS),
    ("Publish", publish::FIELDS),
];

fn schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap()
}

/// The objects of the schema by name.
fn objects(schema: &Value) -> BTreeMap<&str, &Value> {
    let definitions = schema["$defs"].as_object().unwrap();
    let objects = definitions.iter().filter(|(_, definition)| definition.get("properties").is_some());
    objects.map(|(name, definition)| (name.as_str(), definition)).chain([("Document", schema)]).collect()
}

fn sorted(mut names: Vec<&str>) -> Vec<&str> {
    names.sort_unstable();
    names
}

#[test]
fn the_documentation_has_the_golden_rules_as_they_are_answered() {
    let rows = golden::TABLE.map(|golden::Row { rule, holds, by, message, remedy }| {
        let holds = match holds {
            Holds::Everywhere => "everywhere",
            Holds::InProduction => "in production",
        };
        let (Breaker::Value(fields) | Breaker::Foreign(fields)) = by;
        let fields: Vec<String> = fields.iter().map(|field| format!("`{field}`")).collect();
        format!("| `{}` | {holds} | {} | {message} | {remedy} |", rule.name(), fields.join(", "))
    });
    let (_, section) = DOCS.split_once("\n## Golden rules\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let written: Vec<&str> = section.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(written, rows);
}

#[test]
fn every_golden_rule_is_answered_as_its_row_says() {
    let dcs = mk_dcs(["dc-1", "dc-2", "dc-3"]);
    let host = Host { environment: Environment::Production, dcs: &dcs, grades: &Policy::default() };
    let good = json!({"tcp": {"port": 80}});
    for row in golden::TABLE {
        let (Breaker::Value(fields) | Breaker::Foreign(fields)) = row.by;
        for field in fields {
            let mut doc = mk_doc_with(&json!({"probes": {"readiness": good, "liveness": good}}));
            let path: Vec<String> = field.replace("DC", "dc-1").split('.').map(str::to_owned).collect();
            let value = match row.rule {
                Rule::MinReplicas => json!(2),
                Rule::NonRoot => json!(0),
                Rule::ReadinessProbe | Rule::LivenessProbe => Value::Null,
                Rule::HeapFits => json!("-Xmx900g"),
                Rule::NoPrivileged | Rule::NoHostNetwork | Rule::NoHostPath | Rule::OneContainer => {
                    json!(true)
                }
            };
            let pointer = path.iter().fold(&mut doc["spec"], |at, field| &mut at[field]);
            *pointer = value;
            if path.last().is_some_and(|last| last == "min") {
                let parent = path[..path.len() - 1].iter().fold(&mut doc["spec"], |at, field| &mut at[field]);
                parent["max"] = json!(9);
            }
            let expected = Violation::new(format!("spec.{}", path.join(".")), row.told(), row.remedy);
            let expected = vec![expected.of_rule(row.rule)];
            let refusal = admit(&doc, host).unwrap_err();
            let (told, silent) = match row.holds {
                Holds::Everywhere => (refusal.faults, refusal.broken),
                Holds::InProduction => (refusal.broken, refusal.faults),
            };
            assert_eq!((told, silent), (expected, Vec::new()), "{field}");
        }
    }
}

#[test]
fn the_schema_has_the_fields_that_the_validator_knows() {
    let schema = schema();
    let mut objects = objects(&schema);
    for (name, known) in PARTS {
        let object = objects.remove(name).unwrap_or_else(|| panic!("the schema has no {name}"));
        let properties = object["properties"].as_object().unwrap();
        assert_eq!(sorted(properties.keys().map(String::as_str).collect()), sorted(known.to_vec()), "{name}");
        assert_eq!(object["additionalProperties"], json!(false), "{name}");
    }
    assert_eq!(objects.into_keys().collect::<Vec<_>>(), Vec::<&str>::new());
}

#[test]
fn every_field_of_the_schema_says_what_it_is_and_whether_it_restarts_pods() {
    for (name, object) in objects(&schema()) {
        for (field, property) in object["properties"].as_object().unwrap() {
            assert!(
                property["description"].as_str().is_some_and(|text| text.ends_with('.')),
                "{name}.{field}"
            );
            assert!(property["x-type"].is_string(), "{name}.{field}");
            assert!(["yes", "no"].contains(&property["x-restartsPods"].as_str().unwrap()), "{name}.{field}");
        }
    }
}

#[test]
fn the_documentation_has_a_row_for_every_field_that_says_what_the_schema_says() {
    let schema = schema();
    for (name, object) in objects(&schema) {
        let heading = format!("\n### {name}\n");
        let (_, section) = DOCS.split_once(&heading).unwrap_or_else(|| panic!("no section {name}"));
        let section = section.split("\n### ").next().unwrap();
        let rows: Vec<Vec<&str>> = section
            .lines()
            .filter(|line| line.starts_with("| `"))
            .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
            .collect();
        let properties = object["properties"].as_object().unwrap();
        assert_eq!(rows.len(), properties.len(), "{name}");
        for row in rows {
            let field = row[0].trim_matches('`');
            let property = properties.get(field).unwrap_or_else(|| panic!("{name}.{field}"));
            let text = |key: &str| property.get(key).and_then(Value::as_str).unwrap_or("–");
            let required = object["required"].as_array().is_some_and(|all| all.contains(&json!(field)));
            let default = match property.get("default") {
                _ if required => "required".to_owned(),
                None => "none".to_owned(),
                Some(Value::String(text)) if !row[3].contains('"') => format!("`{text}`"),
                Some(default) => format!("`{default}`"),
            };
            let expected = [
                text("x-type"),
                text("x-unit"),
                &default,
                text("x-bound"),
                text("x-restartsPods"),
                text("description"),
            ];
            assert_eq!(row[1..], expected, "{name}.{field}");
        }
    }
}

/// Calls `visit` with each object of the document, its place as a JSON pointer, and its schema.
fn walk(schema: &Value, part: &Value, value: &Value, pointer: &str, visit: &mut impl FnMut(&str, &Value)) {
    let part = match part.get("$ref").and_then(Value::as_str) {
        Some(name) => schema.pointer(name.trim_start_matches('#')).unwrap(),
        None => part,
    };
    match value {
        Value::Object(fields) => {
            if part.get("properties").is_some() {
                visit(pointer, part);
            }
            for (name, value) in fields {
                let below = part.pointer(&format!("/properties/{name}")).or(part.get("additionalProperties"));
                let below = below.unwrap_or_else(|| panic!("{pointer}/{name} is not in the schema"));
                let name = name.replace('~', "~0").replace('/', "~1");
                walk(schema, below, value, &format!("{pointer}/{name}"), visit);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                if let Some(below) = part.get("items") {
                    walk(schema, below, value, &format!("{pointer}/{index}"), visit);
                }
            }
        }
        _ => {}
    }
}

/// Every field of every object of the full document: pointer of the object, its schema, field, its schema.
fn each_field(mut check: impl FnMut(&str, &Value, &str, &Value)) {
    let schema = schema();
    let mut seen = 0;
    walk(&schema, &schema, &mk_full_doc(), "", &mut |pointer, object| {
        for (field, property) in object["properties"].as_object().unwrap() {
            check(pointer, object, field, property);
            seen += 1;
        }
    });
    assert!(seen > 150, "only {seen} fields were seen");
}

fn object_at<'v>(doc: &'v mut Value, pointer: &str) -> &'v mut Map<String, Value> {
    doc.pointer_mut(pointer).and_then(Value::as_object_mut).unwrap()
}

#[test]
fn every_field_is_read_required_and_defaulted_as_the_schema_says() {
    read(&mk_full_doc());
    each_field(|pointer, object, field, property| {
        let mut doc = mk_full_doc();
        if object_at(&mut doc, pointer).remove(field).is_none() {
            return;
        }
        let required = object["required"].as_array().is_some_and(|all| all.contains(&json!(field)));
        let missing =
            faults(&doc).iter().any(|fault| fault.ends_with(&format!("this is missing; add `{field}`")));
        assert_eq!(missing, required, "{pointer}/{field}");
        let default = property.get("default").filter(|d| !d.is_object() && !d.is_array());
        if let (Some(default), Ok(document)) = (default, validate(&doc)) {
            let filled = document.to_value();
            assert_eq!(filled.pointer(&format!("{pointer}/{field}")), Some(default), "{pointer}/{field}");
        }
    });
}

#[test]
fn every_field_refuses_a_value_of_another_kind() {
    each_field(|pointer, _, field, _| {
        for wrong in [json!(true), json!([[[]]])] {
            let mut doc = mk_full_doc();
            object_at(&mut doc, pointer).insert(field.to_owned(), wrong);
            assert_ne!(faults(&doc), Vec::<String>::new(), "{pointer}/{field}");
        }
    });
}

/// The place of a JSON pointer into the full document, as paths are told.
fn place(pointer: &str) -> Path {
    let doc = mk_full_doc();
    let mut at = String::new();
    pointer.split('/').skip(1).fold(Path::root(), |path, step| {
        let in_list = doc.pointer(&at).is_some_and(Value::is_array);
        at = format!("{at}/{step}");
        if in_list { path.index(step.parse().unwrap()) } else { path.field(step) }
    })
}

#[test]
fn numbers_and_words_have_the_bounds_of_the_schema() {
    each_field(|pointer, _, field, property| {
        let path = place(pointer).field(field).to_string();
        let refused = |value: &Value, why: &str| {
            let mut doc = mk_full_doc();
            object_at(&mut doc, pointer).insert(field.to_owned(), value.clone());
            let told = validate(&doc).err().unwrap_or_default();
            told.iter().any(|fault| fault.path == path && fault.message.contains(why))
        };
        if let (Some(min), Some(max)) = (property["minimum"].as_i64(), property["maximum"].as_i64()) {
            for (number, within) in [(min - 1, false), (min, true), (max, true), (max + 1, false)] {
                // The user 0 is refused in words of its own.
                let why = if path == "spec.user" && number == 0 { "root" } else { "whole number" };
                assert_eq!(refused(&json!(number), why), !within, "{path}: {number}");
            }
        }
        for word in property["enum"].as_array().into_iter().flatten() {
            assert!(!refused(word, ""), "{path}: {word}");
        }
        if property.get("enum").is_some() {
            assert!(refused(&json!("other"), ""), "{path}");
        }
    });
}
