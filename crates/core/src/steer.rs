//! Steering an Operation through one data center: what its worker writes next, decided from what is there.
//!
//! Level-triggered: nothing here knows which event came. Each answer is a transaction that compares all it
//! was decided from, so a worker that is late, or is one of two, changes nothing.

mod assess;
mod erasure;
mod evidence;
mod handover;
mod opening;
mod start;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use self::assess::{assess, differs, shut};
use self::opening::{at_the_gate, needs_gate};
use crate::cluster::{Local, Resource};
use crate::fold::{Due, is_good};
use crate::image::{Preflight, Pulls};
use crate::ledger::{Compare, Revision, Transaction};
use crate::name::{DcName, OperationId, ReleaseNumber};
use crate::record::{
    App, DataCenter, Draft, End, EndState, Installation, Kind, OperationParts, Order, Ordered, Outcome,
    OutcomeState, Pace, Proven, Stored, Track, Verdict, key,
};

pub use self::handover::hand_over;

/// Why an outcome is `Owed`, where the data center is held until an operator decides.
pub const HELD: &str = "Held";

/// Everything that is known about one App and one data center at one moment.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The installation.
    pub installation: Stored<Installation>,
    /// The data center.
    pub dc: Stored<DataCenter>,
    /// Why nothing is decided or written anywhere: the ledger was put back to an earlier state.
    pub behind: Option<String>,
    /// Why it cannot be written to, if it does not answer.
    pub unreachable: Option<String>,
    /// The App; none when it was deleted.
    pub app: Option<Stored<App>>,
    /// What the data center is to have.
    pub order: Option<Stored<Order>>,
    /// How the Operation that wrote the Order stands there.
    pub settled: Option<OutcomeState>,
    /// What was good there.
    pub proven: Option<Stored<Proven>>,
    /// The Operations of the App that still matter, oldest first.
    pub operations: Vec<OperationParts>,
    /// The App resource, as it was last seen there.
    pub resource: Option<Resource>,
    /// Whether that carries a content which the ledger never held.
    pub is_unheld: bool,
    /// From when on the deletion that is ordered here is remembered for long enough.
    pub forget_at: Option<Timestamp>,
    /// From where the data center pulls images now.
    pub pulls: Option<Pulls>,
    /// How it stands there with the images of the App's head.
    pub preflight: Preflight,
    /// Why the data center did not take the Order, if it did not.
    pub trouble: Option<String>,
    /// Wall time, for the record.
    pub now: Timestamp,
}

impl Scene {
    /// What a person set there to have it go its own way.
    fn local(&self) -> Option<&Local> {
        self.resource.as_ref()?.local.as_ref()
    }
}

/// The one thing that is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Commit this; if it loses its comparison, look again.
    Commit(Transaction),
    /// Look whether the images of the App's head are where this data center pulls them from, and bring them there.
    Prepare,
    /// Order what completed last: nobody brings it here.
    Start,
    /// Write the Order into the data center.
    Deliver,
    /// Take the App resource out of the data center: the App is gone, and this says no more than that.
    Erase,
    /// Roll this Operation back, for this reason.
    RollBack(OperationId, String),
    /// Nothing, until something changes or this much time has passed.
    Rest(Option<Duration>),
}

/// Time measured for the outcomes of one data center, by its worker's monotonic clock, since each was written.
pub trait Stopwatch {
    /// How long the outcome with this revision has stood, as far as this worker has seen it stand.
    fn stood(&self, operation: OperationId, revision: Revision) -> Duration;
}

/// Decides the next step for a scene.
///
/// # Errors
/// If a record has no JSON form, which none lacks.
pub fn step(scene: &Scene, stopwatch: &dyn Stopwatch) -> Result<Step, serde_json::Error> {
    if scene.behind.is_some() {
        return Ok(Step::Rest(None));
    }
    let mut rest: Option<Duration> = None;
    let current = || scene.operations.iter().filter(|parts| matters(scene, parts));
    for parts in current() {
        if let Some(step) = advance(scene, parts, stopwatch, &mut rest)? {
            return Ok(step);
        }
    }
    if start::is_behind(scene) {
        return Ok(Step::Start);
    }
    if !erasure::is_due(scene) && is_undelivered(scene)? {
        return Ok(Step::Deliver);
    }
    for parts in current() {
        if let Some(step) = conclude(scene, parts)? {
            return Ok(step);
        }
    }
    if let Some(step) = erasure::next(scene, &mut rest) {
        return Ok(step);
    }
    Ok(evidence::of_nobody(scene)?.unwrap_or(Step::Rest(rest)))
}

