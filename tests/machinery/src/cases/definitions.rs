//! Custom resources: their definitions, and objects of them.

use serde_json::{Value, json};

use crate::PatchFormat::{Json, Strategic};
use crate::Server;

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/// A definition in a group of the case's own, with this schema of the spec.
fn definition(server: &Server, spec: Value) -> Value {
    let mut schema = json!({"type": "object", "properties": {"status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}});
    schema["properties"]["spec"] = spec;
    let group = format!("{}.example.io", server.namespace);
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("things.{group}")},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "things", "singular": "thing", "kind": "Thing", "shortNames": ["th"]},
            "versions": [{
                "name": "v1",
                "served": true,
                "storage": true,
                "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": schema},
            }],
        },
    })
}

/// Makes the definition and waits until it is served; gives the path of its objects.
async fn define(server: &Server, definition: &Value) -> String {
    server.post(DEFINITIONS, definition).unseen().await;
    let things = format!("apis/{}.example.io/v1/things", server.namespace);
    server.until("the definition is served", async || server.get(&things).maybe().await.code == 200).await;
    things
}

async fn undefine(server: &Server) {
    server.delete(&format!("{DEFINITIONS}/things.{}.example.io", server.namespace)).maybe().await;
}

fn thing(server: &Server, name: &str, spec: Value) -> Value {
    let mut thing = json!({"kind": "Thing", "metadata": {"name": name}});
    thing["apiVersion"] = format!("{}.example.io/v1", server.namespace).into();
    thing["spec"] = spec;
    thing
}

fn properties(properties: Value) -> Value {
    let mut spec = json!({"type": "object"});
    spec["properties"] = properties;
    spec
}

/// Posts one thing of each of these specs, under a schema.
async fn specs(server: &Server, schema: Value, specs: &[Value]) {
    let things = define(server, &definition(server, schema)).await;
    for (at, spec) in specs.iter().enumerate() {
        let call = server.post(&things, &thing(server, &format!("t{at}"), spec.clone()));
        call.only(&["/spec", "/code", "/reason", "/message", "/details/causes"]).await;
    }
    undefine(server).await;
}

/// A definition is accepted, established and served.
pub async fn a_definition_is_established(server: &Server) {
    let definition = definition(server, properties(json!({"a": {"type": "string"}})));
    server
        .post(DEFINITIONS, &definition)
        .only(&["/spec/names", "/spec/conversion", "/metadata/generation"])
        .await;
    let path = format!("{DEFINITIONS}/things.{}.example.io", server.namespace);
    let established = async || {
        let body = server.get(&path).maybe().await.body;
        let conditions = body["status"]["conditions"].as_array();
        conditions.into_iter().flatten().any(|each| each["type"] == "Established" && each["status"] == "True")
    };
    server.until("the definition is established", established).await;
    server
        .get(&path)
        .only(&[
            "/status/acceptedNames",
            "/status/storedVersions",
            "/status/conditions/0",
            "/status/conditions/1",
        ])
        .await;
    undefine(server).await;
}

/// Its objects are made, read, listed, changed and deleted.
pub async fn objects_of_a_definition_live(server: &Server) {
    let things = define(server, &definition(server, properties(json!({"a": {"type": "string"}})))).await;
    server.post(&things, &thing(server, "x", json!({"a": "1"}))).await;
    server.get(&format!("{things}/x")).await;
    server.get(&things).await;
    server.merge(&format!("{things}/x"), &json!({"spec": {"a": "2"}})).await;
    server.delete(&format!("{things}/x")).await;
    server.get(&format!("{things}/x")).await;
    undefine(server).await;
}

/// They are watched as built-in ones are.
pub async fn objects_of_a_definition_are_watched(server: &Server) {
    let things = define(server, &definition(server, properties(json!({"a": {"type": "string"}})))).await;
    let path = format!("{things}/x");
    let mut watch = server.watch(&things).await;
    server.post(&things, &thing(server, "x", json!({"a": "1"}))).unseen().await;
    server.merge(&path, &json!({"spec": {"a": "2"}})).unseen().await;
    server.delete(&path).unseen().await;
    watch.take(3).await;
    undefine(server).await;
}

