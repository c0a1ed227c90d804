//! What server-side apply of a rendered object would change.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::added::added;
use super::managers::Managers;

/// One field that is not as rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// The field for people: `.spec.template.spec.containers[name="app"].image`.
    pub(crate) field: String,
    /// The field in `managedFields`: `f:spec`, `f:template`, …
    pub(crate) path: Vec<String>,
    /// What is about it.
    pub(crate) sort: Sort,
}

/// What is about a field that is not as rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// It is ours and has another value: so it was rendered differently when it was last applied.
    Outdated,
    /// It is not ours, and has another value or none.
    Taken,
    /// It is not ours, and has our value.
    Shared,
    /// It is ours and is rendered no more.
    Leftover,
    /// Somebody else put it into what is ours alone.
    Added,
}

/// Everything that is not as rendered: what is ours and differs, and what others added.
pub(crate) fn compare(rendered: &Value, there: &Value, managers: &Managers<'_>) -> Vec<Difference> {
    let mut found = differences(rendered, there, managers.ours());
    found.extend(added(rendered, managers));
    found
}

/// The differences between what was rendered and what is there; `owned` is what is noted as ours.
fn differences(rendered: &Value, there: &Value, owned: Option<&Value>) -> Vec<Difference> {
    let mut walk = Walk { field: String::new(), path: Vec::new(), found: Vec::new() };
    let nothing = Value::Null;
    let owned = owned.unwrap_or(&nothing);
    for part in ["metadata", "spec"] {
        let (Some(rendered), Some(there)) = (rendered.get(part), there.get(part)) else { continue };
        let rendered = if part == "metadata" { &noted(rendered) } else { rendered };
        let key = format!("f:{part}");
        walk.below(&format!(".{part}"), key.clone(), |walk| {
            walk.value(rendered, Some(there), owned.get(&key));
        });
    }
    walk.found
}

/// Of metadata, what is noted in `managedFields`.
fn noted(metadata: &Value) -> Value {
    let mut noted = metadata.clone();
    if let Value::Object(fields) = &mut noted {
        fields.retain(|field, _| field == "labels" || field == "annotations");
    }
    noted
}

struct Walk {
    field: String,
    path: Vec<String>,
    found: Vec<Difference>,
}

impl Walk {
    fn below(&mut self, field: &str, key: String, walk: impl FnOnce(&mut Self)) {
        let length = self.field.len();
        self.field.push_str(field);
        self.path.push(key);
        walk(self);
        self.path.pop();
        self.field.truncate(length);
    }

    fn found(&mut self, sort: Sort) {
        self.found.push(Difference { field: self.field.clone(), path: self.path.clone(), sort });
    }

    fn value(&mut self, rendered: &Value, there: Option<&Value>, owned: Option<&Value>) {
        let Some(owned) = owned.and_then(Value::as_object) else {
            return self.not_owned(rendered, there);
        };
        match rendered {
            // Owned as a whole: a scalar, or what the API calls atomic.
            _ if owned.is_empty() => {
                if there != Some(rendered) {
                    self.found(Sort::Outdated);
                }
            }
            Value::Object(fields) => self.map(fields, there, owned),
            Value::Array(items) => self.list(items, there, owned),
            _ => self.found(Sort::Outdated),
        }
    }

    /// Goes down to the fields that differ, for the sake of saying which they are.
    fn not_owned(&mut self, rendered: &Value, there: Option<&Value>) {
        match (rendered, there) {
            // Of a plain map, such as a selector, what was added counts as well: it may be owned as a whole.
            (Value::Object(fields), Some(Value::Object(more)))
                if !fields.is_empty() && (self.is_granular(fields) || more.len() == fields.len()) =>
            {
                self.map(fields, there, &Map::new());
            }
            _ if there == Some(rendered) => self.found(Sort::Shared),
            _ => self.found(Sort::Taken),
        }
    }

    /// Whether a map is surely owned field by field.
    fn is_granular(&self, fields: &Map<String, Value>) -> bool {
        let is_note = self.field.ends_with(".labels") || self.field.ends_with(".annotations");
        is_note || fields.values().any(|value| value.is_object() || value.is_array())
    }

