//! The cluster port: one data center as Plimsoll sees it, which is its App resources.
//!
//! A [`Delivery`] is what an Order becomes on its way into a data center, a [`Resource`] what is found
//! there. Everything between an App resource and its pods is the business of the controller inside the data
//! center; it answers in the resource's [`Status`].

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use futures::stream::BoxStream;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use plimsoll_qos::{Policy, PriorityClass};

use crate::breaker::Stop;
use crate::content::Content;
use crate::digest::Digest;
use crate::image::Pulls;
use crate::ledger::{BoxError, Revision};
use crate::name::{AppRef, AppUid, DcName, InstallationId, NamespaceName, OperationId, ReleaseNumber};
use crate::scale::Replication;

/// The fence of an Order: compared by epoch, then by revision; it grows and is never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fence {
    /// The ledger's epoch, raised when the ledger was put back from a backup.
    pub epoch: u64,
    /// The ledger's revision of the transaction that wrote the Order.
    pub revision: Revision,
}

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.revision)
    }
}

/// Whether an App is to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Power {
    /// It runs.
    Online,
    /// Its Service and config stay, its pods go.
    Offline,
}

/// What a data center is to have of an App, with everything that is needed to make it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// The installation that orders.
    pub installation: InstallationId,
    /// The data center that is to have it.
    pub dc: DcName,
    /// The App.
    pub app: AppRef,
    /// The life of the App that is ordered.
    pub uid: AppUid,
    /// The fence of the Order.
    pub fence: Fence,
    /// The digest of what was ordered, without fence and Operation.
    pub digest: Digest,
    /// The Operation that wrote the Order.
    pub operation: OperationId,
    /// What is to be there.
    pub want: Want,
    /// Earlier lives of this name whose workloads must go first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deleted: Vec<AppUid>,
}

/// What an App is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "a deletion is the rare case, and a Delivery is moved rarely")]
pub enum Want {
    /// There.
    #[serde(rename_all = "camelCase")]
    Run {
        /// The Release.
        release: ReleaseNumber,
        /// The digest of `content`.
        content_digest: Digest,
        /// What the Release holds.
        content: Content,
        /// Whether it runs.
        power: Power,
        /// How many.
        replication: Replication,
        /// How often this content was restarted here.
        restarts: u64,
        /// The newest content that was healthy here before, for a rollback without the ledger.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_good: Option<LastGood>,
        /// From where images are pulled; none: from where they name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pulls: Option<Pulls>,
    },
    /// Gone, with everything that was made for it.
    Deleted,
}

/// A Release that was healthy in this data center.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastGood {
    /// Its number.
    pub release: ReleaseNumber,
    /// The digest of `content`.
    pub content_digest: Digest,
    /// What it holds.
    pub content: Content,
}

/// An App resource as it lies in a data center, without the content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The App that it is of.
    pub app: AppRef,
    /// The version to replace it by.
    pub version: Version,
    /// The installation that ordered it.
    pub installation: InstallationId,
    /// The life of the App that it was ordered for.
    pub uid: AppUid,
    /// The fence that it carries.
    pub fence: Fence,
    /// The digest of what it carries.
    pub digest: Digest,
    /// The Release that it carries; none in one that orders deletion.
    pub release: Option<ReleaseNumber>,
    /// What it asks for.
    pub asks: Asks,
    /// Set by a person in that data center: it goes its own way, and nothing is delivered there.
    pub local: Option<Local>,
    /// What the controller says of it; `None` until it has said anything.
    pub status: Option<Status>,
}

/// What an App resource asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asks {
    /// That the App is there, with the content of this digest.
    Content(Digest),
    /// That it is gone.
    Deletion,
    /// Nothing that makes sense: it is not what was ordered, as somebody edited it.
    Nothing,
}

impl Resource {
    /// Whether it only says that an App is gone, which is so: by the controller's own look for this very Order.
    pub fn is_spent(&self) -> bool {
        let answered = |status: &Status| status.fence == self.fence && status.applied == Applied::Gone;
        self.asks == Asks::Deletion && self.local.is_none() && self.status.as_ref().is_some_and(answered)
    }
}

/// What a person set on an App resource to have that data center go its own way, as they wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Local {
    /// Who, if they said so.
    pub by: Option<String>,
    /// When, in their words.
    pub at: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

