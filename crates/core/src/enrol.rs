//! Taking a data center in, which takes talking to it.

use async_trait::async_trait;
use secrecy::SecretString;

use crate::caller::Caller;
use crate::error::Error;
use crate::name::DcName;
use crate::usecase::Write;
use crate::view::DcView;

/// Whether the cluster of a data center may be that of another installation too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sharing {
    /// It is refused where another installation has taken it.
    #[default]
    Alone,
    /// It is taken all the same: two installations can share a cluster, never a Namespace.
    Shared,
}

/// Adds data centers.
#[async_trait]
pub trait Enrol: Send + Sync + 'static {
    /// Makes the cluster that `kubeconfig` leads to able to hold Apps, keeps the credentials where this process
    /// finds them again, and adds it under `name`. Doing it again changes nothing but the credentials, which
    /// take the place of those before. Only validated, it asks the cluster who it is and writes nothing.
    ///
    /// # Errors
    /// `PermissionDenied` below Operator, before anything else; `Invalid` for the kubeconfig; `AlreadyExists`
    /// where name and cluster are not the ones known; `Refused` for a cluster that another
    /// installation has taken, unless that is meant, and for a request id that was another request's;
    /// `Unavailable` where the cluster does not answer.
    async fn add(
        &self,
        caller: &Caller,
        name: DcName,
        kubeconfig: SecretString,
        sharing: Sharing,
        write: Write,
    ) -> Result<DcView, Error>;
}
