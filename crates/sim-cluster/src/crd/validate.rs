//! Checks a custom resource against its schema, in the words of the server's OpenAPI validator.

use super::fault::{FieldError, Reason};
use super::format;
use super::structural::{Additional, Bound, Kind, Structural};
use crate::tree::{Map, Value};

/// Every fault of `new`. What is unchanged since `old` is not checked again: an object that was valid when
/// it was stored can still be changed after its schema became stricter.
pub(super) fn validate(new: &Value, old: Option<&Value>, schema: &Structural) -> Vec<FieldError> {
    let mut validator = Validator { faults: Vec::new() };
    validator.value("", new, old, schema);
    validator.faults
}

/// Every default that the schema itself would not accept.
pub(super) fn defaults(schema: &Structural, path: &str) -> Vec<FieldError> {
    let mut faults = Vec::new();
    if let Some(default) = &schema.default {
        faults = validate(default, None, schema);
        let at = super::fault::child(path, "default");
        for fault in &mut faults {
            fault.move_below(&at);
        }
    }
    for (name, property) in &schema.properties {
        let at = super::fault::key(&super::fault::child(path, "properties"), name);
        faults.extend(defaults(property, &at));
    }
    if let Some(values) = schema.additional.schema() {
        faults.extend(defaults(values, &super::fault::child(path, "additionalProperties")));
    }
    if let Some(items) = schema.items.as_deref() {
        faults.extend(defaults(items, &super::fault::child(path, "items")));
    }
    faults
}

struct Validator {
    faults: Vec<FieldError>,
}

impl Validator {
    fn value(&mut self, path: &str, new: &Value, old: Option<&Value>, schema: &Structural) {
        if old.is_some_and(|old| old == new) {
            return;
        }
        if let Some(fault) = type_fault(path, new, schema) {
            self.faults.push(fault);
        }
        self.allowed(path, new, schema);
        match new {
            Value::Null => return,
            Value::String(text) => self.text(path, text, schema),
            Value::Number(number) => {
                if let Some(number) = number.as_f64() {
                    self.number(path, new, number, schema);
                }
            }
            Value::Array(items) => self.items(path, items, old, schema),
            Value::Object(fields) => self.fields(path, fields, old, schema),
            Value::Bool(_) => {}
        }
        self.junctors(path, new, schema);
    }

    fn allowed(&mut self, path: &str, value: &Value, schema: &Structural) {
        let allowed = &schema.checks.allowed;
        if allowed.is_empty() || allowed.contains(value) || (value.is_null() && schema.nullable) {
            return;
        }
        let names: Vec<String> = allowed
            .iter()
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            .collect();
        self.faults.push(FieldError::not_supported(field(path), value, &names));
    }

    fn text(&mut self, path: &str, text: &str, schema: &Structural) {
        let checks = &schema.checks;
        let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
        // The server stops at the first of these.
        if let Some(max) = checks.max_length.filter(|max| length > *max) {
            let unit = if max == 1 { "byte" } else { "bytes" };
            let detail = format!("may not be more than {max} {unit}");
            self.faults.push(FieldError::plain(field(path), Reason::TooLong, &detail));
        } else if let Some(min) = checks.min_length.filter(|min| length < *min) {
            self.invalid(path, text, &format!("should be at least {min} chars long"));
        } else if let Some(pattern) = checks.pattern.as_ref().filter(|pattern| !pattern.is_match(text)) {
            self.invalid(path, text, &format!("should match '{pattern}'"));
        }
        if let Some(name) = checks.format.as_deref().filter(|name| !format::accepts(name, text)) {
            let detail = format!("{path} in body must be of type {name}: {text:?}");
            self.faults.push(FieldError::of_value(field(path), Reason::TypeInvalid, &text.into(), &detail));
        }
    }

