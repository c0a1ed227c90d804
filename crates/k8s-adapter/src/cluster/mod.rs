//! The cluster port on a Kubernetes API server.

mod fitness;
mod pods;
mod prepare;
mod stop;
mod tenancy;
mod watch;

pub(crate) use stop::{SYSTEM_NAMESPACE, StopRecord};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use kube::Client;
use plimsoll_core::breaker::Stop;
use plimsoll_core::cluster::{
    AppLife, Cluster, Definition, Delivery, Error, Identity, PodImages, Resource, Version, Watch,
};
use plimsoll_core::name::{AppRef, InstallationId, NamespaceName};
use plimsoll_qos::{Policy, PriorityClass};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::connection::{self, ConnectError, Options, Subject, to_error};
use crate::label;
use crate::resource::{AppText, GROUP, KIND, Spec, VERSION, to_resource, to_spec};
use crate::rest::Rest;

/// One data center, through its Kubernetes API server.
///
/// Cloning it is cheap; the clones share connections.
#[derive(Clone)]
pub struct KubeCluster {
    client: Client,
    rest: Rest,
    options: Arc<Options>,
}

impl KubeCluster {
    /// The data center that the current context of a kubeconfig names. Nothing is sent yet.
    pub async fn from_kubeconfig(text: &str, options: &Options) -> Result<Self, ConnectError> {
        let client = connection::connect(text, options).await?;
        Ok(Self { rest: Rest::new(client.clone()), client, options: Arc::new(options.clone()) })
    }

    /// Whether Apps can be held there, once it is prepared: its version is not too old, and the credentials may do
    /// all that it takes. Writes nothing.
    ///
    /// # Errors
    /// `Refused` for the version; `Forbidden` with every right that is missing; what the calls fail with.
    pub async fn require_fitness(&self) -> Result<(), Error> {
        fitness::require(&self.rest).await
    }

    /// The installations of Plimsoll other than `ours` that have taken this data center, as they name themselves.
    ///
    /// # Errors
    /// What the calls fail with.
    pub async fn other_installations(&self, ours: &InstallationId) -> Result<BTreeSet<String>, Error> {
        tenancy::others(&self.rest, ours).await
    }

    /// Leaves the mark of an installation there, so that others know whose data center it is. Again, it changes
    /// nothing.
    ///
    /// # Errors
    /// What the calls fail with.
    pub async fn mark(&self, ours: &InstallationId) -> Result<(), Error> {
        tenancy::mark(&self.rest, ours).await
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn rest(&self) -> &Rest {
        &self.rest
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }
}

/// The path of the App resources of a namespace.
pub(crate) fn apps_path(namespace: &str) -> String {
    format!("/apis/{GROUP}/{VERSION}/namespaces/{namespace}/apps")
}

/// The path of one App resource.
pub(crate) fn app_path(app: &AppRef) -> String {
    format!("{}/{}", apps_path(app.namespace.as_str()), app.name)
}

#[async_trait]
impl Cluster for KubeCluster {
    async fn identity(&self) -> Result<Identity, Error> {
        let namespace = self.rest.get::<Value>("/api/v1/namespaces/kube-system");
        // Answered from the server's memory; asked for beside the one read that counts.
        let version = self.rest.get::<Value>("/version");
        let (namespace, version) = futures::future::try_join(namespace, version)
            .await
            .map_err(|error| to_error(error, Subject::Other))?;
        let text = |value: &Value, what: &str| {
            value.as_str().map(str::to_owned).ok_or_else(|| Error::Unreadable(format!("no {what}").into()))
        };
        Ok(Identity {
            uid: text(&namespace["metadata"]["uid"], "uid of kube-system")?,
            version: text(&version["gitVersion"], "version")?,
        })
    }

    async fn prepare(&self) -> Result<Definition, Error> {
        self.require_fitness().await?;
        prepare::prepare(&self.rest).await
    }

    async fn ensure_classes(&self, classes: &[PriorityClass]) -> Result<BTreeMap<String, String>, Error> {
        prepare::ensure_classes(&self.rest, classes).await
    }

    async fn ensure_namespace(
        &self,
        name: &NamespaceName,
        labels: &BTreeMap<String, String>,
        policy: &Policy,
    ) -> Result<Vec<String>, Error> {
        prepare::ensure_namespace(&self.rest, name, labels, policy).await
    }

