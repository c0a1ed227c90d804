//! The `/scale` subresource: it shows one field of its parent under another path, with that field's owners.

use super::managed::{Managed, ManagerId, Owned};
use super::path::PathElement;
use super::set::FieldSet;
use crate::tree::Value;

const SCALE_VERSION: &str = "autoscaling/v1";

/// Where a parent keeps what `/scale` calls `.spec.replicas`.
#[derive(Debug, Clone)]
pub struct ScaleMapping {
    /// Version of the parent, such as `apps/v1`.
    pub api_version: String,
    /// Names on the way to the field, such as `spec`, `replicas`.
    pub replicas: Vec<String>,
}

impl ScaleMapping {
    /// The `managedFields` of the Scale object that stands for a parent with these entries.
    pub fn to_scale(&self, parent: Option<&Value>) -> Option<Value> {
        let parent = Managed::decode(parent).unwrap_or_default();
        let mut shown = Managed::default();
        for (id, owned) in parent.fields {
            if owned.api_version == self.api_version && owned.set.contains(&self.path()) {
                if let Some(time) = parent.times.get(&id) {
                    shown.times.insert(id.clone(), time.clone());
                }
                let set = single(&scale_path());
                shown.fields.insert(id, Owned { set, api_version: SCALE_VERSION.to_owned() });
            }
        }
        shown.encode()
    }

    /// The parent's entries after the Scale object, with these entries now, was written through it.
    pub fn to_parent(&self, parent: Option<&Value>, scale: Option<&Value>) -> Option<Value> {
        let parent = Managed::decode(parent).unwrap_or_default();
        let mut scale = Managed::decode(scale).unwrap_or_default();
        let mut merged = Managed::default();
        for (id, mut owned) in parent.fields {
            let kept = scale.fields.remove(&id).is_some();
            if !kept && owned.api_version == self.api_version {
                owned.set = owned.set.difference(&single(&self.path()));
            }
            if !owned.set.is_empty() {
                if let Some(time) = parent.times.get(&id) {
                    merged.times.insert(id.clone(), time.clone());
                }
                merged.fields.insert(id, owned);
            }
        }
        let taken: Vec<ManagerId> = scale
            .fields
            .iter()
            .filter(|(_, owned)| owned.set.contains(&scale_path()))
            .map(|(id, _)| id.clone())
            .collect();
        for id in taken {
            let owned = Owned { set: single(&self.path()), api_version: self.api_version.clone() };
            merged.fields.insert(id, owned);
        }
        merged.encode()
    }

    fn path(&self) -> Vec<PathElement> {
        self.replicas.iter().map(|name| PathElement::Field(name.into())).collect()
    }
}

fn scale_path() -> Vec<PathElement> {
    ["spec", "replicas"].map(|name| PathElement::Field(name.into())).to_vec()
}

fn single(path: &[PathElement]) -> FieldSet {
    let mut set = FieldSet::default();
    set.insert(path);
    set
}
