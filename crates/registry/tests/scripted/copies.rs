use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use plimsoll_registry::{Copier, Digest, Event, Kind, Mirror, Moves, Place, Registry, Report, Share, Target};
use plimsoll_scripted_registry::{
    EntityTags, Habits, Referrers, Scripted, ScriptedRegistry, broken_off, respond,
};
use serde_json::{Value, json};

use crate::mk::{INDEX, MANIFEST, mk_bytes, mk_client, mk_digest, mk_registry, mk_repository};

pub(crate) fn mk_place(registry: &Registry, repository: &str) -> Place {
    Place { registry: registry.clone(), repository: mk_repository(repository) }
}

pub(crate) fn mk_target(registry: &Registry, tag: &str) -> Target {
    Target {
        place: mk_place(registry, "prod/web"),
        tag: Some(tag.parse().unwrap()),
        moves: Moves::Never,
        mounts_from: Vec::new(),
        throttle: None,
    }
}

fn descriptor(kind: &str, digest: &str, size: usize) -> Value {
    json!({"mediaType": kind, "digest": digest, "size": size})
}

/// An image of a configuration and layers; the answer is how an index names it.
pub(crate) fn mk_image(server: &ScriptedRegistry, tag: Option<&str>, layers: &[Vec<u8>]) -> Value {
    let config = format!("{{\"layers\":{}}}", layers.len());
    let blob =
        |bytes: &[u8]| descriptor("application/x", &server.add_blob("shop/web", bytes.to_vec()), bytes.len());
    let layers: Vec<Value> = layers.iter().map(|layer| blob(layer)).collect();
    // Written in a way that no library writes it: it must not be written anew.
    let body = format!(
        "{{ \"schemaVersion\":2,\n \"mediaType\":\"{MANIFEST}\", \"layers\" : {}, \"config\":{} }}\n",
        json!(layers),
        blob(config.as_bytes())
    );
    let size = body.len();
    descriptor(MANIFEST, &server.add_manifest("shop/web", tag, MANIFEST, body), size)
}

fn mk_index(server: &ScriptedRegistry, tag: Option<&str>, manifests: &[Value]) -> Value {
    let body = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).to_string();
    let size = body.len();
    descriptor(INDEX, &server.add_manifest("shop/web", tag, INDEX, body), size)
}

fn mk_evidence(server: &ScriptedRegistry, subject: &Value, kind: &str) -> Value {
    let layer = format!("evidence of {kind}");
    let blob = descriptor(kind, &server.add_blob("shop/web", layer.clone()), layer.len());
    let body = json!({"mediaType": MANIFEST, "artifactType": kind, "layers": [blob], "subject": subject})
        .to_string();
    let size = body.len();
    descriptor(MANIFEST, &server.add_manifest("shop/web", None, MANIFEST, body), size)
}

pub(crate) fn digest(descriptor: &Value) -> Digest {
    mk_digest(descriptor["digest"].as_str().unwrap())
}

pub(crate) struct Fleet {
    pub(crate) source: ScriptedRegistry,
    pub(crate) targets: Vec<(ScriptedRegistry, Registry)>,
    pub(crate) place: Place,
    pub(crate) copier: Copier,
    folder: tempfile::TempDir,
}

pub(crate) async fn mk_fleet(targets: usize, habits: Habits) -> Fleet {
    let (source, client) = mk_registry(Habits::default()).await;
    let mut all = Vec::new();
    for _ in 0..targets {
        all.push(mk_registry(habits.clone()).await);
    }
    let folder = tempfile::tempdir().unwrap();
    let copier = Copier::new(folder.path()).unwrap();
    Fleet { source, targets: all, place: mk_place(&client, "shop/web"), copier, folder }
}

impl Fleet {
    async fn copy(&self, root: &Digest) -> Vec<Result<Report, plimsoll_registry::Error>> {
        let targets = self.targets.iter().map(|(_, client)| mk_target(client, "1.4")).collect();
        let plan = self.copier.plan(&self.place, root, targets).await.unwrap();
        self.copier.run(&plan, &|_| {}).await
    }
}