/// Resources of the whole cluster have no namespace.
pub async fn resources_of_the_cluster_have_no_namespace(server: &Server) {
    let mut definition = definition(server, properties(json!({"a": {"type": "string"}})));
    definition["spec"]["scope"] = "Cluster".into();
    server.post(DEFINITIONS, &definition).unseen().await;
    let things = format!("/apis/{}.example.io/v1/things", server.namespace);
    server.until("the definition is served", async || server.get(&things).maybe().await.code == 200).await;
    server.post(&things, &thing(server, "x", json!({"a": "1"}))).await;
    server.get(&format!("{things}/x")).only(&["/metadata/namespace", "/spec"]).await;
    let inside = format!("apis/{}.example.io/v1/things", server.namespace);
    server.get(&inside).await;
    undefine(server).await;
}

/// Resources of namespaces are read over all of them, and written in one.
pub async fn resources_of_namespaces_are_written_in_one(server: &Server) {
    let things = define(server, &definition(server, properties(json!({"a": {"type": "string"}})))).await;
    server.post(&things, &thing(server, "x", json!({"a": "1"}))).unseen().await;
    let everywhere = format!("/apis/{}.example.io/v1/things", server.namespace);
    server.get(&everywhere).only(&["/items/0/metadata/name", "/items/1"]).await;
    server.post(&everywhere, &thing(server, "y", json!({"a": "1"}))).await;
    server.get(&format!("{everywhere}/x")).await;
    undefine(server).await;
}

/// A definition that grows takes what it refused before.
pub async fn a_definition_can_grow(server: &Server) {
    let things = define(server, &definition(server, properties(json!({"a": {"type": "string"}})))).await;
    server.post(&things, &thing(server, "x", json!({"a": "1", "b": "2"}))).only(&["/spec"]).await;
    let path = format!("{DEFINITIONS}/things.{}.example.io", server.namespace);
    let grown = json!([{
        "op": "add",
        "path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/b",
        "value": {"type": "string"},
    }]);
    server.patch(Json, &path, &grown).only(&["/metadata/generation"]).await;
    let probe = thing(server, "probe", json!({"b": "2"}));
    let dry = format!("{things}?dryRun=All");
    let is_kept = async || server.post(&dry, &probe).maybe().await.body["spec"]["b"] == "2";
    server.until("the field is kept", is_kept).await;
    server
        .merge(&format!("{things}/x"), &json!({"spec": {"b": "3"}}))
        .only(&["/spec", "/metadata/generation"])
        .await;
    undefine(server).await;
}

/// Before it is defined nothing is there; afterwards nothing is left.
pub async fn a_deleted_definition_takes_its_objects_along(server: &Server) {
    let things = format!("apis/{}.example.io/v1/things", server.namespace);
    server.get(&things).await;
    let mut held = thing(server, "x", json!({}));
    held["metadata"]["finalizers"] = json!(["example.io/a"]);
    define(server, &definition(server, properties(json!({})))).await;
    server.post(&things, &held).unseen().await;
    let path = format!("{DEFINITIONS}/things.{}.example.io", server.namespace);
    server.delete(&path).only(&["/metadata/finalizers", "/metadata/deletionTimestamp"]).await;
    let object = format!("{things}/x");
    let terminating =
        async || server.get(&object).maybe().await.body["metadata"]["deletionTimestamp"].is_string();
    server.until("the object is terminating", terminating).await;
    server.merge(&object, &json!({"metadata": {"finalizers": null}})).unseen().await;
    server.until_gone(&path).await;
    server.until("nothing is served", async || server.get(&things).maybe().await.code == 404).await;
}

