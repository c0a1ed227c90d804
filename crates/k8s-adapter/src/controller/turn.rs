//! One look at one App: what is to be done is decided, and done.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use plimsoll_core::clock::Clock;
use plimsoll_core::cluster::{Delivery, Error, Fatal, Finding, Local, Status, Want};
use plimsoll_core::error::Chain;
use plimsoll_core::name::{AppRef, AppUid, DcName};
use plimsoll_qos::Terms;

use super::Options;
use super::brake::Brake;
use super::budget::Budget;
use super::companions::Companions;
use super::execute::{Done, Executor};
use super::held::Held;
use super::pace::Memory;
use super::queue::Queue;
use super::world::World;
use crate::reconcile::{Action, Desired, Live, Matches, Observed, Pod, reconcile, refuse};
use crate::render::{Kind, render};
use crate::resource::{Carried, Damage};
use crate::rest::Rest;

/// How often one look may decide anew; more is left to the next.
const ROUNDS: usize = 8;
/// Before the next look where something is to become known, or to go, in a moment.
const PAUSE: Duration = Duration::from_millis(200);
/// How many statuses a second may only say how far Apps are, in the whole data center.
const PROGRESS: u32 = 10;
/// How many lists of pods, and of their events, a second may be read only to say why Apps take long, in the whole data center.
const READS: u32 = 5;
/// How long a plan that the data center refused is left alone.
const AFTER_REFUSAL: Duration = Duration::from_secs(5);

pub(super) struct Controller {
    rest: Rest,
    dc: DcName,
    clock: Arc<dyn Clock>,
    world: Arc<World>,
    queue: Arc<Queue>,
    progress: Budget,
    reads: Budget,
    brake: Arc<Brake>,
    companions: Arc<Companions>,
}

/// What the App resource says is to be done.
pub(super) enum Order {
    Do(Box<Desired>, Vec<Terms>),
    /// Nothing, and why.
    Leave(Finding),
}

/// What a round leaves to do.
enum Next {
    /// Decide anew, with what is known now.
    Round,
    Nothing,
    After(Duration),
}

impl Controller {
    pub(super) fn new(
        rest: Rest,
        options: &Options,
        world: Arc<World>,
        queue: Arc<Queue>,
        brake: Arc<Brake>,
        companions: Arc<Companions>,
    ) -> Self {
        Self {
            rest,
            dc: options.dc.clone(),
            clock: options.clock.clone(),
            world,
            queue,
            progress: Budget::new(PROGRESS),
            reads: Budget::new(READS),
            brake,
            companions,
        }
    }

    /// Looks at an App. What fails is tried again later.
    pub(super) async fn turn(&self, app: &AppRef) {
        match self.rounds(app).await {
            Ok(Next::Nothing) => {}
            Ok(Next::Round) => self.queue.add(app),
            Ok(Next::After(pause)) => self.queue.add_after(app, pause),
            Err(error) => {
                let pause = self.world.remember(app, Memory::failed).unwrap_or_default();
                tracing::warn!(
                    namespace = %app.namespace, app = %app.name, dc = %self.dc, error = %Chain(&error),
                    "an App could not be brought to what was ordered",
                );
                self.queue.add_after(app, pause);
            }
        }
    }

    async fn rounds(&self, app: &AppRef) -> Result<Next, Error> {
        // What was read for one decision counts for that one alone.
        let mut read = Read::default();
        for _ in 0..ROUNDS {
            // Without its resource an App is unknown: its workloads are left as they are.
            let Some((held, mut observed)) = self.world.look(app) else { return Ok(Next::Nothing) };
            self.world.remember(app, |memory| {
                memory.at(held.fence);
                observed.curious = memory.is_curious() && self.reads.is_left();
                observed.was_done = memory.was_done(observed.status.as_ref());
                observed.has_overdue = memory.has_overdue;
                observed.troubles.clone_from(&memory.troubles);
                observed.futile.clone_from(&memory.futile);
                observed.fought = memory.fights.left();
                observed.unsaid.clone_from(&memory.unsaid);
            });
            observed.pods = read.pods.take();
            observed.gone = read.gone.take();
            if let Some(unmarked) = read.unmarked.take() {
                observed.searched = true;
                observed.objects.retain(|seen| unmarked.iter().all(|found| found.uid != seen.uid));
                observed.objects.extend(unmarked);
            }
            let Some(order) = self.order(app, &held) else { return Ok(Next::Nothing) };
            let next = match &*order {
                Order::Leave(why) => self.leave(app, &held, why.clone(), &observed).await?,
                Order::Do(desired, terms) => {
                    if let Some(rendering) = &desired.rendering
                        && !self.brake.is_set()
                    {
                        observed.refusals = self.companions.attend(app, terms, &rendering.deployment).await;
                    }
                    self.round(app, &held, desired, &observed, &mut read).await?
                }
            };
            if !matches!(next, Next::Round) {
                return Ok(next);
            }
        }
        Ok(Next::After(PAUSE))
    }

