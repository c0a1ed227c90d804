//! The container runtime.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use plimsoll_bench::{Lifetime, Process};
use serde_json::json;

use super::TO_STOP;
use super::images::{PAUSE, Registries};
use super::machine::{ADDRESS, BRIDGE, PODS};

pub(super) struct Containerd {
    process: Process,
    socket: PathBuf,
}

pub(super) fn socket(folder: &Path) -> PathBuf {
    folder.join("containerd.sock")
}

impl Containerd {
    pub(super) async fn start(folder: &Path, registries: &Registries) -> Result<Self> {
        let hosts = folder.join("certs.d");
        for (host, port) in [("_default", registries.port), ("denied.test", registries.closed_port)] {
            let url = format!("http://127.0.0.1:{port}");
            // It is the server too, which is asked where a mirror has no answer.
            let text =
                format!("server = \"{url}\"\n[host.\"{url}\"]\n  capabilities = [\"pull\", \"resolve\"]\n");
            write(&hosts.join(host).join("hosts.toml"), &text)?;
        }
        let network = json!({
            "cniVersion": "0.4.0",
            "name": "pods",
            "plugins": [{
                "type": "bridge",
                "bridge": BRIDGE,
                "isGateway": true,
                "ipMasq": false,
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{"subnet": PODS}]],
                    "routes": [{"dst": format!("{ADDRESS}/32")}],
                    "dataDir": folder.join("addresses"),
                },
            }],
        });
        write(&folder.join("cni/10-pods.conflist"), &network.to_string())?;
        let config = folder.join("containerd.toml");
        write(&config, &configuration(folder))?;
        let arguments = vec!["--config".into(), config.into()];
        let log = folder.join("containerd.log");
        let process =
            Process::start(Path::new("/usr/bin/containerd"), arguments, log, Lifetime::WithStarter).await?;
        let mut containerd = Self { process, socket: socket(folder) };
        for _ in 0..300 {
            containerd.process.must_be_there()?;
            if containerd.ctr(&["version"]).is_ok() {
                return Ok(containerd);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        bail!("containerd did not answer in 30 s")
    }

    /// Ends what still runs in it, and then itself: a container's shim would outlive it.
    pub(super) async fn stop(mut self) -> Result<()> {
        for _ in 0..100 {
            let tasks = self.ctr(&["tasks", "ls", "-q"])?;
            if tasks.trim().is_empty() {
                break;
            }
            for task in tasks.split_whitespace() {
                // One that has just gone needs no end.
                let _ = self.ctr(&["tasks", "rm", "--force", task]);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let left = self.ctr(&["tasks", "ls", "-q"])?;
        self.process.stop(TO_STOP).await?;
        if !left.trim().is_empty() {
            bail!("containers stay: {left}");
        }
        Ok(())
    }

    fn ctr(&self, arguments: &[&str]) -> Result<String> {
        let output = std::process::Command::new("/usr/bin/ctr")
            .arg("--address")
            .arg(&self.socket)
            .args(["--namespace", "k8s.io", "--timeout", "10s"])
            .args(arguments)
            .output()
            .context("running ctr")?;
        if !output.status.success() {
            bail!("ctr {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim_end());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

fn configuration(folder: &Path) -> String {
    let at = |name: &str| folder.join(name).display().to_string();
    format!(
        r#"version = 2
root = "{root}"
state = "{state}"
disabled_plugins = [
  "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs",
  "io.containerd.internal.v1.opt",
]
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  # Without CAP_SYS_RESOURCE no score may be lowered.
  restrict_oom_score_adj = true
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{cni}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
  # No pull leaves the machine.
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{hosts}"
"#,
        root = at("containerd/root"),
        state = at("containerd/state"),
        socket = socket(folder).display(),
        cni = at("cni"),
        hosts = at("certs.d"),
    )
}

pub(super) fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}
