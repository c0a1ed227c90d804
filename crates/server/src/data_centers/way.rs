//! The way to a data center, which can be replaced under whoever uses it.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use futures::StreamExt as _;
use plimsoll_core::breaker::Stop;
use plimsoll_core::cluster::{
    AppLife, Cluster, Definition, Delivery, Error, Identity, PodImages, Policy, PriorityClass, Resource,
    Version, Watch,
};
use plimsoll_core::name::{AppRef, InstallationId, NamespaceName};
use tokio_util::sync::CancellationToken;

/// A [`Cluster`] whose credentials may be renewed while it is in use: calls that run end by the old ones,
/// watches end, and everything that follows goes by the new ones.
pub(super) struct Way {
    current: RwLock<Arc<Link>>,
}

struct Link {
    cluster: Arc<dyn Cluster>,
    replaced: CancellationToken,
}

impl Way {
    pub(super) fn new(cluster: Arc<dyn Cluster>) -> Self {
        Self { current: RwLock::new(Link::new(cluster)) }
    }

    pub(super) fn replace(&self, cluster: Arc<dyn Cluster>) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *current, Link::new(cluster));
        old.replaced.cancel();
    }

    /// Ends what is watched, so that whoever watches asks anew what the data center is and what may be done there.
    pub(super) fn doubt(&self) {
        self.replace(self.cluster());
    }

    fn current(&self) -> Arc<Link> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn cluster(&self) -> Arc<dyn Cluster> {
        self.current().cluster.clone()
    }
}

impl Link {
    fn new(cluster: Arc<dyn Cluster>) -> Arc<Self> {
        Arc::new(Self { cluster, replaced: CancellationToken::new() })
    }
}

#[async_trait]
impl Cluster for Way {
    async fn identity(&self) -> Result<Identity, Error> {
        self.cluster().identity().await
    }

    async fn prepare(&self) -> Result<Definition, Error> {
        self.cluster().prepare().await
    }

    async fn ensure_classes(&self, classes: &[PriorityClass]) -> Result<BTreeMap<String, String>, Error> {
        self.cluster().ensure_classes(classes).await
    }

    async fn ensure_namespace(
        &self,
        name: &NamespaceName,
        labels: &BTreeMap<String, String>,
        policy: &Policy,
    ) -> Result<Vec<String>, Error> {
        self.cluster().ensure_namespace(name, labels, policy).await
    }

    async fn get(&self, app: &AppRef) -> Result<Option<Resource>, Error> {
        self.cluster().get(app).await
    }

    async fn put(&self, delivery: &Delivery, seen: Option<&Version>) -> Result<Resource, Error> {
        self.cluster().put(delivery, seen).await
    }

    async fn remove(&self, app: &AppRef, seen: &Version) -> Result<(), Error> {
        self.cluster().remove(app, seen).await
    }

    async fn stop(&self, installation: &InstallationId) -> Result<Option<Stop>, Error> {
        self.cluster().stop(installation).await
    }

    async fn lift(&self, installation: &InstallationId, kept: &str) -> Result<(), Error> {
        self.cluster().lift(installation, kept).await
    }

    async fn pods(&self, apps: &[AppLife]) -> Result<Vec<PodImages>, Error> {
        self.cluster().pods(apps).await
    }

    fn watch(&self, installation: &InstallationId) -> Watch {
        let link = self.current();
        let replaced = link.replaced.clone().cancelled_owned();
        link.cluster.watch(installation).take_until(replaced).boxed()
    }
}
