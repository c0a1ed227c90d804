//! What a pod names and may not be there: Secrets and `ConfigMaps`, in the order and the words of the kubelet.

use crate::api::Api;
use crate::object::{self, flag, list, map, text};
use crate::store::{Key, Object};
use crate::tree::Value;

/// What keeps a container from being created: the first thing that its environment names and that is not there.
pub(super) fn missing_in_environment(api: &Api, pod: &Value, container: &Value) -> Option<String> {
    let namespace = object::namespace(pod);
    let whole = list(container, "/envFrom").iter().find_map(|source| {
        SOURCES.iter().find_map(|kind| {
            let reference = source.get(kind.env_from)?;
            let name = text(reference, "/name");
            let lacks = kind.find(api, namespace, name).is_none() && !flag(reference, "/optional");
            lacks.then(|| kind.not_found(name))
        })
    });
    whole.or_else(|| list(container, "/env").iter().find_map(|entry| missing_key(api, namespace, entry)))
}

/// What the runtime says of a command that its image does not hold.
pub(super) fn no_such_command(container: &Value) -> String {
    let mut command = list(container, "/command").iter().chain(list(container, "/args"));
    let command = command.find_map(Value::as_str).unwrap_or_default();
    let why = if command.starts_with('/') {
        format!("stat {command}: no such file or directory")
    } else {
        "executable file not found in $PATH".to_owned()
    };
    format!(
        "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create \
         failed: unable to start container process: exec: \"{command}\": {why}: unknown"
    )
}

/// The volumes that cannot be mounted, each with the reason.
pub(super) fn unmountable(api: &Api, pod: &Value) -> Vec<(String, String)> {
    let namespace = object::namespace(pod);
    let volumes = list(pod, "/spec/volumes").iter();
    let why = |volume: &Value| {
        let projected = list(volume, "/projected/sources");
        let mut faults: Vec<String> = Vec::new();
        for source in std::iter::once(volume).chain(projected) {
            let found = SOURCES.iter().filter_map(|kind| {
                let reference = source.get(kind.volume)?;
                // A volume of its own names its Secret by another field than a projected one.
                let name = [text(reference, "/secretName"), text(reference, "/name")].concat();
                kind.fault(api, namespace, &name, reference)
            });
            for fault in found {
                if !faults.contains(&fault) {
                    faults.push(fault);
                }
            }
        }
        match faults.as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            several => Some(format!("[{}]", several.join(", "))),
        }
    };
    volumes.filter_map(|volume| Some((text(volume, "/name").to_owned(), why(volume)?))).collect()
}

/// The two kinds that hold configuration.
const SOURCES: [Source; 2] = [
    Source {
        table: "configmaps",
        word: "configmap",
        kind: "ConfigMap",
        env_from: "configMapRef",
        key_ref: "configMapKeyRef",
        volume: "configMap",
        no_such_key: "configmap references non-existent config key",
    },
    Source {
        table: "secrets",
        word: "secret",
        kind: "Secret",
        env_from: "secretRef",
        key_ref: "secretKeyRef",
        volume: "secret",
        no_such_key: "references non-existent secret key",
    },
];

struct Source {
    table: &'static str,
    word: &'static str,
    kind: &'static str,
    env_from: &'static str,
    key_ref: &'static str,
    volume: &'static str,
    no_such_key: &'static str,
}

impl Source {
    fn find(&self, api: &Api, namespace: &str, name: &str) -> Option<Object> {
        api.store.get(&Key::new(self.table, namespace, name))
    }

    fn not_found(&self, name: &str) -> String {
        format!("{} \"{name}\" not found", self.word)
    }

    /// What is wrong with a volume's reference.
    fn fault(&self, api: &Api, namespace: &str, name: &str, reference: &Value) -> Option<String> {
        let optional = flag(reference, "/optional");
        let Some(object) = self.find(api, namespace, name) else {
            return (!optional).then(|| self.not_found(name));
        };
        let missing = |item: &&Value| !optional && !has_file(&object, text(item, "/key"));
        let item = list(reference, "/items").iter().find(missing)?;
        Some(format!("{}: {}", self.no_such_key, text(item, "/key")))
    }
}

/// What an entry of `env` names and is not there.
fn missing_key(api: &Api, namespace: &str, entry: &Value) -> Option<String> {
    SOURCES.iter().find_map(|kind| {
        let reference = entry.get("valueFrom")?.get(kind.key_ref)?;
        if flag(reference, "/optional") {
            return None;
        }
        let (name, key) = (text(reference, "/name"), text(reference, "/key"));
        let Some(object) = kind.find(api, namespace, name) else { return Some(kind.not_found(name)) };
        let held = map(&object, "/data").is_some_and(|data| data.contains_key(key));
        (!held).then(|| format!("couldn't find key {key} in {} {namespace}/{name}", kind.kind))
    })
}

/// A file may come from either map of a `ConfigMap`; the environment takes text alone.
fn has_file(object: &Value, key: &str) -> bool {
    ["/data", "/binaryData"].iter().any(|part| map(object, part).is_some_and(|data| data.contains_key(key)))
}
