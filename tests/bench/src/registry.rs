use crate::binaries::Binaries;
use crate::deadline;
use crate::ports::{Leases, lease_one};
use crate::process::{Lifetime, Process};
use anyhow::{Context, Result, bail};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const SETTINGS: &str = "config.yml";
const BUCKET: &str = "images";

/// Whose registry it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Docker Registry 2.8, as Debian packages it.
    Docker,
    /// CNCF Distribution 3.
    Distribution,
}

/// Where a registry keeps what it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Storage {
    /// In files.
    #[default]
    Files,
    /// In an object store with S3's API, `gofakes3` in memory; of Distribution alone.
    Objects,
}

/// A real image registry on loopback that lives as long as this does.
pub struct RegistryServer {
    line: Line,
    process: Process,
    folder: TempDir,
    port: u16,
    _lease: Leases,
    _objects: Option<ObjectStore>,
}

/// An object store that lives as long as this does.
struct ObjectStore {
    port: u16,
    _process: Process,
    _lease: Leases,
}

/// What differs from a registry out of the box.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RegistryOptions<'a> {
    /// Whether deleting is switched on.
    pub deletes: bool,
    /// Entries of a page of the catalog at most, where the line can be told.
    pub catalog: Option<usize>,
    /// The files of its certificate and its key; without them it speaks plain HTTP.
    pub tls: Option<(&'a Path, &'a Path)>,
    /// The address of the token server, the service that it knows this registry by, and the file with the certificate of
    /// who signs its tokens.
    pub tokens: Option<(&'a str, &'a str, &'a Path)>,
    /// Where it keeps what it has.
    pub storage: Storage,
}

impl RegistryServer {
    /// Starts one and waits until it answers.
    pub async fn start(line: Line, options: RegistryOptions<'_>) -> Result<Self> {
        let folder = tempfile::tempdir().context("making a folder for a registry")?;
        let (port, lease) = lease_one()?;
        let config = folder.path().join(SETTINGS);
        let objects = match options.storage {
            Storage::Files => None,
            Storage::Objects => Some(ObjectStore::start(folder.path()).await?),
        };
        let text = settings(line, &options, port, folder.path(), objects.as_ref());
        std::fs::write(&config, text).context("writing its settings")?;
        let process = serve(line, folder.path()).await?;
        let mut server = Self { line, process, folder, port, _lease: Leases::of(lease), _objects: objects };
        server.answers().await?;
        Ok(server)
    }

    /// Whose it is.
    pub fn line(&self) -> Line {
        self.line
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its process number.
    pub fn pid(&self) -> i32 {
        self.process.identity().pid
    }

    /// Where it keeps what it has.
    pub fn storage(&self) -> PathBuf {
        self.folder.path().join("storage")
    }

    /// Stops it. What it has stays.
    pub async fn stop(&mut self) -> Result<()> {
        self.process.stop(deadline::TO_STOP).await
    }

    /// Starts it again on what it has, at the same address.
    pub async fn start_again(&mut self) -> Result<()> {
        self.process = serve(self.line, self.folder.path()).await?;
        self.answers().await
    }

    /// Stops it, collects what no tag needs, as its own program does it, and starts it again.
    pub async fn collect_garbage(&mut self) -> Result<()> {
        self.process.stop(deadline::TO_STOP).await?;
        let config = self.folder.path().join(SETTINGS);
        let program = program(self.line)?;
        let collected = tokio::process::Command::new(&program)
            .args(["garbage-collect", "--delete-untagged"])
            .arg(&config)
            .output()
            .await
            .context("collecting garbage")?;
        if !collected.status.success() {
            bail!("collecting garbage: {}", String::from_utf8_lossy(&collected.stderr));
        }
        self.process = serve(self.line, self.folder.path()).await?;
        self.answers().await
    }

    /// Waits until it answers, in plain text or by refusing it; what it says makes no difference.
    async fn answers(&mut self) -> Result<()> {
        let address = self.host();
        answers(&mut self.process, "registry", &address).await
    }
}

impl ObjectStore {
    async fn start(folder: &Path) -> Result<Self> {
        let (port, lease) = lease_one()?;
        let address = format!("127.0.0.1:{port}");
        let arguments = ["-backend", "memory", "-initialbucket", BUCKET, "-host", &address];
        let arguments = arguments.into_iter().map(Into::into).collect();
        let program = Binaries::tool("gofakes3")?;
        let mut process =
            Process::start(&program, arguments, folder.join("objects.log"), Lifetime::WithStarter).await?;
        answers(&mut process, "object store", &address).await?;
        Ok(Self { port, _process: process, _lease: Leases::of(lease) })
    }
}

async fn answers(process: &mut Process, kind: &str, address: &str) -> Result<()> {
    let what = format!("the {kind} at {address} to answer");
    deadline::until(&what, deadline::TO_START, async || {
        process.must_be_there()?;
        let Ok(mut stream) = TcpStream::connect(address).await else { return Ok(None) };
        let request = b"GET /v2/ HTTP/1.1\r\nHost: registry\r\nConnection: close\r\n\r\n";
        let mut answer = [0; 5];
        let answered =
            stream.write_all(request).await.is_ok() && stream.read_exact(&mut answer).await.is_ok();
        Ok((answered && &answer == b"HTTP/").then_some(()))
    })
    .await
}

async fn serve(line: Line, folder: &Path) -> Result<Process> {
    let arguments = vec!["serve".into(), folder.join(SETTINGS).into()];
    Process::start(&program(line)?, arguments, folder.join("log"), Lifetime::WithStarter).await
}

fn program(line: Line) -> Result<PathBuf> {
    match line {
        Line::Docker => in_path("docker-registry"),
        Line::Distribution => Binaries::tool("registry"),
    }
}

fn settings(
    line: Line,
    options: &RegistryOptions<'_>,
    port: u16,
    folder: &Path,
    objects: Option<&ObjectStore>,
) -> String {
    // Writing to a String cannot fail.
    let RegistryOptions { deletes, catalog, tls, tokens, storage: _ } = options;
    let storage = match objects {
        None => format!("filesystem: {{rootdirectory: '{}'}}", folder.join("storage").display()),
        Some(ObjectStore { port, .. }) => format!(
            "s3: {{region: us-east-1, regionendpoint: 'http://127.0.0.1:{port}', forcepathstyle: true, secure: false, \
             bucket: {BUCKET}, accesskey: tests, secretkey: tests}}"
        ),
    };
    let mut text = format!(
        "version: 0.1\nlog: {{level: warn, accesslog: {{disabled: true}}}}\nstorage:\n  {storage}\n  \
         delete: {{enabled: {deletes}}}\nhttp:\n  addr: '127.0.0.1:{port}'\n"
    );
    if let Some((certificate, key)) = tls {
        let _ =
            writeln!(text, "  tls: {{certificate: '{}', key: '{}'}}", certificate.display(), key.display());
    }
    if let (Some(most), Line::Distribution) = (catalog, line) {
        let _ = writeln!(text, "catalog: {{maxentries: {most}}}");
    }
    if let Some((realm, service, bundle)) = tokens {
        let _ = writeln!(
            text,
            "auth:\n  token: {{realm: '{realm}', service: '{service}', issuer: 'plimsoll-tests', rootcertbundle: '{}'}}",
            bundle.display()
        );
    }
    text
}

fn in_path(program: &str) -> Result<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&folders).map(|folder| folder.join(program)).find(|path| path.is_file());
    found.with_context(|| format!("{program} is not there: apt-get install {program}"))
}
