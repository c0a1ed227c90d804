//! Where an image lies: a repository in a registry.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Host, ImageRef, InvalidImage, LONGEST, Repository, Tag, split_tag};
use crate::digest::Digest;
use crate::name::stored_as_text;

/// A repository in a registry, written `registry.example.com/shop/web`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Home {
    /// The registry.
    pub host: Host,
    /// The repository in it.
    pub repository: Repository,
}

/// An image by the name that somebody gave it: `registry.example.com/shop/web:1.4`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tagged {
    /// Where it lies.
    pub home: Home,
    /// The name.
    pub tag: Tag,
}

impl Tagged {
    /// Reads a text that names a registry, a repository and a tag, and no digest; `None` for any other.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, tag) = split_tag(text);
        Some(Self { home: name.parse().ok()?, tag: tag?.parse().ok()? })
    }

    /// The image that it names while it points to `digest`.
    pub fn at(&self, digest: Digest) -> ImageRef {
        ImageRef { repository: self.home.to_string(), tag: Some(self.tag.as_str().to_owned()), digest }
    }
}

impl fmt::Display for Tagged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.home, self.tag.as_str())
    }
}

impl fmt::Display for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host.as_str(), self.repository.as_str())
    }
}

impl FromStr for Home {
    type Err = InvalidImage;

    /// The first component is a registry if it could be nothing else, as every container engine reads it
    /// (<https://github.com/distribution/reference/blob/v0.6.0/normalize.go>): it has a dot or a port, or is
    /// `localhost`.
    fn from_str(text: &str) -> Result<Self, InvalidImage> {
        let (host, repository) = text.split_once('/').ok_or(InvalidImage::Repository)?;
        if text.len() > LONGEST {
            return Err(InvalidImage::Repository);
        }
        if !host.contains(['.', ':']) && host != "localhost" {
            return Err(InvalidImage::Repository);
        }
        let host = host.parse().map_err(|_| InvalidImage::Repository)?;
        Ok(Self { host, repository: repository.parse()? })
    }
}

stored_as_text!(Home, InvalidImage);

impl ImageRef {
    /// Where it lies; `None` where it names no registry, so that each container runtime has its own idea of it.
    pub fn home(&self) -> Option<Home> {
        self.repository.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_component_is_a_registry_only_if_it_could_be_nothing_else() {
        let home = |text: &str| text.parse::<Home>().ok().map(|home| home.host.as_str().to_owned());
        assert_eq!(home("registry.example.com/shop/web").as_deref(), Some("registry.example.com"));
        assert_eq!(home("localhost/web").as_deref(), Some("localhost"));
        assert_eq!(home("mirror:5000/web").as_deref(), Some("mirror:5000"));
        assert_eq!(home("[::1]:5000/web").as_deref(), Some("[::1]:5000"));
        for other in
            ["web", "shop/web", "library/shop.web", "registry.example.com", "a.b/", "a.b/Web", "a.b:0/web"]
        {
            assert_eq!(home(other), None, "{other}");
        }
    }

    #[test]
    fn a_tag_with_its_registry_is_read_and_nothing_else_is() {
        let tagged = Tagged::parse("mirror:5000/shop/web:1.4").unwrap();
        assert_eq!((tagged.home.to_string().as_str(), tagged.tag.as_str()), ("mirror:5000/shop/web", "1.4"));
        let digest = Digest::of_bytes(b"x");
        let image = tagged.at(digest);
        assert_eq!(image.to_string(), format!("mirror:5000/shop/web:1.4@{digest}"));
        assert_eq!(image.home(), Some(tagged.home));
        for other in
            ["mirror:5000/shop/web", "shop/web:1.4", "mirror:5000/web:1@sha256:00", "mirror:5000/web:-"]
        {
            assert_eq!(Tagged::parse(other), None, "{other}");
        }
    }
}
