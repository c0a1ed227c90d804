//! The connection to one data center: find out who answers, watch, work off the queue, and when it is lost,
//! ask with one read at a time whether it is back.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use jiff::Timestamp;
use plimsoll_core::breaker::STOPPED;
use plimsoll_core::cluster::{self, Definition, Event, Resource};
use plimsoll_core::error::Chain;
use plimsoll_core::name::{AppRef, InstallationId};
use plimsoll_core::view::Outage;
use tokio::sync::broadcast;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::time::{DelayQueue, delay_queue};

use crate::desk::{Desk, Visit};
use crate::mirror::Change;
use crate::preflight::Preflights;
use crate::queue::Queue;

/// How many Apps of a data center are worked on at once.
const CONCURRENCY: usize = 64;
/// How long a data center may be silent before it counts as lost. A connection that broke, or a server that makes
/// room for its successor, opens nobody else's gate.
const GRACE: Duration = Duration::from_secs(3);
/// The first and the longest wait before asking a lost data center again.
const ASK_FIRST: Duration = Duration::from_millis(250);
const ASK_LONGEST: Duration = Duration::from_secs(5);
/// How long visits that run may take to come to their end when the work is handed over. Nothing is lost by
/// cutting one off: a successor looks at what there is.
const ENDING: Duration = Duration::from_secs(2);

/// Serves one data center until it is cancelled; then what runs there may come to its end, for a moment.
pub(crate) async fn serve(desk: Arc<Desk>, cancelled: CancellationToken) {
    let mut work = Work::new(desk);
    tokio::select! {
        () = cancelled.cancelled() => {}
        () = attend(&mut work) => {}
    }
    work.end().await;
}

/// Serves a data center through its losses and returns, for ever.
async fn attend(work: &mut Work) {
    let desk = work.desk.clone();
    let mut changes = desk.mirror.changes();
    let mut silence = Silence::default();
    loop {
        let lost = connected(work, &mut changes, &mut silence).await;
        if desk.sights.lost(&desk.dc).is_none() && silence.has_lasted() < GRACE {
            tokio::time::sleep(ASK_FIRST).await;
            continue;
        }
        desk.sights.note_compared(&desk.dc);
        let outage = Outage { why: lost.clone(), since: silence.since(desk.clock.now()) };
        if desk.sights.note_silence(&desk.dc, outage) {
            tracing::warn!(dc = %desk.dc, why = lost, "the data center does not answer; it is owed what it misses");
        }
        work.everything();
        // While it is lost nothing goes there but the question; what is decided goes into the ledger.
        disconnected(work, &mut changes, silence.next_wait()).await;
    }
}

/// How long a data center has not answered.
#[derive(Default)]
struct Silence {
    since: Option<Instant>,
    wait: Option<Duration>,
}

impl Silence {
    /// How long it has lasted; it begins with the first question.
    fn has_lasted(&mut self) -> Duration {
        self.since.get_or_insert_with(Instant::now).elapsed()
    }

    /// When it began, by the clock that says `now`.
    fn since(&mut self, now: Timestamp) -> Timestamp {
        now.checked_sub(self.has_lasted()).unwrap_or(now)
    }

    /// How long to wait before asking again.
    fn next_wait(&mut self) -> Duration {
        let wait = self.wait.map_or(ASK_FIRST, |wait| (wait * 2).min(ASK_LONGEST));
        self.wait = Some(wait);
        wait
    }
}

/// Works with the data center until it is lost; answers why.
async fn connected(
    work: &mut Work,
    changes: &mut broadcast::Receiver<Change>,
    silence: &mut Silence,
) -> String {
    let desk = work.desk.clone();
    let Some(installation) = desk.mirror.installation() else {
        return "the installation has no name yet".to_owned();
    };
    if let Err(why) = recognise(&desk).await {
        return why;
    }
    let mut watch = desk.cluster.watch(&installation.value.id);
    loop {
        tokio::select! {
            event = watch.next() => match event {
                Some(Ok(event)) => {
                    let notice = Notice::of(&desk, &event);
                    work.take_event(event);
                    if let Err(why) = heed(&desk, notice, silence).await {
                        return why;
                    }
                }
                Some(Err(error)) => return plain(&error),
                None => return "the data center closed the watch".to_owned(),
            },
            change = changes.recv() => {
                let namespaces = !matches!(change, Ok(Change::App(_)));
                work.take_change(change);
                if namespaces {
                    if let Err(why) = make_classes(&desk).await {
                        return why;
                    }
                    if let Err(why) = make_namespaces(&desk).await {
                        return why;
                    }
                    if let Err(error) = desk.restore().await {
                        return plain(&error);
                    }
                }
            }
            visit = work.next() => if let Visit::Lost(why) = visit {
                return why;
            },
        }
    }
}

