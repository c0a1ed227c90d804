//! What the main container, init steps and sidecars have in common: image, command, size, environment.

use std::collections::BTreeMap;

use plimsoll_qos::{Quantity, Resource};

use super::familiar;
use super::metadata::{is_label, is_subdomain};
use super::probe;
use super::reader::{Node, Object, shown};
use crate::content::{Container, Named, Probes, SecretKey, Size};
use crate::image::{ImageRef, InvalidImage};

pub(super) const INIT_FIELDS: &[&str] =
    &["name", "image", "command", "args", "size", "env", "envFromSecrets"];
pub(super) const SIDECAR_FIELDS: &[&str] =
    &["name", "image", "command", "args", "size", "env", "envFromSecrets", "probes"];
pub(super) const SIZE_FIELDS: &[&str] = &["cpu", "memory", "ephemeralStorage"];
pub(super) const SECRET_KEY_FIELDS: &[&str] = &["secret", "key"];

/// The name of the main container in the pod.
pub(super) const MAIN: &str = "app";

/// The front part of the names of environment variables that Plimsoll sets itself.
const RESERVED_ENV: &str = "PLIMSOLL_";

const MAX_TEXT: usize = 32_768;
const MAX_WORDS: usize = 100;
const MAX_ENV: usize = 200;
const MAX_SIBLINGS: usize = 10;

/// What a container runtime itself needs: with less, Kubernetes accepts the pod and it never starts.
const MIN_MEMORY_MEBIBYTES: u32 = 4;

/// Reads the fields of a container from the object that they lie in.
pub(super) fn read(object: &Object<'_>, probes: Option<Probes>) -> Option<Container> {
    let image = object.required("image", |node| image(&node));
    let command = object.or("command", Vec::new(), |node| program(&node, 0));
    let args = object.or("args", Vec::new(), |node| words(&node, 0));
    let size = object.required("size", |node| size(&node));
    let env = object.or("env", BTreeMap::new(), |node| env(&node));
    let secrets = object
        .or("envFromSecrets", BTreeMap::new(), |node| node.map(MAX_ENV, env_name, |node| secret_key(&node)));
    if let (Some(env), Some(secrets)) = (object.get("env"), object.get("envFromSecrets")) {
        for name in secrets.keys().filter(|name| env.get(name).is_some()) {
            let path = secrets.path().field(name);
            object.faults().put(&path, "this variable stands in `env` too", "keep one of the two");
        }
    }
    Some(Container {
        image: image?,
        command: command?,
        args: args?,
        size: size?,
        env: env?,
        env_from_secrets: secrets?,
        probes: probes?,
    })
}

/// Init steps: containers that end, so they have no probes.
pub(super) fn init(node: &Node<'_>, names: &mut Names) -> Option<Vec<Named<Container>>> {
    node.list(0..=MAX_SIBLINGS, |node| {
        let object = node.object_telling(INIT_FIELDS, familiar::told)?;
        named(&object, Some(Probes::default()), names)
    })
}

/// Sidecars: their probes go by number, because only the main container's ports have names.
pub(super) fn sidecars(node: &Node<'_>, names: &mut Names) -> Option<Vec<Named<Container>>> {
    node.list(0..=MAX_SIBLINGS, |node| {
        let object = node.object_telling(SIDECAR_FIELDS, familiar::told)?;
        let probes = object.or_nothing("probes", |node| probe::sidecar_probes(&node));
        named(&object, probes, names)
    })
}

fn named(object: &Object<'_>, probes: Option<Probes>, names: &mut Names) -> Option<Named<Container>> {
    let name = object.required("name", |node| {
        let name = node.text(1..=63)?;
        if !is_label(&name) {
            node.fault(
                format!("`{}` is no name of a container", shown(&name)),
                "write lower-case letters, digits and '-', with a letter or digit at both ends",
            );
            return None;
        }
        if name == MAIN {
            node.fault("`app` is the name of the main container", "choose another name");
            return None;
        }
        names.claim(&name, &node, object.path());
        Some(name)
    });
    let inner = read(object, probes);
    Some(Named { name: name?, inner: inner? })
}

/// The names of the containers beside the main one, and where each is.
#[derive(Default)]
pub(super) struct Names(BTreeMap<String, super::Path>);

