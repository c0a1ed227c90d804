//! The installation, data centers, Namespaces.

use plimsoll_core::record::{DcState, Environment};
use plimsoll_core::view::{DcView, InstallationView, NamespaceView, Reach};

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
    let DcView { name, state, cluster_uid, reach, added } = view;
    proto::DataCenter {
        name: name.into(),
        state: dc_state(state).into(),
        cluster_uid,
        reach: reach.map(self::reach),
        added: Some(timestamp(added)),
    }
}

fn reach(reach: Reach) -> proto::Reach {
    match reach {
        Reach::Connected => proto::Reach { state: proto::ReachState::Connected.into(), message: None },
        Reach::Lost(why) => proto::Reach { state: proto::ReachState::Lost.into(), message: Some(why) },
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
    let NamespaceView { name, by, created } = view;
    proto::Namespace { name: name.into(), by, created: Some(timestamp(created)) }
}
