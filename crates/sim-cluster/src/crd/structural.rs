//! The schema of a custom resource, parsed once from the definition.

use std::collections::BTreeMap;

use regex::Regex;

use super::fault::{FieldError, Reason, child, index, key};
use crate::tree::Value;

/// One node of a structural schema.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one flag of the dialect, set independently")]
pub(super) struct Structural {
    pub(super) kind: Option<Kind>,
    pub(super) nullable: bool,
    pub(super) default: Option<Value>,
    pub(super) preserve_unknown: bool,
    pub(super) embedded_resource: bool,
    pub(super) int_or_string: bool,
    pub(super) list_type: Option<ListType>,
    /// Replaced as a whole: what is in it has no counterpart in an older object.
    pub(super) atomic_map: bool,
    pub(super) properties: BTreeMap<String, Structural>,
    pub(super) additional: Additional,
    pub(super) items: Option<Box<Structural>>,
    pub(super) checks: Checks,
    pub(super) rules: Vec<RuleSource>,
}

/// The JSON types of the OpenAPI dialect of CRDs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Object,
    Array,
    String,
    Integer,
    Number,
    Boolean,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Array => "array",
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Object, Self::Array, Self::String, Self::Integer, Self::Number, Self::Boolean]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ListType {
    Atomic,
    Set,
    Map { keys: Vec<String> },
}

/// What other keys than the declared ones may hold.
#[derive(Debug, Clone, Default)]
pub(super) enum Additional {
    /// Nothing is said: they are pruned unless unknown fields are preserved.
    #[default]
    Unspecified,
    /// Anything.
    Anything,
    /// Values of this schema.
    Schema(Box<Structural>),
}

impl Additional {
    pub(super) fn schema(&self) -> Option<&Structural> {
        match self {
            Self::Schema(schema) => Some(schema),
            Self::Unspecified | Self::Anything => None,
        }
    }
}

/// The value checks of a node.
#[derive(Debug, Clone, Default)]
pub(super) struct Checks {
    pub(super) allowed: Vec<Value>,
    pub(super) minimum: Option<Bound>,
    pub(super) maximum: Option<Bound>,
    pub(super) multiple_of: Option<f64>,
    pub(super) min_length: Option<u64>,
    pub(super) max_length: Option<u64>,
    pub(super) pattern: Option<Regex>,
    pub(super) format: Option<String>,
    pub(super) min_items: Option<u64>,
    pub(super) max_items: Option<u64>,
    pub(super) min_properties: Option<u64>,
    pub(super) max_properties: Option<u64>,
    pub(super) required: Vec<String>,
    pub(super) all_of: Vec<Structural>,
    pub(super) any_of: Vec<Structural>,
    pub(super) one_of: Vec<Structural>,
    pub(super) not: Option<Box<Structural>>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Bound {
    pub(super) value: f64,
    pub(super) exclusive: bool,
}

/// A rule as the definition has it.
#[derive(Debug, Clone, Default)]
pub(super) struct RuleSource {
    pub(super) rule: String,
    pub(super) message: String,
    pub(super) message_expression: String,
    pub(super) reason: Option<String>,
    pub(super) field_path: String,
    pub(super) optional_old_self: bool,
}

/// Where a node stands; some things are allowed in some places only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Field,
    Item,
    /// Under `allOf`, `anyOf`, `oneOf` or `not`, where only values may be checked.
    Junctor,
}

impl Structural {
    /// Parses the schema of a version; every fault found is reported.
    pub(super) fn parse(schema: &Value, path: &str) -> Result<Self, Vec<FieldError>> {
        let mut parser = Parser { faults: Vec::new() };
        let root = parser.node(schema, path, Level::Root);
        if parser.faults.is_empty() { Ok(root) } else { Err(parser.faults) }
    }

    /// The schema of a field, declared or not.
    pub(super) fn field(&self, name: &str) -> Option<&Self> {
        self.properties.get(name).or_else(|| self.additional.schema())
    }
}

struct Parser {
    faults: Vec<FieldError>,
}

impl Parser {
    fn node(&mut self, schema: &Value, path: &str, level: Level) -> Structural {
        let text = |name: &str| schema.get(name).and_then(Value::as_str).unwrap_or_default();
        let flag = |name: &str| schema.get(name).and_then(Value::as_bool).unwrap_or(false);
        let mut node = Structural {
            kind: Kind::parse(text("type")),
            nullable: flag("nullable"),
            default: schema.get("default").cloned(),
            preserve_unknown: flag("x-kubernetes-preserve-unknown-fields"),
            embedded_resource: flag("x-kubernetes-embedded-resource"),
            int_or_string: flag("x-kubernetes-int-or-string"),
            list_type: self.list_type(schema, path),
            atomic_map: text("x-kubernetes-map-type") == "atomic",
            rules: self.rules(schema, path),
            ..Structural::default()
        };
        self.kind(&node, text("type"), path, level);
        self.children(&mut node, schema, path, level);
        node.checks = self.checks(schema, path);
        self.unsupported(schema, path);
        node
    }

