//! Namespaces.

use crate::object;
use crate::tree::{Value, json};

const NAME_LABEL: &str = "kubernetes.io/metadata.name";

pub(super) fn default(namespace: &mut Value) {
    let name = object::name(namespace).to_owned();
    let metadata = object::metadata(namespace);
    let labels = object::fields(metadata.entry("labels").or_insert_with(|| json!({})));
    labels.insert(NAME_LABEL, name.into());
    object::child(namespace, "spec");
}

pub(super) fn prepare_create(namespace: &mut Value) {
    namespace["spec"] = json!({"finalizers": ["kubernetes"]});
    namespace["status"] = json!({"phase": "Active"});
}
