//! Volumes, and where containers see them.
//!
//! Files are mounted one by one, so that they hide nothing of the directory that they lie in. That such a
//! mount does not follow its source does not matter: changed files have another ConfigMap.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::config::Config;
use super::{Input, MAIN, name};

const TMP: &str = "/tmp";
/// What `/tmp` may hold where the document gives no size.
const TMP_SIZE: &str = "1Gi";
const FILES: &str = "files";

/// The volumes of the pod.
pub(super) fn volumes(input: &Input<'_>, config: &Config) -> Vec<Value> {
    let content = input.content;
    let mut volumes = Vec::new();
    let containers = content.init.iter().chain(&content.sidecars).map(|step| step.name.as_str());
    let tmp_size = content.scratch.iter().find(|scratch| scratch.path == TMP);
    let tmp_size = tmp_size.map_or_else(|| TMP_SIZE.to_owned(), |scratch| scratch.size.to_string());
    for container in std::iter::once(MAIN).chain(containers) {
        volumes.push(empty(&tmp_volume(container), &tmp_size));
    }
    for scratch in content.scratch.iter().filter(|scratch| scratch.path != TMP) {
        volumes.push(empty(&scratch_volume(&scratch.path), &scratch.size.to_string()));
    }
    if let Some(map) = &config.files {
        let items: Vec<Value> = input
            .files()
            .iter()
            .map(|file| {
                let key = name::key(&file.path);
                json!({"key": key, "path": key, "mode": file.mode})
            })
            .collect();
        volumes.push(json!({"name": FILES, "configMap": {"name": map, "items": items}}));
    }
    for (secret, items) in secrets(input) {
        volumes
            .push(json!({"name": secret_volume(secret), "secret": {"secretName": secret, "items": items}}));
    }
    volumes
}

/// Where `container` sees them: its own `/tmp`, since two Java machines in one would take each other's
/// files for theirs, and everything else as the other containers see it.
pub(super) fn mounts(input: &Input<'_>, config: &Config, container: &str) -> Vec<Value> {
    let content = input.content;
    let mut mounts = vec![json!({"name": tmp_volume(container), "mountPath": TMP})];
    for scratch in content.scratch.iter().filter(|scratch| scratch.path != TMP) {
        mounts.push(json!({"name": scratch_volume(&scratch.path), "mountPath": scratch.path}));
    }
    if config.files.is_some() {
        for file in input.files() {
            mounts.push(file_mount(FILES, &file.path));
        }
    }
    for file in &content.secret_files {
        mounts.push(file_mount(&secret_volume(&file.from.secret), &file.path));
    }
    mounts
}

fn file_mount(volume: &str, path: &str) -> Value {
    json!({"name": volume, "mountPath": path, "subPath": name::key(path), "readOnly": true})
}

fn empty(name: &str, size: &str) -> Value {
    json!({"name": name, "emptyDir": {"sizeLimit": size}})
}

/// The keys that files are made of, by Secret.
fn secrets<'a>(input: &Input<'a>) -> BTreeMap<&'a str, Vec<Value>> {
    let mut secrets: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for file in &input.content.secret_files {
        let item = json!({"key": file.from.key, "path": name::key(&file.path), "mode": file.mode});
        secrets.entry(&file.from.secret).or_default().push(item);
    }
    secrets
}

fn tmp_volume(container: &str) -> String {
    match container {
        MAIN => "tmp".to_owned(),
        other => name::volume("tmp", other),
    }
}

fn scratch_volume(path: &str) -> String {
    name::volume("scratch", path)
}

fn secret_volume(secret: &str) -> String {
    name::volume("secret", secret)
}
