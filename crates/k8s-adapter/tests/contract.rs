//! The contract on the simulated cluster; the system tests run the same checks on a real one.

use plimsoll_k8s_adapter::contract::{Target, companions, drift, resources, stopping, workloads};
use plimsoll_k8s_adapter::for_each_check;

mod simulated {
    use super::{Target, companions, drift, for_each_check, resources, stopping, workloads};
    use plimsoll_sim_cluster::{JournalEntry, SimCluster, Verb};

    macro_rules! on_a_simulated_cluster {
        ($($module:ident: $($check:ident),+ $(,)?);+ $(;)?) => {$($(
            #[tokio::test]
            async fn $check() {
                let cluster = SimCluster::builder().start().await.expect("the simulated cluster starts");
                $module::$check(&Target::new(&cluster.kubeconfig()).await).await;
                assert_eq!(writes_of_nothing(&cluster), Vec::<String>::new(), "requests that changed nothing");
            }
        )+)+};
    }

    for_each_check!(on_a_simulated_cluster);

    /// What was sent, was taken, and changed nothing. The checks themselves replace App resources by what lies
    /// there already; the controller must not.
    fn writes_of_nothing(cluster: &SimCluster) -> Vec<String> {
        let is_write =
            |entry: &JournalEntry| !matches!(entry.request.verb, Verb::Get | Verb::List | Verb::Watch);
        // A review stores nothing, and asks.
        let is_ours = |entry: &JournalEntry| match entry.request.resource.as_str() {
            "apps" => entry.request.subresource == "status",
            resource => resource != "selfsubjectaccessreviews",
        };
        let entries = cluster.journal().entries();
        let nothing = entries.iter().filter(|entry| {
            is_write(entry) && is_ours(entry) && !entry.changed && entry.code.is_some_and(|code| code < 300)
        });
        nothing.map(|entry| format!("{:?}", entry.request)).collect()
    }
}
