//! What somebody else added to an object whose spec is ours alone, and how it is taken away.
//!
//! Whose a field is, the API server notes itself. So nothing here guesses what a default is: a field that nobody
//! owns was filled in by the server or by a webhook of the data center, and stays.

use serde_json::{Map, Value, json};

use super::difference::{Difference, Sort, bracket, has_key, segment};
use super::managers::{Managers, is_others, is_ours};
use crate::rest::FIELD_MANAGER;

/// What others may own, as paths in `managedFields`.
///
/// The number of pods is an autoscaler's, or is rendered and so compared. The stamp of `kubectl rollout restart`
/// asks for a restart that has happened: to take it away would restart the pods once more, and change nothing else.
const THEIRS: [&[&str]; 2] = [
    &["f:spec", "f:replicas"],
    &["f:spec", "f:template", "f:metadata", "f:annotations", "f:kubectl.kubernetes.io/restartedAt"],
];

/// The fields and items of lists in the spec that others own and that are not rendered, each as far up as it is
/// foreign altogether: an added container, and not each of its fields.
pub(super) fn added(rendered: &Value, managers: &Managers<'_>) -> Vec<Difference> {
    let mut walk = Walk { field: String::new(), path: Vec::new(), found: Vec::new() };
    for owned in managers.others(api_version(rendered)) {
        if let Some(owned) = owned.get("f:spec") {
            walk.below(".spec", "f:spec", |walk| walk.fields(rendered.get("spec"), owned));
        }
    }
    walk.found
}

struct Walk {
    field: String,
    path: Vec<String>,
    found: Vec<Difference>,
}

impl Walk {
    fn below(&mut self, field: &str, key: &str, walk: impl FnOnce(&mut Self)) {
        let length = self.field.len();
        self.field.push_str(field);
        self.path.push(key.to_owned());
        walk(self);
        self.path.pop();
        self.field.truncate(length);
    }

    fn fields(&mut self, rendered: Option<&Value>, owned: &Value) {
        for (key, owned) in owned.as_object().into_iter().flatten().filter(|(key, _)| *key != ".") {
            let Some(Child { field, rendered }) = child(rendered, key) else { continue };
            self.below(&field, key, |walk| walk.field(rendered, owned));
        }
    }

    fn field(&mut self, rendered: Option<&Value>, owned: &Value) {
        let is_theirs = |theirs: &&&[&str]| theirs.iter().eq(self.path.iter().take(theirs.len()));
        if THEIRS.iter().any(|theirs| is_theirs(&theirs)) {
            return;
        }
        let holds_theirs =
            THEIRS.iter().any(|theirs| self.path.iter().eq(theirs.iter().take(self.path.len())));
        if rendered.is_some() || holds_theirs {
            return self.fields(rendered, owned);
        }
        if !self.found.iter().any(|known| known.path == self.path) {
            let (field, path) = (self.field.clone(), self.path.clone());
            self.found.push(Difference { field, path, sort: Sort::Added });
        }
    }
}

/// What a key of `managedFields` stands for.
struct Child<'a> {
    field: String,
    rendered: Option<&'a Value>,
}

/// `None` for what is told apart by its place alone, which no list of ours is.
fn child<'a>(parent: Option<&'a Value>, key: &str) -> Option<Child<'a>> {
    let mut items = parent.and_then(Value::as_array).into_iter().flatten();
    let (sort, rest) = key.split_once(':')?;
    match sort {
        "f" => Some(Child { field: segment(rest), rendered: parent.and_then(|parent| parent.get(rest)) }),
        "k" => {
            let key: Map<String, Value> = serde_json::from_str(rest).ok()?;
            Some(Child { field: bracket(&key), rendered: items.find(|item| has_key(item, &key)) })
        }
        "v" => {
            let value: Value = serde_json::from_str(rest).ok()?;
            Some(Child { field: format!("[{value}]"), rendered: items.find(|item| **item == value) })
        }
        _ => None,
    }
}