    fn map(&mut self, fields: &Map<String, Value>, there: Option<&Value>, owned: &Map<String, Value>) {
        for (name, rendered) in fields {
            let key = format!("f:{name}");
            let (there, owned) = (there.and_then(|there| there.get(name)), owned.get(&key));
            self.below(&segment(name), key, |walk| walk.value(rendered, there, owned));
        }
        let rendered = |key: &str| key.strip_prefix("f:").is_some_and(|name| fields.contains_key(name));
        for key in owned.keys().filter(|key| *key != "." && !rendered(key)) {
            let name = key.strip_prefix("f:").unwrap_or(key);
            self.below(&segment(name), key.clone(), |walk| walk.found(Sort::Leftover));
        }
    }

    /// A list whose items are told apart by some of their fields.
    fn list(&mut self, items: &[Value], there: Option<&Value>, owned: &Map<String, Value>) {
        let keys: Vec<(&String, Map<String, Value>)> = owned
            .keys()
            .filter_map(|key| Some((key, serde_json::from_str(key.strip_prefix("k:")?).ok()?)))
            .collect();
        let empty = Vec::new();
        let there = there.and_then(Value::as_array).unwrap_or(&empty);
        for rendered in items {
            if let Some((name, key)) = keys.iter().find(|(_, key)| has_key(rendered, key)) {
                let there = there.iter().find(|item| has_key(item, key));
                let owned = owned.get(*name);
                self.below(&bracket(key), (*name).clone(), |walk| walk.value(rendered, there, owned));
            } else {
                let name = identity(rendered);
                let same = there.contains(rendered);
                let sort = if same { Sort::Shared } else { Sort::Taken };
                self.below(&name.0, name.1, |walk| walk.found(sort));
            }
        }
        for (name, key) in &keys {
            if !items.iter().any(|item| has_key(item, key)) {
                self.below(&bracket(key), (*name).clone(), |walk| walk.found(Sort::Leftover));
            }
        }
    }
}

pub(super) fn has_key(item: &Value, key: &Map<String, Value>) -> bool {
    key.iter().all(|(field, value)| item.get(field) == Some(value))
}

/// `.spec`, or `["app.kubernetes.io/name"]` where a name has dots of its own.
pub(super) fn segment(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if plain { format!(".{name}") } else { format!("[{name:?}]") }
}

pub(super) fn bracket(key: &Map<String, Value>) -> String {
    let mut text = String::from("[");
    for (index, (field, value)) in key.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        // Writing to a String cannot fail.
        let _ = write!(text, "{comma}{field}={value}");
    }
    text.push(']');
    text
}

