use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::path::Path;

/// What a kubeconfig shows to be let in.
pub(crate) enum Proof<'a> {
    /// A bearer token.
    Token(&'a str),
    /// A certificate and its key, both in PEM.
    Certificate { certificate: &'a str, key: &'a str },
}

/// Writes a kubeconfig with one cluster, one user and one context, all called `name`.
pub(crate) fn write(path: &Path, name: &str, server: &str, authority: &Path, token: &str) -> Result<()> {
    let text = text(name, server, authority, &Proof::Token(token))?;
    std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

/// The text of such a kubeconfig.
pub(crate) fn text(name: &str, server: &str, authority: &Path, proof: &Proof<'_>) -> Result<String> {
    let authority = std::fs::read(authority).with_context(|| format!("reading {}", authority.display()))?;
    let authority = STANDARD.encode(authority);
    let user = match proof {
        Proof::Token(token) => format!("token: {token}"),
        Proof::Certificate { certificate, key } => format!(
            "client-certificate-data: {}\n    client-key-data: {}",
            STANDARD.encode(certificate),
            STANDARD.encode(key)
        ),
    };
    Ok(format!(
        "apiVersion: v1
kind: Config
current-context: {name}
clusters:
- name: {name}
  cluster:
    server: {server}
    certificate-authority-data: {authority}
users:
- name: {name}
  user:
    {user}
contexts:
- name: {name}
  context:
    cluster: {name}
    user: {name}
"
    ))
}
