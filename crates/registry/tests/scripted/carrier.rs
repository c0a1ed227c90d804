//! Core's port to work that takes long, kept by the registries of an installation.

use std::sync::Mutex;
use std::time::Duration;

use plimsoll_core::digest::Digest;
use plimsoll_core::image::{
    Carrier as _, Copy, Delivered, Error, ErrorKind, Examination, Fan, Home, ImagePace, ImageRegistry as _,
    ImageTally, Mirroring, Step, TagChoice,
};
use plimsoll_scripted_registry::{Scripted, ScriptedRegistry, respond};

use crate::port::{Bed, layer};

/// How often a blob of a repository was read, by those who asked the registry.
fn blobs_read(server: &ScriptedRegistry) -> usize {
    let is_read = |request: &plimsoll_scripted_registry::Request| {
        request.method == "GET" && request.path.contains("/blobs/sha256:")
    };
    server.take_journal().iter().filter(|request| is_read(request)).count()
}

fn fan(bed: &Bed, digest: Digest, to: &[usize]) -> Fan {
    Fan {
        digest,
        from: bed.home(0, "shop/web"),
        peers: Vec::new(),
        to: to.iter().map(|server| bed.home(*server, "mirror/web")).collect(),
        tag: "1.4".parse().unwrap(),
        pace: ImagePace::default(),
    }
}

fn mirroring(bed: &Bed, to: &[usize], choice: TagChoice) -> Mirroring {
    let to: Vec<Home> = to.iter().map(|server| bed.home(*server, "mirror/web")).collect();
    Mirroring { source: bed.home(0, "shop/web"), choice, to, pace: ImagePace::default() }
}

/// What each target came to, in the order in which that was told.
#[derive(Default)]
struct Ends(Mutex<Vec<(usize, Result<Delivered, Error>)>>);

impl Ends {
    fn note(&self, target: usize, step: Step) {
        if let Step::Ended(result) = step {
            self.0.lock().unwrap().push((target, result));
        }
    }

    fn take(self) -> Vec<(usize, Result<Delivered, ErrorKind>)> {
        let ends = self.0.into_inner().unwrap();
        ends.into_iter().map(|(target, result)| (target, result.map_err(|error| error.kind))).collect()
    }
}

async fn copy(bed: &Bed, fan: &Fan) -> Vec<(usize, Result<Delivered, ErrorKind>)> {
    let ends = Ends::default();
    bed.port.copy(fan, &|target, step| ends.note(target, step)).await.unwrap();
    let mut ends = ends.take();
    ends.sort_by_key(|(target, _)| *target);
    ends
}

async fn sync(bed: &Bed, mirroring: &Mirroring) -> Vec<(usize, Result<Delivered, ErrorKind>)> {
    let ends = Ends::default();
    bed.port.sync(mirroring, &|target, step| ends.note(target, step)).await.unwrap();
    let mut ends = ends.take();
    ends.sort_by_key(|(target, _)| *target);
    ends
}

fn sent(sent: u64) -> Delivered {
    Delivered { sent, ..Delivered::default() }
}

#[tokio::test]
async fn an_image_is_read_once_for_all_targets_and_what_is_there_is_not_sent_again() {
    let bed = Bed::new(4).await;
    let (digest, bytes) = bed.add(0, "shop/web");
    bed.servers[0].take_journal();
    let fan = fan(&bed, digest, &[1, 2, 3]);
    let plan = bed.port.plan(&fan).await.unwrap();
    let lacking: Vec<u64> = plan.lacking.into_iter().map(Result::unwrap).collect();
    assert_eq!((plan.bytes, plan.evidence, lacking), (bytes, 0, vec![bytes; 3]));
    assert_eq!(blobs_read(&bed.servers[0]), 0, "a plan reads no blob");
    assert_eq!(copy(&bed, &fan).await, [(0, Ok(sent(bytes))), (1, Ok(sent(bytes))), (2, Ok(sent(bytes)))]);
    assert_eq!(blobs_read(&bed.servers[0]), 3, "a configuration and two layers");
    for server in &bed.servers[1..] {
        assert_eq!(server.tag("mirror/web", "1.4"), Some(digest.to_string()));
    }
    assert_eq!(copy(&bed, &fan).await, [(0, Ok(sent(0))), (1, Ok(sent(0))), (2, Ok(sent(0)))]);
    assert_eq!(blobs_read(&bed.servers[0]), 0);
}

