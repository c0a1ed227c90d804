//! `x-kubernetes-validations`: rules in CEL over an object and what it was before.

use std::sync::{Arc, LazyLock};

use cel::{Context, Env, Program};

use super::cel_check;
use super::cel_value::to_cel;
use super::fault::{FieldError, Reason, child, index, key};
use super::structural::{Additional, ListType, RuleSource, Structural};
use crate::schema::golang;
use crate::tree::{Map, Value};

static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// The compiled rules of a schema, in the shape of the schema.
#[derive(Debug, Default)]
pub(super) struct Rules {
    here: Vec<Rule>,
    properties: Vec<(String, Rules)>,
    additional: Option<Box<Rules>>,
    items: Option<Box<Rules>>,
}

#[derive(Debug)]
struct Rule {
    source: RuleSource,
    program: Program,
    message: Option<Program>,
    uses_old_self: bool,
}

/// Whether a node is the resource itself, which has fields that the schema does not declare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Resource,
    Inside,
}

impl Rules {
    /// Compiles every rule of a schema, and refuses those that this server could not evaluate faithfully.
    pub(super) fn compile(schema: &Structural, path: &str) -> Result<Self, Vec<FieldError>> {
        let mut faults = Vec::new();
        let rules = compile(schema, path, Place::Resource, None, &mut faults).unwrap_or_default();
        if faults.is_empty() { Ok(rules) } else { Err(faults) }
    }

    /// Whether there is no rule at all.
    pub(super) fn is_empty(&self) -> bool {
        self.here.is_empty()
            && self.properties.is_empty()
            && self.additional.is_none()
            && self.items.is_none()
    }

    /// Evaluates every rule; transition rules only where there is an old value to compare with.
    pub(super) fn evaluate(&self, schema: &Structural, new: &Value, old: Option<&Value>) -> Vec<FieldError> {
        let mut faults = Vec::new();
        let node = Node { schema, path: "", place: Place::Resource };
        self.walk(node, new, old, &mut faults);
        faults
    }

    fn walk(&self, node: Node<'_>, new: &Value, old: Option<&Value>, faults: &mut Vec<FieldError>) {
        if new.is_null() {
            return;
        }
        for rule in &self.here {
            faults.extend(rule.evaluate(node, new, old.filter(|old| !old.is_null())));
        }
        match new {
            Value::Object(fields) => self.walk_fields(node, fields, old, faults),
            Value::Array(items) => self.walk_items(node, items, old, faults),
            _ => {}
        }
    }

    fn walk_fields(&self, node: Node<'_>, fields: &Map, old: Option<&Value>, faults: &mut Vec<FieldError>) {
        let old = old.filter(|_| !node.schema.atomic_map);
        let old = |name: &str| old.and_then(|old| old.get(name));
        for (name, rules) in &self.properties {
            if let (Some(value), Some(schema)) = (fields.get(name), node.schema.properties.get(name)) {
                let path = child(node.path, name);
                rules.walk(Node::inside(schema, &path), value, old(name), faults);
            }
        }
        if let (Some(rules), Additional::Schema(schema)) = (&self.additional, &node.schema.additional) {
            for (name, value) in fields {
                let path = key(node.path, name);
                rules.walk(Node::inside(schema, &path), value, old(name), faults);
            }
        }
    }

    fn walk_items(&self, node: Node<'_>, items: &[Value], old: Option<&Value>, faults: &mut Vec<FieldError>) {
        let (Some(rules), Some(schema)) = (&self.items, node.schema.items.as_deref()) else { return };
        let old = old.and_then(Value::as_array);
        for (i, item) in items.iter().enumerate() {
            let path = index(node.path, i);
            let counterpart = match &node.schema.list_type {
                Some(ListType::Map { keys }) => old.and_then(|old| {
                    old.iter().find(|other| keys.iter().all(|key| other.get(key) == item.get(key)))
                }),
                _ => None,
            };
            rules.walk(Node::inside(schema, &path), item, counterpart, faults);
        }
    }
}

/// A node of the schema and where the walk met it.
#[derive(Clone, Copy)]
struct Node<'a> {
    schema: &'a Structural,
    path: &'a str,
    place: Place,
}

impl<'a> Node<'a> {
    fn inside(schema: &'a Structural, path: &'a str) -> Self {
        Self { schema, path, place: Place::Inside }
    }
}

