//! Images and the names of registries: where content lies, by the grammar of the OCI distribution
//! specification 1.1 (<https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests>).

mod carrier;
mod catalog;
mod choice;
mod errand;
mod home;
mod named;
mod port;
mod preflight;
mod registries;
mod window;

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::name::{checked_text, stored_as_text};

pub use carrier::{
    Advance, Carrier, Delivered, Examination, Fan, FanPlan, ImagePace, ImageTally, Items, Mirroring, Step,
    SyncPlan,
};
pub use catalog::{
    About, Examined, Inspected, InvalidSample, Names, Part, RegistryCatalog, RegistryTrait, Sample, Scheme,
    TraitSubject, Walk, Whereabouts,
};
pub use choice::{InvalidPattern, Newest, TagChoice, TagPattern};
pub use errand::Arrival;
pub use home::{Home, Tagged};
pub(crate) use named::digest_of;
pub use named::{InvalidName, Named, Reference};
pub use port::{
    Bytes, Copied, Copy, Error, ErrorKind, ImageDescription, ImageRegistry, Images, Presence, Removal,
    Removing, Resolved,
};
pub use preflight::{IMAGE_NOT_FOUND, IMAGE_NOT_THERE, Preflight, is_about_images};
pub use registries::{Errand, Prefix, Pulls, Registries};
pub use window::{InvalidWindow, Window};

/// The longest repository with its host: what registries store names in.
const LONGEST: usize = 255;

/// Why a text does not name what it should in a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidImage {
    /// No `@sha256:…` at its end.
    #[error("the image is not pinned by digest")]
    NoDigest,
    /// The part behind `@` is no SHA-256 digest.
    #[error("the image's digest is not \"sha256:\" and 64 lower-case hexadecimal digits")]
    Digest,
    /// The part before is no repository.
    #[error("the image's repository is not lower-case path components, or is longer than 255 characters")]
    Repository,
    /// The tag has characters that tags do not have.
    #[error("the image's tag is not 1 to 128 of letters, digits, '_', '.' and '-'")]
    Tag,
}

/// A text that is no host of a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the registry's host is not a name or an address, with or without a port")]
pub struct InvalidHost;

/// Where a registry listens: a name or an address, and a port where it is not that of the scheme.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Host(String);
checked_text!(Host, InvalidHost, |text: &str| is_host(text).then_some(()).ok_or(InvalidHost));

/// A repository in a registry, such as `shop/web`: components of lower-case letters and digits, joined by `/`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Repository(String);
checked_text!(Repository, InvalidImage, |text: &str| is_path(text)
    .then_some(())
    .ok_or(InvalidImage::Repository));

/// A tag: a name in a repository that somebody may move.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(String);
checked_text!(Tag, InvalidImage, |text: &str| is_tag(text).then_some(()).ok_or(InvalidImage::Tag));

impl Tag {
    /// Whether it holds a list of what refers to an image, as registries without a list of referrers have it
    /// (<https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema>).
    pub fn lists_referrers(&self) -> bool {
        let hex = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let of_digest = |text: &str| {
            text.split_once('-').is_some_and(|(kind, rest)| {
                matches!(kind, "sha256" | "sha512") && rest.len() == 64 && hex(rest)
            })
        };
        // Behind a dot stands the claim of one who writes the list.
        let (list, claim) = self.0.split_once('.').unwrap_or((&self.0, "0"));
        of_digest(list) && hex(claim)
    }
}

impl Host {
    /// The name or address, without the port and without the brackets of an IPv6 address.
    pub fn name(&self) -> &str {
        let (name, _) = split_port(&self.0);
        name.trim_start_matches('[').trim_end_matches(']')
    }

    /// Whether it is this machine: an address that never leaves it, or the name `localhost`.
    pub fn is_loopback(&self) -> bool {
        let name = self.name();
        name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.to_canonical().is_loopback())
    }
}

/// An image by digest: `registry.example.com/shop/web:1.4@sha256:…`, the tag only shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageRef {
    /// Registry and path, without tag and digest.
    pub repository: String,
    /// The tag that was written, for people.
    pub tag: Option<String>,
    /// What is run.
    pub digest: Digest,
}

impl ImageRef {
    /// What a container runtime is told: repository and digest, so that a moved tag restarts no pod.
    pub fn pinned(&self) -> String {
        format!("{}@{}", self.repository, self.digest)
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        write!(f, "@{}", self.digest)
    }
}

impl FromStr for ImageRef {
    type Err = InvalidImage;
    fn from_str(text: &str) -> Result<Self, InvalidImage> {
        let (name, digest) = text.split_once('@').ok_or(InvalidImage::NoDigest)?;
        let digest = digest.parse().map_err(|_| InvalidImage::Digest)?;
        let (repository, tag) = split_tag(name);
        if !is_repository(repository) {
            return Err(InvalidImage::Repository);
        }
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(InvalidImage::Tag);
        }
        Ok(Self { repository: repository.to_owned(), tag: tag.map(str::to_owned), digest })
    }
}

stored_as_text!(ImageRef, InvalidImage);

