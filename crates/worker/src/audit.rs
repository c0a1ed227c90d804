//! Comparing what a data center carries with what the ledger ordered, before anything is written there.
//!
//! What the mirror and a watch say may be behind. So whatever looks wrong is read again where it lies, after
//! the other side was read, before anything follows from it.

use std::collections::HashSet;

use plimsoll_core::breaker::{Cause, NAMES, is_put_back};
use plimsoll_core::cluster::{self, Asks, Fence, Resource};
use plimsoll_core::digest::Digest;
use plimsoll_core::error::Chain;
use plimsoll_core::ledger::{self, Range};
use plimsoll_core::name::{AppRef, AppUid};
use plimsoll_core::record::{self, Ahead, DataCenter, Order, key};

use crate::desk::Desk;
use crate::sights::Carried;

/// An Order as it is compared.
pub(crate) struct Ordered {
    pub(crate) app: AppRef,
    pub(crate) fence: Fence,
    /// The life of the App that is ordered.
    pub(crate) uid: AppUid,
    /// The content that is to be there, if the App is.
    pub(crate) content: Option<Digest>,
    /// Whether the data center has answered to it.
    pub(crate) acknowledged: bool,
}

impl Ordered {
    /// Whether the App is to be there.
    pub(crate) fn runs(&self) -> bool {
        self.content.is_some()
    }
}

impl Desk {
    /// Whether a resource is one that makes an audit worth its while.
    pub(crate) fn is_suspicious(&self, resource: &Resource) -> bool {
        let Some(dc) = self.record() else { return false };
        // Where it is known already, there is nothing to find out but that it has passed.
        if dc.value.closed().is_some() || dc.value.restoring.is_some() {
            return false;
        }
        let order = self.mirror.order(&self.dc, &resource.app);
        dc.value.ahead.is_some()
            || order.is_none_or(|order| {
                resource.fence > order.fence || order.acknowledged && resource.fence < order.fence
            })
    }

    /// Looks at all there is.
    ///
    /// # Errors
    /// What asking the data center failed with.
    pub(crate) async fn audit(&self) -> Result<(), cluster::Error> {
        let Some(dc) = self.record() else { return Ok(()) };
        if let Err(error) = self.audit_ledger(&dc).await {
            tracing::warn!(dc = %self.dc, error = %Chain(&error), "the data center could not be compared with the ledger");
        }
        if dc.value.closed().is_none() && dc.value.restoring.is_none() && dc.value.ahead.is_none() {
            self.audit_cluster().await?;
        }
        Ok(())
    }

    /// Whether the ledger was put back to an earlier state.
    async fn audit_ledger(&self, dc: &record::Stored<DataCenter>) -> Result<(), ledger::Error> {
        let resources = self.sights.resources(&self.dc);
        let Some(installation) = self.mirror.installation() else { return Ok(()) };
        let mut ahead = Vec::new();
        let mut unheld = HashSet::new();
        for Carried { app, uid, fence, asks } in &resources {
            let order = self.mirror.order(&self.dc, app);
            if let Asks::Content(content) = asks
                && order.as_ref().is_none_or(|order| (order.uid, order.content) != (*uid, Some(*content)))
                && !self.was_held(*uid, content).await
            {
                ahead.push(app.clone());
                unheld.insert((app.clone(), *content));
                continue;
            }
            if order.is_some_and(|order| *fence <= order.fence) {
                continue;
            }
            // A read of the ledger that comes after that of the resource.
            let ordered = match self.ledger.get(&key::order(app, &self.dc)).await? {
                Some(entry) => match record::decode::<Order>(&entry) {
                    Ok(order) => order.value.fence(order.revision),
                    // What a newer version wrote is no older than what it wrote before.
                    Err(_) => continue,
                },
                // The ledger knows nothing of it; it is ahead if the ledger never came as far.
                None => self.newest_fence(installation.value.epoch).await?,
            };
            if *fence > ordered {
                ahead.push(app.clone());
            }
        }
        self.sights.note_unheld(&self.dc, unheld);
        let apps = self.mirror.count_apps(&self.dc).max(resources.len());
        let found = Ahead::new(ahead, apps, self.clock.now());
        let same = |a: &Ahead, b: &Ahead| a.count == b.count && a.names == b.names;
        let is_news = match (&found, &dc.value.ahead) {
            (None, None) => false,
            (Some(a), Some(b)) => !same(a, b),
            _ => true,
        };
        if is_news {
            if let Some(ahead) = &found {
                tracing::error!(dc = %self.dc, why = ahead.sentence(&self.dc), "the ledger went back");
            }
            self.rewrite(dc, &DataCenter { ahead: found, ..dc.value.clone() }).await;
        }
        Ok(())
    }

    /// Whether the ledger ever held a content. That of a life which is long over lies in the archive; what that does not
    /// say is not held against the ledger.
    async fn was_held(&self, uid: AppUid, content: &Digest) -> bool {
        let unknown = |error: &(dyn std::error::Error + 'static)| {
            tracing::warn!(dc = %self.dc, %uid, error = %Chain(error), "it is not known whether a content was ever held");
            true
        };
        match self.plimsoll.ever_held(uid, content).await {
            Ok(true) => true,
            Ok(false) => match self.archive.read(uid).await {
                Ok(records) => records.iter().any(|record| record.key == key::content(uid, content)),
                Err(error) => unknown(&error),
            },
            Err(error) => unknown(&error),
        }
    }

    /// The fence that nothing this ledger wrote is above.
    pub(crate) async fn newest_fence(&self, epoch: u64) -> Result<Fence, ledger::Error> {
        let page = self.ledger.range(&Range { limit: 1, ..Range::prefix(key::INSTALLATION) }).await?;
        Ok(Fence { epoch, revision: page.revision })
    }

    /// Whether the cluster was put back to an earlier state.
    async fn audit_cluster(&self) -> Result<(), cluster::Error> {
        let is_below = |order: &Ordered| {
            let resource = self.sights.resource(&self.dc, &order.app);
            order.acknowledged && resource.is_some_and(|resource| resource.fence < order.fence)
        };
        let below: Vec<Ordered> = self.mirror.orders(&self.dc).into_iter().filter(is_below).collect();
        let apps = self.mirror.count_apps(&self.dc);
        if !is_put_back(below.len(), apps) {
            return Ok(());
        }
        let mut names = Vec::new();
        for order in below {
            // Read from the data center itself: a list may be older than what was written after it began.
            let there = self.cluster.get(&order.app).await?;
            if there.is_some_and(|resource| resource.fence < order.fence) {
                names.push(order.app);
            }
        }
        if is_put_back(names.len(), apps) {
            let count = names.len();
            names.sort();
            names.truncate(NAMES);
            self.hold(Cause::PutBack { count, apps, names }).await;
        }
        Ok(())
    }
}
