//! The cases of disturbed servers on simulated ones.

#![expect(clippy::expect_used, reason = "a test that cannot go on ends")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use plimsoll_machinery::{Faults, cases, check_with_faults, client, for_each_case_of_faults};
use plimsoll_sim_cluster::{ApiError, Backup, Fault, SimCluster};

struct Simulated {
    cluster: Arc<SimCluster>,
    backup: Mutex<Option<Backup>>,
}

#[async_trait(?Send)]
impl Faults for Simulated {
    async fn overload(&self, namespace: &str) {
        let namespace = namespace.to_owned();
        self.cluster.hooks().on_request(move |request| {
            let theirs = request.is_for("secrets") && request.namespace == namespace;
            if theirs { Fault::Fail(ApiError::too_many_requests(1)) } else { Fault::Pass }
        });
    }

    async fn relieve(&self, _namespace: &str) {
        self.cluster.hooks().clear();
    }

    async fn slow_down(&self) {
        self.cluster.hooks().on_request(|_| Fault::Delay(Duration::from_millis(1)));
    }

    async fn restart(&self) {
        self.cluster.stop().await;
        self.cluster.start().await.expect("the same port");
    }

    async fn compact(&self) {
        self.cluster.compact();
    }

    async fn back_up(&self) {
        *self.backup.lock() = Some(self.cluster.back_up());
    }

    async fn put_back(&self) {
        let backup = self.backup.lock().take().expect("a backup");
        self.cluster.put_back(&backup).expect("a store in memory");
    }
}

macro_rules! on_a_simulated_server {
    ($($group:ident: $($case:ident),+ $(,)?);+ $(;)?) => {$($(
        #[tokio::test]
        async fn $case() {
            let cluster = Arc::new(SimCluster::builder().start().await.expect("a simulated cluster"));
            let client = client(&cluster.kubeconfig()).await;
            let faults = Simulated { cluster, backup: Mutex::default() };
            check_with_faults(client, Box::new(faults), stringify!($case), cases::$group::$case).await;
        }
    )+)+};
}

for_each_case_of_faults!(on_a_simulated_server);