    fn kind(&mut self, node: &Structural, given: &str, path: &str, level: Level) {
        let at = child(path, "type");
        if !given.is_empty() && node.kind.is_none() {
            let known = ["array", "boolean", "integer", "number", "object", "string"].map(str::to_owned);
            self.faults.push(FieldError::not_supported(&at, &Value::from(given), &known));
            return;
        }
        let missing = given.is_empty() && !node.int_or_string && !node.preserve_unknown;
        match level {
            Level::Junctor if !given.is_empty() => {
                self.faults.push(FieldError::plain(&at, Reason::Forbidden, "must be empty to be structural"));
            }
            Level::Root if missing => {
                self.faults.push(FieldError::required(&at, "must not be empty at the root"));
            }
            Level::Root if node.kind.is_some_and(|kind| kind != Kind::Object) => {
                self.faults.push(FieldError::invalid(&at, given, "must be object at the root"));
            }
            Level::Field if missing => {
                self.faults.push(FieldError::required(&at, "must not be empty for specified object fields"));
            }
            Level::Item if missing => {
                self.faults.push(FieldError::required(&at, "must not be empty for specified array items"));
            }
            _ => {}
        }
        if node.embedded_resource && node.kind != Some(Kind::Object) {
            let detail = "must be object if x-kubernetes-embedded-resource is true";
            self.faults.push(FieldError::required(&at, detail));
        }
    }

