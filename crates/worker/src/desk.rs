//! One App at one data center: look, decide, do, until there is nothing more to do.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use plimsoll_core::archive::Archive;
use plimsoll_core::clock::Clock;
use plimsoll_core::cluster::{self, Cluster, Delivery, LastGood, Power, PriorityClass, Want};
use plimsoll_core::content::Content;
use plimsoll_core::digest::Digest;
use plimsoll_core::error::Chain;
use plimsoll_core::image::Preflight;
use plimsoll_core::ledger::{self, Committed, Ledger};
use plimsoll_core::name::{AppRef, AppUid, DcName, InstallationId, NamespaceName};
use plimsoll_core::record::{self, EndState, Ordered, Track, key};
use plimsoll_core::steer::{Scene, Step, step};
use plimsoll_core::usecase::Plimsoll;

use crate::guard::Guard;
use crate::mirror::Mirror;
use crate::preflight::Preflights;
use crate::sights::Sights;
use crate::stopwatch::Watches;

/// How many steps one visit may take before others get their turn.
const STEPS: usize = 16;
/// How long to wait before trying again what the ledger did not take, and what a data center did not take the
/// first time.
pub(crate) const RETRY: Duration = Duration::from_secs(1);
/// How long to wait at most before offering a data center again what it did not take.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long a data center may ask to be left alone with one App.
const LONGEST_ASKED: Duration = Duration::from_mins(10);

/// Everything that the visits to the Apps of one data center share.
pub(crate) struct Desk {
    pub(crate) dc: DcName,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) cluster: Arc<dyn Cluster>,
    pub(crate) mirror: Arc<Mirror>,
    pub(crate) sights: Arc<Sights>,
    pub(crate) plimsoll: Plimsoll,
    pub(crate) archive: Arc<dyn Archive>,
    /// The images of its Apps, where the installation has registries.
    pub(crate) preflights: Option<Preflights>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) watches: Mutex<Watches>,
    /// Whether it may be written to.
    pub(crate) guard: Guard,
    /// How often in a row each App's Order was not taken.
    pub(crate) refusals: Mutex<HashMap<AppRef, u32>>,
    /// Until when, by the monotonic clock, the data center asked not to be asked about an App.
    pub(crate) asked_to_wait: Mutex<HashMap<AppRef, Duration>>,
}

/// How a visit ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Visit {
    /// Nothing is left to do until something changes, or this much time has passed.
    Rest(Option<Duration>),
    /// The visit wrote into the ledger: look again when the mirror has it.
    Overtaken,
    /// The data center stopped answering, for this reason.
    Lost(String),
}

/// What is there under the name of an App.
pub(crate) enum Found {
    /// What this installation ordered, or nothing; it is seen from now on.
    Ours,
    /// What this one ordered.
    Foreign(InstallationId),
}

impl Desk {
    /// Takes the steps of one App until it rests.
    pub(crate) async fn visit(&self, app: &AppRef) -> Visit {
        for _ in 0..STEPS {
            let Some(scene) = self.look(app) else { return Visit::Rest(None) };
            if let Some(preflights) = self.preflights.as_ref().filter(|_| is_given_up(&scene)) {
                preflights.forget(app);
            }
            let step = {
                let mut watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
                for parts in &scene.operations {
                    if let Some(outcome) = parts.outcomes.get(&self.dc) {
                        watches.note(parts.operation.id, outcome.revision);
                    }
                }
                match step(&scene, &*watches) {
                    Ok(step) => step,
                    Err(error) => {
                        tracing::error!(%app, dc = %self.dc, %error, "a record has no JSON form");
                        return Visit::Rest(None);
                    }
                }
            };
            let visit = match step {
                Step::Rest(rest) => return Visit::Rest(rest),
                Step::Commit(transaction) => {
                    let visit = self.commit(app, transaction).await;
                    if let (Some(preflights), Preflight::Missing(_)) = (&self.preflights, &scene.preflight) {
                        // It is told; whoever says that it is to go on has it looked for anew.
                        preflights.forget(app);
                    }
                    visit
                }
                Step::Prepare => self.prepare(app, &scene).await,
                Step::Start => self.start(app).await,
                Step::Deliver => self.deliver(app, &scene).await,
                Step::Erase => self.erase(app, &scene).await,
                Step::RollBack(operation, why) => self.roll_back(&scene, operation, &why).await,
            };
            if let Some(visit) = visit {
                return visit;
            }
        }
        Visit::Rest(Some(Duration::ZERO))
    }

