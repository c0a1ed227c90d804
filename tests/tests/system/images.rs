//! Images by tag, over real registries: copied to where each data center pulls them from, before it gets the Release.

mod verbs;

use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use plimsoll_bench::{Line, RegistryOptions, RegistryServer};
use plimsoll_registry::{Access, Descriptor, Manifest, MediaType, Reference, Registry, Repository};
use plimsoll_tests::{Claim, Document, Ground, ServerOptions, World, eventually};
use serde_json::{Value, json};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const REPOSITORY: &str = "demo/shop";

/// Three data centers, a registry that images are pushed to, one of dc-1 alone, and one that dc-2 has a path in.
pub(crate) struct Bed {
    pub(crate) world: World,
    pub(crate) qa: RegistryServer,
    pub(crate) one: RegistryServer,
    pub(crate) two: RegistryServer,
    /// How the server is told of them.
    registries: String,
}

impl Bed {
    pub(crate) async fn new() -> Result<Self> {
        let options = || RegistryOptions { deletes: true, ..RegistryOptions::default() };
        let start = || RegistryServer::start(Line::Distribution, options());
        let (qa, one, two) = (start().await?, start().await?, start().await?);
        let mut world = World::new(Ground::Simulated, Claim::Own).await?;
        world.kill_server().await?;
        let mut registries = String::new();
        for server in [&qa, &one, &two] {
            writeln!(registries, "[[registries]]\nhost = {:?}", server.host())?;
        }
        let (first, second) = (one.host(), format!("{}/mirror", two.host()));
        write!(
            registries,
            "[dataCenters.dc-1]\nregistry = {first:?}\n[dataCenters.dc-2]\nregistry = {second:?}\n"
        )?;
        let mut bed = Self { world, qa, one, two, registries };
        bed.start_server().await?;
        Ok(bed)
    }

    /// Starts the server again, after it was killed.
    pub(crate) async fn start_server(&mut self) -> Result<()> {
        let registries = self.registries.clone();
        self.world.start_server_by(|options| ServerOptions { registries, ..options }).await
    }

    /// The image of this tag, as documents name it.
    pub(crate) fn named(&self, tag: &str) -> String {
        format!("{}/{REPOSITORY}:{tag}", self.qa.host())
    }

    /// The App with the image of this tag.
    fn shop(&self, tag: &str) -> Document {
        self.world.shop().with("/spec/image", self.named(tag))
    }

    /// What the Deployments run, without the digest.
    async fn pulled(&self) -> Result<Vec<String>> {
        let mut pulled = Vec::new();
        for dc in self.world.dcs() {
            let deployment = self.world.deployment(dc).await?;
            let image = &deployment["spec"]["template"]["spec"]["containers"][0]["image"];
            pulled.push(image.as_str().context("no image")?.to_owned());
        }
        Ok(pulled)
    }
}

fn client(server: &RegistryServer) -> Result<Registry> {
    Ok(Registry::new(Access::new(server.host().parse()?))?)
}

async fn push_blob(registry: &Registry, kind: &str, bytes: Bytes) -> Result<Descriptor> {
    let digest = Manifest::new(bytes.clone(), MediaType::from(kind)).digest().clone();
    let blob = Descriptor::new(MediaType::from(kind), bytes.len() as u64, digest);
    registry.upload(&REPOSITORY.parse()?, &blob, Arc::new(bytes)).await?;
    Ok(blob)
}

/// Pushes an image of one layer that no other tag has.
pub(crate) async fn push(server: &RegistryServer, tag: &str) -> Result<Manifest> {
    let registry = client(server)?;
    let config = json!({"architecture": "amd64", "os": "linux", "config": {"Labels": {"tag": tag}}});
    let config =
        push_blob(&registry, "application/vnd.oci.image.config.v1+json", config.to_string().into()).await?;
    let layer = Bytes::from(tag.repeat(100_000));
    let layer = push_blob(&registry, "application/vnd.oci.image.layer.v1.tar", layer).await?;
    let body = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]});
    let manifest = Manifest::new(body.to_string(), MANIFEST.into());
    registry.put_manifest(&REPOSITORY.parse()?, &Reference::Tag(tag.parse()?), &manifest).await?;
    Ok(manifest)
}