impl Names {
    /// Puts down a fault where another container has this name.
    fn claim(&mut self, name: &str, node: &Node<'_>, container: &super::Path) {
        if let Some(first) = self.0.get(name) {
            node.fault(format!("`{name}` is the name of {first} too"), "choose another name");
        } else {
            self.0.insert(name.to_owned(), container.clone());
        }
    }
}

fn image(node: &Node<'_>) -> Option<ImageRef> {
    let text = node.text(1..=512)?;
    match text.parse() {
        Ok(image) => Some(image),
        Err(why @ (InvalidImage::NoDigest | InvalidImage::Digest)) => {
            node.fault(
                why.to_string(),
                "write REPOSITORY:TAG@sha256:DIGEST; `docker buildx imagetools inspect` shows the digest",
            );
            None
        }
        Err(why @ (InvalidImage::Repository | InvalidImage::Tag)) => {
            node.fault(why.to_string(), "write it like registry.example.com/team/app:1.4@sha256:…");
            None
        }
    }
}

/// A program and its arguments. Only arguments may be empty.
pub(super) fn program(node: &Node<'_>, min: usize) -> Option<Vec<String>> {
    let mut first = true;
    node.list(min..=MAX_WORDS, |node| {
        let program = std::mem::take(&mut first);
        let word = node.text(0..=MAX_TEXT)?;
        if program && word.is_empty() {
            node.fault("this is empty", "write the program that is to run");
            return None;
        }
        Some(word)
    })
}

fn words(node: &Node<'_>, min: usize) -> Option<Vec<String>> {
    node.list(min..=MAX_WORDS, |node| node.text(0..=MAX_TEXT))
}

pub(super) fn size(node: &Node<'_>) -> Option<Size> {
    let size = node.object(SIZE_FIELDS)?;
    let cpu = size.required("cpu", |node| node.quantity(Resource::Cpu));
    let memory = size.required("memory", |node| {
        let memory = node.quantity(Resource::Memory)?;
        if memory < Quantity::from_mebibytes(MIN_MEMORY_MEBIBYTES) {
            let message = format!("no container starts with {memory} of memory");
            node.fault(message, format!("write {MIN_MEMORY_MEBIBYTES}Mi or more"));
            return None;
        }
        Some(memory)
    });
    let disk = size.optional("ephemeralStorage", |node| node.quantity(Resource::EphemeralStorage));
    Some(Size { cpu: cpu?, memory: memory?, ephemeral_storage: disk? })
}

/// Environment variables with their values.
pub(super) fn env(node: &Node<'_>) -> Option<BTreeMap<String, String>> {
    node.map(MAX_ENV, env_name, |node| node.text(0..=MAX_TEXT))
}

fn env_name(node: &Node<'_>, name: &str) -> Option<String> {
    let head = name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    let tail = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    if !head || !tail || name.len() > 253 {
        node.fault(
            "this is no name of an environment variable",
            "write letters, digits, '_', '-' and '.', beginning with a letter or '_'",
        );
        return None;
    }
    if name.starts_with(RESERVED_ENV) {
        let message = format!("variables that begin with {RESERVED_ENV} are set by Plimsoll");
        node.fault(message, "choose another name");
        return None;
    }
    Some(name.to_owned())
}

fn secret_key(node: &Node<'_>) -> Option<SecretKey> {
    let object = node.object(SECRET_KEY_FIELDS)?;
    secret_and_key(&object)
}

/// The fields `secret` and `key` of an object that may have more.
pub(super) fn secret_and_key(object: &Object<'_>) -> Option<SecretKey> {
    let secret = object.required("secret", |node| {
        let name = node.text(1..=253)?;
        if is_subdomain(&name) {
            return Some(name);
        }
        node.fault(
            format!("`{}` is no name of a Secret", shown(&name)),
            "write lower-case letters, digits, '-' and '.', with a letter or digit at both ends",
        );
        None
    });
    let key = object.required("key", |node| {
        let key = node.text(1..=253)?;
        let inner = key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if inner && key != "." && !key.starts_with("..") {
            return Some(key);
        }
        node.fault(
            format!("`{}` is no key of a Secret", shown(&key)),
            "write letters, digits, '-', '_' and '.'",
        );
        None
    });
    Some(SecretKey { secret: secret?, key: key? })
}
