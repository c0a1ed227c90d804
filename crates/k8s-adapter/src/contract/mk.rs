//! Deliveries for tests.

use std::collections::BTreeMap;
use std::time::Duration;

use plimsoll_core::cluster::{Delivery, Fence, Power, Want};
use plimsoll_core::content::{
    ApiToken, Check, Container, Content, File, Named, Overlay, Port, PortRef, Probe, Probes, Protocol,
    RendererVersion, Scratch, SecretFile, SecretKey, Shutdown, Size,
};
use plimsoll_core::digest::Digest;
use plimsoll_core::image::{ImageRef, Pulls};
use plimsoll_core::ledger::Revision;
use plimsoll_core::name::{AppRef, AppUid, OperationId, ReleaseNumber};
use plimsoll_core::policy::PublishPolicy;
use plimsoll_core::record::Substance;
use plimsoll_core::scale::Replication;
use plimsoll_qos::Grade;

/// The data center of every test.
pub const DC: &str = "dc-1";

/// A content that says as little as one can.
pub fn mk_content() -> Content {
    Content {
        renderer: RendererVersion::CURRENT,
        grade: Grade::General2.into(),
        terms: Grade::General2.terms(),
        main: mk_container("shop/web"),
        init: Vec::new(),
        sidecars: Vec::new(),
        ports: vec![mk_port("http", 8080, 80)],
        files: Vec::new(),
        secret_files: Vec::new(),
        scratch: Vec::new(),
        user: 10001,
        shutdown: Shutdown { drain: Duration::from_secs(5), grace: Duration::from_secs(30) },
        api_token: ApiToken::None,
        overlays: BTreeMap::new(),
        publish: PublishPolicy::default(),
    }
}

/// A container of an image that is named by its repository.
pub fn mk_container(repository: &str) -> Container {
    Container {
        image: mk_image(repository, 'a'),
        command: Vec::new(),
        args: Vec::new(),
        size: Size {
            cpu: plimsoll_qos::Quantity::from_millis(500),
            memory: plimsoll_qos::Quantity::from_mebibytes(256),
            ephemeral_storage: None,
        },
        env: BTreeMap::new(),
        env_from_secrets: BTreeMap::new(),
        probes: Probes::default(),
    }
}

/// An image whose digest is one digit, repeated.
pub fn mk_image(repository: &str, digit: char) -> ImageRef {
    let digest = Digest::of_bytes(digit.to_string().as_bytes());
    ImageRef { repository: format!("registry.example.com/{repository}"), tag: Some("1.0".to_owned()), digest }
}

/// A TCP port.
pub fn mk_port(name: &str, port: u16, service_port: u16) -> Port {
    Port { name: name.to_owned(), port, protocol: Protocol::Tcp, service_port }
}

/// A probe with Kubernetes' defaults.
pub fn mk_probe(check: Check) -> Probe {
    Probe {
        check,
        initial_delay: Duration::ZERO,
        period: Duration::from_secs(10),
        timeout: Duration::from_secs(1),
        failure_threshold: 3,
        success_threshold: 1,
    }
}

/// A content that uses all there is.
pub fn mk_full_content() -> Content {
    let env = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let secret = |key: &str| SecretKey { secret: "shop-db".to_owned(), key: key.to_owned() };
    let file = |path: &str, content: &str, mode: u32| File {
        path: path.to_owned(),
        content: content.to_owned(),
        mode,
    };
    let http = |path: &str| Check::Http { path: path.to_owned(), port: PortRef::Name("http".to_owned()) };
    let mut content = mk_content();
    content.grade = Grade::General5.into();
    content.terms = Grade::General5.terms();
    content.main.command = vec!["/bin/shop".to_owned()];
    content.main.args = vec!["--listen=$(LISTEN)".to_owned()];
    content.main.size.ephemeral_storage = Some(plimsoll_qos::Quantity::from_mebibytes(2048));
    content.main.env =
        env(&[("LISTEN", ":8080"), ("MODE", "live"), ("URL", "postgres://$(DB_USER)@db/$$x"), ("EMPTY", "")]);
    content.main.env_from_secrets = BTreeMap::from([("DB_USER".to_owned(), secret("user"))]);
    content.main.probes = Probes {
        startup: Some(Probe { failure_threshold: 30, ..mk_probe(http("/started")) }),
        readiness: Some(Probe { initial_delay: Duration::from_secs(3), ..mk_probe(http("/ready")) }),
        liveness: Some(mk_probe(Check::Tcp { port: PortRef::Number(8080) })),
    };
    content.ports.push(Port {
        name: "dns".to_owned(),
        port: 5353,
        protocol: Protocol::Udp,
        service_port: 53,
    });
    content.init = vec![Named { name: "migrate".to_owned(), inner: mk_container("shop/migrate") }];
    let mut shipper = mk_container("shop/shipper");
    shipper.env = env(&[("TARGET", "kafka:9092")]);
    shipper.probes.liveness = Some(mk_probe(Check::Exec { command: vec!["/bin/alive".to_owned()] }));
    shipper.probes.readiness = Some(mk_probe(Check::Grpc { port: 9000, service: None }));
    content.sidecars = vec![Named { name: "shipper".to_owned(), inner: shipper }];
    content.files = vec![
        file("/etc/shop/shop.conf", "color = blue\n", 0o644),
        file("/etc/shop/run.sh", "#!/bin/sh\n", 0o755),
    ];
    content.secret_files =
        vec![SecretFile { path: "/etc/tls/key.pem".to_owned(), from: secret("tls.key"), mode: 0o400 }];
    content.scratch = vec![
        Scratch { path: "/tmp".to_owned(), size: plimsoll_qos::Quantity::from_mebibytes(100) },
        Scratch { path: "/var/log/shop".to_owned(), size: plimsoll_qos::Quantity::from_mebibytes(512) },
    ];
    if let Ok(dc) = DC.parse() {
        let overlay = Overlay {
            env: env(&[("MODE", "live-1")]),
            files: vec![file("/etc/shop/shop.conf", "color = green\n", 0o600)],
        };
        content.overlays.insert(dc, overlay);
    }
    content
}

