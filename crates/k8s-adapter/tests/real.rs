//! The contract on an API server that is already running: by hand, with its kubeconfig in
//! `PLIMSOLL_KUBECONFIG`. The system tests run the same checks on control planes of their own.

use plimsoll_k8s_adapter::contract::{Target, resources};

macro_rules! checks {
    ($($module:ident: $($check:ident),+ $(,)?);+ $(;)?) => {$($(
        #[tokio::test]
        #[ignore = "needs an API server: name its kubeconfig in PLIMSOLL_KUBECONFIG"]
        async fn $check() {
            let path = std::env::var("PLIMSOLL_KUBECONFIG").expect("PLIMSOLL_KUBECONFIG names a kubeconfig");
            let kubeconfig = std::fs::read_to_string(path).expect("the kubeconfig can be read");
            $module::$check(&Target::new(&kubeconfig).await).await;
        }
    )+)+};
}

checks! {
    resources:
        a_data_center_says_who_it_is,
        preparing_twice_writes_once,
        a_namespace_keeps_what_else_it_has,
        what_was_put_is_read,
        what_changed_meanwhile_is_not_replaced,
        an_older_order_is_refused_and_so_is_another_under_the_same_fence,
        a_local_rollback_is_not_taken_away,
        a_missing_namespace_is_named,
        a_watch_begins_with_all_there_is;
}
