//! `metadata.managedFields`: who manages which fields, decoded and written back.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::set::FieldSet;
use crate::tree::{Map as JsonMap, Value, json};

/// How a manager wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operation {
    Apply,
    Update,
}

impl Operation {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// What makes two entries the same entry. An applier is the same whatever version it applies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ManagerId {
    pub(super) manager: String,
    pub(super) operation: Operation,
    pub(super) api_version: Option<String>,
    pub(super) subresource: String,
}

impl ManagerId {
    pub(super) fn new(manager: &str, operation: Operation, api_version: &str, subresource: &str) -> Self {
        Self {
            manager: if manager.is_empty() { "unknown".to_owned() } else { manager.to_owned() },
            operation,
            api_version: (operation == Operation::Update).then(|| api_version.to_owned()),
            subresource: subresource.to_owned(),
        }
    }
}

/// The fields of one entry and the version that their paths belong to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Owned {
    pub(super) set: FieldSet,
    pub(super) api_version: String,
}

/// All entries of an object. The time is kept beside them: an entry may be without one.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Managed {
    pub(super) fields: BTreeMap<ManagerId, Owned>,
    pub(super) times: BTreeMap<ManagerId, String>,
}

impl Managed {
    /// Reads the entries of an object; the error is the one that kube-apiserver reports.
    pub(super) fn decode(entries: Option<&Value>) -> Result<Self, String> {
        let mut managed = Self::default();
        for (index, entry) in entries.and_then(Value::as_array).into_iter().flatten().enumerate() {
            let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
            let operation = match text("operation") {
                "Apply" => Operation::Apply,
                "Update" => Operation::Update,
                _ => return Err("operation must be `Apply` or `Update`".to_owned()),
            };
            let api_version = text("apiVersion");
            if api_version.is_empty() {
                return Err("apiVersion must not be empty".to_owned());
            }
            match text("fieldsType") {
                "FieldsV1" => {}
                "" => return Err(format!("missing fieldsType in managed fields entry {index}")),
                other => {
                    return Err(format!("invalid fieldsType {other:?} in managed fields entry {index}"));
                }
            }
            let id = ManagerId {
                manager: text("manager").to_owned(),
                operation,
                api_version: (operation == Operation::Update).then(|| api_version.to_owned()),
                subresource: text("subresource").to_owned(),
            };
            let set = match entry.get("fieldsV1") {
                Some(fields) if !fields.is_null() => FieldSet::from_fields_v1(fields)
                    .map_err(|error| format!("error decoding set: {error}"))?,
                _ => FieldSet::default(),
            };
            if let Some(time) = entry.get("time").and_then(Value::as_str) {
                managed.times.insert(id.clone(), time.to_owned());
            }
            managed.fields.insert(id, Owned { set, api_version: api_version.to_owned() });
        }
        Ok(managed)
    }

    /// Writes the entries in the order that kube-apiserver keeps: appliers first, then by time and name.
    pub(super) fn encode(&self) -> Option<Value> {
        if self.fields.is_empty() {
            return None;
        }
        let mut entries: Vec<(&ManagerId, &Owned, Option<&String>)> =
            self.fields.iter().map(|(id, owned)| (id, owned, self.times.get(id))).collect();
        entries.sort_by(|(a, a_owned, a_time), (b, b_owned, b_time)| {
            a.operation
                .cmp(&b.operation)
                .then_with(|| seconds(*a_time).cmp(&seconds(*b_time)))
                .then_with(|| a.manager.cmp(&b.manager))
                .then_with(|| a_owned.api_version.cmp(&b_owned.api_version))
                .then_with(|| a.subresource.cmp(&b.subresource))
        });
        let written = |(id, owned, time): (&ManagerId, &Owned, Option<&String>)| {
            entry(id, &owned.api_version, owned.set.to_fields_v1(), time)
        };
        Some(entries.into_iter().map(written).collect())
    }

    /// Notes when an entry last changed.
    pub(super) fn touch(&mut self, id: &ManagerId, now: Timestamp) {
        self.times.insert(id.clone(), wire_time(now));
    }

    /// Seconds since the epoch at which an entry last changed; 0 without a time, as kube-apiserver sorts.
    pub(super) fn seconds(&self, id: &ManagerId) -> i64 {
        seconds(self.times.get(id))
    }
}

/// One entry as an object carries it.
pub(super) fn entry(id: &ManagerId, api_version: &str, fields: Value, time: Option<&String>) -> Value {
    let mut entry = JsonMap::new();
    entry.insert("manager", json!(id.manager));
    entry.insert("operation", json!(id.operation.as_str()));
    entry.insert("apiVersion", json!(api_version));
    if let Some(time) = time {
        entry.insert("time", json!(time));
    }
    entry.insert("fieldsType", json!("FieldsV1"));
    entry.insert("fieldsV1", fields);
    if !id.subresource.is_empty() {
        entry.insert("subresource", json!(id.subresource));
    }
    Value::Object(entry)
}

fn seconds(time: Option<&String>) -> i64 {
    time.and_then(|time| time.parse::<Timestamp>().ok()).map_or(0, Timestamp::as_second)
}

/// A time as `metav1.Time` prints it: UTC, whole seconds.
pub(super) fn wire_time(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}
