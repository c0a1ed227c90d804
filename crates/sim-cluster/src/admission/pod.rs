//! Pods: service account, priority, tolerations.

use crate::api::{Api, Target};
use crate::object::{self, elements, list, set_default, text};
use crate::status::ApiError;
use crate::store::{Key, Tx};
use crate::tree::{Value, json};

const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// How long a pod stays on a node that went away, unless it says otherwise.
const TOLERATION_SECONDS: i64 = 300;

/// Names the service account and mounts its token.
pub(super) fn add_service_account(
    api: &Api,
    tx: &Tx<'_>,
    target: &Target,
    pod: &mut Value,
) -> Result<(), ApiError> {
    let spec = &mut pod["spec"];
    set_default(spec, "serviceAccountName", "default");
    let name = text(spec, "/serviceAccountName").to_owned();
    set_default(spec, "serviceAccount", name.clone());
    let namespace = &target.namespace;
    let account =
        tx.get(&Key::new("serviceaccounts", namespace.as_str(), name.as_str())).ok_or_else(|| {
            let why = format!(
                "error looking up service account {namespace}/{name}: serviceaccount \"{name}\" not found"
            );
            ApiError::forbidden(target.subject(), &why)
        })?;
    let wanted = spec
        .get("automountServiceAccountToken")
        .or_else(|| account.get("automountServiceAccountToken"))
        .and_then(Value::as_bool)
        .unwrap_or(true);
    if wanted {
        mount_token(spec, &format!("kube-api-access-{}", api.name_suffix()));
    }
    Ok(())
}

fn mount_token(spec: &mut Value, volume: &str) {
    let mut used = false;
    for part in ["initContainers", "containers"] {
        for container in elements(spec, part) {
            if list(container, "/volumeMounts").iter().any(|mount| text(mount, "/mountPath") == TOKEN_PATH) {
                continue;
            }
            used = true;
            push(
                container,
                "volumeMounts",
                json!({"mountPath": TOKEN_PATH, "name": volume, "readOnly": true}),
            );
        }
    }
    if !used {
        return;
    }
    push(
        spec,
        "volumes",
        json!({
            "name": volume,
            "projected": {
                "defaultMode": 420,
                "sources": [
                    {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                    {"configMap": {
                        "items": [{"key": "ca.crt", "path": "ca.crt"}],
                        "name": "kube-root-ca.crt",
                    }},
                    {"downwardAPI": {"items": [{
                        "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"},
                        "path": "namespace",
                    }]}},
                ],
            },
        }),
    );
}

/// Resolves the priority class.
pub(super) fn set_priority(tx: &Tx<'_>, target: &Target, pod: &mut Value) -> Result<(), ApiError> {
    const TABLE: &str = "priorityclasses.scheduling.k8s.io";
    let name = text(pod, "/spec/priorityClassName").to_owned();
    let class = if name.is_empty() {
        tx.list(TABLE, None).into_iter().find(|class| object::flag(class, "/globalDefault"))
    } else {
        let found = tx.get(&Key::new(TABLE, "", name.as_str()));
        Some(found.ok_or_else(|| {
            let why = format!("no PriorityClass with name {name} was found");
            ApiError::forbidden(target.subject(), &why)
        })?)
    };
    let spec = &mut pod["spec"];
    if let Some(class) = class {
        spec["priorityClassName"] = object::name(&class).into();
        spec["priority"] = class["value"].clone();
        let policy = text(&class, "/preemptionPolicy");
        spec["preemptionPolicy"] = if policy.is_empty() { "PreemptLowerPriority" } else { policy }.into();
    } else {
        spec["priority"] = json!(0);
        set_default(spec, "preemptionPolicy", "PreemptLowerPriority");
    }
    Ok(())
}

/// Lets a pod stay a while on a node that is not ready or not reachable.
pub(super) fn add_tolerations(pod: &mut Value) {
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let tolerated = list(pod, "/spec/tolerations").iter().any(|toleration| {
            let (held, effect) = (text(toleration, "/key"), text(toleration, "/effect"));
            (held == key || held.is_empty()) && (effect == "NoExecute" || effect.is_empty())
        });
        if !tolerated {
            push(
                &mut pod["spec"],
                "tolerations",
                json!({
                    "effect": "NoExecute",
                    "key": key,
                    "operator": "Exists",
                    "tolerationSeconds": TOLERATION_SECONDS,
                }),
            );
        }
    }
}

fn push(object: &mut Value, key: &str, value: Value) {
    let slot = object::fields(object).entry(key).or_insert(Value::Null);
    match slot {
        Value::Array(items) => items.push(value),
        other => *other = vec![value].into(),
    }
}