/// Unknown fields are pruned, and told.
pub async fn unknown_fields_are_pruned(server: &Server) {
    let schema = properties(
        json!({"a": {"type": "string"}, "m": {"type": "object", "properties": {"b": {"type": "integer"}}}}),
    );
    let things = define(server, &definition(server, schema)).await;
    let mut object = thing(server, "x", json!({"a": "1", "z": 1, "m": {"b": 1, "c": 2}}));
    object["more"] = json!(true);
    object["metadata"]["more"] = json!(true);
    server.post(&things, &object).await;
    server.post(&format!("{things}?fieldValidation=Strict"), &object).await;
    server
        .post(&format!("{things}?fieldValidation=Ignore&dryRun=All"), &thing(server, "y", json!({"z": 1})))
        .await;
    undefine(server).await;
}

/// Fields that a schema wants kept are kept.
pub async fn what_is_to_be_kept_is_kept(server: &Server) {
    let schema = json!({
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": {"strict": {"type": "object", "properties": {"a": {"type": "string"}}}},
    });
    specs(server, schema, &[json!({"z": {"y": [1, "two", null]}, "strict": {"a": "1", "b": "2"}})]).await;
}

/// Defaults are filled in where a field is absent or, if it may not be, null.
pub async fn defaults_are_filled_in(server: &Server) {
    let schema = json!({
        "type": "object",
        "default": {},
        "properties": {
            "a": {"type": "string", "default": "x"},
            "n": {"type": "integer", "nullable": true, "default": 3},
            "m": {"type": "object", "default": {"b": true}, "properties": {"b": {"type": "boolean"}, "c": {"type": "integer", "default": 7}}},
            "l": {"type": "array", "items": {"type": "object", "properties": {"d": {"type": "string", "default": "y"}}}},
        },
    });
    specs(
        server,
        schema,
        &[json!({}), json!({"a": null, "n": null, "m": {}, "l": [{}, {"d": "z"}]}), json!({"a": "given"})],
    )
    .await;
}

/// Types are checked.
pub async fn types_are_checked(server: &Server) {
    let schema = properties(json!({
        "s": {"type": "string"}, "i": {"type": "integer"}, "n": {"type": "number"}, "b": {"type": "boolean"},
        "l": {"type": "array", "items": {"type": "string"}}, "m": {"type": "object", "additionalProperties": {"type": "integer"}},
        "e": {"x-kubernetes-int-or-string": true},
    }));
    specs(
        server,
        schema,
        &[
            json!({"s": 1}),
            json!({"i": "1"}),
            json!({"i": 1.5}),
            json!({"n": 1}),
            json!({"n": true}),
            json!({"b": "true"}),
            json!({"l": {}}),
            json!({"l": ["a", 1]}),
            json!({"m": {"a": 1, "b": "2"}}),
            json!({"e": 1}),
            json!({"e": "1"}),
            json!({"e": true}),
            json!({"s": null}),
        ],
    )
    .await;
}

/// Bounds of numbers.
pub async fn bounds_of_numbers_are_checked(server: &Server) {
    let schema = properties(json!({
        "a": {"type": "integer", "minimum": 1, "maximum": 5},
        "b": {"type": "integer", "minimum": 1, "exclusiveMinimum": true},
        "c": {"type": "integer", "multipleOf": 3},
    }));
    let wrong = [
        json!({"a": 0}),
        json!({"a": 6}),
        json!({"a": 5}),
        json!({"b": 1}),
        json!({"c": 4}),
        json!({"c": 6}),
    ];
    specs(server, schema, &wrong).await;
}

/// Lengths and patterns of strings.
pub async fn strings_are_checked(server: &Server) {
    let schema = properties(json!({
        "a": {"type": "string", "minLength": 2, "maxLength": 3},
        "b": {"type": "string", "pattern": "^[a-c]+$"},
        "c": {"type": "string", "enum": ["x", "y"]},
    }));
    let wrong = [
        json!({"a": "x"}),
        json!({"a": "xxxx"}),
        json!({"a": "äöü"}),
        json!({"b": "abd"}),
        json!({"b": "abc"}),
        json!({"c": "z"}),
    ];
    specs(server, schema, &wrong).await;
}

