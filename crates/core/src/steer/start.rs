//! A data center that nobody brings an App to: it was added when the App was there already.

use super::Scene;
use crate::image::is_about_images;
use crate::record::{DcState, EndState, Kind, Track};

/// Whether this data center lacks what completed elsewhere, and no Operation brings it.
///
/// True without an Order of this life of the App, unless nothing of it can have completed yet; and where a
/// publish that began before the data center was added has succeeded since.
pub(super) fn is_behind(scene: &Scene) -> bool {
    let dc = &scene.dc.value;
    let Some(app) = scene.app.as_ref().map(|app| &app.value) else { return false };
    let shut = scene.unreachable.is_some() || scene.local().is_some();
    if dc.state != DcState::Active || shut || !app.scale.placement.names(&dc.name) {
        return false;
    }
    let newest = app.operations.get(&Track::Release);
    let publish = scene.operations.iter().find(|parts| Some(&parts.operation.id) == newest);
    match scene.order.as_ref().filter(|order| order.value.uid == app.uid) {
        None => publish.is_none_or(|parts| {
            let outcome = parts.outcomes.get(&dc.name);
            // Its own Operation brings it, once the images are there.
            let awaits_images =
                outcome.is_some_and(|outcome| is_about_images(outcome.value.reason.as_deref()));
            (parts.operation.kind != Kind::GoLive || parts.end.is_some())
                && !(awaits_images && parts.end.is_some())
        }),
        Some(order) => {
            let succeeded =
                publish.filter(|parts| !parts.outcomes.contains_key(&dc.name)).is_some_and(|parts| {
                    let end = parts.end.as_ref().map(|end| end.value.state);
                    matches!(end, Some(EndState::Succeeded | EndState::SucceededOwing))
                });
            succeeded && order.value.release().is_some_and(|release| release < app.head)
        }
    }
}