/// Whether an Operation still has a say here: it runs, or it ended owing this data center and nothing newer
/// has taken its place.
fn matters(scene: &Scene, parts: &OperationParts) -> bool {
    let operation = &parts.operation;
    let current = match &scene.app {
        Some(app) if app.value.uid == operation.uid => {
            app.value.operations.get(&operation.kind.track()) == Some(&operation.id)
        }
        _ => operation.kind == Kind::Delete,
    };
    let open = match parts.end.as_ref().map(|end| end.value.state) {
        None | Some(EndState::SucceededOwing) => true,
        Some(
            EndState::Succeeded
            | EndState::Failed
            | EndState::RolledBack
            | EndState::Aborted
            | EndState::Superseded,
        ) => false,
    };
    current && open
}

/// Whether the data center lacks its newest Order and can get it: it carries an older one, or what it carries
/// under this fence is not what was ordered.
fn is_undelivered(scene: &Scene) -> Result<bool, serde_json::Error> {
    let Some(order) = &scene.order else { return Ok(false) };
    if shut(scene).is_some() || scene.local().is_some() || scene.is_unheld {
        return Ok(false);
    }
    let Some(resource) = &scene.resource else { return Ok(true) };
    let fence = order.value.fence(order.revision);
    Ok(resource.fence < fence || (resource.fence == fence && resource.digest != order.value.digest()?))
}

/// The next step of one Operation here, if it has one.
fn advance(
    scene: &Scene,
    parts: &OperationParts,
    stopwatch: &dyn Stopwatch,
    rest: &mut Option<Duration>,
) -> Result<Option<Step>, serde_json::Error> {
    let dc = &scene.dc.value.name;
    let Some(outcome) = parts.outcomes.get(dc) else { return Ok(None) };
    if needs_gate(scene, parts, &outcome.value) {
        return at_the_gate(scene, parts, outcome);
    }
    let Some(order) = &scene.order else { return Ok(None) };
    if !speaks_of(parts, order) {
        // Another life of the name was ordered over this deletion.
        let mut after = outcome.value.clone();
        after.state = OutcomeState::Superseded;
        return if outcome.value.state == OutcomeState::Superseded || is_settled(&outcome.value, parts) {
            Ok(None)
        } else {
            write(scene, parts, outcome, &after).map(Some)
        };
    }
    let Some(after) = appraise(scene, parts, outcome, stopwatch) else { return Ok(None) };
    if differs(&outcome.value, &after, &parts.operation.policy) {
        return write(scene, parts, outcome, &after).map(Some);
    }
    let left = match outcome.value.state {
        OutcomeState::Sent | OutcomeState::Progressing if parts.operation.kind != Kind::Delete => {
            parts.operation.policy.deadline.checked_sub(after.spent.running)
        }
        OutcomeState::Healthy if !is_good(&outcome.value, &parts.operation.policy) => {
            parts.operation.policy.soak.checked_sub(after.spent.soaked)
        }
        _ => None,
    };
    *rest = match (*rest, left) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    Ok(None)
}

/// How the outcome of an Operation stands now; `None` where no Order is there to judge it by, and where nobody
/// follows it any more.
fn appraise(
    scene: &Scene,
    parts: &OperationParts,
    outcome: &Stored<Outcome>,
    stopwatch: &dyn Stopwatch,
) -> Option<Outcome> {
    let order = scene.order.as_ref().filter(|order| speaks_of(parts, order))?;
    // After the end only those that were owed are followed, until they have it; what happens to an App later
    // is shown with the App, and rolls back nobody.
    if parts.end.is_some() && is_settled(&outcome.value, parts) {
        return None;
    }
    let stood = stopwatch.stood(parts.operation.id, outcome.revision);
    Some(assess(scene, parts, outcome, order, stood))
}

fn speaks_of(parts: &OperationParts, order: &Stored<Order>) -> bool {
    let deletes = matches!(order.value.ordered, Ordered::Deleted);
    order.value.uid == parts.operation.uid && (parts.operation.kind == Kind::Delete) == deletes
}

fn is_settled(outcome: &Outcome, parts: &OperationParts) -> bool {
    match outcome.state {
        OutcomeState::Done | OutcomeState::Failed | OutcomeState::Superseded => true,
        OutcomeState::Healthy => is_good(outcome, &parts.operation.policy),
        _ => false,
    }
}