/// Formats that are known are checked, others are not.
pub async fn formats_are_checked(server: &Server) {
    let schema = properties(json!({
        "a": {"type": "string", "format": "date-time"},
        "b": {"type": "string", "format": "duration"},
        "c": {"type": "string", "format": "ipv4"},
        "d": {"type": "string", "format": "nobody-knows"},
        "e": {"type": "integer", "format": "int32"},
    }));
    let wrong = [
        json!({"a": "today"}),
        json!({"a": "2001-02-03T04:05:06Z"}),
        json!({"b": "1 fortnight"}),
        json!({"b": "90s"}),
        json!({"c": "1.2.3"}),
        json!({"d": "anything"}),
        json!({"e": 3_000_000_000_i64}),
    ];
    specs(server, schema, &wrong).await;
}

/// Lists have lengths and may want their items to differ.
pub async fn lists_are_checked(server: &Server) {
    let schema = properties(json!({
        "a": {"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "string"}},
        "s": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
        "k": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "v": {"type": "integer"}}},
        },
    }));
    let wrong = [
        json!({"a": []}),
        json!({"a": ["1", "2", "3"]}),
        json!({"s": ["1", "1"]}),
        json!({"k": [{"name": "x", "v": 1}, {"name": "x", "v": 2}]}),
        json!({"k": [{"v": 1}]}),
    ];
    specs(server, schema, &wrong).await;
}

/// Fields that are required must be there.
pub async fn required_fields_must_be_there(server: &Server) {
    let schema = json!({
        "type": "object",
        "required": ["a", "b"],
        "properties": {
            "a": {"type": "string"},
            "b": {"type": "object", "required": ["c"], "properties": {"c": {"type": "string"}}},
        },
        "maxProperties": 2,
    });
    specs(
        server,
        schema,
        &[json!({}), json!({"a": "1"}), json!({"a": "1", "b": {}}), json!({"a": "1", "b": {"c": "2"}})],
    )
    .await;
}

/// All of, any of, one of, and not.
pub async fn combined_schemas_are_checked(server: &Server) {
    let schema = json!({
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "allOf": [{"properties": {"a": {"minimum": 1}}}],
        "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
        "not": {"required": ["a", "b"]},
    });
    let wrong = [json!({}), json!({"a": 0}), json!({"a": 1, "b": 1}), json!({"a": 1}), json!({"b": 0})];
    specs(server, schema, &wrong).await;
}

/// Rules in CEL hold for each object.
pub async fn rules_are_held(server: &Server) {
    let schema = json!({
        "type": "object",
        "properties": {
            "min": {"type": "integer"},
            "max": {"type": "integer"},
            "name": {"type": "string", "maxLength": 20, "x-kubernetes-validations": [{"rule": "self.startsWith('a')", "message": "must begin with a"}]},
        },
        "x-kubernetes-validations": [
            {"rule": "!has(self.min) || !has(self.max) || self.min <= self.max"},
            {
                "rule": "!has(self.min) || self.min >= 0",
                "messageExpression": "'min is below ' + 'zero'",
                "reason": "FieldValueForbidden",
                "fieldPath": ".min",
            },
        ],
    });
    let wrong = [
        json!({"min": 2, "max": 1}),
        json!({"min": -1, "max": 1}),
        json!({"name": "b"}),
        json!({"min": 1, "max": 1, "name": "a"}),
    ];
    specs(server, schema, &wrong).await;
}

/// Rules that compare with what was hold for updates alone.
pub async fn transition_rules_hold_for_updates(server: &Server) {
    let schema = json!({
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "x-kubernetes-validations": [{"rule": "self.n >= oldSelf.n", "message": "never falls"}],
    });
    let things = define(server, &definition(server, schema)).await;
    let path = format!("{things}/x");
    server.post(&things, &thing(server, "x", json!({"n": 5}))).only(&["/spec"]).await;
    server.merge(&path, &json!({"spec": {"n": 4}})).await;
    server.merge(&path, &json!({"spec": {"n": 6}})).only(&["/spec", "/metadata/generation"]).await;
    undefine(server).await;
}

