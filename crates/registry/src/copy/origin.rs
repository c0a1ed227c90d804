//! An image that is read once, for however many targets and whenever each of them begins.

use oci_spec::image::{Descriptor, Digest};

use super::deliver::{Arriving, Delivery, share};
use super::graph::Graph;
use super::spool::Transfers;
use super::{Copier, Event, Place, Plan, Report, Share, Target};
use crate::error::Error;

/// An image as its sources have it. What was read of it for one target lies ready for the others until this is dropped.
#[derive(Debug)]
pub(crate) struct Origin {
    graph: Graph,
    transfers: Transfers,
    parallel: usize,
}

impl Copier {
    /// Reads what an image consists of from the first of these places that has all of it, as [`Copier::plan_from`] does.
    ///
    /// # Errors
    /// As that.
    pub(crate) async fn origin(&self, sources: &[Place], root: &Digest) -> Result<Origin, Error> {
        let Plan { sources, graph, targets: _ } = self.plan_from(sources, root, Vec::new()).await?;
        Ok(Origin { graph, transfers: self.spool.kept(&sources), parallel: self.parallel })
    }
}

impl Origin {
    /// Brings the image to a target, which its events name by `index`. One that failed may be tried again. `arriving`
    /// is what other copies bring to the same place, where there may be some.
    ///
    /// # Errors
    /// What keeps the image from being there, whole.
    pub(crate) async fn deliver(
        &self,
        target: &Target,
        index: usize,
        arriving: Option<&Arriving>,
        on: &(dyn Fn(Event) + Sync),
    ) -> Result<Report, Error> {
        let Self { graph, transfers, parallel } = self;
        Delivery { graph, target, index, transfers, parallel: *parallel, arriving, on }.run().await
    }

    /// What a target lacks.
    ///
    /// # Errors
    /// What keeps it from answering.
    pub(crate) async fn share(&self, target: &Target) -> Result<Share, Error> {
        share(&self.graph, target).await
    }

    /// All blobs of the image with everything that belongs to it.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        self.graph.blobs()
    }

    /// Their bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.graph.blobs().map(Descriptor::size).sum()
    }

    /// How much refers to the image.
    pub(crate) fn evidence(&self) -> usize {
        self.graph.evidence().values().sum()
    }
}
