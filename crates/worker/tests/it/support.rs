//! Three data centers that remember what was put into them, the use cases over a ledger in memory, and the
//! workers between them; all in virtual time.

mod fake_dc;
pub(crate) mod fake_registry;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt as _;
use plimsoll_core::caller::{Caller, Role};
use plimsoll_core::clock::{Clock, Ids};
use plimsoll_core::cluster::{Cluster, Clusters};
use plimsoll_core::fold::OperationState;
use plimsoll_core::image::Images;
use plimsoll_core::ledger::Ledger;
use plimsoll_core::name::{AppRef, DcName, OperationId};
use plimsoll_core::record::Environment;
use plimsoll_core::usecase::{Mode, NewDataCenter, NewInstallation, Plimsoll, TakeScale, Write};
use plimsoll_core::view::{Accepted, DcView, OperationView};
use plimsoll_ledger::{MemoryArchive, MemoryLedger};
use plimsoll_worker::{Setup, Sights};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

pub(crate) use self::fake_dc::{FakeDc, Manner};
pub(crate) use self::fake_registry::FakeRegistry;

/// Virtual time: both readings move with tokio's paused clock, and wall time may be put forward besides.
pub(crate) struct VirtualClock {
    began: tokio::time::Instant,
    forward: Mutex<Duration>,
}

impl Clock for VirtualClock {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH + self.elapsed() + *self.forward.lock().unwrap()
    }

    fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

/// Ids that count.
#[derive(Default)]
pub(crate) struct Counter(Mutex<u128>);

impl Ids for Counter {
    fn uuid(&self) -> uuid::Uuid {
        let mut last = self.0.lock().unwrap();
        *last += 1;
        uuid::Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 + *last)
    }
}

/// The installation.
const INSTALLATION: &str = "test";

#[derive(Default)]
struct Ways(Mutex<BTreeMap<DcName, Arc<FakeDc>>>);

impl Clusters for Ways {
    fn cluster(&self, dc: &DcName) -> Option<Arc<dyn Cluster>> {
        self.0.lock().unwrap().get(dc).map(|dc| dc.clone() as Arc<dyn Cluster>)
    }
}

/// The whole of it.
pub(crate) struct Bed {
    pub(crate) plimsoll: Plimsoll,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) archive: Arc<MemoryArchive>,
    pub(crate) dcs: Vec<Arc<FakeDc>>,
    ways: Arc<Ways>,
    sights: Arc<Sights>,
    images: Option<Images>,
    clock: Arc<VirtualClock>,
    running: Mutex<Option<(CancellationToken, tokio::task::JoinHandle<()>)>>,
}

pub(crate) fn ann() -> Caller {
    Caller { name: "ann".to_owned(), role: Role::Operator }
}

pub(crate) fn shop() -> AppRef {
    AppRef { namespace: "demo".parse().unwrap(), name: "shop".parse().unwrap() }
}

pub(crate) fn write(id: &str) -> Write {
    Write { request_id: id.parse().unwrap(), if_match: None, mode: Mode::Do, reason: None }
}

pub(crate) fn digest(version: u8) -> String {
    format!("sha256:{}", format!("{version:02x}").repeat(32))
}

/// A small App whose image digest is made of `version`, with `publish` as its policy.
pub(crate) fn document(version: u8, publish: &Value) -> Value {
    let probe = json!({"http": {"path": "/", "port": "http"}});
    json!({
        "apiVersion": "plimsoll.io/v1alpha1",
        "kind": "App",
        "metadata": {"name": "shop", "namespace": "demo"},
        "spec": {
            "grade": "general-2",
            "image": format!("registry.example.com/shop@{}", digest(version)),
            "size": {"cpu": "500m", "memory": "256Mi"},
            "ports": [{"name": "http", "port": 8080}],
            "probes": {"readiness": probe, "liveness": probe},
            "publish": publish,
        }
    })
}

impl Bed {
    /// An installation of three data centers with the Namespace `demo`, and its workers.
    pub(crate) async fn new() -> Self {
        Self::on(Arc::new(MemoryLedger::new())).await
    }