    pub(crate) fn look(&self, app: &AppRef) -> Option<Scene> {
        // Until the first try to reach the data center has ended, its silence says nothing.
        if !self.sights.is_tried(&self.dc) {
            return None;
        }
        let mut scene = self.mirror.scene(app, &self.dc, self.clock.now())?;
        scene.unreachable = self.sights.lost(&self.dc);
        scene.resource = self.sights.resource(&self.dc, app);
        scene.is_unheld = self.sights.is_unheld(&self.dc, app);
        if let (Some(preflights), Some(head)) = (&self.preflights, &scene.app) {
            scene.pulls = preflights.pulls();
            scene.preflight = preflights.of(app, &head.value.head_content);
        }
        scene.trouble = self.sights.trouble(&self.dc, app);
        Some(scene)
    }

    async fn commit(&self, app: &AppRef, transaction: ledger::Transaction) -> Option<Visit> {
        match self.ledger.transact(transaction).await {
            // What was written comes back through the mirror.
            Ok(Committed::At(_)) => Some(Visit::Overtaken),
            // So does what was written instead; the wait is for the case that it came before this.
            Ok(Committed::Lost) => Some(Visit::Rest(Some(RETRY))),
            Err(error) => {
                tracing::warn!(%app, dc = %self.dc, error = %Chain(&error), "the ledger did not take a write");
                Some(Visit::Rest(Some(RETRY)))
            }
        }
    }

    /// Has the images of the App's head looked for.
    async fn prepare(&self, app: &AppRef, scene: &Scene) -> Option<Visit> {
        let (Some(preflights), Some(head)) = (&self.preflights, &scene.app) else {
            return Some(Visit::Rest(None));
        };
        let record::App { uid, head, head_content, .. } = &head.value;
        match self.content(*uid, head_content).await {
            Ok(content) => {
                preflights.begin(app, *head, *head_content, &content);
                None
            }
            Err(error) => {
                tracing::warn!(%app, dc = %self.dc, error = %Chain(&error), "a content cannot be read for its images");
                Some(Visit::Rest(Some(RETRY)))
            }
        }
    }

    /// Has the images looked for that came with no gate before them: what they lack is shown and brought, and nothing
    /// waits for it.
    fn prepare_late(&self, app: &AppRef, scene: &Scene, delivery: &Delivery) {
        let Want::Run { release, content_digest, content, power: Power::Online, .. } = &delivery.want else {
            return;
        };
        let wrote = scene.operations.iter().find(|parts| parts.operation.id == delivery.operation);
        let is_ungated = wrote.is_none_or(|parts| {
            parts.operation.kind == record::Kind::Rollback || !parts.outcomes.contains_key(&self.dc)
        });
        if let Some(preflights) = self.preflights.as_ref().filter(|_| is_ungated) {
            preflights.begin(app, *release, *content_digest, content);
        }
    }

    async fn start(&self, app: &AppRef) -> Option<Visit> {
        match self.plimsoll.start(app, &self.dc).await {
            Ok(Some(release)) => {
                tracing::info!(%app, dc = %self.dc, %release, "ordered what completed last");
                Some(Visit::Overtaken)
            }
            // What completes later, or was written meanwhile, comes through the mirror.
            Ok(None) => Some(Visit::Rest(None)),
            Err(error) => {
                tracing::warn!(%app, dc = %self.dc, error = %Chain(&error), "what completed last was not ordered");
                Some(Visit::Rest(Some(RETRY)))
            }
        }
    }

    /// How long the data center asked not to be asked about an App, if that is not over.
    pub(crate) fn is_to_wait(&self, app: &AppRef) -> Option<Duration> {
        let mut asked = self.asked_to_wait.lock().unwrap_or_else(PoisonError::into_inner);
        let left = asked.get(app)?.checked_sub(self.clock.elapsed()).filter(|left| !left.is_zero());
        if left.is_none() {
            asked.remove(app);
        }
        left
    }

    async fn deliver(&self, app: &AppRef, scene: &Scene) -> Option<Visit> {
        if let Some(left) = self.is_to_wait(app) {
            return Some(Visit::Rest(Some(left)));
        }
        if self.may_deliver(app, scene).await.is_denied() {
            return Some(Visit::Rest(Some(RETRY)));
        }
        let visit = self.put(app, scene).await;
        if !matches!(visit, Some(Visit::Lost(_))) {
            self.put_back(app).await;
        }
        visit
    }

