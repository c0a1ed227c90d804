//! Label selectors: `app=shop,tier in (web,api),!canary` and the `matchLabels`/`matchExpressions` form.

use serde_json::{Map, Value};

use crate::object;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Exists,
    Absent,
    In(Vec<String>),
    NotIn(Vec<String>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

/// Requirements on labels that must all hold; empty matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LabelSelector {
    requirements: Vec<Requirement>,
}

impl LabelSelector {
    /// Reads the form of the `labelSelector` query parameter.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut requirements = Vec::new();
        for part in split_outside_parentheses(text) {
            let part = part.trim();
            if part.is_empty() {
                continue;
            }
            requirements
                .push(parse_requirement(part).ok_or_else(|| format!("unable to parse requirement: {part}"))?);
        }
        Ok(Self { requirements })
    }

    /// Reads a `metav1.LabelSelector`; none when an operator is unknown.
    pub(crate) fn from_object(selector: &Value) -> Option<Self> {
        let mut requirements = Vec::new();
        for (key, value) in object::map(selector, "/matchLabels").into_iter().flatten() {
            let test = Test::In(vec![value.as_str()?.to_owned()]);
            requirements.push(Requirement { key: key.clone(), test });
        }
        for expression in object::list(selector, "/matchExpressions") {
            let values = object::list(expression, "/values")
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect();
            let test = match object::text(expression, "/operator") {
                "In" => Test::In(values),
                "NotIn" => Test::NotIn(values),
                "Exists" => Test::Exists,
                "DoesNotExist" => Test::Absent,
                _ => return None,
            };
            requirements.push(Requirement { key: object::text(expression, "/key").to_owned(), test });
        }
        Some(Self { requirements })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    pub(crate) fn matches_object(&self, object: &Value) -> bool {
        self.is_empty() || self.matches(object::map(object, "/metadata/labels"))
    }

    pub(crate) fn matches(&self, labels: Option<&Map<String, Value>>) -> bool {
        self.requirements.iter().all(|requirement| {
            let value = labels.and_then(|labels| labels.get(&requirement.key)).and_then(Value::as_str);
            match (&requirement.test, value) {
                (Test::Exists, value) => value.is_some(),
                (Test::Absent, value) => value.is_none(),
                (Test::In(values), Some(value)) => values.iter().any(|v| v == value),
                (Test::In(_), None) => false,
                (Test::NotIn(values), Some(value)) => values.iter().all(|v| v != value),
                (Test::NotIn(_), None) => true,
            }
        })
    }
}

/// The query form, as `status.selector` of a Scale carries it.
impl std::fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, Requirement { key, test }) in self.requirements.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            match test {
                Test::Exists => write!(f, "{key}")?,
                Test::Absent => write!(f, "!{key}")?,
                Test::In(values) => match values.as_slice() {
                    [one] => write!(f, "{key}={one}")?,
                    many => write!(f, "{key} in ({})", many.join(","))?,
                },
                Test::NotIn(values) => write!(f, "{key} notin ({})", values.join(","))?,
            }
        }
        Ok(())
    }
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut depth = 0_usize;
    let mut start = 0;
    for (index, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn parse_requirement(part: &str) -> Option<Requirement> {
    let one = |key: &str, test: Test| {
        let key = key.trim();
        is_key(key).then(|| Requirement { key: key.to_owned(), test })
    };
    if let Some((key, value)) = part.split_once("!=") {
        return one(key, Test::NotIn(vec![value.trim().to_owned()]));
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return one(key, Test::In(vec![value.trim().to_owned()]));
    }
    if let Some(key) = part.strip_prefix('!') {
        return one(key, Test::Absent);
    }
    if let Some((head, values)) = part.split_once('(') {
        let values =
            values.trim_end().strip_suffix(')')?.split(',').map(|value| value.trim().to_owned()).collect();
        let (key, operator) = head.trim().rsplit_once(char::is_whitespace)?;
        return match operator {
            "in" => one(key, Test::In(values)),
            "notin" => one(key, Test::NotIn(values)),
            _ => None,
        };
    }
    one(part, Test::Exists)
}

fn is_key(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::LabelSelector;

    #[test]
    fn each_operator_of_the_query_form_selects_what_it_says() {
        let object = json!({"metadata": {"labels": {"app": "shop", "tier": "web"}}});
        let cases = [
            ("", true),
            ("app=shop", true),
            ("app==shop,tier=web", true),
            ("app!=shop", false),
            ("missing!=x", true),
            ("tier in (web, api)", true),
            ("tier notin (web,api)", false),
            ("app", true),
            ("!app", false),
            ("!missing", true),
        ];
        for (text, expected) in cases {
            assert_eq!(LabelSelector::parse(text).unwrap().matches_object(&object), expected, "{text}");
        }
    }

    #[test]
    fn a_selector_that_cannot_be_read_is_refused() {
        for text in ["a b", "in (x)", "a in x", "(a)"] {
            assert!(LabelSelector::parse(text).is_err(), "{text}");
        }
    }
}
