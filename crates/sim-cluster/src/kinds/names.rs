//! Names, labels, annotations, finalizers and owners.

use crate::object;
use crate::resource::Resource;
use crate::status::Cause;
use crate::tree::Value;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

const QUALIFIED: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LONGEST_LABEL: usize = 63;
const LONGEST_SUBDOMAIN: usize = 253;
const LARGEST_ANNOTATIONS: usize = 256 * 1024;
/// Finalizers that need no domain.
const STANDARD_FINALIZERS: [&str; 3] = ["kubernetes", "orphan", "foregroundDeletion"];

/// The name of a new object, and the rest of its metadata.
pub(super) fn check(resource: &Resource, object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let name = object::name(object);
    let faults = match &*resource.key {
        "namespaces" | "services" => faults_of_label(name),
        _ => faults_of_subdomain(name),
    };
    causes.extend(faults.iter().map(|why| Cause::invalid("metadata.name", &name.into(), why)));
    causes.extend(check_metadata(resource, object));
    causes
}

/// Labels, annotations, finalizers and owners, for new objects and changed ones.
pub(super) fn check_metadata(resource: &Resource, object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let invalid = |field: &str, value: &str, why: &str| Cause::invalid(field, &value.into(), why);
    for (key, value) in object::map(object, "/metadata/labels").into_iter().flatten() {
        let faults = faults_of_qualified(key);
        causes.extend(faults.iter().map(|why| invalid("metadata.labels", key, why)));
        let text = value.as_str().unwrap_or_default();
        causes.extend(fault_of_label_value(text).map(|why| invalid("metadata.labels", text, why)));
    }
    let mut size = 0;
    for (key, value) in object::map(object, "/metadata/annotations").into_iter().flatten() {
        let faults = faults_of_qualified(&key.to_lowercase());
        causes.extend(faults.iter().map(|why| invalid("metadata.annotations", key, why)));
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    if size > LARGEST_ANNOTATIONS {
        causes.push(Cause {
            reason: "FieldValueTooLong",
            field: "metadata.annotations".into(),
            message: format!("Too long: may not be more than {LARGEST_ANNOTATIONS} bytes"),
        });
    }
    check_owners(object, &mut causes);
    for finalizer in object::finalizers(object) {
        let faults = faults_of_qualified(finalizer);
        causes.extend(faults.iter().map(|why| invalid("metadata.finalizers", finalizer, why)));
    }
    // The API of definitions has its own validation.
    let has_standard_finalizers = !resource.is_custom() && resource.group != "apiextensions.k8s.io";
    for (at, finalizer) in object::finalizers(object).enumerate() {
        if has_standard_finalizers && !finalizer.contains('/') && !STANDARD_FINALIZERS.contains(&finalizer) {
            let why = "name is neither a standard finalizer name nor is it fully qualified";
            causes.push(invalid(&format!("metadata.finalizers[{at}]"), finalizer, why));
        }
    }
    causes
}

fn check_owners(object: &Value, causes: &mut Vec<Cause>) {
    let mut controller: Option<String> = None;
    for (at, owner) in object::list(object, "/metadata/ownerReferences").iter().enumerate() {
        let field = format!("metadata.ownerReferences[{at}]");
        for name in ["apiVersion", "kind", "name", "uid"] {
            if object::text(owner, &format!("/{name}")).is_empty() {
                causes.push(Cause::required(format!("{field}.{name}"), "must not be empty"));
            }
        }
        let (api_version, kind) = (object::text(owner, "/apiVersion"), object::text(owner, "/kind"));
        if kind == "Event" && ["v1", "events.k8s.io/v1"].contains(&api_version) {
            let (group, version) = crate::resource::split_api_version(api_version);
            let why = format!("{group}/{version}, Kind={kind} is disallowed from being an owner");
            causes.push(Cause {
                reason: "FieldValueInvalid",
                message: format!("Invalid value: {}: {why}", in_order(owner)),
                field,
            });
        }
        if object::flag(owner, "/controller") {
            let name = format!("{kind}/{}", object::text(owner, "/name"));
            if let Some(first) = &controller {
                let why = format!(
                    "Only one reference can have Controller set to true. Found \"true\" in references for {first} \
                     and {name}"
                );
                let owners = object::list(object, "/metadata/ownerReferences").iter().map(in_order);
                let owners = owners.collect::<Vec<_>>().join(",");
                causes.push(Cause {
                    reason: "FieldValueInvalid",
                    field: "metadata.ownerReferences".into(),
                    message: format!("Invalid value: [{owners}]: {why}"),
                });
            }
            controller = controller.or(Some(name));
        }
    }
}

/// An owner with its fields in the order in which the real server prints them.
fn in_order(owner: &Value) -> String {
    const ORDER: [&str; 6] = ["apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion"];
    let fields = ORDER.iter().filter_map(|name| Some(format!("\"{name}\":{}", owner.get(name)?)));
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}

/// A name inside an object that must be a DNS label.
pub(super) fn check_label(name: &str, field: &str, causes: &mut Vec<Cause>) {
    causes.extend(faults_of_label(name).iter().map(|why| Cause::invalid(field, &name.into(), why)));
}

fn faults_of_label(name: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if name.len() > LONGEST_LABEL {
        faults.push(format!("must be no more than {LONGEST_LABEL} bytes"));
    }
    if !is_part(name) {
        faults.push(if is_dotted(name) { "must not contain dots".to_owned() } else { LABEL.to_owned() });
    }
    faults
}

fn faults_of_subdomain(name: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if name.len() > LONGEST_SUBDOMAIN {
        faults.push(format!("must be no more than {LONGEST_SUBDOMAIN} characters"));
    }
    if !is_dotted(name) {
        faults.push(SUBDOMAIN.to_owned());
    }
    faults
}

/// A name with an optional domain before a slash, as keys of labels and annotations are.
pub(crate) fn faults_of_qualified(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let parts: Vec<&str> = text.split('/').collect();
    let name = match *parts.as_slice() {
        [name] => name,
        [prefix, name] => {
            if prefix.is_empty() {
                faults.push("prefix part must be non-empty".to_owned());
            } else {
                let wrong = faults_of_subdomain(prefix);
                faults.extend(
                    wrong.iter().map(|why| format!("prefix part {}", why.replace("3 characters", "3 bytes"))),
                );
            }
            name
        }
        _ => {
            return vec![format!(
                "a valid label key {QUALIFIED} with an optional DNS subdomain prefix and '/' (e.g. \
                 'example.com/MyName')"
            )];
        }
    };
    if name.is_empty() {
        faults.push("name part must be non-empty".to_owned());
    } else if name.len() > LONGEST_LABEL {
        faults.push(format!("name part must be no more than {LONGEST_LABEL} bytes"));
    }
    if name.is_empty() || !is_label_value(name) {
        faults.push(format!("name part {QUALIFIED}"));
    }
    faults
}

/// What is wrong with the value of a label.
pub(crate) fn fault_of_label_value(text: &str) -> Option<&'static str> {
    if text.len() > LONGEST_LABEL {
        return Some("must be no more than 63 bytes");
    }
    (!is_label_value(text)).then_some(VALUE)
}

fn is_part(part: &str) -> bool {
    !part.is_empty()
        && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !part.starts_with('-')
        && !part.ends_with('-')
}

fn is_dotted(name: &str) -> bool {
    name.split('.').all(is_part)
}

fn is_label_value(value: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    value.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && edge(value.chars().next())
        && edge(value.chars().last())
}
