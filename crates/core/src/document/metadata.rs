//! Who the App is.

use std::collections::BTreeMap;

use super::reader::Node;
use crate::name::AppRef;

pub(super) const FIELDS: &[&str] = &["name", "namespace", "owner", "description", "labels"];

const MAX_LABELS: usize = 64;

/// The front part of label keys that Plimsoll sets itself.
const RESERVED_LABELS: &str = "plimsoll.io";

pub(super) struct Metadata {
    pub(super) app: AppRef,
    pub(super) owner: Option<String>,
    pub(super) description: Option<String>,
    pub(super) labels: BTreeMap<String, String>,
}

pub(super) fn read(node: &Node<'_>) -> Option<Metadata> {
    let metadata = node.object(FIELDS)?;
    let name = metadata.required("name", |node| {
        node.parsed(str::parse, "name it in at most 40 lower-case letters, digits and '-', such as `shop`")
    });
    let namespace = metadata.required("namespace", |node| {
        node.parsed(str::parse, "write the name of a Namespace of this installation")
    });
    let owner = metadata.optional("owner", |node| node.prose(1..=200));
    let description = metadata.optional("description", |node| node.prose(1..=2000));
    let labels = metadata
        .or("labels", BTreeMap::new(), |node| node.map(MAX_LABELS, label_key, |node| label_value(&node)));
    Some(Metadata {
        app: AppRef { namespace: namespace?, name: name? },
        owner: owner?,
        description: description?,
        labels: labels?,
    })
}

/// A label key as Kubernetes has it: a name, and perhaps a DNS subdomain and a slash before it.
fn label_key(node: &Node<'_>, key: &str) -> Option<String> {
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let prefix_ok = prefix.is_none_or(is_subdomain);
    if name.is_empty() || !is_label_value(name) || !prefix_ok {
        node.fault(
            "this is no label key",
            "write at most 63 letters, digits, '-', '_' and '.', with a domain and '/' before if you like",
        );
        return None;
    }
    if prefix.is_some_and(|p| p == RESERVED_LABELS || p.ends_with(&format!(".{RESERVED_LABELS}"))) {
        node.fault("labels below plimsoll.io/ are Plimsoll's own", "choose another key");
        return None;
    }
    Some(key.to_owned())
}

fn label_value(node: &Node<'_>) -> Option<String> {
    let text = node.text(0..=63)?;
    if !is_label_value(&text) {
        node.fault(
            "this is no label value",
            "write letters, digits, '-', '_' and '.', with a letter or digit at both ends",
        );
        return None;
    }
    Some(text)
}

fn is_label_value(text: &str) -> bool {
    let edge = |b: Option<&u8>| b.is_none_or(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
}

/// Whether `text` is an RFC 1123 subdomain: labels joined by dots, 253 characters in all.
pub(super) fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label)
}

/// Whether `text` is an RFC 1123 label of at most 63 characters.
pub(super) fn is_label(text: &str) -> bool {
    let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
}
