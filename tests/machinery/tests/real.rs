//! Every case on a real kube-apiserver with controller-manager, scheduler and KWOK: the one that the tests of a
//! run share.

#![expect(clippy::expect_used, reason = "a test that cannot go on ends")]

use plimsoll_bench::Bench;
use plimsoll_machinery::{cases, check, for_each_case};

fn kubeconfig() -> String {
    let bench = Bench::shared().expect("the control planes of the run are up");
    let data_center = bench.data_centers().last().expect("a data center");
    std::fs::read_to_string(data_center.kubeconfig()).expect("the kubeconfig can be read")
}

macro_rules! on_a_real_server {
    ($($group:ident: $($case:ident),+ $(,)?);+ $(;)?) => {$(mod $group {$(
        #[tokio::test]
        async fn $case() {
            super::check(&super::kubeconfig(), stringify!($group), stringify!($case), super::cases::$group::$case).await;
        }
    )+})+};
}

for_each_case!(on_a_real_server);
