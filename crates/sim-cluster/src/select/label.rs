//! Label selectors: `app=shop,tier in (web,api),!canary` and the `matchLabels`/`matchExpressions` form.

use crate::object;
use crate::tree::{Map, Value};

/// What a requirement asks of the value of a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Test {
    Exists,
    Absent,
    In(Vec<String>),
    NotIn(Vec<String>),
    /// An integer above this one.
    Above(i64),
    /// An integer below this one.
    Below(i64),
}

/// One label, and what is asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Requirement {
    pub(super) key: String,
    pub(super) test: Test,
}

/// Requirements on labels that must all hold; empty matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LabelSelector {
    requirements: Vec<Requirement>,
}

impl LabelSelector {
    /// Reads the form of the `labelSelector` query parameter.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        Ok(Self { requirements: super::query::parse(text)? })
    }

    /// Reads a `metav1.LabelSelector`; none when an operator is unknown.
    pub(crate) fn from_object(selector: &Value) -> Option<Self> {
        let mut requirements = Vec::new();
        for (key, value) in object::map(selector, "/matchLabels").into_iter().flatten() {
            let test = Test::In(vec![value.as_str()?.to_owned()]);
            requirements.push(Requirement { key: key.to_string(), test });
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

    /// How much it asks for.
    pub(crate) fn len(&self) -> usize {
        self.requirements.len()
    }

    /// The labels that must have one value alone.
    pub(crate) fn exact(&self) -> impl Iterator<Item = (&str, &str)> {
        self.requirements.iter().filter_map(|Requirement { key, test }| match test {
            Test::In(values) => match values.as_slice() {
                [one] => Some((key.as_str(), one.as_str())),
                _ => None,
            },
            _ => None,
        })
    }

    pub(crate) fn matches_object(&self, object: &Value) -> bool {
        self.is_empty() || self.matches(object::map(object, "/metadata/labels"))
    }

    pub(crate) fn matches(&self, labels: Option<&Map>) -> bool {
        self.requirements.iter().all(|requirement| {
            let value = labels.and_then(|labels| labels.get(&requirement.key)).and_then(Value::as_str);
            match (&requirement.test, value) {
                (Test::Exists, value) => value.is_some(),
                (Test::Absent, value) => value.is_none(),
                (Test::In(values), Some(value)) => values.iter().any(|v| v == value),
                (Test::In(_), None) => false,
                (Test::NotIn(values), Some(value)) => values.iter().all(|v| v != value),
                (Test::NotIn(_), None) => true,
                (Test::Above(bound), value) => number(value).is_some_and(|value| value > *bound),
                (Test::Below(bound), value) => number(value).is_some_and(|value| value < *bound),
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
                Test::NotIn(values) => match values.as_slice() {
                    [one] => write!(f, "{key}!={one}")?,
                    many => write!(f, "{key} notin ({})", many.join(","))?,
                },
                Test::Above(bound) => write!(f, "{key}>{bound}")?,
                Test::Below(bound) => write!(f, "{key}<{bound}")?,
            }
        }
        Ok(())
    }
}

fn number(value: Option<&str>) -> Option<i64> {
    value?.parse().ok()
}

#[cfg(test)]
mod tests {
    use crate::tree::json;

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
