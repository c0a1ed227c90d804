use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::path::Path;

/// Writes a kubeconfig with one cluster, one user and one context, all called `name`.
pub(crate) fn write(path: &Path, name: &str, server: &str, authority: &Path, token: &str) -> Result<()> {
    let authority = std::fs::read(authority).with_context(|| format!("reading {}", authority.display()))?;
    let authority = STANDARD.encode(authority);
    let text = format!(
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
    token: {token}
contexts:
- name: {name}
  context:
    cluster: {name}
    user: {name}
"
    );
    std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}
