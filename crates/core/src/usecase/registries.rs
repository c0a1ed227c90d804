//! The registries of the installation: what they are and what lies in them.

use super::page::{Listing, PageRequest};
use super::{Mode, Plimsoll, Write};
use crate::caller::{Caller, Role};
use crate::error::{Error, Kind, Violation};
use crate::image::{self, About, ErrorKind, Home, Host, Images, Names, Repository, Tag, Walk};
use crate::ledger::Direction;
use crate::view::{Listed, Paged, Pull, RegistryView};

impl Plimsoll {
    /// A page of the registries that the installation lists, by host. No registry is asked for it.
    ///
    /// # Errors
    /// `Invalid` for a page that is none of this list.
    pub fn registries(&self, caller: &Caller, page: &PageRequest) -> Result<Paged<RegistryView>, Error> {
        const REGISTRIES: Listing<'_> = Listing { name: "registries/", direction: Direction::Up };
        caller.require(Role::Viewer)?;
        let views = self
            .images
            .iter()
            .flat_map(|images| images.registries.hosts().filter_map(|host| self.view_registry(images, host)));
        let mut paged = REGISTRIES.page_of(views, page, |view| view.host.to_string())?;
        if self.images.is_none() {
            paged.notes.push(no_registries().message);
        }
        Ok(paged)
    }

    /// Asks a registry how it behaves. Nothing is changed there; the code goes by what was found.
    ///
    /// # Errors
    /// `Invalid` for a registry that the installation does not list; `Unavailable` where it does not answer. Where it is
    /// only validated, it is not asked.
    pub async fn probe_registry(
        &self,
        caller: &Caller,
        host: &Host,
        write: &Write,
    ) -> Result<RegistryView, Error> {
        caller.require(Role::Operator)?;
        let images = self.images_of("host", host)?;
        if write.mode == Mode::Do {
            images.catalog.probe(host).await.map_err(|error| unanswered("nothing was found", error))?;
        }
        self.view_registry(images, host).ok_or_else(|| unknown_registry("host", host, images))
    }

    /// A page of the repositories of a registry; with `below`, only that one and those below it.
    ///
    /// # Errors
    /// `Invalid` for a registry that the installation does not list, or a page that is none of this list; `Unavailable`
    /// where the registry does not answer.
    pub async fn repositories(
        &self,
        caller: &Caller,
        host: &Host,
        below: Option<&Repository>,
        page: PageRequest,
    ) -> Result<Listed<Home>, Error> {
        caller.require(Role::Viewer)?;
        let images = self.images_of("host", host)?;
        let name = match below {
            Some(below) => format!("registries/{host}/repositories/{below}"),
            None => format!("registries/{host}/repositories"),
        };
        let list = Listing { name: &name, direction: Direction::Up };
        let walk = walk(list, &page)?;
        let listed = images.catalog.repositories(host, walk).await;
        let Names { names, incomplete } = listed.map_err(|error| unanswered("nothing was listed", error))?;
        let is_meant = |name: &&Repository| {
            below.is_none_or(|below| {
                let rest = name.as_str().strip_prefix(below.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        };
        let paged = list.page_of(names.iter().filter(is_meant), &page, ToString::to_string)?;
        let home = |name: &Repository| Home { host: host.clone(), repository: name.clone() };
        let Paged { items, next, notes } = paged;
        Ok(Listed { items: items.into_iter().map(home).collect(), next, incomplete, notes })
    }

    /// A page of the tags of a repository, without those that hold lists of what refers to images.
    ///
    /// # Errors
    /// As [`Self::repositories`]; `NotFound` where there is no such repository.
    pub async fn repository_tags(
        &self,
        caller: &Caller,
        home: &Home,
        page: PageRequest,
    ) -> Result<Listed<Tag>, Error> {
        caller.require(Role::Viewer)?;
        let images = self.images_of("host", &home.host)?;
        let name = format!("registries/{}/tags/{}", home.host, home.repository);
        let list = Listing { name: &name, direction: Direction::Up };
        let walk = walk(list, &page)?;
        let listed = images.catalog.tags(home, walk).await.map_err(|error| match error.kind {
            ErrorKind::NotFound => Error::new(
                Kind::NotFound,
                "REPOSITORY_NOT_FOUND",
                format!(
                    "there is no repository {home}; `plimsoll image ls {}` lists those there are",
                    home.host
                ),
            )
            .with_source(error),
            _ => unanswered("nothing was listed", error),
        });
        let Names { names, incomplete } = listed?;
        let shown = names.iter().filter(|tag| !tag.lists_referrers());
        let hidden = names.len() - shown.clone().count();
        let Paged { items, next, mut notes } = list.page_of(shown, &page, ToString::to_string)?;
        if hidden > 0 && next.is_none() {
            notes.push(match hidden {
                1 => "1 more tag holds a list of what refers to an image, such as its signature".to_owned(),
                _ => format!(
                    "{hidden} more tags hold lists of what refers to images, such as their signatures"
                ),
            });
        }
        Ok(Listed { items: items.into_iter().cloned().collect(), next, incomplete, notes })
    }

    fn view_registry(&self, images: &Images, host: &Host) -> Option<RegistryView> {
        let About { scheme, probed } = images.catalog.about(host)?;
        let near = images.registries.near().iter().filter(|(_, prefix)| prefix.host == *host);
        let pulls = near.map(|(dc, prefix)| Pull { dc: dc.clone(), prefix: prefix.clone() }).collect();
        let (traits, age) = probed.unzip();
        let now = self.clock.now();
        let probed = age.map(|age| now.checked_sub(age).unwrap_or(now));
        Some(RegistryView { host: host.clone(), scheme, pulls, traits: traits.unwrap_or_default(), probed })
    }

    /// The registries of the installation, of which this is one.
    pub(super) fn images_of(&self, field: &str, host: &Host) -> Result<&Images, Error> {
        let images = self.images.as_ref().ok_or_else(no_registries)?;
        if !images.registries.knows(host) {
            return Err(unknown_registry(field, host, images));
        }
        Ok(images)
    }
}

/// The first page is of what the registry has now.
fn walk(list: Listing<'_>, page: &PageRequest) -> Result<Walk, Error> {
    page.limit()?;
    Ok(if list.place(page)?.is_some() { Walk::GoOn } else { Walk::Anew })
}

/// Nothing can be asked of registries where there are none.
pub(super) fn no_registries() -> Error {
    Error::new(
        Kind::Refused,
        "NO_REGISTRIES",
        "this installation has no registries; list them under [[registries]] in plimsoll.toml",
    )
}

fn unknown_registry(field: &str, host: &Host, images: &Images) -> Error {
    let hosts: Vec<&str> = images.registries.hosts().map(Host::as_str).collect();
    let fault = "is none of the registries of this installation";
    let remedy =
        format!("name one of {}, or list it under [[registries]] in plimsoll.toml", hosts.join(", "));
    Error::invalid(format!("{host} {fault}"), vec![Violation::new(field, fault, remedy)])
}

/// What a registry did not do, told as an error of ours.
pub(super) fn unanswered(what: &str, error: image::Error) -> Error {
    let (kind, reason) = match error.kind {
        ErrorKind::NotFound => (Kind::NotFound, "IMAGE_NOT_FOUND"),
        ErrorKind::Refused => (Kind::Refused, "REGISTRY_REFUSED"),
        ErrorKind::Unreachable | ErrorKind::Unsure => (Kind::Unavailable, "REGISTRY_UNAVAILABLE"),
    };
    Error::new(kind, reason, format!("{what}: {error}")).with_source(error)
}