    pub(crate) async fn on(ledger: Arc<dyn Ledger>) -> Self {
        Self::with(ledger, None).await
    }

    /// The same with registries.
    pub(crate) async fn with_registries() -> (Self, Arc<FakeRegistry>) {
        let registry = FakeRegistry::new();
        (Self::with(Arc::new(MemoryLedger::new()), Some(registry.images())).await, registry)
    }

    /// With registries or without.
    pub(crate) async fn with(ledger: Arc<dyn Ledger>, images: Option<Images>) -> Self {
        let dcs: Vec<_> = ["dc-1", "dc-2", "dc-3"].into_iter().map(FakeDc::new).collect();
        let sights = Sights::new();
        let clock = Arc::new(VirtualClock { began: tokio::time::Instant::now(), forward: Mutex::default() });
        let plimsoll =
            Plimsoll::new(ledger.clone(), sights.clone(), clock.clone(), Arc::new(Counter::default()))
                .with_images(images.clone());
        let new = NewInstallation {
            id: INSTALLATION.parse().unwrap(),
            name: "Test".to_owned(),
            environment: Environment::Production,
            policy: None,
        };
        plimsoll.init(&ann(), new, write("init")).await.unwrap();
        let ways = Arc::new(Ways::default());
        plimsoll.create_namespace(&ann(), "demo".parse().unwrap(), write("namespace")).await.unwrap();
        let bed = Self {
            plimsoll,
            ledger,
            archive: Arc::default(),
            dcs: Vec::new(),
            ways,
            sights,
            images,
            clock,
            running: Mutex::default(),
        };
        for dc in &dcs {
            bed.join(dc).await;
        }
        let bed = Self { dcs, ..bed };
        bed.run();
        bed
    }

    /// Adds a data center to the installation.
    pub(crate) async fn add(&self, name: &str) -> Arc<FakeDc> {
        let dc = FakeDc::new(name);
        self.join(&dc).await;
        dc
    }

    async fn join(&self, dc: &Arc<FakeDc>) {
        self.ways.0.lock().unwrap().insert(dc.name().clone(), dc.clone());
        let new = NewDataCenter { name: dc.name().clone(), cluster_uid: format!("uid-of-{}", dc.name()) };
        self.plimsoll.add_dc(&ann(), new, write(&format!("add-{}", dc.name()))).await.unwrap();
    }

    /// Lets so much time pass: by the calendar all of it, of which the last two hours are lived through.
    pub(crate) async fn pass(&self, time: Duration) {
        let lived = time.min(Duration::from_hours(2));
        *self.clock.forward.lock().unwrap() += time.saturating_sub(lived);
        tokio::time::sleep(lived).await;
    }

    /// The same data centers over another ledger, as a process that starts over a backup finds them. No workers
    /// run yet.
    pub(crate) fn with_ledger(self, ledger: Arc<dyn Ledger>) -> Self {
        let sights = Sights::new();
        let ids = Counter(Mutex::new(1 << 40));
        let plimsoll = Plimsoll::new(ledger.clone(), sights.clone(), self.clock.clone(), Arc::new(ids))
            .with_images(self.images.clone());
        Self { plimsoll, ledger, sights, running: Mutex::default(), ..self }
    }

    /// Starts the workers.
    pub(crate) fn run(&self) {
        let cancelled = CancellationToken::new();
        let setup = Setup {
            ledger: self.ledger.clone(),
            clusters: self.ways.clone(),
            plimsoll: self.plimsoll.clone(),
            sights: self.sights.clone(),
            images: self.images.clone(),
            archive: self.archive.clone(),
            tidy_every: plimsoll_worker::TIDY_EVERY,
            remember_deletions: plimsoll_core::retention::TOMBSTONE_AGE,
            clock: self.clock.clone(),
            candidate: "test".to_owned(),
        };
        let task = tokio::spawn(plimsoll_worker::run(setup, cancelled.clone()));
        *self.running.lock().unwrap() = Some((cancelled, task));
    }

