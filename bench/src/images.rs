//! Images: lists compared, copied to one registry and to three, each beside skopeo in the same run.
//!
//! Real registries (Debian's docker-registry) on loopback; ours and skopeo take turns, each into a registry of its own that
//! was emptied before, so that neither finds what the other left. Every copy of ours is a process of its own, whose
//! memory is what the kernel counted at most. Run it with `cargo run --release -p plimsoll-benchmarks --bin images`;
//! `images copies`, `sites`, `memory` and `lists` are its parts.

use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use plimsoll_bench::{Line, RegistryOptions, RegistryServer};
use plimsoll_benchmarks::{Cost, Memory, row};
use plimsoll_registry::{
    Access, Completeness, Copier, Descriptor, Manifest, MediaType, Moves, Place, Reference, Registry,
    Repository, Target, Throttle,
};
use serde_json::json;
use tokio::process::Command;

/// Layers of the image that is copied, in MiB.
const LAYERS: [usize; 3] = [140, 60, 20];
const ROUNDS: usize = 5;
/// Of a layer that is larger than what may be held of it, in MiB.
const LARGE: usize = 2_000;
/// What images share, in MiB, and what each has of its own, in bytes.
const BASE: usize = 100;
const OWN: usize = 2_000_000;
const REPOSITORIES: usize = 1_258;
/// Bytes in a second: a line of a gigabit with what Ethernet, IP and TCP take off.
const LINE: u64 = 117_000_000;
const NO_LIMIT: u64 = 0;
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

#[tokio::main]
async fn main() -> Result<()> {
    // Fails only when there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["copy", rate, digest, source, targets @ ..] => copy(rate.parse()?, digest, source, targets).await,
        ["sync", source, target] => sync(source, target).await,
        ["carry", count, source, targets @ ..] => carry(count.parse()?, source, targets).await,
        ["copies"] => copies().await,
        ["sites"] => sites().await,
        ["memory"] => memory().await,
        ["lists"] => lists().await,
        [] => {
            copies().await?;
            sites().await?;
            memory().await?;
            lists().await
        }
        other => bail!("{other:?} is nothing to measure"),
    }
}

/// One image to one registry and to three, as fast as this machine goes and over lines of their own.
async fn copies() -> Result<()> {
    let source = Server::start().await?;
    let image = source.push("qa/web", "1", LAYERS.map(|size| size << 20).as_slice()).await?;
    let (mut ours, mut theirs, mut three, mut peak) = (Vec::new(), Vec::new(), Vec::new(), 0);
    let (mut line, mut lines) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let copied = source.copy_by_us(&image, NO_LIMIT, 1).await?;
        peak = peak.max(copied.peak);
        ours.push(copied.took);
        let target = Server::start().await?;
        theirs.push(source.copy_by_skopeo(&target).await?);
        three.push(source.copy_by_us(&image, NO_LIMIT, 3).await?.took);
        line.push(source.copy_by_us(&image, LINE, 1).await?.took);
        lines.push(source.copy_by_us(&image, LINE, 3).await?.took);
    }
    let (ours, theirs, three) = (median(&mut ours), median(&mut theirs), median(&mut three));
    let (line, lines) = (median(&mut line), median(&mut lines));
    let size: usize = LAYERS.iter().sum();
    row(&format!("one image of {size} MiB"), &format!("{:.2} s, at most {peak} KiB", ours.as_secs_f64()));
    row("  skopeo copy", &format!("{:.2} s: {}", theirs.as_secs_f64(), ratio(theirs, ours)));
    row("  to three registries", &format!("{:.2} s: {} of one", three.as_secs_f64(), ratio(three, ours)));
    row("  over a line of 1 Gbit/s", &format!("{:.2} s", line.as_secs_f64()));
    row("  to three, a line each", &format!("{:.2} s: {} of one", lines.as_secs_f64(), ratio(lines, line)));
    let one = source.copy_by_us(&image, NO_LIMIT, 1).await?;
    let all = source.copy_by_us(&image, NO_LIMIT, 3).await?;
    for (what, copied) in [("one", one), ("three", all)] {
        let Copied { own, source, targets, .. } = copied;
        let numbers = format!("{own:.2} s own, {source:.2} s the source's, {targets:.2} s the targets'");
        row(&format!("  processor time, {what}"), &numbers);
    }
    Ok(())
}