/// The `managedFields` of `there` with everything of `found` that others added as ours: what we own and apply no
/// more, the next server-side apply removes, together with putting right whatever else is wrong, so that the pods
/// are replaced once. `None` where nobody added anything.
///
/// The API server takes this from anyone who may write the object, as client-go's `csaupgrade` relies on.
pub(crate) fn claim(rendered: &Value, there: &Value, found: &[Difference]) -> Option<Value> {
    let mut added = found.iter().filter(|difference| difference.sort == Sort::Added).peekable();
    added.peek()?;
    let mut entries = there["metadata"]["managedFields"].as_array()?.clone();
    let mut ours = json!({});
    let api_version = api_version(rendered);
    for Difference { path, .. } in added {
        for entry in entries.iter_mut().filter(|entry| is_others(entry, api_version)) {
            if let Some(taken) = entry["fieldsV1"].as_object_mut().and_then(|fields| take(fields, path)) {
                give(&mut ours, path, taken);
            }
        }
    }
    entries.retain(|entry| entry["fieldsV1"].as_object().is_none_or(|fields| !fields.is_empty()));
    match entries.iter_mut().find(|entry| is_ours(entry)) {
        Some(entry) => unite(&mut entry["fieldsV1"], ours),
        None => entries.push(json!({
            "manager": FIELD_MANAGER, "operation": "Apply", "apiVersion": api_version,
            "fieldsType": "FieldsV1", "fieldsV1": ours,
        })),
    }
    Some(json!(entries))
}

/// Paths have a meaning in their version alone.
fn api_version(object: &Value) -> &str {
    object["apiVersion"].as_str().unwrap_or_default()
}

/// Takes `path` out of a set, and whatever holds nothing without it.
fn take(fields: &mut Map<String, Value>, path: &[String]) -> Option<Value> {
    let (first, rest) = path.split_first()?;
    if rest.is_empty() {
        return fields.remove(first);
    }
    let below = fields.get_mut(first)?.as_object_mut()?;
    let taken = take(below, rest)?;
    // An empty set in its place would say that all of it is owned.
    if below.is_empty() {
        fields.remove(first);
    }
    Some(taken)
}

fn give(fields: &mut Value, path: &[String], given: Value) {
    let tree = path.iter().rev().fold(given, |below, key| json!({ key: below }));
    if fields.as_object().is_some_and(Map::is_empty) { *fields = tree } else { unite(fields, tree) }
}

