//! What a definition is called and where it belongs: group, names, scope, versions.

use std::sync::LazyLock;

use regex::Regex;

use super::fault::{FieldError, Reason, child, index};
use crate::tree::{List, Value};

/// What a kind is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// As in paths.
    pub plural: String,
    /// As people say it.
    pub singular: String,
    /// As in objects.
    pub kind: String,
    /// As in lists of objects.
    pub list_kind: String,
    /// What kubectl takes instead.
    pub short_names: Vec<String>,
    /// Groups of kinds, such as `all`.
    pub categories: Vec<String>,
}

/// Whether objects of a kind lie in namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// They do.
    Namespaced,
    /// They belong to the cluster.
    Cluster,
}

/// An API group is a domain.
pub(super) fn check_group(group: &str, faults: &mut Vec<FieldError>) {
    if group.is_empty() {
        faults.push(FieldError::required("spec.group", ""));
    } else if !group.contains('.') {
        faults.push(FieldError::invalid("spec.group", group, "should be a domain with at least one dot"));
    }
}

/// Reads what the kind is called, with the defaults for what is not said.
pub(super) fn names(given: Option<&Value>, faults: &mut Vec<FieldError>) -> Names {
    let empty = Value::Null;
    let given = given.unwrap_or(&empty);
    let strings = |name: &str| -> Vec<String> {
        list(given, name).iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let kind = text(given, "kind");
    let or = |name: &str, default: String| match text(given, name) {
        given if given.is_empty() => default,
        given => given,
    };
    let names = Names {
        plural: text(given, "plural"),
        singular: or("singular", kind.to_lowercase()),
        list_kind: or("listKind", format!("{kind}List")),
        short_names: strings("shortNames"),
        categories: strings("categories"),
        kind,
    };
    for (field, value) in [("plural", &names.plural), ("kind", &names.kind)] {
        if value.is_empty() {
            faults.push(FieldError::required(&child("spec.names", field), ""));
        }
    }
    let lower = [("plural", &names.plural), ("singular", &names.singular)];
    let mixed = [("kind", names.kind.to_lowercase()), ("listKind", names.list_kind.to_lowercase())];
    for (field, value) in lower.into_iter().map(|(field, value)| (field, value.clone())).chain(mixed) {
        if !value.is_empty() && !is_label(&value) {
            faults.push(FieldError::invalid(&child("spec.names", field), value, LABEL_WORDS));
        }
    }
    if !names.kind.is_empty() && names.kind == names.list_kind {
        let detail = "kind and listKind may not be the same";
        faults.push(FieldError::invalid("spec.names.listKind", names.list_kind.as_str(), detail));
    }
    names
}

/// Reads whether objects lie in namespaces.
pub(super) fn scope(spec: &Value, faults: &mut Vec<FieldError>) -> Scope {
    match text(spec, "scope").as_str() {
        "Namespaced" => Scope::Namespaced,
        "Cluster" => Scope::Cluster,
        other => {
            let known = ["Cluster", "Namespaced"].map(str::to_owned);
            faults.push(if other.is_empty() {
                FieldError::required("spec.scope", "")
            } else {
                FieldError::not_supported("spec.scope", &other.into(), &known)
            });
            Scope::Cluster
        }
    }
}

/// Versions are converted by changing nothing but the version.
pub(super) fn check_conversion(spec: &Value, faults: &mut Vec<FieldError>) {
    match spec.pointer("/conversion/strategy").and_then(Value::as_str) {
        None | Some("None") => {}
        Some(other) => {
            let detail = "conversion webhooks are not modelled by this simulated API server";
            let fault =
                FieldError::of_value("spec.conversion.strategy", Reason::NotSupported, &other.into(), detail);
            faults.push(fault);
        }
    }
}

/// Versions are named apart and one of them is stored; gives its name.
pub(super) fn check_versions(spec: &Value, faults: &mut Vec<FieldError>) -> String {
    let versions = list(spec, "versions");
    let mut seen = std::collections::BTreeSet::new();
    let mut storage = Vec::new();
    let shown = || Value::from(versions.to_vec());
    for (i, version) in versions.iter().enumerate() {
        let name = text(version, "name");
        if !is_label(&name) {
            let at = child(&index("spec.versions", i), "name");
            faults.push(FieldError::invalid(&at, name.as_str(), LABEL_WORDS));
        }
        if version.get("storage").and_then(Value::as_bool) == Some(true) {
            storage.push(name.clone());
        }
        if !seen.insert(name) {
            faults.push(FieldError::invalid("spec.versions", shown(), "must contain unique version names"));
        }
    }
    if storage.len() != 1 {
        let detail = "must have exactly one version marked as storage version";
        faults.push(FieldError::invalid("spec.versions", shown(), detail));
    }
    if storage.is_empty() {
        let detail = "must have at least one stored version";
        faults.push(FieldError::invalid("status.storedVersions", Value::Null, detail));
    }
    storage.pop().unwrap_or_default()
}

const LABEL_WORDS: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an \
                           alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or \
                           'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

fn is_label(text: &str) -> bool {
    static LABEL: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("^[a-z]([-a-z0-9]*[a-z0-9])?$").ok());
    text.len() <= 63 && LABEL.as_ref().is_some_and(|label| label.is_match(text))
}

/// A field of type string; empty where it is absent.
pub(super) fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A field of type array; empty where it is absent.
pub(super) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map(List::as_slice).unwrap_or_default()
}