#[tokio::test]
async fn every_shape_of_image_arrives_with_its_digest() {
    let fleet = mk_fleet(1, Habits::default()).await;
    let (source, (target, client)) = (&fleet.source, &fleet.targets[0]);
    let amd = mk_image(source, None, &[mk_bytes(200_000), mk_bytes(10)]);
    let arm = mk_image(source, None, &[mk_bytes(100_000), mk_bytes(10)]);
    let nested = mk_index(source, None, std::slice::from_ref(&arm));
    let gone = descriptor(MANIFEST, &format!("sha256:{}", "9".repeat(64)), 7);
    let empty = mk_image(source, None, &[Vec::new()]);
    for (name, root) in [
        ("image", amd.clone()),
        ("index", mk_index(source, None, &[amd.clone(), arm])),
        ("nested", mk_index(source, None, &[nested, amd.clone()])),
        ("empty layer", empty),
    ] {
        let targets = vec![mk_target(client, &name.replace(' ', "-"))];
        let plan = fleet.copier.plan(&fleet.place, &digest(&root), targets).await.unwrap();
        fleet.copier.run(&plan, &|_| {}).await.remove(0).unwrap();
        let tagged = target.tag("prod/web", &name.replace(' ', "-"));
        assert_eq!(tagged.as_deref(), root["digest"].as_str(), "{name}");
    }
    // What an index names and nobody has is absent in the copy as in the source, if the registry takes it.
    let sparse = mk_index(source, None, &[amd, gone.clone()]);
    let plan =
        fleet.copier.plan(&fleet.place, &digest(&sparse), vec![mk_target(client, "sparse")]).await.unwrap();
    assert_eq!(plan.absent(), [digest(&gone)]);
    let refused = fleet.copier.run(&plan, &|_| {}).await.remove(0).unwrap_err();
    assert!(refused.codes().contains(&"MANIFEST_BLOB_UNKNOWN".to_owned()), "{refused}");
    assert_eq!(target.tag("prod/web", "sparse"), None);
}

#[tokio::test]
async fn a_layer_that_lies_elsewhere_is_copied_only_where_the_source_has_it_and_zstd_stays_zstd() {
    for (is_there, sent) in [(false, 2), (true, 3)] {
        let fleet = mk_fleet(1, Habits::default()).await;
        let (source, target) = (&fleet.source, &fleet.targets[0].0);
        let [config, zstd, foreign] =
            [b"{}".to_vec(), b"\x28\xb5\x2f\xfd zstd".to_vec(), b"of somebody else".to_vec()];
        for blob in [&config, &zstd].into_iter().chain(is_there.then_some(&foreign)) {
            source.add_blob("shop/web", blob.clone());
        }
        let named = |kind: &str, bytes: &[u8]| {
            descriptor(kind, &plimsoll_scripted_registry::digest(bytes), bytes.len())
        };
        let layers = [
            named("application/vnd.oci.image.layer.v1.tar+zstd", &zstd),
            named("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", &foreign),
        ];
        let body =
            json!({"mediaType": MANIFEST, "config": named("application/x", &config), "layers": layers})
                .to_string();
        let root = source.add_manifest("shop/web", None, MANIFEST, body);
        let report = fleet.copy(&mk_digest(&root)).await.remove(0).unwrap();
        assert_eq!((report.sent, target.tag("prod/web", "1.4")), (sent, Some(root)));
        let arrived = |bytes: &[u8]| target.blob("prod/web", &plimsoll_scripted_registry::digest(bytes));
        assert_eq!(arrived(&zstd).as_deref(), Some(zstd.as_slice()));
        assert_eq!(arrived(&foreign).is_some(), is_there);
    }
}

#[tokio::test]
async fn an_image_of_schema_1_is_refused_with_advice() {
    let fleet = mk_fleet(1, Habits::default()).await;
    let kind = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    let root = fleet.source.add_manifest("shop/web", Some("old"), kind, "{\"schemaVersion\":1}");
    let error = fleet.copier.plan(&fleet.place, &mk_digest(&root), Vec::new()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unsupported);
    assert!(error.to_string().contains("push it again"), "{error}");
}

