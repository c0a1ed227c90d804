//! Images: tags that become digests, where each data center pulls from, and that they are there first.

use std::time::Duration;

use plimsoll_core::caller::{Caller, Role};
use plimsoll_core::cluster::Want;
use plimsoll_core::error::{Error, Kind, Violation};
use plimsoll_core::fold::OperationState;
use plimsoll_core::image::{Bytes, ErrorKind};
use plimsoll_core::record::OutcomeState;
use plimsoll_core::scale::Replication;
use plimsoll_core::usecase::{Mode, PageRequest, ScaleChange, Steering, TakeScale, Write};
use plimsoll_core::view::{Accepted, ImagesState, OperationView, OutcomeView};
use serde_json::{Value, json};

use crate::support::fake_registry::{QA, SIZE};
use crate::support::{Bed, ann, document, shop, write};

/// The App with this image.
fn of_image(image: &str) -> Value {
    let mut document = document(1, &json!({}));
    document["spec"]["image"] = json!(image);
    document
}

async fn apply(bed: &Bed, document: &Value, request: &str) -> Result<Accepted, Error> {
    bed.plimsoll.apply(&ann(), document, TakeScale::No, write(request)).await
}

fn told(error: &Error) -> Vec<String> {
    let line = |Violation { path, message, remedy, .. }: &Violation| format!("{path}: {message}; {remedy}");
    error.violations.iter().map(line).collect()
}