/// The union of two sets, where an empty one stands for the whole of what it lies under.
fn unite(one: &mut Value, two: Value) {
    let (Value::Object(one), Value::Object(mut two)) = (one, two) else { return };
    match (one.is_empty(), two.is_empty()) {
        (true, true) => return,
        (true, false) | (false, true) => drop(two.insert(".".to_owned(), json!({}))),
        (false, false) => {}
    }
    for (key, two) in two {
        match one.get_mut(&key) {
            Some(one) => unite(one, two),
            None => drop(one.insert(key, two)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered() -> Value {
        json!({"apiVersion": "apps/v1", "spec": {
            "strategy": {"type": "RollingUpdate"},
            "template": {
                "metadata": {"labels": {"uid": "1"}},
                "spec": {
                    "containers": [{"name": "app", "image": "a", "securityContext": {"privileged": false}}],
                    "topologySpreadConstraints": [{"topologyKey": "host", "whenUnsatisfiable": "ScheduleAnyway"}],
                },
            },
        }})
    }

    fn there(others: &Value) -> Value {
        let app = "k:{\"name\":\"app\"}";
        json!({"metadata": {"managedFields": [
            {"manager": "plimsoll", "operation": "Apply", "apiVersion": "apps/v1", "fieldsType": "FieldsV1",
             "fieldsV1": {"f:spec": {"f:template": {"f:spec": {"f:containers": {app: {
                ".": {}, "f:name": {}, "f:image": {}}}}}}}},
            {"manager": "kubectl", "operation": "Update", "apiVersion": "apps/v1", "time": "2026-03-01T00:00:00Z",
             "fieldsType": "FieldsV1", "fieldsV1": others},
            {"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "apps/v1",
             "subresource": "scale", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
        ]}})
    }

    fn of_pods(fields: &Value) -> Value {
        json!({"f:spec": {"f:template": {"f:spec": fields}}})
    }

    fn found(others: &Value) -> Vec<String> {
        let there = there(others);
        added(&rendered(), &Managers::of(&there)).into_iter().map(|added| added.field).collect()
    }

    #[test]
    fn whatever_others_own_in_the_spec_and_is_not_rendered_was_added() {
        let app = "k:{\"name\":\"app\"}";
        let at = |field: &str| format!(".spec.template.spec{field}");
        for (others, expected) in [
            (json!({"f:spec": {"f:paused": {}}}), vec![".spec.paused".to_owned()]),
            (of_pods(&json!({"f:hostNetwork": {}})), vec![at(".hostNetwork")]),
            (of_pods(&json!({"f:nodeSelector": {".": {}, "f:disk": {}}})), vec![at(".nodeSelector")]),
            (
                of_pods(
                    &json!({"f:containers": {"k:{\"name\":\"x\"}": {".": {}, "f:name": {}, "f:image": {}}}}),
                ),
                vec![at(".containers[name=\"x\"]")],
            ),
            (
                of_pods(&json!({"f:containers": {app: {
                    "f:securityContext": {"f:privileged": {}, "f:runAsUser": {}},
                    "f:env": {".": {}, "k:{\"name\":\"A\"}": {".": {}, "f:name": {}, "f:value": {}}},
                }}})),
                vec![
                    at(".containers[name=\"app\"].env"),
                    at(".containers[name=\"app\"].securityContext.runAsUser"),
                ],
            ),
            (
                of_pods(&json!({"f:topologySpreadConstraints": {
                    "k:{\"topologyKey\":\"host\",\"whenUnsatisfiable\":\"ScheduleAnyway\"}": {"f:minDomains": {}},
                }})),
                vec![at(
                    ".topologySpreadConstraints[topologyKey=\"host\",whenUnsatisfiable=\"ScheduleAnyway\"]\
                         .minDomains",
                )],
            ),
            (
                json!({"f:spec": {"f:template": {"f:metadata": {"f:annotations": {".": {}, "f:inject": {}}}}}}),
                vec![".spec.template.metadata.annotations.inject".to_owned()],
            ),
        ] {
            assert_eq!(found(&others), expected, "{others}");
        }
    }

    #[test]
    fn what_is_rendered_or_theirs_was_not_added() {
        let stamp = json!({".": {}, "f:kubectl.kubernetes.io/restartedAt": {}});
        for others in [
            json!({"f:metadata": {"f:annotations": {"f:theirs": {}}}}),
            json!({"f:spec": {"f:replicas": {}}}),
            json!({"f:spec": {"f:strategy": {"f:type": {}}}}),
            json!({"f:spec": {"f:template": {"f:metadata": {"f:annotations": stamp}}}}),
            of_pods(
                &json!({"f:containers": {"k:{\"name\":\"app\"}": {".": {}, "f:name": {}, "f:image": {}}}}),
            ),
        ] {
            assert_eq!(found(&others), Vec::<String>::new(), "{others}");
        }
    }

    #[test]
    fn what_was_added_becomes_ours_and_nobody_elses() {
        let app = "k:{\"name\":\"app\"}";
        let there = there(&json!({"f:spec": {
            "f:replicas": {},
            "f:template": {"f:spec": {"f:hostPID": {}, "f:containers": {app: {"f:env": {".": {}}}}}},
        }}));
        let managers = Managers::of(&there);
        let claimed = claim(&rendered(), &there, &added(&rendered(), &managers)).unwrap();
        let fields = |at: usize| &claimed[at]["fieldsV1"]["f:spec"];
        assert_eq!(
            fields(0),
            &json!({"f:template": {"f:spec": {"f:hostPID": {}, "f:containers": {app: {
                ".": {}, "f:name": {}, "f:image": {}, "f:env": {".": {}}}}}}})
        );
        assert_eq!(fields(1), &json!({"f:replicas": {}}));
        assert_eq!(fields(2), &json!({"f:replicas": {}}));
        assert_eq!(claim(&rendered(), &there, &[]), None);
    }

    #[test]
    fn who_owns_nothing_more_is_no_owner() {
        let there = there(&of_pods(&json!({"f:hostPID": {}})));
        let claimed = claim(&rendered(), &there, &added(&rendered(), &Managers::of(&there))).unwrap();
        let managers: Vec<&Value> =
            claimed.as_array().unwrap().iter().map(|entry| &entry["manager"]).collect();
        assert_eq!(managers, ["plimsoll", "kube-controller-manager"]);
    }

    #[test]
    fn the_union_of_a_whole_and_a_part_holds_both() {
        for (one, two, expected) in [
            (json!({"f:a": {}}), json!({"f:a": {"f:b": {}}}), json!({"f:a": {".": {}, "f:b": {}}})),
            (json!({"f:a": {"f:b": {}}}), json!({"f:a": {}}), json!({"f:a": {".": {}, "f:b": {}}})),
            (json!({"f:a": {}}), json!({"f:a": {}}), json!({"f:a": {}})),
            (json!({"f:a": {}}), json!({"f:b": {}}), json!({"f:a": {}, "f:b": {}})),
        ] {
            let mut united = one.clone();
            unite(&mut united, two);
            assert_eq!(united, expected, "{one}");
        }
    }
}
