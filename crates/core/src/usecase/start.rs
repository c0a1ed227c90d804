//! Bringing an App to a data center that no Operation brings it to.

use super::Plimsoll;
use super::reading::from_ledger;
use crate::error::Error;
use crate::last_good::last_good;
use crate::ledger::{Committed, Compare};
use crate::name::{AppRef, DcName, ReleaseNumber};
use crate::order::{Brings, order_for};
use crate::record::{App, DcState, Draft, EndState, Release, Track, key};

impl Plimsoll {
    /// Orders for `dc`, which was added when the App was there already, the last Release that completed, with
    /// the App's scale and state. It is no Operation: nobody waits for it, and how it fares shows with the
    /// App.
    ///
    /// Answers the Release that was ordered; `None` where there is nothing to order, or somebody was faster.
    ///
    /// # Errors
    /// What the ledger fails with.
    pub async fn start(&self, app: &AppRef, dc: &DcName) -> Result<Option<ReleaseNumber>, Error> {
        let ground = self.ground(app).await?;
        let (Some(stored), Some(there)) = (&ground.app, ground.dcs.get(dc)) else { return Ok(None) };
        if there.value.state != DcState::Active || !stored.value.scale.placement.names(dc) {
            return Ok(None);
        }
        let Some(release) = self.completed(&stored.value).await? else { return Ok(None) };
        let before = ground.orders.get(dc);
        let present = before.filter(|order| order.value.uid == stored.value.uid);
        if present.is_some_and(|order| order.value.release() >= Some(release.number)) {
            return Ok(None);
        }
        let epoch = ground.installation.value.epoch;
        let order = order_for(
            &stored.value,
            dc,
            Brings { release: release.number, content: release.content, pulls: self.pulls(dc) },
            ground.before(dc),
            epoch,
            release.operation,
        );
        let mut draft = Draft::default();
        draft.relies(key::INSTALLATION, ground.installation.revision);
        draft.relies(key::dc(dc), there.revision);
        draft.relies(key::app(app), stored.revision);
        match ground.proven.get(dc) {
            Some(proven) => draft.relies(key::proven(app, dc), proven.revision),
            None => draft.requires(Compare::Absent(key::proven(app, dc))),
        }
        let order_key = key::order(app, dc);
        match before {
            Some(before) => draft.replace(order_key, before.revision, &order).map_err(Error::internal)?,
            None => draft.create(order_key, &order).map_err(Error::internal)?,
        }
        match self.ledger.transact(draft.into()).await.map_err(from_ledger)? {
            Committed::At(_) => Ok(Some(release.number)),
            Committed::Lost => Ok(None),
        }
    }

    /// The last Release that completed: the head, if its publish succeeded, else the newest that did and was not
    /// rolled back from.
    async fn completed(&self, app: &App) -> Result<Option<Release>, Error> {
        let publish = match app.operations.get(&Track::Release) {
            Some(id) => self.read_operation(*id).await?,
            None => None,
        };
        let end = publish.and_then(|parts| parts.end).map(|end| end.value.state);
        if matches!(end, Some(EndState::Succeeded | EndState::SucceededOwing)) {
            return self.head_release(app).await.map(Some);
        }
        let releases = self.read_releases(app.uid).await?;
        Ok(last_good(&releases, app.head.next(), None).map(|(release, _)| release.clone()))
    }
}
