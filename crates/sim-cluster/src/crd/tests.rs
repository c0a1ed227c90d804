use jiff::Timestamp;

use super::{Definition, Reason, default_definition, established_status};
use crate::tree::{Value, json};

fn mk_definition(schema: &Value) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "apps.dc.example.io"},
        "spec": {
            "group": "dc.example.io",
            "scope": "Namespaced",
            "names": {"plural": "apps", "kind": "App", "shortNames": ["ap"]},
            "versions": [{
                "name": "v1",
                "served": true,
                "storage": true,
                "subresources": {"status": {}},
                "additionalPrinterColumns": [
                    {"name": "Image", "type": "string", "jsonPath": ".spec.image"},
                    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
                ],
                "schema": {"openAPIV3Schema": {
                    "type": "object",
                    "properties": {"spec": schema, "status": {"type": "object", "properties": {
                        "phase": {"type": "string"},
                    }}},
                }},
            }],
        },
    })
}

fn compile(schema: &Value) -> Definition {
    Definition::from_object(&mk_definition(schema)).expect("a sound definition")
}

fn mk_app(spec: &Value) -> Value {
    json!({"apiVersion": "dc.example.io/v1", "kind": "App", "metadata": {"name": "shop"}, "spec": spec})
}

fn faults(definition: &Definition, new: &Value, old: Option<&Value>) -> Vec<String> {
    definition.validate(new, old, "v1").iter().map(ToString::to_string).collect()
}

/// The rule that guards an order: its fence never goes back, and an equal fence means equal content.
fn fenced() -> Value {
    json!({
        "type": "object",
        "required": ["fence"],
        "properties": {
            "digest": {"type": "string", "maxLength": 71},
            "fence": {
                "type": "object",
                "required": ["epoch", "revision"],
                "properties": {
                    "epoch": {"type": "integer", "format": "int64"},
                    "revision": {"type": "integer", "format": "int64"},
                },
            },
        },
        "x-kubernetes-validations": [{
            "rule": "self.fence.epoch > oldSelf.fence.epoch || (self.fence.epoch == oldSelf.fence.epoch && \
                     (self.fence.revision > oldSelf.fence.revision || (self.fence.revision == \
                     oldSelf.fence.revision && has(self.digest) && self.digest == oldSelf.digest)))",
            "message": "the fence must grow",
        }],
    })
}

fn mk_order(epoch: i64, revision: i64, digest: &str) -> Value {
    mk_app(&json!({"fence": {"epoch": epoch, "revision": revision}, "digest": digest}))
}

#[test]
fn a_fence_may_grow_and_may_not_go_back() {
    let definition = compile(&fenced());
    let live = mk_order(1, 5, "a");
    let rows = [
        (mk_order(1, 6, "b"), true),
        (mk_order(2, 1, "b"), true),
        (mk_order(1, 5, "a"), true),
        (mk_order(1, 5, "b"), false),
        (mk_order(1, 4, "b"), false),
        (mk_order(0, 9, "b"), false),
    ];
    for (new, accepted) in rows {
        let found = faults(&definition, &new, Some(&live));
        let expected: &[&str] = if accepted { &[] } else { &["spec: Invalid value: the fence must grow"] };
        assert_eq!(found, expected, "{new}");
    }
    assert_eq!(
        faults(&definition, &mk_order(0, 0, "x"), None),
        Vec::<String>::new(),
        "there is nothing older"
    );
}

