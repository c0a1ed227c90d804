//! `CustomResourceDefinitions`: checked here, compiled and served by [`crate::crd`].

use std::sync::Arc;

use crate::crd::{self, Definition, FieldError, Served};
use crate::fieldmanager::StatusSubresource;
use crate::object;
use crate::resource::{BlindUpdate, Generation, Resource, Scope, ServedVersion, table_key};
use crate::status::Cause;
use crate::tree::{Value, json};

/// Holds a definition back until its objects are gone.
pub(crate) const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

pub(super) fn default(definition: &mut Value) {
    crd::default_definition(definition);
}

pub(super) fn prepare_create(definition: &mut Value) {
    let stored: Vec<Value> = object::list(definition, "/spec/versions")
        .iter()
        .filter(|version| object::flag(version, "/storage"))
        .map(|version| version["name"].clone())
        .collect();
    definition["status"] = json!({
        "conditions": null,
        "acceptedNames": {"plural": "", "kind": ""},
        "storedVersions": stored,
    });
    object::metadata(definition).entry("finalizers").or_insert_with(|| json!([CLEANUP]));
}

pub(super) fn check(definition: &Value, causes: &mut Vec<Cause>) {
    if let Err(faults) = Definition::from_object(definition) {
        causes.extend(field_errors(faults));
    }
}

/// Faults of a custom resource or a definition, as an answer lists them.
pub(super) fn field_errors(faults: Vec<FieldError>) -> Vec<Cause> {
    faults
        .into_iter()
        .map(|FieldError { path, reason, message }| Cause { reason: reason.as_str(), field: path, message })
        .collect()
}

/// The resource that a definition describes; none while it is not sound.
pub(crate) fn to_resource(object: &Value) -> Option<Resource> {
    let definition = Definition::from_object(object).ok()?;
    let names = definition.names().clone();
    let group = definition.group().to_owned();
    let mut versions: Vec<ServedVersion> = definition
        .versions()
        .filter(|(_, served)| *served == Served::Yes)
        .map(|(name, _)| ServedVersion {
            name: name.to_owned(),
            status: definition.status_subresource(name) == StatusSubresource::Enabled,
            scale: definition.scale(name).is_some(),
            deprecation: None,
        })
        .collect();
    versions.sort_by_key(|version| std::cmp::Reverse(rank(&version.name)));
    warn_of_deprecation(object, &group, &names.kind, &mut versions);
    let selectable = object::list(object, "/spec/versions")
        .iter()
        .flat_map(|version| object::list(version, "/selectableFields"))
        .map(|field| object::text(field, "/jsonPath").trim_start_matches('.').to_owned())
        .collect();
    Some(Resource {
        key: Arc::from(table_key(&group, &names.plural)),
        group,
        plural: names.plural,
        singular: names.singular,
        kind: names.kind,
        list_kind: names.list_kind,
        short_names: names.short_names,
        categories: names.categories,
        scope: match definition.scope() {
            crd::Scope::Namespaced => Scope::Namespaced,
            crd::Scope::Cluster => Scope::Cluster,
        },
        generation: Generation::Content,
        blind_update: BlindUpdate::Refused,
        storage: Some(definition.storage_version().to_owned()),
        versions,
        selectable_fields: selectable,
        definition: Some(Arc::new(definition)),
    })
}

/// Gives deprecated versions their warnings: the definition's, or one that names the version to use instead.
fn warn_of_deprecation(object: &Value, group: &str, kind: &str, versions: &mut [ServedVersion]) {
    let described = |name: &str| {
        object::list(object, "/spec/versions").iter().find(|version| object::text(version, "/name") == name)
    };
    let deprecated = |name: &str| described(name).is_some_and(|version| object::flag(version, "/deprecated"));
    let instead = versions.iter().map(|version| version.name.clone()).find(|name| !deprecated(name));
    for version in versions.iter_mut().filter(|version| deprecated(&version.name)) {
        let own = described(&version.name).map_or("", |version| object::text(version, "/deprecationWarning"));
        version.deprecation = Some(match &instead {
            _ if !own.is_empty() => own.to_owned(),
            // Only a newer version is named.
            Some(instead) if rank(instead) > rank(&version.name) => {
                format!("{group}/{} {kind} is deprecated; use {group}/{instead} {kind}", version.name)
            }
            _ => format!("{group}/{} {kind} is deprecated", version.name),
        });
    }
}

/// The order of versions: stable before beta before alpha, newer before older.
fn rank(version: &str) -> (u8, u32, u32) {
    let number = |text: &str| text.parse::<u32>().unwrap_or_default();
    let rest = version.strip_prefix('v').unwrap_or(version);
    if let Some((major, minor)) = rest.split_once("beta") {
        (1, number(major), number(minor))
    } else if let Some((major, minor)) = rest.split_once("alpha") {
        (0, number(major), number(minor))
    } else {
        (2, number(rest), 0)
    }
}
