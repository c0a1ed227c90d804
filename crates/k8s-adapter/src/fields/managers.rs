//! Who owns which fields of an object: `metadata.managedFields`, in the form `FieldsV1`.

use jiff::Timestamp;
use serde_json::Value;

use crate::rest::FIELD_MANAGER;

/// The managers of one object.
pub(crate) struct Managers<'a> {
    entries: Vec<Entry<'a>>,
}

struct Entry<'a> {
    manager: &'a str,
    applies: bool,
    api_version: &'a str,
    subresource: &'a str,
    time: &'a str,
    fields: &'a Value,
}

impl<'a> Managers<'a> {
    pub(crate) fn of(object: &'a Value) -> Self {
        let entries = object["metadata"]["managedFields"].as_array().into_iter().flatten();
        Self { entries: entries.map(entry).collect() }
    }

    /// What we own by server-side apply; `None` if we never applied, or the notes were wiped out.
    pub(crate) fn ours(&self) -> Option<&'a Value> {
        self.entries.iter().find(|entry| entry.is_ours()).map(|entry| entry.fields)
    }

    /// Who else owns the field at `path`, and since when; of several, who came last.
    pub(crate) fn other_owner(&self, path: &[String]) -> Option<(&'a str, Option<Timestamp>)> {
        self.entries
            .iter()
            .filter(|entry| !entry.is_ours() && owns(entry.fields, path))
            .map(|entry| (entry.manager, entry.time.parse().ok()))
            .max_by_key(|(_, time): &(_, Option<Timestamp>)| *time)
    }

    /// What others own of the object itself; of a subresource they own what it is made for.
    pub(super) fn others(&self, api_version: &str) -> impl Iterator<Item = &'a Value> {
        self.entries.iter().filter(move |entry| entry.is_others(api_version)).map(|entry| entry.fields)
    }
}

impl Entry<'_> {
    fn is_ours(&self) -> bool {
        self.applies && self.manager == FIELD_MANAGER && self.subresource.is_empty()
    }

    /// Paths have a meaning in their version alone; what was written in another one changes the values of ours.
    fn is_others(&self, api_version: &str) -> bool {
        !self.is_ours() && self.subresource.is_empty() && self.api_version == api_version
    }
}

/// Whether an entry of `managedFields` is what we own by server-side apply.
pub(super) fn is_ours(value: &Value) -> bool {
    entry(value).is_ours()
}

/// Whether an entry of `managedFields` is what somebody else owns, in this version.
pub(super) fn is_others(value: &Value, api_version: &str) -> bool {
    entry(value).is_others(api_version)
}

fn entry(value: &Value) -> Entry<'_> {
    let text = |field: &str| value[field].as_str().unwrap_or_default();
    Entry {
        manager: text("manager"),
        applies: text("operation") == "Apply",
        api_version: text("apiVersion"),
        subresource: text("subresource"),
        time: text("time"),
        fields: &value["fieldsV1"],
    }
}

/// Whether `fields` has `path`, or a part of it that is owned as a whole.
fn owns(fields: &Value, path: &[String]) -> bool {
    let Some((first, rest)) = path.split_first() else { return true };
    match fields.get(first) {
        Some(below) => below.as_object().is_some_and(serde_json::Map::is_empty) || owns(below, rest),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_other_owner_is_who_came_last() {
        let object = json!({"metadata": {"managedFields": [
            {"manager": "plimsoll", "operation": "Apply", "time": "2026-01-01T00:00:00Z",
             "fieldsV1": {"f:spec": {"f:replicas": {}}}},
            {"manager": "kubectl", "operation": "Update", "subresource": "scale", "time": "2026-01-02T00:00:00Z",
             "fieldsV1": {"f:spec": {"f:replicas": {}}}},
            {"manager": "kube-controller-manager", "operation": "Update", "subresource": "scale",
             "time": "2026-01-03T00:00:00Z", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
        ]}});
        let managers = Managers::of(&object);
        let path = ["f:spec".to_owned(), "f:replicas".to_owned()];
        let since = "2026-01-03T00:00:00Z".parse().ok();
        assert_eq!(managers.other_owner(&path), Some(("kube-controller-manager", since)));
        assert_eq!(managers.other_owner(&["f:spec".to_owned(), "f:paused".to_owned()]), None);
        assert_eq!(managers.ours(), Some(&json!({"f:spec": {"f:replicas": {}}})));
    }
}
