//! What the process that serves this API does for it.

use async_trait::async_trait;
use plimsoll_core::caller::Caller;
use plimsoll_core::error::Error;
use plimsoll_core::name::DcName;
use plimsoll_core::view::DcView;
use secrecy::SecretString;

/// Adds data centers, which takes talking to them.
#[async_trait]
pub trait DataCenters: Send + Sync + 'static {
    /// Makes the cluster that `kubeconfig` leads to able to hold Apps, keeps the credentials where this process
    /// finds them again, and adds it under `name`. Doing it again changes nothing.
    ///
    /// # Errors
    /// `PermissionDenied` below Operator, before anything else; `Invalid` for the kubeconfig; `AlreadyExists`
    /// where name and cluster are not the ones known; `Unavailable` where the cluster does not answer.
    async fn add(&self, caller: &Caller, name: DcName, kubeconfig: SecretString) -> Result<DcView, Error>;
}

/// Whether this process can do its work.
#[async_trait]
pub trait Readiness: Send + Sync + 'static {
    /// Answers quickly, and without an error where requests would be served.
    ///
    /// # Errors
    /// `Unavailable`, saying what does not answer.
    async fn ready(&self) -> Result<(), Error>;
}