impl Rule {
    fn evaluate(&self, node: Node<'_>, new: &Value, old: Option<&Value>) -> Option<FieldError> {
        if self.uses_old_self && old.is_none() && !self.source.optional_old_self {
            return None;
        }
        let context = self.context(node, new, old);
        let kind = node.schema.kind.map_or("", super::structural::Kind::as_str);
        match self.program.execute(&context) {
            Ok(cel::Value::Bool(true)) => None,
            Ok(_) if !self.uses_old_self && old == Some(new) => None,
            Ok(_) => Some(self.fault(node, new, &self.words(&context))),
            Err(error) => {
                let rule = self.text();
                let detail = match &error {
                    cel::ExecutionError::NoSuchKey(name) => {
                        format!("no such key: {name} evaluating rule: {rule}")
                    }
                    cel::ExecutionError::NoSuchOverload(_) => format!(
                        "'no such overload': call arguments did not match a supported operator, function or \
                         macro signature for rule: {rule}"
                    ),
                    cel::ExecutionError::DivisionByZero(_) => {
                        format!("division by zero evaluating rule: {rule}")
                    }
                    cel::ExecutionError::RemainderByZero(_) => {
                        format!("modulus by zero evaluating rule: {rule}")
                    }
                    cel::ExecutionError::Overflow(..) => format!("integer overflow evaluating rule: {rule}"),
                    other => format!("{other} evaluating rule: {rule}"),
                };
                Some(FieldError::invalid(node.path, kind, &detail))
            }
        }
    }

    fn context(&self, node: Node<'_>, new: &Value, old: Option<&Value>) -> Context<'static, 'static> {
        let mut context = Context::with_env(Arc::clone(&ENV));
        context.add_variable_from_value("self", to_cel(new, node.schema, node.place));
        if self.uses_old_self {
            let old = old.map(|old| to_cel(old, node.schema, node.place));
            if self.source.optional_old_self {
                context.add_variable_from_value("oldSelf", optional(old));
            } else if let Some(old) = old {
                context.add_variable_from_value("oldSelf", old);
            }
        }
        context
    }

    /// The message of the rule, or what its message expression says.
    fn words(&self, context: &Context<'_, '_>) -> String {
        if let Some(program) = &self.message
            && let Ok(cel::Value::String(text)) = program.execute(context)
            && !text.trim().is_empty()
            && !text.contains('\n')
        {
            return text.trim().to_owned();
        }
        if self.source.message.is_empty() {
            format!("failed rule: {}", self.text())
        } else {
            self.source.message.trim().to_owned()
        }
    }

    /// What errors call the rule: its message, or else the rule itself.
    fn text(&self) -> &str {
        let name = if self.source.message.is_empty() { &self.source.rule } else { &self.source.message };
        name.trim()
    }

    fn fault(&self, node: Node<'_>, new: &Value, detail: &str) -> FieldError {
        let path = match self.source.field_path.strip_prefix('.') {
            Some(field) => child(node.path, field),
            None => node.path.to_owned(),
        };
        let compound = new.is_object() || new.is_array();
        match self.source.reason.as_deref() {
            Some("FieldValueForbidden") => FieldError::plain(&path, Reason::Forbidden, detail),
            Some("FieldValueRequired") => FieldError::required(&path, detail),
            Some("FieldValueDuplicate") if compound => FieldError::plain(&path, Reason::Duplicate, ""),
            Some("FieldValueDuplicate") => FieldError::of_value(&path, Reason::Duplicate, new, ""),
            _ if compound => FieldError::plain(&path, Reason::Invalid, detail),
            _ => FieldError::invalid(&path, new.clone(), detail),
        }
    }
}

/// A CEL optional; the crate builds them only by evaluating an expression.
fn optional(value: Option<cel::Value>) -> cel::Value {
    let mut context = Context::with_env(Arc::clone(&ENV));
    let source = if value.is_some() { "optional.of(value)" } else { "optional.none()" };
    if let Some(value) = value {
        context.add_variable_from_value("value", value);
    }
    let outcome = ENV.compile(source).ok().and_then(|program| program.execute(&context).ok());
    outcome.unwrap_or(cel::Value::Null)
}