/// A status is written through its subresource alone.
pub async fn the_status_of_a_custom_resource_is_written_apart(server: &Server) {
    let things = define(server, &definition(server, properties(json!({"a": {"type": "string"}})))).await;
    let path = format!("{things}/x");
    let mut object = thing(server, "x", json!({"a": "1"}));
    object["status"] = json!({"ready": true});
    let shown = ["/spec", "/status", "/metadata/generation"];
    server.post(&things, &object).only(&shown).await;
    server.merge(&path, &json!({"status": {"ready": true}, "spec": {"a": "2"}})).only(&shown).await;
    server
        .merge(&format!("{path}/status"), &json!({"status": {"ready": true}, "spec": {"a": "3"}}))
        .only(&shown)
        .await;
    let mut whole = server.get(&path).unseen().await.body;
    whole["metadata"]["labels"] = json!({"a": "1"});
    whole["status"] = json!({"ready": false});
    server.put(&format!("{path}/status"), &whole).only(&["/status", "/metadata/labels"]).await;
    undefine(server).await;
}

/// A scale is what a definition says.
pub async fn the_scale_of_a_custom_resource(server: &Server) {
    let schema = properties(json!({"count": {"type": "integer"}, "selector": {"type": "string"}}));
    let mut definition = definition(server, schema);
    definition["spec"]["versions"][0]["subresources"]["scale"] = json!({
        "specReplicasPath": ".spec.count",
        "statusReplicasPath": ".status.count",
        "labelSelectorPath": ".status.selector",
    });
    let things = define(server, &definition).await;
    let path = format!("{things}/x");
    server.post(&things, &thing(server, "x", json!({"count": 3}))).unseen().await;
    server
        .merge(&format!("{path}/status"), &json!({"status": {"count": 2, "selector": "app=x"}}))
        .unseen()
        .await;
    let shown = ["/apiVersion", "/kind", "/spec", "/status"];
    server.get(&format!("{path}/scale")).only(&shown).await;
    server.merge(&format!("{path}/scale"), &json!({"spec": {"replicas": 5}})).only(&shown).await;
    server.get(&path).only(&["/spec", "/metadata/generation"]).await;
    undefine(server).await;
}

/// Several versions are served, one is kept.
pub async fn several_versions_show_one_object(server: &Server) {
    let mut definition = definition(server, properties(json!({"a": {"type": "string"}})));
    let mut other = definition["spec"]["versions"][0].clone();
    other["name"] = "v1beta1".into();
    other["storage"] = false.into();
    other["deprecated"] = true.into();
    definition["spec"]["versions"].as_array_mut().expect("versions").push(other);
    let things = define(server, &definition).await;
    let older = things.replace("/v1/", "/v1beta1/");
    server.until("the older version is served", async || server.get(&older).maybe().await.code == 200).await;
    server.post(&things, &thing(server, "x", json!({"a": "1"}))).only(&["/apiVersion"]).await;
    server.get(&format!("{older}/x")).only(&["/apiVersion", "/spec"]).await;
    let group = format!("/apis/{}.example.io", server.namespace);
    server.get(&group).await;
    undefine(server).await;
}

/// A table has the columns that a definition prints.
pub async fn a_table_has_printed_columns(server: &Server) {
    let mut definition =
        definition(server, properties(json!({"a": {"type": "string"}, "n": {"type": "integer"}})));
    definition["spec"]["versions"][0]["additionalPrinterColumns"] = json!([
        {"name": "A", "type": "string", "jsonPath": ".spec.a"},
        {"name": "N", "type": "integer", "jsonPath": ".spec.n", "priority": 1},
        {"name": "None", "type": "string", "jsonPath": ".spec.none"},
    ]);
    let things = define(server, &definition).await;
    server.post(&things, &thing(server, "x", json!({"a": "1", "n": 2}))).unseen().await;
    let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
    let names: Vec<String> = (0..4).map(|at| format!("/columnDefinitions/{at}/name")).collect();
    let mut shown: Vec<&str> = names.iter().map(String::as_str).collect();
    shown.push("/rows/0/cells");
    server.get(&things).accept(table).only(&shown).await;
    undefine(server).await;
}

