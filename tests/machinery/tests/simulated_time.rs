//! The cases that take their time on simulated servers, where it passes as soon as everybody waits.

#![expect(clippy::expect_used, reason = "a test that cannot go on ends")]

use std::time::Duration;

use async_trait::async_trait;
use plimsoll_machinery::{Meter, Use, cases, check_in_time, for_each_case_in_time};
use plimsoll_sim_cluster::{Containers, Load, SimCluster, Usage};

struct Simulated(SimCluster);

impl Simulated {
    async fn start() -> Self {
        Self(SimCluster::builder().start().await.expect("a simulated cluster"))
    }
}

#[async_trait(?Send)]
impl Meter for Simulated {
    fn patience(&self) -> Duration {
        Duration::from_hours(1)
    }

    fn set(&self, namespace: &str, uses: Vec<Use>) {
        let loads = self.0.loads();
        loads.clear();
        loads.set(Containers::all(), Load::Unknown);
        for Use { label, pod, container, cpu_millis, memory_bytes } in uses {
            let mut containers = Containers::all().in_namespace(namespace);
            if let Some((key, value)) = label {
                containers = containers.labelled(key, value);
            }
            if let Some(pod) = pod {
                containers = containers.in_pod(pod);
            }
            if let Some(container) = container {
                containers = containers.named(container);
            }
            loads.set(containers, Load::Each(Usage { cpu_millis, memory_bytes }));
        }
    }

    async fn measure(&self) {
        // A metrics server measures over fifteen seconds, and what became ready within the first is ready from its begin.
        tokio::time::sleep(Duration::from_secs(16)).await;
    }
}

macro_rules! on_a_simulated_server {
    ($($group:ident: $($case:ident),+ $(,)?);+ $(;)?) => {$(mod $group {$(
        #[tokio::test(start_paused = true)]
        async fn $case() {
            let meter = super::Simulated::start().await;
            let client = meter.0.client();
            super::check_in_time(
                client,
                Box::new(meter),
                stringify!($group),
                stringify!($case),
                super::cases::$group::$case,
            )
            .await;
        }
    )+})+};
}

for_each_case_in_time!(on_a_simulated_server);