pub(crate) async fn has(server: &RegistryServer, repository: &str, image: &Manifest) -> Result<bool> {
    let repository: Repository = repository.parse()?;
    let found = client(server)?.manifest(&repository, &Reference::Digest(image.digest().clone())).await?;
    Ok(found.as_ref() == Some(image))
}

/// State and reason in each data center.
fn outcomes(operation: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let dcs = operation["dataCenters"].as_array().map(Vec::as_slice).unwrap_or_default();
    dcs.iter().map(|dc| format!("{} {}", text(&dc["state"]), text(&dc["reason"]))).collect()
}

mod simulated {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_tag_of_qa_runs_everywhere_by_its_digest_from_where_each_data_center_has_it() -> Result<()> {
        let bed = Bed::new().await?;
        let image = push(&bed.qa, "1.4").await?;
        ensure!(!has(&bed.one, REPOSITORY, &image).await?, "nothing was copied yet");
        let operation = bed.world.user().apply_and_wait(&bed.shop("1.4")).await?;
        assert_eq!(operation["state"], "Succeeded");
        let digest = image.digest();
        let (qa, one, two) = (bed.qa.host(), bed.one.host(), bed.two.host());
        assert_eq!(
            bed.pulled().await?,
            [
                format!("{one}/{REPOSITORY}@{digest}"),
                format!("{two}/mirror/{REPOSITORY}@{digest}"),
                format!("{qa}/{REPOSITORY}@{digest}")
            ]
        );
        ensure!(has(&bed.one, REPOSITORY, &image).await? && has(&bed.two, "mirror/demo/shop", &image).await?);
        let history = bed.world.user().ok(&["history", "shop", "-n", bed.world.namespace()]).await?;
        ensure!(history.contains(&bed.named("1.4")), "{history}");

        // Nobody pushed this one.
        let document = bed.shop("1.5").write(bed.world.folder())?;
        let document = document.to_string_lossy();
        let said = bed.world.user().run(&["apply", "-f", &document]).await?;
        let why = format!("spec.image: {qa}/{REPOSITORY} has no tag 1.5");
        ensure!(said.stderr.contains(&why) && said.stderr.contains("push it"), "{}", said.stderr);
        bed.world.end().await
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_registry_that_is_down_holds_up_its_own_data_center_and_no_rollback() -> Result<()> {
        let mut bed = Bed::new().await?;
        push(&bed.qa, "1.4").await?;
        push(&bed.qa, "1.5").await?;
        bed.world.user().apply_and_wait(&bed.shop("1.4")).await?;
        let before = bed.pulled().await?;

        bed.one.stop().await?;
        let operation = bed.world.user().apply_and_wait(&bed.shop("1.5")).await?;
        assert_eq!(operation["state"], "SucceededOwing");
        assert_eq!(outcomes(&operation), ["Owed RegistryUnreachable", "Healthy -", "Healthy -"]);
        let message = operation["dataCenters"][0]["message"].as_str().context("why?")?;
        ensure!(
            message.starts_with(&format!("the registry {} does not answer: ", bed.one.host())),
            "{message}"
        );
        assert_eq!(bed.pulled().await?[0], before[0]);

        bed.one.start_again().await?;
        let path = format!("/v1/operations/{}", operation["id"].as_str().context("no id")?);
        eventually("dc-1 gets it when its registry is back", async || {
            let operation = bed.world.user().get(&path).await?;
            let done = operation["state"] == "Succeeded";
            Ok(if done { Ok(()) } else { Err(operation.to_string()) })
        })
        .await?;
        ensure!(bed.pulled().await?[0] != before[0]);

        for server in [&mut bed.qa, &mut bed.one, &mut bed.two] {
            server.stop().await?;
        }
        let back = bed.world.on_shop("rollback", &[]).await?;
        assert_eq!(back["state"], "Succeeded");
        assert_eq!(bed.pulled().await?, before);
        bed.world.end().await
    }
}