    async fn get(&self, app: &AppRef) -> Result<Option<Resource>, Error> {
        let found = self.rest.find::<Box<RawValue>>(&app_path(app)).await;
        let found = found.map_err(|error| to_error(error, Subject::App))?;
        found.as_deref().map(read).transpose()
    }

    async fn put(&self, delivery: &Delivery, seen: Option<&Version>) -> Result<Resource, Error> {
        let mut metadata = json!({
            "name": delivery.app.name,
            "namespace": delivery.app.namespace,
            "labels": label::of_app_resource(delivery),
        });
        if let Some(Version { uid, resource_version }) = seen {
            metadata["uid"] = json!(uid);
            metadata["resourceVersion"] = json!(resource_version);
        }
        let spec = to_spec(delivery).map_err(|error| Error::Unreadable(Box::new(error)))?;
        let body = Body { api_version: format!("{GROUP}/{VERSION}"), kind: KIND, metadata, spec };
        let answer: kube::Result<Box<RawValue>> = match seen {
            None => self.rest.create(&apps_path(delivery.app.namespace.as_str()), &body).await,
            Some(_) => self.rest.replace(&app_path(&delivery.app), &body).await,
        };
        let written = match answer {
            Ok(written) => read(&written)?,
            // What was seen is gone: that is no fault of the data center.
            Err(kube::Error::Api(status)) if seen.is_some() && is_missing_app(&status) => {
                return Err(Error::Conflict);
            }
            // The rules of the resource refuse it, or one is there that was not seen.
            Err(kube::Error::Api(status)) if status.code == 422 || status.is_already_exists() => {
                let error = to_error(kube::Error::Api(status), Subject::App);
                return Err(self.of_another(delivery).await.unwrap_or(error));
            }
            Err(error) => return Err(to_error(error, Subject::App)),
        };
        if written.digest != delivery.digest {
            return Err(Error::Refused(
                "the data center is older than the Release: its definition of App resources drops fields that \
                 it does not know; upgrade it with `plimsoll dc add`"
                    .to_owned(),
            ));
        }
        Ok(written)
    }

    async fn remove(&self, app: &AppRef, seen: &Version) -> Result<(), Error> {
        let Version { uid, resource_version } = seen;
        let as_seen = json!({"uid": uid, "resourceVersion": resource_version});
        match self.rest.delete_if::<Value>(&app_path(app), &as_seen).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(error) => Err(to_error(error, Subject::App)),
        }
    }

    async fn stop(&self, installation: &InstallationId) -> Result<Option<Stop>, Error> {
        StopRecord::new(&self.rest, installation).read().await
    }

    async fn lift(&self, installation: &InstallationId, kept: &str) -> Result<(), Error> {
        StopRecord::new(&self.rest, installation).lift(kept).await
    }

    async fn pods(&self, apps: &[AppLife]) -> Result<Vec<PodImages>, Error> {
        pods::read(&self.rest, apps).await
    }

    fn watch(&self, installation: &InstallationId) -> Watch {
        watch::watch(self, installation)
    }
}

impl KubeCluster {
    /// Why an App cannot be delivered here, if another installation has it here: two may share a cluster, never an
    /// App.
    async fn of_another(&self, delivery: &Delivery) -> Option<Error> {
        // What cannot be read now is told of by the refusal itself.
        let there = self.get(&delivery.app).await.ok()??;
        let other = Some(there.installation).filter(|other| *other != delivery.installation);
        other.map(|other| {
            let AppRef { namespace, name } = &delivery.app;
            Error::Refused(format!(
                "the installation `{other}` of Plimsoll has an App {name} in the namespace {namespace} of this data \
                 center: delete it there, or give this one another name or namespace"
            ))
        })
    }
}

fn is_missing_app(status: &kube::core::Status) -> bool {
    status.code == 404
        && status.details.as_ref().is_some_and(|details| details.name != *"" && details.kind == "apps")
}

fn read(text: &RawValue) -> Result<Resource, Error> {
    let object = AppText::parse(text.get()).map_err(|why| Error::Unreadable(Box::new(why)))?;
    to_resource(&object).map_err(|damage| Error::Unreadable(Box::new(damage)))
}

/// An App resource as it is sent: the content goes from what the ledger holds into the request by one step.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    api_version: String,
    kind: &'static str,
    metadata: Value,
    spec: Spec<Box<RawValue>>,
}