#[tokio::test(start_paused = true)]
async fn a_tag_is_resolved_once_and_the_digest_is_what_runs() {
    let (bed, registry) = Bed::with_registries().await;
    let first = registry.push(QA, "1.4", 1);
    let accepted = apply(&bed, &of_image(&format!("{QA}:1.4")), "one").await.unwrap();
    assert_eq!(accepted.notes, [format!("{QA}:1.4 is {first}, which is what runs")]);
    let second = registry.push(QA, "1.4", 2);
    bed.ended(accepted).await;
    for dc in &bed.dcs {
        let Some(Want::Run { content, .. }) = dc.what_it_has(&shop()) else { panic!("it is to run") };
        assert_eq!(content.main.image.to_string(), format!("{QA}:1.4@{first}"));
    }
    let history = bed.plimsoll.history(&ann(), &shop(), PageRequest::default()).await.unwrap();
    assert_eq!(history.items[0].image, format!("{QA}:1.4@{first}"));
    // Asked again it is another image, and so another Release.
    let accepted = apply(&bed, &of_image(&format!("{QA}:1.4")), "two").await.unwrap();
    assert_eq!(
        accepted.notes,
        [
            format!("{QA}:1.4 is {second}, which is what runs"),
            format!("{QA}:1.4 was {first} in release 1: somebody moved the tag; releases keep what they had"),
        ]
    );
    assert_eq!(bed.ended(accepted).await.release.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_resolved_is_told_with_all_that_is_wrong_beside_it() {
    let (bed, registry) = Bed::with_registries().await;
    registry.push(QA, "1.4", 1);
    let mut document = of_image(&format!("{QA}:1.5"));
    let size = json!({"cpu": "1", "memory": "1Gi"});
    document["spec"]["sidecars"] = json!([
        {"name": "log", "image": format!("{QA}:1.4"), "size": size},
        {"name": "proxy", "image": "elsewhere.example.com/proxy:3", "size": size},
    ]);
    document["spec"]["user"] = json!("root");
    let error = apply(&bed, &document, "bad").await.unwrap_err();
    assert_eq!(error.kind, Kind::Invalid);
    let told = told(&error);
    let remedy = "write REPOSITORY:TAG@sha256:DIGEST; `docker buildx imagetools inspect` shows the digest; a tag is \
                  enough for images of dc-1.example.com, dc-2.example.com, qa.example.com";
    let expected = [
        format!("spec.sidecars[1].image: the image is not pinned by digest; {remedy}"),
        format!("spec.image: {QA} has no tag 1.5; push it, or write a tag that is there"),
    ];
    for expected in expected {
        assert!(told.contains(&expected), "{told:#?}");
    }
    assert!(told.iter().any(|line| line.starts_with("spec.user: ")), "{told:#?}");
    assert!(!told.iter().any(|line| line.starts_with("spec.sidecars[0]")), "{told:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_registry_stands_against_tags_alone() {
    let (bed, registry) = Bed::with_registries().await;
    let digest = registry.push(QA, "1.4", 1);
    let tagged = of_image(&format!("{QA}:1.4"));
    for (kind, remedy) in [
        (
            ErrorKind::Unreachable,
            "does not answer: scripted; try again, or write qa.example.com/shop:1.4@sha256:DIGEST, which nobody has \
             to be asked for",
        ),
        (
            ErrorKind::Refused,
            "refuses it: scripted; an operator gives `user` and `passwordFile` for qa.example.com under \
             [[registries]] in plimsoll.toml; or write qa.example.com/shop:1.4@sha256:DIGEST",
        ),
    ] {
        registry.silence("qa.example.com", Some(kind));
        let error = apply(&bed, &tagged, "silent").await.unwrap_err();
        assert_eq!((error.kind, error.reason), (Kind::Unavailable, "REGISTRY_UNAVAILABLE"));
        let why =
            format!("spec.image: what {QA}:1.4 points to is not known: the registry qa.example.com {remedy}");
        assert_eq!(told(&error), [why]);
    }
    let accepted = apply(&bed, &of_image(&format!("{QA}:1.4@{digest}")), "pinned").await.unwrap();
    assert_eq!((accepted.operation.is_some(), accepted.notes), (true, vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_repeat_gets_the_first_answer_wherever_the_tag_points_by_then() {
    let (bed, registry) = Bed::with_registries().await;
    registry.push(QA, "1.4", 1);
    let tagged = of_image(&format!("{QA}:1.4"));
    let first = apply(&bed, &tagged, "same").await.unwrap();
    registry.push(QA, "1.4", 2);
    let again = apply(&bed, &tagged, "same").await.unwrap();
    registry.silence("qa.example.com", Some(ErrorKind::Unreachable));
    let silent = apply(&bed, &tagged, "same").await.unwrap();
    let id = |accepted: &Accepted| accepted.operation.as_ref().unwrap().id;
    assert_eq!((id(&again), id(&silent)), (id(&first), id(&first)));
    assert_eq!((&again.notes, &again.sizes), (&first.notes, &first.sizes));
    assert_eq!((&silent.notes, &silent.sizes), (&first.notes, &first.sizes));
    let other = apply(&bed, &of_image(&format!("{QA}:1.5")), "same").await.unwrap_err();
    assert_ne!(other.kind, Kind::Internal);
}

#[tokio::test(start_paused = true)]
async fn each_data_center_pulls_from_what_is_its_own() {
    let (bed, registry) = Bed::with_registries().await;
    registry.push(QA, "1.4", 1);
    let accepted = apply(&bed, &of_image(&format!("{QA}:1.4")), "one").await.unwrap();
    bed.ended(accepted).await;
    let pulled = |n: usize| {
        let Some(Want::Run { content, pulls, .. }) = bed.dcs[n].what_it_has(&shop()) else {
            panic!("it is to run")
        };
        let image = &content.main.image;
        pulls
            .map_or_else(|| image.pinned(), |pulls| pulls.pinned(image))
            .split('@')
            .next()
            .unwrap()
            .to_owned()
    };
    assert_eq!([0, 1, 2].map(pulled), ["dc-1.example.com/shop", "dc-2.example.com/mirror/shop", QA]);
}

/// The document of this version, by digest, with this publish policy.
fn pinned(version: u8, publish: &Value) -> Value {
    let mut document = document(version, publish);
    let image = document["spec"]["image"].as_str().unwrap().replace("registry.example.com/shop", QA);
    document["spec"]["image"] = json!(image);
    document
}

async fn publish(bed: &Bed, version: u8, publish: &Value) -> OperationView {
    let accepted =
        apply(bed, &pinned(version, publish), &format!("publish-{version}-{publish}")).await.unwrap();
    accepted.operation.unwrap()
}

/// State and reason of the outcomes.
fn standing(view: &OperationView) -> Vec<String> {
    let line = |dc: &OutcomeView| format!("{:?} {}", dc.state, dc.reason.as_deref().unwrap_or("-"));
    view.dcs.iter().map(line).collect()
}

const IMAGES: [&str; 3] = ["dc-1.example.com/shop", "dc-2.example.com/mirror/shop", QA];

#[tokio::test(start_paused = true)]
async fn what_is_whole_where_it_is_needed_is_looked_at_once_and_not_copied() {
    let (bed, registry) = Bed::with_registries().await;
    for home in IMAGES {
        registry.push(home, "1", 1);
    }
    let operation = publish(&bed, 1, &json!({})).await;
    let end = bed.until(operation.id, |view| view.state.is_final()).await;
    assert_eq!((end.state, registry.copies(), registry.looks()), (OperationState::Succeeded, vec![], 3));
    let scale = ScaleChange { size: Some(Replication::Fixed(5)), dcs: Vec::new(), placement: None };
    bed.ended(bed.plimsoll.scale(&ann(), &shop(), scale, write("scale")).await.unwrap()).await;
    bed.ended(bed.plimsoll.restart(&ann(), &shop(), write("restart")).await.unwrap()).await;
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(registry.looks(), 3, "nobody asks for what runs");
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_copied_first_as_a_step_that_everybody_sees() {
    let (bed, registry) = Bed::with_registries().await;
    registry.push(QA, "1", 1);
    registry.stop_halfway();
    let operation = publish(&bed, 1, &json!({})).await;
    let seen = bed
        .until(operation.id, |view| {
            let copies = |n: usize| view.dcs[n].reason.as_deref() == Some("ImageNotThere");
            view.dcs[2].state == OutcomeState::Healthy && copies(0) && copies(1)
        })
        .await;
    assert_eq!(standing(&seen), ["Waiting ImageNotThere", "Waiting ImageNotThere", "Healthy -"]);
    let images = seen.dcs[0].images.clone().unwrap();
    let half = Bytes { done: SIZE / 2, total: SIZE };
    assert_eq!((images.state, images.bytes), (ImagesState::Copying, Some(half)));
    let why = "dc-1.example.com/shop@010101010101 is not whole there; it is copied first";
    assert_eq!((images.message.as_deref(), seen.dcs[0].message.as_deref()), (Some(why), Some(why)));
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!((bed.dcs[0].puts().len(), bed.dcs[1].puts().len()), (0, 0), "nothing before its image");
    registry.go_on();
    let end = bed.until(operation.id, |view| view.state.is_final()).await;
    assert_eq!(end.state, OperationState::Succeeded);
    assert_eq!(end.dcs[0].images.as_ref().unwrap().state, ImagesState::Whole);
    let mut copies = registry.copies();
    copies.sort();
    assert_eq!(copies, [format!("{QA} -> {}", IMAGES[0]), format!("{QA} -> {}", IMAGES[1])]);
}

#[tokio::test(start_paused = true)]
async fn a_restart_in_the_middle_of_a_copy_goes_on_from_the_ledger() {
    let (bed, registry) = Bed::with_registries().await;
    registry.push(QA, "1", 1);
    registry.stop_halfway();
    let operation = publish(&bed, 1, &json!({"order": [["dc-1"]]})).await;
    bed.until(operation.id, |view| view.dcs[0].reason.is_some()).await;
    bed.kill().await;
    let seen = bed.plimsoll.operation(&ann(), operation.id).await.unwrap().of_app().unwrap();
    assert_eq!(standing(&seen), ["Waiting ImageNotThere", "Waiting -", "Waiting -"]);
    registry.go_on();
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(registry.copies().is_empty(), "who was killed copies nothing");
    bed.run();
    let end = bed.until(operation.id, |view| view.state.is_final()).await;
    assert_eq!((end.state, registry.copies().len()), (OperationState::Succeeded, 2));
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_is_down_is_waited_for_by_its_own_data_center_alone() {
    for (kind, reason) in [
        (ErrorKind::Unreachable, "RegistryUnreachable"),
        (ErrorKind::Refused, "RegistryRefused"),
        (ErrorKind::Unsure, "RegistryUnsure"),
    ] {
        let (bed, registry) = Bed::with_registries().await;
        registry.push(QA, "1", 1);
        registry.silence("dc-1.example.com", Some(kind));
        let operation = publish(&bed, 1, &json!({"order": [["dc-1"]]})).await;
        let end = bed.until(operation.id, |view| view.state.is_final()).await;
        assert_eq!(end.state, OperationState::SucceededOwing, "{kind:?} {end:#?}");
        assert_eq!(standing(&end), [format!("Owed {reason}").as_str(), "Healthy -", "Healthy -"]);
        let why = end.dcs[0].message.as_deref().unwrap();
        assert!(why.starts_with("the registry dc-1.example.com "), "{why}");
        tokio::time::sleep(Duration::from_hours(1)).await;
        assert!(bed.dcs[0].puts().is_empty());
        registry.silence("dc-1.example.com", None);
        let settled = bed.settled(operation.id).await;
        assert_eq!(standing(&settled)[0], "Healthy -");
    }
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_only_registries_could_carry_on_says_so() {
    let (bed, registry) = Bed::with_registries().await;
    registry.push(QA, "1", 1);
    for host in ["qa.example.com", "dc-1.example.com", "dc-2.example.com"] {
        registry.silence(host, Some(ErrorKind::Unreachable));
    }
    let operation = publish(&bed, 1, &json!({})).await;
    let held = bed.until(operation.id, |view| view.state == OperationState::Held).await;
    assert_eq!(
        held.message.as_deref(),
        Some(
            "only dc-1, dc-2, dc-3 could still meet the publish policy: the registry dc-1.example.com does not answer: \
             scripted; it goes on by itself when that answers"
        )
    );
    for host in ["qa.example.com", "dc-1.example.com", "dc-2.example.com"] {
        registry.silence(host, None);
    }
    let end = bed.until(operation.id, |view| view.state.is_final()).await;
    assert_eq!(end.state, OperationState::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn an_image_that_is_nowhere_fails_and_is_looked_for_anew_when_told_to_go_on() {
    let (bed, registry) = Bed::with_registries().await;
    let operation = publish(&bed, 1, &json!({})).await;
    let held = bed.until(operation.id, |view| view.state == OperationState::Held).await;
    bed.until(operation.id, |view| standing(view) == ["Failed ImageNotFound"; 3]).await;
    let why = held.message.unwrap();
    assert!(why.contains("it is not in dc-1.example.com/shop, and none of qa.example.com/shop, "), "{why}");
    let looks = registry.looks();
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(registry.looks(), looks, "nobody looks until somebody says so");
    registry.push(QA, "1", 1);
    bed.plimsoll.steer_operation(&ann(), operation.id, Steering::Resume, write("resume")).await.unwrap();
    let end = bed.until(operation.id, |view| view.state.is_final()).await;
    assert_eq!((end.state, standing(&end)), (OperationState::Succeeded, vec!["Healthy -".to_owned(); 3]));
}

#[tokio::test(start_paused = true)]
async fn a_rollback_is_told_what_is_missing_and_waits_for_none_of_it() {
    let (bed, registry) = Bed::with_registries().await;
    for version in [1, 2] {
        registry.push(QA, &version.to_string(), version);
        let operation = publish(&bed, version, &json!({})).await;
        bed.until(operation.id, |view| view.state.is_final()).await;
    }
    registry.lose(IMAGES[0], 1);
    registry.silence("dc-2.example.com", Some(ErrorKind::Unreachable));
    registry.stop_halfway();
    let rollback = bed.plimsoll.rollback(&ann(), &shop(), None, write("back")).await.unwrap();
    let end = bed.ended(rollback).await;
    assert_eq!((end.state, Bed::outcomes(&end).len()), (OperationState::Succeeded, 3));
    let view = bed
        .until(end.id, |view| {
            let state = |n: usize| view.dcs[n].images.as_ref().map(|images| images.state);
            state(0) == Some(ImagesState::Copying) && state(1) == Some(ImagesState::Unknown)
        })
        .await;
    assert_eq!(view.dcs[2].images.as_ref().map(|images| images.state), Some(ImagesState::Whole));
    registry.go_on();
    let whole = format!("{QA} -> {}", IMAGES[0]);
    bed.eventually("the copy", || registry.copies().iter().filter(|copy| **copy == whole).count() == 3).await;
}

#[tokio::test(start_paused = true)]
async fn an_abort_ends_the_copy() {
    let (bed, registry) = Bed::with_registries().await;
    registry.push(QA, "1", 1);
    registry.stop_halfway();
    let operation = publish(&bed, 1, &json!({})).await;
    bed.until(operation.id, |view| view.dcs[0].reason.is_some() && view.dcs[1].reason.is_some()).await;
    bed.plimsoll.steer_operation(&ann(), operation.id, Steering::Abort, write("abort")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    registry.go_on();
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(registry.copies().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_image_that_a_kept_release_runs_is_not_removed_and_the_releases_are_named() {
    let (bed, registry) = Bed::with_registries().await;
    let olga = ann();
    for version in [1, 2, 3] {
        registry.push(QA, &version.to_string(), version);
    }
    for version in [1, 2] {
        let operation = publish(&bed, version, &json!({})).await;
        bed.until(operation.id, |view| view.state.is_final()).await;
    }
    let rollback = bed.plimsoll.rollback(&olga, &shop(), None, write("back")).await.unwrap();
    bed.ended(rollback).await;
    let home = |text: &str| text.parse().unwrap();
    let digest = |version: u8| crate::support::digest(version).parse().unwrap();
    let remove = async |at: &str, digest, request: &str| {
        bed.plimsoll.remove_image(&olga, &home(at), &digest, &write(request)).await
    };

    let error = remove(IMAGES[0], digest(1), "1").await.unwrap_err();
    assert_eq!((error.kind, error.reason), (Kind::Refused, "IMAGE_IN_USE"));
    assert_eq!(
        error.message,
        format!(
            "{}@{} is kept by release 1 of demo/shop, release 3 of demo/shop, which may be gone back to",
            IMAGES[0],
            crate::support::digest(1)
        )
    );
    let signature = registry.sign(QA, 2);
    let error = remove(QA, signature, "2").await.unwrap_err();
    assert_eq!(
        (error.reason, error.message.contains("release 2 of demo/shop")),
        ("IMAGE_IN_USE", true),
        "{error}"
    );
    registry.silence("qa.example.com", Some(ErrorKind::Unreachable));
    assert_eq!(remove(QA, digest(3), "3").await.unwrap_err().reason, "REGISTRY_UNAVAILABLE");
    registry.silence("qa.example.com", None);
    let only_checked = Write { mode: Mode::Validate, ..write("4") };
    let view = bed.plimsoll.remove_image(&olga, &home(QA), &digest(3), &only_checked).await.unwrap();
    assert_eq!(view.notes, ["nothing was removed: it would be"]);
    // The same request again removes nothing twice, and another finds nothing.
    let first = remove(QA, digest(3), "4").await.unwrap();
    assert_eq!(remove(QA, digest(3), "4").await.unwrap(), first);
    assert_eq!(remove(QA, digest(2), "4").await.unwrap_err().reason, "REQUEST_ID_REUSED");
    assert_eq!(remove(QA, digest(3), "5").await.unwrap_err().reason, "IMAGE_NOT_FOUND");
    let dora = Caller { role: Role::Developer, ..ann() };
    let error = bed.plimsoll.remove_image(&dora, &home(QA), &digest(2), &write("6")).await.unwrap_err();
    assert_eq!(error.kind, Kind::PermissionDenied);

    // Whoever deleted the App goes back to nothing of it.
    bed.ended(bed.plimsoll.delete(&olga, &shop(), write("delete")).await.unwrap()).await;
    assert!(bed.plimsoll.protected_images(&olga).await.unwrap().is_empty());
    remove(QA, digest(1), "7").await.unwrap();
}