    fn number(&mut self, path: &str, value: &Value, number: f64, schema: &Structural) {
        if let Some(type_words) = out_of_range(value, schema) {
            let words = format!("Checked value must be of type {type_words} in {path}");
            self.faults.push(FieldError::invalid("", "", &words));
        }
        // Whole numbers are compared with what is left of a bound without its fraction.
        let whole = value.is_i64() || value.is_u64();
        let native = |bound: f64| if whole { bound.trunc() } else { bound };
        let checks = &schema.checks;
        if let Some(multiple) = checks.multiple_of.map(native).filter(|multiple| number % multiple != 0.0) {
            self.invalid(path, value.clone(), &format!("should be a multiple of {multiple}"));
        }
        if let Some(Bound { value: min, exclusive }) = checks.minimum {
            let min = native(min);
            let (fails, words) = if exclusive {
                (number <= min, "should be greater than")
            } else {
                (number < min, "should be greater than or equal to")
            };
            if fails {
                self.invalid(path, value.clone(), &format!("{words} {min}"));
            }
        }
        if let Some(Bound { value: max, exclusive }) = checks.maximum {
            let max = native(max);
            let (fails, words) = if exclusive {
                (number >= max, "should be less than")
            } else {
                (number > max, "should be less than or equal to")
            };
            if fails {
                self.invalid(path, value.clone(), &format!("{words} {max}"));
            }
        }
    }

    fn items(&mut self, path: &str, items: &[Value], old: Option<&Value>, schema: &Structural) {
        let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
        if let Some(min) = schema.checks.min_items.filter(|min| count < *min) {
            self.invalid(path, count, &format!("should have at least {min} items"));
        }
        if let Some(max) = schema.checks.max_items.filter(|max| count > *max) {
            self.too_many(path, count, max);
        }
        let Some(item_schema) = schema.items.as_deref() else { return };
        for (i, item) in items.iter().enumerate() {
            let old = correlated(old, i, item, schema);
            self.value(&format!("{path}[{i}]"), item, old, item_schema);
        }
    }

    fn fields(&mut self, path: &str, fields: &Map, old: Option<&Value>, schema: &Structural) {
        let count = u64::try_from(fields.len()).unwrap_or(u64::MAX);
        if let Some(min) = schema.checks.min_properties.filter(|min| count < *min) {
            self.invalid(path, count, &format!("should have at least {min} properties"));
        }
        if let Some(max) = schema.checks.max_properties.filter(|max| count > *max) {
            self.too_many(path, count, max);
        }
        let old = |name: &str| old.and_then(|old| old.get(name));
        if let Additional::Schema(values) = &schema.additional {
            for (name, value) in
                fields.iter().filter(|(name, _)| !schema.properties.contains_key(name.as_str()))
            {
                self.value(&format!("{path}.{name}"), value, old(name), values);
            }
        }
        for (name, property) in &schema.properties {
            if let Some(value) = fields.get(name) {
                self.value(&super::fault::child(path, name), value, old(name), property);
            }
        }
        for name in schema.checks.required.iter().filter(|name| !fields.contains_key(name.as_str())) {
            self.faults.push(FieldError::required(field(&format!("{path}.{name}")), ""));
        }
    }

    fn junctors(&mut self, path: &str, value: &Value, schema: &Structural) {
        let checks = &schema.checks;
        let outcome = |member: &Structural| {
            let mut validator = Self { faults: Vec::new() };
            validator.value(path, value, None, member);
            validator.faults
        };
        if !checks.any_of.is_empty() {
            let failures: Vec<_> = checks.any_of.iter().map(outcome).collect();
            if failures.iter().all(|faults| !faults.is_empty()) {
                self.whole(path, "must validate at least one schema (anyOf)");
                self.faults.extend(failures.into_iter().next().unwrap_or_default());
            }
        }
        if !checks.one_of.is_empty() {
            let failures: Vec<_> = checks.one_of.iter().map(outcome).collect();
            let valid = failures.iter().filter(|faults| faults.is_empty()).count();
            if valid == 0 {
                self.whole(path, "must validate one and only one schema (oneOf). Found none valid");
                self.faults.extend(failures.into_iter().next().unwrap_or_default());
            } else if valid > 1 {
                let words = format!(
                    "must validate one and only one schema (oneOf). Found {valid} valid alternatives"
                );
                self.whole(path, &words);
            }
        }
        let failures: Vec<_> = checks.all_of.iter().map(outcome).collect();
        let failed = failures.iter().filter(|faults| !faults.is_empty()).count();
        if failed > 0 {
            let none = failed == failures.len();
            self.faults.extend(failures.into_iter().flatten());
            let words = if none { ". None validated" } else { "" };
            self.whole(path, &format!("must validate all the schemas (allOf){words}"));
        }
        if checks.not.as_deref().is_some_and(|not| outcome(not).is_empty()) {
            self.whole(path, "must not validate the schema (not)");
        }
    }

