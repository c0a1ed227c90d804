//! What somebody else changed on our objects.

use jiff::Timestamp;
use plimsoll_core::cluster::{Applied, Drift, Fatal, Finding};

use super::Observed;
use crate::fields::{Difference, Managers, Sort};
use crate::label;
use crate::render::Object;

/// How many are remembered.
const REMEMBERED: usize = 20;

/// One field that is about to be put right.
pub(super) struct Drifted {
    object: String,
    pub(super) field: String,
    manager: Option<String>,
    since: Option<Timestamp>,
}

impl Drifted {
    /// An object that was there and is not.
    pub(super) fn gone(object: &Object) -> Self {
        Self { object: object.title(), field: String::new(), manager: None, since: None }
    }

    /// An object that was there and is not known by its mark any more.
    pub(super) fn unmarked(object: &Object) -> Self {
        let field = format!(".metadata.labels[{:?}]", label::APP_UID);
        Self { object: object.title(), field, manager: None, since: None }
    }

    /// A field, if its difference is somebody else's doing: another manager owns it, or it was already as
    /// ordered and is no more. A field that is ours and has an old value waits for a newer Order, and one
    /// that is not there yet is new. What was added to what is ours alone is never ours.
    pub(super) fn field(
        object: &Object,
        difference: &Difference,
        managers: &Managers<'_>,
        was_done: bool,
    ) -> Option<Self> {
        let owner = managers.other_owner(&difference.path);
        let is_drift = match difference.sort {
            Sort::Taken => was_done || owner.is_some(),
            Sort::Outdated => was_done,
            Sort::Added => true,
            Sort::Shared | Sort::Leftover => false,
        };
        is_drift.then(|| Self {
            object: object.title(),
            field: difference.field.clone(),
            manager: owner.map(|(manager, _)| manager.to_owned()),
            since: owner.and_then(|(_, since)| since),
        })
    }
}

/// That a field is left as it is for now, and on whose account.
pub(super) fn fight(object: &Object, difference: &Difference, managers: &Managers<'_>) -> Finding {
    let manager = managers.other_owner(&difference.path).map_or("somebody", |(manager, _)| manager);
    let (object, field) = (object.title(), &difference.field);
    Finding {
        reason: "DriftFight".to_owned(),
        message: format!(
            "{manager} changes {field} of {object} again each time that Plimsoll puts it right, which it now does \
             ever more rarely: stop {manager} from managing it"
        ),
        fatal: Fatal::No,
    }
}

/// The drift that was known, and what was found now.
pub(super) fn history(observed: &Observed, found: Vec<Drifted>, now: Timestamp) -> Vec<Drift> {
    let mut history = observed.status.as_ref().map(|status| status.drift.clone()).unwrap_or_default();
    history
        .extend(observed.unsaid.iter().filter(|drift| !history.contains(drift)).cloned().collect::<Vec<_>>());
    for Drifted { object, field, manager, since } in found {
        // Of what is missing nobody noted since when: it may be told of already, and be missing still.
        if since.is_none() && is_known(observed, &object, &field) {
            continue;
        }
        let drift = Drift { object, field, manager, since: since.unwrap_or(now) };
        // The same change may be seen several times before it is put right.
        if !history.contains(&drift) {
            history.push(drift);
        }
    }
    let surplus = history.len().saturating_sub(REMEMBERED);
    history.drain(..surplus);
    history
}

/// Whether that is told, and was not put right since.
fn is_known(observed: &Observed, object: &str, field: &str) -> bool {
    let open = observed.status.as_ref().filter(|status| status.applied != Applied::Current);
    let told = open.into_iter().flat_map(|status| &status.drift);
    told.chain(&observed.unsaid).any(|drift| drift.object == object && drift.field == field)
}
