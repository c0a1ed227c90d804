use plimsoll_bench::{RegistryOptions, RegistryServer};
use plimsoll_registry::{Access, Kind, Registry, Scheme};

use crate::mk::LINES;

#[tokio::test]
async fn a_registry_with_a_certificate_of_the_companys_own_authority_is_believed_when_that_is_given() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let made =
        rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("crt.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    for line in LINES {
        let options = RegistryOptions { tls: Some((&certificate, &key)), ..RegistryOptions::default() };
        let server = RegistryServer::start(line, options).await.unwrap();
        let access = || Access::new(server.host().parse().unwrap()).scheme(Scheme::Https);
        Registry::new(access().authority(made.cert.pem())).unwrap().ping().await.unwrap();
        let error = Registry::new(access()).unwrap().ping().await.unwrap_err();
        assert_eq!(error.kind(), Kind::Unavailable, "{line:?}");
        assert!(error.to_string().contains("certificate"), "{line:?}: {error}");
    }
}
