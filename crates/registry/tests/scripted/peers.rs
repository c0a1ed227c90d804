use std::sync::atomic::{AtomicBool, Ordering};

use plimsoll_registry::{Kind, Place};
use plimsoll_scripted_registry::{Habits, Scripted, ScriptedRegistry, broken_off, respond};

use crate::copies::{digest, mk_fleet, mk_image, mk_place, mk_target};
use crate::mk::{mk_bytes, mk_registry};

/// Another data center's registry that has the same image.
async fn mk_peer(layer: &[u8]) -> (ScriptedRegistry, Place) {
    let (server, client) = mk_registry(Habits::default()).await;
    mk_image(&server, Some("1.4"), &[layer.to_vec()]);
    (server, mk_place(&client, "shop/web"))
}

#[tokio::test]
async fn a_source_that_goes_down_in_the_middle_is_followed_by_a_peer_from_the_byte_it_broke_at() {
    let fleet = mk_fleet(2, Habits::default()).await;
    let layer = mk_bytes(300_000);
    let root = mk_image(&fleet.source, None, std::slice::from_ref(&layer));
    let (peer, place) = mk_peer(&layer).await;
    let targets = fleet.targets.iter().map(|(_, client)| mk_target(client, "1.4")).collect();
    let plan = fleet.copier.plan_from(&[fleet.place.clone(), place], &digest(&root), targets).await.unwrap();
    assert_eq!(plan.sources()[0].registry.host(), fleet.place.registry.host());
    peer.take_journal();
    let (large, broke) = (plimsoll_scripted_registry::digest(&layer), AtomicBool::new(false));
    let bytes = bytes::Bytes::from(layer.clone());
    fleet.source.script(move |request| {
        let is_first = request.path.ends_with(&large) && !broke.swap(true, Ordering::Relaxed);
        Scripted::Instead(if is_first { broken_off(&bytes, 100_000) } else { respond(503, &[], "") })
    });
    for result in fleet.copier.run(&plan, &|_| {}).await {
        result.unwrap();
    }
    for (target, _) in &fleet.targets {
        assert_eq!(target.tag("prod/web", "1.4").as_deref(), root["digest"].as_str());
    }
    let ranges: Vec<Option<String>> = peer
        .take_journal()
        .iter()
        .filter(|request| request.path.ends_with(&plimsoll_scripted_registry::digest(&layer)))
        .map(|request| request.header("range").map(str::to_owned))
        .collect();
    assert_eq!(ranges, [Some("bytes=100000-".to_owned())]);
}

#[tokio::test]
async fn a_source_that_gives_other_bytes_is_followed_by_a_peer_from_the_first() {
    let fleet = mk_fleet(1, Habits::default()).await;
    let layer = mk_bytes(300_000);
    let root = mk_image(&fleet.source, None, std::slice::from_ref(&layer));
    let (_peer, place) = mk_peer(&layer).await;
    let large = plimsoll_scripted_registry::digest(&layer);
    fleet.source.script(move |request| {
        let other = vec![7; 300_000];
        if request.path.ends_with(&large) {
            Scripted::Instead(respond(200, &[], other))
        } else {
            Scripted::Pass
        }
    });
    let targets = vec![mk_target(&fleet.targets[0].1, "1.4")];
    let plan = fleet.copier.plan_from(&[fleet.place.clone(), place], &digest(&root), targets).await.unwrap();
    fleet.copier.run(&plan, &|_| {}).await.remove(0).unwrap();
    let arrived = fleet.targets[0].0.blob("prod/web", &plimsoll_scripted_registry::digest(&layer));
    assert_eq!(arrived.as_deref(), Some(layer.as_slice()));
}

#[tokio::test]
async fn a_source_that_is_down_is_passed_over_and_why_none_gives_it_is_told() {
    let fleet = mk_fleet(1, Habits::default()).await;
    let layer = mk_bytes(1000);
    let root = digest(&mk_image(&fleet.source, None, std::slice::from_ref(&layer)));
    let (peer, place) = mk_peer(&layer).await;
    let sources = [fleet.place.clone(), place];
    fleet.source.script(|_| Scripted::Instead(respond(503, &[], "")));
    let target = || vec![mk_target(&fleet.targets[0].1, "1.4")];
    let plan = fleet.copier.plan_from(&sources, &root, target()).await.unwrap();
    assert_eq!(plan.sources()[0].registry.host(), sources[1].registry.host());
    fleet.copier.run(&plan, &|_| {}).await.remove(0).unwrap();

    // One that has it and cannot be asked says more than one that answers that it does not.
    peer.script(|_| Scripted::Instead(respond(404, &[], "")));
    let mut turned = sources.clone();
    turned.reverse();
    for sources in [&sources, &turned] {
        let error = fleet.copier.plan_from(sources, &root, target()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Unavailable, "{error}");
    }
    let error = fleet.copier.plan_from(&[], &root, target()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid, "{error}");
}
