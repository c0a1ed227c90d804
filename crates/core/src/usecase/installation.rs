//! The installation, its data centers and its Namespaces, in their plainest form.

use super::reading::{PageRequest, from_ledger};
use super::{Mode, Plimsoll, Write};
use crate::caller::{Caller, Role};
use crate::error::{Error, Kind};
use crate::ledger::{self, Committed};
use crate::name::{DcName, InstallationId, NamespaceName};
use crate::record::Draft;
use crate::record::{DataCenter, DcState, Environment, Installation, Namespace, Stored, decode, key};
use crate::view::{DcView, InstallationView, NamespaceView, Paged};

/// A data center as it is added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDataCenter {
    /// Its name.
    pub name: DcName,
    /// The uid of its `kube-system` namespace, read from itself.
    pub cluster_uid: String,
}

/// Namespaces that Kubernetes or Plimsoll keep for themselves.
const RESERVED: [&str; 4] = ["kube-system", "kube-public", "kube-node-lease", "plimsoll-system"];

impl Plimsoll {
    /// Names the installation, once.
    ///
    /// # Errors
    /// `AlreadyExists` where it has another id; doing it again with the same id changes nothing.
    pub async fn init(
        &self,
        caller: &Caller,
        id: InstallationId,
        name: String,
        environment: Environment,
    ) -> Result<InstallationView, Error> {
        caller.require(Role::Operator)?;
        let installation =
            Installation { id, name, environment, epoch: 1, dcs: Vec::new(), created: self.clock.now() };
        let mut draft = Draft::default();
        draft.create(key::INSTALLATION.to_owned(), &installation).map_err(Error::internal)?;
        let there = match self.ledger.transact(draft.into()).await {
            Ok(Committed::At(_)) => installation,
            Ok(Committed::Lost) | Err(ledger::Error::Unknown(_)) => {
                let there = self.read_installation().await?.value;
                if there.id != installation.id {
                    return Err(Error::new(
                        Kind::AlreadyExists,
                        "ALREADY_INITIALIZED",
                        format!("this ledger belongs to the installation {}", there.id),
                    ));
                }
                there
            }
            Err(error) => return Err(from_ledger(error)),
        };
        Ok(view_installation(there))
    }

    /// The installation.
    ///
    /// # Errors
    /// `Refused` where it was not named yet.
    pub async fn installation(&self, caller: &Caller) -> Result<InstallationView, Error> {
        caller.require(Role::Viewer)?;
        Ok(view_installation(self.read_installation().await?.value))
    }

    /// Adds a data center that was made able to hold Apps.
    ///
    /// # Errors
    /// `AlreadyExists` where the name stands for another cluster, or the cluster has another name; adding it
    /// again changes nothing.
    pub async fn add_dc(&self, caller: &Caller, new: NewDataCenter) -> Result<DcView, Error> {
        caller.require(Role::Operator)?;
        loop {
            let Stored { value: mut installation, revision } = self.read_installation().await?;
            let there = self.read_dcs().await?;
            for dc in there.values().map(|dc| &dc.value) {
                if dc.name == new.name && dc.cluster_uid == new.cluster_uid {
                    return Ok(self.view_dc(dc.clone()));
                }
                if dc.name == new.name || dc.cluster_uid == new.cluster_uid {
                    return Err(Error::new(
                        Kind::AlreadyExists,
                        "DATA_CENTER_EXISTS",
                        format!("the data center {} is the cluster {}", dc.name, dc.cluster_uid),
                    ));
                }
            }
            let dc = DataCenter {
                name: new.name.clone(),
                cluster_uid: new.cluster_uid.clone(),
                state: DcState::Active,
                added: self.clock.now(),
            };
            installation.dcs.push(dc.name.clone());
            installation.dcs.sort();
            let mut draft = Draft::default();
            draft.replace(key::INSTALLATION.to_owned(), revision, &installation).map_err(Error::internal)?;
            draft.create(key::dc(&dc.name), &dc).map_err(Error::internal)?;
            match self.ledger.transact(draft.into()).await {
                Ok(Committed::At(_)) => return Ok(self.view_dc(dc)),
                Ok(Committed::Lost) | Err(ledger::Error::Unknown(_)) => {}
                Err(error) => return Err(from_ledger(error)),
            }
        }
    }

    /// The data centers, by name.
    ///
    /// # Errors
    /// What reading them fails with.
    pub async fn dcs(&self, caller: &Caller) -> Result<Vec<DcView>, Error> {
        caller.require(Role::Viewer)?;
        Ok(self.read_dcs().await?.into_values().map(|dc| self.view_dc(dc.value)).collect())
    }

    /// Makes a Namespace; the data centers get it within moments.
    ///
    /// # Errors
    /// `Refused` for a name that Kubernetes keeps for itself. One that is there stays as it is.
    pub async fn create_namespace(
        &self,
        caller: &Caller,
        name: NamespaceName,
        write: Write,
    ) -> Result<NamespaceView, Error> {
        caller.require(Role::Operator)?;
        self.read_installation().await?;
        if RESERVED.contains(&name.as_str()) {
            return Err(Error::new(
                Kind::Refused,
                "NAMESPACE_RESERVED",
                format!("{name} is kept for the system; choose another name"),
            ));
        }
        let namespace = Namespace { name, by: caller.name.clone(), created: self.clock.now() };
        if write.mode == Mode::Validate {
            return Ok(view_namespace(namespace));
        }
        let mut draft = Draft::default();
        draft.create(key::namespace(&namespace.name), &namespace).map_err(Error::internal)?;
        match self.ledger.transact(draft.into()).await {
            Ok(Committed::At(_)) => Ok(view_namespace(namespace)),
            Ok(Committed::Lost) | Err(ledger::Error::Unknown(_)) => {
                Ok(view_namespace(self.read_namespace(&namespace.name).await?.value))
            }
            Err(error) => Err(from_ledger(error)),
        }
    }

    /// The Namespaces, by name.
    ///
    /// # Errors
    /// `Invalid` for the page.
    pub async fn namespaces(
        &self,
        caller: &Caller,
        page: PageRequest,
    ) -> Result<Paged<NamespaceView>, Error> {
        caller.require(Role::Viewer)?;
        let (entries, next) = self.read_page(key::NAMESPACES, &page).await?;
        let items = entries
            .iter()
            .map(|entry| decode::<Namespace>(entry).map(|stored| view_namespace(stored.value)))
            .collect::<Result<_, _>>()
            .map_err(Error::internal)?;
        Ok(Paged { items, next })
    }

    fn view_dc(&self, dc: DataCenter) -> DcView {
        let DataCenter { name, cluster_uid, state, added } = dc;
        DcView { reach: self.live.reach(&name), name, state, cluster_uid, added }
    }
}

fn view_installation(installation: Installation) -> InstallationView {
    let Installation { id, name, environment, epoch: _, dcs: _, created: _ } = installation;
    InstallationView { id: id.to_string(), name, environment }
}

fn view_namespace(namespace: Namespace) -> NamespaceView {
    let Namespace { name, by, created } = namespace;
    NamespaceView { name, by, created }
}