#[test]
fn every_kind_of_fault_is_worded_as_the_server_words_it() {
    let definition = compile(&json!({
        "type": "object",
        "required": ["image"],
        "properties": {
            "image": {"type": "string", "minLength": 2, "maxLength": 4, "pattern": "^[a-z]+$"},
            "replicas": {"type": "integer", "minimum": 1, "maximum": 9},
            "grade": {"type": "string", "enum": ["gold", "tin"]},
            "port": {"x-kubernetes-int-or-string": true},
            "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 2, "x-kubernetes-list-type": "set"},
            "ports": {
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
                "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
            },
            "env": {"type": "object", "maxProperties": 1, "additionalProperties": {"type": "string"}},
        },
    }));
    let rows = [
        (json!({}), "spec.image: Required value"),
        (
            json!({"image": 1}),
            "spec.image: Invalid value: \"integer\": spec.image in body must be of type string: \"integer\"",
        ),
        (
            json!({"image": "a"}),
            "spec.image: Invalid value: \"a\": spec.image in body should be at least 2 chars long",
        ),
        (json!({"image": "abcde"}), "spec.image: Too long: may not be more than 4 bytes"),
        (
            json!({"image": "AB"}),
            "spec.image: Invalid value: \"AB\": spec.image in body should match '^[a-z]+$'",
        ),
        (
            json!({"image": "ab", "replicas": 0}),
            "spec.replicas: Invalid value: 0: spec.replicas in body should be greater than or equal to 1",
        ),
        (
            json!({"image": "ab", "replicas": 10}),
            "spec.replicas: Invalid value: 10: spec.replicas in body should be less than or equal to 9",
        ),
        (
            json!({"image": "ab", "grade": "iron"}),
            "spec.grade: Unsupported value: \"iron\": supported values: \"gold\", \"tin\"",
        ),
        (
            json!({"image": "ab", "port": true}),
            "spec.port: Invalid value: \"boolean\": spec.port in body must be of type integer,string: \"boolean\"",
        ),
        (
            json!({"image": "ab", "tags": ["a", "b", "c"]}),
            "spec.tags: Too many: 3: must have at most 2 items",
        ),
        (json!({"image": "ab", "tags": ["a", "a"]}), "spec.tags[1]: Duplicate value: \"a\""),
        (
            json!({"image": "ab", "ports": [{"name": "x"}, {"name": "x"}]}),
            "spec.ports[1]: Duplicate value: {\"name\":\"x\"}",
        ),
        (
            json!({"image": "ab", "env": {"a": "1", "b": "1"}}),
            "spec.env: Too many: 2: must have at most 1 item",
        ),
        (
            json!({"image": "ab", "env": {"a": 1}}),
            "spec.env.a: Invalid value: \"integer\": spec.env.a in body must be of type string: \"integer\"",
        ),
    ];
    for (spec, expected) in rows {
        assert_eq!(faults(&definition, &mk_app(&spec), None)[0], expected, "{spec}");
    }
}

#[test]
fn what_did_not_change_is_not_checked_again() {
    let definition = compile(&json!({
        "type": "object",
        "properties": {"a": {"type": "string", "maxLength": 1}, "b": {"type": "string"}},
    }));
    let old = mk_app(&json!({"a": "long since", "b": "x"}));
    let new = mk_app(&json!({"a": "long since", "b": "y"}));
    assert_eq!(faults(&definition, &new, Some(&old)), Vec::<String>::new());
    let changed = mk_app(&json!({"a": "longer still", "b": "x"}));
    assert_eq!(definition.validate(&changed, Some(&old), "v1")[0].reason, Reason::TooLong);
}

#[test]
fn defaults_come_in_and_unknown_fields_go() {
    let definition = compile(&json!({
        "type": "object",
        "properties": {
            "replicas": {"type": "integer", "default": 3},
            "probe": {"type": "object", "properties": {"path": {"type": "string", "default": "/"}}},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "nothing": {"type": "string"},
        },
    }));
    let mut object = mk_app(&json!({
        "probe": {"unknown": 1}, "free": {"any": {"thing": 1}}, "nothing": null, "other": true,
    }));
    object["metadata"]["nonsense"] = json!(1);
    object["extra"] = json!(1);
    let dropped = definition.prune_and_default(&mut object, "v1");
    assert_eq!(dropped, ["extra", "metadata.nonsense", "spec.other", "spec.probe.unknown"]);
    assert_eq!(
        object,
        mk_app(&json!({"replicas": 3, "probe": {"path": "/"}, "free": {"any": {"thing": 1}}}))
    );
}

#[test]
fn a_rule_that_could_not_be_evaluated_faithfully_is_refused() {
    let rows = [
        ("quantity(self.memory).isGreaterThan(quantity('1Mi'))", "is not modelled"),
        ("self.since == oldSelf.since", "format date-time in a rule is not modelled"),
        ("self.memori == ''", "undefined field 'memori'"),
        ("other == 1", "undeclared reference to 'other'"),
        ("self.memory ==", "compilation failed"),
    ];
    for (rule, words) in rows {
        let schema = json!({
            "type": "object",
            "properties": {"memory": {"type": "string"}, "since": {"type": "string", "format": "date-time"}},
            "x-kubernetes-validations": [{"rule": rule}],
        });
        let faults = Definition::from_object(&mk_definition(&schema)).expect_err("refused");
        assert_eq!(
            faults[0].path,
            "spec.validation.openAPIV3Schema.properties[spec].x-kubernetes-validations[0].rule"
        );
        assert!(faults[0].message.contains(words), "{rule}: {}", faults[0].message);
    }
}