#[tokio::test]
async fn three_targets_read_the_source_once_and_a_second_copy_writes_nothing() {
    let fleet = mk_fleet(3, Habits::default()).await;
    let root = mk_image(&fleet.source, Some("1.4"), &[mk_bytes(300_000), mk_bytes(70_000)]);
    for result in fleet.copy(&digest(&root)).await {
        assert_eq!(result.unwrap(), Report { present: 0, mounted: 0, sent: 3, bytes: 370_012, manifests: 1 });
    }
    let read: Vec<_> =
        fleet.source.take_journal().into_iter().filter(|request| request.path.contains("/blobs/")).collect();
    assert_eq!(read.len(), 3, "{read:?}");
    for (target, _) in &fleet.targets {
        assert_eq!(target.tag("prod/web", "1.4").as_deref(), root["digest"].as_str());
        target.take_journal();
    }
    for result in fleet.copy(&digest(&root)).await {
        assert_eq!(result.unwrap(), Report { present: 3, ..Report::default() });
    }
    for (target, _) in &fleet.targets {
        let writes = target
            .take_journal()
            .into_iter()
            .filter(|request| !matches!(request.method.as_str(), "GET" | "HEAD"));
        assert_eq!(writes.count(), 0);
    }
    // Nothing is left of what was under way.
    let left: Vec<_> =
        std::fs::read_dir(fleet.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["lock"]);
}

#[tokio::test]
async fn evidence_is_there_before_the_tag_moves() {
    for referrers in [Referrers::Kept, Referrers::Unknown] {
        let fleet = mk_fleet(1, Habits { referrers, ..Habits::default() }).await;
        let (source, (target, client)) = (&fleet.source, &fleet.targets[0]);
        let image = mk_image(source, None, &[mk_bytes(1000)]);
        let root = mk_index(source, Some("1.4"), std::slice::from_ref(&image));
        let signature = mk_evidence(source, &root, "application/sig");
        // Evidence of a part, and evidence of evidence.
        let (bill, seal) = (
            mk_evidence(source, &image, "application/sbom"),
            mk_evidence(source, &signature, "application/seal"),
        );
        let plan =
            fleet.copier.plan(&fleet.place, &digest(&root), vec![mk_target(client, "1.4")]).await.unwrap();
        let kinds: Vec<String> = plan.evidence().into_keys().collect();
        assert_eq!(kinds, ["application/sbom", "application/seal", "application/sig"]);
        fleet.copier.run(&plan, &|_| {}).await.remove(0).unwrap();
        for (subject, referrer) in [(&root, &signature), (&image, &bill), (&signature, &seal)] {
            let listed = client.referrers(&mk_repository("prod/web"), &digest(subject), None).await.unwrap();
            let digests: Vec<String> = listed.iter().map(|found| found.digest().to_string()).collect();
            assert_eq!(digests, [referrer["digest"].as_str().unwrap()], "{referrers:?}");
        }
        let journal = target.take_journal();
        let writes: Vec<&str> = journal
            .iter()
            .filter(|request| request.method == "PUT")
            .map(|request| request.path.as_str())
            .collect();
        assert_eq!(writes.last(), Some(&"/v2/prod/web/manifests/1.4"), "{referrers:?}");
        assert_eq!(writes.iter().filter(|path| path.ends_with("/manifests/1.4")).count(), 1);
    }
}

#[tokio::test]
async fn a_registry_that_loses_what_it_took_gets_no_tag() {
    let fleet = mk_fleet(1, Habits::default()).await;
    let root = mk_image(&fleet.source, None, &[mk_bytes(1000)]);
    let lost = plimsoll_scripted_registry::digest(&mk_bytes(1000));
    fleet.targets[0].0.script(move |request| {
        let looks = request.method == "HEAD" && request.path.ends_with(&lost);
        if looks { Scripted::Instead(respond(404, &[], "")) } else { Scripted::Pass }
    });
    let error = fleet.copy(&digest(&root)).await.remove(0).unwrap_err();
    assert_eq!(error.kind(), Kind::Corrupt, "{error}");
    assert_eq!(fleet.targets[0].0.tag("prod/web", "1.4"), None);
}

#[tokio::test]
async fn what_lies_beside_it_is_mounted() {
    let fleet = mk_fleet(1, Habits::default()).await;
    let (target, client) = &fleet.targets[0];
    let layer = mk_bytes(300_000);
    let root = mk_image(&fleet.source, None, std::slice::from_ref(&layer));
    target.add_blob("base/jdk", layer);
    let mounts_from = vec![mk_repository("base/none"), mk_repository("base/jdk")];
    let targets = vec![Target { mounts_from, ..mk_target(client, "1.4") }];
    let plan = fleet.copier.plan(&fleet.place, &digest(&root), targets).await.unwrap();
    let report = fleet.copier.run(&plan, &|_| {}).await.remove(0).unwrap();
    assert_eq!((report.mounted, report.sent, target.open_uploads()), (1, 1, 0));
}

