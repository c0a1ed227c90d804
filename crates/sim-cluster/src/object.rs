//! Reading and writing the parts every Kubernetes object has, on plain JSON trees.

use crate::status::ApiError;
use crate::tree::{List, Map, Text, Value};

/// How deep an object may be nested, what the server itself notes in it aside. A real server takes ten thousand levels;
/// most clients read 127, with a list or an event around the object.
const DEEPEST: usize = 100;

/// Refuses an object that clients could not read back.
pub(crate) fn check_depth(object: &Value) -> Result<(), ApiError> {
    let of_metadata =
        |(field, value): (&Text, &Value)| field != "managedFields" && is_deeper(value, DEEPEST - 2);
    let of_object = |(field, value): (&Text, &Value)| match value {
        Value::Object(metadata) if field == "metadata" => metadata.iter().any(of_metadata),
        value => is_deeper(value, DEEPEST - 1),
    };
    if object.as_object().is_some_and(|fields| fields.iter().any(of_object)) {
        return Err(ApiError::not_modelled(&format!("objects that are nested more than {DEEPEST} deep")));
    }
    Ok(())
}

/// Whether a value has more than so many maps and lists within each other.
pub(crate) fn is_deeper(value: &Value, levels: usize) -> bool {
    let below = |value: &Value| is_deeper(value, levels - 1);
    match value {
        Value::Object(fields) => levels == 0 || fields.values().any(below),
        Value::Array(items) => levels == 0 || items.iter().any(below),
        _ => false,
    }
}

/// What is at a JSON pointer without escapes. `Value::pointer` makes two texts of each step.
pub(crate) fn at<'a>(object: &'a Value, pointer: &str) -> Option<&'a Value> {
    let Some(mut rest) = pointer.strip_prefix('/') else { return Some(object) };
    let mut found = object;
    loop {
        // Steps are short, and soon gone through.
        let end = rest.bytes().position(|byte| byte == b'/');
        let step = end.map_or(rest, |end| &rest[..end]);
        found = match found {
            Value::Object(fields) => fields.get(step)?,
            Value::Array(items) => items.get(step.parse::<usize>().ok()?)?,
            _ => return None,
        };
        let Some(end) = end else { return Some(found) };
        rest = &rest[end + 1..];
    }
}

/// The string at a JSON pointer, empty when it is absent or of another type.
pub(crate) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    at(object, pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The integer at a JSON pointer.
pub(crate) fn integer(object: &Value, pointer: &str) -> Option<i64> {
    at(object, pointer).and_then(Value::as_i64)
}

/// The boolean at a JSON pointer, false when absent.
pub(crate) fn flag(object: &Value, pointer: &str) -> bool {
    at(object, pointer).and_then(Value::as_bool).unwrap_or_default()
}

/// The elements of the list at a JSON pointer, empty when it is absent or of another type.
pub(crate) fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    at(object, pointer).and_then(Value::as_array).map(List::as_slice).unwrap_or_default()
}

/// The map at a JSON pointer.
pub(crate) fn map<'a>(object: &'a Value, pointer: &str) -> Option<&'a Map> {
    at(object, pointer).and_then(Value::as_object)
}

pub(crate) fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

pub(crate) fn namespace(object: &Value) -> &str {
    text(object, "/metadata/namespace")
}

pub(crate) fn uid(object: &Value) -> &str {
    text(object, "/metadata/uid")
}

pub(crate) fn resource_version(object: &Value) -> &str {
    text(object, "/metadata/resourceVersion")
}

pub(crate) fn generation(object: &Value) -> i64 {
    integer(object, "/metadata/generation").unwrap_or_default()
}

pub(crate) fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    map(object, "/metadata/labels")?.get(key)?.as_str()
}

pub(crate) fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    map(object, "/metadata/annotations")?.get(key)?.as_str()
}

pub(crate) fn is_terminating(object: &Value) -> bool {
    at(object, "/metadata/deletionTimestamp").is_some_and(Value::is_string)
}

pub(crate) fn finalizers(object: &Value) -> impl Iterator<Item = &str> {
    list(object, "/metadata/finalizers").iter().filter_map(Value::as_str)
}

/// The owner reference whose `controller` is true.
pub(crate) fn controller_of(object: &Value) -> Option<&Value> {
    list(object, "/metadata/ownerReferences").iter().find(|owner| flag(owner, "/controller"))
}

/// The uids of all owners.
pub(crate) fn owner_uids(object: &Value) -> impl Iterator<Item = &str> {
    list(object, "/metadata/ownerReferences").iter().map(|owner| text(owner, "/uid"))
}

/// `object[key]` as a map, made when it is absent or something else.
pub(crate) fn child<'a>(object: &'a mut Value, key: &str) -> &'a mut Map {
    let slot = fields(object).entry(key).or_insert(Value::Null);
    fields(slot)
}

/// The fields of `value`, which becomes an empty object when it was none.
pub(crate) fn fields(value: &mut Value) -> &mut Map {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("was made an object above"),
    }
}

pub(crate) fn metadata(object: &mut Value) -> &mut Map {
    child(object, "metadata")
}

/// Sets `object[key]` when it is absent or null.
pub(crate) fn set_default(object: &mut Value, key: &str, value: impl Into<Value>) {
    if object.get(key).is_none_or(Value::is_null) {
        fields(object).insert(key, value.into());
    }
}

/// Sets `object[key]`, or removes it when there is no value.
pub(crate) fn set_or_remove(object: &mut Map, key: &str, value: Option<Value>) {
    match value {
        Some(value) => object.insert(key, value),
        None => object.remove(key),
    };
}

/// A condition of a status by its type.
pub(crate) fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    list(object, "/status/conditions").iter().find(|condition| text(condition, "/type") == kind)
}

/// The container of a pod that has this name.
pub(crate) fn container_of<'a>(pod: &'a Value, name: &str) -> Option<&'a Value> {
    let mut all = list(pod, "/spec/containers").iter().chain(list(pod, "/spec/initContainers"));
    all.find(|container| text(container, "/name") == name)
}

/// The containers of a pod that run as long as it does: sidecars too.
pub(crate) fn lasting_containers(pod: &Value) -> impl Iterator<Item = &Value> {
    let sidecars = list(pod, "/spec/initContainers").iter();
    let sidecars = sidecars.filter(|container| text(container, "/restartPolicy") == "Always");
    list(pod, "/spec/containers").iter().chain(sidecars)
}

/// Whether a pod or a node says that it is ready.
pub(crate) fn is_ready(object: &Value) -> bool {
    condition(object, "Ready").is_some_and(|ready| text(ready, "/status") == "True")
}

/// The list at `object[key]`, if there is one, to change its elements.
pub(crate) fn elements<'a>(object: &'a mut Value, key: &str) -> impl Iterator<Item = &'a mut Value> {
    object.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten()
}
