//! `copy HOST/REPOSITORY:TAG HOST/REPOSITORY:TAG…`: copies an image to one place or several, and says what it took.

use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use plimsoll_registry::{Access, Copier, Moves, Place, Reference, Registry, Tag, Target};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    // Fails only when there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut places = std::env::args().skip(1).map(|name| place(&name));
    let (source, tag) = places.next().context("copy FROM TO…")??;
    let mut targets = Vec::new();
    for place in places {
        let (place, tag) = place?;
        targets.push(Target {
            place,
            tag: Some(tag),
            moves: Moves::Freely,
            mounts_from: Vec::new(),
            throttle: None,
        });
    }
    let begun = Instant::now();
    let Some(image) = source.registry.head(&source.repository, &Reference::Tag(tag)).await? else {
        bail!("no such tag")
    };
    let folder = std::env::temp_dir().join("plimsoll-copies");
    let copier = Copier::new(folder)?;
    let plan = copier.plan(&source, image.digest(), targets).await?;
    for result in copier.run(&plan, &|_| {}).await {
        println!("{:?}", result?);
    }
    println!("{} in {} ms", plan.root(), begun.elapsed().as_millis());
    Ok(())
}

/// `HOST/REPOSITORY:TAG`.
fn place(name: &str) -> Result<(Place, Tag)> {
    let (host, rest) = name.split_once('/').context("a host, then a repository")?;
    let (repository, tag) = rest.split_once(':').context("a tag")?;
    let registry = Registry::new(Access::new(host.parse()?))?;
    Ok((Place { registry, repository: repository.parse()? }, tag.parse()?))
}
