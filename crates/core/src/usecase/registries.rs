//! The registries of the installation: what they are and what lies in them.

use super::Plimsoll;
use super::page::{Listing, PageRequest};
use crate::caller::{Caller, Role};
use crate::error::{Error, Kind};
use crate::image::{About, Host, Images};
use crate::ledger::Direction;
use crate::view::{Paged, Pull, RegistryView};

impl Plimsoll {
    /// A page of the registries that the installation lists, by host. No registry is asked for it.
    ///
    /// # Errors
    /// `Invalid` for a page that is none of this list.
    pub async fn registries(&self, caller: &Caller, page: PageRequest) -> Result<Paged<RegistryView>, Error> {
        const REGISTRIES: Listing<'_> = Listing { name: "registries/", direction: Direction::Up };
        caller.require(Role::Viewer)?;
        let views = self.images.iter().flat_map(|images| {
            let view = |host: &Host| view(images, host, images.catalog.about(host)?);
            images.registries.hosts().filter_map(view)
        });
        let mut paged = REGISTRIES.page_of(views, &page, |view| view.host.to_string())?;
        if self.images.is_none() {
            paged.notes.push(no_registries().message);
        }
        Ok(paged)
    }
}

fn view(images: &Images, host: &Host, about: About) -> Option<RegistryView> {
    let About { scheme } = about;
    let near = images.registries.near().iter().filter(|(_, prefix)| prefix.host == *host);
    let pulls = near.map(|(dc, prefix)| Pull { dc: dc.clone(), prefix: prefix.clone() }).collect();
    Some(RegistryView { host: host.clone(), scheme, pulls })
}

/// Nothing can be asked of registries where there are none.
pub(super) fn no_registries() -> Error {
    Error::new(
        Kind::Refused,
        "NO_REGISTRIES",
        "this installation has no registries; list them under [[registries]] in plimsoll.toml",
    )
}