    async fn put(&self, app: &AppRef, scene: &Scene) -> Option<Visit> {
        let delivery = match self.delivery(app, scene).await {
            Ok(Some(delivery)) => delivery,
            Ok(None) => return Some(Visit::Rest(None)),
            Err(error) => {
                tracing::warn!(%app, dc = %self.dc, error = %Chain(&error), "an order cannot be read for delivery");
                return Some(Visit::Rest(Some(RETRY)));
            }
        };
        if let Err(error) = self.make_namespace(&app.namespace).await {
            return Some(self.refused(app, &error).await);
        }
        if let Err(error) = self.make_classes_of(&delivery.want).await {
            return Some(self.refused(app, &error).await);
        }
        let seen = scene.resource.as_ref().map(|resource| &resource.version);
        match self.cluster.put(&delivery, seen).await {
            Ok(resource) => {
                tracing::info!(%app, dc = %self.dc, fence = %delivery.fence, operation = %delivery.operation, "delivered");
                self.prepare_late(app, scene, &delivery);
                self.refusals.lock().unwrap_or_else(PoisonError::into_inner).remove(app);
                self.sights.note_trouble(&self.dc, app, None);
                self.sights.answered(&self.dc, app, seen, Some(resource));
                None
            }
            // What was seen is old: look at the data center itself, and decide again from that.
            Err(cluster::Error::Conflict) => match self.look_again(app, &delivery.installation).await {
                Ok(Found::Ours) => None,
                Ok(Found::Foreign(installation)) => {
                    self.meet_foreigner(app, installation).await;
                    Some(Visit::Rest(Some(RETRY)))
                }
                Err(error) => Some(self.refused(app, &error).await),
            },
            Err(error) => {
                if scene.resource.is_none() {
                    // It may be the namespace that is missing; if it is not, the next answer says so again.
                    self.sights.forget_namespace(&self.dc, &app.namespace);
                }
                Some(self.refused(app, &error).await)
            }
        }
    }

    /// Looks at the data center itself after a conflict: what was seen is old.
    pub(crate) async fn look_again(
        &self,
        app: &AppRef,
        installation: &InstallationId,
    ) -> Result<Found, cluster::Error> {
        let before = self.sights.version(&self.dc, app);
        let found = self.cluster.get(app).await?;
        match found {
            Some(resource) if resource.installation != *installation => {
                Ok(Found::Foreign(resource.installation))
            }
            ours => {
                self.sights.answered(&self.dc, app, before.as_ref(), ours);
                Ok(Found::Ours)
            }
        }
    }

    /// Makes a Namespace in the data center, unless it was made or found there before.
    pub(crate) async fn make_namespace(&self, namespace: &NamespaceName) -> Result<(), cluster::Error> {
        if self.sights.has_namespace(&self.dc, namespace) {
            return Ok(());
        }
        let labels = [("app.kubernetes.io/managed-by".to_owned(), "plimsoll".to_owned())].into();
        let notes = self.cluster.ensure_namespace(namespace, &labels, &self.mirror.policy()).await?;
        for note in &notes {
            tracing::warn!(%namespace, dc = %self.dc, note, "something in the namespace stands against Apps");
        }
        self.sights.note_namespace(&self.dc, namespace, notes);
        Ok(())
    }

    /// Makes the `PriorityClass`es of all grades that were not made or found there before.
    pub(crate) async fn make_classes(&self) -> Result<(), cluster::Error> {
        let mut missing = self.mirror.classes();
        missing.retain(|class| !self.sights.has_class(&self.dc, class));
        if missing.is_empty() {
            return Ok(());
        }
        let blocked = self.cluster.ensure_classes(&missing).await?;
        for why in self.sights.note_classes(&self.dc, &missing, blocked) {
            tracing::warn!(dc = %self.dc, why, "nothing of that grade is delivered");
        }
        Ok(())
    }

    /// Sees to it that pods of an Order can be made: without their `PriorityClass` the API server refuses them.
    async fn make_classes_of(&self, want: &Want) -> Result<(), cluster::Error> {
        let Want::Run { content, power: Power::Online, .. } = want else { return Ok(()) };
        let needed = content.grade.priority_class();
        let is_needed = |class: &PriorityClass| class.name == needed;
        let Some(class) = self.mirror.classes().into_iter().find(is_needed) else { return Ok(()) };
        if self.sights.has_class(&self.dc, &class) {
            return Ok(());
        }
        self.make_classes().await?;
        self.sights.blocked_class(&self.dc, &needed).map_or(Ok(()), |why| Err(cluster::Error::Refused(why)))
    }

