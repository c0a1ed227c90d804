//! The data centers of this process: the ways there, their credentials, and the controller of each.

mod controller;
mod kubeconfig;
mod refusal;
mod way;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use plimsoll_core::caller::{Caller, Role};
use plimsoll_core::cluster::{self, Cluster, Clusters};
use plimsoll_core::enrol::{Enrol, Sharing};
use plimsoll_core::error::{Chain, Error, Kind};
use plimsoll_core::name::{DcName, InstallationId};
use plimsoll_core::usecase::{Mode, NewDataCenter, Plimsoll, Write};
use plimsoll_core::view::DcView;
use plimsoll_k8s_adapter::{KubeCluster, Options};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use self::controller::Role as ControllerRole;
use self::way::Way;
use crate::data_dir::DataDir;

/// The data centers that this process has a way to; for each of them it runs the controller.
pub(crate) struct DataCenters {
    dir: Arc<DataDir>,
    plimsoll: Plimsoll,
    options: Options,
    role: ControllerRole,
    known: RwLock<BTreeMap<DcName, Known>>,
    /// One is added at a time.
    adding: Mutex<()>,
    controllers: TaskTracker,
    stopping: CancellationToken,
}

struct Known {
    way: Arc<Way>,
    /// The controller that goes by the present credentials, and what ends it.
    controller: JoinHandle<()>,
    ending: CancellationToken,
}

impl DataCenters {
    /// The data centers that the ledger lists, each by its file. One without a usable file keeps nobody from
    /// the others; it is told in the log.
    pub(crate) async fn open(
        dir: Arc<DataDir>,
        plimsoll: Plimsoll,
        options: Options,
        role: ControllerRole,
    ) -> Result<Arc<Self>, Error> {
        let data_centers = Self {
            dir,
            plimsoll,
            options,
            role,
            known: RwLock::default(),
            adding: Mutex::default(),
            controllers: TaskTracker::new(),
            stopping: CancellationToken::new(),
        };
        let dcs = data_centers.plimsoll.dcs(&process()).await?;
        if dcs.is_empty() {
            return Ok(Arc::new(data_centers));
        }
        let installation = data_centers.installation(&process()).await?;
        for dc in dcs {
            let file = data_centers.dir.kubeconfig(&dc.name);
            let text = match data_centers.dir.read_kubeconfig(&dc.name) {
                Ok(Some(text)) => text,
                Ok(None) => {
                    tracing::error!(dc = %dc.name, file = %file.display(), "no credentials; add the data center again");
                    continue;
                }
                Err(error) => {
                    tracing::error!(dc = %dc.name, file = %file.display(), %error, "the credentials cannot be read");
                    continue;
                }
            };
            match KubeCluster::from_kubeconfig(&text, &data_centers.options).await {
                Ok(cluster) => data_centers.take(installation.clone(), &dc, cluster),
                Err(error) => {
                    tracing::error!(dc = %dc.name, error = %Chain(&error), "the credentials cannot be used");
                }
            }
        }
        Ok(Arc::new(data_centers))
    }

    /// Ends the controllers, and waits until they have.
    pub(crate) async fn stop(&self) {
        self.stopping.cancel();
        self.controllers.close();
        self.controllers.wait().await;
    }

    /// Takes the way to a data center into use, in the place of the one before, if there was one.
    fn take(&self, installation: InstallationId, dc: &DcView, cluster: KubeCluster) {
        let shared: Arc<dyn Cluster> = Arc::new(cluster.clone());
        let ending = self.stopping.child_token();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let before = known.remove(&dc.name);
        let way = match &before {
            None => Arc::new(Way::new(shared)),
            Some(before) => {
                before.way.replace(shared);
                before.way.clone()
            }
        };
        let controller = controller::serve(
            self.role.clone(),
            installation,
            dc.clone(),
            cluster,
            way.clone(),
            ending.clone(),
        );
        let entry = match before {
            None => Known { way, controller: self.controllers.spawn(controller), ending },
            Some(before) => {
                before.ending.cancel();
                let controller = self.controllers.spawn(async move {
                    // Both go by one name in the election: the first lets go of its seat before the second
                    // takes it. One that ended by a defect has let go, too.
                    let _ = before.controller.await;
                    controller.await;
                });
                Known { way, controller, ending }
            }
        };
        known.insert(dc.name.clone(), entry);
    }
}

