//! From what is written to what it means: every fault is found, with its field, its value and its remedy.

use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::Uri;
use plimsoll_core::caller::Role;
use plimsoll_core::digest::Digest;
use plimsoll_core::duration;
use plimsoll_core::error::Violation;
use plimsoll_qos::Quantity;
use secrecy::{ExposeSecret as _, SecretString};
use tracing_subscriber::EnvFilter;

use super::file::{ConfigFile, LedgerTable, LogTable, TlsTable, TokenTable};
use super::{Config, LedgerSettings, Log, LogFormat, Tls, Token};
use crate::identity::MAX_TOKEN;

/// Only this machine, so that nobody listens on a network by forgetting a line.
const LISTEN: &str = "127.0.0.1:7400";
const FILTER: &str = "info";
/// A shorter one can be guessed.
const MIN_TOKEN: usize = 16;
const MAX_NAME: usize = 64;
/// Less holds no installation.
const MIN_QUOTA: u64 = 1024 * 1024;
/// Seldom enough to cost nothing, often enough that what it removes is little.
const TIDY: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(24);
/// How long deletions may be remembered.
const DELETIONS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(8760);

/// The configuration that `file`, which lies in `folder`, means.
pub(super) fn check(file: ConfigFile, folder: &Path) -> Result<Config, Vec<Violation>> {
    let ConfigFile { listen, data, proxy, tls, ledger, log, tokens, registries, data_centers } = file;
    let mut faults = Faults::default();
    let listen = faults.listen(listen.as_deref().unwrap_or(LISTEN));
    let data = faults.path("data", data.as_deref(), folder);
    let proxy = proxy.and_then(|text| faults.proxy("proxy", &text));
    let tls = tls.and_then(|tls| faults.tls(tls, folder));
    let ledger = faults.ledger(ledger);
    let log = faults.log(log);
    let tokens = faults.tokens(tokens);
    let registries = faults.registries(registries, data_centers, folder);
    match (listen, data, ledger, log) {
        (Some(listen), Some(data), Some(ledger), Some(log)) if faults.0.is_empty() => {
            Ok(Config { listen, data, ledger, tls, proxy, tokens, log, registries })
        }
        _ => Err(faults.0),
    }
}

#[derive(Default)]
pub(super) struct Faults(Vec<Violation>);

impl Faults {
    pub(super) fn add(
        &mut self,
        field: impl Into<String>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.0.push(Violation::new(field, message, remedy));
    }

    fn listen(&mut self, text: &str) -> Option<SocketAddr> {
        let address = text.parse().ok();
        if address.is_none() {
            self.add("listen", format!("{text:?} is no address with a port"), "write it as 127.0.0.1:7400");
        }
        address
    }

    pub(super) fn path(&mut self, field: &str, text: Option<&str>, folder: &Path) -> Option<PathBuf> {
        match text.map(str::trim) {
            None => {
                self.add(field, "is missing", format!("write {field} = \"PATH\""));
                None
            }
            Some("") => {
                self.add(field, "is empty", format!("write {field} = \"PATH\""));
                None
            }
            Some(path) => Some(folder.join(path)),
        }
    }

    pub(super) fn proxy(&mut self, field: &str, text: &str) -> Option<Uri> {
        let proxy = text
            .parse::<Uri>()
            .ok()
            .filter(|uri| uri.scheme_str() == Some("http") && uri.authority().is_some());
        if proxy.is_none() {
            self.add(field, format!("{text:?} is no http:// address"), "write it as http://proxy:3128");
        }
        proxy
    }

    fn tls(&mut self, table: TlsTable, folder: &Path) -> Option<Tls> {
        let TlsTable { certificate, key } = table;
        let certificate = self.path("tls.certificate", certificate.as_deref(), folder);
        let key = self.path("tls.key", key.as_deref(), folder);
        Some(Tls { certificate: certificate?, key: key? })
    }

    fn ledger(&mut self, table: LedgerTable) -> Option<LedgerSettings> {
        let LedgerTable { quota, tidy, deletions } = table;
        let defaults = LedgerSettings::default();
        let quota = match quota {
            None => Some(defaults.quota),
            Some(text) => self.quota(&text),
        };
        let tidy = match tidy {
            None => Some(defaults.tidy),
            Some(text) => self.tidy(&text),
        };
        let deletions = match deletions {
            None => Some(defaults.deletions),
            Some(text) => self.deletions(&text),
        };
        Some(LedgerSettings { quota: quota?, tidy: tidy?, deletions: deletions? })
    }

    fn quota(&mut self, text: &str) -> Option<NonZeroU64> {
        let bytes =
            text.parse::<Quantity>().ok().and_then(|quantity| u64::try_from(quantity.value_i64()?).ok());
        let quota = bytes.filter(|bytes| *bytes >= MIN_QUOTA).and_then(NonZeroU64::new);
        if quota.is_none() {
            self.add("ledger.quota", format!("{text:?} is no size from 1Mi up"), "write it as 2Gi");
        }
        quota
    }

