//! The application document that people write: `apiVersion: plimsoll.io/v1alpha1`, `kind: App`.
//!
//! `docs/app.md` and `docs/app.schema.json` say what may stand in it; a test compares them with this module.
//! Text becomes a tree ([`parse_json`]; the command line makes the same tree from YAML), the tree is checked
//! ([`validate`]) and becomes what the rest of Plimsoll works with. All faults are told at once.

mod container;
mod familiar;
mod files;
pub mod golden;
mod grades;
mod json;
mod memory;
mod metadata;
mod path;
mod placement;
mod ports;
mod probe;
mod publish;
mod reader;
mod render;
mod scale;
mod spec;
mod tagged;
#[cfg(test)]
mod tests;
mod together;

use std::collections::BTreeMap;

use plimsoll_qos::Policy;
use serde_json::Value;

use crate::content::Content;
use crate::error::Violation;
use crate::image::InvalidImage;
use crate::name::{AppRef, DcName};
use crate::record::Environment;
use crate::scale::Scale;
use reader::{Faults, Node};
use spec::Grades;

pub use grades::read_policy;
pub use json::{MAX_BYTES, MAX_DEPTH, parse_json};
pub use path::{InvalidPath, Path, Segment};
pub(crate) use tagged::{Written, tagged};

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

/// What an installation knows when it is asked to take a document.
#[derive(Clone, Copy, Debug)]
pub struct Host<'a> {
    /// Whether the golden rules of production hold.
    pub environment: Environment,
    /// Its data centers.
    pub dcs: &'a [DcName],
    /// Its grades.
    pub grades: &'a Policy,
}

/// Why a document is not taken: everything that is wrong with it, at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// Its faults, which it would have in every installation of these data centers and grades; at most 200 of its
    /// own.
    pub faults: Vec<Violation>,
    /// The golden rules of production that it breaks as far as it could be read, where they hold.
    pub broken: Vec<Violation>,
}

/// Reads a document by Plimsoll's own grades, or tells everything that is wrong with it; at most 200 faults, in the
/// order of the fields in `docs/app.md`.
///
/// # Errors
/// Every fault with its path, and never none.
pub fn validate(value: &Value) -> Result<AppDocument, Vec<Violation>> {
    validate_by(value, &Policy::default())
}

/// The same by the grades of an installation.
///
/// # Errors
/// As [`validate`].
pub fn validate_by(value: &Value, grades: &Policy) -> Result<AppDocument, Vec<Violation>> {
    let faults = Faults::default();
    let document = read(&Node::root(value, &faults), Grades::Of(grades)).and_then(Reading::document);
    let (faults, _, _) = faults.into_parts();
    match document {
        Some(document) if faults.is_empty() => Ok(document),
        _ => Err(faults),
    }
}

/// What is wrong with a document wherever it is sent: its grade need only be a name and an image with its registry only
/// have a tag, for only the installation knows its grades, and of which registries tags are enough. At most 200 faults,
/// none for one that is sound.
pub fn faults(value: &Value) -> Vec<Violation> {
    let faults = Faults::default();
    let _ = read(&Node::root(value, &faults), Grades::Any);
    let mut found = faults.into_parts().0;
    let tagged = tagged(value);
    let no_digest = InvalidImage::NoDigest.to_string();
    found.retain(|fault| fault.message != no_digest || tagged.iter().all(|image| image.path != fault.path));
    found
}

/// The same for an installation, with its golden rules and its data centers.
///
/// What comes only from another fault is not told: no rule is broken by what could not be read.
///
/// # Errors
/// Everything that is wrong, and never nothing.
pub fn admit(value: &Value, host: Host<'_>) -> Result<AppDocument, Refusal> {
    let faults = Faults::default();
    let reading = read(&Node::root(value, &faults), Grades::Of(host.grades));
    let (mut faults, broken, named) = faults.into_parts();
    let foreign = placement::foreign(&named, host.dcs);
    let nobody = Faults::default();
    if let Some(spec) = Node::root(value, &nobody).get("spec") {
        placement::check_reach(&spec, host.dcs, &mut faults);
    }
    for fault in foreign {
        if faults.iter().all(|known| known.path != fault.path) {
            faults.push(fault);
        }
    }
    let broken = match host.environment {
        Environment::Production => broken,
        Environment::Testing => Vec::new(),
    };
    match reading.and_then(Reading::document) {
        Some(document) if faults.is_empty() && broken.is_empty() => Ok(document),
        _ => Err(Refusal { faults, broken }),
    }
}

/// What was read of a document, as far as it could be read.
struct Reading {
    metadata: Option<metadata::Metadata>,
    content: Option<Content>,
    scale: Option<Scale>,
}

impl Reading {
    fn document(self) -> Option<AppDocument> {
        let Self { metadata, content, scale } = self;
        let metadata::Metadata { app, owner, description, labels } = metadata?;
        Some(AppDocument { app, owner, description, labels, content: content?, scale: scale? })
    }
}

fn read(root: &Node<'_>, grades: Grades<'_>) -> Option<Reading> {
    let document = root.object(FIELDS)?;
    // That one of these has a fault keeps nothing else from being read.
    document.required("apiVersion", |node| node.exactly(API_VERSION, None));
    document.required("kind", |node| node.exactly(KIND, None));
    let metadata = document.required("metadata", |node| metadata::read(&node));
    let spec = document.required("spec", |node| spec::read(&node, grades));
    let (content, scale) = spec.map_or((None, None), |spec| (spec.content, spec.scale));
    Some(Reading { metadata, content, scale })
}
