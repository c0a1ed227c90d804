//! Steering an Operation through one data center: what its worker writes next, decided from what is there.
//!
//! Level-triggered: nothing here knows which event came. Each answer is a transaction that compares all it
//! was decided from, so a worker that is late, or is one of two, changes nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::cluster::{Fence, Finding, Resource};
use crate::fold::{Due, is_good};
use crate::gate::{Gate, gate};
use crate::health::{Verdict as Judgement, judge};
use crate::ledger::{Compare, Revision, Transaction};
use crate::live::Sight;
use crate::name::{DcName, OperationId, ReleaseNumber};
use crate::order::{Before, order_for};
use crate::policy::PublishPolicy;
use crate::record::{
    App, DataCenter, DcState, Draft, End, EndState, Installation, Kind, OperationParts, Order, Ordered,
    Outcome, OutcomeState, Pace, Spent, Stored, Track, Verdict, key,
};

/// Everything that is known about one App and one data center at one moment.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The installation.
    pub installation: Stored<Installation>,
    /// The data center.
    pub dc: Stored<DataCenter>,
    /// Why it cannot be written to, if it does not answer.
    pub unreachable: Option<String>,
    /// The App; none when it was deleted.
    pub app: Option<Stored<App>>,
    /// What the data center is to have.
    pub order: Option<Stored<Order>>,
    /// How the Operation that wrote the Order stands there.
    pub settled: Option<OutcomeState>,
    /// The Operations of the App that still matter, oldest first.
    pub operations: Vec<OperationParts>,
    /// The App resource, as it was last seen there.
    pub resource: Option<Resource>,
    /// Why the data center did not take the Order, if it did not.
    pub trouble: Option<String>,
    /// Wall time, for the record.
    pub now: Timestamp,
}

