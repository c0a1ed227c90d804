//! The OpenAPI v3 document of a custom resource, and the schema that server-side apply uses.

use std::collections::BTreeSet;

use super::identity::{Names, Scope};
use crate::schema::{Schema, SchemaError, Schemas};
use crate::tree::{Map, Value, json};

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const LIST_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";
/// Any recorded document that has the meta types.
const META_SOURCE: &str = "apis/apps/v1";

/// One kind in one version.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resource<'a> {
    pub(super) group: &'a str,
    pub(super) version: &'a str,
    pub(super) names: &'a Names,
    pub(super) scope: Scope,
    /// `openAPIV3Schema` of the version.
    pub(super) schema: &'a Value,
    /// Subresources that can be patched.
    pub(super) subresources: &'a [&'a str],
}

impl Resource<'_> {
    /// The structure for merging and owning fields.
    pub(super) fn structure(&self) -> Result<Schema, SchemaError> {
        Schema::from_components(&self.components(), &self.model(&self.names.kind))
    }

    /// The document served at `/openapi/v3/apis/{group}/{version}`, with this kind alone in it.
    pub(super) fn document(&self) -> Value {
        json!({
            "openapi": "3.0.0",
            "info": { "title": "Kubernetes CRD Swagger", "version": "v0.1.0" },
            "paths": self.paths(),
            "components": { "schemas": self.components() },
        })
    }

    /// The name of a kind's schema: the group reversed, then version and kind.
    fn model(&self, kind: &str) -> String {
        let group: Vec<&str> = self.group.split('.').rev().collect();
        format!("{}.{}.{kind}", group.join("."), self.version)
    }

    fn gvk(&self, kind: &str) -> Value {
        json!({ "group": self.group, "version": self.version, "kind": kind })
    }

    fn components(&self) -> Map {
        let mut components = meta_components();
        let mut schema = self.schema.clone();
        embed(&mut schema);
        if let Some(fields) = schema.as_object_mut() {
            let properties = fields.entry("properties").or_insert_with(|| json!({}));
            if let Some(properties) = properties.as_object_mut() {
                properties.insert("apiVersion", json!({ "type": "string" }));
                properties.insert("kind", json!({ "type": "string" }));
                properties.insert("metadata", reference(OBJECT_META));
            }
            fields.insert("x-kubernetes-group-version-kind", json!([self.gvk(&self.names.kind)]));
        }
        let kind = self.model(&self.names.kind);
        let list = json!({
            "type": "object",
            "required": ["items"],
            "properties": {
                "apiVersion": { "type": "string" },
                "kind": { "type": "string" },
                "metadata": reference(LIST_META),
                "items": { "type": "array", "items": reference(&kind) },
            },
            "x-kubernetes-group-version-kind": [self.gvk(&self.names.list_kind)],
        });
        components.insert(self.model(&self.names.list_kind), list);
        components.insert(kind, schema);
        components
    }

    fn paths(&self) -> Value {
        let root = format!("/apis/{}/{}", self.group, self.version);
        let collection = match self.scope {
            Scope::Namespaced => format!("{root}/namespaces/{{namespace}}/{}", self.names.plural),
            Scope::Cluster => format!("{root}/{}", self.names.plural),
        };
        let item = format!("{collection}/{{name}}");
        let mut paths = Map::new();
        paths.insert(item.clone(), json!({ "patch": self.patch_operation("") }));
        for subresource in self.subresources {
            let operation = self.patch_operation(subresource);
            paths.insert(format!("{item}/{subresource}"), json!({ "patch": operation }));
        }
        Value::Object(paths)
    }

    fn patch_operation(&self, subresource: &str) -> Value {
        let parameter = |name: &str, kind: &str| json!({ "name": name, "in": "query", "schema": { "type": kind, "uniqueItems": true } });
        json!({
            "operationId": format!("patch{}{}{subresource}", self.version, self.names.kind),
            "parameters": [
                parameter("dryRun", "string"),
                parameter("fieldManager", "string"),
                parameter("fieldValidation", "string"),
                parameter("force", "boolean"),
            ],
            "responses": { "200": { "description": "OK" } },
            "x-kubernetes-action": "patch",
            "x-kubernetes-group-version-kind": self.gvk(&self.names.kind),
        })
    }
}

/// The meta types and everything they refer to, from the recorded documents.
fn meta_components() -> Map {
    let mut found = Map::new();
    let Some(document) = Schemas::builtin().document(META_SOURCE) else { return found };
    let Some(schemas) = document.pointer("/components/schemas").and_then(Value::as_object) else {
        return found;
    };
    let mut pending: BTreeSet<String> = [OBJECT_META, LIST_META].map(str::to_owned).into();
    while let Some(name) = pending.pop_first() {
        if let Some(schema) = schemas.get(&name).filter(|_| !found.contains_key(&name)) {
            references(schema, &mut pending);
            found.insert(name, schema.clone());
        }
    }
    found
}

fn references(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(fields) => {
            if let Some(target) = fields.get("$ref").and_then(Value::as_str) {
                found.extend(target.rsplit('/').next().map(str::to_owned));
            }
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

/// Gives embedded resources the fields that every resource has.
fn embed(schema: &mut Value) {
    let Some(fields) = schema.as_object_mut() else { return };
    for (name, value) in fields.iter_mut() {
        match name.as_str() {
            "properties" => value.as_object_mut().into_iter().flatten().for_each(|(_, member)| embed(member)),
            "items" | "additionalProperties" => embed(value),
            _ => {}
        }
    }
    if fields.get("x-kubernetes-embedded-resource").and_then(Value::as_bool) == Some(true)
        && let Some(properties) = fields.entry("properties").or_insert_with(|| json!({})).as_object_mut()
    {
        properties.insert("apiVersion", json!({ "type": "string" }));
        properties.insert("kind", json!({ "type": "string" }));
        properties.insert("metadata", reference(OBJECT_META));
    }
}

fn reference(name: &str) -> Value {
    json!({ "allOf": [{ "$ref": format!("#/components/schemas/{name}") }] })
}
