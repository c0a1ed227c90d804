//! The certificate of the listener.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::config::Tls;
use crate::error::Error;

/// Reads certificate and key, and offers HTTP/2 before HTTP/1.1.
pub(super) fn acceptor(tls: &Tls) -> Result<TlsAcceptor, Error> {
    let Tls { certificate, key } = tls;
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unreadable(certificate, &error))?;
    if chain.is_empty() {
        return Err(unreadable(certificate, &pem::Error::NoItemsFound));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, &error))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private))
        .map_err(|error| Error::Tls {
            path: certificate.clone(),
            message: format!("does not go with the key {} ({error})", key.display()),
            remedy: "give a certificate and the key that it was made for",
        })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn unreadable(path: &Path, error: &pem::Error) -> Error {
    let path = path.to_owned();
    match error {
        pem::Error::Io(error) => Error::Tls {
            path,
            message: format!("cannot be read ({error})"),
            remedy: "name another file under [tls], or let this user read it",
        },
        error => Error::Tls {
            path,
            message: format!("is no such PEM file ({error})"),
            remedy: "give the certificate and its key in PEM form",
        },
    }
}