    fn order(&self, app: &AppRef, held: &Held) -> Option<Arc<Order>> {
        // Nothing can be said of what has no fence.
        held.fence?;
        if let Some(known) = self.world.remember(app, |memory| memory.order(&held.body)).flatten() {
            return Some(known);
        }
        let order = Arc::new(self.read(held));
        self.world.remember(app, |memory| memory.found(held.body.clone(), order.clone()));
        Some(order)
    }

    fn read(&self, held: &Held) -> Order {
        let leave = |reason: &str, message: String| {
            Order::Leave(Finding { reason: reason.to_owned(), message, fatal: Fatal::Yes })
        };
        let delivery = match held.carried() {
            Carried::Order(delivery) => delivery,
            Carried::Damaged(damage) => {
                let reason = match damage {
                    Damage::Unreadable(_) => "Unreadable",
                    Damage::Content => "ContentMismatch",
                    Damage::Order => "Edited",
                    Damage::Newer(_) => "TooOld",
                    Damage::Local => Local::REASON,
                };
                return leave(reason, damage.to_string());
            }
        };
        if delivery.dc != self.dc {
            let message = format!("this was ordered for {}, and here is {}", delivery.dc, self.dc);
            return leave("WrongDataCenter", message);
        }
        match render(&delivery) {
            Ok(rendering) => {
                let terms = terms(&delivery.want);
                let Delivery { fence, uid, deleted, want, .. } = *delivery;
                debug_assert_eq!(rendering.is_none(), want == Want::Deleted);
                Order::Do(Box::new(Desired { fence, uid, deleted, rendering }), terms)
            }
            Err(error) => leave("TooOld", error.to_string()),
        }
    }

    async fn leave(
        &self,
        app: &AppRef,
        held: &Held,
        why: Finding,
        observed: &Observed,
    ) -> Result<Next, Error> {
        let Some(fence) = held.fence else { return Ok(Next::Nothing) };
        // Written under no life: nothing else is done here.
        let executor = self.executor(app, AppUid::from(uuid::Uuid::nil()));
        for action in refuse(fence, why, observed) {
            if let Action::WriteStatus(status) = action {
                return self.say(&executor, held, &status, observed).await;
            }
        }
        Ok(Next::Nothing)
    }

    async fn round(
        &self,
        app: &AppRef,
        held: &Held,
        desired: &Desired,
        observed: &Observed,
        read: &mut Read,
    ) -> Result<Next, Error> {
        let executor = self.executor(app, desired.uid);
        let mut next = Next::Nothing;
        let (mut has_written, mut is_settled) = (false, true);
        let mut matches =
            self.world.remember(app, |memory| std::mem::take(&mut memory.matches)).unwrap_or_default();
        let actions = reconcile(desired, observed, self.clock.now(), &mut matches);
        self.world.remember(app, |memory| memory.matches = matches);
        let mut actions = actions.into_iter().peekable();
        while let Some(action) = actions.next() {
            match action {
                Action::FindUnmarked(objects) => {
                    read.unmarked = Some(executor.unmarked(&objects).await?);
                    return Ok(Next::Round);
                }
                Action::ReadPods => {
                    if observed.curious {
                        // Two that find one left may both read: it is about how many on the whole.
                        self.reads.take();
                    }
                    let mut pods = executor.pods(desired.uid).await?;
                    self.world.remember(app, |memory| memory.read_pods(&mut pods));
                    for uid in Pod::to_ask_about(&pods) {
                        self.reads.take();
                        Pod::explain(&mut pods, &uid, &executor.warnings(&uid).await?);
                    }
                    read.pods = Some(pods);
                    return Ok(Next::Round);
                }
                Action::ConfirmGone(lives) => {
                    read.gone = Some(executor.is_gone(&lives).await?);
                    return Ok(Next::Round);
                }
                Action::LookAgain(pause) => {
                    is_settled = false;
                    let pause = self.world.remember(app, |memory| memory.unsettled(pause)).unwrap_or(pause);
                    next = sooner(next, Next::After(pause));
                    continue;
                }
                Action::WriteStatus(status) => {
                    next = sooner(next, self.say(&executor, held, &status, observed).await?);
                    continue;
                }
                Action::Create(_) | Action::Apply { .. } | Action::Delete { .. } => {}
            }
            let mut together = vec![action];
            while let Some(more) = actions.next_if(|more| is_independent(&together[0], more)) {
                together.push(more);
            }
            let stopped =
                together.iter().find_map(|action| self.brake.allow(app, desired, observed, action).err());
            if let Some(why) = stopped {
                // It is looked at again when the stop is lifted, or something changes.
                return self.admit(&executor, held, desired, why).await;
            }
            let done = join_all(together.iter().map(|action| executor.perform(action))).await;
            for (action, done) in together.iter().zip(done) {
                match done? {
                    Done::Written => {
                        has_written = true;
                        if let Action::Apply { object, repairs, .. } = action {
                            let title = object.title();
                            let note = |memory: &mut Memory| {
                                for field in repairs {
                                    memory.fights.repaired(&title, field);
                                }
                            };
                            self.world.remember(app, note);
                        }
                    }
                    Done::LookAgain => return Ok(Next::Round),
                    Done::Later => return Ok(Next::After(PAUSE)),
                    Done::Impossible(why) => return self.give_up(&executor, held, desired, why).await,
                    Done::Futile { title, fields } => {
                        tracing::error!(
                            namespace = %app.namespace, app = %app.name, dc = %self.dc, object = title,
                            fields = ?fields, "the API server makes something else of what is applied",
                        );
                        has_written = true;
                        self.world
                            .remember(app, |memory| memory.futile.entry(title).or_default().extend(fields));
                    }
                }
            }
        }
        if has_written {
            self.world.remember(app, Memory::succeeded);
            return Ok(Next::Round);
        }
        self.brake.is_written(app);
        if is_settled {
            self.world.remember(app, Memory::settled);
        }
        Ok(next)
    }

