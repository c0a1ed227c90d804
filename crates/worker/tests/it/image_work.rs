//! Work on registries: each target on its own, to its end whatever happens to the servers, and not beyond an abort.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use plimsoll_core::caller::{Caller, Role};
use plimsoll_core::error::{Error, Kind};
use plimsoll_core::fold::OperationState;
use plimsoll_core::image::ErrorKind;
use plimsoll_core::name::OperationId;
use plimsoll_core::record::key;
use plimsoll_core::usecase::{
    CopyImage, ImageRequest, Mode, OperationFilter, PageRequest, Steering, SyncImages, VerifyImages, Write,
};
use plimsoll_core::view::{AnyOperation, ImageAccepted, ImageOperationView, ImageTargetState, PlannedTarget};
use plimsoll_ledger::MemoryLedger;
use plimsoll_ledger::faults::{Call, FaultLedger};
use serde_json::json;

use crate::support::fake_registry::{QA, SIZE};
use crate::support::{Bed, FakeRegistry, ann, write};

const ONE: &str = "dc-1.example.com";
const TWO: &str = "dc-2.example.com";

fn copy_of(tag: &str) -> ImageRequest {
    ImageRequest::Copy(CopyImage { image: format!("{QA}:{tag}"), ..CopyImage::default() })
}

fn sync(tags: &[&str]) -> ImageRequest {
    let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    ImageRequest::Sync(SyncImages { repository: QA.to_owned(), tags, ..SyncImages::default() })
}

async fn begin(bed: &Bed, request: &ImageRequest, id: &str) -> ImageOperationView {
    bed.plimsoll.begin_image_work(&ann(), request, write(id)).await.unwrap().operation.unwrap()
}

async fn look(bed: &Bed, id: OperationId) -> ImageOperationView {
    bed.plimsoll.operation(&ann(), id).await.unwrap().of_images().unwrap()
}

/// Follows it until `enough`, at most an hour of virtual time.
async fn until(
    bed: &Bed,
    id: OperationId,
    enough: impl Fn(&ImageOperationView) -> bool,
) -> ImageOperationView {
    let mut views = bed.plimsoll.watch_operation(&ann(), id).await.unwrap();
    let mut last = None;
    let found = tokio::time::timeout(Duration::from_hours(1), async {
        while let Some(view) = views.next().await {
            let view = view.unwrap().of_images().unwrap();
            if enough(&view) {
                return Some(view);
            }
            last = Some(view);
        }
        None
    });
    let Ok(Some(found)) = found.await else { panic!("it never came to that; it stands at {last:#?}") };
    found
}

async fn ended(bed: &Bed, id: OperationId) -> ImageOperationView {
    until(bed, id, |view| view.state.is_final()).await
}

async fn say(bed: &Bed, id: OperationId, steering: Steering) -> Result<ImageAccepted, Error> {
    let write = Write { reason: Some("the line".to_owned()), ..write(&format!("{steering:?}-{id}")) };
    Ok(bed.plimsoll.steer_operation(&ann(), id, steering, write).await?.of_images().unwrap())
}

/// State and bytes sent at each target.
fn targets(view: &ImageOperationView) -> Vec<String> {
    let sent = |sent: Option<u64>| sent.map_or_else(|| "-".to_owned(), |sent| sent.to_string());
    let line = |target: &plimsoll_core::view::ImageTargetView| {
        format!("{} {:?} {}", target.name, target.state, sent(target.sent))
    };
    view.targets.iter().map(line).collect()
}

