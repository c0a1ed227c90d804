//! The application document that people write: `apiVersion: plimsoll.io/v1alpha1`, `kind: App`.
//!
//! `docs/app.md` and `docs/app.schema.json` say what may stand in it; a test compares them with this module.
//! Text becomes a tree ([`parse_json`]; the command line makes the same tree from YAML), the tree is checked
//! ([`validate`]) and becomes what the rest of Plimsoll works with. All faults are told at once.

mod container;
mod familiar;
mod files;
pub mod golden;
mod json;
mod metadata;
mod path;
mod placement;
mod probe;
mod publish;
mod reader;
mod render;
mod scale;
mod spec;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::content::Content;
use crate::error::Violation;
use crate::name::AppRef;
use crate::scale::Scale;
use reader::{Faults, Node};

pub use json::{MAX_BYTES, MAX_DEPTH, parse_json};
pub use path::{InvalidPath, Path, Segment};

/// The version of the document's format.
pub const API_VERSION: &str = "plimsoll.io/v1alpha1";

/// What the document describes.
pub const KIND: &str = "App";

const FIELDS: &[&str] = &["apiVersion", "kind", "metadata", "spec"];

/// A document that was read: everything in it is within its bounds and fits together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppDocument {
    /// The App that it describes.
    pub app: AppRef,
    /// Who answers for it.
    pub owner: Option<String>,
    /// What it is, for people.
    pub description: Option<String>,
    /// For finding it; they stay out of the data centers.
    pub labels: BTreeMap<String, String>,
    /// What the next Release is to hold.
    pub content: Content,
    /// How much of it runs where, used when the App is created.
    pub scale: Scale,
}

/// Reads a document, or tells everything that is wrong with it; at most 200 faults, in the order of the
/// fields in `docs/app.md`.
///
/// # Errors
/// Every fault with its path, and never none.
pub fn validate(value: &Value) -> Result<AppDocument, Vec<Violation>> {
    let faults = Faults::default();
    let document = read(&Node::root(value, &faults));
    let faults = faults.into_inner();
    match document {
        Some(document) if faults.is_empty() => Ok(document),
        _ => Err(faults),
    }
}

fn read(root: &Node<'_>) -> Option<AppDocument> {
    let document = root.object(FIELDS)?;
    let version = document.required("apiVersion", |node| node.exactly(API_VERSION, None));
    let kind = document.required("kind", |node| node.exactly(KIND, None));
    let metadata = document.required("metadata", |node| metadata::read(&node));
    let spec = document.required("spec", |node| spec::read(&node));
    let ((), (), metadata, (content, scale)) = (version?, kind?, metadata?, spec?);
    let metadata::Metadata { app, owner, description, labels } = metadata;
    Some(AppDocument { app, owner, description, labels, content, scale })
}
