//! The live port: what the data centers say right now. It never passes through the ledger.

use async_trait::async_trait;
use futures::stream::BoxStream;

use crate::cluster::{AppLife, Fence, Local, PodImages, Resource, Status};
use crate::image::{Advance, Bytes, Preflight};
use crate::name::{AppRef, DcName, NamespaceName, OperationId, ReleaseNumber};
use crate::view::Reach;

/// What is known of an App in a data center at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// The fence of the App resource that lies there.
    pub fence: Fence,
    /// The Release in it; none in one that orders deletion.
    pub release: Option<ReleaseNumber>,
    /// What a person set there to have it go its own way.
    pub local: Option<Local>,
    /// What the controller there says, if it has said anything.
    pub status: Option<Status>,
}

impl From<&Resource> for Sight {
    fn from(resource: &Resource) -> Self {
        let Resource { fence, release, local, status, .. } = resource;
        Self { fence: *fence, release: *release, local: local.clone(), status: status.clone() }
    }
}

/// How it stands with the images of a Release that is brought to a data center.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// The Release.
    pub release: ReleaseNumber,
    /// How it stands.
    pub state: Preflight,
    /// How far the copy of the present image has come, while one is copied.
    pub bytes: Option<Bytes>,
}

/// What this process sees of the data centers.
#[async_trait]
pub trait Live: Send + Sync + 'static {
    /// An App in a data center, as it was last seen; `None` where nothing was.
    fn sight(&self, app: &AppRef, dc: &DcName) -> Option<Sight>;

    /// Whether a data center answers; `None` where this process does not talk to it.
    fn reach(&self, dc: &DcName) -> Option<Reach>;

    /// What stands against Apps in a Namespace there, in sentences; `None` where it was not made or found yet.
    fn namespace(&self, dc: &DcName, namespace: &NamespaceName) -> Option<Vec<String>>;

    /// The Apps of which a data center holds a resource, as far as this process sees it; without those that are gone
    /// there, as ordered.
    fn apps(&self, dc: &DcName) -> Vec<AppRef>;

    /// How it stands with the images of the Release that was last brought to a data center; `None` where this process
    /// does not look for them.
    fn prepared(&self, app: &AppRef, dc: &DcName) -> Option<Prepared>;

    /// How far an Operation on registries has come at the target in this place; `None` where this process does not work
    /// on it.
    fn carried(&self, operation: OperationId, target: usize) -> Option<Advance>;

    /// Yields whenever that changed; several changes may come as one.
    fn carriage(&self, operation: OperationId) -> BoxStream<'static, ()>;

    /// What the pods of these Apps run in a data center, read from it now and within a bound of time.
    ///
    /// # Errors
    /// Why nobody knows, in a sentence.
    async fn pods(&self, dc: &DcName, apps: &[AppLife]) -> Result<Vec<PodImages>, String>;

    /// Yields whenever what is seen of `app` changed; several changes may come as one.
    fn changes(&self, app: &AppRef) -> BoxStream<'static, ()>;
}
