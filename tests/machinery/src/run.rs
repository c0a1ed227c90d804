//! Running a case on a server.

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::{Faults, Meter, Server};

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

/// Runs a case on the server of a kubeconfig (YAML) and compares what was answered with what a real server answers.
///
/// # Panics
/// If the answers differ.
pub async fn check(kubeconfig: &str, group: &str, case: &str, run: impl AsyncFnOnce(&Server)) {
    compare(Server::new(kubeconfig).await, group, case, run).await;
}

/// The same on a server of the case's own, that may be disturbed and need not have controllers.
///
/// # Panics
/// If the answers differ.
pub async fn check_with_faults(
    client: Client,
    faults: Box<dyn Faults>,
    case: &str,
    run: impl AsyncFnOnce(&Server),
) {
    compare(Server::disturbed(client, faults).await, "faults", case, run).await;
}

/// The same on a server whose pods are measured.
///
/// # Panics
/// If the answers differ.
pub async fn check_in_time(
    client: Client,
    meter: Box<dyn Meter>,
    group: &str,
    case: &str,
    run: impl AsyncFnOnce(&Server),
) {
    compare(Server::measured(client, meter).await, group, case, run).await;
}

async fn compare(server: Server, group: &str, case: &str, run: impl AsyncFnOnce(&Server)) {
    run(&server).await;
    let transcript = server.finish();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(format!("{}/expected/{group}", env!("CARGO_MANIFEST_DIR")));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(case, transcript));
}