#[test]
fn rules_see_lists_maps_and_optional_old_values() {
    let schema = json!({
        "type": "object",
        "properties": {
            "names": {"type": "array", "items": {"type": "string"}},
            "limits": {"type": "object", "additionalProperties": {"type": "integer"}},
            "ratio": {"type": "number"},
        },
        "x-kubernetes-validations": [
            {"rule": "!has(self.names) || self.names.all(n, n.startsWith('a'))", "message": "names begin with a"},
            {"rule": "!has(self.limits) || self.limits.all(k, self.limits[k] > 0)", "message": "limits are positive"},
            {"rule": "!has(self.ratio) || self.ratio < 1.5", "messageExpression": "'ratio is ' + string(self.ratio)"},
            {
                "rule": "oldSelf.hasValue() || !has(self.limits)",
                "optionalOldSelf": true,
                "message": "limits come later",
                "reason": "FieldValueForbidden",
                "fieldPath": ".limits",
            },
        ],
    });
    let definition = compile(&schema);
    let none = Vec::<String>::new();
    assert_eq!(faults(&definition, &mk_app(&json!({"names": ["ab", "ac"], "ratio": 1})), None), none);
    assert_eq!(
        faults(&definition, &mk_app(&json!({"names": ["b"], "ratio": 2, "limits": {"cpu": 0}})), None),
        [
            "spec: Invalid value: names begin with a",
            "spec: Invalid value: limits are positive",
            "spec: Invalid value: ratio is 2",
            "spec.limits: Forbidden: limits come later",
        ]
    );
    let old = mk_app(&json!({}));
    assert_eq!(faults(&definition, &mk_app(&json!({"limits": {"cpu": 1}})), Some(&old)), none);
}

#[test]
fn a_bad_definition_is_refused_with_every_fault() {
    let mut object = mk_definition(&json!({"type": "strin", "properties": {"list": {"type": "array"}}}));
    object["metadata"]["name"] = json!("wrong");
    object["spec"]["scope"] = json!("Galaxy");
    object["spec"]["versions"][0]["storage"] = json!(false);
    let found: Vec<String> = Definition::from_object(&object)
        .expect_err("refused")
        .iter()
        .map(|fault| fault.path.clone())
        .collect();
    assert_eq!(
        found,
        [
            "metadata.name",
            "spec.scope",
            "spec.versions",
            "status.storedVersions",
            "spec.validation.openAPIV3Schema.properties[spec].type",
            "spec.validation.openAPIV3Schema.properties[spec].properties[list].items",
        ]
    );
}

#[test]
fn tables_show_the_columns_of_the_definition() {
    let definition = compile(&json!({"type": "object", "properties": {"image": {"type": "string"}}}));
    let columns = definition.printer_columns("v1").expect("a version");
    let names: Vec<_> = columns.definitions().iter().map(|column| column["name"].clone()).collect();
    assert_eq!(names, ["Name", "Image", "Age"]);
    let mut object = mk_app(&json!({"image": "web:1"}));
    object["metadata"]["creationTimestamp"] = json!("2024-01-01T00:00:00Z");
    let now: Timestamp = "2024-01-01T00:05:30Z".parse().expect("a time");
    assert_eq!(columns.cells(&object, now), [json!("shop"), json!("web:1"), json!("5m30s")]);
}

#[test]
fn the_document_tells_kubectl_what_it_looks_for() {
    let definition = compile(&json!({"type": "object"}));
    let document = definition.openapi_v3("v1").expect("a version");
    let patch = &document["paths"]["/apis/dc.example.io/v1/namespaces/{namespace}/apps/{name}"]["patch"];
    assert_eq!(
        patch["x-kubernetes-group-version-kind"],
        json!({"group": "dc.example.io", "version": "v1", "kind": "App"})
    );
    let parameters: Vec<_> =
        patch["parameters"].as_array().expect("parameters").iter().map(|each| each["name"].clone()).collect();
    assert_eq!(parameters, ["dryRun", "fieldManager", "fieldValidation", "force"]);
    assert!(document["components"]["schemas"]["io.example.dc.v1.App"]["properties"]["metadata"].is_object());
}

#[test]
fn an_accepted_definition_carries_defaults_and_status() {
    let mut object = mk_definition(&json!({"type": "object"}));
    default_definition(&mut object);
    assert_eq!(object["spec"]["names"]["listKind"], json!("AppList"));
    assert_eq!(object["spec"]["conversion"], json!({"strategy": "None"}));
    let status = established_status(&object, "2024-01-01T00:00:00Z".parse().expect("a time"));
    assert_eq!(status["storedVersions"], json!(["v1"]));
    assert_eq!(status["conditions"][1]["type"], json!("Established"));
}
