//! The kubeconfig file that kubectl and other clients read.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::tree::json;

/// A kubeconfig with one cluster, one user and one context, all of the cluster's name. JSON strings are YAML
/// strings, so nothing in a name can break out of the document.
pub(crate) fn kubeconfig(name: &str, url: &str, authority_pem: &str, token: &str) -> String {
    let authority = STANDARD.encode(authority_pem);
    let (name, url, token) = (json!(name), json!(url), json!(token));
    format!(
        "apiVersion: v1\n\
         kind: Config\n\
         clusters:\n\
         - name: {name}\n  \
           cluster:\n    \
             server: {url}\n    \
             certificate-authority-data: {authority}\n\
         users:\n\
         - name: {name}\n  \
           user:\n    \
             token: {token}\n\
         contexts:\n\
         - name: {name}\n  \
           context:\n    \
             cluster: {name}\n    \
             user: {name}\n\
         current-context: {name}\n"
    )
}