#[tokio::test]
async fn a_promoted_tag_stays_where_it_is() {
    let fleet = mk_fleet(1, Habits::default()).await;
    let (target, client) = &fleet.targets[0];
    let other = target.add_manifest("prod/web", Some("1.4"), MANIFEST, "{}");
    let root = mk_image(&fleet.source, None, &[mk_bytes(1000)]);
    let error = fleet.copy(&digest(&root)).await.remove(0).unwrap_err();
    assert_eq!(error.kind(), Kind::Forbidden);
    assert_eq!(target.tag("prod/web", "1.4"), Some(other));
    assert!(target.take_journal().iter().all(|request| request.body == 0), "bytes were sent for nothing");
    // Where tags may move it does.
    let targets = vec![Target { moves: Moves::Freely, ..mk_target(client, "1.4") }];
    let plan = fleet.copier.plan(&fleet.place, &digest(&root), targets).await.unwrap();
    fleet.copier.run(&plan, &|_| {}).await.remove(0).unwrap();
    assert_eq!(target.tag("prod/web", "1.4").as_deref(), root["digest"].as_str());
}

#[tokio::test]
async fn a_tag_that_moves_at_the_source_changes_nothing() {
    let fleet = mk_fleet(1, Habits::default()).await;
    let approved = mk_image(&fleet.source, Some("1.4"), &[mk_bytes(1000)]);
    let plan = fleet
        .copier
        .plan(&fleet.place, &digest(&approved), vec![mk_target(&fleet.targets[0].1, "1.4")])
        .await;
    mk_image(&fleet.source, Some("1.4"), &[mk_bytes(2000)]);
    fleet.copier.run(&plan.unwrap(), &|_| {}).await.remove(0).unwrap();
    assert_eq!(fleet.targets[0].0.tag("prod/web", "1.4").as_deref(), approved["digest"].as_str());
}

#[tokio::test]
async fn copies_at_once_read_what_they_have_in_common_once() {
    let fleet = mk_fleet(2, Habits::default()).await;
    let base = mk_bytes(3_000_000);
    let roots = [1, 2].map(|own| mk_image(&fleet.source, None, &[base.clone(), vec![own; 1000]]));
    let copy = async |at: usize| {
        let targets = vec![mk_target(&fleet.targets[at].1, "1.4")];
        let plan = fleet.copier.plan(&fleet.place, &digest(&roots[at]), targets).await.unwrap();
        fleet.copier.run(&plan, &|_| {}).await.remove(0)
    };
    let (one, other) = tokio::join!(copy(0), copy(1));
    assert_eq!((one.unwrap().sent, other.unwrap().sent), (3, 3));
    let base = plimsoll_scripted_registry::digest(&base);
    let journal = fleet.source.take_journal();
    assert_eq!(journal.iter().filter(|request| request.path.ends_with(&base)).count(), 1);
    let left: Vec<_> =
        std::fs::read_dir(fleet.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["lock"]);
}

#[tokio::test]
async fn a_dead_target_holds_up_nobody() {
    let mut fleet = mk_fleet(3, Habits::default()).await;
    let root = mk_image(&fleet.source, None, &[mk_bytes(300_000)]);
    let (dead, _) = fleet.targets.remove(1);
    let client = mk_client(&dead, |access| access);
    drop(dead);
    let targets = vec![
        mk_target(&fleet.targets[0].1, "1.4"),
        mk_target(&client, "1.4"),
        mk_target(&fleet.targets[1].1, "1.4"),
    ];
    let plan = fleet.copier.plan(&fleet.place, &digest(&root), targets).await.unwrap();
    let shares = plan.shares().await;
    assert!(shares[0].is_ok() && shares[1].is_err());
    assert_eq!(shares[0].as_ref().unwrap(), &Share { blobs: 2, bytes: 300_012, manifests: 1, tagged: false });
    let results = fleet.copier.run(&plan, &|_| {}).await;
    let kinds: Vec<_> = results
        .iter()
        .map(|result| result.as_ref().map(|_| ()).map_err(plimsoll_registry::Error::kind))
        .collect();
    assert_eq!(kinds, [Ok(()), Err(Kind::Unavailable), Ok(())]);
}