/// Images on one base, to three registries: by us, and saved and loaded as archives, which have not been carried between
/// machines yet.
async fn sites() -> Result<()> {
    for count in [1, 10] {
        let source = Server::start().await?;
        for at in 0..count {
            // The base has the same bytes in all, what comes after it others.
            source.push(&format!("team/app-{at}"), "1", &[BASE << 20, OWN + at]).await?;
        }
        let targets = [Server::start().await?, Server::start().await?, Server::start().await?];
        let hosts: Vec<String> = targets.iter().map(|target| target.server.host()).collect();
        let mut arguments = vec!["carry".to_owned(), count.to_string(), source.server.host()];
        arguments.extend(hosts);
        let said = run(Command::new(std::env::current_exe()?).args(arguments)).await?;
        let mut numbers = said.split_whitespace().map(str::parse::<u64>);
        let (Some(Ok(took)), Some(Ok(bytes))) = (numbers.next(), numbers.next()) else { bail!("{said:?}") };
        let ours = Duration::from_micros(took);

        let targets = [Server::start().await?, Server::start().await?, Server::start().await?];
        let folder = tempfile::tempdir()?;
        let begun = Instant::now();
        for at in 0..count {
            let archive = format!("docker-archive:{}", folder.path().join(format!("{at}.tar")).display());
            let name = |server: &Server| format!("docker://{}/team/app-{at}:1", server.server.host());
            skopeo_copy(&name(&source), &archive).await?;
            for target in &targets {
                skopeo_copy(&archive, &name(target)).await?;
            }
        }
        let theirs = begun.elapsed();
        let what = format!("{count} of {BASE} MiB on one base to three sites");
        let sent = format!("{:.2} s, {} MiB to each", ours.as_secs_f64(), bytes >> 20);
        row(&what, &sent);
        row("  saved and loaded", &format!("{:.2} s: {}", theirs.as_secs_f64(), ratio(theirs, ours)));
    }
    Ok(())
}

/// Memory over one layer that is much larger than what may be held.
async fn memory() -> Result<()> {
    let source = Server::start().await?;
    let image = source.push("qa/web", "1", &[LARGE << 20]).await?;
    for count in [1, 3] {
        let copied = source.copy_by_us(&image, NO_LIMIT, count).await?;
        let what = format!("a layer of {LARGE} MiB to {count}");
        row(&what, &format!("{:.2} s, at most {} KiB", copied.took.as_secs_f64(), copied.peak));
    }
    Ok(())
}

