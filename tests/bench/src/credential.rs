use crate::DataCenter;
use crate::arguments::ISSUER;
use crate::certificates::Certificates;
use crate::kubeconfig::{self, Proof};
use anyhow::{Context, Result};
use serde_json::json;
use std::time::{Duration, SystemTime};

/// What somebody shows an API server, that ends at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A token of the service account `default` in the namespace `default`, who may do nothing.
    Token,
    /// A client certificate of somebody who may do everything.
    Certificate,
}

impl DataCenter {
    /// A kubeconfig with a credential of this data center's own that is good until `end`, which may be over.
    pub async fn kubeconfig_until(&self, credential: Credential, end: SystemTime) -> Result<String> {
        let certificates = Certificates::in_folder(&self.certificates());
        let text = |proof: &Proof<'_>| {
            kubeconfig::text(self.name(), &self.server(), &certificates.authority(), proof)
        };
        match credential {
            Credential::Token => {
                let path = "/api/v1/namespaces/default/serviceaccounts/default";
                let account = self.get_json(path).await?.context("no service account")?;
                let seconds = |time: SystemTime| {
                    time.duration_since(SystemTime::UNIX_EPOCH).map(|since| since.as_secs())
                };
                let begin = seconds(end - Duration::from_hours(24))?;
                let token = certificates.sign_token(&json!({
                    "iss": ISSUER,
                    "aud": [ISSUER],
                    "sub": "system:serviceaccount:default:default",
                    "iat": begin,
                    "nbf": begin,
                    "exp": seconds(end)?,
                    "kubernetes.io": {
                        "namespace": "default",
                        "serviceaccount": {"name": "default", "uid": account["metadata"]["uid"]},
                    },
                }))?;
                text(&Proof::Token(&token))
            }
            Credential::Certificate => {
                let (certificate, key) = certificates.make_client(end)?;
                text(&Proof::Certificate { certificate: &certificate, key: &key })
            }
        }
    }
}
