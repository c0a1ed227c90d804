//! The installation, data centers, Namespaces.

use plimsoll_core::breaker::{Guard, Stop};
use plimsoll_core::record::{DcState, Decision, DecisionWord, Environment};
use plimsoll_core::view::{DcView, InstallationView, NamespaceSight, NamespaceView, Outage, Reach};

use super::timestamp;
use crate::proto;

pub(crate) fn installation(view: InstallationView) -> proto::Installation {
    let InstallationView { id, name, environment } = view;
    let environment = match environment {
        Environment::Production => proto::Environment::Production,
        Environment::Testing => proto::Environment::Testing,
    };
    proto::Installation { id, name, environment: environment.into() }
}

pub(crate) fn data_center(view: DcView) -> proto::DataCenter {
    let DcView { name, etag, state, message, cluster_uid, stops, decision, strangers, reach, added } = view;
    proto::DataCenter {
        name: name.into(),
        state: dc_state(state).into(),
        cluster_uid,
        reach: reach.map(self::reach),
        added: Some(timestamp(added)),
        etag: etag.to_string(),
        message,
        stops: stops.into_iter().map(stop).collect(),
        decision: decision.map(self::decision),
        unknown_apps: strangers.iter().map(ToString::to_string).collect(),
    }
}

fn stop(stop: Stop) -> proto::Stop {
    let Stop { by, cause, since } = stop;
    let noticed_by = match by {
        Guard::Worker => proto::Guard::Worker,
        Guard::Controller { kept: _ } => proto::Guard::Controller,
    };
    proto::Stop {
        reason: cause.reason().to_owned(),
        message: cause.to_string(),
        since: Some(timestamp(since)),
        noticed_by: noticed_by.into(),
        count: cause.count() as u64,
        objects: cause.objects(),
    }
}

fn decision(decision: Decision) -> proto::Decision {
    let Decision { word, by, reason, at } = decision;
    let word = match word {
        DecisionWord::Confirm => proto::DecisionWord::Confirm,
        DecisionWord::Refuse => proto::DecisionWord::Refuse,
    };
    proto::Decision { word: word.into(), by, reason, at: Some(timestamp(at)) }
}

pub(super) fn reach(reach: Reach) -> proto::Reach {
    match reach {
        Reach::Connected => {
            proto::Reach { state: proto::ReachState::Connected.into(), message: None, since: None }
        }
        Reach::Unreachable(Outage { why, since }) => proto::Reach {
            state: proto::ReachState::Unreachable.into(),
            message: Some(why),
            since: Some(timestamp(since)),
        },
    }
}

pub(super) fn dc_state(state: DcState) -> proto::DataCenterState {
    match state {
        DcState::Active => proto::DataCenterState::Active,
        DcState::Cordoned => proto::DataCenterState::Cordoned,
        DcState::Held => proto::DataCenterState::Held,
        DcState::Lost => proto::DataCenterState::Lost,
    }
}

pub(crate) fn namespace(view: NamespaceView) -> proto::Namespace {
    let NamespaceView { name, by, created, data_centers } = view;
    let there = |NamespaceSight { name, notes }| proto::NamespaceThere { name: name.into(), notes };
    let data_centers = data_centers.into_iter().map(there).collect();
    proto::Namespace { name: name.into(), by, created: Some(timestamp(created)), data_centers }
}
