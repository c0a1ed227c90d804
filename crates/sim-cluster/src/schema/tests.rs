use super::recording::{DOCUMENTS, decode, encode, strip};
use super::{Relation, Schema, Schemas};
use crate::tree::{Value, json};

#[test]
fn every_recorded_document_is_read_and_has_kinds() {
    let schemas = Schemas::builtin();
    assert_eq!(schemas.paths().collect::<Vec<_>>(), DOCUMENTS);
    for path in DOCUMENTS {
        let document = schemas.document(path).expect("a document");
        assert!(document["paths"].as_object().is_some_and(|paths| !paths.is_empty()), "{path}");
    }
    let kinds = [
        ("", "Pod"),
        ("", "Service"),
        ("", "ConfigMap"),
        ("", "Node"),
        ("apps", "Deployment"),
        ("apps", "ReplicaSet"),
        ("coordination.k8s.io", "Lease"),
        ("policy", "PodDisruptionBudget"),
        ("scheduling.k8s.io", "PriorityClass"),
        ("apiextensions.k8s.io", "CustomResourceDefinition"),
        ("autoscaling", "Scale"),
    ];
    for (group, kind) in kinds {
        assert!(schemas.get(group, "v1", kind).is_some(), "{group}/{kind}");
    }
    assert!(schemas.get("autoscaling", "v2", "HorizontalPodAutoscaler").is_some());
    assert!(schemas.get("apps", "v1", "Nothing").is_none());
}

#[test]
fn a_stripped_document_stays_as_it_is_and_is_written_the_same() {
    for path in DOCUMENTS {
        let document = Schemas::builtin().document(path).expect("a document");
        let stripped = strip(&document);
        assert_eq!(stripped, *document, "{path}");
        let bytes = encode(&stripped).expect("written");
        assert_eq!(bytes, encode(&decode(&bytes).expect("read")).expect("written again"), "{path}");
    }
}

#[test]
fn prose_goes_and_a_property_called_description_stays() {
    let document = json!({
        "openapi": "3.0.0",
        "info": {"title": "t"},
        "paths": {"/x": {
            "get": {"operationId": "list"},
            "patch": {
                "operationId": "patch",
                "parameters": [
                    {"name": "force", "in": "query", "description": "prose", "schema": {"type": "boolean"}},
                    {"name": "pretty", "in": "query"},
                ],
            },
        }},
        "components": {"schemas": {
            "a.Kind": {
                "type": "object",
                "description": "prose",
                "properties": {"description": {"type": "string", "description": "prose"}},
                "x-kubernetes-group-version-kind": [{"group": "", "version": "v1", "kind": "Kind"}],
            },
            "a.Unused": {"type": "object"},
        }},
    });
    let stripped = strip(&document);
    let schemas = &stripped["components"]["schemas"];
    assert_eq!(schemas["a.Kind"]["properties"], json!({"description": {"type": "string"}}));
    assert_eq!(schemas.get("a.Unused"), None);
    assert_eq!(stripped["paths"]["/x"].get("get"), None);
    let parameters = &stripped["paths"]["/x"]["patch"]["parameters"];
    assert_eq!(*parameters, json!([{"name": "force", "in": "query", "schema": {"type": "boolean"}}]));
}

#[test]
fn ports_of_a_container_are_told_apart_by_number_and_protocol() {
    let schema = Schemas::builtin().get("", "v1", "Pod").expect("a built-in kind");
    let field = |ty, name: &str| {
        let map = schema.get(ty).map.as_ref().expect("an object");
        schema.field_type(map, name).expect("a field")
    };
    let containers = field(field(schema.root(), "spec"), "containers");
    let container = schema.get(containers).list.as_ref().expect("a list").element;
    let ports = schema.get(field(container, "ports")).list.as_ref().expect("a list");
    assert_eq!(ports.relation, Relation::Separable);
    assert_eq!(ports.keys, ["containerPort", "protocol"]);
}

#[test]
fn the_empty_object_of_a_kind_is_that_of_its_go_type() {
    let zero = |group, version, kind: &str| {
        let schema = Schemas::builtin().get(group, version, kind).expect("a built-in kind");
        let mut zero = schema.zero("", kind);
        zero.as_object_mut().expect("an object").retain(|name, _| name != "apiVersion" && name != "kind");
        zero
    };
    let rows = [
        ("", "v1", "ConfigMap", json!({"metadata": {}})),
        ("", "v1", "Service", json!({"metadata": {}, "spec": {}, "status": {"loadBalancer": {}}})),
        (
            "apps",
            "v1",
            "Deployment",
            json!({
                "metadata": {},
                "spec": {
                    "selector": null,
                    "strategy": {},
                    "template": {"metadata": {}, "spec": {"containers": null}},
                },
                "status": {},
            }),
        ),
        (
            "autoscaling",
            "v2",
            "HorizontalPodAutoscaler",
            json!({
                "metadata": {},
                "spec": {"maxReplicas": 0, "scaleTargetRef": {"kind": "", "name": ""}},
                "status": {"currentMetrics": null, "desiredReplicas": 0},
            }),
        ),
    ];
    for (group, version, kind, expected) in rows {
        assert_eq!(zero(group, version, kind), expected, "{kind}");
    }
}

#[test]
fn an_object_takes_the_form_of_its_go_type() {
    let schema = Schemas::builtin().get("", "v1", "Pod").expect("a built-in kind");
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "labels": {}, "creationTimestamp": null, "managedFields": []},
        "spec": {
            "hostNetwork": false,
            "nodeSelector": {},
            "terminationGracePeriodSeconds": 0,
            "securityContext": {},
            "containers": [{"name": "c", "image": "", "args": [], "stdin": false, "unknown": 1}],
            "volumes": [{"name": "v", "emptyDir": {}}],
        },
    });
    assert_eq!(schema.prune(&mut pod), ["spec.containers[0].unknown"]);
    schema.as_struct(&mut pod);
    assert_eq!(
        pod,
        json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "p", "managedFields": []},
            "spec": {
                "terminationGracePeriodSeconds": 0,
                "securityContext": {},
                "containers": [{"name": "c", "resources": {}}],
                "volumes": [{"name": "v", "emptyDir": {}}],
            },
            "status": {},
        })
    );
}

#[test]
fn a_schema_that_refers_to_nothing_is_refused() {
    let components =
        json!({"a": {"type": "object", "properties": {"b": {"$ref": "#/components/schemas/c"}}}});
    let Value::Object(components) = components else { unreachable!("an object") };
    let error = Schema::from_components(&components, "a").expect_err("refused");
    assert_eq!(error.to_string(), "schema a: refers to \"c\", which is not in the document");
}
