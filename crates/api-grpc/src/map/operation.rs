//! Operations.

use plimsoll_core::cluster::Replicas;
use plimsoll_core::fold::OperationState;
use plimsoll_core::name::AppRef;
use plimsoll_core::record::{Kind, OutcomeState};
use plimsoll_core::view::{ImagesState, ImagesView, OperationView, OutcomeView};

use super::timestamp;
use crate::proto;

pub(crate) fn operation(view: OperationView) -> proto::Operation {
    let OperationView {
        id,
        kind,
        app: AppRef { namespace, name },
        release,
        from,
        state,
        message,
        superseded_by,
        dcs,
        by,
        reason,
        created,
        ended,
    } = view;
    proto::Operation {
        id: id.to_string(),
        kind: self::kind(kind).into(),
        namespace: namespace.into(),
        app: name.into(),
        release: release.get(),
        from: from.map(u64::from),
        state: self::state(state).into(),
        message,
        superseded_by: superseded_by.map(|id| id.to_string()),
        data_centers: dcs.into_iter().map(outcome).collect(),
        by,
        reason,
        created: Some(timestamp(created)),
        ended: ended.map(timestamp),
    }
}

fn outcome(view: OutcomeView) -> proto::Outcome {
    let OutcomeView { dc, state, reason, message, since, replicas, images } = view;
    proto::Outcome {
        data_center: dc.into(),
        state: outcome_state(state).into(),
        reason,
        message,
        since: Some(timestamp(since)),
        replicas: replicas.map(self::replicas),
        images: images.map(self::images),
    }
}

fn images(view: ImagesView) -> proto::OutcomeImages {
    let ImagesView { state, message, bytes } = view;
    proto::OutcomeImages {
        state: images_state(state).into(),
        message,
        done_bytes: bytes.map(|bytes| bytes.done),
        total_bytes: bytes.map(|bytes| bytes.total),
    }
}

fn images_state(state: ImagesState) -> proto::ImagesState {
    match state {
        ImagesState::Looking => proto::ImagesState::Looking,
        ImagesState::Copying => proto::ImagesState::Copying,
        ImagesState::Whole => proto::ImagesState::Whole,
        ImagesState::Missing => proto::ImagesState::Missing,
        ImagesState::Unknown => proto::ImagesState::Unknown,
    }
}

pub(super) fn replicas(replicas: Replicas) -> proto::Replicas {
    let Replicas { ordered, updated, ready, available, old, terminating } = replicas;
    proto::Replicas { ordered, updated, ready, available, old, terminating }
}

fn kind(kind: Kind) -> proto::OperationKind {
    match kind {
        Kind::GoLive => proto::OperationKind::GoLive,
        Kind::Upgrade => proto::OperationKind::Upgrade,
        Kind::Rollback => proto::OperationKind::Rollback,
        Kind::Scale => proto::OperationKind::Scale,
        Kind::Restart => proto::OperationKind::Restart,
        Kind::Offline => proto::OperationKind::Offline,
        Kind::Online => proto::OperationKind::Online,
        Kind::Delete => proto::OperationKind::Delete,
    }
}

pub(super) fn state(state: OperationState) -> proto::OperationState {
    match state {
        OperationState::Running => proto::OperationState::Running,
        OperationState::Paused => proto::OperationState::Paused,
        OperationState::Held => proto::OperationState::Held,
        OperationState::Succeeded => proto::OperationState::Succeeded,
        OperationState::SucceededOwing => proto::OperationState::SucceededOwing,
        OperationState::Failed => proto::OperationState::Failed,
        OperationState::RolledBack => proto::OperationState::RolledBack,
        OperationState::Aborted => proto::OperationState::Aborted,
        OperationState::Superseded => proto::OperationState::Superseded,
    }
}

fn outcome_state(state: OutcomeState) -> proto::OutcomeState {
    match state {
        OutcomeState::Waiting => proto::OutcomeState::Waiting,
        OutcomeState::Sent => proto::OutcomeState::Sent,
        OutcomeState::Progressing => proto::OutcomeState::Progressing,
        OutcomeState::Healthy => proto::OutcomeState::Healthy,
        OutcomeState::Failed => proto::OutcomeState::Failed,
        OutcomeState::Owed => proto::OutcomeState::Owed,
        OutcomeState::Diverged => proto::OutcomeState::Diverged,
        OutcomeState::Superseded => proto::OutcomeState::Superseded,
        OutcomeState::Done => proto::OutcomeState::Done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_told_in_full() {
        let view = OperationView {
            id: "0199f3a0-0000-7000-8000-000000000001".parse().unwrap(),
            kind: Kind::Upgrade,
            app: AppRef { namespace: "demo".parse().unwrap(), name: "shop".parse().unwrap() },
            release: 2.try_into().unwrap(),
            from: Some(1.try_into().unwrap()),
            state: OperationState::SucceededOwing,
            message: Some("dc-2 gets it on return".into()),
            superseded_by: Some("0199f3a0-0000-7000-8000-000000000002".parse().unwrap()),
            dcs: vec![OutcomeView {
                dc: "dc-1".parse().unwrap(),
                state: OutcomeState::Healthy,
                reason: Some("Reason".into()),
                message: Some("message".into()),
                since: "2026-11-23T00:00:01.5Z".parse().unwrap(),
                replicas: Some(Replicas {
                    ordered: 1,
                    updated: 2,
                    ready: 3,
                    available: 4,
                    old: 5,
                    terminating: 6,
                }),
                images: Some(ImagesView {
                    state: ImagesState::Copying,
                    message: Some("it is copied first".into()),
                    bytes: Some(plimsoll_core::image::Bytes { done: 7, total: 8 }),
                }),
            }],
            by: "alice".into(),
            reason: Some("sale".into()),
            created: "2026-11-23T00:00:00Z".parse().unwrap(),
            ended: Some("2026-11-23T00:00:02Z".parse().unwrap()),
        };
        insta::assert_debug_snapshot!(operation(view));
    }
}
