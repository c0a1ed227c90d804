//! The contract of the cluster port on a real API server, by the very checks that `plimsoll-k8s-adapter` runs on
//! the simulated one.

use plimsoll_bench::Bench;
use plimsoll_k8s_adapter::contract::{Target, companions, drift, resources, stopping, workloads};
use plimsoll_k8s_adapter::for_each_check;

macro_rules! on_a_real_cluster {
    ($($module:ident: $($check:ident),+ $(,)?);+ $(;)?) => {$($(
        #[tokio::test]
        async fn $check() {
            let bench = Bench::shared().expect("the control planes of the run are up");
            let kubeconfig = std::fs::read_to_string(bench.dc(1).kubeconfig()).expect("the kubeconfig can be read");
            $module::$check(&Target::new(&kubeconfig).await).await;
        }
    )+)+};
}

for_each_check!(on_a_real_cluster);
