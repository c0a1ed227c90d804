//! The command line of each component.

use crate::bench::Extent;
use crate::certificates::Certificates;
use crate::ports::Ports;
use crate::record::Layout;
use crate::{Component, audit};
use anyhow::{Context, Result};
use serde_json::json;
use std::ffi::OsString;
use std::path::Path;

/// What the files and command lines of one data center are made from.
pub(crate) struct Plan<'a> {
    pub layout: &'a Layout,
    pub ports: Ports,
    pub etcd_name: &'a str,
    pub extent: Extent,
}

/// Who makes the tokens of service accounts.
pub(crate) const ISSUER: &str = "https://kubernetes.default.svc";

/// Writes the files that the command lines name, beside the certificates and kubeconfigs: the tokens and the
/// audit policy.
pub(crate) fn write_files(layout: &Layout, tokens: &[(String, &str)]) -> Result<()> {
    // The name of the user is what tells the callers apart in the audit log.
    let lines: Vec<_> =
        tokens.iter().map(|(token, user)| format!("{token},{user},{user},system:masters\n")).collect();
    write(&layout.tokens(), &lines.concat())?;
    write(&layout.audit_policy(), audit::POLICY)?;
    // As a container runtime writes them: time, stream, and that the line is whole.
    let said =
        POD_LOG.iter().zip(1..).map(|(line, at)| format!("2026-01-01T00:00:00.{at:09}Z stdout F {line}\n"));
    write(&layout.pod_log(), &said.collect::<String>())?;
    write(&layout.kwok_config(), &kwok_config(&layout.pod_log()))
}

/// What every container says on the fake nodes.
pub const POD_LOG: [&str; 2] = ["starting", "listening on port 8080"];

/// The pods of KWOK say what is in a file, and what is run in them is run on this machine, in no container: its exit
/// code gets lost on the way, and it is never told that its input ends.
fn kwok_config(pod_log: &Path) -> String {
    let logs = json!({
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "ClusterLogs",
        "metadata": {"name": "all"},
        "spec": {"logs": [{"logsFile": pod_log, "follow": true}]},
    });
    let commands = json!({
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "ClusterExec",
        "metadata": {"name": "all"},
        "spec": {"execs": [{"local": {}}]},
    });
    // JSON is YAML.
    format!("{logs}\n---\n{commands}\n")
}

/// The arguments of `component`.
pub(crate) fn of(component: Component, plan: &Plan) -> Vec<OsString> {
    match component {
        Component::Etcd => etcd(plan),
        Component::ApiServer => api_server(plan),
        Component::ControllerManager => controller_manager(plan),
        Component::Scheduler => scheduler(plan),
        Component::Kwok => kwok(plan),
    }
}

fn etcd(plan: &Plan) -> Vec<OsString> {
    let client = format!("http://127.0.0.1:{}", plan.ports.etcd_client);
    let peer = format!("http://127.0.0.1:{}", plan.ports.etcd_peer);
    Arguments::default()
        .with("name", plan.etcd_name)
        .with("data-dir", plan.layout.etcd_data())
        .with("listen-client-urls", &client)
        .with("advertise-client-urls", &client)
        .with("listen-peer-urls", &peer)
        .with("initial-advertise-peer-urls", &peer)
        .with("initial-cluster", format!("{}={peer}", plan.etcd_name))
        .with("log-level", "warn")
        // Thrown away after the run. The ledger's durability is tested on an etcd that does sync.
        .with("unsafe-no-fsync", "true")
        .0
}

