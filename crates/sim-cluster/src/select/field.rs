//! Field selectors: the few paths that each resource indexes.

use crate::resource::Resource;
use crate::tree::Value;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    /// The JSON pointer of the field.
    pointer: String,
    value: String,
    equal: bool,
}

/// Requirements on fields that must all hold; empty matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FieldSelector {
    requirements: Vec<Requirement>,
}

impl FieldSelector {
    /// Reads the `fieldSelector` query parameter for a resource, which must index each field named.
    pub(crate) fn parse(text: &str, resource: &Resource) -> Result<Self, String> {
        let mut requirements = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (field, value, equal) = if let Some((field, value)) = part.split_once("!=") {
                (field, value, false)
            } else if let Some((field, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
                (field, value, true)
            } else {
                return Err(format!("invalid selector: '{text}'; can't understand '{part}'"));
            };
            if !is_indexed(resource, field) {
                return Err(not_indexed(resource, field));
            }
            let pointer = match (resource.plural.as_str(), field) {
                ("events", "source") => "/source/component".to_owned(),
                _ => format!("/{}", field.replace('.', "/")),
            };
            requirements.push(Requirement { pointer, value: value.to_owned(), equal });
        }
        Ok(Self { requirements })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// How much it asks for.
    pub(crate) fn len(&self) -> usize {
        self.requirements.len()
    }

    /// The fields, as JSON pointers, that must have one value alone.
    pub(crate) fn exact(&self) -> impl Iterator<Item = (&str, &str)> {
        let exact = self.requirements.iter().filter(|requirement| requirement.equal);
        exact.map(|Requirement { pointer, value, .. }| (pointer.as_str(), value.as_str()))
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.requirements.iter().all(|Requirement { pointer, value, equal }| {
            let held = match crate::object::at(object, pointer) {
                Some(Value::String(held)) => held == value,
                Some(Value::Bool(held)) => value == if *held { "true" } else { "false" },
                Some(Value::Number(held)) => *value == held.to_string(),
                _ => value.is_empty() || (value == "false" && is_boolean(pointer)),
            };
            held == *equal
        })
    }
}

/// Kinds that index nothing but what every object has say so.
fn not_indexed(resource: &Resource, field: &str) -> String {
    const WITH_FIELDS_OF_THEIR_OWN: [&str; 7] =
        ["pods", "events", "nodes", "namespaces", "secrets", "services", "replicasets.apps"];
    if resource.is_custom() || WITH_FIELDS_OF_THEIR_OWN.contains(&&*resource.key) {
        return format!("field label not supported: {field}");
    }
    format!("{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
}

fn is_boolean(pointer: &str) -> bool {
    matches!(pointer, "/spec/unschedulable" | "/spec/hostNetwork")
}

fn is_indexed(resource: &Resource, field: &str) -> bool {
    if field == "metadata.name" || (field == "metadata.namespace" && resource.is_namespaced()) {
        return true;
    }
    let fields: &[&str] = match &*resource.key {
        "pods" => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
        "events" => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        "nodes" => &["spec.unschedulable"],
        "namespaces" => &["status.phase"],
        "secrets" => &["type"],
        "services" => &["spec.clusterIP", "spec.type"],
        "replicasets.apps" => &["status.replicas"],
        _ => &[],
    };
    fields.contains(&field) || resource.selectable_fields.iter().any(|selectable| selectable == field)
}

#[cfg(test)]
mod tests {
    use crate::tree::json;

    use super::FieldSelector;
    use crate::resource::Registry;

    #[test]
    fn fields_are_selected_by_value_and_unknown_ones_refused() {
        let pods = Registry::new().find("", "v1", "pods").unwrap();
        let pod = json!({"metadata": {"name": "x"}, "status": {"phase": "Running"}, "spec": {}});
        let cases = [
            ("metadata.name=x", true),
            ("metadata.name!=x", false),
            ("status.phase=Running,spec.nodeName=", true),
            ("status.phase!=Running", false),
        ];
        for (text, expected) in cases {
            assert_eq!(FieldSelector::parse(text, &pods).unwrap().matches(&pod), expected, "{text}");
        }
        let refused = FieldSelector::parse("spec.foo=1", &pods);
        assert_eq!(refused, Err("field label not supported: spec.foo".to_owned()));
    }
}