#[tokio::test]
async fn a_dead_target_and_a_tag_that_points_elsewhere_delay_no_other() {
    let bed = Bed::new(4).await;
    let (digest, bytes) = bed.add(0, "shop/web");
    bed.servers[1].script(|_| Scripted::Instead(respond(503, &[], "")));
    let promoted = bed.servers[2].add_manifest("mirror/web", Some("1.4"), crate::mk::MANIFEST, "{}");
    let ends = copy(&bed, &fan(&bed, digest, &[1, 2, 3])).await;
    assert_eq!(ends, [(0, Err(ErrorKind::Unreachable)), (1, Err(ErrorKind::Refused)), (2, Ok(sent(bytes)))]);
    assert_eq!(bed.servers[2].tag("mirror/web", "1.4"), Some(promoted), "it was not moved");
    // Tried again by itself it costs nothing that the others have.
    bed.servers[1].unscript();
    assert_eq!(copy(&bed, &fan(&bed, digest, &[1])).await, [(0, Ok(sent(bytes)))]);
}

#[tokio::test]
async fn a_source_that_is_down_is_read_from_a_peer_and_else_named() {
    let bed = Bed::new(3).await;
    let (digest, bytes) = bed.add(0, "shop/web");
    bed.add(1, "mirror/web");
    bed.servers[0].script(|_| Scripted::Instead(respond(503, &[], "")));
    let alone = fan(&bed, digest, &[2]);
    let error = bed.port.copy(&alone, &|_, _| {}).await.unwrap_err();
    assert_eq!((error.kind, error.registry.to_string()), (ErrorKind::Unreachable, bed.servers[0].host()));
    let with_peer = Fan { peers: vec![bed.home(1, "mirror/web")], ..alone };
    assert_eq!(copy(&bed, &with_peer).await, [(0, Ok(sent(bytes)))]);
}

#[tokio::test]
async fn two_data_centers_that_need_an_image_at_once_read_it_once() {
    let bed = Bed::new(3).await;
    let (digest, bytes) = bed.add(0, "shop/web");
    bed.servers[0].take_journal();
    let errand =
        |server: usize| Copy { digest, from: bed.home(0, "shop/web"), to: bed.home(server, "mirror/web") };
    let (one, two) = (errand(1), errand(2));
    let ensured = tokio::join!(bed.port.ensure(&one, &|_| {}), bed.port.ensure(&two, &|_| {}));
    assert_eq!((ensured.0.unwrap().sent, ensured.1.unwrap().sent), (bytes, bytes));
    let journal = bed.servers[0].take_journal();
    let read = |part: &str| {
        journal.iter().filter(|request| request.method == "GET" && request.path.contains(part)).count()
    };
    // The manifest, and what refers to it.
    assert_eq!((read("/blobs/"), read("/manifests/")), (3, 2));
}

