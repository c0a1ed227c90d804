//! Registries on loopback, and the images in them.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use plimsoll_bench::{Lifetime, Process};
use serde_json::json;

use super::TO_STOP;
use super::containerd::write;
use super::machine::run;

/// What every pod's sandbox runs.
pub(super) const PAUSE: &str = "registry.test/plimsoll/pause:v1";

/// A registry that everybody may pull from, and one that wants to know who asks.
pub(super) struct Registries {
    pub(super) port: u16,
    pub(super) closed_port: u16,
    open: Process,
    closed: Process,
}

impl Registries {
    /// Starts both, and puts the images into the open one: `actor`, with busybox beside it, and the sandbox's.
    pub(super) async fn start(folder: &Path, actor: &Path) -> Result<Self> {
        let [port, closed_port] = free_ports()?;
        let open = start(folder, "registry", port, &json!({})).await?;
        let users = folder.join("users");
        write(&users, "")?;
        let asks = json!({"htpasswd": {"realm": "closed", "path": users}});
        let closed = start(folder, "closed-registry", closed_port, &asks).await?;
        let mut registries = Self { port, closed_port, open, closed };
        for (process, port) in [(&mut registries.open, port), (&mut registries.closed, closed_port)] {
            listens(process, port).await?;
        }
        let layout = folder.join("images").display().to_string();
        let actor = actor.display().to_string();
        run("umoci", &["init", "--layout", &layout])?;
        for (name, tag, command) in
            [("app", "v1", ""), ("app", "v2", ""), ("app", "v3", ""), ("pause", "v1", "pause")]
        {
            let image = format!("{layout}:{name}-{tag}");
            run("umoci", &["new", "--image", &image])?;
            run("umoci", &["insert", "--image", &image, &actor, "/actor"])?;
            run("umoci", &["insert", "--image", &image, "/bin/busybox", "/bin/busybox"])?;
            // Else two tags would be one image, which the runtime calls by the first.
            let label = format!("version={tag}");
            let mut configure = vec!["config", "--image", &image, "--config.entrypoint", "/actor"];
            configure.extend(["--config.label", &label]);
            if !command.is_empty() {
                configure.extend(["--config.cmd", command]);
            }
            run("umoci", &configure)?;
            let (source, target) =
                (format!("oci:{image}"), format!("docker://127.0.0.1:{port}/plimsoll/{name}:{tag}"));
            let copy = ["copy", "--quiet", "--dest-tls-verify=false", "--insecure-policy", &source, &target];
            run("skopeo", &copy)?;
        }
        Ok(registries)
    }

    pub(super) async fn stop(mut self) -> Result<()> {
        self.open.stop(TO_STOP).await?;
        self.closed.stop(TO_STOP).await
    }
}

async fn start(folder: &Path, name: &str, port: u16, auth: &serde_json::Value) -> Result<Process> {
    let mut config = json!({
        "version": 0.1,
        "log": {"level": "warn"},
        "storage": {"filesystem": {"rootdirectory": folder.join(name)}},
        "http": {"addr": format!("127.0.0.1:{port}")},
    });
    if auth.as_object().is_some_and(|auth| !auth.is_empty()) {
        config["auth"] = auth.clone();
    }
    let path = folder.join(format!("{name}.yml"));
    write(&path, &config.to_string())?;
    let log = folder.join(format!("{name}.log"));
    let arguments = vec!["serve".into(), path.into()];
    Process::start(Path::new("/usr/bin/docker-registry"), arguments, log, Lifetime::WithStarter).await
}

async fn listens(process: &mut Process, port: u16) -> Result<()> {
    for _ in 0..200 {
        process.must_be_there()?;
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("no registry on port {port} in 10 s")
}

fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut ports = [0; N];
    // All are held until each is known, so that they differ.
    let mut held = Vec::new();
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("looking for a free port")?;
        *port = listener.local_addr().context("asking for a port")?.port();
        held.push(listener);
    }
    Ok(ports)
}
