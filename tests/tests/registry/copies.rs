use plimsoll_bench::Line;
use plimsoll_registry::{Copier, Moves, Place, Reference, Registry, Target};

use crate::mk::{LINES, mk_bytes, mk_referrer, mk_repository, mk_server, mk_tag, push_image, push_index};

fn mk_target(registry: &Registry) -> Target {
    Target {
        place: Place { registry: registry.clone(), repository: mk_repository("prod/web") },
        tag: Some("1.4".parse().unwrap()),
        moves: Moves::Never,
        mounts_from: Vec::new(),
        throttle: None,
    }
}

#[tokio::test]
async fn an_index_with_evidence_reaches_three_registries_of_either_line_unchanged() {
    for line in LINES {
        let (_source, client) = mk_server(line).await;
        let repository = mk_repository("qa/web");
        let amd = push_image(&client, &repository, None, mk_bytes(1, 2_000_000)).await;
        let arm = push_image(&client, &repository, None, mk_bytes(2, 1_000_000)).await;
        let nested = push_index(&client, &repository, None, &[&arm]).await;
        let root = push_index(&client, &repository, Some("1.4"), &[&amd, &nested]).await;
        let signature = mk_referrer(&client, &repository, &root, "application/sig", "signed").await;
        client.put_referrer(&repository, &signature).await.unwrap();

        let mut servers = Vec::new();
        for target in [Line::Docker, Line::Distribution, line] {
            servers.push(mk_server(target).await);
        }
        let folder = tempfile::tempdir().unwrap();
        let copier = Copier::new(folder.path()).unwrap();
        let source = Place { registry: client.clone(), repository: repository.clone() };
        let targets = servers.iter().map(|(_, target)| mk_target(target)).collect();
        let plan = copier.plan(&source, root.digest(), targets).await.unwrap();
        for result in copier.run(&plan, &|_| {}).await {
            let report = result.unwrap();
            assert_eq!((report.sent, report.bytes > 3_000_000, report.manifests), (6, true, 5));
        }
        let prod = mk_repository("prod/web");
        for (_, target) in &servers {
            assert_eq!(target.manifest(&prod, &mk_tag("1.4")).await.unwrap().as_ref(), Some(&root));
            for manifest in [&amd, &arm, &nested, &signature] {
                let reference = Reference::Digest(manifest.digest().clone());
                assert_eq!(target.manifest(&prod, &reference).await.unwrap().as_ref(), Some(manifest));
            }
            let listed = target.referrers(&prod, root.digest(), Some("application/sig")).await.unwrap();
            assert_eq!(listed.len(), 1);
        }
    }
}

#[tokio::test]
async fn garbage_collection_takes_nothing_of_a_promoted_image() {
    for line in LINES {
        let (_source, client) = mk_server(line).await;
        let repository = mk_repository("qa/web");
        let image = push_image(&client, &repository, Some("1.4"), mk_bytes(1, 100_000)).await;
        let signature = mk_referrer(&client, &repository, &image, "application/sig", "signed").await;
        client.put_referrer(&repository, &signature).await.unwrap();
        let (mut server, target) = mk_server(line).await;
        let folder = tempfile::tempdir().unwrap();
        let copier = Copier::new(folder.path()).unwrap();
        let source = Place { registry: client, repository };
        let plan = copier.plan(&source, image.digest(), vec![mk_target(&target)]).await.unwrap();
        copier.run(&plan, &|_| {}).await.remove(0).unwrap();
        server.collect_garbage().await.unwrap();
        let again = copier.plan(&source, image.digest(), vec![mk_target(&target)]).await.unwrap();
        let share = again.shares().await.remove(0).unwrap();
        assert_eq!((share.blobs, share.manifests, share.tagged), (0, 0, true), "{line:?}");
    }
}
