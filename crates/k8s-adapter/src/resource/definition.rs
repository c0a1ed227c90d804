//! The definition of the App resource, as it is installed in a data center.

use serde_json::{Value, json};

use super::{DEFINITION, GROUP, KIND, VERSION, schema};

/// The annotation with [`GENERATION`].
pub(crate) const GENERATION_ANNOTATION: &str = "plimsoll.io/definition";

/// Raised with every change of the definition. A process leaves one of a higher generation alone: it knows
/// fields that this one does not, and putting the older back would drop them from every App.
pub(crate) const GENERATION: u64 = 2;

/// The `CustomResourceDefinition`, with every value that the API server would add, so that it can be compared.
pub(crate) fn definition() -> Value {
    let column = |name: &str, kind: &str, path: &str, priority: u8| {
        let mut column = json!({"name": name, "type": kind, "jsonPath": path});
        if priority > 0 {
            column["priority"] = json!(priority);
        }
        column
    };
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": DEFINITION,
            "annotations": {GENERATION_ANNOTATION: GENERATION.to_string()},
            "labels": {"app.kubernetes.io/managed-by": "plimsoll"},
        },
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": "AppList",
                "plural": "apps",
                "singular": "app",
                "categories": ["plimsoll"],
            },
            "conversion": {"strategy": "None"},
            "versions": [{
                "name": VERSION,
                "served": true,
                "storage": true,
                "subresources": {"status": {}},
                "additionalPrinterColumns": [
                    column("Release", "integer", ".spec.release", 0),
                    column("Grade", "string", ".spec.content.grade", 0),
                    column("State", "string", ".spec.state", 0),
                    column("Ready", "string", ".status.ready", 0),
                    column("Age", "date", ".metadata.creationTimestamp", 0),
                    column("Applied", "string", ".status.applied", 1),
                    column("Image", "string", ".spec.content.main.image", 1),
                    column("Finding", "string", ".status.findings[0].message", 1),
                ],
                "schema": {"openAPIV3Schema": schema::app()},
            }],
        },
    })
}

/// The generation of a definition that is installed; 0 for one that says none.
pub(crate) fn generation(definition: &Value) -> u64 {
    definition["metadata"]["annotations"][GENERATION_ANNOTATION]
        .as_str()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

/// Whether `installed` serves App resources.
pub(crate) fn is_established(installed: &Value) -> bool {
    let holds = |name: &str| {
        installed["status"]["conditions"].as_array().is_some_and(|conditions| {
            conditions.iter().any(|condition| condition["type"] == name && condition["status"] == "True")
        })
    };
    holds("Established") && holds("NamesAccepted")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_as_it_was_reviewed() {
        insta::assert_yaml_snapshot!(definition());
    }
}