/// Compares the control, the end and all outcomes of an Operation, but that of `except`.
fn relies_on_operation(draft: &mut Draft, parts: &OperationParts, except: Option<&DcName>) {
    let id = parts.operation.id;
    match &parts.control {
        Some(control) => draft.relies(key::control(id), control.revision),
        None => draft.requires(Compare::Absent(key::control(id))),
    }
    match &parts.end {
        Some(end) => draft.relies(key::end(id), end.revision),
        None => draft.requires(Compare::Absent(key::end(id))),
    }
    for (dc, outcome) in parts.outcomes.iter().filter(|(dc, _)| Some(*dc) != except) {
        draft.relies(key::outcome(id, dc), outcome.revision);
    }
}

/// Writes an outcome, on the Order that it speaks of and the outcome that it replaces.
fn write(
    scene: &Scene,
    parts: &OperationParts,
    before: &Stored<Outcome>,
    after: &Outcome,
) -> Result<Step, serde_json::Error> {
    rewritten(scene, parts, before, after).map(Step::Commit)
}

fn rewritten(
    scene: &Scene,
    parts: &OperationParts,
    before: &Stored<Outcome>,
    after: &Outcome,
) -> Result<Transaction, serde_json::Error> {
    let dc = &scene.dc.value.name;
    let order_key = key::order(&parts.operation.app, dc);
    let mut draft = Draft::default();
    match &scene.order {
        Some(order) => draft.relies(order_key, order.revision),
        None => draft.requires(Compare::Absent(order_key)),
    }
    draft.replace(key::outcome(parts.operation.id, dc), before.revision, after)?;
    evidence::add(&mut draft, scene, parts, after)?;
    Ok(draft.into())
}

/// What an Operation as a whole is due for, once its outcomes say so.
fn conclude(scene: &Scene, parts: &OperationParts) -> Result<Option<Step>, serde_json::Error> {
    if parts.end.is_some() {
        return Ok(None);
    }
    let standing = parts.standing();
    match standing.due {
        None => Ok(None),
        Some(Due::Rollback) => {
            Ok(Some(Step::RollBack(parts.operation.id, standing.message.unwrap_or_default())))
        }
        Some(Due::End(state)) => {
            let end = End { state, message: standing.message, by: None, at: scene.now };
            let mut draft = Draft::default();
            relies_on_operation(&mut draft, parts, None);
            draft.put(key::end(parts.operation.id), &end)?;
            let good = parts.outcomes.values().any(|o| is_good(&o.value, &parts.operation.policy));
            if good && let Some((app, release)) = proves(scene, parts) {
                let verdict = Verdict { succeeded: Some(scene.now), rolled_back: None };
                // While it is the head nobody has rolled back from it.
                draft.relies(key::app(&app.value.app), app.revision);
                draft.put(key::verdict(app.value.uid, release), &verdict)?;
            }
            Ok(Some(Step::Commit(draft.into())))
        }
    }
}

/// The Release that a success of this Operation shows to be good, if it shows one: what it brought, or what
/// it brought up for the first time.
fn proves<'a>(scene: &'a Scene, parts: &OperationParts) -> Option<(&'a Stored<App>, ReleaseNumber)> {
    let app = scene.app.as_ref().filter(|app| app.value.head == parts.operation.release)?;
    let brings_up = parts.operation.pace == Pace::Gated
        && scene.order.as_ref().is_some_and(|order| order.value.release() == Some(app.value.head));
    (parts.operation.kind.track() == Track::Release || brings_up).then_some((app, app.value.head))
}

/// What is settled per data center, for [`Scene::settled`].
pub fn settled(
    operations: &BTreeMap<OperationId, OperationParts>,
    order: &Order,
    dc: &DcName,
) -> Option<OutcomeState> {
    operations.get(&order.operation)?.outcomes.get(dc).map(|outcome| outcome.value.state)
}

/// Whether the data center has shown, by its answer to this very Order, that it carried it: then a resource
/// that is missing, or older, was lost there.
pub fn is_acknowledged(
    order: Option<&Stored<Order>>,
    settled: Option<OutcomeState>,
    proven: Option<&Stored<Proven>>,
) -> bool {
    let Some(Order { uid, ordered: Ordered::Run { content, .. }, .. }) = order.map(|order| &order.value)
    else {
        return false;
    };
    match settled {
        Some(OutcomeState::Progressing | OutcomeState::Healthy | OutcomeState::Done) => true,
        // A failure may be one to deliver it at all.
        Some(_) => false,
        // No Operation follows it here; what it brought was seen to be good.
        None => proven.is_some_and(|proven| {
            proven.value.uid == *uid
                && proven.value.releases.first().is_some_and(|good| good.content == *content)
        }),
    }
}
