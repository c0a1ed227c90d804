//! Forgetting a deletion here, once it has been remembered for long enough: first the App resource goes, then the
//! Order, so that no resource is left that the ledger does not know.

use std::time::Duration;

use super::assess::shut;
use super::{Scene, Step};
use crate::ledger::Compare;
use crate::record::{Draft, Ordered, key};

/// How often to look at least whether the time is over: it goes by the calendar, which may be set.
const LOOK: Duration = Duration::from_hours(1);

/// Whether the deletion that is ordered is to be forgotten. What is missing then is not written again; what is there and
/// does not say yet that the App is gone still gets the Order.
pub(super) fn is_due(scene: &Scene) -> bool {
    scene.resource.is_none() && scene.forget_at.is_some_and(|at| at <= scene.now)
}

/// The next step towards having forgotten, or when to look again.
pub(super) fn next(scene: &Scene, rest: &mut Option<Duration>) -> Option<Step> {
    if shut(scene).is_some() || scene.local().is_some() {
        return None;
    }
    let Some(order) = &scene.order else {
        // It was away when the ledger let go of the deletion.
        return scene.resource.as_ref().filter(|resource| resource.is_spent()).map(|_| Step::Erase);
    };
    let at = scene.forget_at.filter(|_| order.value.ordered == Ordered::Deleted)?;
    if at > scene.now {
        let left = Duration::try_from(at.duration_since(scene.now)).unwrap_or(LOOK).min(LOOK);
        *rest = Some(rest.map_or(left, |rest| rest.min(left)));
        return None;
    }
    let Some(resource) = &scene.resource else { return forgotten(scene) };
    let is_of_this = resource.fence == order.value.fence(order.revision);
    (is_of_this && resource.is_spent()).then_some(Step::Erase)
}

fn forgotten(scene: &Scene) -> Option<Step> {
    let order = scene.order.as_ref()?;
    let dc = &scene.dc.value.name;
    let mut draft = Draft::default();
    let deletion = scene.operations.iter().find(|parts| parts.operation.id == order.value.operation)?;
    let app = &deletion.operation.app;
    match &scene.app {
        Some(there) => draft.relies(key::app(app), there.revision),
        None => draft.requires(Compare::Absent(key::app(app))),
    }
    draft.remove(key::order(app, dc), order.revision);
    Some(Step::Commit(draft.into()))
}
