//! Where an image is: what lies in the registries, which Releases keep it, and what runs.

use std::time::Duration;

use plimsoll_core::caller::{Caller, Role};
use plimsoll_core::error::Kind;
use plimsoll_core::image::{ErrorKind, Named, Sample};
use plimsoll_core::view::{PlaceState, PodsView, WhereaboutsView};
use serde_json::json;

use crate::support::fake_registry::QA;
use crate::support::{Bed, ann, digest, shop, write};

/// A line for each data center, and one for where it was named to lie if that is none of theirs.
fn told(view: &WhereaboutsView) -> Vec<String> {
    let there = view.there.iter().map(|place| format!("{} {:?}", place.home, place.state));
    let dcs = view.dcs.iter().map(|row| {
        let pods = match &row.pods {
            PodsView::Known(apps) => {
                let apps: Vec<String> = apps.iter().map(|of| format!("{}x{}", of.pods, of.app)).collect();
                apps.join(" ")
            }
            PodsView::Unknown(why) => format!("unknown: {why}"),
        };
        format!("{} {} {:?} {pods}", row.dc, row.place.home, row.place.state)
    });
    there.chain(dcs).collect()
}

async fn publish(bed: &Bed, version: u8) {
    let mut document = crate::support::document(version, &json!({}));
    document["spec"]["image"] = json!(format!("{QA}:{version}"));
    let take = plimsoll_core::usecase::TakeScale::No;
    let accepted = bed.plimsoll.apply(&ann(), &document, take, write(&format!("publish-{version}"))).await;
    bed.ended(accepted.unwrap()).await;
}

fn viewer() -> Caller {
    Caller { role: Role::Viewer, ..ann() }
}

fn named(text: &str) -> Named {
    text.parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_image_is_told_by_registry_by_release_and_by_pod() {
    let (bed, registry) = Bed::with_registries().await;
    registry.push(QA, "1", 1);
    registry.push(QA, "2", 2);
    publish(&bed, 1).await;
    // A runtime says the digest of the index or that of the manifest; in dc-2 there is another image beside it.
    let manifest = registry.sign(QA, 1);
    bed.dcs[0].run(&shop(), &format!("docker-pullable://dc-1.example.com/shop@{}", digest(1)));
    bed.dcs[0].run(&shop(), &format!("dc-1.example.com/shop@{manifest}"));
    bed.dcs[1].run(&shop(), &format!("dc-2.example.com/mirror/shop@{}", digest(2)));
    bed.dcs[2].run(&shop(), &digest(1));
    registry.lose("dc-2.example.com/mirror/shop", 1);

    let one =
        bed.plimsoll.locate_image(&viewer(), &named(&format!("{QA}:1")), Sample::default()).await.unwrap();
    assert_eq!(
        told(&one),
        [
            "dc-1 dc-1.example.com/shop Whole 2xdemo/shop",
            "dc-2 dc-2.example.com/mirror/shop Absent ",
            "dc-3 qa.example.com/shop Whole 1xdemo/shop",
        ]
    );
    let uses: Vec<String> = one.uses.iter().map(|used| format!("{} {}", used.app, used.release)).collect();
    assert_eq!((uses, one.use_count, one.notes), (vec!["demo/shop 1".to_owned()], 1, Vec::new()));

    // Nothing was ever published of the other, so no pod is asked for it.
    let image = named(&format!("dc-1.example.com/shop@{}", digest(2)));
    let other = bed.plimsoll.locate_image(&viewer(), &image, Sample::default()).await.unwrap();
    assert_eq!(
        told(&other),
        [
            "dc-1 dc-1.example.com/shop Absent ",
            "dc-2 dc-2.example.com/mirror/shop Absent ",
            "dc-3 dc-1.example.com/shop Absent ",
        ]
    );
    assert_eq!((other.uses.len(), other.use_count), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn who_keeps_silent_is_unknown_with_why_and_holds_up_nobody_beyond_a_bound() {
    let (bed, registry) = Bed::with_registries().await;
    registry.push(QA, "1", 1);
    publish(&bed, 1).await;
    for dc in [0, 2] {
        bed.dcs[dc].run(&shop(), &format!("{QA}@{}", digest(1)));
    }
    registry.silence("dc-1.example.com", Some(ErrorKind::Unreachable));
    bed.dcs[1].keep_silent();
    let began = tokio::time::Instant::now();
    let image = named(&format!("{QA}@{}", digest(1)));
    let view = bed.plimsoll.locate_image(&viewer(), &image, Sample::default()).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(
        told(&view),
        [
            "dc-1 dc-1.example.com/shop Unknown 1xdemo/shop",
            "dc-2 dc-2.example.com/mirror/shop Whole unknown: the data center did not say within 5 s",
            "dc-3 qa.example.com/shop Whole 1xdemo/shop",
        ]
    );
    assert_eq!(view.dcs[0].place.state, PlaceState::Unknown);
    let why = "the registry dc-1.example.com does not answer: scripted";
    assert_eq!(view.dcs[0].place.message.as_deref(), Some(why));

    // One that is known not to answer is not asked again.
    bed.dcs[2].stop();
    bed.pass(Duration::from_mins(2)).await;
    let began = tokio::time::Instant::now();
    bed.dcs[1].keep_silent();
    let view = bed.plimsoll.locate_image(&viewer(), &image, Sample::default()).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(
        matches!(&view.dcs[2].pods, PodsView::Unknown(why) if !why.contains("within")),
        "{:?}",
        view.dcs[2]
    );
}

#[tokio::test(start_paused = true)]
async fn an_image_of_a_registry_that_nobody_lists_is_refused_with_the_remedy() {
    let (bed, registry) = Bed::with_registries().await;
    registry.push(QA, "1", 1);
    let error = bed.plimsoll.image(&viewer(), &named("elsewhere.example.com/shop:1")).await.unwrap_err();
    let [fault] = &error.violations[..] else { panic!("{error:?}") };
    assert_eq!(
        (error.kind, fault.path.as_str(), fault.remedy.as_str()),
        (
            Kind::Invalid,
            "image",
            "name one of dc-1.example.com, dc-2.example.com, qa.example.com, or list it under [[registries]] in \
             plimsoll.toml"
        )
    );
    let error = bed.plimsoll.image(&viewer(), &named(&format!("{QA}:2"))).await.unwrap_err();
    assert_eq!(error.reason, "IMAGE_NOT_FOUND");
    assert!(error.message.contains("plimsoll image tags qa.example.com/shop"), "{error}");
    registry.silence("qa.example.com", Some(ErrorKind::Unreachable));
    let error = bed
        .plimsoll
        .locate_image(&viewer(), &named(&format!("{QA}:1")), Sample::default())
        .await
        .unwrap_err();
    assert_eq!((error.kind, error.reason), (Kind::Unavailable, "REGISTRY_UNAVAILABLE"));

    let bed = Bed::new().await;
    let error = bed.plimsoll.image(&viewer(), &named(&format!("{QA}:1"))).await.unwrap_err();
    assert_eq!((error.kind, error.reason), (Kind::Refused, "NO_REGISTRIES"));
}
