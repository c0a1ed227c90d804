//! The part of kubectl's `JSONPath` that printer columns use: fields, indices, `[*]` and filters by equality.

use crate::tree::{List, Value};

/// A parsed path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JsonPath {
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Field(String),
    Index(i64),
    Every,
    /// `[?(@.path=="value")]`
    Where(Vec<String>, String),
}

impl JsonPath {
    /// Parses a path such as `.status.conditions[?(@.type=="Ready")].status`; the error says what is not
    /// understood.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut steps = Vec::new();
        let mut rest = text.strip_prefix('$').unwrap_or(text);
        while !rest.is_empty() {
            let (step, left) = if let Some(after) = rest.strip_prefix('[') {
                bracket(after)?
            } else {
                let after = rest.strip_prefix('.').unwrap_or(rest);
                let (name, left) = name(after);
                if name.is_empty() {
                    return Err(format!("unrecognized path {text:?}"));
                }
                (if name == "*" { Step::Every } else { Step::Field(name) }, left)
            };
            steps.push(step);
            rest = left;
        }
        if steps.is_empty() { Err(format!("unrecognized path {text:?}")) } else { Ok(Self { steps }) }
    }

    /// The first value that the path leads to.
    pub(super) fn first<'a>(&self, object: &'a Value) -> Option<&'a Value> {
        let mut found = vec![object];
        for step in &self.steps {
            found = found.into_iter().flat_map(|value| step.follow(value)).collect();
        }
        found.first().copied()
    }
}

impl Step {
    fn follow<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        match self {
            Self::Field(name) => value.get(name).into_iter().collect(),
            Self::Index(index) => {
                let Some(items) = value.as_array() else { return Vec::new() };
                let at = usize::try_from(*index).ok().or_else(|| {
                    items.len().checked_sub(usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX))
                });
                at.and_then(|at| items.get(at)).into_iter().collect()
            }
            Self::Every => match value {
                Value::Array(items) => items.iter().collect(),
                Value::Object(fields) => fields.values().collect(),
                _ => Vec::new(),
            },
            Self::Where(path, wanted) => {
                let items = value.as_array().map(List::as_slice).unwrap_or_default();
                items.iter().filter(|item| matches(item, path, wanted)).collect()
            }
        }
    }
}

fn matches(item: &Value, path: &[String], wanted: &str) -> bool {
    match path.iter().try_fold(item, |value, name| value.get(name)) {
        Some(Value::String(text)) => text == wanted,
        Some(Value::Bool(flag)) => wanted == if *flag { "true" } else { "false" },
        Some(Value::Number(number)) => {
            wanted.parse::<f64>().is_ok_and(|wanted| number.as_f64() == Some(wanted))
        }
        Some(_) | None => false,
    }
}

/// A field name up to the next dot or bracket; a backslash keeps the character after it.
fn name(text: &str) -> (String, &str) {
    let mut name = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '.' | '[' => return (name, &text[at..]),
            '\\' => name.extend(characters.next().map(|(_, escaped)| escaped)),
            other => name.push(other),
        }
    }
    (name, "")
}

fn bracket(text: &str) -> Result<(Step, &str), String> {
    let not_understood = || format!("unrecognized path element \"[{text}\"");
    if let Some(filter) = text.strip_prefix("?(") {
        let (condition, left) = filter.split_once(")]").ok_or_else(not_understood)?;
        let (path, value) = condition.split_once("==").ok_or_else(not_understood)?;
        let path = path.trim().strip_prefix('@').ok_or_else(not_understood)?;
        let path = path.split('.').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        return Ok((Step::Where(path, unquote(value.trim()).to_owned()), left));
    }
    let (inner, left) = text.split_once(']').ok_or_else(not_understood)?;
    let step = match inner {
        "*" => Step::Every,
        quoted if quoted.starts_with(['\'', '"']) => Step::Field(unquote(quoted).replace("\\.", ".")),
        number => Step::Index(number.parse().map_err(|_| not_understood())?),
    };
    Ok((step, left))
}

fn unquote(text: &str) -> &str {
    text.trim_matches(['\'', '"'])
}

#[cfg(test)]
mod tests {
    use super::JsonPath;
    use crate::tree::{Value, json};

    #[test]
    fn paths_of_printer_columns_find_their_value() {
        let object = json!({
            "metadata": {"labels": {"app.kubernetes.io/name": "shop"}},
            "status": {
                "conditions": [
                    {"type": "Ready", "status": "True"},
                    {"type": "Synced", "status": "False"},
                ],
                "count": 3,
            },
        });
        let rows = [
            (".status.count", Some(json!(3))),
            (".status.conditions[?(@.type==\"Synced\")].status", Some(json!("False"))),
            (".status.conditions[?(@.type=='Gone')].status", None),
            (".status.conditions[0].type", Some(json!("Ready"))),
            (".status.conditions[-1].type", Some(json!("Synced"))),
            (".status.conditions[*].type", Some(json!("Ready"))),
            (".metadata.labels.app\\.kubernetes\\.io/name", Some(json!("shop"))),
            (".metadata.labels['app\\.kubernetes\\.io/name']", Some(json!("shop"))),
            (".nothing.here", None),
        ];
        for (path, expected) in rows {
            let found = JsonPath::parse(path).expect("a path").first(&object).cloned();
            assert_eq!(found, expected, "{path}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for path in ["", ".a..b", ".a[x]", ".a[?(@.b>1)]"] {
            assert!(JsonPath::parse(path).is_err(), "{path}");
        }
        assert!(JsonPath::parse(".a").expect("a path").first(&Value::Null).is_none());
    }
}
