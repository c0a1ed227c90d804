//! The installation and its Namespaces, in their plainest form.

use async_trait::async_trait;
use serde::Serialize;
use serde_json::Value;

use super::accept::ledger_is_current;
use super::grades::admit_policy;
use super::page::PageRequest;
use super::request::Making;
use super::{Plimsoll, Write};
use crate::caller::{Caller, Role};
use crate::error::{Error, Kind};
use crate::ledger::Compare;
use crate::name::{DcName, InstallationId, NamespaceName};
use crate::record::{Draft, Environment, GradePolicy, Installation, Namespace, decode, key};
use crate::view::{InstallationView, NamespaceSight, NamespaceView, Paged};

/// An installation as it is named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewInstallation {
    /// What its objects in the data centers are marked with.
    pub id: InstallationId,
    /// For people.
    pub name: String,
    /// Which rules hold.
    pub environment: Environment,
    /// Its grades, as [`Plimsoll::set_policy`] takes them; Plimsoll's own where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Value>,
}

/// A Namespace as it is made.
#[derive(Serialize)]
struct NewNamespace(NamespaceName);

/// Namespaces that Kubernetes or Plimsoll keep for themselves.
const RESERVED: [&str; 4] = ["kube-system", "kube-public", "kube-node-lease", "plimsoll-system"];

impl Plimsoll {
    /// Names the installation, once.
    ///
    /// # Errors
    /// `AlreadyExists` where it has another id, or other grades than are given; doing it again with the same id changes
    /// nothing. `Invalid` with every fault of the grades. `Refused` for a request id that was another request's.
    pub async fn init(
        &self,
        caller: &Caller,
        new: NewInstallation,
        write: Write,
    ) -> Result<InstallationView, Error> {
        caller.require(Role::Operator)?;
        self.make(caller, &new, &write).await
    }

    /// The installation.
    ///
    /// # Errors
    /// `Refused` where it was not named yet.
    pub async fn installation(&self, caller: &Caller) -> Result<InstallationView, Error> {
        caller.require(Role::Viewer)?;
        Ok(view_installation(self.read_installation().await?.value))
    }

    /// Makes a Namespace; the data centers get it within moments.
    ///
    /// # Errors
    /// `Refused` for a name that Kubernetes keeps for itself, and for a request id that was another request's.
    /// One that is there stays as it is.
    pub async fn create_namespace(
        &self,
        caller: &Caller,
        name: NamespaceName,
        write: Write,
    ) -> Result<NamespaceView, Error> {
        caller.require(Role::Operator)?;
        self.make(caller, &NewNamespace(name), &write).await
    }

    /// A Namespace.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn namespace(&self, caller: &Caller, name: &NamespaceName) -> Result<NamespaceView, Error> {
        caller.require(Role::Viewer)?;
        let dcs = self.read_installation().await?.value.dcs;
        Ok(self.sighted(&dcs, view_namespace(self.read_namespace(name).await?.value)))
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
        let dcs = self.read::<Installation>(key::INSTALLATION).await?.map(|there| there.value.dcs);
        let dcs = dcs.unwrap_or_default();
        let (entries, next) = self.read_page(key::NAMESPACES, &page).await?;
        let items = entries
            .iter()
            .map(|entry| {
                decode::<Namespace>(entry).map(|stored| self.sighted(&dcs, view_namespace(stored.value)))
            })
            .collect::<Result<_, _>>()
            .map_err(Error::internal)?;
        Ok(Paged::new(items, next))
    }

    /// The same with what is seen of it in these data centers.
    fn sighted(&self, dcs: &[DcName], mut view: NamespaceView) -> NamespaceView {
        let there = |dc: &DcName| {
            let notes = self.live.namespace(dc, &view.name)?;
            Some(NamespaceSight { name: dc.clone(), notes })
        };
        view.data_centers = dcs.iter().filter_map(there).collect();
        view
    }
}

#[async_trait]
impl Making for NewInstallation {
    const VERB: &'static str = "init";
    type View = InstallationView;

    async fn plan(
        &self,
        plimsoll: &Plimsoll,
        caller: &Caller,
        draft: &mut Draft,
    ) -> Result<Self::View, Error> {
        let Self { id, name, environment, policy } = self.clone();
        let policy = policy.as_ref().map(admit_policy).transpose()?;
        let there = plimsoll.read::<Installation>(key::INSTALLATION).await?;
        if there.is_some()
            && let Some(policy) = &policy
            && policy != plimsoll.read_grades().await?.policy()
        {
            return Err(Error::new(
                Kind::AlreadyExists,
                "ALREADY_INITIALIZED",
                "this installation has other grades already; `plimsoll policy set` changes them",
            ));
        }
        match there {
            None => {
                let created = plimsoll.clock.now();
                let new = Installation { id, name, environment, epoch: 1, dcs: Vec::new(), created };
                draft.create(key::INSTALLATION.to_owned(), &new).map_err(Error::internal)?;
                // Written down also where they are Plimsoll's own: a later Plimsoll may have others.
                let grades = GradePolicy {
                    policy: policy.unwrap_or_default(),
                    retired: Vec::new(),
                    by: caller.name.clone(),
                    reason: None,
                    changed: created,
                };
                draft.create(key::GRADES.to_owned(), &grades).map_err(Error::internal)?;
                Ok(view_installation(new))
            }
            Some(there) if there.value.id == id => Ok(view_installation(there.value)),
            Some(there) => Err(Error::new(
                Kind::AlreadyExists,
                "ALREADY_INITIALIZED",
                format!("this ledger belongs to the installation {}", there.value.id),
            )),
        }
    }
}

#[async_trait]
impl Making for NewNamespace {
    const VERB: &'static str = "namespace create";
    type View = NamespaceView;

    async fn plan(
        &self,
        plimsoll: &Plimsoll,
        caller: &Caller,
        draft: &mut Draft,
    ) -> Result<Self::View, Error> {
        let Self(name) = self;
        plimsoll.read_installation().await?;
        ledger_is_current(&plimsoll.read_dcs().await?)?;
        if RESERVED.contains(&name.as_str()) {
            return Err(Error::new(
                Kind::Refused,
                "NAMESPACE_RESERVED",
                format!("{name} is kept for the system; choose another name"),
            ));
        }
        let key = key::namespace(name);
        if let Some(there) = plimsoll.read::<Namespace>(&key).await? {
            draft.requires(Compare::Present(key));
            return Ok(view_namespace(there.value));
        }
        let new = Namespace { name: name.clone(), by: caller.name.clone(), created: plimsoll.clock.now() };
        draft.create(key, &new).map_err(Error::internal)?;
        Ok(view_namespace(new))
    }
}

fn view_installation(installation: Installation) -> InstallationView {
    let Installation { id, name, environment, epoch: _, dcs: _, created: _ } = installation;
    InstallationView { id: id.to_string(), name, environment }
}

fn view_namespace(namespace: Namespace) -> NamespaceView {
    let Namespace { name, by, created } = namespace;
    NamespaceView { name, by, created, data_centers: Vec::new() }
}