    fn tidy(&mut self, text: &str) -> Option<Duration> {
        let tidy = duration::parse(text).filter(|every| TIDY.contains(every));
        if tidy.is_none() {
            self.add("ledger.tidy", format!("{text:?} is no time from 1s to 24h"), "write it as 1h");
        }
        tidy
    }

    fn deletions(&mut self, text: &str) -> Option<Duration> {
        let deletions = duration::parse(text).filter(|time| DELETIONS.contains(time));
        if deletions.is_none() {
            self.add("ledger.deletions", format!("{text:?} is no time from 1s to 8760h"), "write it as 168h");
        }
        deletions
    }

    fn log(&mut self, table: LogTable) -> Option<Log> {
        let LogTable { format, filter } = table;
        let format = match format.as_deref() {
            None | Some("text") => Some(LogFormat::Text),
            Some("json") => Some(LogFormat::Json),
            Some(other) => {
                self.add("log.format", format!("{other:?} is no format"), "write text or json");
                None
            }
        };
        let filter = filter.unwrap_or_else(|| FILTER.to_owned());
        if let Err(error) = EnvFilter::builder().parse(&filter) {
            self.add(
                "log.filter",
                format!("{filter:?} cannot be read ({error})"),
                "write a level, as info, or directives, as info,plimsoll_worker=debug",
            );
        }
        Some(Log { format: format?, filter })
    }

    fn tokens(&mut self, tables: Vec<TokenTable>) -> Vec<Token> {
        let mut tokens: Vec<Token> = Vec::new();
        if tables.is_empty() {
            self.add(
                "tokens",
                "there are none, so nobody could call",
                "add [[tokens]] with name, role and token",
            );
        }
        for (n, table) in tables.into_iter().enumerate() {
            let Some(token) = self.token(&format!("tokens[{n}]"), table) else { continue };
            if let Some(other) = tokens.iter().find(|other| other.digest == token.digest) {
                self.add(
                    format!("tokens[{n}]"),
                    format!("{} has the token of {}", token.name, other.name),
                    "give each their own",
                );
            }
            tokens.push(token);
        }
        tokens
    }

    fn token(&mut self, field: &str, table: TokenTable) -> Option<Token> {
        let TokenTable { name, role, token, sha256 } = table;
        let name = self.name(&format!("{field}.name"), name);
        let role = self.role(&format!("{field}.role"), role.as_deref());
        let digest = match (token, sha256) {
            (Some(token), None) => self.plain(&format!("{field}.token"), &token),
            (None, Some(hex)) => self.hash(&format!("{field}.sha256"), &hex),
            (None, None) => {
                self.add(field, "has no token", "give it a token, or the sha256 of one");
                None
            }
            (Some(_), Some(_)) => {
                self.add(field, "has both token and sha256", "keep one of them");
                None
            }
        };
        Some(Token { name: name?, role: role?, digest: digest? })
    }

    fn name(&mut self, field: &str, name: Option<String>) -> Option<String> {
        let remedy = format!("give the caller's name, of 1 to {MAX_NAME} letters without blanks");
        match name {
            None => {
                self.add(field, "is missing", remedy);
                None
            }
            Some(name)
                if name.is_empty()
                    || name.chars().count() > MAX_NAME
                    || name.chars().any(|c| c.is_whitespace() || c.is_control()) =>
            {
                self.add(field, format!("{name:?} is no name"), remedy);
                None
            }
            Some(name) => Some(name),
        }
    }

    fn role(&mut self, field: &str, role: Option<&str>) -> Option<Role> {
        let message = match role {
            Some("viewer") => return Some(Role::Viewer),
            Some("developer") => return Some(Role::Developer),
            Some("operator") => return Some(Role::Operator),
            Some(other) => format!("{other:?} is no role"),
            None => "is missing".to_owned(),
        };
        self.add(field, message, "write viewer, developer or operator");
        None
    }

    /// The value is a secret, so it is not shown.
    fn plain(&mut self, field: &str, token: &SecretString) -> Option<Digest> {
        let text = token.expose_secret();
        let message = if !text.bytes().all(|b| b.is_ascii_graphic()) {
            "has blanks or letters that a header cannot carry".to_owned()
        } else if text.len() < MIN_TOKEN {
            format!("has {} characters, which can be guessed", text.len())
        } else if text.len() > MAX_TOKEN {
            format!("has {} characters", text.len())
        } else {
            return Some(Digest::of_bytes(text.as_bytes()));
        };
        self.add(
            field,
            message,
            format!(
                "write {MIN_TOKEN} to {MAX_TOKEN} letters, digits or signs; `openssl rand -hex 32` makes some"
            ),
        );
        None
    }

    fn hash(&mut self, field: &str, hex: &str) -> Option<Digest> {
        let digest = format!("sha256:{}", hex.trim().to_ascii_lowercase()).parse().ok();
        if digest.is_none() {
            self.add(
                field,
                "is no SHA-256",
                "write its 64 hexadecimal digits; `printf %s TOKEN | sha256sum` shows them",
            );
        }
        digest
    }
}
