//! Running a case on a server.

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::Server;

/// A client that sends each request once, for the first user of a kubeconfig (YAML).
///
/// # Panics
/// If it is no kubeconfig of a user.
pub async fn client(kubeconfig: &str) -> Client {
    let kubeconfig = Kubeconfig::from_yaml(kubeconfig).expect("a kubeconfig");
    let options = KubeConfigOptions::default();
    let mut config =
        Config::from_custom_kubeconfig(kubeconfig, &options).await.expect("a kubeconfig that names a user");
    config.proxy_url = None;
    config.default_retry = false;
    Client::try_from(config).expect("a client")
}

/// Runs a case on a server and compares what was answered with what a real server answers.
///
/// # Panics
/// If the answers differ.
pub async fn check(client: Client, group: &str, case: &str, run: impl AsyncFnOnce(&Server)) {
    let server = Server::new(client).await;
    run(&server).await;
    let transcript = server.finish();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(format!("{}/expected/{group}", env!("CARGO_MANIFEST_DIR")));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(case, transcript));
}