/// Goes on deciding for `wait` without the data center.
async fn disconnected(work: &mut Work, changes: &mut broadcast::Receiver<Change>, wait: Duration) {
    let over = tokio::time::sleep(wait);
    tokio::pin!(over);
    loop {
        tokio::select! {
            () = &mut over => return,
            change = changes.recv() => work.take_change(change),
            _ = work.next() => {}
        }
    }
}

/// The Apps of which images were looked for, once something came of it.
async fn prepared(preflights: Option<&Preflights>) -> HashSet<AppRef> {
    match preflights {
        Some(preflights) => preflights.changed().await,
        None => std::future::pending().await,
    }
}

/// Whether it is the cluster that was added under this name, and able to hold Apps.
async fn recognise(desk: &Desk) -> Result<(), String> {
    let identity = desk.cluster.identity().await.map_err(|error| plain(&error))?;
    let expected = desk.mirror.dcs().get(&desk.dc).map(|dc| dc.value.cluster_uid.clone());
    match expected {
        Some(expected) if expected == identity.uid => {
            if !desk.is_closed()
                && desk.cluster.prepare().await.map_err(|error| plain(&error))? == Definition::Made
            {
                desk.made_definition().await;
            }
            Ok(())
        }
        Some(expected) => {
            desk.meet_other_cluster(expected.clone(), identity.uid.clone()).await;
            Err(format!(
                "another cluster answers for {}: {} instead of {expected}; nothing is written there",
                desk.dc, identity.uid
            ))
        }
        None => Err(format!("{} is no data center of this installation", desk.dc)),
    }
}

/// What an event says beside what it is about.
enum Notice {
    /// Everything was listed.
    Listed,
    /// Something does not fit with what the ledger says.
    Suspicious,
    /// The controller has stopped.
    Stopped,
    /// Somebody else's resource bears the name of an App.
    Foreign(AppRef, InstallationId),
    /// Nothing.
    Nothing,
}

impl Notice {
    fn of(desk: &Desk, event: &Event) -> Self {
        match event {
            Event::All(_) => Self::Listed,
            Event::Foreign { app, installation } => Self::Foreign(app.clone(), installation.clone()),
            Event::Changed(resource) if desk.is_suspicious(resource) => Self::Suspicious,
            Event::Changed(resource) if says_stopped(resource) => Self::Stopped,
            Event::Changed(_) | Event::Gone(_) | Event::Unreadable { .. } => Self::Nothing,
        }
    }
}

fn says_stopped(resource: &Resource) -> bool {
    let findings = resource.status.iter().flat_map(|status| &status.findings);
    findings.into_iter().any(|finding| finding.reason == STOPPED)
}

/// Does what follows from a notice, before anything is written.
async fn heed(desk: &Desk, notice: Notice, silence: &mut Silence) -> Result<(), String> {
    let heeded = match notice {
        Notice::Listed => {
            *silence = Silence::default();
            desk.audit().await.map_err(|error| plain(&error))?;
            desk.sights.note_compared(&desk.dc);
            desk.heed_controller().await.map_err(|error| plain(&error))?;
            desk.sights.forget_classes(&desk.dc);
            make_classes(desk).await?;
            make_namespaces(desk).await?;
            desk.restore().await
        }
        Notice::Suspicious => desk.audit().await,
        // One that is known is not asked for again with every App that speaks of it.
        Notice::Stopped if desk.is_stopped_by_controller() => Ok(()),
        Notice::Stopped => desk.heed_controller().await,
        Notice::Foreign(app, installation) => {
            desk.meet_foreigner(&app, installation).await;
            Ok(())
        }
        Notice::Nothing => Ok(()),
    };
    heeded.map_err(|error| plain(&error))
}

/// What does not get its class for reasons of its own is told of with the Apps that need it.
async fn make_classes(desk: &Desk) -> Result<(), String> {
    if desk.is_closed() {
        return Ok(());
    }
    match desk.make_classes().await {
        Ok(()) => Ok(()),
        Err(error @ (cluster::Error::Unreachable(_) | cluster::Error::Untrusted(..))) => Err(plain(&error)),
        Err(error) => {
            tracing::warn!(dc = %desk.dc, error = %Chain(&error), "the classes of the grades were not made");
            Ok(())
        }
    }
}

async fn make_namespaces(desk: &Desk) -> Result<(), String> {
    if desk.is_closed() {
        return Ok(());
    }
    for namespace in desk.mirror.namespaces() {
        match desk.make_namespace(&namespace).await {
            Ok(()) => {}
            Err(
                error @ (cluster::Error::Unreachable(_)
                | cluster::Error::Failing(_)
                | cluster::Error::Untrusted(..)),
            ) => {
                return Err(plain(&error));
            }
            Err(error) => {
                tracing::warn!(%namespace, dc = %desk.dc, error = %Chain(&error), "a namespace was not made");
            }
        }
    }
    Ok(())
}

