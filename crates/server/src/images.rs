//! The registries that the configuration lists, ready to be asked.

use std::io;
use std::path::Path;
use std::sync::Arc;

use plimsoll_core::error::{Chain, Violation};
use plimsoll_core::image::{Images, Registries};
use plimsoll_registry::{Access, Credential, InvalidAccess, Proxy};
use secrecy::SecretString;

use crate::clock::SystemClock;
use crate::config::{ConfigError, Login, RegistryAccess, RegistrySettings};

/// No password is longer, and no file of certificates.
const LARGEST: u64 = 1 << 20;

/// The registries of these settings, with `folder` for what is copied; `None` where there are none. Files are read
/// now, and nothing is sent.
pub(crate) fn open(settings: RegistrySettings, folder: &Path) -> Result<Option<Images>, Vec<Violation>> {
    let RegistrySettings { list, near } = settings;
    if list.is_empty() {
        return Ok(None);
    }
    let mut faults = Vec::new();
    let hosts: Vec<_> = list.iter().map(|access| access.host.clone()).collect();
    let accesses: Vec<Access> = list
        .into_iter()
        .enumerate()
        .filter_map(|(n, settings)| access(settings, &format!("registries[{n}]"), &mut faults))
        .collect();
    if !faults.is_empty() {
        return Err(faults);
    }
    let registry = plimsoll_registry::Registries::new(accesses, folder, Arc::new(SystemClock::start()))
        .map_err(|error| vec![fault(&error, &hosts)])?;
    let registry = Arc::new(registry);
    Ok(Some(Images {
        registries: Registries::new(hosts, near),
        registry: registry.clone(),
        catalog: registry.clone(),
        carrier: registry,
    }))
}

fn access(settings: RegistryAccess, field: &str, faults: &mut Vec<Violation>) -> Option<Access> {
    let RegistryAccess { host, scheme, authority, login, token_hosts, proxy } = settings;
    let mut access = Access::new(host).scheme(scheme);
    let mut whole = true;
    if let Some(path) = authority {
        match read(&path) {
            Ok(pem) => access = access.authority(pem),
            Err(error) => {
                faults.push(unreadable(format!("{field}.authority"), &path, &error));
                whole = false;
            }
        }
    }
    if let Some(Login { user, password }) = login {
        match password_in(&password) {
            Ok(secret) => access = access.credential(Credential::Password { user, password: secret }),
            Err(error) => {
                faults.push(unreadable(format!("{field}.passwordFile"), &password, &error));
                whole = false;
            }
        }
    }
    for host in token_hosts {
        access = access.token_host(host);
    }
    if let Some(uri) = proxy {
        if let Ok(url) = uri.to_string().parse() {
            access = access.proxy(Proxy::Through { url, except: String::new() });
        } else {
            let message = format!("{uri} is no http:// address");
            faults.push(Violation::new(format!("{field}.proxy"), message, "write it as http://proxy:3128"));
            whole = false;
        }
    }
    whole.then_some(access)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    if std::fs::metadata(path)?.len() > LARGEST {
        return Err(io::Error::other("it has more than a megabyte"));
    }
    std::fs::read(path)
}

/// The first line: editors put an end to it that is no part of the password.
fn password_in(path: &Path) -> io::Result<SecretString> {
    let text = String::from_utf8(read(path)?).map_err(|_| io::Error::other("it is no text"))?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(io::Error::other("it is empty"));
    }
    Ok(password.into())
}

fn unreadable(field: String, path: &Path, error: &io::Error) -> Violation {
    let message = format!("{} cannot be used ({error})", path.display());
    Violation::new(field, message, "name a file that this user can read")
}

fn fault(error: &InvalidAccess, hosts: &[plimsoll_core::image::Host]) -> Violation {
    let (host, field, remedy) = match error {
        InvalidAccess::Authority { host, .. } => (host, "authority", "name a file of PEM certificates"),
        InvalidAccess::Client { host, .. } | InvalidAccess::Address(host) => (host, "host", "correct it"),
    };
    let place = hosts.iter().position(|known| known == host).unwrap_or_default();
    Violation::new(format!("registries[{place}].{field}"), Chain(error).to_string(), remedy)
}

/// The same as an error of the file that the settings are from.
pub(crate) fn faults(path: &Path, violations: Vec<Violation>) -> ConfigError {
    ConfigError::Faults { path: path.to_owned(), violations }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use plimsoll_registry::Scheme;

    use super::*;

    fn settings(authority: Option<PathBuf>, password: Option<PathBuf>) -> RegistrySettings {
        let access = RegistryAccess {
            host: "qa.example.com".parse().unwrap(),
            scheme: Scheme::Https,
            authority,
            login: password.map(|password| Login { user: "bot".to_owned(), password }),
            token_hosts: Vec::new(),
            proxy: None,
        };
        RegistrySettings { list: vec![access], near: std::collections::BTreeMap::new() }
    }

    #[test]
    fn what_cannot_be_used_is_told_by_its_field_before_anything_is_asked() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            Some(path)
        };
        let told = |settings| match open(settings, folder.path()) {
            Ok(images) => vec![format!("{} registries", images.unwrap().registries.hosts().count())],
            Err(faults) => {
                let line = |fault: &Violation| format!("{}: {}; {}", fault.path, fault.message, fault.remedy);
                let at = format!("{}/", folder.path().display());
                faults.iter().map(|fault| line(fault).replace(&at, "")).collect()
            }
        };
        let missing = Some(folder.path().join("none"));
        let gone = "none cannot be used (No such file or directory (os error 2)); name a file that this user can read";
        assert_eq!(
            told(settings(missing.clone(), missing)),
            [format!("registries[0].authority: {gone}"), format!("registries[0].passwordFile: {gone}")]
        );
        assert_eq!(
            told(settings(None, file("empty", "\n"))),
            [
                "registries[0].passwordFile: empty cannot be used (it is empty); name a file that this user can read"
            ]
        );
        let [fault] = &told(settings(file("ca", "-----BEGIN CERTIFICATE-----\n!\n"), None))[..] else {
            panic!()
        };
        assert!(
            fault.starts_with("registries[0].authority: a certificate authority of qa.example.com is not"),
            "{fault}"
        );
        assert_eq!(told(settings(None, file("password", "s3cr3t\n"))), ["1 registries"]);
        assert!(open(RegistrySettings::default(), folder.path()).unwrap().is_none());
    }
}
