//! Operations on registries.

use std::time::Duration;

use plimsoll_core::image::{Advance, Bytes, ImagePace, ImageTally, Items};
use plimsoll_core::record::ImageWork;
use plimsoll_core::view::{
    ImageAccepted, ImageOperationView, ImagePlanView, ImageTargetState, ImageTargetView, PlannedTarget,
};

use super::operation::state;
use super::timestamp;
use crate::proto;

pub(crate) fn image_operation(view: ImageOperationView) -> proto::ImageOperation {
    let ImageOperationView { id, work, pace, state, message, targets, by, reason, created, ended } = view;
    let ImagePace { rate, windows } = pace;
    let mut operation = proto::ImageOperation {
        id: id.to_string(),
        kind: proto::ImageOperationKind::CopyImage.into(),
        subject: work.subject(),
        digest: None,
        tag: None,
        tags: Vec::new(),
        newest: None,
        sample_bytes: None,
        bytes_per_second: rate,
        windows: windows.iter().map(ToString::to_string).collect(),
        state: self::state(state).into(),
        message,
        targets: targets.into_iter().map(target).collect(),
        by,
        reason,
        created: Some(timestamp(created)),
        ended: ended.map(timestamp),
    };
    match work {
        ImageWork::CopyImage { image: _, digest, source: _, peers: _, tag } => {
            operation.digest = Some(digest.to_string());
            operation.tag = Some(tag.into());
        }
        ImageWork::SyncImages { source: _, choice } => {
            operation.kind = proto::ImageOperationKind::SyncImages.into();
            operation.tags = choice.patterns.into_iter().map(String::from).collect();
            operation.newest = choice.newest.map(|newest| newest as u64);
        }
        ImageWork::VerifyImages { subject: _, digest, sample } => {
            operation.kind = proto::ImageOperationKind::VerifyImages.into();
            operation.digest = digest.map(|digest| digest.to_string());
            operation.sample_bytes = Some(sample);
        }
    }
    operation
}

pub(crate) fn image_accepted(accepted: ImageAccepted) -> proto::ImageAccepted {
    let ImageAccepted { operation, plan, notes } = accepted;
    proto::ImageAccepted { operation: operation.map(image_operation), plan: plan.map(self::plan), notes }
}

fn plan(view: ImagePlanView) -> proto::ImagePlan {
    let ImagePlanView { bytes, evidence, targets } = view;
    let planned = |PlannedTarget { name, at, bytes, tags, message }: PlannedTarget| proto::PlannedTarget {
        target: name,
        repository: at.to_string(),
        bytes,
        tags: tags.map(|(tags, _)| tags),
        unchanged: tags.map(|(_, unchanged)| unchanged),
        message,
    };
    proto::ImagePlan { bytes, evidence, targets: targets.into_iter().map(planned).collect() }
}

fn target(view: ImageTargetView) -> proto::ImageTarget {
    let ImageTargetView { name, at, state, reason, message, since, sent, tally, advance } = view;
    proto::ImageTarget {
        target: name,
        repository: at.to_string(),
        state: target_state(state).into(),
        reason,
        message,
        since: since.map(timestamp),
        sent_bytes: sent,
        images: tally.map(|ImageTally { total, good, copied, bad }| proto::ImageCounts {
            total,
            good,
            copied,
            bad,
        }),
        progress: advance.map(progress),
    }
}

fn target_state(state: ImageTargetState) -> proto::ImageTargetState {
    match state {
        ImageTargetState::Waiting => proto::ImageTargetState::Waiting,
        ImageTargetState::Running => proto::ImageTargetState::Running,
        ImageTargetState::Done => proto::ImageTargetState::Done,
        ImageTargetState::Incomplete => proto::ImageTargetState::Incomplete,
        ImageTargetState::Failed => proto::ImageTargetState::Failed,
        ImageTargetState::Aborted => proto::ImageTargetState::Aborted,
    }
}

fn progress(advance: Advance) -> proto::ImageProgress {
    let Advance { bytes: Bytes { done, total }, images, estimate, shut } = advance;
    let whole = |duration: Duration| prost_types::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: 0,
    };
    proto::ImageProgress {
        done_bytes: done,
        total_bytes: total,
        done_images: images.map(|Items { done, total: _ }| done),
        total_images: images.map(|Items { done: _, total }| total),
        left: estimate.map(whole),
        opens_in: shut.map(whole),
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_core::fold::OperationState;
    use plimsoll_core::image::TagChoice;

    use super::*;

    #[test]
    fn work_on_registries_is_told_in_full() {
        let target = ImageTargetView {
            name: "dc-1".into(),
            at: "dc-1.example.com/shop/web".parse().unwrap(),
            state: ImageTargetState::Incomplete,
            reason: Some("ListIncomplete".into()),
            message: Some("message".into()),
            since: Some("2026-11-23T00:00:01.5Z".parse().unwrap()),
            sent: Some(1),
            tally: Some(ImageTally { total: 2, good: 3, copied: 4, bad: 5 }),
            advance: Some(Advance {
                bytes: Bytes { done: 6, total: 7 },
                images: Some(Items { done: 8, total: 9 }),
                estimate: Some(Duration::from_millis(10_900)),
                shut: Some(Duration::from_secs(11)),
            }),
        };
        let choice = TagChoice { patterns: vec!["1.*".parse().unwrap()], newest: Some(12) };
        let sync = ImageWork::SyncImages { source: "qa.example.com/shop/web".parse().unwrap(), choice };
        let view = |work| ImageOperationView {
            id: "0199f3a0-0000-7000-8000-000000000001".parse().unwrap(),
            work,
            pace: ImagePace { rate: Some(13), windows: vec!["22:00-06:00".parse().unwrap()] },
            state: OperationState::Failed,
            message: Some("message".into()),
            targets: vec![target.clone()],
            by: "alice".into(),
            reason: Some("sale".into()),
            created: "2026-11-23T00:00:00Z".parse().unwrap(),
            ended: Some("2026-11-23T00:00:02Z".parse().unwrap()),
        };
        let digest: plimsoll_core::digest::Digest = format!("sha256:{}", "0".repeat(64)).parse().unwrap();
        let copy = ImageWork::CopyImage {
            image: "qa.example.com/shop/web:1.4".into(),
            digest,
            source: "qa.example.com/shop/web".parse().unwrap(),
            peers: Vec::new(),
            tag: "1.4".parse().unwrap(),
        };
        let verify = ImageWork::VerifyImages { subject: "x".into(), digest: Some(digest), sample: 14 };
        let plan = ImagePlanView {
            bytes: Some(15),
            evidence: Some(16),
            targets: vec![PlannedTarget {
                name: "dc-1".into(),
                at: "dc-1.example.com/shop/web".parse().unwrap(),
                bytes: Some(17),
                tags: Some((18, 19)),
                message: Some("message".into()),
            }],
        };
        let accepted = ImageAccepted { operation: None, plan: Some(plan), notes: vec!["note".into()] };
        insta::assert_debug_snapshot!((
            image_operation(view(sync)),
            image_operation(view(copy)),
            image_operation(view(verify)),
            image_accepted(accepted),
        ));
    }
}
