//! `[[registries]]` and `[dataCenters.NAME]`: which registries there are, and which of them each data center pulls from.

use std::collections::BTreeMap;
use std::path::Path;

use plimsoll_core::image::{Host, Prefix};
use plimsoll_core::name::DcName;
use plimsoll_registry::Scheme;

use super::check::Faults;
use super::file::{DataCenterTable, RegistryTable};
use super::{Login, RegistryAccess, RegistrySettings};

const HOST: &str =
    "write a name or an address, and a port if it is not that of the scheme: registry.example.com:5000";

impl Faults {
    pub(super) fn registries(
        &mut self,
        tables: Vec<RegistryTable>,
        data_centers: BTreeMap<String, DataCenterTable>,
        folder: &Path,
    ) -> RegistrySettings {
        let mut list: Vec<RegistryAccess> = Vec::new();
        for (n, table) in tables.into_iter().enumerate() {
            let Some(access) = self.registry(&format!("registries[{n}]"), table, folder) else { continue };
            if list.iter().any(|other| other.host == access.host) {
                self.add(
                    format!("registries[{n}].host"),
                    format!("{} is listed twice", access.host),
                    "keep one",
                );
            }
            list.push(access);
        }
        let mut near = BTreeMap::new();
        for (name, DataCenterTable { registry }) in data_centers {
            let field = format!("dataCenters.{name}");
            let dc: Option<DcName> = name.parse().ok();
            if dc.is_none() {
                self.add(&field, "is no name of a data center", "write it as `plimsoll dc list` shows it");
            }
            let prefix = registry.and_then(|text| self.prefix(&format!("{field}.registry"), &text, &list));
            near.extend(dc.zip(prefix));
        }
        RegistrySettings { list, near }
    }

    fn registry(&mut self, field: &str, table: RegistryTable, folder: &Path) -> Option<RegistryAccess> {
        let RegistryTable { host, scheme, authority, user, password_file, token_hosts, proxy } = table;
        let host = if let Some(text) = host {
            self.host(&format!("{field}.host"), &text)
        } else {
            self.add(format!("{field}.host"), "is missing", HOST);
            None
        };
        let scheme = self.scheme(&format!("{field}.scheme"), scheme.as_deref(), host.as_ref());
        let authority = authority.map(|text| self.path(&format!("{field}.authority"), Some(&text), folder));
        let login = match (user, password_file) {
            (None, None) => None,
            (Some(user), Some(file)) => {
                let password = self.path(&format!("{field}.passwordFile"), Some(&file), folder);
                if user.trim().is_empty() || user.contains(':') {
                    self.add(
                        format!("{field}.user"),
                        format!("{user:?} is no user name"),
                        "write it without a colon",
                    );
                }
                Some(password.map(|password| Login { user, password }))
            }
            (Some(_), None) => {
                let remedy = "name a file that holds the password, or remove the user";
                self.add(format!("{field}.passwordFile"), "is missing", remedy);
                Some(None)
            }
            (None, Some(_)) => {
                self.add(format!("{field}.user"), "is missing", "name whom the password is of, or remove it");
                Some(None)
            }
        };
        let token_hosts = token_hosts
            .iter()
            .enumerate()
            .filter_map(|(n, text)| self.host(&format!("{field}.tokenHosts[{n}]"), text))
            .collect();
        let proxy = proxy.map(|text| self.proxy(&format!("{field}.proxy"), &text));
        Some(RegistryAccess {
            host: host?,
            scheme: scheme?,
            authority: transposed(authority)?,
            login: transposed(login)?,
            token_hosts,
            proxy: transposed(proxy)?,
        })
    }

    fn host(&mut self, field: &str, text: &str) -> Option<Host> {
        let host = text.parse().ok();
        if host.is_none() {
            self.add(field, format!("{text:?} is no host of a registry"), HOST);
        }
        host
    }

    /// Plain text only on this machine, or where somebody wrote that it is to be.
    fn scheme(&mut self, field: &str, text: Option<&str>, host: Option<&Host>) -> Option<Scheme> {
        match text {
            None if host.is_some_and(Host::is_loopback) => Some(Scheme::Http),
            None | Some("https") => Some(Scheme::Https),
            Some("http") => Some(Scheme::Http),
            Some(other) => {
                self.add(
                    field,
                    format!("{other:?} is no scheme"),
                    "write https, or http where everybody may listen",
                );
                None
            }
        }
    }

    fn prefix(&mut self, field: &str, text: &str, list: &[RegistryAccess]) -> Option<Prefix> {
        let Ok(prefix) = text.parse::<Prefix>() else {
            let remedy = "write a registry, and a path in it if it keeps other things too: registry.example.com/mirror";
            self.add(field, format!("{text:?} is no registry"), remedy);
            return None;
        };
        if !list.iter().any(|access| access.host == prefix.host) {
            let message = format!("{} is not listed", prefix.host);
            self.add(field, message, format!("add [[registries]] with host = \"{}\"", prefix.host));
        }
        Some(prefix)
    }
}

/// Nothing where there was a fault; else what was given, if something was.
#[expect(
    clippy::option_option,
    reason = "the outer one says that it was given, the inner one that it is good"
)]
fn transposed<T>(given: Option<Option<T>>) -> Option<Option<T>> {
    match given {
        None => Some(None),
        Some(good) => good.map(Some),
    }
}
