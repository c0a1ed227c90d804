//! The pod spec, as pods and templates share it.

use super::{container, volume};
use crate::object::{child, elements, flag, set_default, set_or_remove, text};
use crate::status::Cause;
use crate::tree::{Value, json};

/// Defaults of a pod spec, in pods as in templates.
pub(super) fn set_defaults(spec: &mut Value) {
    set_default(spec, "dnsPolicy", "ClusterFirst");
    set_default(spec, "restartPolicy", "Always");
    set_default(spec, "terminationGracePeriodSeconds", 30);
    set_default(spec, "securityContext", json!({}));
    set_default(spec, "schedulerName", "default-scheduler");
    // The old name of the field is written beside the new one.
    let account = spec.get("serviceAccountName").or_else(|| spec.get("serviceAccount")).cloned();
    if let (Some(account), Some(fields)) = (account, spec.as_object_mut()) {
        set_or_remove(fields, "serviceAccountName", Some(account.clone()));
        set_or_remove(fields, "serviceAccount", Some(account));
    }
    let host_network = flag(spec, "/hostNetwork");
    for part in ["initContainers", "containers", "ephemeralContainers"] {
        for container in elements(spec, part) {
            container::set_defaults(container);
            if host_network {
                for port in elements(container, "ports") {
                    let number = port["containerPort"].clone();
                    set_default(port, "hostPort", number);
                }
            }
        }
    }
    for volume in elements(spec, "volumes") {
        volume::set_defaults(volume);
    }
}

/// Defaults of a template: its metadata is always there.
pub(super) fn default_template(spec: &mut Value) {
    if let Some(template) = spec.get_mut("template") {
        child(template, "metadata");
        child(template, "spec");
        set_defaults(&mut template["spec"]);
    }
}

pub(super) fn check(spec: &Value, at: &str, causes: &mut Vec<Cause>) {
    container::check_all(spec, at, causes);
    volume::check(spec, at, causes);
    let policy = text(spec, "/restartPolicy");
    if !["Always", "OnFailure", "Never"].contains(&policy) {
        causes.push(Cause::unsupported(
            format!("{at}.restartPolicy"),
            &policy.into(),
            &["Always", "OnFailure", "Never"],
        ));
    }
}