/// The one thing that is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Commit this; if it loses its comparison, look again.
    Commit(Transaction),
    /// Write the Order into the data center.
    Deliver,
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
    let mut rest: Option<Duration> = None;
    let current = || scene.operations.iter().filter(|parts| matters(scene, parts));
    for parts in current() {
        if let Some(step) = advance(scene, parts, stopwatch, &mut rest)? {
            return Ok(step);
        }
    }
    if is_undelivered(scene)? {
        return Ok(Step::Deliver);
    }
    for parts in current() {
        if let Some(step) = conclude(scene, parts)? {
            return Ok(step);
        }
    }
    Ok(Step::Rest(rest))
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
    let takes_orders = matches!(scene.dc.value.state, DcState::Active | DcState::Cordoned);
    if !takes_orders || scene.unreachable.is_some() {
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
    // After the end only those that were owed are followed, until they have it; what happens to an App later
    // is shown with the App, and rolls back nobody.
    if parts.end.is_some() && is_settled(&outcome.value, parts) {
        return Ok(None);
    }
    let stood = stopwatch.stood(parts.operation.id, outcome.revision);
    let after = assess(scene, parts, outcome, order, stood);
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

/// Whether an Operation's Order is yet to be written here.
fn needs_gate(scene: &Scene, parts: &OperationParts, outcome: &Outcome) -> bool {
    if parts.operation.pace == Pace::AtOnce {
        return false;
    }
    match outcome.state {
        OutcomeState::Waiting => true,
        // It was owed before its gate opened: the Order is still of something older.
        OutcomeState::Owed => !is_ordered(scene, parts),
        _ => false,
    }
}

/// Whether the present Order is this Operation's, or came after it.
fn is_ordered(scene: &Scene, parts: &OperationParts) -> bool {
    let Some(order) = &scene.order else { return false };
    if order.value.uid != parts.operation.uid {
        return false;
    }
    match parts.operation.kind.track() {
        Track::Release => order.value.release() == Some(parts.operation.release),
        // A gated scale or online is in the Order as soon as the Order was written after it was accepted.
        Track::Scale | Track::Power | Track::Restart => order.value.operation >= parts.operation.id,
    }
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

fn at_the_gate(
    scene: &Scene,
    parts: &OperationParts,
    outcome: &Stored<Outcome>,
) -> Result<Option<Step>, serde_json::Error> {
    let dc = &scene.dc.value.name;
    let gate = match &scene.unreachable {
        Some(why) => Gate::Shut(why.clone()),
        None => gate(
            &parts.operation,
            dc,
            scene.dc.value.state,
            &parts.plain_control(),
            &parts.plain_outcomes(),
            parts.end.as_ref().map(|end| &end.value),
        ),
    };
    match gate {
        Gate::Open => open_gate(scene, parts, outcome).map(Some),
        Gate::Closed(_) => Ok(None),
        Gate::Shut(_) if outcome.value.state == OutcomeState::Owed => Ok(None),
        Gate::Shut(why) => {
            let after = owed(&outcome.value, why, scene.now, outcome.value.spent);
            write(scene, parts, outcome, &after).map(Some)
        }
    }
}

/// Opening a gate is one transaction: the Order and `Sent`, on everything that the gate was judged by.
fn open_gate(
    scene: &Scene,
    parts: &OperationParts,
    outcome: &Stored<Outcome>,
) -> Result<Step, serde_json::Error> {
    let Some(app) = &scene.app else { return Ok(Step::Rest(None)) };
    let dc = &scene.dc.value.name;
    let before = scene.order.as_ref().map(|order| Before { order: &order.value, settled: scene.settled });
    // Only what brings a Release moves the Order's; scale and online leave it where it is.
    let (release, content) =
        match (parts.operation.kind.track(), scene.order.as_ref().map(|order| &order.value.ordered)) {
            (Track::Release, _) | (_, None | Some(Ordered::Deleted)) => {
                (app.value.head, app.value.head_content)
            }
            (_, Some(Ordered::Run { release, content, .. })) => (*release, *content),
        };
    let order = order_for(
        &app.value,
        dc,
        release,
        content,
        before,
        scene.installation.value.epoch,
        parts.operation.id,
    );
    let mut draft = Draft::default();
    draft.relies(key::INSTALLATION, scene.installation.revision);
    draft.relies(key::dc(dc), scene.dc.revision);
    draft.relies(key::app(&app.value.app), app.revision);
    relies_on_operation(&mut draft, parts, Some(dc));
    let order_key = key::order(&app.value.app, dc);
    match &scene.order {
        Some(before) => draft.replace(order_key, before.revision, &order)?,
        None => draft.create(order_key, &order)?,
    }
    let sent = Outcome {
        state: OutcomeState::Sent,
        reason: None,
        message: None,
        since: scene.now,
        order: None,
        spent: Spent::default(),
        round: outcome.value.round,
    };
    draft.replace(key::outcome(parts.operation.id, dc), outcome.revision, &sent)?;
    Ok(Step::Commit(draft.into()))
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
    let dc = &scene.dc.value.name;
    let order_key = key::order(&parts.operation.app, dc);
    let mut draft = Draft::default();
    match &scene.order {
        Some(order) => draft.relies(order_key, order.revision),
        None => draft.requires(Compare::Absent(order_key)),
    }
    draft.replace(key::outcome(parts.operation.id, dc), before.revision, after)?;
    Ok(Step::Commit(draft.into()))
}

/// How the outcome stands by what is seen now, with the time that has been measured.
fn assess(
    scene: &Scene,
    parts: &OperationParts,
    before: &Stored<Outcome>,
    order: &Stored<Order>,
    stood: Duration,
) -> Outcome {
    let spent = spend(&before.value, stood);
    let before = &before.value;
    let fence = order.value.fence(order.revision);
    let is = |state, finding: Option<&Finding>, spent| Outcome {
        state,
        reason: finding.map(|finding| finding.reason.clone()),
        message: finding.map(|finding| finding.message.clone()),
        since: if state == before.state { before.since } else { scene.now },
        order: Some(order.revision),
        spent,
        round: before.round,
    };
    // Once failed it stays so until somebody tells the Operation to go on, or takes its place.
    if before.state == OutcomeState::Failed {
        return before.clone();
    }
    let shut = match (&scene.unreachable, scene.dc.value.state) {
        (Some(why), _) => Some(why.clone()),
        (None, DcState::Held) => Some(format!("{} is held until an operator decides", scene.dc.value.name)),
        (None, _) => None,
    };
    if let Some(why) = shut {
        return owed(before, why, scene.now, spent);
    }
    let sight = scene
        .resource
        .as_ref()
        .map(|resource| Sight { fence: resource.fence, status: resource.status.clone() });
    let no_soak = Spent { soaked: Duration::ZERO, ..spent };
    let waiting = |state, finding: Option<&Finding>| {
        // A deletion is never given up: what hinders it may go at any time.
        if parts.operation.kind != Kind::Delete && spent.running >= parts.operation.policy.deadline {
            return is(
                OutcomeState::Failed,
                Some(&too_late(parts.operation.policy.deadline, finding)),
                no_soak,
            );
        }
        is(state, finding, no_soak)
    };
    if let Some(ahead) = sight.as_ref().filter(|sight| sight.fence > fence) {
        return waiting(OutcomeState::Sent, Some(&ahead_of_ledger(ahead.fence)));
    }
    match judge(&order.value, fence, sight.as_ref()) {
        Judgement::Healthy => {
            let soaked = Spent { soaked: spent.soaked.min(parts.operation.policy.soak), ..spent };
            is(OutcomeState::Healthy, None, soaked)
        }
        Judgement::Done => is(OutcomeState::Done, None, no_soak),
        Judgement::Hopeless(finding) => is(OutcomeState::Failed, Some(&finding), no_soak),
        Judgement::Progressing(finding) => waiting(OutcomeState::Progressing, finding.as_ref()),
        Judgement::Unseen => waiting(OutcomeState::Sent, scene.trouble.as_deref().map(not_taken).as_ref()),
    }
}

fn not_taken(why: &str) -> Finding {
    Finding { reason: "NotDelivered".to_owned(), message: why.to_owned(), fatal: crate::cluster::Fatal::No }
}

fn ahead_of_ledger(fence: Fence) -> Finding {
    Finding {
        reason: "AheadOfLedger".to_owned(),
        message: format!(
            "the app resource there carries the fence {fence}, which is above the ledger's: nothing is delivered \
             until an operator removes that resource; its pods stay"
        ),
        fatal: crate::cluster::Fatal::No,
    }
}

fn too_late(deadline: Duration, finding: Option<&Finding>) -> Finding {
    let why = finding
        .map_or_else(|| "the data center has not said why".to_owned(), |finding| finding.message.clone());
    Finding {
        reason: "DeadlineExceeded".to_owned(),
        message: format!("not healthy within {}: {why}", crate::duration::format(deadline)),
        fatal: crate::cluster::Fatal::Yes,
    }
}

fn owed(before: &Outcome, why: String, now: Timestamp, spent: Spent) -> Outcome {
    Outcome {
        state: OutcomeState::Owed,
        reason: Some("Unreachable".to_owned()),
        message: Some(why),
        since: if before.state == OutcomeState::Owed { before.since } else { now },
        order: before.order,
        spent: Spent { soaked: Duration::ZERO, ..spent },
        round: before.round,
    }
}

/// Adds the time that an outcome stood to what it counts for.
fn spend(outcome: &Outcome, stood: Duration) -> Spent {
    let mut spent = outcome.spent;
    match outcome.state {
        OutcomeState::Sent | OutcomeState::Progressing => spent.running += stood,
        OutcomeState::Healthy => spent.soaked += stood,
        _ => {}
    }
    spent
}

/// Whether an outcome is worth writing: it stands elsewhere, for another reason, or its soak is over. Time
/// that merely passed is not, and neither is another wording of the same reason.
fn differs(before: &Outcome, after: &Outcome, policy: &PublishPolicy) -> bool {
    before.state != after.state
        || before.reason != after.reason
        || is_good(before, policy) != is_good(after, policy)
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