#[tokio::test]
async fn tags_are_brought_each_image_read_once_and_a_second_time_costs_two_questions_a_tag() {
    let bed = Bed::new(3).await;
    for tag in 0..20 {
        bed.add_tagged(0, "shop/web", &format!("1.{tag}"), 100 + tag);
    }
    bed.servers[0].take_journal();
    let all = mirroring(&bed, &[1, 2], TagChoice::default());
    let plan = bed.port.plan_sync(&all, Duration::from_secs(20)).await.unwrap();
    let lacking: Vec<_> = plan.into_iter().map(|plan| plan.unwrap()).collect();
    assert_eq!((lacking[0].tags, lacking[0].unchanged, lacking[0].incomplete.clone()), (20, 0, None));
    assert_eq!(blobs_read(&bed.servers[0]), 0);
    let ends = sync(&bed, &all).await;
    let tally = |good, copied| Some(ImageTally { total: 20, good, copied, bad: 0 });
    let expected = Delivered { sent: lacking[0].bytes, tally: tally(0, 20), ..Delivered::default() };
    assert_eq!(ends, [(0, Ok(expected.clone())), (1, Ok(expected))]);
    // Each has a layer of its own; the configuration is that of all.
    assert_eq!(blobs_read(&bed.servers[0]), 21);
    for server in &bed.servers[1..] {
        server.take_journal();
    }
    let again = Delivered { tally: tally(20, 0), ..Delivered::default() };
    assert_eq!(sync(&bed, &all).await, [(0, Ok(again.clone())), (1, Ok(again))]);
    // One page of tags, and one request a tag at the source for both targets together.
    let asked: Vec<usize> = bed.servers.iter().map(|server| server.take_journal().len()).collect();
    assert_eq!(asked, [21, 20, 20]);
}

#[tokio::test]
async fn a_sync_takes_what_is_chosen_and_says_what_its_list_may_lack() {
    let bed = Bed::new(2).await;
    for tag in ["1.8", "1.9", "1.10", "1.11-rc1", "2.0"] {
        bed.add_tagged(0, "shop/web", tag, 100);
    }
    let patterns = ["1.*", "!*-rc*"].map(|text| text.parse().unwrap()).to_vec();
    let choice = TagChoice { patterns, newest: Some(2) };
    let ends = sync(&bed, &mirroring(&bed, &[1], choice)).await;
    assert_eq!(ends[0].1.as_ref().unwrap().tally.map(|tally| tally.total), Some(2));
    let has = |tag: &str| bed.servers[1].tag("mirror/web", tag).is_some();
    assert_eq!(["1.8", "1.9", "1.10", "1.11-rc1", "2.0"].map(has), [false, true, true, false, false]);
    // A hundred, and nothing that leads on: where registries cut.
    for tag in 0..95 {
        bed.add_tagged(0, "shop/web", &format!("x{tag}"), 100);
    }
    let ends = sync(&bed, &mirroring(&bed, &[1], TagChoice::default())).await;
    let delivered = ends[0].1.as_ref().unwrap();
    assert_eq!(delivered.tally.map(|tally| tally.total), Some(100));
    let why = delivered.incomplete.as_deref().unwrap_or_default();
    assert!(why.starts_with("the list of tags is incomplete, because exactly 100 came"), "{why}");
}

#[tokio::test]
async fn a_verification_finds_what_is_missing_of_an_image_and_of_a_repository() {
    let bed = Bed::new(1).await;
    let at = bed.home(0, "shop/web");
    let (digest, _) = bed.add(0, "shop/web");
    bed.add_tagged(0, "shop/web", "1.5", 77);
    let look = async |image| {
        let examination = Examination { at: at.clone(), image, sample: 1 << 20 };
        let looked = bed.port.verify(&examination, &|_| {}).await.unwrap();
        let ImageTally { total, good, bad, .. } = looked.tally.unwrap();
        (total, good, bad, looked.trouble)
    };
    assert_eq!(look(Some(digest)).await, (1, 1, 0, None));
    assert_eq!(look(None).await, (2, 2, 0, None));
    let lost = layer(77);
    bed.servers[0].script({
        let lost = lost.clone();
        move |request| {
            let gone = request.path.ends_with(&format!("/blobs/{lost}"));
            if gone { Scripted::Instead(respond(404, &[], "")) } else { Scripted::Pass }
        }
    });
    let trouble = format!("1.5: 1 part of it is not there ({lost})");
    assert_eq!(look(None).await, (2, 1, 1, Some(trouble)));
    assert_eq!(look(Some(Digest::of_bytes(b"other"))).await, (1, 0, 1, Some("it is not there".to_owned())));
}