#[tokio::test]
async fn what_breaks_at_a_target_is_sent_again_and_not_read_again() {
    let fleet = mk_fleet(2, Habits::default()).await;
    let root = mk_image(&fleet.source, None, &[mk_bytes(300_000)]);
    let puts = AtomicUsize::new(0);
    fleet.targets[0].0.script(move |request| {
        let broken =
            request.method == "PUT" && request.body > 1000 && puts.fetch_add(1, Ordering::Relaxed) < 2;
        if broken { Scripted::Instead(respond(502, &[], "")) } else { Scripted::Pass }
    });
    let again = Mutex::new(0);
    let targets = fleet.targets.iter().map(|(_, client)| mk_target(client, "1.4")).collect();
    let plan = fleet.copier.plan(&fleet.place, &digest(&root), targets).await.unwrap();
    let count = |event| {
        if let Event::Again { bytes, .. } = event {
            *again.lock().unwrap() += bytes;
        }
    };
    assert!(fleet.copier.run(&plan, &count).await.iter().all(Result::is_ok));
    assert_eq!(*again.lock().unwrap(), 600_000);
    let read =
        fleet.source.take_journal().into_iter().filter(|request| request.path.contains("/blobs/")).count();
    assert_eq!(read, 2);
}

#[tokio::test]
async fn what_a_killed_copy_left_is_gone_on_with() {
    let fleet = mk_fleet(1, Habits::default()).await;
    let layer = mk_bytes(300_000);
    let root = mk_image(&fleet.source, None, std::slice::from_ref(&layer));
    let name = plimsoll_scripted_registry::digest(&layer).replace(':', "-");
    std::fs::write(fleet.folder.path().join(&name), &layer[..200_000]).unwrap();
    fleet.copy(&digest(&root)).await.remove(0).unwrap();
    let ranges: Vec<String> = fleet
        .source
        .take_journal()
        .iter()
        .filter_map(|request| request.header("range").map(str::to_owned))
        .collect();
    assert_eq!(ranges, ["bytes=200000-"]);
    // What lies there may be anything.
    let fleet = mk_fleet(1, Habits::default()).await;
    let root = mk_image(&fleet.source, None, std::slice::from_ref(&layer));
    std::fs::write(fleet.folder.path().join(&name), vec![0; 200_000]).unwrap();
    assert_eq!(fleet.copy(&digest(&root)).await.remove(0).unwrap_err().kind(), Kind::Corrupt);
    fleet.copy(&digest(&root)).await.remove(0).unwrap();
}

#[tokio::test]
async fn a_source_that_breaks_off_for_good_is_what_is_told() {
    let fleet = mk_fleet(2, Habits::default()).await;
    let layer = bytes::Bytes::from(mk_bytes(300_000));
    let root = mk_image(&fleet.source, None, &[layer.to_vec()]);
    fleet.source.script(move |request| {
        let large =
            request.method == "GET" && request.path.ends_with(&plimsoll_scripted_registry::digest(&layer));
        if large { Scripted::Instead(broken_off(&layer, 100_000)) } else { Scripted::Pass }
    });
    let results = fleet.copy(&digest(&root)).await;
    let words: Vec<String> = results.into_iter().map(|result| result.unwrap_err().to_string()).collect();
    assert!(words.iter().any(|words| words.starts_with("GET blob sha256:")), "{words:?}");
    for (target, _) in &fleet.targets {
        assert_eq!(target.tag("prod/web", "1.4"), None);
    }
}

#[tokio::test]
async fn two_copies_do_not_share_afolder() {
    let fleet = mk_fleet(0, Habits::default()).await;
    let error = Copier::new(fleet.folder.path()).unwrap_err();
    assert_eq!(error.kind(), Kind::Local);
}