/// What a Delivery is made of, with defaults for what a test does not care about.
#[derive(Clone, Debug)]
pub struct MkDelivery {
    /// `namespace/name`.
    pub app: AppRef,
    /// The installation.
    pub installation: String,
    /// The life of the App.
    pub uid: AppUid,
    /// The upper half of the fence.
    pub epoch: u64,
    /// The lower half of the fence.
    pub revision: u64,
    /// The Release.
    pub release: u64,
    /// What it holds; `None` orders deletion.
    pub content: Option<Content>,
    /// Whether it runs.
    pub power: Power,
    /// How many.
    pub replication: Replication,
    /// How often it was restarted.
    pub restarts: u64,
    /// Earlier lives.
    pub deleted: Vec<AppUid>,
    /// From where images are pulled.
    pub pulls: Option<Pulls>,
}

impl MkDelivery {
    /// Three pods of [`mk_content`], for the App `shop` in `namespace`.
    pub fn new(namespace: &str) -> Self {
        Self {
            app: AppRef { namespace: parse(namespace), name: parse("shop") },
            installation: "test".to_owned(),
            uid: uuid::Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001).into(),
            epoch: 1,
            revision: 10,
            release: 1,
            content: Some(mk_content()),
            power: Power::Online,
            replication: Replication::Fixed(3),
            restarts: 0,
            deleted: Vec::new(),
            pulls: None,
        }
    }

    /// The Delivery, with the digests that it must have.
    pub fn delivery(&self) -> Delivery {
        let want = match &self.content {
            None => Want::Deleted,
            Some(content) => Want::Run {
                release: ReleaseNumber::try_from(self.release).unwrap(),
                content_digest: Digest::of(content).unwrap(),
                content: content.clone(),
                power: self.power,
                replication: self.replication.clone(),
                restarts: self.restarts,
                last_good: None,
                pulls: self.pulls.clone(),
            },
        };
        let (content, power, replication, restarts, pulls) = match &want {
            Want::Deleted => (None, None, None, 0, None),
            Want::Run { content_digest, power, replication, restarts, pulls, .. } => {
                (Some(content_digest), Some(*power), Some(replication), *restarts, pulls.as_ref())
            }
        };
        let deleted = &self.deleted;
        let substance = Substance { uid: self.uid, content, power, replication, restarts, deleted, pulls };
        Delivery {
            installation: parse(&self.installation),
            dc: parse(DC),
            app: self.app.clone(),
            uid: self.uid,
            fence: Fence { epoch: self.epoch, revision: Revision(self.revision) },
            digest: substance.digest().unwrap(),
            operation: OperationId::from(uuid::Uuid::from_u128(u128::from(self.revision))),
            want,
            deleted: self.deleted.clone(),
        }
    }

    /// The next Order: the same with a higher fence and what `change` does to it.
    #[must_use]
    pub fn next(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut next = self.clone();
        next.revision += 1;
        change(&mut next);
        next
    }

    /// The content.
    pub fn content_mut(&mut self) -> &mut Content {
        self.content.as_mut().expect("a deletion has no content")
    }
}

fn parse<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().unwrap()
}

/// The mirror of a data center, which has the images of `registry.example.com`.
pub fn mk_pulls() -> Pulls {
    Pulls { of: [parse("registry.example.com")].into(), from: parse("mirror.dc-1.example.com:5000/plimsoll") }
}
