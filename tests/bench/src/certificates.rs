use anyhow::{Context, Result, anyhow};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Addresses under which an API server is reached: by clients, and by the Service `kubernetes` in the cluster; and the one
/// under which it reaches a server of metrics.
const SERVER_NAMES: [&str; 6] = [
    "127.0.0.1",
    "10.96.0.1",
    "localhost",
    "kubernetes.default.svc",
    "kubernetes.default",
    "metrics.kube-system.svc",
];

/// How long the API server may talk to kubelets.
const KUBELET_CLIENT: Duration = Duration::from_hours(24 * 365);

/// The certificates and keys of one data center, written to a folder. Each data center has its own authority,
/// so a client that trusts it can be sure whom it talks to.
pub(crate) struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    /// Makes them all in `folder`.
    pub(crate) fn make(folder: &Path, data_center: &str) -> Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        let certificates = Self { folder: folder.to_path_buf() };

        let authority_key = KeyPair::generate().context("making the authority's key")?;
        let mut authority = CertificateParams::new(Vec::new()).context("describing the authority")?;
        authority.distinguished_name.push(DnType::CommonName, format!("plimsoll-bench-{data_center}"));
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority_certificate =
            authority.self_signed(&authority_key).context("signing the authority's certificate")?;

        let server_key = KeyPair::generate().context("making the API server's key")?;
        let mut server = CertificateParams::new(SERVER_NAMES.map(String::from).to_vec())
            .context("describing the API server")?;
        server.distinguished_name.push(DnType::CommonName, "kube-apiserver");
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        server.use_authority_key_identifier_extension = true;
        let issuer = Issuer::from_params(&authority, &authority_key);
        let server_certificate =
            server.signed_by(&server_key, &issuer).context("signing the API server's certificate")?;

        // Service account tokens are signed with ECDSA P-256 (ES256), which Kubernetes takes as well as RSA.
        let service_account_key = KeyPair::generate().context("making the service account key")?;

        for (path, text) in [
            (certificates.authority(), authority_certificate.pem()),
            (certificates.authority_key(), authority_key.serialize_pem()),
            (certificates.server(), server_certificate.pem()),
            (certificates.server_key(), server_key.serialize_pem()),
            (certificates.service_account_key(), service_account_key.serialize_pem()),
            (certificates.service_account_public_key(), service_account_key.public_key_pem()),
        ] {
            std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        }
        // Kubelets ask who wants to see logs and run commands.
        let (certificate, key) = certificates.make_client(SystemTime::now() + KUBELET_CLIENT)?;
        for (path, text) in
            [(certificates.kubelet_client(), certificate), (certificates.kubelet_client_key(), key)]
        {
            std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        }
        Ok(certificates)
    }

    /// Those that were made in `folder` before.
    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf() }
    }

    /// A certificate of the authority for a client that may do everything, good until `end`, and its key; in PEM.
    pub(crate) fn make_client(&self, end: SystemTime) -> Result<(String, String)> {
        let authority_key =
            KeyPair::from_pem(&read(&self.authority_key())?).context("reading the authority's key")?;
        let issuer = Issuer::from_ca_cert_pem(&read(&self.authority())?, authority_key)
            .context("reading the authority's certificate")?;
        let key = KeyPair::generate().context("making a client's key")?;
        let mut client = CertificateParams::default();
        client.distinguished_name.push(DnType::CommonName, "client");
        // To Kubernetes the organization is the group.
        client.distinguished_name.push(DnType::OrganizationName, "system:masters");
        client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        client.not_after = end.into();
        let certificate = client.signed_by(&key, &issuer).context("signing a client's certificate")?;
        Ok((certificate.pem(), key.serialize_pem()))
    }

    /// A token with these claims, as the API server makes those of service accounts.
    pub(crate) fn sign_token(&self, claims: &Value) -> Result<String> {
        let key = KeyPair::from_pem(&read(&self.service_account_key())?);
        let key = key.context("reading the service account key")?.serialize_der();
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key, &random)
            .map_err(|error| anyhow!("using the service account key: {error}"))?;
        let header = json!({"alg": "ES256", "typ": "JWT"});
        let [header, claims] = [&header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let signed = format!("{header}.{claims}");
        let signature =
            key.sign(&random, signed.as_bytes()).map_err(|error| anyhow!("signing a token: {error}"))?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.join("ca.crt")
    }

    pub(crate) fn authority_key(&self) -> PathBuf {
        self.folder.join("ca.key")
    }

    pub(crate) fn server(&self) -> PathBuf {
        self.folder.join("apiserver.crt")
    }

    pub(crate) fn server_key(&self) -> PathBuf {
        self.folder.join("apiserver.key")
    }

    /// By this the API server shows itself to kubelets.
    pub(crate) fn kubelet_client(&self) -> PathBuf {
        self.folder.join("kubelet-client.crt")
    }

    pub(crate) fn kubelet_client_key(&self) -> PathBuf {
        self.folder.join("kubelet-client.key")
    }

    pub(crate) fn service_account_key(&self) -> PathBuf {
        self.folder.join("sa.key")
    }

    pub(crate) fn service_account_public_key(&self) -> PathBuf {
        self.folder.join("sa.pub")
    }
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}
