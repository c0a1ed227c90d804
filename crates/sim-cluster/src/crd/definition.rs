//! A definition, checked and compiled.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::columns::PrinterColumns;
use super::document::Resource;
use super::fault::{FieldError, Reason, child, index};
use super::identity::{self, Names, Scope, list, text};
use super::rule::Rules;
use super::structural::Structural;
use super::{prune, unique, validate};
use crate::fieldmanager::{ScaleMapping, StatusSubresource};
use crate::schema::Schema;
use crate::tree::Value;

/// A `CustomResourceDefinition` that this server can serve.
#[derive(Debug)]
pub struct Definition {
    group: String,
    names: Names,
    scope: Scope,
    versions: BTreeMap<String, Version>,
    storage: String,
}

/// Where a custom resource keeps what `/scale` shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scale {
    /// Such as `.spec.replicas`.
    pub spec_replicas_path: String,
    /// Such as `.status.replicas`.
    pub status_replicas_path: String,
    /// Such as `.status.selector`.
    pub label_selector_path: Option<String>,
}

/// Whether a version can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Served {
    /// It is in discovery.
    Yes,
    /// It is known but not answered.
    No,
}

#[derive(Debug)]
struct Version {
    served: Served,
    structural: Structural,
    rules: Rules,
    columns: PrinterColumns,
    structure: Arc<Schema>,
    document: Value,
    status: StatusSubresource,
    scale: Option<Scale>,
}

impl Definition {
    /// Checks and compiles a definition. What the real server would refuse is refused with its faults; so are
    /// rules that only the real one could evaluate.
    pub fn from_object(object: &Value) -> Result<Self, Vec<FieldError>> {
        let mut faults = Vec::new();
        let spec = object.get("spec").cloned().unwrap_or_default();
        let group = text(&spec, "group");
        identity::check_group(&group, &mut faults);
        let names = identity::names(spec.get("names"), &mut faults);
        let expected = format!("{}.{group}", names.plural);
        let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        if name != expected {
            let detail = "must be spec.names.plural+\".\"+spec.group";
            faults.push(FieldError::invalid("metadata.name", name, detail));
        }
        let scope = identity::scope(&spec, &mut faults);
        identity::check_conversion(&spec, &mut faults);
        let storage = identity::check_versions(&spec, &mut faults);

        let mut versions = BTreeMap::new();
        let given = list(&spec, "versions");
        for (i, version) in given.iter().enumerate() {
            let place = Place { group: &group, names: &names, scope };
            match Version::parse(version, &Paths::of(given, i), place) {
                Ok(parsed) => {
                    versions.insert(text(version, "name"), parsed);
                }
                // What versions share is reported once.
                Err(found) => faults
                    .extend(found.into_iter().filter(|fault| !faults.contains(fault)).collect::<Vec<_>>()),
            }
        }
        if faults.is_empty() { Ok(Self { group, names, scope, versions, storage }) } else { Err(faults) }
    }

    /// The API group.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// What the kind is called.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Whether objects lie in namespaces.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// The version in which objects are stored.
    pub fn storage_version(&self) -> &str {
        &self.storage
    }

    /// Every version and whether it is served.
    pub fn versions(&self) -> impl Iterator<Item = (&str, Served)> {
        self.versions.iter().map(|(name, version)| (name.as_str(), version.served))
    }

    /// Whether status is written through `/status`.
    pub fn status_subresource(&self, version: &str) -> StatusSubresource {
        self.versions.get(version).map_or(StatusSubresource::Disabled, |version| version.status)
    }

    /// Where `/scale` looks, if there is one.
    pub fn scale(&self, version: &str) -> Option<&Scale> {
        self.versions.get(version)?.scale.as_ref()
    }

    /// How owners of the replicas show in `/scale`, if there is one.
    pub fn scale_mapping(&self, version: &str) -> Option<ScaleMapping> {
        let path = &self.scale(version)?.spec_replicas_path;
        Some(ScaleMapping {
            api_version: format!("{}/{version}", self.group),
            replicas: path.split('.').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        })
    }

    /// The structure for server-side apply.
    pub fn schema(&self, version: &str) -> Option<Arc<Schema>> {
        self.versions.get(version).map(|version| Arc::clone(&version.structure))
    }

