//! Volumes: defaults, and mounts that name none.

use crate::object::{elements, list, set_default, text};
use crate::status::Cause;
use crate::tree::{Value, json};

/// 0644, as the API writes it.
const READABLE: i64 = 420;

pub(super) fn set_defaults(volume: &mut Value) {
    let sources = volume.as_object().map_or(0, |fields| fields.keys().filter(|key| *key != "name").count());
    if sources == 0 {
        set_default(volume, "emptyDir", json!({}));
    }
    for source in ["configMap", "secret", "projected", "downwardAPI"] {
        if let Some(source) = volume.get_mut(source) {
            set_default(source, "defaultMode", READABLE);
        }
    }
    if let Some(path) = volume.get_mut("hostPath") {
        set_default(path, "type", "");
    }
    if let Some(source) = volume.get_mut("downwardAPI") {
        default_field_references(source);
    }
    if let Some(projected) = volume.get_mut("projected") {
        for source in elements(projected, "sources") {
            if let Some(token) = source.get_mut("serviceAccountToken") {
                set_default(token, "expirationSeconds", 3600);
            }
            if let Some(downward) = source.get_mut("downwardAPI") {
                default_field_references(downward);
            }
        }
    }
}

fn default_field_references(source: &mut Value) {
    for item in elements(source, "items") {
        if let Some(reference) = item.get_mut("fieldRef") {
            set_default(reference, "apiVersion", "v1");
        }
    }
}

pub(super) fn check(spec: &Value, at: &str, causes: &mut Vec<Cause>) {
    let names: Vec<&str> = list(spec, "/volumes").iter().map(|volume| text(volume, "/name")).collect();
    for (index, name) in names.iter().enumerate() {
        if name.is_empty() {
            causes.push(Cause::required(format!("{at}.volumes[{index}].name"), ""));
        } else if names[..index].contains(name) {
            causes.push(Cause::duplicate(format!("{at}.volumes[{index}].name"), &(*name).into()));
        }
    }
    for part in ["initContainers", "containers"] {
        for (container_index, container) in list(spec, &format!("/{part}")).iter().enumerate() {
            for (index, mount) in list(container, "/volumeMounts").iter().enumerate() {
                let name = text(mount, "/name");
                let at = format!("{at}.{part}[{container_index}].volumeMounts[{index}]");
                if !names.contains(&name) {
                    causes.push(Cause {
                        reason: "FieldValueNotFound",
                        field: format!("{at}.name"),
                        message: format!("Not found: \"{name}\""),
                    });
                }
                if text(mount, "/mountPath").is_empty() {
                    causes.push(Cause::required(format!("{at}.mountPath"), ""));
                }
            }
        }
    }
}
