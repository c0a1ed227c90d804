use std::sync::Arc;

use proptest::prelude::*;

use super::{PatchError, strategic};
use crate::schema::{Schema, Schemas, TypeId};
use crate::tree::{Map, Value, json};

fn deployment() -> Arc<Schema> {
    Schemas::builtin().get("apps", "v1", "Deployment").expect("a built-in kind")
}

/// A Deployment with these containers, and nothing else that matters here.
fn mk(containers: &Value) -> Value {
    json!({"spec": {"template": {"spec": {"containers": containers}}}})
}

fn patched(object: &Value, patch: &Value) -> Result<Value, PatchError> {
    let mut object = object.clone();
    strategic(&deployment(), &mut object, patch).map(|()| object)
}

#[test]
fn lists_with_a_merge_key_are_merged_item_by_item() {
    let object = mk(&json!([{"name": "a", "image": "a:1"}, {"name": "b", "image": "b:1"}]));
    let rows = [
        (
            mk(&json!([{"name": "b", "image": "b:2"}])),
            mk(&json!([{"name": "a", "image": "a:1"}, {"name": "b", "image": "b:2"}])),
        ),
        (
            mk(&json!([{"name": "c", "image": "c:1"}])),
            mk(&json!([
                {"name": "c", "image": "c:1"}, {"name": "a", "image": "a:1"}, {"name": "b", "image": "b:1"},
            ])),
        ),
        (mk(&json!([{"name": "a", "$patch": "delete"}])), mk(&json!([{"name": "b", "image": "b:1"}]))),
        (mk(&json!([{"$patch": "replace"}, {"name": "c"}])), mk(&json!([{"name": "c"}]))),
        (
            json!({"spec": {"template": {"spec": {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}}}}),
            mk(&json!([{"name": "b", "image": "b:1"}, {"name": "a", "image": "a:1"}])),
        ),
        (
            mk(&json!([{"name": "a", "image": null, "args": ["x", null]}])),
            mk(&json!([{"name": "a", "args": ["x", null]}, {"name": "b", "image": "b:1"}])),
        ),
    ];
    for (patch, expected) in rows {
        assert_eq!(patched(&object, &patch), Ok(expected), "{patch}");
    }
}

#[test]
fn lists_of_scalars_are_merged_replaced_or_emptied_as_the_schema_and_the_patch_say() {
    let object = json!({
        "metadata": {"finalizers": ["a", "b"], "labels": {"x": "1"}},
        "spec": {"template": {"spec": {"containers": [{"name": "c", "args": ["1", "2"]}]}}},
    });
    let rows = [
        (json!({"metadata": {"finalizers": ["c"]}}), "/metadata/finalizers", json!(["c", "a", "b"])),
        (
            json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}),
            "/metadata/finalizers",
            json!(["b"]),
        ),
        (
            json!({"metadata": {"labels": {"$patch": "replace", "y": "2"}}}),
            "/metadata/labels",
            json!({"y": "2"}),
        ),
        (json!({"metadata": {"labels": {"$patch": "delete"}}}), "/metadata/labels", json!({})),
        (mk(&json!([{"name": "c", "args": ["3"]}])), "/spec/template/spec/containers/0/args", json!(["3"])),
    ];
    for (patch, pointer, expected) in rows {
        let object = patched(&object, &patch).expect("patched");
        assert_eq!(object.pointer(pointer), Some(&expected), "{patch}");
    }
}

