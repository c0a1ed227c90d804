//! Namespaces: what each one starts with, and how one goes away.

use super::{Outcome, target};
use crate::api::{Api, Caller, DeleteOptions, Target, WriteOptions};
use crate::object;
use crate::store::Key;
use crate::tree::json;

const CALLER: &str = "kube-controller-manager";

pub(super) fn sync(api: &Api, name: &str) -> Outcome {
    let key = Key::new("namespaces", "", name);
    let Some(namespace) = api.store.get(&key) else { return Ok(None) };
    if object::is_terminating(&namespace) { empty(api, &key) } else { furnish(api, name) }
}

/// Makes the default service account and the ConfigMap with the cluster's authority.
fn furnish(api: &Api, namespace: &str) -> Outcome {
    let caller = Caller::component(CALLER);
    let wanted = [
        ("serviceaccounts", "default", json!({"metadata": {"name": "default"}})),
        (
            "configmaps",
            "kube-root-ca.crt",
            json!({
                "metadata": {
                    "name": "kube-root-ca.crt",
                    "annotations": {"kubernetes.io/description": "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters."},
                },
                "data": {"ca.crt": api.authority()},
            }),
        ),
    ];
    for (table, name, object) in wanted {
        let exists = api.store.get(&Key::new(table, namespace, name)).is_some();
        if let Some(resource) = api.registry.by_key(table).filter(|_| !exists) {
            api.create(&caller, &Target::new(&resource, namespace, ""), object, &WriteOptions::of(CALLER))?;
        }
    }
    Ok(None)
}

/// Deletes everything in a terminating namespace, then lets it go.
fn empty(api: &Api, key: &Key) -> Outcome {
    let tables = api.store.tables_of(&key.name);
    let mut left = false;
    for table in tables {
        let objects = api.store.list(&table, Some(&key.name));
        for object in objects {
            let held = Key::new(table.clone(), key.name.as_str(), object::name(&object));
            if !object::is_terminating(&object)
                && let Some(target) = target(api, &held)
            {
                api.delete(&target, &DeleteOptions::default())?;
            }
            left |= api.store.get(&held).is_some();
        }
    }
    if left {
        // Whoever holds the rest back changes it, which brings us here again.
        return Ok(None);
    }
    let mut tx = api.store.begin();
    let Some(namespace) = tx.get(key) else { return Ok(None) };
    if object::finalizers(&namespace).next().is_none() {
        tx.remove(key)?;
        return Ok(None);
    }
    if !object::list(&namespace, "/spec/finalizers").is_empty() {
        let mut namespace = crate::tree::Value::clone(&namespace);
        namespace["spec"] = json!({});
        tx.put(key, namespace)?;
    }
    Ok(None)
}