async fn lists() -> Result<()> {
    let server = Server::start().await?;
    let repositories = (0..REPOSITORIES).map(|at| server.push_small(format!("team-{}/app-{at}", at % 40)));
    stream::iter(repositories).buffer_unordered(8).try_collect::<()>().await?;
    let begun = Instant::now();
    let mut listing = server.client.repositories()?;
    let (mut found, mut requests) = (0, 0);
    while let Some(page) = listing.next_page().await? {
        found += page.items.len();
        requests += 1;
    }
    ensure!(found == REPOSITORIES && listing.completeness() == Completeness::Complete, "{found}");
    let what = format!("{requests} requests, {:.0} ms", begun.elapsed().as_secs_f64() * 1000.0);
    row(&format!("a list of {found} repositories"), &what);

    for (tags, rounds) in [(200, 5), (5_000, 1)] {
        let (source, target) = (Server::start().await?, Server::start().await?);
        for server in [&source, &target] {
            server.push_tags("qa/web", tags).await?;
        }
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            ours.push(source.sync_by_us(&target).await?);
            theirs.push(source.sync_by_skopeo(&target).await?);
        }
        let (ours, theirs) = (median(&mut ours), median(&mut theirs));
        row(&format!("a sync of {tags} tags that are equal"), &format!("{:.2} s", ours.as_secs_f64()));
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

/// What a copy took.
struct Copied {
    took: Duration,
    /// Processor time in seconds.
    own: f64,
    source: f64,
    targets: f64,
    /// Memory in KiB.
    peak: u64,
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
            let mut bytes = vec![0; *size];
            random.fill(&mut bytes);
            let kind = "application/vnd.oci.image.layer.v1.tar";
            described.push(self.blob(&repository, kind, bytes.into()).await?);
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

    async fn push_small(&self, repository: String) -> Result<()> {
        self.push(&repository, "1", &[100]).await.map(drop)
    }

    /// In a process of its own, to so many registries that have nothing yet, each at so many bytes a second.
    async fn copy_by_us(&self, image: &Manifest, rate: u64, count: usize) -> Result<Copied> {
        let mut targets = Vec::new();
        for _ in 0..count {
            targets.push(Self::start().await?);
        }
        let mut arguments =
            vec!["copy".to_owned(), rate.to_string(), image.digest().to_string(), self.server.host()];
        arguments.extend(targets.iter().map(|target| target.server.host()));
        let before = self.cost()?;
        let said = run(Command::new(std::env::current_exe()?).args(arguments)).await?;
        let numbers: Vec<u64> = said.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let [took, own, peak] = numbers.as_slice() else { bail!("{said:?}") };
        let source = self.cost()? - before;
        let costs: Vec<f64> = targets.iter().map(Self::cost).collect::<Result<_>>()?;
        let (took, own) = (Duration::from_micros(*took), Duration::from_micros(*own).as_secs_f64());
        Ok(Copied { took, own, source, targets: costs.iter().sum(), peak: *peak })
    }

    /// Its processor time in seconds.
    fn cost(&self) -> Result<f64> {
        Ok(Cost::of(u32::try_from(self.server.pid())?)?.total().as_secs_f64())
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

async fn skopeo_copy(from: &str, to: &str) -> Result<()> {
    let plain = ["--src-tls-verify=false", "--dest-tls-verify=false"];
    run(Command::new("skopeo").args(["copy", "-q"]).args(plain).args([from, to])).await.map(drop)
}

async fn run(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await.context("starting a copy")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

fn place(host: &str, repository: &str) -> Result<Place> {
    Ok(Place { registry: Registry::new(Access::new(host.parse()?))?, repository: repository.parse()? })
}

/// The copy alone: prints microseconds, those of processor time, and KiB of memory.
async fn copy(rate: u64, digest: &str, source: &str, targets: &[&str]) -> Result<()> {
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
            throttle: (rate > 0).then(|| Arc::new(Throttle::new(rate))),
        });
    }
    let copier = Copier::new(folder.path())?;
    let plan = copier.plan(&source, &digest.parse()?, all).await?;
    for result in copier.run(&plan, &|_| {}).await {
        result?;
    }
    let took = begun.elapsed();
    let peak = Memory::of(std::process::id())?.peak / 1024;
    println!("{} {} {peak}", took.as_micros(), Cost::own()?.total().as_micros());
    Ok(())
}

/// Copies of so many images alone, one after the other: prints microseconds, and the bytes that went to a target.
async fn carry(count: usize, source: &str, targets: &[&str]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let begun = Instant::now();
    let copier = Copier::new(folder.path())?;
    let registry = place(source, "any")?.registry;
    let sites: Vec<Registry> =
        targets.iter().map(|host| Ok(place(host, "any")?.registry)).collect::<Result<_>>()?;
    let (mut brought, mut bytes) = (Vec::<Repository>::new(), 0);
    for at in 0..count {
        let repository: Repository = format!("team/app-{at}").parse()?;
        let source = Place { registry: registry.clone(), repository: repository.clone() };
        let tag = Reference::Tag("1".parse()?);
        let image = source.registry.head(&repository, &tag).await?.context("no such image")?;
        let target = |site: &Registry| {
            let place = Place { registry: site.clone(), repository: repository.clone() };
            let tag = Some("1".parse()?);
            let mounts_from = brought.clone();
            Ok(Target { place, tag, moves: Moves::Never, mounts_from, throttle: None })
        };
        let all = sites.iter().map(target).collect::<Result<Vec<_>>>()?;
        let plan = copier.plan(&source, image.digest(), all).await?;
        for result in copier.run(&plan, &|_| {}).await {
            bytes += result?.bytes;
        }
        brought.push(repository);
    }
    println!("{} {}", begun.elapsed().as_micros(), bytes / targets.len().max(1) as u64);
    Ok(())
}

/// The comparison alone: prints microseconds.
async fn sync(source: &str, target: &str) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let begun = Instant::now();
    let copier = Copier::new(folder.path())?;
    let target = [place(target, "qa/web")?.into()];
    let synced = copier.sync(&place(source, "qa/web")?, &target, Moves::Never, |_| true, &|_| {}).await?;
    let took = begun.elapsed();
    ensure!(synced.targets[0].unchanged == synced.tags, "{synced:?}");
    println!("{}", took.as_micros());
    Ok(())
}
