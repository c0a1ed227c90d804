//! Discovery: which groups, versions and resources there are.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use sha2::{Digest, Sha256};

use super::respond::{self, Reply};
use crate::resource::{Registry, Resource, ServedVersion, api_version};
use crate::tree::{Value, json};

/// The Kubernetes version that is modelled.
pub(crate) const VERSION: &str = "v1.37.0";

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const VERBS: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// Which of the two roots of the API is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tree {
    Core,
    Groups,
}

pub(super) fn version() -> Value {
    json!({
        "major": "1",
        "minor": "37",
        "gitVersion": VERSION,
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "rustc",
        "platform": "linux/amd64",
    })
}

pub(super) fn core_versions() -> Value {
    json!({
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [],
    })
}

pub(super) fn groups(registry: &Registry) -> Value {
    let groups: Vec<Value> = by_group(registry)
        .into_iter()
        .filter(|(group, _)| !group.is_empty())
        .map(|(group, versions)| group_value(&group, &versions))
        .collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

pub(super) fn group(registry: &Registry, group: &str) -> Option<Value> {
    let versions = by_group(registry).remove(group)?;
    let mut value = group_value(group, &versions);
    value["kind"] = "APIGroup".into();
    value["apiVersion"] = "v1".into();
    Some(value)
}

/// The `APIResourceList` of a version.
pub(super) fn resources(registry: &Registry, group: &str, version: &str) -> Option<Value> {
    let mut entries = Vec::new();
    for resource in registry.all().into_iter().filter(|resource| resource.group == group) {
        let Some(served) = resource.version(version) else { continue };
        let mut entry = json!({
            "name": resource.plural,
            "singularName": resource.singular,
            "namespaced": resource.is_namespaced(),
            "kind": resource.kind,
            "verbs": verbs(&resource),
            "storageVersionHash": storage_version_hash(&resource),
        });
        if !resource.short_names.is_empty() {
            entry["shortNames"] = json!(resource.short_names);
        }
        if !resource.categories.is_empty() {
            entry["categories"] = json!(resource.categories);
        }
        entries.push(entry);
        for sub in subresources(&resource, served) {
            let mut entry = json!({
                "name": format!("{}/{}", resource.plural, sub.name),
                "singularName": "",
                "namespaced": resource.is_namespaced(),
                "kind": sub.kind,
                "verbs": sub.verbs,
            });
            if let Some((group, version)) = sub.group_version {
                entry["group"] = group.into();
                entry["version"] = version.into();
            }
            entries.push(entry);
        }
    }
    let known = !entries.is_empty();
    known.then(|| {
        json!({
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": api_version(group, version),
            "resources": entries,
        })
    })
}

/// The aggregated form, which clients ask for first.
pub(super) fn aggregated(registry: &Registry, tree: Tree) -> Reply {
    let items: Vec<Value> = by_group(registry)
        .into_iter()
        .filter(|(group, _)| group.is_empty() == (tree == Tree::Core))
        .map(|(group, versions)| {
            let versions: Vec<Value> = versions
                .iter()
                .map(|version| {
                    let resources: Vec<Value> = registry
                        .all()
                        .iter()
                        .filter(|resource| resource.group == group)
                        .filter_map(|resource| {
                            Some(aggregated_resource(resource, resource.version(version)?))
                        })
                        .collect();
                    json!({"version": version, "resources": resources, "freshness": "Current"})
                })
                .collect();
            json!({"metadata": {"name": group, "creationTimestamp": null}, "versions": versions})
        })
        .collect();
    let list = json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    });
    respond::with_type(StatusCode::OK, AGGREGATED, list.to_string())
}

fn aggregated_resource(resource: &Resource, served: &ServedVersion) -> Value {
    let subresources: Vec<Value> = subresources(resource, served)
        .into_iter()
        .map(|sub| {
            let (group, version) = sub.group_version.unwrap_or((&resource.group, &served.name));
            json!({
                "subresource": sub.name,
                "responseKind": {"group": group, "version": version, "kind": sub.kind},
                "verbs": sub.verbs,
            })
        })
        .collect();
    let mut entry = json!({
        "resource": resource.plural,
        "responseKind": {"group": resource.group, "version": served.name, "kind": resource.kind},
        "scope": if resource.is_namespaced() { "Namespaced" } else { "Cluster" },
        "singularResource": resource.singular,
        "verbs": verbs(resource),
    });
    if !resource.short_names.is_empty() {
        entry["shortNames"] = json!(resource.short_names);
    }
    if !resource.categories.is_empty() {
        entry["categories"] = json!(resource.categories);
    }
    if !subresources.is_empty() {
        entry["subresources"] = subresources.into();
    }
    entry
}

fn verbs(resource: &Resource) -> Vec<&'static str> {
    let all = VERBS.into_iter();
    all.filter(|verb| *verb != "deletecollection" || resource.deletes_collections()).collect()
}

/// What changes when objects are kept in another version.
fn storage_version_hash(resource: &Resource) -> String {
    let kept = format!("{}/{}/{}", resource.group, resource.storage_version(), resource.kind);
    STANDARD.encode(&Sha256::digest(kept)[..8])
}

struct Subresource<'a> {
    name: &'static str,
    kind: &'a str,
    verbs: &'static [&'static str],
    /// Where its kind differs from that of the resource.
    group_version: Option<(&'static str, &'static str)>,
}

fn subresources<'a>(resource: &'a Resource, served: &ServedVersion) -> Vec<Subresource<'a>> {
    let changed: &[&str] = &["get", "patch", "update"];
    let mut found = Vec::new();
    if &*resource.key == "pods" {
        let group_version = Some(("policy", "v1"));
        found.push(Subresource { name: "eviction", kind: "Eviction", verbs: &["create"], group_version });
        let (exec, verbs): (_, &[&str]) = ("PodExecOptions", &["create", "get"]);
        found.push(Subresource { name: "exec", kind: exec, verbs, group_version: None });
        found.push(Subresource { name: "log", kind: &resource.kind, verbs: &["get"], group_version: None });
    }
    if served.scale {
        let group_version = Some(("autoscaling", "v1"));
        found.push(Subresource { name: "scale", kind: "Scale", verbs: changed, group_version });
    }
    if served.status {
        found.push(Subresource { name: "status", kind: &resource.kind, verbs: changed, group_version: None });
    }
    found
}

/// The versions of each group, the preferred one first.
fn by_group(registry: &Registry) -> BTreeMap<String, Vec<String>> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for resource in registry.all() {
        let versions = groups.entry(resource.group.clone()).or_default();
        for version in &resource.versions {
            if !versions.contains(&version.name) {
                versions.push(version.name.clone());
            }
        }
    }
    groups
}

fn group_value(group: &str, versions: &[String]) -> Value {
    let version = |version: &String| json!({"groupVersion": api_version(group, version), "version": version});
    json!({
        "name": group,
        "versions": versions.iter().map(version).collect::<Vec<_>>(),
        "preferredVersion": versions.first().map(version),
    })
}