    fn invalid(&mut self, path: &str, value: impl Into<Value>, words: &str) {
        let detail = format!("{path} in body {words}");
        self.faults.push(FieldError::invalid(field(path), value, &detail));
    }

    fn too_many(&mut self, path: &str, count: u64, max: u64) {
        let unit = if max == 1 { "item" } else { "items" };
        let detail = format!("must have at most {max} {unit}");
        self.faults.push(FieldError::of_value(field(path), Reason::TooMany, &count.into(), &detail));
    }

    /// A fault of a junctor: the server reports it for the whole object and names the path in the words.
    fn whole(&mut self, path: &str, words: &str) {
        self.faults.push(FieldError::invalid("", "", &format!("{path:?} {words}")));
    }
}

/// Paths of missing fields at the root begin with a dot, which the server cuts off.
fn field(path: &str) -> &str {
    path.strip_prefix('.').unwrap_or(path)
}

/// The item of the old list that an item corresponds to: by key in a list of type map, else none.
fn correlated<'a>(
    old: Option<&'a Value>,
    _index: usize,
    item: &Value,
    schema: &Structural,
) -> Option<&'a Value> {
    let super::structural::ListType::Map { keys } = schema.list_type.as_ref()? else { return None };
    let items_schema = schema.items.as_deref();
    let id = |item: &Value| -> Vec<Option<Value>> {
        keys.iter()
            .map(|key| {
                let default = || items_schema?.properties.get(key)?.default.clone();
                item.get(key).cloned().or_else(default)
            })
            .collect()
    };
    old?.as_array()?.iter().find(|other| id(other) == id(item))
}

fn type_fault(path: &str, value: &Value, schema: &Structural) -> Option<FieldError> {
    let kinds: Vec<Kind> = match schema.kind {
        _ if schema.int_or_string => vec![Kind::Integer, Kind::String],
        Some(kind) => vec![kind],
        None => return None,
    };
    let actual = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let format = schema.checks.format.as_deref().filter(|format| format::is_known(schema.kind, format));
    let numeric = kinds.contains(&Kind::Number) || kinds.contains(&Kind::Integer);
    let fits = match value {
        Value::Null => schema.nullable,
        // The server leaves lists to the format's check, which does not look at them.
        Value::Array(_) if format.is_some() && !numeric => true,
        Value::Number(number) => {
            let whole = number.as_f64().is_some_and(|number| number.fract() == 0.0);
            kinds.contains(&Kind::Number) || (kinds.contains(&Kind::Integer) && whole)
        }
        _ => kinds.iter().any(|kind| kind.as_str() == actual),
    };
    if fits {
        return None;
    }
    // A node with a format names that instead of its type, except to strings and lists.
    let (wanted, actual) = match (format, value) {
        (Some(format), Value::Number(number)) => {
            (format.to_owned(), if number.is_f64() { "float64" } else { "int64" })
        }
        (Some(format), Value::Bool(_) | Value::Object(_)) => (format.to_owned(), ""),
        _ => (kinds.into_iter().map(Kind::as_str).collect::<Vec<_>>().join(","), actual),
    };
    let detail = format!("{path} in body must be of type {wanted}: {actual:?}");
    Some(FieldError::of_value(field(path), Reason::TypeInvalid, &actual.into(), &detail))
}

/// How the server names the type of a number that the type cannot hold.
fn out_of_range(value: &Value, schema: &Structural) -> Option<&'static str> {
    if schema.kind != Some(Kind::Integer) {
        return None;
    }
    let number = value.as_f64()?;
    match schema.checks.format.as_deref() {
        Some("int32")
            if number.fract() != 0.0 || number < f64::from(i32::MIN) || number > f64::from(i32::MAX) =>
        {
            Some("integer with format int32")
        }
        Some("int64") if !value.is_i64() => Some("integer with format int64"),
        None if !value.is_i64() => Some("integer (default format)"),
        _ => None,
    }
}