/// Custom resources take JSON and merge patches, and no strategic ones.
pub async fn patches_of_custom_resources(server: &Server) {
    let things = define(server, &definition(server, properties(json!({"a": {"type": "string"}})))).await;
    let path = format!("{things}/x");
    server.post(&things, &thing(server, "x", json!({"a": "1"}))).unseen().await;
    server.patch(Strategic, &path, &json!({"spec": {"a": "2"}})).await;
    server
        .patch(Json, &path, &json!([{"op": "replace", "path": "/spec/a", "value": "3"}]))
        .only(&["/spec"])
        .await;
    server.merge(&path, &json!({"spec": {"a": 4}})).reason().await;
    server.merge(&format!("{path}?fieldValidation=Strict"), &json!({"spec": {"z": 4}})).reason().await;
    undefine(server).await;
}

/// A replace of a custom resource names the version that it replaces.
pub async fn a_replace_names_a_version(server: &Server) {
    let things = define(server, &definition(server, properties(json!({"a": {"type": "string"}})))).await;
    let path = format!("{things}/x");
    let made = server.post(&things, &thing(server, "x", json!({"a": "1"}))).unseen().await;
    server.put(&path, &thing(server, "x", json!({"a": "2"}))).await;
    let mut object = made.body.clone();
    object["spec"]["a"] = "3".into();
    server.put(&path, &object).only(&["/spec", "/metadata/generation"]).await;
    server.put(&path, &object).reason().await;
    undefine(server).await;
}

/// Applied lists of custom resources are merged as their schema says.
pub async fn applied_lists_follow_the_schema(server: &Server) {
    server.show_managers();
    let schema = properties(json!({
        "k": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "v": {"type": "integer"}}},
        },
        "s": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
        "a": {"type": "array", "items": {"type": "string"}},
        "m": {"type": "object", "x-kubernetes-map-type": "atomic", "additionalProperties": {"type": "string"}},
    }));
    let things = define(server, &definition(server, schema)).await;
    let path = format!("{things}/x");
    let first = json!({"k": [{"name": "one", "v": 1}], "s": ["x"], "a": ["1"], "m": {"p": "1"}});
    server.apply("a", &path, &thing(server, "x", first)).await;
    server.apply("b", &path, &thing(server, "x", json!({"k": [{"name": "two", "v": 2}], "s": ["y"]}))).await;
    server.apply("b", &path, &thing(server, "x", json!({"a": ["2"], "m": {"q": "1"}}))).reason().await;
    server.apply("a", &path, &thing(server, "x", json!({"s": ["x"]}))).await;
    undefine(server).await;
}

/// A definition that cannot be is refused.
pub async fn a_wrong_definition_is_invalid(server: &Server) {
    let right = definition(server, properties(json!({})));
    let with = |pointer: &str, value: Value| {
        let mut wrong = right.clone();
        *wrong.pointer_mut(pointer).expect("a field") = value;
        wrong
    };
    for wrong in [
        with("/metadata/name", json!("other.example.io")),
        with("/spec/scope", json!("Everywhere")),
        with("/spec/versions/0/storage", json!(false)),
        with("/spec/versions/0/schema", json!({})),
        with("/spec/names/kind", json!("not valid")),
    ] {
        server.post(DEFINITIONS, &wrong).reason().await;
    }
}

/// A schema must be structural.
pub async fn a_schema_must_be_structural(server: &Server) {
    for schema in [
        json!({"properties": {}}),
        properties(json!({"a": {}})),
        properties(json!({"a": {"type": "array"}})),
        properties(json!({"a": {"type": "string", "default": 1}})),
        properties(json!({"a": {"type": "string", "uniqueItems": true}})),
        properties(
            json!({"a": {"type": "object", "properties": {}, "additionalProperties": {"type": "string"}}}),
        ),
        json!({"type": "object", "anyOf": [{"properties": {"a": {"type": "string"}}}]}),
        json!({"type": "object", "x-kubernetes-validations": [{"rule": "self.nothing"}]}),
        json!({"type": "object", "x-kubernetes-validations": [{"rule": "1 +"}]}),
    ] {
        server.post(DEFINITIONS, &definition(server, schema)).reason().await;
    }
}