/// A colon behind the last slash begins a tag; one before it is a port.
fn split_tag(name: &str) -> (&str, Option<&str>) {
    let path = name.rfind('/').map_or(0, |slash| slash + 1);
    match name[path..].find(':') {
        Some(colon) => (&name[..path + colon], Some(&name[path + colon + 1..])),
        None => (name, None),
    }
}

/// An optional host, then a path.
fn is_repository(text: &str) -> bool {
    let with_host = |(host, path): (&str, &str)| is_host(host) && is_path(path);
    text.len() <= LONGEST && (is_path(text) || text.split_once('/').is_some_and(with_host))
}

/// Components of lower-case letters and digits, joined within by `.`, `_`, `__` or dashes.
fn is_path(text: &str) -> bool {
    let component = |part: &str| {
        let inner = part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b));
        let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let joined = |pair: &[u8]| match pair {
            [b'.', second] | [second, b'.'] => second.is_ascii_alphanumeric(),
            [b'_', b'-'] | [b'-', b'_'] => false,
            _ => true,
        };
        inner
            && edge(part.bytes().next())
            && edge(part.bytes().last())
            && part.as_bytes().windows(2).all(joined)
            && !part.contains("___")
    };
    text.len() <= LONGEST && text.split('/').all(component)
}

fn is_host(text: &str) -> bool {
    let (name, port) = split_port(text);
    let port_ok = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    let label = |label: &str| {
        let inner = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        !label.is_empty() && inner && !label.starts_with('-') && !label.ends_with('-')
    };
    let address = |text: &str| text.parse::<std::net::Ipv6Addr>().is_ok();
    let name_ok = match name.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').is_some_and(address),
        None => name.split('.').all(label),
    };
    text.len() <= LONGEST && port_ok && name_ok
}

fn split_port(host: &str) -> (&str, Option<&str>) {
    // The colons of an IPv6 address lie within its brackets.
    let name = host.rfind(']').map_or(0, |bracket| bracket + 1);
    match host[name..].find(':') {
        Some(colon) => (&host[..name + colon], Some(&host[name + colon + 1..])),
        None => (host, None),
    }
}

fn is_tag(text: &str) -> bool {
    let inner = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    (1..=128).contains(&text.len()) && inner && !text.starts_with(['.', '-'])
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn an_image_by_digest_is_read_with_host_port_and_tag() {
        let image: ImageRef = format!("registry.example.com:5000/shop/web:1.4@sha256:{HEX}").parse().unwrap();
        assert_eq!(image.repository, "registry.example.com:5000/shop/web");
        assert_eq!(image.tag.as_deref(), Some("1.4"));
        assert_eq!(image.pinned(), format!("registry.example.com:5000/shop/web@sha256:{HEX}"));
        assert_eq!(image.to_string().parse(), Ok(image));
    }

    #[test]
    fn an_image_says_why_it_is_refused() {
        for (text, why) in [
            ("shop/web:1.4".to_owned(), InvalidImage::NoDigest),
            ("shop/web@sha256:12".to_owned(), InvalidImage::Digest),
            (format!("Shop/Web/UP@sha256:{HEX}"), InvalidImage::Repository),
            (format!("@sha256:{HEX}"), InvalidImage::Repository),
            (format!("shop/web:-x@sha256:{HEX}"), InvalidImage::Tag),
            (format!("a//b@sha256:{HEX}"), InvalidImage::Repository),
        ] {
            assert_eq!(text.parse::<ImageRef>(), Err(why), "{text}");
        }
    }

    #[test]
    fn names_follow_the_grammar_of_the_specification() {
        let path = |text: &str| text.parse::<Repository>().is_ok();
        for good in ["a", "a/b", "a-b", "a--b", "a.y", "a_x", "a__x", "0/1", "a---b"] {
            assert!(path(good), "{good}");
        }
        for bad in [
            "", "A", "a/", "/a", "a//b", "a..b", "a___b", "a._b", "a-.b", "-a", "a-", "a_", "a:b", "ä",
            "a_-b",
        ] {
            assert!(!path(bad), "{bad}");
        }
        let host = |text: &str| text.parse::<Host>().is_ok();
        for good in ["registry", "registry.example.com:5000", "127.0.0.1:1", "[::1]:5000", "[::1]"] {
            assert!(host(good), "{good}");
        }
        for bad in
            ["", "a:", "a:0", "a:65536", "a/b", "-a", "a..b", "a b", "[::1", "[x]", "user@a", "a?b", "a#"]
        {
            assert!(!host(bad), "{bad}");
        }
        assert!("_x.Y-1".parse::<Tag>().is_ok() && "x".repeat(129).parse::<Tag>().is_err());
    }

    #[test]
    fn loopback_is_known_in_every_form() {
        let loopback = |text: &str| text.parse::<Host>().unwrap().is_loopback();
        assert!(
            loopback("localhost:5000")
                && loopback("127.9.0.1")
                && loopback("[::1]:80")
                && loopback("[::ffff:127.0.0.1]")
        );
        assert!(!loopback("localhost.example.com") && !loopback("10.0.0.1") && !loopback("[fe80::1]"));
    }
}
