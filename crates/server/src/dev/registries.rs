//! `--registries`: one registry that images are pushed to, and one for each data center, as programs of their own.
//!
//! They are CNCF Distribution, or Docker Registry that it came from: what most registries are built on or measured by,
//! one program without a database, and to be had on every machine that has Go. Nothing here is special to them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use plimsoll_core::image::{Host, Images, Prefix};
use plimsoll_core::name::DcName;
use plimsoll_registry::{Access, Registry, Scheme};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use super::RegistryProgram;
use super::folder::Folder;
use super::simulation::NAMES;
use super::world::defect;
use crate::config::{RegistryAccess, RegistrySettings};
use crate::error::Error;
use crate::{data_dir::DataDir, images};

/// The one that images are pushed to.
const QA: &str = "qa";
/// What the program is called, by those who build it and by Debian.
const PROGRAMS: [&str; 2] = ["registry", "docker-registry"];
const REMEDY: &str = "`go install github.com/distribution/distribution/v3/cmd/registry@v3.1.1` brings it, Debian's package \
                      docker-registry too; one that is elsewhere is named with --registries=FILE";
/// How long one may take until it answers.
const TO_START: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(50);
const ADDRESS: &str = "address";
const LOG: &str = "log";

/// Registries that run as long as this does.
pub(super) struct Registries {
    running: Vec<Running>,
}

/// One of them.
struct Running {
    name: &'static str,
    host: Host,
    process: Child,
}

impl Registries {
    /// Starts those of a folder, at the addresses that they had: that is where the images of its Releases are.
    pub(super) async fn start(program: &RegistryProgram, folder: &Folder) -> Result<Self, Error> {
        let program = match program {
            RegistryProgram::At(path) => path.clone(),
            RegistryProgram::Found => find().ok_or_else(|| Error::Registry {
                name: QA.to_owned(),
                message: format!("there is no program {}; {REMEDY}", PROGRAMS.join(" or ")),
            })?,
        };
        let mut running = Vec::new();
        for name in [QA].into_iter().chain(NAMES) {
            running.push(start(name, &program, folder).await?);
        }
        Ok(Self { running })
    }

    /// The one that images are pushed to.
    pub(super) fn qa(&self) -> Option<&Host> {
        self.running.iter().find(|registry| registry.name == QA).map(|registry| &registry.host)
    }

    /// What a configuration would say of them: each data center pulls from its own.
    pub(super) fn images(&self, dir: &DataDir) -> Result<Option<Images>, Error> {
        let access = |registry: &Running| RegistryAccess {
            host: registry.host.clone(),
            scheme: Scheme::Http,
            authority: None,
            login: None,
            token_hosts: Vec::new(),
            proxy: None,
        };
        let list = self.running.iter().map(access).collect();
        let mut near: BTreeMap<DcName, Prefix> = BTreeMap::new();
        for registry in self.running.iter().filter(|registry| registry.name != QA) {
            let prefix = registry.host.as_str().parse().map_err(defect)?;
            near.insert(registry.name.parse().map_err(defect)?, prefix);
        }
        images::open(RegistrySettings { list, near }, &dir.copies()).map_err(|faults| Error::Registry {
            name: QA.to_owned(),
            message: faults.into_iter().map(|fault| fault.message).collect::<Vec<_>>().join("; "),
        })
    }

    /// Ends them. What they have stays in the folder.
    pub(super) async fn stop(self) {
        for mut registry in self.running {
            if let Err(error) = registry.process.kill().await {
                tracing::warn!(name = registry.name, %error, "a registry was not ended");
            }
        }
    }
}

async fn start(name: &'static str, program: &Path, folder: &Folder) -> Result<Running, Error> {
    let failed = |message: String| Error::Registry { name: name.to_owned(), message };
    let unusable = |error: io::Error| failed(format!("its folder cannot be used ({error})"));
    let own = folder.path().join("registries").join(name);
    fs::create_dir_all(&own).map_err(unusable)?;
    let address = match fs::read_to_string(own.join(ADDRESS)) {
        Ok(text) => text,
        Err(_) => free_address().map_err(unusable)?,
    };
    let host: Host = address.parse().map_err(|_| failed(format!("{address:?} is no address")))?;
    let settings = own.join("config.yml");
    fs::write(&settings, configuration(&host, &own.join("storage"))).map_err(unusable)?;
    let log = own.join(LOG);
    let output = fs::File::create(&log).map_err(unusable)?;
    let mut process = command(program)
        .arg("serve")
        .arg(&settings)
        .stdin(Stdio::null())
        .stdout(output.try_clone().map_err(unusable)?)
        .stderr(output)
        // Ctrl-C is for the process that has them: it ends them last.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(format!("{} cannot be run ({error}); {REMEDY}", program.display())))?;
    let registry = Registry::new(Access::new(host.clone()).scheme(Scheme::Http)).map_err(defect)?;
    let deadline = Instant::now() + TO_START;
    loop {
        // One that ended says why. Another program at its address would answer, too: the process is asked first.
        if let Ok(Some(status)) = process.try_wait() {
            let said = last_line(&log).map_or_else(
                || format!("{} is empty", log.display()),
                |line| format!("{line} ({})", log.display()),
            );
            return Err(failed(format!("it ended with {status}: {said}")));
        }
        match registry.ping().await {
            Ok(()) => break,
            Err(error) if Instant::now() > deadline => {
                return Err(failed(format!("it does not answer within {} s: {error}", TO_START.as_secs())));
            }
            Err(_) => tokio::time::sleep(LOOK).await,
        }
    }
    fs::write(own.join(ADDRESS), host.as_str()).map_err(unusable)?;
    Ok(Running { name, host, process })
}

/// A call of the program. Where the system can be told, it ends with this process, however that ends: it is started by
/// the thread that lives as long.
fn command(program: &Path) -> Command {
    let Some(setpriv) = in_path("setpriv") else { return Command::new(program) };
    let mut command = Command::new(setpriv);
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

fn configuration(host: &Host, storage: &Path) -> String {
    format!(
        "version: 0.1\nlog: {{level: warn, accesslog: {{disabled: true}}}}\nstorage:\n  filesystem: {{rootdirectory: \
         '{}'}}\n  delete: {{enabled: true}}\nhttp:\n  addr: '{}'\n",
        storage.display().to_string().replace('\'', "''"),
        host.as_str()
    )
}

/// An address of this machine that nobody has at this moment.
fn free_address() -> io::Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.to_string())
}

fn last_line(log: &Path) -> Option<String> {
    let text = fs::read_to_string(log).ok()?;
    text.lines().rfind(|line| !line.trim().is_empty()).map(str::to_owned)
}

/// The program, where a shell would find it or Go puts what it builds.
fn find() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let go = [
        folder("GOBIN"),
        folder("GOPATH").map(|path| path.join("bin")),
        folder("HOME").map(|home| home.join("go/bin")),
    ];
    let built =
        || go.into_iter().flatten().map(|folder| folder.join(PROGRAMS[0])).find(|path| path.is_file());
    PROGRAMS.into_iter().find_map(in_path).or_else(built)
}

fn in_path(program: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(program)).find(|path| path.is_file())
}