/// Compiles a node and what is below it; `uncorrelated` is the list in which old values have no counterpart.
fn compile(
    schema: &Structural,
    path: &str,
    place: Place,
    uncorrelated: Option<&str>,
    faults: &mut Vec<FieldError>,
) -> Option<Rules> {
    let mut rules = Rules::default();
    for (i, source) in schema.rules.iter().enumerate() {
        let at = index(&child(path, "x-kubernetes-validations"), i);
        match compile_rule(source, schema, place, uncorrelated, &at) {
            Ok(rule) => rules.here.push(rule),
            Err(fault) => faults.push(fault),
        }
    }
    for (name, property) in &schema.properties {
        let at = key(&child(path, "properties"), name);
        let uncorrelated = if schema.atomic_map { uncorrelated.or(Some(path)) } else { uncorrelated };
        if let Some(below) = compile(property, &at, Place::Inside, uncorrelated, faults) {
            rules.properties.push((name.clone(), below));
        }
    }
    if let Additional::Schema(values) = &schema.additional {
        let at = child(path, "additionalProperties");
        let below = compile(values, &at, Place::Inside, uncorrelated, faults);
        rules.additional = below.map(Box::new);
    }
    if let Some(items) = schema.items.as_deref() {
        let correlated = matches!(schema.list_type, Some(ListType::Map { .. }));
        let uncorrelated = if correlated { uncorrelated } else { uncorrelated.or(Some(path)) };
        let below = compile(items, &child(path, "items"), Place::Inside, uncorrelated, faults);
        rules.items = below.map(Box::new);
    }
    (!rules.is_empty()).then_some(rules)
}

/// A complaint about a place in a rule, with the line and a mark under the place.
fn located(text: &str, offset: usize, words: &str) -> String {
    let before: String = text.chars().take(offset).collect();
    let row = before.matches('\n').count();
    let column = before.chars().rev().take_while(|character| *character != '\n').count();
    let line = text.lines().nth(row).unwrap_or_default();
    let mark = ".".repeat(column);
    format!("ERROR: <input>:{}:{}: {words}\n | {line}\n | {mark}^", row + 1, column + 1)
}

impl RuleSource {
    /// The rule as errors show it: the server's internal struct, in its field order.
    fn shown(&self) -> String {
        let text = |text: &str| golang::json(&Value::from(text));
        format!(
            "{{\"Rule\":{},\"Message\":{},\"MessageExpression\":{},\"Reason\":{},\"FieldPath\":{},\"OptionalOldSelf\":{}}}",
            text(&self.rule),
            text(&self.message),
            text(&self.message_expression),
            self.reason.as_deref().map_or_else(|| "null".to_owned(), text),
            text(&self.field_path),
            if self.optional_old_self { "true" } else { "null" },
        )
    }
}

fn compile_rule(
    source: &RuleSource,
    schema: &Structural,
    place: Place,
    uncorrelated: Option<&str>,
    path: &str,
) -> Result<Rule, FieldError> {
    let compiled = |text: &str, name: &str| {
        let at = child(path, name);
        let refused =
            |words: &str| FieldError::printed(&at, &source.shown(), &format!("compilation failed: {words}"));
        let program = ENV.compile(text).map_err(|error| refused(&error.to_string()))?;
        let checked = cel_check::check(program.expression(), schema, place, source.optional_old_self);
        checked.map_err(|problem| match problem {
            cel_check::Problem::Undeclared { expression, words } => {
                let start = program.source_info().offset_for(expression).map_or(0, |(start, _)| start);
                refused(&located(text, usize::try_from(start).unwrap_or(0), &words))
            }
            cel_check::Problem::NotModelled(what) => {
                let detail = format!("{what} is not modelled by this simulated API server");
                FieldError::of_value(&at, Reason::NotSupported, &text.into(), &detail)
            }
        })?;
        Ok(program)
    };
    let program = compiled(&source.rule, "rule")?;
    let uses_old_self = program.references().has_variable("oldSelf");
    if uses_old_self && let Some(list) = uncorrelated {
        let detail =
            format!("oldSelf cannot be used on the uncorrelatable portion of the schema within {list}");
        return Err(FieldError::invalid(&child(path, "rule"), source.rule.as_str(), &detail));
    }
    let message = match source.message_expression.as_str() {
        "" => None,
        text => Some(compiled(text, "messageExpression")?),
    };
    Ok(Rule { source: source.clone(), program, message, uses_old_self })
}