    /// The columns of tables.
    pub fn printer_columns(&self, version: &str) -> Option<&PrinterColumns> {
        self.versions.get(version).map(|version| &version.columns)
    }

    /// The document served at `/openapi/v3/apis/{group}/{version}`. It holds this kind alone; a server with
    /// several kinds in one version joins their paths and schemas.
    pub fn openapi_v3(&self, version: &str) -> Option<&Value> {
        self.versions.get(version).map(|version| &version.document)
    }

    /// Fills in defaults alone: what happens between merging an apply and settling who owns what. A null that
    /// the merge left where null is not allowed stays, and validation refuses it, as on the real server.
    pub fn default(&self, object: &mut Value, version: &str) {
        if let Some(version) = self.versions.get(version) {
            prune::settle_numbers(object);
            prune::default(object, &version.structural);
            version.settle_metadata(object);
        }
    }

    /// Brings a decoded request into shape: fills in defaults and drops what the schema does not know. The answer lists the paths dropped, which a
    /// request with `fieldValidation=Strict` is refused for.
    pub fn prune_and_default(&self, object: &mut Value, version: &str) -> Vec<String> {
        if let Some(version) = self.versions.get(version) {
            prune::settle_numbers(object);
            prune::default(object, &version.structural);
            prune::drop_nulls(object, Some(&version.structural));
        }
        self.prune_and_default_applied(object, version)
    }

    /// The same for what an apply leaves: a null, which is what remains of an emptied map that somebody else owns,
    /// stays and is refused where it may not be.
    pub fn prune_and_default_applied(&self, object: &mut Value, version: &str) -> Vec<String> {
        let Some(version) = self.versions.get(version) else { return Vec::new() };
        prune::settle_numbers(object);
        prune::default(object, &version.structural);
        let mut dropped = version.structure.prune_field(object, "metadata");
        version.settle_metadata(object);
        dropped.extend(prune::prune(object, &version.structural));
        dropped.sort();
        dropped
    }

    /// Every fault of an object; `old` is what it replaces.
    pub fn validate(&self, new: &Value, old: Option<&Value>, version: &str) -> Vec<FieldError> {
        let Some(version) = self.versions.get(version) else { return Vec::new() };
        version.with_rules(validate::validate(new, old, &version.structural), new, old)
    }

    /// Every fault of an object whose status alone was written.
    pub fn validate_status(&self, new: &Value, old: &Value, version: &str) -> Vec<FieldError> {
        let Some(version) = self.versions.get(version) else { return Vec::new() };
        let mut faults = Vec::new();
        if let (Some(status), Some(schema)) = (new.get("status"), version.structural.properties.get("status"))
        {
            faults = validate::validate(status, old.get("status"), schema);
            for fault in &mut faults {
                fault.move_below("status");
            }
        }
        version.with_rules(faults, new, Some(old))
    }
}

/// What the versions of a definition share.
#[derive(Clone, Copy)]
struct Place<'a> {
    group: &'a str,
    names: &'a Names,
    scope: Scope,
}

/// Where faults of a version are reported. What all versions have alike is reported under the spec, as if it
/// stood there once: that is how the server holds it.
struct Paths {
    schema: String,
    subresources: String,
    columns: String,
}

impl Paths {
    fn of(versions: &[Value], at: usize) -> Self {
        let own = index("spec.versions", at);
        let alike = |name: &str| versions.iter().all(|version| version.get(name) == versions[at].get(name));
        let parent = |name: &str, shared: &str| {
            if alike(name) { child("spec", shared) } else { child(&own, name) }
        };
        let schema = match versions[at].pointer("/schema/openAPIV3Schema") {
            Some(_) => parent("schema", "validation"),
            None => child(&own, "schema"),
        };
        Self {
            schema: child(&schema, "openAPIV3Schema"),
            subresources: parent("subresources", "subresources"),
            columns: parent("additionalPrinterColumns", "additionalPrinterColumns"),
        }
    }
}