#[test]
fn retained_keys_clear_the_others() {
    let object = json!({"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}});
    let patch = json!({"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}});
    assert_eq!(patched(&object, &patch), Ok(json!({"spec": {"strategy": {"type": "Recreate"}}})));
    let contradicts = json!({"spec": {"strategy": {"$retainKeys": ["type"], "rollingUpdate": {}}}});
    let error = PatchError::Malformed("invalid patch format of retainKeys".to_owned());
    assert_eq!(patched(&object, &contradicts), Err(error));
}

#[test]
fn faults_are_worded_as_the_server_words_them() {
    let mut object = mk(&json!([{"name": "a"}, {"name": "b"}]));
    object["metadata"] = json!({"finalizers": ["x"]});
    let failed = |message: &str| PatchError::Failed(message.to_owned());
    let rows = [
        (mk(&json!([{"image": "x"}])), failed("map: map[image:x] does not contain declared merge key: name")),
        (
            mk(&json!([{"name": "a", "$patch": "zap"}])),
            failed("unknown patch type: zap in map: map[$patch:zap name:a]"),
        ),
        (mk(&json!(["x"])), failed("list element types are not identical: [[map[name:a] map[name:b]] [x]]")),
        (
            json!({"spec": {"template": {"spec": {
                "$setElementOrder/containers": [{"name": "a"}],
                "containers": [{"name": "c"}],
            }}}}),
            failed(
                "The order in patch list:\n[map[name:c]]\n doesn't match $setElementOrder list:\n[map[name:a]]\n",
            ),
        ),
        (
            json!({"metadata": {"$deleteFromPrimitiveListfinalizers": ["x"]}}),
            PatchError::Malformed("invalid patch format of primitive list".to_owned()),
        ),
    ];
    for (patch, error) in rows {
        assert_eq!(patched(&object, &patch), Err(error), "{patch}");
    }
}

/// The patch that kubectl would send to turn one object into another.
fn two_way(schema: &Schema, ty: TypeId, from: &Map, to: &Map) -> Map {
    let map = schema.get(ty).map.as_ref().expect("an object type");
    let mut patch = Map::new();
    for name in from.keys().filter(|name| !to.contains_key(*name)) {
        patch.insert(name.clone(), Value::Null);
    }
    for (name, value) in to {
        let field = map.fields.get(name.as_str());
        match (from.get(name), value) {
            (Some(before), after) if before == after => {}
            (Some(Value::Object(before)), Value::Object(after)) => {
                let nested = match field {
                    Some(field) => two_way(schema, field.ty, before, after),
                    None => after.clone(),
                };
                patch.insert(name.clone(), Value::Object(nested));
            }
            (Some(Value::Array(before)), Value::Array(after)) => {
                let field = field.expect("a declared list");
                let element = schema.get(field.ty).list.as_ref().expect("a list type").element;
                match &field.patch.merge_key {
                    Some(key) if field.patch.merge => {
                        merge_list(schema, element, key, (name, before, after), &mut patch);
                    }
                    _ => {
                        patch.insert(name.clone(), Value::from(after.clone()));
                    }
                }
            }
            (_, after) => {
                patch.insert(name.clone(), after.clone());
            }
        }
    }
    patch
}

fn merge_list(
    schema: &Schema,
    element: TypeId,
    key: &str,
    (name, before, after): (&str, &[Value], &[Value]),
    patch: &mut Map,
) {
    let with = |items: &[Value], id: &Value| items.iter().find(|item| item[key] == *id).cloned();
    let mut changes = Vec::new();
    for item in after {
        match with(before, &item[key]) {
            None => changes.push(item.clone()),
            Some(old) if old == *item => {}
            Some(old) => {
                let (old, new) = (old.as_object().expect("a map"), item.as_object().expect("a map"));
                let mut change = two_way(schema, element, old, new);
                change.insert(key.to_owned(), item[key].clone());
                changes.push(Value::Object(change));
            }
        }
    }
    for item in before.iter().filter(|item| with(after, &item[key]).is_none()) {
        changes.push(json!({key: item[key], "$patch": "delete"}));
    }
    if !changes.is_empty() {
        patch.insert(name.to_owned(), Value::from(changes));
    }
    let order: Vec<Value> = after.iter().map(|item| json!({key: item[key]})).collect();
    if !order.is_empty() {
        patch.insert(format!("$setElementOrder/{name}"), Value::from(order));
    }
}

fn containers() -> impl Strategy<Value = Vec<Value>> {
    let env = proptest::sample::subsequence(vec!["A", "B", "C"], 0..=3).prop_shuffle();
    let container = (env, "[12]", proptest::option::of("[xy]")).prop_map(|(env, image, argument)| {
        let mut container = json!({"image": image});
        if !env.is_empty() {
            container["env"] = env.iter().map(|name| json!({"name": name, "value": image})).collect();
        }
        if let Some(argument) = argument {
            container["args"] = json!([argument]);
        }
        container
    });
    let names = proptest::sample::subsequence(vec!["a", "b", "c", "d"], 1..=4).prop_shuffle();
    (names, proptest::collection::vec(container, 4)).prop_map(|(names, containers)| {
        names
            .into_iter()
            .zip(containers)
            .map(|(name, mut container)| {
                container["name"] = json!(name);
                container
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn the_two_way_patch_turns_one_object_into_the_other(from in containers(), to in containers()) {
        let schema = deployment();
        let (from, to) = (mk(&Value::from(from)), mk(&Value::from(to)));
        let fields = |object: &Value| object.as_object().expect("an object").clone();
        let patch = Value::Object(two_way(&schema, schema.root(), &fields(&from), &fields(&to)));
        prop_assert_eq!(patched(&from, &patch), Ok(to));
    }

    #[test]
    fn an_empty_patch_changes_nothing(object in containers()) {
        let object = mk(&Value::from(object));
        prop_assert_eq!(patched(&object, &json!({})), Ok(object));
    }
}
