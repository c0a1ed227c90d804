use std::process::Stdio;

use bytes::Bytes;
use plimsoll_bench::Line;
use plimsoll_registry::{Copier, Digest, Manifest, Moves, Place, Reference, Registry, Repository, Target};
use serde_json::json;

use crate::mk::{LINES, MANIFEST, mk_bytes, mk_repository, mk_server, mk_tag, push_blob};

const BASE: usize = 2_000_000;

/// An image on a base that others are on as well.
async fn push_on_base(registry: &Registry, repository: &Repository, at: u64) -> Manifest {
    let layer = "application/vnd.oci.image.layer.v1.tar";
    let base = push_blob(registry, repository, layer, mk_bytes(0, BASE)).await;
    let own = push_blob(registry, repository, layer, mk_bytes(1 + at, 1000)).await;
    let ids = [base.digest(), own.digest()].map(Digest::to_string);
    let config = json!({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": ids}});
    let kind = "application/vnd.oci.image.config.v1+json";
    let config = push_blob(registry, repository, kind, Bytes::from(config.to_string())).await;
    let body = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [base, own]});
    let manifest = Manifest::new(body.to_string(), MANIFEST.into());
    registry.put_manifest(repository, &mk_tag("1"), &manifest).await.unwrap();
    manifest
}

#[tokio::test]
async fn ten_images_on_one_base_send_it_once_to_each_of_three_sites_and_keep_their_digests() {
    for line in LINES {
        let (_source, client) = mk_server(line).await;
        let mut sites = Vec::new();
        for _ in 0..3 {
            sites.push(mk_server(line).await);
        }
        let folder = tempfile::tempdir().unwrap();
        let copier = Copier::new(folder.path()).unwrap();
        let mut brought: Vec<Repository> = Vec::new();
        let mut bytes = [0; 3];
        for at in 0..10 {
            let repository = mk_repository(&format!("team/app-{at}"));
            let image = push_on_base(&client, &repository, at).await;
            let target = |(_, site): &(_, Registry)| Target {
                place: Place { registry: site.clone(), repository: repository.clone() },
                tag: Some("1".parse().unwrap()),
                moves: Moves::Never,
                mounts_from: brought.clone(),
                throttle: None,
            };
            let source = Place { registry: client.clone(), repository: repository.clone() };
            let plan =
                copier.plan(&source, image.digest(), sites.iter().map(target).collect()).await.unwrap();
            for (site, result) in copier.run(&plan, &|_| {}).await.into_iter().enumerate() {
                bytes[site] += result.unwrap().bytes;
            }
            for (_, site) in &sites {
                let there = site.manifest(&repository, &mk_tag("1")).await.unwrap();
                assert_eq!(there.as_ref(), Some(&image), "{line:?}");
            }
            brought.push(repository);
        }
        // The base once, and of each image its own thousand bytes and a configuration.
        for sent in bytes {
            assert!((BASE as u64..BASE as u64 + 20_000).contains(&sent), "{line:?}: {sent}");
        }
    }
}

/// Why images are not carried as archives: what is loaded is not what was saved.
#[tokio::test]
async fn an_image_that_is_saved_and_loaded_is_another_one() {
    let (source, client) = mk_server(Line::Docker).await;
    let (target, there) = mk_server(Line::Docker).await;
    let repository = mk_repository("team/app");
    let image = push_on_base(&client, &repository, 0).await;
    let folder = tempfile::tempdir().unwrap();
    let archive = format!("docker-archive:{}", folder.path().join("image.tar").display());
    let (from, to) =
        (format!("docker://{}/team/app:1", source.host()), format!("docker://{}/team/app:1", target.host()));
    for (from, to) in [(&from, &archive), (&archive, &to)] {
        let copied = tokio::process::Command::new("skopeo")
            .args(["copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false", from, to])
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap();
        assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    }
    let loaded = there.head(&repository, &mk_tag("1")).await.unwrap().unwrap();
    assert_ne!(loaded.digest(), image.digest());
    let by_digest = Reference::Digest(image.digest().clone());
    assert_eq!(there.head(&repository, &by_digest).await.unwrap(), None);
}
