//! Path elements: how one step into an object is named, ordered, printed and written in `FieldsV1`.

use std::cmp::Ordering;
use std::fmt;

use crate::schema::golang;
use crate::tree::{Text, Value};

/// One step into an object.
#[derive(Debug, Clone)]
pub enum PathElement {
    /// A field of an object, or a key of a map.
    Field(Text),
    /// The item of an associative list whose key fields have these values, sorted by name.
    Key(Vec<(Text, Value)>),
    /// The item of a set that equals this value.
    Value(Value),
    /// The item at this position.
    Index(i64),
}

/// A path from the root of an object.
pub type Path = Vec<PathElement>;

impl PathElement {
    /// Reads the key of a `FieldsV1` object. `Ok(None)` is a kind of element from a newer version, which is
    /// dropped.
    pub(super) fn parse(text: &str) -> Result<Option<Self>, String> {
        let (kind, rest) = match text.split_once(':') {
            Some((kind, rest)) if kind.len() == 1 => (kind, rest),
            _ => return Err(format!("missing colon: {text}")),
        };
        let json = |rest: &str| serde_json::from_str::<Value>(rest).map_err(|error| error.to_string());
        match kind {
            "f" => Ok(Some(Self::Field(rest.into()))),
            "v" => Ok(Some(Self::Value(json(rest)?))),
            "i" => {
                rest.parse().map(|index| Some(Self::Index(index))).map_err(|_| format!("bad index: {text}"))
            }
            "k" => {
                let Value::Object(fields) = json(rest)? else {
                    return Err(format!("bad key: {text}"));
                };
                let mut fields: Vec<_> = fields.into_iter().collect();
                fields.sort_by(|a, b| a.0.cmp(&b.0));
                Ok(Some(Self::Key(fields)))
            }
            _ => Ok(None),
        }
    }

    /// The key that stands for this element in a `FieldsV1` object.
    pub(super) fn serialize(&self) -> Text {
        match self {
            Self::Field(name) => ["f:", name.as_str()].into_iter().collect(),
            Self::Key(fields) => {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), golang::json(value)))
                    .collect();
                format!("k:{{{}}}", fields.join(",")).into()
            }
            Self::Value(value) => format!("v:{}", golang::json(value)).into(),
            Self::Index(index) => format!("i:{index}").into(),
        }
    }
}

impl fmt::Display for PathElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Key(fields) => {
                let fields: Vec<String> =
                    fields.iter().map(|(name, value)| format!("{name}={}", printed(value))).collect();
                write!(f, "[{}]", fields.join(","))
            }
            Self::Value(value) => write!(f, "[={}]", printed(value)),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// A whole path as conflicts print it, such as `.spec.containers[name="web"].image`.
pub(super) fn print_path(path: &[PathElement]) -> String {
    path.iter().map(ToString::to_string).collect()
}

impl Ord for PathElement {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Field(a), Self::Field(b)) => a.cmp(b),
            (Self::Key(a), Self::Key(b)) => compare_keys(a, b),
            (Self::Value(a), Self::Value(b)) => compare_values(a, b),
            (Self::Index(a), Self::Index(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for PathElement {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for PathElement {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for PathElement {}

impl PathElement {
    fn rank(&self) -> u8 {
        match self {
            Self::Field(_) => 0,
            Self::Key(_) => 1,
            Self::Value(_) => 2,
            Self::Index(_) => 3,
        }
    }
}

fn compare_keys(a: &[(Text, Value)], b: &[(Text, Value)]) -> Ordering {
    for ((a_name, a_value), (b_name, b_value)) in a.iter().zip(b) {
        let order = a_name.cmp(b_name).then_with(|| compare_values(a_value, b_value));
        if order != Ordering::Equal {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

/// A total order over values: numbers by size whatever their notation, then strings, booleans, lists,
/// objects, null.
fn compare_values(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal),
        },
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Array(a), Value::Array(b)) => a
            .iter()
            .zip(b)
            .map(|(a, b)| compare_values(a, b))
            .find(|order| *order != Ordering::Equal)
            .unwrap_or_else(|| a.len().cmp(&b.len())),
        (Value::Object(a), Value::Object(b)) => {
            let sorted = |map: &crate::tree::Map| {
                let mut fields: Vec<_> = map.clone().into_iter().collect();
                fields.sort_by(|a, b| a.0.cmp(&b.0));
                fields
            };
            compare_keys(&sorted(a), &sorted(b))
        }
        _ => value_rank(a).cmp(&value_rank(b)),
    }
}

fn value_rank(value: &Value) -> u8 {
    match value {
        Value::Number(_) => 0,
        Value::String(_) => 1,
        Value::Bool(_) => 2,
        Value::Array(_) => 3,
        Value::Object(_) => 4,
        Value::Null => 5,
    }
}

/// Whether two values are the same content; `1` and `1.0` are, unlike in `serde_json`.
pub(super) fn same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| same_value(value, other)))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_value(a, b))
        }
        _ => compare_values(a, b) == Ordering::Equal,
    }
}

/// A value as Go prints it inside a path: strings quoted, everything else bare.
fn printed(value: &Value) -> String {
    match value {
        Value::String(text) => Value::from(text.as_str()).to_string(),
        Value::Null => "null".to_owned(),
        Value::Array(items) => format!("[{}]", items.iter().map(printed).collect::<Vec<_>>().join(",")),
        Value::Object(map) => {
            map.iter().map(|(key, value)| format!("{key}={}", printed(value))).collect::<Vec<_>>().concat()
        }
        other => other.to_string(),
    }
}