    /// Says why it cannot be done, and tries again later: a person may have made room.
    async fn give_up(
        &self,
        executor: &Executor<'_>,
        held: &Held,
        desired: &Desired,
        why: Finding,
    ) -> Result<Next, Error> {
        let pause = self.world.remember(executor.app, Memory::failed);
        let again = Next::After(pause.unwrap_or_default().max(AFTER_REFUSAL));
        Ok(sooner(again, self.admit(executor, held, desired, why).await?))
    }

    /// Writes a status that gives this reason first.
    async fn admit(
        &self,
        executor: &Executor<'_>,
        held: &Held,
        desired: &Desired,
        why: Finding,
    ) -> Result<Next, Error> {
        let app = executor.app;
        let troubles = vec![why];
        let was_done = self.world.remember(app, |memory| {
            memory.troubles.clone_from(&troubles);
            memory.was_done(None)
        });
        let Some((_, observed)) = self.world.look(app) else { return Ok(Next::Nothing) };
        // What is missing was searched for before it was tried to make it.
        let was_done = was_done.unwrap_or_default();
        let observed = Observed { troubles, was_done, searched: true, ..observed };
        for action in reconcile(desired, &observed, self.clock.now(), &mut Matches::default()) {
            if let Action::WriteStatus(status) = action {
                return self.say(executor, held, &status, &observed).await;
            }
        }
        Ok(Next::Nothing)
    }

    /// Writes a status now, or sees to it that it is looked at again when it may be written.
    async fn say(
        &self,
        executor: &Executor<'_>,
        held: &Held,
        status: &Status,
        observed: &Observed,
    ) -> Result<Next, Error> {
        let app = executor.app;
        let wait = self
            .world
            .remember(app, |memory| memory.hold_back(status, observed.status.as_ref(), &self.progress));
        if let Some(wait) = wait.flatten() {
            return Ok(Next::After(wait));
        }
        let done = executor.write_status(held, status).await?;
        self.world.remember(app, Memory::wrote_status);
        Ok(match done {
            // The watch brings what is newer.
            Done::LookAgain => Next::After(PAUSE),
            _ => Next::Nothing,
        })
    }

    fn executor<'a>(&'a self, app: &'a AppRef, uid: AppUid) -> Executor<'a> {
        Executor { rest: &self.rest, world: &self.world, app, uid }
    }
}

/// What is sold here by the content that is ordered, and by the one that it may have to go back to.
fn terms(want: &Want) -> Vec<Terms> {
    match want {
        Want::Deleted => Vec::new(),
        Want::Run { content, last_good, .. } => {
            let before = last_good.iter().map(|good| good.content.terms);
            std::iter::once(content.terms).chain(before).collect()
        }
    }
}

/// What was read for one decision.
#[derive(Default)]
struct Read {
    pods: Option<Vec<Pod>>,
    gone: Option<bool>,
    /// What is there without the marks that it would be seen by.
    unmarked: Option<Vec<Live>>,
}

/// Whether two actions may be done at the same time: config before what needs it, the Deployment before what
/// stands around it, and one thing after the other where something goes.
fn is_independent(one: &Action, two: &Action) -> bool {
    let stands_around =
        |action: &Action| matches!(action, Action::Apply { object, .. } if object.kind != Kind::Deployment);
    match (one, two) {
        (Action::Create(_), Action::Create(_)) => true,
        (one, two) => stands_around(one) && stands_around(two),
    }
}

fn sooner(one: Next, two: Next) -> Next {
    match (one, two) {
        (Next::Round, _) | (_, Next::Round) => Next::Round,
        (Next::After(one), Next::After(two)) => Next::After(one.min(two)),
        (Next::After(pause), Next::Nothing) | (Next::Nothing, Next::After(pause)) => Next::After(pause),
        (Next::Nothing, Next::Nothing) => Next::Nothing,
    }
}