fn api_server(plan: &Plan) -> Vec<OsString> {
    let certificates = Certificates::in_folder(&plan.layout.certificates());
    let arguments = Arguments::default()
        .with("etcd-servers", format!("http://127.0.0.1:{}", plan.ports.etcd_client))
        .with("bind-address", "127.0.0.1")
        .with("secure-port", plan.ports.api_server.to_string())
        .with("tls-cert-file", certificates.server())
        .with("tls-private-key-file", certificates.server_key())
        .with("service-account-key-file", certificates.service_account_public_key())
        .with("service-account-signing-key-file", certificates.service_account_key())
        .with("service-account-issuer", ISSUER)
        .with("service-cluster-ip-range", "10.96.0.0/16")
        .with("token-auth-file", plan.layout.tokens())
        .with("client-ca-file", certificates.authority())
        .with("kubelet-client-certificate", certificates.kubelet_client())
        .with("kubelet-client-key", certificates.kubelet_client_key())
        // No name of a node means anything to this machine.
        .with("kubelet-preferred-address-types", "InternalIP")
        .with("authorization-mode", "Node,RBAC")
        .with("allow-privileged", "true")
        .with("max-requests-inflight", "2000")
        .with("max-mutating-requests-inflight", "1000")
        // A loopback address is no valid endpoint for the Service `kubernetes`; nothing here uses it.
        .with("endpoint-reconciler-type", "none")
        // Else it stays for a minute after SIGTERM, as long as anyone watches.
        .with("shutdown-send-retry-after", "true")
        .with("audit-policy-file", plan.layout.audit_policy())
        .with("audit-log-path", plan.layout.audit_log())
        // In megabytes: rotation would take away what a test is counting.
        .with("audit-log-maxsize", "100000");
    match plan.extent {
        Extent::Full | Extent::Nodeless => arguments.0,
        // Nobody makes service accounts without the controller manager, and without them no pod is admitted.
        Extent::ApiServer => arguments.with("disable-admission-plugins", "ServiceAccount").0,
    }
}

fn controller_manager(plan: &Plan) -> Vec<OsString> {
    let certificates = Certificates::in_folder(&plan.layout.certificates());
    let arguments = controller(plan, Component::ControllerManager, plan.ports.controller_manager)
        .with("service-account-private-key-file", certificates.service_account_key())
        .with("root-ca-file", certificates.authority())
        .with("cluster-signing-cert-file", certificates.authority())
        .with("cluster-signing-key-file", certificates.authority_key());
    match plan.extent {
        // On a loaded machine, or while a test holds the API server, the fake nodes miss heartbeats. Their
        // pods must not be evicted for that.
        Extent::Full | Extent::ApiServer => arguments.with("node-monitor-grace-period", "1h").0,
        Extent::Nodeless => arguments.0,
    }
}

fn scheduler(plan: &Plan) -> Vec<OsString> {
    controller(plan, Component::Scheduler, plan.ports.scheduler).0
}

fn controller(plan: &Plan, component: Component, port: u16) -> Arguments {
    let certificates = Certificates::in_folder(&plan.layout.certificates());
    Arguments::default()
        .with("kubeconfig", plan.layout.component_kubeconfig(component))
        .with("bind-address", "127.0.0.1")
        .with("secure-port", port.to_string())
        .with("tls-cert-file", certificates.server())
        .with("tls-private-key-file", certificates.server_key())
        .with("leader-elect", "false")
        .with("kube-api-qps", "200")
        .with("kube-api-burst", "400")
}

/// The value of the label `app.kubernetes.io/name` of pods that KWOK leaves alone, for tests that play their kubelet.
pub const UNPLAYED: &str = "unplayed";

fn kwok(plan: &Plan) -> Vec<OsString> {
    let certificates = Certificates::in_folder(&plan.layout.certificates());
    let port = plan.ports.kwok;
    Arguments::default()
        .with("kubeconfig", plan.layout.component_kubeconfig(Component::Kwok))
        .with("config", plan.layout.kwok_config())
        .with("manage-all-nodes", "true")
        // A node is known to live by its lease, as that of a kubelet.
        .with("node-lease-duration-seconds", "40")
        .with("disregard-status-with-label-selector", format!("app.kubernetes.io/name={UNPLAYED}"))
        .with("node-ip", "127.0.0.1")
        .with("node-port", port.to_string())
        .with("server-address", format!("127.0.0.1:{port}"))
        .with("tls-cert-file", certificates.server())
        .with("tls-private-key-file", certificates.server_key())
        .0
}

/// A command line of `--name=value` options.
#[derive(Default)]
struct Arguments(Vec<OsString>);

impl Arguments {
    fn with(mut self, name: &str, value: impl Into<OsString>) -> Self {
        let mut argument = OsString::from(format!("--{name}="));
        argument.push(value.into());
        self.0.push(argument);
        self
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}