#[tokio::test(start_paused = true)]
async fn an_image_is_copied_to_every_data_center_that_has_a_registry_and_no_byte_twice() {
    let (bed, registry) = Bed::with_registries().await;
    let image = registry.push(QA, "1.4", 1);
    let accepted = bed.plimsoll.begin_image_work(&ann(), &copy_of("1.4"), write("copy")).await.unwrap();
    assert_eq!(accepted.notes, [format!("{QA}:1.4 is {image}, which is what is meant from now on")]);
    let id = accepted.operation.unwrap().id;
    let view = ended(&bed, id).await;
    assert_eq!((view.state, view.message), (OperationState::Succeeded, None));
    assert_eq!(targets(&look(&bed, id).await), ["dc-1 Done 1000", "dc-2 Done 1000"]);
    let copies = [format!("{QA} -> {ONE}/shop"), format!("{QA} -> {TWO}/mirror/shop")];
    assert_eq!(registry.copies(), copies);
    // Its repeat is the same Operation, wherever the tag points by then; another one has nothing to send.
    registry.push(QA, "1.4", 1);
    let again = bed.plimsoll.begin_image_work(&ann(), &copy_of("1.4"), write("copy")).await.unwrap();
    assert_eq!((again.operation.unwrap().id, again.notes), (id, accepted.notes));
    let second = begin(&bed, &copy_of("1.4"), "again").await;
    assert_eq!(targets(&ended(&bed, second.id).await), ["dc-1 Done 0", "dc-2 Done 0"]);
    assert_eq!(registry.copies(), copies);
    let other = bed.plimsoll.begin_image_work(&ann(), &sync(&[]), write("copy")).await.unwrap_err();
    assert_eq!(other.reason, "REQUEST_ID_REUSED");
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_is_checked_before_anything_is_written() {
    let (bed, registry) = Bed::with_registries().await;
    let image = registry.push(QA, "1.4", 1);
    let refused = async |request: &ImageRequest, by: Role| {
        let caller = Caller { role: by, ..ann() };
        let error = bed.plimsoll.begin_image_work(&caller, request, write("check")).await.unwrap_err();
        (error.kind, error.reason)
    };
    assert_eq!(
        refused(&copy_of("1.4"), Role::Developer).await,
        (Kind::PermissionDenied, "PERMISSION_DENIED")
    );
    assert_eq!(refused(&copy_of("1.5"), Role::Operator).await, (Kind::NotFound, "IMAGE_NOT_FOUND"));
    registry.silence("qa.example.com", Some(ErrorKind::Unreachable));
    assert_eq!(refused(&copy_of("1.4"), Role::Operator).await, (Kind::Unavailable, "REGISTRY_UNAVAILABLE"));
    // By its digest nobody has to be asked, and another data center may have it.
    registry.push(&format!("{ONE}/shop"), "1.4", 1);
    let pinned = ImageRequest::Copy(CopyImage { image: format!("{QA}:1.4@{image}"), ..CopyImage::default() });
    let view = begin(&bed, &pinned, "pinned").await;
    assert_eq!(targets(&ended(&bed, view.id).await), ["dc-1 Done 0", "dc-2 Done 1000"]);
    assert_eq!(registry.copies(), [format!("{ONE}/shop -> {TWO}/mirror/shop")]);

    let without = Bed::new().await;
    let error = without.plimsoll.begin_image_work(&ann(), &copy_of("1.4"), write("none")).await.unwrap_err();
    assert_eq!(error.reason, "NO_REGISTRIES");
}

#[tokio::test(start_paused = true)]
async fn a_plan_says_what_each_target_lacks_and_changes_nothing() {
    let (bed, registry) = Bed::with_registries().await;
    registry.push(QA, "1.4", 1);
    registry.push(QA, "1.5", 2);
    registry.push(&format!("{ONE}/shop"), "1.4", 1);
    registry.silence(TWO, Some(ErrorKind::Unreachable));
    let before = bed.ledger.range(&plimsoll_core::ledger::Range::prefix("")).await.unwrap().revision;
    let plan = async |request: ImageRequest| {
        let write = Write { mode: Mode::Validate, ..write("plan") };
        let accepted = bed.plimsoll.begin_image_work(&ann(), &request, write).await.unwrap();
        assert_eq!(accepted.operation, None);
        accepted.plan
    };
    let lacking = |name: &str, at: &str, bytes, tags| PlannedTarget {
        name: name.to_owned(),
        at: at.parse().unwrap(),
        bytes,
        tags,
        message: bytes.is_none().then(|| format!("the registry {TWO} does not answer: scripted")),
    };
    let two = || lacking("dc-2", &format!("{TWO}/mirror/shop"), None, None);
    let copy = plan(copy_of("1.4")).await.unwrap();
    assert_eq!((copy.bytes, copy.evidence), (Some(SIZE), Some(1)));
    assert_eq!(copy.targets, [lacking("dc-1", &format!("{ONE}/shop"), Some(0), None), two()]);
    let sync = plan(sync(&[])).await.unwrap();
    assert_eq!(sync.targets, [lacking("dc-1", &format!("{ONE}/shop"), Some(SIZE), Some((2, 1))), two()]);
    let looked = VerifyImages { subject: QA.to_owned(), ..VerifyImages::default() };
    assert_eq!(plan(ImageRequest::Verify(looked)).await, None);
    let after = bed.ledger.range(&plimsoll_core::ledger::Range::prefix("")).await.unwrap().revision;
    assert_eq!((before, registry.copies()), (after, vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_is_down_delays_no_other_and_is_given_up_after_a_while() {
    let (bed, registry) = Bed::with_registries().await;
    registry.push(QA, "1.4", 1);
    registry.silence(ONE, Some(ErrorKind::Unreachable));
    let begun = tokio::time::Instant::now();
    let id = begin(&bed, &copy_of("1.4"), "copy").await.id;
    let view = until(&bed, id, |view| view.targets[1].state == ImageTargetState::Done).await;
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(view.state, OperationState::Running);
    let message = format!("the registry {ONE} does not answer: scripted");
    let view = until(&bed, id, |view| view.targets[0].message.is_some()).await;
    assert_eq!(
        (view.targets[0].state, view.targets[0].reason.as_deref(), view.targets[0].message.as_deref()),
        (
            ImageTargetState::Running,
            Some("RegistryUnreachable"),
            Some(format!("{message}; it is tried again").as_str())
        )
    );
    let view = ended(&bed, id).await;
    assert_eq!(targets(&view), ["dc-1 Failed 0", "dc-2 Done 1000"]);
    assert_eq!((view.state, view.message), (OperationState::Failed, Some(format!("dc-1: {message}"))));

    // One that is back before it is given up has it.
    registry.push(QA, "1.5", 2);
    let id = begin(&bed, &copy_of("1.5"), "later").await.id;
    until(&bed, id, |view| view.targets[0].message.is_some()).await;
    registry.silence(ONE, None);
    assert_eq!(targets(&ended(&bed, id).await), ["dc-1 Done 1000", "dc-2 Done 1000"]);
}

#[tokio::test(start_paused = true)]
async fn the_successor_of_a_killed_server_goes_on_with_what_is_open_alone() {
    let (bed, registry) = Bed::with_registries().await;
    registry.push(QA, "1.4", 1);
    registry.silence(TWO, Some(ErrorKind::Unreachable));
    let id = begin(&bed, &copy_of("1.4"), "copy").await.id;
    until(&bed, id, |view| {
        view.targets[0].state == ImageTargetState::Done && view.targets[1].message.is_some()
    })
    .await;
    bed.kill().await;
    registry.silence(TWO, None);
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(look(&bed, id).await.state, OperationState::Running, "nobody works on it");
    bed.run();
    assert_eq!(targets(&ended(&bed, id).await), ["dc-1 Done 1000", "dc-2 Done 1000"]);
    assert_eq!(registry.copies(), [format!("{QA} -> {ONE}/shop"), format!("{QA} -> {TWO}/mirror/shop")]);
}

#[tokio::test(start_paused = true)]
async fn an_abort_ends_it_at_once() {
    let (bed, registry) = Bed::with_registries().await;
    registry.push(QA, "1.4", 1);
    registry.stop_halfway();
    let id = begin(&bed, &copy_of("1.4"), "copy").await.id;
    let view = until(&bed, id, |view| view.targets.iter().all(|target| target.advance.is_some())).await;
    assert_eq!(view.targets[0].advance.map(|advance| advance.bytes.done), Some(SIZE / 2));
    for (steering, reason) in [(Steering::Pause, "NOTHING_TO_PAUSE"), (Steering::Resume, "NOTHING_TO_RESUME")]
    {
        assert_eq!(say(&bed, id, steering).await.unwrap_err().reason, reason);
    }
    let dora = Caller { name: "dora".to_owned(), role: Role::Developer };
    let denied = bed.plimsoll.steer_operation(&dora, id, Steering::Abort, write("dora")).await.unwrap_err();
    assert_eq!(denied.kind, Kind::PermissionDenied);

    let accepted = say(&bed, id, Steering::Abort).await.unwrap();
    let notes = ["dc-1, dc-2: not done; no tag points to what is not whole"];
    assert_eq!(accepted.notes, notes);
    let view = accepted.operation.unwrap();
    assert_eq!(targets(&view), ["dc-1 Aborted -", "dc-2 Aborted -"]);
    assert_eq!(view.message.as_deref(), Some(format!("aborted by ann (the line); {}", notes[0]).as_str()));
    // It is gone before anything else arrives.
    tokio::time::sleep(Duration::from_secs(1)).await;
    registry.go_on();
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(registry.copies(), Vec::<String>::new());
    assert_eq!(look(&bed, id).await, view);
    assert_eq!(say(&bed, id, Steering::Abort).await.unwrap().notes, notes, "the repeat of a request");
    let ended = bed.plimsoll.steer_operation(&ann(), id, Steering::Abort, write("other")).await.unwrap_err();
    assert_eq!(ended.reason, "OPERATION_ENDED");
}

#[tokio::test(start_paused = true)]
async fn a_sync_brings_the_chosen_tags_moves_none_and_says_what_its_list_may_lack() {
    let (bed, registry) = Bed::with_registries().await;
    for (tag, version) in [("1.0", 1), ("1.1", 2), ("2.0", 3)] {
        registry.push(QA, tag, version);
    }
    // It was promoted as something else.
    registry.push(&format!("{TWO}/mirror/shop"), "1.1", 9);
    let first = ended(&bed, begin(&bed, &sync(&["1.*"]), "sync").await.id).await;
    assert_eq!(targets(&first), ["dc-1 Done 2000", "dc-2 Failed 1000"]);
    assert_eq!(first.targets[1].reason.as_deref(), Some("TagsNotCopied"));
    let tally = first.targets[1].tally.unwrap();
    assert_eq!((tally.total, tally.good, tally.copied, tally.bad), (2, 0, 1, 1));
    let why = format!("dc-2: 1.1: the registry {TWO} refuses it: the tag points elsewhere");
    assert_eq!((first.state, first.message), (OperationState::Failed, Some(why)));

    registry.cut_lists("the list of tags is incomplete, because exactly 100 came");
    let second = ended(&bed, begin(&bed, &sync(&["1.0"]), "again").await.id).await;
    assert_eq!(targets(&second), ["dc-1 Incomplete 0", "dc-2 Incomplete 0"]);
    let why = "dc-1, dc-2: the list of tags is incomplete, because exactly 100 came";
    assert_eq!((second.state, second.message.as_deref()), (OperationState::Failed, Some(why)));
}

#[tokio::test(start_paused = true)]
async fn a_verification_says_where_an_image_is_not_whole() {
    let (bed, registry) = Bed::with_registries().await;
    registry.push(QA, "1.4", 1);
    ended(&bed, begin(&bed, &copy_of("1.4"), "copy").await.id).await;
    let verify =
        ImageRequest::Verify(VerifyImages { subject: format!("{QA}:1.4"), ..VerifyImages::default() });
    let view = ended(&bed, begin(&bed, &verify, "verify").await.id).await;
    assert_eq!(targets(&view), ["dc-1 Done 0", "dc-2 Done 0", "qa.example.com Done 0"]);
    registry.lose(&format!("{TWO}/mirror/shop"), 1);
    let view = ended(&bed, begin(&bed, &verify, "later").await.id).await;
    assert_eq!(targets(&view), ["dc-1 Done 0", "dc-2 Failed 0", "qa.example.com Done 0"]);
    assert_eq!(view.targets[1].reason.as_deref(), Some("ImageNotWhole"));
    assert_eq!(view.message.as_deref(), Some("dc-2: it is not there"));
}

#[tokio::test(start_paused = true)]
async fn four_are_worked_on_at_a_time_and_the_others_wait_for_their_turn() {
    let (bed, registry) = Bed::with_registries().await;
    registry.stop_halfway();
    let mut ids = Vec::new();
    for version in 1..=5 {
        registry.push(QA, &version.to_string(), version);
        ids.push(begin(&bed, &copy_of(&version.to_string()), &format!("copy-{version}")).await.id);
    }
    tokio::time::sleep(Duration::from_mins(1)).await;
    let mut waiting = 0;
    for id in &ids {
        waiting += usize::from(look(&bed, *id).await.targets[0].state == ImageTargetState::Waiting);
    }
    assert_eq!(waiting, 1);
    registry.go_on();
    for id in ids {
        assert_eq!(ended(&bed, id).await.state, OperationState::Succeeded);
    }
}

#[tokio::test(start_paused = true)]
async fn operations_of_both_kinds_are_one_list_newest_first_page_by_page() {
    let registry = FakeRegistry::new();
    let faults = Arc::new(FaultLedger::new(Arc::new(MemoryLedger::new())));
    let bed = Bed::with(faults.clone(), Some(registry.images())).await;
    let mut expected = Vec::new();
    for version in 1..=4 {
        let published = bed.apply(version, &json!({})).await;
        bed.until(published.id, |view| view.state.is_final()).await;
        registry.push(QA, &version.to_string(), version);
        let copied = begin(&bed, &copy_of(&version.to_string()), &format!("copy-{version}")).await;
        ended(&bed, copied.id).await;
        expected.splice(0..0, [copied.id, published.id]);
    }
    let list = async |filter: OperationFilter, size: u32| {
        let (mut ids, mut token, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = PageRequest { size: Some(size), token };
            let page = bed.plimsoll.operations(&ann(), filter.clone(), page).await.unwrap();
            for view in &page.items {
                assert_eq!(*view, bed.plimsoll.operation(&ann(), view.id()).await.unwrap());
            }
            ids.extend(page.items.iter().map(AnyOperation::id));
            pages += 1;
            token = page.next;
            if token.is_none() {
                return (ids, pages);
            }
        }
    };
    for (size, pages) in [(1, 8), (3, 3), (7, 2), (8, 1), (500, 1)] {
        assert_eq!(list(OperationFilter::default(), size).await, (expected.clone(), pages), "{size}");
    }
    let of_shop = OperationFilter { app: Some(crate::support::shop()) };
    let apps: Vec<_> = expected.iter().skip(1).step_by(2).copied().collect();
    assert_eq!(list(of_shop, 500).await.0, apps);
    let reads = (faults.count(Call::Range, "operations/"), faults.count(Call::Range, key::IMAGE_OPERATIONS));
    let page = PageRequest { size: Some(2), token: None };
    bed.plimsoll.operations(&ann(), OperationFilter::default(), page).await.unwrap();
    assert_eq!((reads.0.get(), reads.1.get()), (1, 1), "one page of each");
    bed.kill().await;
}

#[tokio::test(start_paused = true)]
async fn what_ended_is_forgotten_after_thirty_days_and_what_goes_on_is_not() {
    let (bed, registry) = Bed::with_registries().await;
    registry.push(QA, "1.4", 1);
    let id = begin(&bed, &copy_of("1.4"), "copy").await.id;
    ended(&bed, id).await;
    registry.push(QA, "1.5", 2);
    registry.stop_halfway();
    let open = begin(&bed, &copy_of("1.5"), "open").await.id;
    bed.pass(Duration::from_hours(29 * 24)).await;
    assert_eq!(look(&bed, id).await.state, OperationState::Succeeded);
    bed.pass(Duration::from_hours(48)).await;
    let gone = bed.plimsoll.operation(&ann(), id).await.unwrap_err();
    assert_eq!(gone.reason, "OPERATION_NOT_FOUND");
    assert_eq!(look(&bed, open).await.state, OperationState::Running);
    let left =
        bed.ledger.range(&plimsoll_core::ledger::Range::prefix(key::image_operation(id))).await.unwrap();
    assert_eq!(left.entries, []);
    registry.go_on();
    ended(&bed, open).await;
}
