//! The kubelet.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use plimsoll_bench::{DataCenter, Lifetime, Process};
use serde_json::{Value, json};

use super::containerd::{socket, write};
use super::machine::ADDRESS;

/// How much memory must be free on a node at rest.
pub(super) const MEMORY: &str = "100Mi";

/// Writes the configuration: what differs from the defaults is what this machine asks for, and shorter waits
/// where pressure comes and goes.
pub(super) fn configure(folder: &Path, data_center: &DataCenter, memory: &str) -> Result<()> {
    let config = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "failCgroupV1": false,
        "failSwapOn": false,
        "cgroupDriver": "cgroupfs",
        "containerRuntimeEndpoint": format!("unix://{}", socket(folder).display()),
        "podLogsDir": folder.join("logs"),
        "volumePluginDir": folder.join("volume-plugins"),
        "address": ADDRESS,
        "healthzPort": 0,
        // As every cluster has; nobody asks it.
        "clusterDNS": ["10.96.0.10"],
        "clusterDomain": "cluster.local",
        "makeIPTablesUtilChains": false,
        "authentication": {
            "anonymous": {"enabled": false},
            "webhook": {"enabled": true},
            "x509": {"clientCAFile": data_center.certificate_authority()},
        },
        "authorization": {"mode": "Webhook"},
        "evictionHard": {
            "memory.available": memory,
            "nodefs.available": "64Mi",
            "nodefs.inodesFree": "1%",
            "imagefs.available": "1%",
            "imagefs.inodesFree": "1%",
        },
        "evictionPressureTransitionPeriod": "20s",
        // Images that are not used go when a disk is pressed, and would be pulled again.
        "imageMinimumGCAge": "24h",
    });
    write(&folder.join("kubelet.json"), &config.to_string())?;
    fs::copy(data_center.kubeconfig(), folder.join("kubelet.kubeconfig"))
        .context("giving the kubelet its kubeconfig")?;
    Ok(())
}

/// Whether it wants more memory to be free than at rest.
pub(super) fn is_pressed(folder: &Path) -> Result<bool> {
    let config: Value = serde_json::from_slice(&fs::read(folder.join("kubelet.json"))?)?;
    Ok(config["evictionHard"]["memory.available"] != MEMORY)
}

pub(super) async fn start(folder: &Path, programs: &Path) -> Result<Process> {
    let option = |name: &str, value: PathBuf| {
        let mut option = OsString::from(format!("--{name}="));
        option.push(value);
        option
    };
    let arguments = vec![
        option("config", folder.join("kubelet.json")),
        option("kubeconfig", folder.join("kubelet.kubeconfig")),
        option("root-dir", folder.join("kubelet")),
        option("cert-dir", folder.join("kubelet-pki")),
        format!("--hostname-override={}", crate::NODE).into(),
        format!("--node-ip={ADDRESS}").into(),
        "--v=2".into(),
    ];
    let log = folder.join("kubelet.log");
    Process::start(&programs.join("kubelet"), arguments, log, Lifetime::WithStarter).await
}
