//! Looking at Apps.

use std::collections::BTreeMap;

use serde_json::Value;

use super::grades::Grades;
use super::page::{Listing, PageRequest};
use super::reading::no_such_app;
use super::{Plimsoll, outage};
use crate::caller::{Caller, Role};
use crate::cluster::{Fatal, Finding, Local, Power};
use crate::document::AppDocument;
use crate::error::Error;
use crate::health::{Verdict as Judgement, judge};
use crate::ledger::Direction;
use crate::name::{AppRef, DcName, NamespaceName, ReleaseNumber};
use crate::record::{App, DataCenter, DcState, End, Order, Ordered, OutcomeState, Stored, key};
use crate::scale::Replication;
use crate::shape::{sizes, terms};
use crate::steer::HELD;
use crate::view::{AppDcView, AppView, Etag, Health, Paged, Reach, ReleaseView};

impl Plimsoll {
    /// An App with how it fares in every data center.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn get(&self, caller: &Caller, app: &AppRef) -> Result<AppView, Error> {
        caller.require(Role::Viewer)?;
        let dcs = self.read_dcs().await?;
        let Some(stored) = self.read_app(app).await? else {
            self.read_namespace(&app.namespace).await?;
            return Err(no_such_app(app));
        };
        let grades = self.read_grades().await?;
        self.view_app(&dcs, &grades, stored).await
    }

    /// Apps by Namespace and name, of one Namespace or of all.
    ///
    /// # Errors
    /// `NotFound` for the Namespace; `Invalid` for the page.
    pub async fn list(
        &self,
        caller: &Caller,
        namespace: Option<&NamespaceName>,
        page: PageRequest,
    ) -> Result<Paged<AppView>, Error> {
        caller.require(Role::Viewer)?;
        let prefix = match namespace {
            Some(namespace) => {
                self.read_namespace(namespace).await?;
                key::apps(namespace)
            }
            None => key::APPS.to_owned(),
        };
        let dcs = self.read_dcs().await?;
        let grades = self.read_grades().await?;
        let (entries, next) = self.read_page(&prefix, &page).await?;
        let mut items = Vec::with_capacity(entries.len());
        for entry in &entries {
            let stored = crate::record::decode(entry).map_err(Error::internal)?;
            items.push(self.view_app(&dcs, &grades, stored).await?);
        }
        Ok(Paged::new(items, next))
    }

    /// The Releases of an App, newest first; the last page says where older ones lie.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for the page.
    pub async fn history(
        &self,
        caller: &Caller,
        app: &AppRef,
        page: PageRequest,
    ) -> Result<Paged<ReleaseView>, Error> {
        caller.require(Role::Viewer)?;
        let stored = self.read_app(app).await?.ok_or_else(|| no_such_app(app))?;
        let releases = self.read_releases(stored.value.uid).await?;
        let views = releases.into_iter().rev().map(|(release, verdict)| ReleaseView {
            number: release.number,
            head: release.number == stored.value.head,
            content: release.content,
            previous: release.previous,
            image: release.image,
            back_to: release.back_to,
            succeeded: verdict.succeeded,
            rolled_back: verdict.rolled_back,
            operation: release.operation,
            by: release.by,
            reason: release.reason,
            created: release.created,
        });
        // A life that came after has a list of its own.
        let name = key::releases(stored.value.uid);
        let list = Listing { name: &name, direction: Direction::Down };
        let mut paged = list.page_of(views, &page, |view| format!("{:016}", view.number.get()))?;
        if paged.next.is_none() {
            paged.notes.extend(self.note_on_the_archive(app, stored.value.uid).await?);
        }
        Ok(paged)
    }

    /// The document of a Release, as [`Plimsoll::apply`] takes it; of the head, if no number is given. The
    /// scale in it is the App's present one.
    ///
    /// # Errors
    /// `NotFound` for the App or the Release.
    pub async fn document(
        &self,
        caller: &Caller,
        app: &AppRef,
        release: Option<ReleaseNumber>,
    ) -> Result<Value, Error> {
        caller.require(Role::Viewer)?;
        let stored = self.read_app(app).await?.ok_or_else(|| no_such_app(app))?;
        Ok(self.document_of(stored.value, release).await?.to_value())
    }

    pub(super) async fn document_of(
        &self,
        app: App,
        release: Option<ReleaseNumber>,
    ) -> Result<AppDocument, Error> {
        let digest = match release {
            None => app.head_content,
            Some(number) => {
                let Some(release) = self.read_release(app.uid, number).await? else {
                    return Err(self.no_such_release(&app.app, app.uid, number).await);
                };
                release.content
            }
        };
        let content = self.read_content(app.uid, &digest).await?;
        Ok(AppDocument {
            app: app.app,
            owner: app.owner,
            description: app.description,
            labels: app.labels,
            scale: app.scale,
            content,
        })
    }

    async fn view_app(
        &self,
        dcs: &BTreeMap<DcName, Stored<DataCenter>>,
        grades: &Grades,
        stored: Stored<App>,
    ) -> Result<AppView, Error> {
        let app = stored.value;
        let content = self.read_content(app.uid, &app.head_content).await?;
        let orders = self.read_orders(&app.app).await?;
        let newest = app.operations.values().max().copied();
        let motion = match newest {
            Some(id) if self.read::<End>(&key::end(id)).await?.is_none() => Motion::Moving,
            _ => Motion::Settled,
        };
        let mut views: Vec<AppDcView> = dcs
            .values()
            .map(|dc| {
                let order = orders.get(&dc.value.name).filter(|o| o.value.uid == app.uid);
                self.view_app_dc(&app, &dc.value, order, motion)
            })
            .collect();
        if let (Motion::Moving, Some(id)) = (motion, newest)
            && views.iter().any(|view| view.health == Health::Progressing)
        {
            let outcomes = self.read_outcomes(id).await?;
            let has_failed = |dc: &DcName| {
                outcomes.get(dc).is_some_and(|outcome| outcome.value.state == OutcomeState::Failed)
            };
            // Where it was given up, nobody waits for the end of the way, though the Operation is held and not ended.
            for view in
                views.iter_mut().filter(|view| view.health == Health::Progressing && has_failed(&view.dc))
            {
                view.health = Health::Degraded;
            }
        }
        Ok(AppView {
            etag: Etag(stored.revision),
            terms: terms(&content),
            grade_note: grades.note(&content),
            sizes: sizes(&content),
            grade: content.grade,
            release: app.head,
            content: app.head_content,
            image: content.main.image.to_string(),
            health: overall(&app, &views),
            dcs: views,
            operation: newest,
            app: app.app,
            uid: app.uid,
            owner: app.owner,
            description: app.description,
            labels: app.labels,
            scale: app.scale,
            power: app.power,
            pin: app.pin,
            created: app.created,
            changed_by: app.changed_by,
            changed: app.changed,
        })
    }

    fn view_app_dc(
        &self,
        app: &App,
        dc: &DataCenter,
        order: Option<&Stored<Order>>,
        motion: Motion,
    ) -> AppDcView {
        let mut view = AppDcView {
            dc: dc.name.clone(),
            dc_state: dc.state,
            release: None,
            seen: None,
            reach: self.live.reach(&dc.name),
            replication: None,
            health: Health::Progressing,
            replicas: None,
            findings: Vec::new(),
            drift: Vec::new(),
        };
        if let Some(why) = dc.closed() {
            view.findings.push(Finding { reason: HELD.to_owned(), message: why, fatal: Fatal::No });
        }
        let Some(order) = order else {
            // Nothing is ordered there, and nothing comes by itself.
            if dc.state != DcState::Active || !app.scale.placement.names(&dc.name) {
                view.health = Health::Offline;
            }
            return view;
        };
        if let Ordered::Run { release, replication, power, content: _ } = &order.value.ordered {
            view.release = Some(*release);
            view.replication = Some(match power {
                Power::Online => replication.clone(),
                // Its scale is kept for when it comes back.
                Power::Offline => Replication::ZERO,
            });
        }
        let sight = self.live.sight(&app.app, &dc.name);
        let fence = order.value.fence(order.revision);
        view.seen = sight.as_ref().and_then(|sight| sight.release);
        view.health = match judge(&order.value, fence, sight.as_ref()) {
            _ if matches!(view.reach, Some(Reach::Unreachable(_))) => Health::Unknown,
            _ if sight.as_ref().is_some_and(|sight| sight.local.is_some()) => Health::Degraded,
            Judgement::Healthy => Health::Healthy,
            Judgement::Done => Health::Offline,
            Judgement::Hopeless(_) => Health::Degraded,
            // What hinders it is a step on the way, as long as somebody waits for the end of the way.
            Judgement::Progressing(Some(_)) if motion == Motion::Settled => Health::Degraded,
            // Nothing is on its way where nothing may be written.
            Judgement::Progressing(_) | Judgement::Unseen if dc.closed().is_some() => Health::Degraded,
            Judgement::Progressing(_) | Judgement::Unseen => Health::Progressing,
        };
        let outage = match &view.reach {
            Some(Reach::Unreachable(outage)) => {
                Some(outage::finding(outage, app, &order.value, fence, sight.as_ref()))
            }
            Some(Reach::Connected) | None => None,
        };
        let local = sight.as_ref().and_then(|sight| sight.local.as_ref()).map(|local| Finding {
            reason: Local::REASON.to_owned(),
            message: local.sentence(),
            fatal: Fatal::No,
        });
        if matches!(view.health, Health::Healthy | Health::Offline) {
            // As ordered, whatever may be written.
            view.findings.clear();
        }
        if let Some(status) = sight.and_then(|sight| sight.status) {
            view.replicas = (status.fence == fence).then_some(status.replicas);
            view.findings.extend(status.findings);
            view.drift = status.drift;
        }
        // It says more than what the controller there says of the same.
        view.findings.retain(|finding| local.is_none() || finding.reason != Local::REASON);
        view.findings.splice(0..0, outage.into_iter().chain(local));
        view
    }
}

/// Whether an Operation on an App is on its way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Motion {
    Moving,
    Settled,
}

/// How an App fares over all: as badly as where it fares worst, leaving out those that have none ordered.
fn overall(app: &App, dcs: &[AppDcView]) -> Health {
    if app.power == Power::Offline && dcs.iter().all(|dc| matches!(dc.health, Health::Offline)) {
        return Health::Offline;
    }
    let counted: Vec<Health> =
        dcs.iter().filter(|dc| dc.dc_state != DcState::Lost).map(|dc| dc.health).collect();
    for worst in [Health::Degraded, Health::Unknown, Health::Progressing, Health::Healthy] {
        if counted.contains(&worst) {
            return worst;
        }
    }
    Health::Offline
}
