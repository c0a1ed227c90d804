//! Images: lists compared, copied to one registry and to three, each beside skopeo in the same run.
//!
//! Real registries (Debian's docker-registry) on loopback; ours and skopeo take turns, each into a registry of its own that
//! was emptied before, so that neither finds what the other left. Every copy of ours is a process of its own, whose
//! memory is what the kernel counted at most. Run it with `cargo run --release -p plimsoll-benchmarks --bin images`.

use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use plimsoll_bench::{Line, RegistryOptions, RegistryServer};
use plimsoll_benchmarks::row;
use plimsoll_registry::{
    Access, Copier, Descriptor, Manifest, MediaType, Moves, Place, Reference, Registry, Repository, Target,
};
use serde_json::json;
use tokio::process::Command;

/// Layers of the image that is copied, in MiB.
const LAYERS: [usize; 3] = [140, 60, 20];
const ROUNDS: usize = 3;
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

#[tokio::main]
async fn main() -> Result<()> {
    // Fails only when there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["copy", digest, source, targets @ ..] => copy(digest, source, targets).await,
        ["sync", source, target] => sync(source, target).await,
        [] => bench().await,
        other => bail!("{other:?} is nothing to measure"),
    }
}

async fn bench() -> Result<()> {
    let source = Server::start().await?;
    let image = source.push("qa/web", "1", LAYERS.map(|size| size << 20).as_slice()).await?;

    let (mut ours, mut theirs, mut three, mut memory) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for _ in 0..ROUNDS {
        let target = Server::start().await?;
        let (took, peak) = source.copy_by_us(&image, &[&target]).await?;
        ours.push(took);
        memory = memory.max(peak);
        let target = Server::start().await?;
        theirs.push(source.copy_by_skopeo(&target).await?);
        let targets = [Server::start().await?, Server::start().await?, Server::start().await?];
        three.push(source.copy_by_us(&image, &targets.each_ref()).await?.0);
    }
    let (ours, theirs, three) = (median(&mut ours), median(&mut theirs), median(&mut three));
    let size: usize = LAYERS.iter().sum();
    row(&format!("one image of {size} MiB"), &format!("{:.2} s, at most {memory} KiB", ours.as_secs_f64()));
    row("  skopeo copy", &format!("{:.2} s: {}", theirs.as_secs_f64(), ratio(theirs, ours)));
    row("  to three registries", &format!("{:.2} s: {} of one", three.as_secs_f64(), ratio(three, ours)));

    for tags in [200, 5_000] {
        let (source, target) = (Server::start().await?, Server::start().await?);
        for server in [&source, &target] {
            server.push_tags("qa/web", tags).await?;
        }
        let ours = source.sync_by_us(&target).await?;
        row(&format!("a sync of {tags} tags that are equal"), &format!("{:.2} s", ours.as_secs_f64()));
        let theirs = source.sync_by_skopeo(&target).await?;
        row("  skopeo sync", &format!("{:.2} s: {}", theirs.as_secs_f64(), ratio(theirs, ours)));
    }
    Ok(())
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn ratio(of: Duration, to: Duration) -> String {
    format!("{:.1} times", of.as_secs_f64() / to.as_secs_f64())
}

struct Server {
    server: RegistryServer,
    client: Registry,
}

impl Server {
    async fn start() -> Result<Self> {
        let server = RegistryServer::start(Line::Docker, RegistryOptions::default()).await?;
        let client = Registry::new(Access::new(server.host().parse()?))?;
        Ok(Self { server, client })
    }

    async fn push(&self, repository: &str, tag: &str, layers: &[usize]) -> Result<Manifest> {
        let repository: Repository = repository.parse()?;
        let mut random = fastrand::Rng::with_seed(1);
        let mut described = Vec::new();
        for size in layers {
            let bytes: Bytes = std::iter::repeat_with(|| random.u8(..)).take(*size).collect();
            described.push(self.blob(&repository, "application/vnd.oci.image.layer.v1.tar", bytes).await?);
        }
        let ids: Vec<_> = described.iter().map(|layer: &Descriptor| layer.digest().to_string()).collect();
        let config = json!({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": ids}});
        let config = self
            .blob(&repository, "application/vnd.oci.image.config.v1+json", config.to_string().into())
            .await?;
        let body = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": described});
        let manifest = Manifest::new(body.to_string(), MANIFEST.into());
        self.client.put_manifest(&repository, &Reference::Tag(tag.parse()?), &manifest).await?;
        Ok(manifest)
    }

    async fn blob(&self, repository: &Repository, kind: &str, bytes: Bytes) -> Result<Descriptor> {
        let manifest = Manifest::new(bytes.clone(), MediaType::from(kind));
        let blob = manifest.descriptor();
        self.client.upload(repository, &blob, Arc::new(bytes)).await?;
        Ok(blob)
    }

    async fn push_tags(&self, repository: &str, count: usize) -> Result<()> {
        let manifest = self.push(repository, "v0", &[1000]).await?;
        let repository: Repository = repository.parse()?;
        for at in 1..count {
            let tag = Reference::Tag(format!("v{at}").parse()?);
            self.client.put_manifest(&repository, &tag, &manifest).await?;
        }
        Ok(())
    }

    /// In a process of its own; how long it took, and its memory in KiB.
    async fn copy_by_us(&self, image: &Manifest, targets: &[&Self]) -> Result<(Duration, u64)> {
        let mut arguments = vec!["copy".to_owned(), image.digest().to_string(), self.server.host()];
        arguments.extend(targets.iter().map(|target| target.server.host()));
        let said = run(Command::new(std::env::current_exe()?).args(arguments)).await?;
        let mut numbers = said.split_whitespace().map(str::parse::<u64>);
        let (Some(Ok(micros)), Some(Ok(peak))) = (numbers.next(), numbers.next()) else { bail!("{said:?}") };
        Ok((Duration::from_micros(micros), peak))
    }

    async fn copy_by_skopeo(&self, target: &Self) -> Result<Duration> {
        let begun = Instant::now();
        let (from, to) = (
            format!("docker://{}/qa/web:1", self.server.host()),
            format!("docker://{}/prod/web:1", target.server.host()),
        );
        let plain = ["--src-tls-verify=false", "--dest-tls-verify=false"];
        run(Command::new("skopeo").args(["copy", "-q", "--preserve-digests"]).args(plain).args([from, to]))
            .await?;
        Ok(begun.elapsed())
    }

    async fn sync_by_us(&self, target: &Self) -> Result<Duration> {
        let arguments = ["sync".to_owned(), self.server.host(), target.server.host()];
        let said = run(Command::new(std::env::current_exe()?).args(arguments)).await?;
        Ok(Duration::from_micros(said.trim().parse()?))
    }

    async fn sync_by_skopeo(&self, target: &Self) -> Result<Duration> {
        let begun = Instant::now();
        let plain = ["--src-tls-verify=false", "--dest-tls-verify=false"];
        let (from, to) = (format!("{}/qa/web", self.server.host()), format!("{}/qa", target.server.host()));
        run(Command::new("skopeo")
            .args(["sync", "--src", "docker", "--dest", "docker"])
            .args(plain)
            .args([from, to]))
        .await?;
        Ok(begun.elapsed())
    }
}

async fn run(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await.context("starting a copy")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

fn place(host: &str, repository: &str) -> Result<Place> {
    Ok(Place { registry: Registry::new(Access::new(host.parse()?))?, repository: repository.parse()? })
}

/// The copy alone: prints microseconds and KiB of memory.
async fn copy(digest: &str, source: &str, targets: &[&str]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let begun = Instant::now();
    let source = place(source, "qa/web")?;
    let mut all = Vec::new();
    for target in targets {
        let place = place(target, "prod/web")?;
        all.push(Target {
            place,
            tag: Some("1".parse()?),
            moves: Moves::Never,
            mounts_from: Vec::new(),
            throttle: None,
        });
    }
    let copier = Copier::new(folder.path())?;
    let plan = copier.plan(&source, &digest.parse()?, all).await?;
    for result in copier.run(&plan, &|_| {}).await {
        result?;
    }
    let took = begun.elapsed();
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no peak of memory")?;
    println!("{} {}", took.as_micros(), peak.trim().trim_end_matches(" kB"));
    Ok(())
}

/// The comparison alone: prints microseconds.
async fn sync(source: &str, target: &str) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let begun = Instant::now();
    let copier = Copier::new(folder.path())?;
    let target = [place(target, "qa/web")?];
    let synced = copier.sync(&place(source, "qa/web")?, &target, Moves::Never, |_| true, &|_| {}).await?;
    let took = begun.elapsed();
    ensure!(synced.targets[0].unchanged == synced.tags, "{synced:?}");
    println!("{}", took.as_micros());
    Ok(())
}
