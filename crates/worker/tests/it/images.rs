//! Images: tags that become digests, and where each data center pulls from.

use plimsoll_core::cluster::Want;
use plimsoll_core::error::{Error, Kind, Violation};
use plimsoll_core::image::ErrorKind;
use plimsoll_core::usecase::{PageRequest, TakeScale};
use plimsoll_core::view::Accepted;
use serde_json::{Value, json};

use crate::support::fake_registry::QA;
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
    assert_eq!(accepted.notes, [format!("{QA}:1.4 is {second}, which is what runs")]);
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
