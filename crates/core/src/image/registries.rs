//! The registries of an installation, and which of them each data center pulls from.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Home, Host, ImageRef, InvalidImage, Repository};
use crate::name::{DcName, stored_as_text};

/// What stands before the repositories that are kept for a data center: a registry, and a path in it where it
/// keeps other things too. Written `registry.dc-1.example.com/mirror`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prefix {
    /// The registry.
    pub host: Host,
    /// The path in it.
    pub path: Option<Repository>,
}

/// From where a data center pulls images, as an Order says it: those of these registries from that prefix, all
/// others from where they name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pulls {
    /// The registries whose images are meant.
    pub of: BTreeSet<Host>,
    /// What their repositories are found below.
    pub from: Prefix,
}

/// The registries of an installation. Images of any other are left alone: nobody asks for them, nobody copies
/// them, and they are pulled from where they name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registries {
    known: BTreeSet<Host>,
    near: BTreeMap<DcName, Prefix>,
}

/// An image that a data center is to have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Errand {
    /// The image, as its Release names it.
    pub digest: crate::digest::Digest,
    /// Where the data center pulls it from.
    pub at: Home,
    /// Where else it may lie, to be copied from: where its Release names it, then what other data centers pull from.
    pub sources: Vec<Home>,
}

impl Registries {
    /// These registries, and what data centers have of their own; a data center without one pulls from where
    /// images name.
    pub fn new(known: impl IntoIterator<Item = Host>, near: BTreeMap<DcName, Prefix>) -> Self {
        let known = known.into_iter().chain(near.values().map(|prefix| prefix.host.clone())).collect();
        Self { known, near }
    }

    /// Whether anything is known of a registry.
    pub fn knows(&self, host: &Host) -> bool {
        self.known.contains(host)
    }

    /// All of them.
    pub fn hosts(&self) -> impl Iterator<Item = &Host> {
        self.known.iter()
    }

    /// What each data center has of its own.
    pub fn near(&self) -> &BTreeMap<DcName, Prefix> {
        &self.near
    }

    /// From where a data center pulls; `None` where that is where images name.
    pub fn pulls(&self, dc: &DcName) -> Option<Pulls> {
        let from = self.near.get(dc)?.clone();
        Some(Pulls { of: self.known.clone(), from })
    }

    /// Where a data center pulls an image of `home` from.
    ///
    /// # Errors
    /// [`InvalidImage::Repository`] where the name with the data center's prefix is longer than registries store.
    pub fn at(&self, dc: &DcName, home: &Home) -> Result<Home, InvalidImage> {
        self.pulls(dc).map_or_else(|| Ok(home.clone()), |pulls| pulls.home(home))
    }

    /// What has to be in the registry of a data center before these images run there, each once. Images of
    /// registries that are not known are none of it.
    pub fn errands<'a>(
        &self,
        dc: &DcName,
        images: impl IntoIterator<Item = &'a ImageRef>,
    ) -> Result<Vec<Errand>, InvalidImage> {
        let mut errands = BTreeSet::new();
        for image in images {
            let Some(written) = image.home().filter(|home| self.knows(&home.host)) else { continue };
            let at = self.at(dc, &written)?;
            let mut sources = Vec::new();
            let others = self.near.keys().filter_map(|other| self.at(other, &written).ok());
            for source in std::iter::once(written.clone()).chain(others) {
                if source != at && !sources.contains(&source) {
                    sources.push(source);
                }
            }
            errands.insert(Errand { digest: image.digest, at, sources });
        }
        Ok(errands.into_iter().collect())
    }
}

impl Pulls {
    /// Where an image of `home` is pulled from.
    ///
    /// # Errors
    /// [`InvalidImage::Repository`] where the name with the prefix is longer than registries store.
    pub fn home(&self, home: &Home) -> Result<Home, InvalidImage> {
        let Self { of, from: Prefix { host, path } } = self;
        let below = |path: &Repository| {
            home.repository.as_str().strip_prefix(path.as_str()).is_some_and(|rest| rest.starts_with('/'))
        };
        match path {
            _ if !of.contains(&home.host) => Ok(home.clone()),
            // It names what it is kept as already.
            Some(path) if *host == home.host && below(path) => Ok(home.clone()),
            Some(path) => format!("{}/{}/{}", host.as_str(), path.as_str(), home.repository.as_str()).parse(),
            None => format!("{}/{}", host.as_str(), home.repository.as_str()).parse(),
        }
    }

