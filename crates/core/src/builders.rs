//! Records for tests, each sound and plain; a test changes what it is about.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::digest::Digest;
use crate::image::{ImagePace, Registries};
use crate::name::{AppRef, DcName, ReleaseNumber};
use crate::policy::PublishPolicy;
use crate::record::{
    ImageOperation, ImageOutcome, ImageOutcomeState, ImageTarget, ImageWork, Kind, Operation, Outcome,
    OutcomeState, Pace, Spent,
};

pub(crate) fn mk_dcs<const N: usize>(names: [&str; N]) -> Vec<DcName> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

pub(crate) fn mk_app_ref() -> AppRef {
    AppRef { namespace: "demo".parse().unwrap(), name: "shop".parse().unwrap() }
}

/// An upgrade in dc-1, dc-2 and dc-3, all together.
pub(crate) fn mk_operation() -> Operation {
    Operation {
        id: uuid::Uuid::from_u128(7).into(),
        kind: Kind::Upgrade,
        app: mk_app_ref(),
        uid: uuid::Uuid::from_u128(1).into(),
        release: ReleaseNumber::FIRST.next(),
        from: Some(ReleaseNumber::FIRST),
        fallback: None,
        pace: Pace::Gated,
        policy: PublishPolicy { soak: Duration::ZERO, ..PublishPolicy::default() },
        dcs: mk_dcs(["dc-1", "dc-2", "dc-3"]),
        by: "ann".to_owned(),
        reason: None,
        created: jiff::Timestamp::UNIX_EPOCH,
    }
}

/// Outcomes for dc-1, dc-2 and dc-3.
pub(crate) fn mk_outcomes(states: [OutcomeState; 3]) -> BTreeMap<DcName, Outcome> {
    let outcome = |state| Outcome {
        state,
        reason: None,
        message: None,
        since: jiff::Timestamp::UNIX_EPOCH,
        order: None,
        spent: Spent::default(),
        round: 0,
    };
    mk_dcs(["dc-1", "dc-2", "dc-3"]).into_iter().zip(states.map(outcome)).collect()
}

/// A registry that images are pushed to, one of dc-1 alone, and one that dc-2 has a path in; dc-3 has none.
pub(crate) fn mk_registries() -> Registries {
    let near = [("dc-1", "dc-1.example.com"), ("dc-2", "dc-2.example.com:5000/mirror")];
    let near = near.map(|(dc, prefix)| (dc.parse().unwrap(), prefix.parse().unwrap()));
    Registries::new(["qa.example.com".parse().unwrap()], near.into())
}

/// A copy to the registries of dc-1 and dc-2.
pub(crate) fn mk_image_operation() -> ImageOperation {
    let target = |name: &str, at: &str| ImageTarget { name: name.to_owned(), at: at.parse().unwrap() };
    ImageOperation {
        id: uuid::Uuid::from_u128(8).into(),
        work: ImageWork::CopyImage {
            image: "qa.example.com/shop/web:1.4".to_owned(),
            digest: Digest::of_bytes(b"image"),
            source: "qa.example.com/shop/web".parse().unwrap(),
            peers: vec!["dc-1.example.com/shop/web".parse().unwrap()],
            tag: "1.4".parse().unwrap(),
        },
        targets: vec![
            target("dc-1", "dc-1.example.com/shop/web"),
            target("dc-2", "dc-2.example.com:5000/mirror/shop/web"),
        ],
        pace: ImagePace { rate: Some(50_000_000), windows: vec!["22:00-06:00".parse().unwrap()] },
        by: "ann".to_owned(),
        reason: Some("the sale".to_owned()),
        created: jiff::Timestamp::UNIX_EPOCH,
    }
}

/// An outcome of which nothing else is known.
pub(crate) fn mk_image_outcome(state: ImageOutcomeState) -> ImageOutcome {
    ImageOutcome {
        state,
        reason: None,
        message: None,
        since: jiff::Timestamp::UNIX_EPOCH,
        sent: 0,
        tally: None,
    }
}