    /// What follows from a request that failed: the data center is lost if it does not answer another one either,
    /// else it is this App that has to wait.
    pub(crate) async fn refused(&self, app: &AppRef, error: &cluster::Error) -> Visit {
        let silent = match error {
            cluster::Error::Unreachable(_) | cluster::Error::Failing(_) | cluster::Error::Untrusted(..) => {
                // One that asks to wait answers.
                self.cluster.identity().await.err().filter(|error| !matches!(error, cluster::Error::Busy(_)))
            }
            cluster::Error::Forbidden(_)
            | cluster::Error::Conflict
            | cluster::Error::Refused(_)
            | cluster::Error::Busy(_)
            | cluster::Error::Unreadable(_) => None,
        };
        if let Some(silent) = silent {
            return Visit::Lost(silent.to_string());
        }
        tracing::warn!(%app, dc = %self.dc, error = %Chain(error), "the data center did not take an order");
        self.sights.note_trouble(&self.dc, app, Some(error.to_string()));
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        let count = refusals.entry(app.clone()).or_default();
        let wait = RETRY.saturating_mul(1 << (*count).min(6)).min(PATIENCE);
        let wait = match error {
            cluster::Error::Busy(Some(asked)) => {
                let wait = wait.max((*asked).min(LONGEST_ASKED));
                let until = self.clock.elapsed() + wait;
                let mut asked = self.asked_to_wait.lock().unwrap_or_else(PoisonError::into_inner);
                asked.insert(app.clone(), until);
                wait
            }
            _ => wait,
        };
        *count += 1;
        Visit::Rest(Some(wait))
    }

    async fn roll_back(
        &self,
        scene: &Scene,
        id: plimsoll_core::name::OperationId,
        why: &str,
    ) -> Option<Visit> {
        let parts = scene.operations.iter().find(|parts| parts.operation.id == id)?;
        match self.plimsoll.rollback_failed(&parts.operation, why).await {
            Ok(_) => Some(Visit::Overtaken),
            Err(error) => {
                tracing::warn!(operation = %id, error = %Chain(&error), "an automatic rollback was not accepted");
                Some(Visit::Rest(Some(RETRY)))
            }
        }
    }

    /// The Order with the contents that it names.
    async fn delivery(&self, app: &AppRef, scene: &Scene) -> Result<Option<Delivery>, DeliveryError> {
        let Some(order) = &scene.order else { return Ok(None) };
        let digest = order.value.digest().map_err(DeliveryError::Digest)?;
        let want = match &order.value.ordered {
            Ordered::Deleted => Want::Deleted,
            Ordered::Run { release, content, power, replication } => Want::Run {
                release: *release,
                content_digest: *content,
                content: self.content(order.value.uid, content).await?,
                power: *power,
                replication: replication.clone(),
                restarts: order.value.restart_count(),
                last_good: match &order.value.last_good {
                    None => None,
                    Some(good) => Some(LastGood {
                        release: good.release,
                        content_digest: good.content,
                        content: self.content(order.value.uid, &good.content).await?,
                    }),
                },
                pulls: order.value.pulls.clone(),
            },
        };
        Ok(Some(Delivery {
            installation: scene.installation.value.id.clone(),
            dc: self.dc.clone(),
            app: app.clone(),
            uid: order.value.uid,
            fence: order.value.fence(order.revision),
            digest,
            operation: order.value.operation,
            want,
            deleted: order.value.deleted.clone(),
        }))
    }

    async fn content(&self, uid: AppUid, digest: &Digest) -> Result<Content, DeliveryError> {
        let key = key::content(uid, digest);
        let entry = self.ledger.get(&key).await.map_err(DeliveryError::Read)?;
        let entry = entry.ok_or_else(|| DeliveryError::Missing(key))?;
        Ok(record::decode::<Content>(&entry).map_err(DeliveryError::Record)?.value)
    }
}

/// Whether nobody waits any more for what is brought here.
fn is_given_up(scene: &Scene) -> bool {
    let newest = scene.app.as_ref().and_then(|app| app.value.operations.get(&Track::Release));
    let parts = scene.operations.iter().find(|parts| Some(&parts.operation.id) == newest);
    let end = parts.and_then(|parts| parts.end.as_ref());
    end.is_some_and(|end| end.value.state == EndState::Aborted)
}

/// Why an Order cannot be made into a delivery.
#[derive(Debug, thiserror::Error)]
enum DeliveryError {
    #[error("the ledger does not answer")]
    Read(#[source] ledger::Error),
    #[error("{0} is not in the ledger")]
    Missing(String),
    #[error("its content cannot be read")]
    Record(#[source] record::Error),
    #[error("it has no JSON form")]
    Digest(#[source] serde_json::Error),
}

impl Desk {
    /// Forgets the times of Operations that are over, and the images of Apps that are gone.
    pub(crate) fn forget(&self) {
        if let Some(preflights) = &self.preflights {
            preflights.keep(&self.mirror.apps().into_iter().collect());
        }
        let known = self.mirror.operations();
        self.watches.lock().unwrap_or_else(PoisonError::into_inner).retain(|id| known.contains(id));
    }
}