    fn children(&mut self, node: &mut Structural, schema: &Value, path: &str, level: Level) {
        let below = if level == Level::Junctor { Level::Junctor } else { Level::Field };
        for (name, member) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let at = key(&child(path, "properties"), name);
            node.properties.insert(name.to_string(), self.node(member, &at, below));
        }
        let at = child(path, "additionalProperties");
        match schema.get("additionalProperties") {
            None | Some(Value::Bool(false)) => {}
            Some(_) if level == Level::Root => {
                self.faults.push(FieldError::plain(&at, Reason::Forbidden, "must not be used at the root"));
            }
            Some(Value::Bool(true)) => node.additional = Additional::Anything,
            Some(values) if node.properties.is_empty() => {
                node.additional = Additional::Schema(Box::new(self.node(values, &at, below)));
            }
            Some(_) => {
                let detail = "additionalProperties and properties are mutual exclusive";
                self.faults.push(FieldError::plain(&at, Reason::Forbidden, detail));
            }
        }
        let below = if level == Level::Junctor { Level::Junctor } else { Level::Item };
        match schema.get("items") {
            Some(items) => node.items = Some(Box::new(self.node(items, &child(path, "items"), below))),
            None if node.kind == Some(Kind::Array) => {
                self.faults.push(FieldError::required(&child(path, "items"), "must be specified"));
            }
            None => {}
        }
        if level == Level::Root
            && let Some(metadata) = node.properties.get("metadata")
        {
            let restricted = metadata.properties.keys().all(|name| name == "name" || name == "generateName");
            if !restricted || metadata.kind != Some(Kind::Object) {
                let at = key(&child(path, "properties"), "metadata");
                let detail = "must not specify anything other than name and generateName, but metadata is implicitly specified";
                self.faults.push(FieldError::plain(&at, Reason::Forbidden, detail));
            }
        }
    }

    fn checks(&mut self, schema: &Value, path: &str) -> Checks {
        let count = |name: &str| schema.get(name).and_then(Value::as_u64);
        let bound = |name: &str, exclusive: &str| {
            let exclusive = schema.get(exclusive).and_then(Value::as_bool).unwrap_or(false);
            schema.get(name).and_then(Value::as_f64).map(|value| Bound { value, exclusive })
        };
        let pattern = schema.get("pattern").and_then(Value::as_str).filter(|pattern| !pattern.is_empty());
        let pattern = pattern.and_then(|pattern| match Regex::new(pattern) {
            Ok(compiled) => Some(compiled),
            Err(error) => {
                let detail = format!("must be a valid regular expression, but isn't: {error}");
                self.faults.push(FieldError::invalid(&child(path, "pattern"), pattern, &detail));
                None
            }
        });
        let strings = |name: &str| -> Vec<String> {
            let list = schema.get(name).and_then(Value::as_array);
            list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        Checks {
            allowed: schema
                .get("enum")
                .and_then(Value::as_array)
                .map(|list| list.to_vec())
                .unwrap_or_default(),
            minimum: bound("minimum", "exclusiveMinimum"),
            maximum: bound("maximum", "exclusiveMaximum"),
            multiple_of: schema.get("multipleOf").and_then(Value::as_f64),
            min_length: count("minLength"),
            max_length: count("maxLength"),
            pattern,
            format: schema.get("format").and_then(Value::as_str).map(str::to_owned),
            min_items: count("minItems"),
            max_items: count("maxItems"),
            min_properties: count("minProperties"),
            max_properties: count("maxProperties"),
            required: strings("required"),
            all_of: self.junctor(schema, "allOf", path),
            any_of: self.junctor(schema, "anyOf", path),
            one_of: self.junctor(schema, "oneOf", path),
            not: schema.get("not").map(|not| Box::new(self.node(not, &child(path, "not"), Level::Junctor))),
        }
    }

    fn junctor(&mut self, schema: &Value, name: &str, path: &str) -> Vec<Structural> {
        let members = schema.get(name).and_then(Value::as_array).into_iter().flatten();
        let int_or_string =
            schema.get("x-kubernetes-int-or-string").and_then(Value::as_bool).unwrap_or(false);
        members
            .enumerate()
            .map(|(at, member)| {
                let path = index(&child(path, name), at);
                // `anyOf: [{type: integer}, {type: string}]` spells out int-or-string and is allowed there.
                if int_or_string && member.get("type").is_some() {
                    let kind = member.get("type").and_then(Value::as_str).and_then(Kind::parse);
                    return Structural { kind, ..Structural::default() };
                }
                self.node(member, &path, Level::Junctor)
            })
            .collect()
    }

    fn list_type(&mut self, schema: &Value, path: &str) -> Option<ListType> {
        let keys = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array);
        let keys: Vec<String> =
            keys.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        let at = child(path, "x-kubernetes-list-map-keys");
        match schema.get("x-kubernetes-list-type").and_then(Value::as_str)? {
            "atomic" => Some(ListType::Atomic),
            "set" => Some(ListType::Set),
            "map" if keys.is_empty() => {
                let detail = "must not be empty if x-kubernetes-list-type is map";
                self.faults.push(FieldError::required(&at, detail));
                None
            }
            "map" => {
                for name in &keys {
                    if schema.pointer("/items/properties").and_then(|fields| fields.get(name)).is_none() {
                        let detail = "entries must all be names of item properties";
                        self.faults.push(FieldError::invalid(&at, keys.clone(), detail));
                    }
                }
                Some(ListType::Map { keys })
            }
            other => {
                let known = ["atomic", "map", "set"].map(str::to_owned);
                let at = child(path, "x-kubernetes-list-type");
                self.faults.push(FieldError::not_supported(&at, &Value::from(other), &known));
                None
            }
        }
    }

    fn rules(&mut self, schema: &Value, path: &str) -> Vec<RuleSource> {
        let rules = schema.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten();
        let mut parsed = Vec::new();
        for (i, rule) in rules.enumerate() {
            let text = |name: &str| rule.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let source = RuleSource {
                rule: text("rule"),
                message: text("message"),
                message_expression: text("messageExpression"),
                reason: rule.get("reason").and_then(Value::as_str).map(str::to_owned),
                field_path: text("fieldPath"),
                optional_old_self: rule.get("optionalOldSelf").and_then(Value::as_bool).unwrap_or(false),
            };
            if source.rule.trim().is_empty() {
                let at = child(&index(&child(path, "x-kubernetes-validations"), i), "rule");
                self.faults.push(FieldError::required(&at, "rule is not specified"));
            }
            parsed.push(source);
        }
        parsed
    }

    /// What the dialect forbids altogether.
    fn unsupported(&mut self, schema: &Value, path: &str) {
        for name in ["definitions", "dependencies", "$ref", "patternProperties", "additionalItems"] {
            if schema.get(name).is_some_and(|value| !value.is_null()) {
                let detail = format!("{name} is not supported");
                self.faults.push(FieldError::plain(&child(path, name), Reason::Forbidden, &detail));
            }
        }
        if schema.get("uniqueItems").and_then(Value::as_bool) == Some(true) {
            let detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
            self.faults.push(FieldError::plain(&child(path, "uniqueItems"), Reason::Forbidden, detail));
        }
    }
}