/// What an item that is noted nowhere is called, by the field that most lists of Kubernetes go by.
fn identity(item: &Value) -> (String, String) {
    for field in ["name", "mountPath", "topologyKey"] {
        if let Some(value) = item.get(field) {
            let key = Map::from_iter([(field.to_owned(), value.clone())]);
            return (bracket(&key), format!("k:{}", Value::Object(key)));
        }
    }
    ("[]".to_owned(), "k:{}".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rendered() -> Value {
        json!({
            "apiVersion": "apps/v1",
            "metadata": {"name": "shop", "labels": {"app.kubernetes.io/name": "shop"}},
            "spec": {
                "minReadySeconds": 5,
                "selector": {"matchLabels": {"uid": "1"}},
                "template": {"spec": {"containers": [{"name": "app", "image": "a", "command": ["x", "y"]}]}},
            },
        })
    }

    fn owned() -> Value {
        json!({
            "f:metadata": {"f:labels": {"f:app.kubernetes.io/name": {}}},
            "f:spec": {
                "f:minReadySeconds": {},
                "f:selector": {},
                "f:template": {"f:spec": {"f:containers": {
                    "k:{\"name\":\"app\"}": {".": {}, "f:name": {}, "f:image": {}, "f:command": {}},
                }}},
            },
        })
    }

    /// What the server makes of the rendered: more of everything.
    fn there() -> Value {
        let mut there = rendered();
        there["metadata"]["labels"]["theirs"] = json!("1");
        there["spec"]["replicas"] = json!(1);
        there["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] = json!("Always");
        let sidecar = json!({"name": "injected", "image": "i"});
        there["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap().push(sidecar);
        there
    }

    fn found(rendered: &Value, there: &Value, owned: &Value) -> Vec<(String, Sort)> {
        let found = differences(rendered, there, Some(owned));
        found.into_iter().map(|difference| (difference.field, difference.sort)).collect()
    }

    #[test]
    fn what_others_added_is_theirs() {
        assert_eq!(found(&rendered(), &there(), &owned()), []);
    }

    #[test]
    fn each_field_says_what_is_about_it() {
        let image = ".spec.template.spec.containers[name=\"app\"].image".to_owned();
        let command = ".spec.template.spec.containers[name=\"app\"].command".to_owned();
        let container = "/spec/template/spec/containers/0";
        let owned_app = "/f:spec/f:template/f:spec/f:containers/k:{\"name\":\"app\"}";

        let mut newer = rendered();
        newer.pointer_mut(container).unwrap()["image"] = json!("b");
        assert_eq!(found(&newer, &there(), &owned()), [(image.clone(), Sort::Outdated)]);

        let (mut edited, mut lost) = (there(), owned());
        edited.pointer_mut(container).unwrap()["image"] = json!("evil");
        lost.pointer_mut(owned_app).unwrap().as_object_mut().unwrap().remove("f:image");
        assert_eq!(found(&rendered(), &edited, &lost), [(image.clone(), Sort::Taken)]);
        assert_eq!(found(&rendered(), &there(), &lost), [(image, Sort::Shared)]);

        let mut shorter = rendered();
        shorter.pointer_mut(container).unwrap().as_object_mut().unwrap().remove("command");
        assert_eq!(found(&shorter, &there(), &owned()), [(command.clone(), Sort::Leftover)]);

        let mut other_command = there();
        other_command.pointer_mut(container).unwrap()["command"] = json!(["x"]);
        assert_eq!(found(&rendered(), &other_command, &owned()), [(command, Sort::Outdated)]);
    }

    #[test]
    fn what_is_owned_as_a_whole_may_have_nothing_more() {
        let mut there = there();
        there["spec"]["selector"]["matchLabels"]["more"] = json!("1");
        assert_eq!(found(&rendered(), &there, &owned()), [(".spec.selector".to_owned(), Sort::Outdated)]);
    }

    #[test]
    fn what_somebody_added_to_a_selector_is_a_difference() {
        let (mut there, mut lost) = (there(), owned());
        there["spec"]["selector"]["matchLabels"]["more"] = json!("1");
        lost["f:spec"].as_object_mut().unwrap().remove("f:selector");
        let expected = [(".spec.selector.matchLabels".to_owned(), Sort::Taken)];
        assert_eq!(found(&rendered(), &there, &lost), expected);
    }

    #[test]
    fn items_come_and_go_by_their_key() {
        let mut more = rendered();
        more["spec"]["template"]["spec"]["containers"] = json!([{"name": "new", "image": "n"}]);
        let at = |name: &str| format!(".spec.template.spec.containers[name=\"{name}\"]");
        assert_eq!(found(&more, &there(), &owned()), [(at("new"), Sort::Taken), (at("app"), Sort::Leftover)]);
    }

    #[test]
    fn nothing_is_ours_where_nothing_is_noted() {
        let found = differences(&rendered(), &there(), None);
        assert!(
            found
                .iter()
                .all(|difference| difference.sort == Sort::Shared || difference.field.contains("containers"))
        );
        assert!(!found.is_empty());
    }

    #[test]
    fn a_label_with_dots_is_quoted() {
        let mut there = there();
        there["metadata"]["labels"]["app.kubernetes.io/name"] = json!("other");
        let expected = [(".metadata.labels[\"app.kubernetes.io/name\"]".to_owned(), Sort::Outdated)];
        assert_eq!(found(&rendered(), &there, &owned()), expected);
    }
}
