//! The stop of a controller, as it is kept in the data center itself: a ConfigMap that is there for as long as
//! the stop holds. It needs no ledger, and its uid tells one stop from the next.

use jiff::Timestamp;
use plimsoll_core::breaker::{Cause, Guard, Loss, Stop};
use plimsoll_core::cluster::Error;
use plimsoll_core::name::{DcName, InstallationId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::prepare::in_system_namespace;
use crate::connection::{Subject, to_error};
use crate::rest::Rest;

/// The namespace of what Plimsoll keeps for itself.
pub(crate) const SYSTEM_NAMESPACE: &str = "plimsoll-system";

/// Where the stop of an installation's controller lies.
pub(crate) struct StopRecord<'a> {
    rest: &'a Rest,
    name: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    cause: Cause,
    since: Timestamp,
}

impl<'a> StopRecord<'a> {
    pub(crate) fn new(rest: &'a Rest, installation: &InstallationId) -> Self {
        Self { rest, name: format!("plimsoll-stop-{installation}") }
    }

    /// The stop, if there is one.
    pub(crate) async fn read(&self) -> Result<Option<Stop>, Error> {
        let found: Option<Value> = self.rest.find(&self.path()).await.map_err(other)?;
        found
            .filter(|there| !there["metadata"]["deletionTimestamp"].is_string())
            .map(|there| read(&there))
            .transpose()
    }

    /// Keeps a stop, unless there is one; answers which there is then.
    pub(crate) async fn keep(&self, dc: &DcName, cause: &Cause, since: Timestamp) -> Result<Stop, Error> {
        let kept = serde_json::to_string(&Kept { cause: cause.clone(), since })
            .map_err(|error| Error::Unreadable(Box::new(error)))?;
        let object = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": self.name,
                "namespace": SYSTEM_NAMESPACE,
                "labels": {"app.kubernetes.io/managed-by": "plimsoll"},
            },
            "immutable": true,
            "data": {
                "message": format!("nothing is written for any App: {cause}; see `plimsoll dc get {dc}`"),
                "stop.json": kept,
            },
        });
        match in_system_namespace(self.rest, &collection(), &object).await {
            Err(kube::Error::Api(status)) if status.is_already_exists() => {
                self.read().await?.ok_or(Error::Conflict)
            }
            answer => read(&answer.map_err(other)?),
        }
    }

    /// Removes the stop of this uid, and no other.
    pub(crate) async fn lift(&self, kept: &str) -> Result<(), Error> {
        match self.rest.delete::<Value>(&self.path(), kept).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
            Err(error) => Err(other(error)),
        }
    }

    fn path(&self) -> String {
        format!("{}/{}", collection(), self.name)
    }
}

fn collection() -> String {
    format!("/api/v1/namespaces/{SYSTEM_NAMESPACE}/configmaps")
}

fn read(there: &Value) -> Result<Stop, Error> {
    let kept = there["metadata"]["uid"].as_str().map(str::to_owned);
    let kept = kept.ok_or_else(|| Error::Unreadable("no uid of a ConfigMap".into()))?;
    let text = there["data"]["stop.json"].as_str().unwrap_or_default();
    // One that cannot be read stops as well as any.
    let Kept { cause, since } = serde_json::from_str(text).unwrap_or_else(|_| Kept {
        cause: Cause::Loss(Loss { count: 0, limit: 0, apps: 0, deeds: Vec::new() }),
        since: Timestamp::UNIX_EPOCH,
    });
    Ok(Stop { by: Guard::Controller { kept }, cause, since })
}

fn other(error: kube::Error) -> Error {
    to_error(error, Subject::Other)
}
