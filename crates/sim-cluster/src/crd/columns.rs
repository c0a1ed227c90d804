//! `additionalPrinterColumns`: what `kubectl get` shows of a custom resource.

use jiff::Timestamp;

use super::fault::{FieldError, child, index};
use super::json_path::JsonPath;
use crate::schema::golang;
use crate::tree::{Value, json};

/// The columns of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrinterColumns {
    columns: Vec<Column>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Column {
    name: String,
    kind: String,
    format: String,
    description: String,
    priority: i64,
    path: JsonPath,
}

impl PrinterColumns {
    /// Parses the columns of a version; without any there is the age.
    pub(super) fn parse(version: &Value, path: &str) -> Result<Self, Vec<FieldError>> {
        let given = version.get("additionalPrinterColumns").and_then(Value::as_array);
        let mut columns = Vec::new();
        let mut faults = Vec::new();
        for (i, column) in given.into_iter().flatten().enumerate() {
            let at = index(path, i);
            match Column::parse(column, &at) {
                Ok(column) => columns.push(column),
                Err(mut found) => faults.append(&mut found),
            }
        }
        if given.is_none_or(|given| given.is_empty()) {
            let age = json!({
                "name": "Age",
                "type": "date",
                "description": "CreationTimestamp is a timestamp representing the server time when this object was \
                                created. It is not guaranteed to be set in happens-before order across separate \
                                operations. Clients may not set this value. It is represented in RFC3339 form and \
                                is in UTC.",
                "jsonPath": ".metadata.creationTimestamp",
            });
            columns.extend(Column::parse(&age, path));
        }
        if faults.is_empty() { Ok(Self { columns }) } else { Err(faults) }
    }

    /// The `columnDefinitions` of a table.
    pub fn definitions(&self) -> Vec<Value> {
        let name = json!({
            "name": "Name",
            "type": "string",
            "format": "name",
            "description": "Name must be unique within a namespace. Is required when creating resources, although \
                            some resources may allow a client to request the generation of an appropriate name \
                            automatically.",
            "priority": 0,
        });
        let columns = self.columns.iter().map(|column| {
            json!({
                "name": column.name,
                "type": column.kind,
                "format": column.format,
                "description": column.description,
                "priority": column.priority,
            })
        });
        std::iter::once(name).chain(columns).collect()
    }

    /// The `cells` of an object's row; ages are told as of `now`.
    pub fn cells(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        let name = object.pointer("/metadata/name").cloned().unwrap_or_default();
        let cells = self.columns.iter().map(|column| column.cell(object, now));
        std::iter::once(name).chain(cells).collect()
    }
}

impl Column {
    fn parse(column: &Value, path: &str) -> Result<Self, Vec<FieldError>> {
        let text = |name: &str| column.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut faults = Vec::new();
        let (name, kind, json_path) = (text("name"), text("type"), text("jsonPath"));
        if name.is_empty() {
            faults.push(FieldError::required(&child(path, "name"), ""));
        }
        let kinds = ["boolean", "date", "integer", "number", "string"].map(str::to_owned);
        if kind.is_empty() {
            let detail = format!("must be one of {}", kinds.join(","));
            faults.push(FieldError::required(&child(path, "type"), &detail));
        } else if !kinds.contains(&kind) {
            let detail = format!("must be one of {}", kinds.join(","));
            faults.push(FieldError::invalid(&child(path, "type"), kind.as_str(), &detail));
        }
        if json_path.is_empty() {
            faults.push(FieldError::required(&child(path, "JSONPath"), ""));
        }
        let described = text("description");
        match JsonPath::parse(&json_path) {
            Ok(parsed) if faults.is_empty() => Ok(Self {
                name,
                kind,
                format: text("format"),
                description: if described.is_empty() {
                    format!("Custom resource definition column (in JSONPath format): {json_path}")
                } else {
                    described
                },
                priority: column.get("priority").and_then(Value::as_i64).unwrap_or(0),
                path: parsed,
            }),
            Ok(_) => Err(faults),
            Err(_) if json_path.is_empty() => Err(faults),
            Err(error) => {
                faults.push(FieldError::invalid(&child(path, "JSONPath"), json_path, &error));
                Err(faults)
            }
        }
    }

    fn cell(&self, object: &Value, now: Timestamp) -> Value {
        let Some(value) = self.path.first(object) else { return Value::Null };
        match (self.kind.as_str(), value) {
            ("string", Value::Object(_) | Value::Array(_)) => Value::from(golang::json(value)),
            ("string", value) => Value::from(golang::plain(value)),
            ("integer", Value::Number(number)) => truncated(number),
            ("number", Value::Number(number)) => number.as_f64().map_or(Value::Null, Value::from),
            ("boolean", Value::Bool(value)) => Value::from(*value),
            ("date", Value::String(text)) => Value::from(match text.parse::<Timestamp>() {
                Ok(time) => age(now.as_second() - time.as_second()),
                Err(_) => "<invalid>".to_owned(),
            }),
            _ => Value::Null,
        }
    }
}

fn truncated(number: &crate::tree::Number) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "the server cuts the fraction off the same way")]
    let whole = number.as_i64().or_else(|| number.as_f64().map(|number| number as i64));
    whole.map_or(Value::Null, Value::from)
}

/// How long ago, the way kubectl shows ages: two units while the value is small, one after that.
pub fn age(seconds: i64) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    const YEAR: i64 = 365 * DAY;
    let both = |large: i64, unit: &str, small: i64, small_unit: &str| {
        if small == 0 { format!("{large}{unit}") } else { format!("{large}{unit}{small}{small_unit}") }
    };
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        _ if seconds < 10 * MINUTE => both(seconds / MINUTE, "m", seconds % MINUTE, "s"),
        _ if seconds < 3 * HOUR => format!("{}m", seconds / MINUTE),
        _ if seconds < 8 * HOUR => both(seconds / HOUR, "h", seconds % HOUR / MINUTE, "m"),
        _ if seconds < 2 * DAY => format!("{}h", seconds / HOUR),
        _ if seconds < 8 * DAY => both(seconds / DAY, "d", seconds % DAY / HOUR, "h"),
        _ if seconds < 2 * YEAR => format!("{}d", seconds / DAY),
        _ if seconds < 8 * YEAR => both(seconds / YEAR, "y", seconds % YEAR / DAY, "d"),
        _ => format!("{}y", seconds / YEAR),
    }
}

#[cfg(test)]
mod tests {
    use super::age;

    #[test]
    fn ages_read_as_in_kubectl() {
        let rows = [
            (-5, "<invalid>"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (599, "9m59s"),
            (600, "10m"),
            (3 * 3600, "3h"),
            (3 * 3600 + 60, "3h1m"),
            (9 * 3600 + 60, "9h"),
            (49 * 3600, "2d1h"),
            (9 * 86_400 + 3600, "9d"),
            (800 * 86_400, "2y70d"),
            (9 * 365 * 86_400, "9y"),
        ];
        for (seconds, expected) in rows {
            assert_eq!(age(seconds), expected, "{seconds} s");
        }
    }
}