    /// Ends the workers in order, as SIGTERM does.
    pub(crate) async fn stop(&self) {
        let (cancelled, task) = self.running.lock().unwrap().take().unwrap();
        cancelled.cancel();
        task.await.unwrap();
    }

    /// Ends the workers where they stand, as a killed process does.
    pub(crate) async fn kill(&self) {
        let (_, task) = self.running.lock().unwrap().take().unwrap();
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    }

    /// Publishes Apps of these names, and waits until all have them.
    pub(crate) async fn publish_apps(&self, names: &[String], version: u8) {
        let mut operations = Vec::new();
        for name in names {
            let mut document = document(version, &json!({}));
            document["metadata"]["name"] = json!(name);
            let request = write(&format!("publish-{name}-{version}-{}", self.id()));
            let accepted = self.plimsoll.apply(&ann(), &document, TakeScale::No, request).await.unwrap();
            operations.push(accepted.operation.unwrap().id);
        }
        for operation in operations {
            self.until(operation, |view| view.state.is_final()).await;
        }
    }

    /// A data center, as it is shown.
    pub(crate) async fn dc(&self, n: usize) -> DcView {
        self.plimsoll.dc(&ann(), self.dcs[n].name()).await.unwrap()
    }

    /// A data center as it is shown, once that is `enough`; at most after an hour of virtual time.
    pub(crate) async fn dc_until(&self, n: usize, enough: impl Fn(&DcView) -> bool) -> DcView {
        let waited = tokio::time::timeout(Duration::from_hours(1), async {
            loop {
                let view = self.dc(n).await;
                if enough(&view) {
                    return view;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let Ok(view) = waited.await else { panic!("never; it is {:#?}", self.dc(n).await) };
        view
    }

    pub(crate) async fn apply(&self, version: u8, publish: &Value) -> OperationView {
        let accepted = self
            .plimsoll
            .apply(
                &ann(),
                &document(version, publish),
                TakeScale::No,
                write(&format!("apply-{version}-{}", self.id())),
            )
            .await
            .unwrap();
        accepted.operation.unwrap()
    }

    fn id(&self) -> String {
        self.clock.elapsed().as_nanos().to_string()
    }

    /// Follows an Operation until `enough`, at most an hour of virtual time.
    pub(crate) async fn until(
        &self,
        id: OperationId,
        enough: impl Fn(&OperationView) -> bool,
    ) -> OperationView {
        let mut views = self.plimsoll.watch_operation(&ann(), id).await.unwrap();
        let mut last = None;
        let found = tokio::time::timeout(Duration::from_hours(1), async {
            while let Some(view) = views.next().await {
                let view = view.unwrap().of_app().unwrap();
                if enough(&view) {
                    return Some(view);
                }
                last = Some(view);
            }
            None
        })
        .await;
        match found {
            Ok(Some(view)) => view,
            _ => panic!("the operation never came to what was awaited; it stands at {last:#?}"),
        }
    }

    pub(crate) async fn ended(&self, accepted: Accepted) -> OperationView {
        self.until(accepted.operation.expect("an operation").id, |view| view.state.is_final()).await
    }

    /// An Operation once nobody is owed it any more, at most after an hour of virtual time.
    pub(crate) async fn settled(&self, id: OperationId) -> OperationView {
        let waited = tokio::time::timeout(Duration::from_hours(1), async {
            loop {
                let view = self.plimsoll.operation(&ann(), id).await.unwrap().of_app().unwrap();
                if view.state == OperationState::Succeeded {
                    return view;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        waited.await.expect("somebody is owed for ever")
    }

    /// Waits until `holds`, at most an hour of virtual time.
    pub(crate) async fn eventually(&self, what: &str, holds: impl Fn() -> bool) {
        let waited = tokio::time::timeout(Duration::from_hours(1), async {
            while !holds() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        assert!(waited.await.is_ok(), "never: {what}");
    }

    /// The outcomes of an Operation as text, such as `dc-1 Healthy`.
    pub(crate) fn outcomes(view: &OperationView) -> Vec<String> {
        view.dcs.iter().map(|dc| format!("{} {:?}", dc.dc, dc.state)).collect()
    }
}
