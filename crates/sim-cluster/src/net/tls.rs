//! The certificate authority of a cluster and the certificate its server shows.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData as _,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

const CERTIFICATE: &str = "ca.crt";
const KEY: &str = "ca.key";

/// Why a cluster has no certificate.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate could not be made.
    #[error("making the certificate of a cluster")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library refused it.
    #[error("configuring TLS")]
    Configuration(#[from] rustls::Error),
    /// A file of the authority holds something else.
    #[error("{path} is damaged: {why}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The authority's files could not be read or written.
    #[error("keeping the certificate authority in {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// A cluster's authority and what its server needs.
#[derive(Debug)]
pub(crate) struct Identity {
    /// The authority's certificate, which clients trust.
    pub(crate) authority_pem: String,
    pub(crate) server: Arc<rustls::ServerConfig>,
}

impl Identity {
    /// Makes an authority, or takes the one kept in `folder`, so that clients still trust the cluster after
    /// a restart.
    pub(crate) fn new(folder: Option<&Path>) -> Result<Self, TlsError> {
        let kept = folder.filter(|folder| folder.join(KEY).exists());
        let (authority_pem, issuer) = if let Some(folder) = kept {
            kept_authority(&folder.join(CERTIFICATE), &folder.join(KEY))?
        } else {
            let key = KeyPair::generate()?;
            let params = authority();
            let pem = params.self_signed(&key)?.pem();
            if let Some(folder) = folder {
                write(&folder.join(CERTIFICATE), &pem)?;
                write(&folder.join(KEY), &key.serialize_pem())?;
            }
            (pem, Issuer::new(params, key))
        };
        Ok(Self { authority_pem, server: Arc::new(server(&issuer)?) })
    }
}

/// The authority of these two files, which must be whole and belong together.
fn kept_authority(certificate: &Path, key: &Path) -> Result<(String, Issuer<'static, KeyPair>), TlsError> {
    let damaged = |path: &Path, why: &str| TlsError::Damaged { path: path.to_owned(), why: why.to_owned() };
    let (pem, private) = (read(certificate)?, read(key)?);
    let private = KeyPair::from_pem(&private).map_err(|_| damaged(key, "it holds no private key"))?;
    let public = CertificateDer::from_pem_slice(pem.as_bytes())
        .map_err(|_| damaged(certificate, "it holds no certificate"))?;
    let spki = private.subject_public_key_info();
    if !public.windows(spki.len()).any(|part| part == spki) {
        return Err(damaged(certificate, "it is not the certificate of ca.key beside it"));
    }
    // Same subject, same key: what it signs chains to the certificate on file.
    Ok((pem, Issuer::new(authority(), private)))
}

fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "simulated Kubernetes");
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn server(issuer: &Issuer<'_, KeyPair>) -> Result<rustls::ServerConfig, TlsError> {
    let names = ["localhost", "127.0.0.1", "kubernetes", "kubernetes.default.svc"].map(str::to_owned);
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, "kube-apiserver");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, issuer)?;
    let chain = vec![CertificateDer::from(certificate)];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn read(path: &Path) -> Result<String, TlsError> {
    fs::read_to_string(path).map_err(|source| TlsError::File { path: path.to_owned(), source })
}

fn write(path: &Path, text: &str) -> Result<(), TlsError> {
    // The key is among them: whoever has it is this cluster.
    let draft = path.with_extension("new");
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft);
    // It comes to its name whole, or not at all.
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&draft, path))
        .map_err(|source| TlsError::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_that_is_damaged_is_named_by_its_file_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (other, file) = (tempfile::tempdir().unwrap(), |name: &str| folder.path().join(name));
        let made = Identity::new(Some(folder.path())).unwrap().authority_pem;
        let anothers = Identity::new(Some(other.path())).unwrap().authority_pem;
        assert_eq!(Identity::new(Some(folder.path())).unwrap().authority_pem, made);
        let key = fs::read_to_string(file(KEY)).unwrap();
        let half = |text: &str| text[..text.len() / 2].to_owned();
        let table = [
            (CERTIFICATE, half(&made), "it holds no certificate"),
            (CERTIFICATE, String::new(), "it holds no certificate"),
            (CERTIFICATE, anothers, "it is not the certificate of ca.key beside it"),
            (KEY, half(&key), "it holds no private key"),
            (KEY, String::new(), "it holds no private key"),
        ];
        for (name, text, why) in table {
            fs::write(file(name), &text).unwrap();
            let error = Identity::new(Some(folder.path())).unwrap_err().to_string();
            assert_eq!(error, format!("{} is damaged: {why}", file(name).display()));
            assert_eq!(fs::read_to_string(file(name)).unwrap(), text);
            fs::write(file(CERTIFICATE), &made).unwrap();
            fs::write(file(KEY), &key).unwrap();
        }
        assert_eq!(Identity::new(Some(folder.path())).unwrap().authority_pem, made);
    }
}
