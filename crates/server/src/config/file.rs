//! The file as it is written: its fields and their types, nothing checked beyond that.

use std::collections::BTreeMap;

use config::{Config, ConfigError, File, FileFormat};
use plimsoll_core::error::Violation;
use secrecy::SecretString;
use serde::Deserialize;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfigFile {
    pub(super) listen: Option<String>,
    pub(super) data: Option<String>,
    pub(super) proxy: Option<String>,
    pub(super) tls: Option<TlsTable>,
    #[serde(default)]
    pub(super) ledger: LedgerTable,
    #[serde(default)]
    pub(super) log: LogTable,
    #[serde(default)]
    pub(super) tokens: Vec<TokenTable>,
    #[serde(default)]
    pub(super) registries: Vec<RegistryTable>,
    #[serde(default, rename = "dataCenters")]
    pub(super) data_centers: BTreeMap<String, DataCenterTable>,
}

/// `[tls]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TlsTable {
    pub(super) certificate: Option<String>,
    pub(super) key: Option<String>,
}

/// `[ledger]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LedgerTable {
    pub(super) quota: Option<String>,
    pub(super) tidy: Option<String>,
    pub(super) deletions: Option<String>,
}

/// `[log]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogTable {
    pub(super) format: Option<String>,
    pub(super) filter: Option<String>,
}

/// `[[tokens]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenTable {
    pub(super) name: Option<String>,
    pub(super) role: Option<String>,
    pub(super) token: Option<SecretString>,
    pub(super) sha256: Option<String>,
}

/// `[[registries]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct RegistryTable {
    pub(super) host: Option<String>,
    pub(super) scheme: Option<String>,
    pub(super) authority: Option<String>,
    pub(super) user: Option<String>,
    pub(super) password_file: Option<String>,
    #[serde(default)]
    pub(super) token_hosts: Vec<String>,
    pub(super) proxy: Option<String>,
}

/// `[dataCenters.NAME]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DataCenterTable {
    pub(super) registry: Option<String>,
}

/// Reads the text. The first fault ends it, as what follows could mean anything.
pub(super) fn parse(text: &str) -> Result<ConfigFile, Violation> {
    let source = File::from_str(text, FileFormat::Toml);
    let config = Config::builder().add_source(source).build().map_err(fault)?;
    config.try_deserialize().map_err(fault)
}

fn fault(error: ConfigError) -> Violation {
    match error {
        ConfigError::FileParse { cause, .. } => {
            Violation::new("", format!("is not TOML: {}", one_line(&cause.to_string())), "correct it there")
        }
        ConfigError::At { error, key, .. } => Violation { path: key.unwrap_or_default(), ..fault(*error) },
        // What was found is not shown: it may be a secret in the wrong place.
        ConfigError::Type { expected, key, .. } => Violation::new(
            // The library leaves out the dot behind an index.
            key.unwrap_or_default().replace("].", "]").replace(']', "]."),
            format!("has another type than {expected}"),
            "write it as the example plimsoll.toml has it",
        ),
        error => Violation::new("", one_line(&error.to_string()), "remove it, or correct its name"),
    }
}

/// The parser's message without the picture of the source, which may hold a secret.
fn one_line(message: &str) -> String {
    let picture = |line: &str| {
        let rest = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
        rest.starts_with('|')
    };
    let lines: Vec<&str> = message
        .lines()
        .filter(|line| !picture(line))
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines.join(": ").trim_start_matches("TOML parse error ").to_owned()
}