impl Local {
    /// The reason of what this is the cause of.
    pub const REASON: &str = "LocalRollback";

    /// What it means, in a sentence.
    pub fn sentence(&self) -> String {
        let Self { by, at, reason } = self;
        let mut text = format!("changed locally by {}", by.as_deref().unwrap_or("somebody who left no name"));
        if let Some(at) = at {
            text = format!("{text} at {at}");
        }
        if let Some(reason) = reason {
            text = format!("{text} ({reason})");
        }
        format!(
            "{text}: nothing is delivered there; what is ordered comes back when that App resource is deleted, which \
             restarts no pod by itself"
        )
    }
}

/// What a resource is replaced by: both must still be so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The uid that the data center gave to the resource.
    pub uid: String,
    /// Its resourceVersion there.
    pub resource_version: String,
}

/// What the controller of a data center says of an App.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The fence of the Order that everything here speaks of.
    pub fence: Fence,
    /// Replicas, as the data center has them.
    pub replicas: Replicas,
    /// Whether everything that was ordered is written: objects applied, and the Deployment's own controller
    /// has seen this generation of it.
    pub applied: Applied,
    /// Why it is not as ordered, if something stands against it; the most telling first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// What others changed on our objects and was put right; the last 20, the newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<Drift>,
}

/// Counts of pods. What is going and what cannot be reached is reported, and counts as nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Replicas {
    /// What the Deployment is told to have: ordered by us, or by its autoscaler within our bounds.
    pub ordered: u32,
    /// Of the template that is ordered now.
    pub updated: u32,
    /// Ready ones, of any template.
    pub ready: u32,
    /// Available ones, of any template.
    pub available: u32,
    /// Of an earlier template.
    pub old: u32,
    /// Told to go and within their grace. Those beyond it, or on a server that cannot be reached, are
    /// reported in a finding and counted nowhere.
    pub terminating: u32,
}

/// How far the objects of an App are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Applied {
    /// Not all of them.
    Pending,
    /// All, and the data center's own controllers have seen them.
    Current,
    /// All are gone, as ordered, by a fresh and complete list.
    Gone,
}

/// One reason why an App is not as ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// A stable key, such as `QuotaExceeded` or `ImagePull`; `docs/api.md` lists them.
    pub reason: String,
    /// One sentence for the App's owner.
    pub message: String,
    /// Whether waiting longer cannot help.
    #[serde(default)]
    pub fatal: Fatal,
}

impl Finding {
    /// The reason of a finding that says how long it takes, and not why.
    pub const LATE: &str = "Late";
}

/// Whether a finding ends the wait for health.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fatal {
    /// It may pass.
    #[default]
    No,
    /// It does not pass without another Order.
    Yes,
}

/// A field that somebody else changed on an object of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// The object, as `Deployment/shop`.
    pub object: String,
    /// The field, as `.spec.template.spec.containers[name="app"].image`; empty: the object was gone.
    pub field: String,
    /// The field manager that changed it, if the object says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<String>,
    /// When the change was made, if the object says so, else when it was seen.
    pub since: Timestamp,
}

/// The life of an App, by which its pods are found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppLife {
    /// Where its pods are.
    pub namespace: NamespaceName,
    /// Which life.
    pub uid: AppUid,
}

/// What a pod of an App runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodImages {
    /// The App.
    pub app: AppLife,
    /// The images of its containers, as its container runtime says them.
    pub images: Vec<String>,
}

/// Who a data center is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// The uid of its `kube-system` namespace.
    pub uid: String,
    /// The version of its Kubernetes, as `v1.37.0`.
    pub version: String,
}

/// Whether the definition of App resources was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Definition {
    /// It was.
    Found,
    /// It was not, and is now.
    Made,
}

/// What happens to the App resources of a data center.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly every event is the large one")]
pub enum Event {
    /// The watch is complete: these are all there are. Sent first, and again whenever events were missed.
    All(Vec<Resource>),
    /// This one was made or changed.
    Changed(Resource),
    /// This one is gone.
    Gone(AppRef),
    /// The resource of this App is there, and another installation ordered it.
    Foreign {
        /// The App that it would be of.
        app: AppRef,
        /// Whose it is.
        installation: InstallationId,
    },
    /// This one is there and cannot be read as ours; nothing may be decided from it.
    Unreadable {
        /// The App that it would be of.
        app: AppRef,
        /// Why.
        why: String,
    },
}

