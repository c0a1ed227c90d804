//! Every case on the simulated server, each on one of its own.

use plimsoll_bench::POD_LOG;
use plimsoll_machinery::{cases, check, for_each_case};
use plimsoll_sim_cluster::{Behavior, Containers, SimCluster};

macro_rules! on_a_simulated_server {
    ($($group:ident: $($case:ident),+ $(,)?);+ $(;)?) => {$(mod $group {$(
        #[tokio::test]
        async fn $case() {
            let server = super::SimCluster::builder().start().await.expect("a simulated cluster");
            server.scripts().set(super::Containers::all(), super::Behavior::saying(super::POD_LOG));
            super::check(&server.kubeconfig(), stringify!($group), stringify!($case), super::cases::$group::$case).await;
            server.shutdown().await.expect("an orderly end");
        }
    )+})+};
}

for_each_case!(on_a_simulated_server);