impl Version {
    /// Adds what is checked once the values are of the right types: uniqueness in lists, and the rules.
    fn with_rules(&self, mut faults: Vec<FieldError>, new: &Value, old: Option<&Value>) -> Vec<FieldError> {
        // An object that already had duplicates may keep them.
        if old.is_none_or(|old| unique::duplicates(old, &self.structural).is_empty()) {
            faults.extend(unique::duplicates(new, &self.structural));
        }
        if self.rules.is_empty() {
            return faults;
        }
        if faults.iter().any(|fault| fault.reason.blocks_rules()) {
            let detail = "some validation rules were not checked because the object was invalid; correct the existing \
                          errors to complete validation";
            faults.push(FieldError::of_value("", Reason::Invalid, &Value::Null, detail));
        } else {
            faults.extend(self.rules.evaluate(&self.structural, new, old));
        }
        faults
    }

    /// Metadata alone passes through a Go type. There, unlike with built-in kinds, an empty list of managers is
    /// lost before anybody could take it for a request to forget them.
    fn settle_metadata(&self, object: &mut Value) {
        self.structure.field_as_struct(object, "metadata");
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
            && metadata
                .get("managedFields")
                .and_then(Value::as_array)
                .is_some_and(|entries| entries.is_empty())
        {
            metadata.remove("managedFields");
        }
    }

    fn parse(version: &Value, paths: &Paths, place: Place<'_>) -> Result<Self, Vec<FieldError>> {
        let Some(schema) = version.pointer("/schema/openAPIV3Schema").filter(|schema| !schema.is_null())
        else {
            return Err(vec![FieldError::required(&paths.schema, "")]);
        };
        let structural = Structural::parse(schema, &paths.schema)?;
        let faults = validate::defaults(&structural, &paths.schema);
        if !faults.is_empty() {
            return Err(faults);
        }
        let rules = Rules::compile(&structural, &paths.schema)?;
        let columns = PrinterColumns::parse(version, &paths.columns)?;
        let subresources = version.get("subresources");
        let status = match subresources.and_then(|all| all.get("status")).filter(|status| !status.is_null()) {
            Some(_) => StatusSubresource::Enabled,
            None => StatusSubresource::Disabled,
        };
        let scale = match subresources.and_then(|all| all.get("scale")).filter(|scale| !scale.is_null()) {
            Some(scale) => Some(parse_scale(scale, &child(&paths.subresources, "scale"))?),
            None => None,
        };
        let mut patched = Vec::new();
        if status == StatusSubresource::Enabled {
            patched.push("status");
        }
        if scale.is_some() {
            patched.push("scale");
        }
        let name = text(version, "name");
        let resource = Resource {
            group: place.group,
            version: &name,
            names: place.names,
            scope: place.scope,
            schema,
            subresources: &patched,
        };
        let structure = resource
            .structure()
            .map_err(|error| vec![FieldError::invalid(&paths.schema, "", &error.to_string())])?;
        let served = if version.get("served").and_then(Value::as_bool) == Some(true) {
            Served::Yes
        } else {
            Served::No
        };
        let document = resource.document();
        Ok(Self {
            served,
            structural,
            rules,
            columns,
            structure: Arc::new(structure),
            document,
            status,
            scale,
        })
    }
}

fn parse_scale(scale: &Value, path: &str) -> Result<Scale, Vec<FieldError>> {
    let parsed = Scale {
        spec_replicas_path: text(scale, "specReplicasPath"),
        status_replicas_path: text(scale, "statusReplicasPath"),
        label_selector_path: scale.get("labelSelectorPath").and_then(Value::as_str).map(str::to_owned),
    };
    let mut faults = Vec::new();
    let paths = [
        ("specReplicasPath", ".spec.", &parsed.spec_replicas_path),
        ("statusReplicasPath", ".status.", &parsed.status_replicas_path),
    ];
    for (name, prefix, value) in paths {
        if value.is_empty() {
            faults.push(FieldError::required(&child(path, name), ""));
        } else if !value.starts_with(prefix) {
            let root = prefix.trim_end_matches('.');
            let detail = format!("should be a json path under {root}");
            faults.push(FieldError::invalid(&child(path, name), value.as_str(), &detail));
        }
    }
    if faults.is_empty() { Ok(parsed) } else { Err(faults) }
}