#[tokio::test]
async fn a_sync_that_finds_nothing_new_costs_two_requests_a_tag() {
    let fleet = mk_fleet(2, Habits::default()).await;
    for version in 0..30 {
        mk_image(&fleet.source, Some(&format!("v{version}")), &[mk_bytes(1000 + version)]);
    }
    let targets: Vec<Mirror> =
        fleet.targets.iter().map(|(_, client)| mk_place(client, "prod/web").into()).collect();
    let sync =
        || fleet.copier.sync(&fleet.place, &targets, Moves::Never, |tag| tag.as_str() != "v7", &|_| {});
    let synced = sync().await.unwrap();
    assert_eq!((synced.tags, synced.targets[0].copied, synced.targets[1].copied), (29, 29, 29));
    fleet.source.take_journal();
    for (target, _) in &fleet.targets {
        assert_eq!((target.tag("prod/web", "v7"), target.tag("prod/web", "v8").is_some()), (None, true));
        target.take_journal();
    }
    let synced = sync().await.unwrap();
    assert_eq!((synced.targets[0].unchanged, synced.targets[1].unchanged), (29, 29));
    // One page of tags, and one request a tag on either side.
    let asked: Vec<usize> = fleet.targets.iter().map(|(target, _)| target.take_journal().len()).collect();
    assert_eq!((fleet.source.take_journal().len(), asked), (30, vec![29, 29]));
}

#[tokio::test]
async fn a_sync_asks_the_source_for_what_the_target_has_and_trusts_no_target_that_says_nothing_changed() {
    for (entity_tags, status) in [(EntityTags::Honoured, 304), (EntityTags::Ignored, 200)] {
        let fleet = mk_fleet(1, Habits::default()).await;
        fleet.source.become_of(Habits { entity_tags, ..Habits::default() });
        mk_image(&fleet.source, Some("v1"), &[mk_bytes(1000)]);
        let moved = digest(&mk_image(&fleet.source, Some("v2"), &[mk_bytes(1001)])).to_string();
        let target = [mk_place(&fleet.targets[0].1, "prod/web").into()];
        let sync = || fleet.copier.sync(&fleet.place, &target, Moves::Freely, |_| true, &|_| {});
        assert_eq!(sync().await.unwrap().targets[0].copied, 2);
        fleet.source.take_journal();
        assert_eq!(sync().await.unwrap().targets[0].unchanged, 2);
        let statuses: Vec<u16> =
            fleet.source.take_journal().iter().skip(1).map(|request| request.status).collect();
        assert_eq!(statuses, [status; 2]);
        // A tag that moved is not held for the old one, and a manifest that the target lost is brought again.
        fleet.source.add_manifest(
            "shop/web",
            Some("v1"),
            MANIFEST,
            fleet.source.manifest("shop/web", &moved).unwrap(),
        );
        fleet.targets[0].0.lose_manifest("prod/web", &moved);
        assert_eq!(sync().await.unwrap().targets[0].copied, 2);
        assert_eq!(fleet.targets[0].0.tag("prod/web", "v1"), Some(moved.clone()));
        assert!(fleet.targets[0].0.manifest("prod/web", &moved).is_some());
    }
}

#[tokio::test]
async fn a_sync_moves_no_promoted_tag_and_says_which() {
    let fleet = mk_fleet(1, Habits::default()).await;
    for version in ["v1", "v2"] {
        mk_image(&fleet.source, Some(version), &[mk_bytes(1000)]);
    }
    fleet.targets[0].0.add_manifest("prod/web", Some("v1"), MANIFEST, "{}");
    let targets = [mk_place(&fleet.targets[0].1, "prod/web").into()];
    let synced = fleet.copier.sync(&fleet.place, &targets, Moves::Never, |_| true, &|_| {}).await.unwrap();
    let failed: Vec<_> =
        synced.targets[0].failed.iter().map(|(tag, error)| (tag.as_str(), error.kind())).collect();
    assert_eq!((synced.targets[0].copied, failed), (1, vec![("v1", Kind::Forbidden)]));
    // One that is gone from the source since it was listed fails nobody.
    fleet.source.script(|request| {
        let gone = request.path.ends_with("/manifests/v2");
        if gone { Scripted::Instead(respond(404, &[], "")) } else { Scripted::Pass }
    });
    let synced = fleet.copier.sync(&fleet.place, &targets, Moves::Freely, |_| true, &|_| {}).await.unwrap();
    assert_eq!((synced.targets[0].copied, synced.targets[0].failed.len()), (1, 0));
}