/// Why there is no connection, for people: what is theirs to mend, and without the layers that it went through,
/// which are for the log.
fn plain(error: &cluster::Error) -> String {
    tracing::debug!(error = %Chain(error), "the connection was lost");
    match error {
        cluster::Error::Unreachable(source) | cluster::Error::Unreadable(source) => {
            format!("{error} ({})", innermost(source.as_ref()))
        }
        cluster::Error::Failing(_)
        | cluster::Error::Busy(_)
        | cluster::Error::Untrusted(..)
        | cluster::Error::Forbidden(_)
        | cluster::Error::Conflict
        | cluster::Error::Refused(_) => error.to_string(),
    }
}

fn innermost<'a>(error: &'a (dyn std::error::Error + 'static)) -> &'a (dyn std::error::Error + 'static) {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost
}

/// The Apps of one data center that are due, in work, or to be looked at later.
struct Work {
    desk: Arc<Desk>,
    queue: Queue<AppRef>,
    /// Those that run end with this, so that a worker that is gone does nothing more.
    running: JoinSet<(AppRef, Visit)>,
    later: DelayQueue<AppRef>,
    /// The one entry that each App has in `later`.
    alarms: HashMap<AppRef, delay_queue::Key>,
}

impl Work {
    fn new(desk: Arc<Desk>) -> Self {
        Self {
            desk,
            queue: Queue::new(),
            running: JoinSet::new(),
            later: DelayQueue::new(),
            alarms: HashMap::new(),
        }
    }

    /// Marks every App as due.
    fn everything(&mut self) {
        self.desk.forget();
        self.later.clear();
        self.alarms.clear();
        for app in self.desk.mirror.apps() {
            self.queue.push(app);
        }
    }

    fn take_change(&mut self, change: Result<Change, broadcast::error::RecvError>) {
        match change {
            Ok(Change::App(app)) => self.queue.push(app),
            Ok(Change::Everything) | Err(broadcast::error::RecvError::Lagged(_)) => self.everything(),
            // The mirror lives as long as the process.
            Err(broadcast::error::RecvError::Closed) => {}
        }
    }

    fn take_event(&mut self, event: Event) {
        let desk = self.desk.clone();
        match event {
            Event::All(resources) => {
                desk.sights.replace(&desk.dc, resources);
                if desk.sights.note_answer(&desk.dc) {
                    tracing::info!(dc = %desk.dc, "the data center answers");
                }
                self.everything();
                // Also those that the ledger has forgotten.
                for carried in desk.sights.resources(&desk.dc) {
                    self.queue.push(carried.app);
                }
            }
            Event::Changed(resource) => {
                let app = resource.app.clone();
                if desk.sights.set(&desk.dc, resource) {
                    self.queue.push(app);
                }
            }
            Event::Gone(app) => {
                desk.sights.remove(&desk.dc, &app);
                self.queue.push(app);
            }
            // Nothing of ours; what follows from it is decided apart.
            Event::Foreign { .. } => {}
            Event::Unreadable { app, why } => {
                tracing::error!(%app, dc = %desk.dc, why, "an app resource cannot be read");
                desk.sights.remove(&desk.dc, &app);
            }
        }
    }

    /// Has an App looked at after `rest`, instead of when it was to be looked at before.
    fn wake(&mut self, app: AppRef, rest: Duration) {
        if let Some(alarm) = self.alarms.get(&app) {
            self.later.reset(alarm, rest);
        } else {
            let alarm = self.later.insert(app.clone(), rest);
            self.alarms.insert(app, alarm);
        }
    }

    /// Works until one visit has ended, and answers how. Pends while there is nothing to do.
    async fn next(&mut self) -> Visit {
        loop {
            while self.running.len() < CONCURRENCY {
                let Some(app) = self.queue.pop() else { break };
                let desk = self.desk.clone();
                self.running.spawn(async move {
                    let visit = desk.visit(&app).await;
                    (app, visit)
                });
            }
            tokio::select! {
                Some(ended) = self.running.join_next() => {
                    let Ok((app, visit)) = ended else { continue };
                    self.queue.finish(&app);
                    if let Visit::Rest(Some(rest)) = visit {
                        self.wake(app, rest);
                    }
                    return visit;
                }
                prepared = prepared(self.desk.preflights.as_ref()) => {
                    for app in prepared {
                        self.queue.push(app);
                    }
                }
                Some(due) = self.later.next() => {
                    let app = due.into_inner();
                    self.alarms.remove(&app);
                    self.queue.push(app);
                }
                else => std::future::pending().await,
            }
        }
    }

    /// Lets the visits that run come to their end, and cuts off those that take too long.
    async fn end(mut self) {
        let all = async { while self.running.join_next().await.is_some() {} };
        if tokio::time::timeout(ENDING, all).await.is_err() {
            self.running.shutdown().await;
        }
    }
}
