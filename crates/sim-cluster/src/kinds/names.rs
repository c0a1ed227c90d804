//! Names, labels and annotations.

use serde_json::Value;

use crate::object;
use crate::resource::Resource;
use crate::status::Cause;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/// The name of a new object, and the rest of its metadata.
pub(super) fn check(resource: &Resource, object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let name = object::name(object);
    let invalid = |why: &str| Cause::invalid("metadata.name", &name.into(), why);
    match &*resource.key {
        "namespaces" | "services" if !is_label(name) => causes.push(invalid(LABEL)),
        "namespaces" | "services" => {}
        _ if !is_subdomain(name) => causes.push(invalid(SUBDOMAIN)),
        _ => {}
    }
    causes.extend(check_metadata(object));
    causes
}

/// Labels, for new objects and changed ones.
pub(super) fn check_metadata(object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    for (key, value) in object::map(object, "/metadata/labels").into_iter().flatten() {
        let text = value.as_str().unwrap_or_default();
        if text.len() > 63 {
            causes.push(Cause::invalid("metadata.labels", value, "must be no more than 63 bytes"));
        } else if !is_label_value(text) {
            causes.push(Cause::invalid("metadata.labels", value, VALUE));
        }
        let name = key.rsplit('/').next().unwrap_or_default();
        if name.is_empty() || name.len() > 63 || !is_label_value(name) {
            causes.push(Cause::invalid("metadata.labels", &key.as_str().into(), "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"));
        }
    }
    causes
}

/// A name inside an object that must be a DNS label.
pub(super) fn check_label(name: &str, field: &str, causes: &mut Vec<Cause>) {
    if !is_label(name) {
        causes.push(Cause::invalid(field, &name.into(), LABEL));
    }
}

fn is_label(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !name.is_empty()
        && name.len() <= 63
        && name.chars().all(inner)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

fn is_subdomain(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(part)
}

fn is_label_value(value: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    value.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && edge(value.chars().next())
        && edge(value.chars().last())
}
