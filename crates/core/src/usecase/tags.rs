//! Tags in a document: each is resolved once, when the document is admitted, to what it points to then.

use serde_json::Value;

use super::Plimsoll;
use crate::digest::Digest;
use crate::document::{self, Written};
use crate::error::{Error, Kind, Violation};
use crate::image::{self, ErrorKind, Images, Tagged};

/// A document whose tags were resolved as far as they could be.
pub(super) struct Pinned {
    /// The document, with digests.
    pub(super) document: Value,
    /// What each tag was found to point to, a sentence each.
    pub(super) notes: Vec<String>,
    /// Of those that could not be resolved, why.
    pub(super) unresolved: Vec<Unresolved>,
}

/// Why a tag was not resolved.
pub(super) struct Unresolved {
    pub(super) violation: Violation,
    /// Whether the same request may succeed later.
    pub(super) may_pass: bool,
}

impl Plimsoll {
    /// The images of a document that are written by a tag of a registry that is known, and by no digest.
    pub(super) fn tags(&self, document: &Value) -> Vec<Written> {
        let Some(images) = &self.images else { return Vec::new() };
        let is_known = |written: &Written| images.registries.knows(&written.tagged.home.host);
        document::tagged(document).into_iter().filter(is_known).collect()
    }

    /// The document with a digest behind each of these tags.
    pub(super) async fn pin(&self, document: &Value, tags: &[Written]) -> Pinned {
        let mut pinned = Pinned { document: document.clone(), notes: Vec::new(), unresolved: Vec::new() };
        let Some(images) = &self.images else { return pinned };
        let mut known: Vec<(&Tagged, Digest)> = Vec::new();
        for Written { pointer, path, tagged } in tags {
            let before = known.iter().find(|(other, _)| *other == tagged).map(|(_, digest)| *digest);
            let resolved = match before {
                Some(digest) => Ok(digest),
                None => resolve(images, path, tagged).await,
            };
            match resolved {
                Ok(digest) => {
                    if before.is_none() {
                        pinned.notes.push(format!("{tagged} is {digest}, which is what runs"));
                        known.push((tagged, digest));
                    }
                    if let Some(image) = pinned.document.pointer_mut(pointer) {
                        *image = Value::String(tagged.at(digest).to_string());
                    }
                }
                Err(unresolved) => pinned.unresolved.push(unresolved),
            }
        }
        pinned
    }

    /// What a document without a digest is told beyond what it is told everywhere: which registries' tags would do.
    pub(super) fn tell_registries(&self, faults: &mut [Violation]) {
        let Some(images) = &self.images else { return };
        let hosts: Vec<&str> = images.registries.hosts().map(image::Host::as_str).collect();
        let no_digest = image::InvalidImage::NoDigest.to_string();
        for fault in faults.iter_mut().filter(|fault| fault.message == no_digest) {
            fault.remedy = format!("{}; a tag is enough for images of {}", fault.remedy, hosts.join(", "));
        }
    }
}

async fn resolve(images: &Images, path: &str, tagged: &Tagged) -> Result<Digest, Unresolved> {
    let told = |message: String, remedy: String, may_pass| Unresolved {
        violation: Violation::new(path, message, remedy),
        may_pass,
    };
    match images.registry.resolve(&tagged.home, &tagged.tag).await {
        Ok(Some(resolved)) => Ok(resolved.digest),
        Ok(None) => Err(told(
            format!("{} has no tag {}", tagged.home, tagged.tag),
            "push it, or write a tag that is there".to_owned(),
            false,
        )),
        Err(error) => {
            let remedy = match error.kind {
                ErrorKind::Refused => format!(
                    "an operator gives `user` and `passwordFile` for {} under [[registries]] in plimsoll.toml; or \
                     write {tagged}@sha256:DIGEST",
                    error.registry
                ),
                ErrorKind::NotFound | ErrorKind::Unreachable | ErrorKind::Unsure => {
                    format!("try again, or write {tagged}@sha256:DIGEST, which nobody has to be asked for")
                }
            };
            Err(told(format!("what {tagged} points to is not known: {error}"), remedy, true))
        }
    }
}

/// The error of a document that is sound but for tags which nobody could be asked about.
pub(super) fn unavailable(violations: Vec<Violation>) -> Error {
    Error {
        violations,
        ..Error::new(
            Kind::Unavailable,
            "REGISTRY_UNAVAILABLE",
            "what a tag of the document points to is not known, so nothing was accepted",
        )
    }
}
