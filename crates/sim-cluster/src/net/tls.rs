//! The certificate authority of a cluster and the certificate its server shows.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
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
            let pem = read(&folder.join(CERTIFICATE))?;
            let key = KeyPair::from_pem(&read(&folder.join(KEY))?)?;
            // Same subject, same key: what it signs chains to the certificate on file.
            (pem, Issuer::new(authority(), key))
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
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|source| TlsError::File { path: path.to_owned(), source })
}
