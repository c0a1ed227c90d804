//! An image as somebody names it, by tag, by digest or by both; and as a container runtime does.

use std::fmt;

use super::{Home, InvalidImage, Tag, split_tag};
use crate::digest::Digest;

/// Which image of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// The one that has this name now.
    Tag(Tag),
    /// This one.
    Digest(Digest),
}

/// An image in a registry: `registry.example.com/shop/web:1.4`, or `…@sha256:…`. Where both are given it is the digest
/// that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Where it lies.
    pub home: Home,
    /// Which one there.
    pub reference: Reference,
}

/// Why a text names no image in a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Neither tag nor digest.
    #[error("the image has neither a tag nor a digest")]
    Bare,
    /// No registry in it: each container runtime has its own idea of where it lies.
    #[error("the image does not say in which registry it lies")]
    NoRegistry,
    /// It is no image at all.
    #[error(transparent)]
    Invalid(#[from] InvalidImage),
}

impl std::str::FromStr for Named {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest.parse().map_err(|_| InvalidImage::Digest)?)),
            None => (text, None),
        };
        let (home, tag) = split_tag(name);
        let tag = tag.map(str::parse::<Tag>).transpose()?;
        let reference = match (digest, tag) {
            (Some(digest), _) => Reference::Digest(digest),
            (None, Some(tag)) => Reference::Tag(tag),
            (None, None) => return Err(InvalidName::Bare),
        };
        let home = home.parse().map_err(|error| {
            if super::is_path(home) { InvalidName::NoRegistry } else { InvalidName::Invalid(error) }
        })?;
        Ok(Self { home, reference })
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reference {
            Reference::Tag(tag) => write!(f, "{}:{tag}", self.home),
            Reference::Digest(digest) => write!(f, "{}@{digest}", self.home),
        }
    }
}

/// The digest in what a container runtime says that a container runs: `docker-pullable://shop/web@sha256:…`,
/// `registry.example.com/shop/web@sha256:…`, or `sha256:…` alone for what it knows by no repository. Of a multi-platform
/// image it may be the digest of the index or that of the manifest, by the runtime and its version; where it stands alone
/// it is that of the configuration.
pub(crate) fn digest_of(image_id: &str) -> Option<Digest> {
    let bare = image_id.split_once("://").map_or(image_id, |(_, rest)| rest);
    bare.rsplit_once('@').map_or(bare, |(_, digest)| digest).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_named_by_its_tag_or_its_digest_and_the_digest_counts() {
        let digest = Digest::of_bytes(b"x");
        let read = |text: &str| text.parse::<Named>().map(|named| named.to_string());
        for (text, as_read) in [
            ("qa.io/shop/web:1.4".to_owned(), "qa.io/shop/web:1.4".to_owned()),
            ("qa.io:5000/shop/web:1.4".to_owned(), "qa.io:5000/shop/web:1.4".to_owned()),
            (format!("qa.io/web@{digest}"), format!("qa.io/web@{digest}")),
            (format!("qa.io/web:1.4@{digest}"), format!("qa.io/web@{digest}")),
        ] {
            assert_eq!(read(&text), Ok(as_read), "{text}");
        }
        for (text, why) in [
            ("qa.io/shop/web", InvalidName::Bare),
            ("qa.io:5000/web", InvalidName::Bare),
            ("shop/web:1", InvalidName::NoRegistry),
            ("web:1", InvalidName::NoRegistry),
            ("qa.io/Web:1", InvalidImage::Repository.into()),
            ("qa.io/web:-", InvalidImage::Tag.into()),
            ("qa.io/web@sha256:1", InvalidImage::Digest.into()),
            ("", InvalidName::Bare),
        ] {
            assert_eq!(read(text), Err(why), "{text}");
        }
    }

    #[test]
    fn what_a_container_runtime_says_is_read_in_every_form() {
        let digest = Digest::of_bytes(b"x");
        for id in [
            format!("docker-pullable://qa.io:5000/shop/web@{digest}"),
            format!("qa.io/shop/web@{digest}"),
            format!("docker://{digest}"),
            digest.to_string(),
        ] {
            assert_eq!(digest_of(&id), Some(digest), "{id}");
        }
        for id in ["", "qa.io/shop/web:1.4", "docker-pullable://", "qa.io/web@sha256:12", "sha256:"] {
            assert_eq!(digest_of(id), None, "{id}");
        }
    }
}
