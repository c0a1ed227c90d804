//! Taking away App resources that only say that an App is gone.

use plimsoll_core::cluster;
use plimsoll_core::cluster::Resource;
use plimsoll_core::error::Chain;
use plimsoll_core::ledger;
use plimsoll_core::name::AppRef;
use plimsoll_core::record::key;
use plimsoll_core::steer::Scene;

use crate::desk::{Desk, Found, RETRY, Visit};

impl Desk {
    /// Takes away the App resource of a scene, unless it has changed.
    pub(crate) async fn erase(&self, app: &AppRef, scene: &Scene) -> Option<Visit> {
        let Some(resource) = &scene.resource else { return Some(Visit::Rest(None)) };
        if let Some(left) = self.is_to_wait(app) {
            return Some(Visit::Rest(Some(left)));
        }
        if self.is_closed() {
            return Some(Visit::Rest(Some(RETRY)));
        }
        if scene.order.is_none() {
            match self.was_forgotten(app, scene, resource).await {
                Ok(true) => {}
                // Whatever the ledger has instead comes with the mirror.
                Ok(false) => return Some(Visit::Rest(None)),
                Err(error) => {
                    tracing::warn!(%app, dc = %self.dc, error = %Chain(&error), "the ledger does not say whether it knows an app");
                    return Some(Visit::Rest(Some(RETRY)));
                }
            }
        }
        match self.cluster.remove(app, &resource.version).await {
            Ok(()) => {
                tracing::info!(%app, dc = %self.dc, fence = %resource.fence, "the deletion is forgotten");
                self.sights.note_trouble(&self.dc, app, None);
                self.sights.answered(&self.dc, app, Some(&resource.version), None);
                None
            }
            Err(cluster::Error::Conflict) => match self.look_again(app, &scene.installation.value.id).await {
                Ok(Found::Ours) => None,
                Ok(Found::Foreign(_)) => {
                    self.sights.remove(&self.dc, app);
                    None
                }
                Err(error) => Some(self.refused(app, &error).await),
            },
            Err(error) => Some(self.refused(app, &error).await),
        }
    }

    /// Whether the ledger had an Order of what is there, and has none any more: by a read that comes after that of the
    /// resource. One that was put back to an earlier state may never have come as far.
    async fn was_forgotten(
        &self,
        app: &AppRef,
        scene: &Scene,
        resource: &Resource,
    ) -> Result<bool, ledger::Error> {
        if self.ledger.get(&key::order(app, &self.dc)).await?.is_some() {
            return Ok(false);
        }
        Ok(resource.fence <= self.newest_fence(scene.installation.value.epoch).await?)
    }
}
