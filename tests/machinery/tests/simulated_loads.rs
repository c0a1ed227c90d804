//! The cases of autoscalers by what pods use on simulated servers, in time that passes as soon as everybody waits.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use plimsoll_machinery::{Meter, Use, cases, check_with_loads, for_each_case_of_loads};
use plimsoll_sim_cluster::{Containers, Load, SimCluster, Usage};

struct Simulated(Arc<SimCluster>);

#[async_trait(?Send)]
impl Meter for Simulated {
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
    ($($group:ident: $($case:ident),+ $(,)?);+ $(;)?) => {$($(
        #[tokio::test(start_paused = true)]
        async fn $case() {
            let cluster = Arc::new(SimCluster::builder().start().await.expect("a simulated cluster"));
            let meter = Box::new(Simulated(cluster.clone()));
            check_with_loads(cluster.client(), meter, stringify!($case), cases::$group::$case).await;
        }
    )+)+};
}

for_each_case_of_loads!(on_a_simulated_server);