impl Clusters for DataCenters {
    fn cluster(&self, dc: &DcName) -> Option<Arc<dyn Cluster>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(dc).map(|known| known.way.clone() as Arc<dyn Cluster>)
    }
}

#[async_trait]
impl Enrol for DataCenters {
    async fn add(
        &self,
        caller: &Caller,
        name: DcName,
        kubeconfig: SecretString,
        sharing: Sharing,
        write: Write,
    ) -> Result<DcView, Error> {
        caller.require(Role::Operator)?;
        let text = kubeconfig.expose_secret();
        kubeconfig::check(text).map_err(refusal::of_kubeconfig)?;
        let cluster =
            KubeCluster::from_kubeconfig(text, &self.options).await.map_err(refusal::of_connection)?;
        let _turn = self.adding.lock().await;
        // Whatever would refuse it in the end refuses it before anything is written there.
        let installation = self.installation(caller).await?;
        let identity = cluster.identity().await.map_err(|error| refusal::of_identity(&name, error))?;
        let new = NewDataCenter { name: name.clone(), cluster_uid: identity.uid };
        let checked = self
            .plimsoll
            .add_dc(caller, new.clone(), Write { mode: Mode::Validate, ..write.clone() })
            .await?;
        let is_known = self.plimsoll.dcs(caller).await?.iter().any(|dc| dc.name == name);
        // One that is added already stays, whoever has come there since.
        if sharing == Sharing::Alone && !is_known {
            let others = cluster.other_installations(&installation).await;
            let others = others.map_err(|error| refusal::of_cluster(&name, error))?;
            if !others.is_empty() {
                return Err(refusal::of_another(&name, &others));
            }
        }
        if write.mode == Mode::Validate {
            cluster.require_fitness().await.map_err(|error| refusal::of_cluster(&name, error))?;
            return Ok(checked);
        }
        cluster.prepare().await.map_err(|error| refusal::of_cluster(&name, error))?;
        let classes = self.plimsoll.policy(caller).await?.classes();
        let blocked =
            cluster.ensure_classes(&classes).await.map_err(|error| refusal::of_cluster(&name, error))?;
        if !blocked.is_empty() {
            let why = blocked.into_values().collect::<Vec<_>>().join("; ");
            return Err(refusal::of_cluster(&name, cluster::Error::Refused(why)));
        }
        cluster.mark(&installation).await.map_err(|error| refusal::of_cluster(&name, error))?;

        // The file comes before the ledger: one that the ledger does not list is nobody's, and a repeat
        // writes over it.
        let before = self.dir.read_kubeconfig(&name).map_err(|error| unwritable(&name, error))?;
        self.dir.write_kubeconfig(&name, text).map_err(|error| unwritable(&name, error))?;
        match self.plimsoll.add_dc(caller, new, write).await {
            Ok(dc) => {
                self.take(installation, &dc, cluster);
                tracing::info!(dc = %name, version = identity.version, "the data center was added");
                Ok(dc)
            }
            Err(error) => {
                let undone = match before {
                    Some(before) => self.dir.write_kubeconfig(&name, &before),
                    None => self.dir.remove_kubeconfig(&name),
                };
                if let Err(error) = undone {
                    tracing::error!(dc = %name, %error, "the credentials of a data center that was not added stay");
                }
                Err(error)
            }
        }
    }
}

impl DataCenters {
    async fn installation(&self, caller: &Caller) -> Result<InstallationId, Error> {
        self.plimsoll
            .installation(caller)
            .await?
            .id
            .parse()
            .map_err(|error| Error::internal(format!("{error}")))
    }
}

fn unwritable(dc: &DcName, error: std::io::Error) -> Error {
    let message =
        format!("the server cannot keep the credentials of {dc}; its log says why; nothing was added");
    Error::new(Kind::Unavailable, "CREDENTIALS_NOT_KEPT", message).with_source(error)
}

/// This process, where it looks something up for itself.
fn process() -> Caller {
    Caller { name: plimsoll_core::usecase::AUTOMATIC.to_owned(), role: Role::Viewer }
}

#[cfg(test)]
mod tests;
