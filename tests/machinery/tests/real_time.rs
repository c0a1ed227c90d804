//! The cases that take their time on a real control plane, whose metrics are those that a case sets. All of
//! them share one: its autoscalers look every two seconds instead of fifteen, and wait for twenty instead of 300; and its
//! scheduler tries pods that fit nowhere again every half a minute instead of every five minutes.

#![expect(clippy::expect_used, reason = "a test that cannot go on ends")]

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Weak, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use plimsoll_bench::{Bench, Component, Measured, MetricsServer, Options};
use plimsoll_machinery::{Meter, Use, cases, check_in_time, client, for_each_case_in_time};
use tokio::sync::oneshot;

/// What pods use, by their namespaces.
type Uses = Arc<Mutex<BTreeMap<String, Vec<Use>>>>;

/// A control plane with metrics, in a thread of its own: the first case that needs it may be over before the last.
struct Ground {
    kubeconfig: String,
    uses: Uses,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

static GROUND: LazyLock<Mutex<Weak<Ground>>> = LazyLock::new(Mutex::default);

impl Ground {
    /// The one that other cases use now, or a new one.
    fn shared() -> Arc<Self> {
        let mut ground = GROUND.lock();
        if let Some(shared) = ground.upgrade() {
            return shared;
        }
        let shared = Arc::new(Self::start());
        *ground = Arc::downgrade(&shared);
        shared
    }

    fn start() -> Self {
        let uses = Uses::default();
        let told = uses.clone();
        let (up, is_up) = mpsc::channel();
        let (end, ended) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let options = Options::default()
                    .data_centers(1)
                    .argument(Component::ControllerManager, "--horizontal-pod-autoscaler-sync-period=2s")
                    .argument(
                        Component::ControllerManager,
                        "--horizontal-pod-autoscaler-downscale-stabilization=20s",
                    )
                    .argument(Component::Scheduler, "--pod-max-in-unschedulable-pods-duration=1s");
                let bench = Bench::start(options).await.expect("a control plane");
                let metrics = MetricsServer::start(bench.dc(1), move |pod, container| {
                    let uses = told.lock();
                    let uses = uses.get(pod["metadata"]["namespace"].as_str()?)?;
                    let found = uses.iter().rev().find(|one| one.is_about(pod, container))?;
                    let Use { cpu_millis, memory_bytes, .. } = *found;
                    Some(Measured { cpu_millis, memory_bytes })
                });
                let metrics = metrics.await.expect("metrics");
                let kubeconfig = std::fs::read_to_string(bench.dc(1).kubeconfig()).expect("a kubeconfig");
                up.send(kubeconfig).expect("somebody who waits");
                // Whoever let go of it wants it to end as well.
                let _ = ended.await;
                drop(metrics);
            });
        });
        let kubeconfig = is_up.recv().expect("a control plane with metrics");
        Self { kubeconfig, uses, end: Some(end), thread: Some(thread) }
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Real(Arc<Ground>);

#[async_trait(?Send)]
impl Meter for Real {
    fn patience(&self) -> Duration {
        Duration::from_mins(3)
    }

    fn set(&self, namespace: &str, uses: Vec<Use>) {
        self.0.uses.lock().insert(namespace.to_owned(), uses);
    }

    async fn measure(&self) {
        // The times of pods are whole seconds.
        tokio::time::sleep(MetricsServer::WINDOW + Duration::from_secs(1)).await;
    }
}

macro_rules! on_a_real_server {
    ($($group:ident: $($case:ident),+ $(,)?);+ $(;)?) => {$(mod $group {$(
        #[tokio::test]
        async fn $case() {
            let ground = super::Ground::shared();
            let client = super::client(&ground.kubeconfig).await;
            let meter = Box::new(super::Real(ground));
            super::check_in_time(
                client,
                meter,
                stringify!($group),
                stringify!($case),
                super::cases::$group::$case,
            )
            .await;
        }
    )+})+};
}

for_each_case_in_time!(on_a_real_server);