    /// What a container runtime is told to pull for an image: repository and digest.
    pub fn pinned(&self, image: &ImageRef) -> String {
        // A name that is too long was found before anything was ordered; told all the same, the node says what is
        // wrong with it.
        match image.home().and_then(|home| self.home(&home).ok()) {
            Some(home) => format!("{home}@{}", image.digest),
            None => image.pinned(),
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.host.as_str())?;
        self.path.as_ref().map_or(Ok(()), |path| write!(f, "/{}", path.as_str()))
    }
}

impl FromStr for Prefix {
    type Err = InvalidImage;
    fn from_str(text: &str) -> Result<Self, InvalidImage> {
        let (host, path) = match text.split_once('/') {
            Some((host, path)) => (host, Some(path)),
            None => (text, None),
        };
        let host = host.parse().map_err(|_| InvalidImage::Repository)?;
        Ok(Self { host, path: path.map(str::parse).transpose()? })
    }
}

stored_as_text!(Prefix, InvalidImage);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builders::mk_registries;

    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn mk_image(repository: &str) -> ImageRef {
        format!("{repository}@{DIGEST}").parse().unwrap()
    }

    fn dc(name: &str) -> DcName {
        name.parse().unwrap()
    }

    #[test]
    fn each_data_center_pulls_from_what_is_its_own() {
        let registries = mk_registries();
        let pinned = |name: &str, repository: &str| match registries.pulls(&dc(name)) {
            Some(pulls) => pulls.pinned(&mk_image(repository)),
            None => mk_image(repository).pinned(),
        };
        for (name, repository, expected) in [
            ("dc-1", "qa.example.com/shop/web", "dc-1.example.com/shop/web"),
            ("dc-2", "qa.example.com/shop/web", "dc-2.example.com:5000/mirror/shop/web"),
            // It has none.
            ("dc-3", "qa.example.com/shop/web", "qa.example.com/shop/web"),
            // What lies in one data center's is found in the other's.
            ("dc-2", "dc-1.example.com/shop/web", "dc-2.example.com:5000/mirror/shop/web"),
            ("dc-1", "dc-1.example.com/shop/web", "dc-1.example.com/shop/web"),
            // The prefix is put before a name once.
            ("dc-2", "dc-2.example.com:5000/mirror/shop/web", "dc-2.example.com:5000/mirror/shop/web"),
            ("dc-2", "dc-2.example.com:5000/mirrored/web", "dc-2.example.com:5000/mirror/mirrored/web"),
            // Nobody knows these registries.
            ("dc-1", "registry.example.com/shop/web", "registry.example.com/shop/web"),
            ("dc-1", "shop/web", "shop/web"),
        ] {
            assert_eq!(pinned(name, repository), format!("{expected}@{DIGEST}"), "{repository} in {name}");
        }
    }

    #[test]
    fn what_a_data_center_needs_is_listed_once_with_where_it_may_come_from() {
        let registries = mk_registries();
        let images =
            ["qa.example.com/shop/web", "elsewhere.example.com/x", "qa.example.com/shop/web"].map(mk_image);
        let errands = |name: &str| {
            let errands = registries.errands(&dc(name), &images).unwrap();
            let text = |homes: &[Home]| homes.iter().map(Home::to_string).collect::<Vec<_>>().join(" ");
            errands.iter().map(|errand| (errand.at.to_string(), text(&errand.sources))).collect::<Vec<_>>()
        };
        let (qa, one, two) =
            ("qa.example.com/shop/web", "dc-1.example.com/shop/web", "dc-2.example.com:5000/mirror/shop/web");
        assert_eq!(errands("dc-1"), [(one.to_owned(), format!("{qa} {two}"))]);
        assert_eq!(errands("dc-2"), [(two.to_owned(), format!("{qa} {one}"))]);
        assert_eq!(errands("dc-3"), [(qa.to_owned(), format!("{one} {two}"))]);
    }

    #[test]
    fn a_name_that_grows_too_long_for_a_data_center_is_an_error_there_alone() {
        let registries = mk_registries();
        let image = mk_image(&format!("qa.example.com/{}", "x".repeat(240)));
        assert!(registries.errands(&dc("dc-3"), [&image]).is_ok());
        assert_eq!(registries.errands(&dc("dc-2"), [&image]), Err(InvalidImage::Repository));
    }
}
