//! What work on registries would take.

use std::time::Duration;

use super::super::Plimsoll;
use crate::error::{Error, Kind};
use crate::image::{self, ErrorKind, Fan, FanPlan, Home, ImagePace, Images, Mirroring, SyncPlan};
use crate::record::{ImageTarget, ImageWork};
use crate::view::{ImagePlanView, PlannedTarget};

/// How long a plan is made before it is answered as far as it is known: somebody waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

impl Plimsoll {
    /// What the work would take; nothing is known of that which only looks.
    pub(super) async fn plan_images(
        &self,
        images: &Images,
        work: &ImageWork,
        targets: &[ImageTarget],
        pace: &ImagePace,
    ) -> Result<Option<ImagePlanView>, Error> {
        let to: Vec<Home> = targets.iter().map(|target| target.at.clone()).collect();
        let pace = pace.clone();
        match work {
            ImageWork::CopyImage { digest, source, peers, tag, image: _ } => {
                let (from, peers, tag) = (source.clone(), peers.clone(), tag.clone());
                let fan = Fan { digest: *digest, from, peers, to, tag, pace };
                let plan = images.carrier.plan(&fan).await.map_err(unanswered)?;
                let FanPlan { bytes, evidence, lacking } = plan;
                let planned = targets.iter().zip(lacking).map(|(target, lacking)| match lacking {
                    Ok(bytes) => PlannedTarget { bytes: Some(bytes), ..unknown(target) },
                    Err(error) => PlannedTarget { message: Some(error.to_string()), ..unknown(target) },
                });
                let targets = planned.collect();
                let evidence = u64::try_from(evidence).ok();
                Ok(Some(ImagePlanView { bytes: Some(bytes), evidence, targets }))
            }
            ImageWork::SyncImages { source, choice } => {
                let mirroring = Mirroring { source: source.clone(), choice: choice.clone(), to, pace };
                let plans = images.carrier.plan_sync(&mirroring, PATIENCE).await.map_err(unanswered)?;
                let planned = targets.iter().zip(plans).map(|(target, plan)| match plan {
                    Ok(SyncPlan { tags, unchanged, bytes, incomplete }) => PlannedTarget {
                        bytes: Some(bytes),
                        tags: Some((tags, unchanged)),
                        message: incomplete,
                        ..unknown(target)
                    },
                    Err(error) => PlannedTarget { message: Some(error.to_string()), ..unknown(target) },
                });
                Ok(Some(ImagePlanView { targets: planned.collect(), ..ImagePlanView::default() }))
            }
            ImageWork::VerifyImages { .. } => Ok(None),
        }
    }
}

fn unknown(target: &ImageTarget) -> PlannedTarget {
    let ImageTarget { name, at } = target.clone();
    PlannedTarget { name, at, bytes: None, tags: None, message: None }
}

fn unanswered(error: image::Error) -> Error {
    let (kind, reason) = match error.kind {
        ErrorKind::NotFound => (Kind::NotFound, "IMAGE_NOT_FOUND"),
        ErrorKind::Refused => (Kind::Refused, "REGISTRY_REFUSED"),
        ErrorKind::Unreachable | ErrorKind::Unsure => (Kind::Unavailable, "REGISTRY_UNAVAILABLE"),
    };
    Error::new(kind, reason, format!("what it would take is not known: {error}")).with_source(error)
}