/// Why a data center did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It does not answer: refused, timed out, cut off. It may have done it.
    #[error("the data center does not answer")]
    Unreachable(#[source] BoxError),
    /// It answers that something of it does not work, in its own words. It may have done it, and may do it a moment later.
    #[error("the data center answers that it fails: {0}")]
    Failing(String),
    /// It answers, and has too much to do for this now: it did nothing, and says when to ask again, if it does.
    #[error("the data center has too much to do now and asks to wait")]
    Busy(Option<std::time::Duration>),
    /// It does not take our credentials, or we do not take its certificate.
    #[error("{0}")]
    Untrusted(String, #[source] BoxError),
    /// It may not be done with these credentials.
    #[error("the credentials may not do this: {0}")]
    Forbidden(String),
    /// The resource is not as it was seen; look again.
    #[error("the App resource has changed meanwhile")]
    Conflict,
    /// It refuses the request for good: the sentence is its own.
    #[error("the data center refuses: {0}")]
    Refused(String),
    /// Its answer makes no sense.
    #[error("the data center's answer cannot be read")]
    Unreadable(#[source] BoxError),
}

/// The App resources of one data center, for as long as they can be watched.
pub type Watch = BoxStream<'static, Result<Event, Error>>;

/// One data center.
///
/// Every verb has its own deadline and makes one attempt, plus at most a small budget of retries where the
/// data center asked for one; whoever calls decides about the next.
#[async_trait]
pub trait Cluster: Send + Sync + 'static {
    /// Who it is; costs one read, and serves to find out whether it answers.
    async fn identity(&self) -> Result<Identity, Error>;

    /// Makes it able to hold Apps: the resource's definition. Does nothing where that is there, and says whether it
    /// was. Before that it refuses a data center that is too old,
    /// or whose credentials lack any right that the work takes, and names each of those.
    async fn prepare(&self) -> Result<Definition, Error>;

    /// Makes these `PriorityClass`es; those that are there stay as they are. Answers those that cannot be had, for
    /// another of the same name is in the way, each with the reason and what to do.
    async fn ensure_classes(&self, classes: &[PriorityClass]) -> Result<BTreeMap<String, String>, Error>;

    /// Makes a Namespace, with these labels; one that is there keeps what else it has. Beside its Apps come the range
    /// and the quota of [`plimsoll_qos`], as far as they refuse nothing that runs there. Answers, in sentences, what
    /// there stands against Apps of the grades of this policy.
    async fn ensure_namespace(
        &self,
        name: &NamespaceName,
        labels: &BTreeMap<String, String>,
        policy: &Policy,
    ) -> Result<Vec<String>, Error>;

    /// The resource of an App as it is there now, read from the data center itself.
    async fn get(&self, app: &AppRef) -> Result<Option<Resource>, Error>;

    /// Writes an App resource in one request: replaces the one that was `seen`, or makes it where none was.
    async fn put(&self, delivery: &Delivery, seen: Option<&Version>) -> Result<Resource, Error>;

    /// Removes the App resource that was `seen`, and nothing that was made for the App: one that is not as it was seen
    /// is a `Conflict`, one that is gone is removed already.
    async fn remove(&self, app: &AppRef, seen: &Version) -> Result<(), Error>;

    /// The stop that the controller of `installation` keeps there, if it keeps one.
    async fn stop(&self, installation: &InstallationId) -> Result<Option<Stop>, Error>;

    /// Lifts the stop that it keeps under this uid: it goes on. One that is gone, or that another has taken
    /// the place of, stays as it is.
    async fn lift(&self, installation: &InstallationId, kept: &str) -> Result<(), Error>;

    /// What the pods of these Apps run that have not ended, read from the data center now: as many as one answer may
    /// hold, and `Refused` where there are more.
    async fn pods(&self, apps: &[AppLife]) -> Result<Vec<PodImages>, Error>;

    /// Watches all App resources of `installation`. The first event is [`Event::All`]; the stream ends with
    /// the first error.
    fn watch(&self, installation: &InstallationId) -> Watch;
}

/// The data centers that this process can talk to.
pub trait Clusters: Send + Sync + 'static {
    /// The one of this name; none where this process has no way there.
    fn cluster(&self, dc: &DcName) -> Option<std::sync::Arc<dyn Cluster>>;
}
