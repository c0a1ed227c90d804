//! The data centers: adding them, looking at them, and deciding about one that is held.

use async_trait::async_trait;
use serde::Serialize;

use super::page::{Listing, PageRequest};
use super::reading::from_ledger;
use super::request::{MAX_ROUNDS, Making, too_many_writers};
use super::{Mode, Plimsoll, Write};
use crate::breaker::Cause;
use crate::caller::{Caller, Role};
use crate::digest::Digest;
use crate::error::{Error, Kind};
use crate::ledger::{self, Committed, Direction, Revision};
use crate::name::{AppRef, DcName};
use crate::record::{DataCenter, Decision, DecisionWord, Draft, Request, Stored, key};
use crate::view::{DcView, Etag, Paged};

/// How many of the Apps that the ledger does not know are shown.
const STRANGERS: usize = 100;

/// A data center as it is added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewDataCenter {
    /// Its name.
    pub name: DcName,
    /// The uid of its `kube-system` namespace, read from itself.
    pub cluster_uid: String,
}

/// What a decision is remembered by: a repeat of the request gets the first answer.
#[derive(Serialize)]
struct Decided<'a> {
    dc: &'a DcName,
    word: DecisionWord,
}

impl Plimsoll {
    /// Adds a data center that was made able to hold Apps.
    ///
    /// # Errors
    /// `AlreadyExists` where the name stands for another cluster, or the cluster has another name; adding it
    /// again changes nothing. `Refused` for a request id that was another request's.
    pub async fn add_dc(&self, caller: &Caller, new: NewDataCenter, write: Write) -> Result<DcView, Error> {
        caller.require(Role::Operator)?;
        let dc = self.make(caller, &new, &write).await?;
        match write.mode {
            Mode::Do => Ok(self.view_dc(self.read_dc(&new.name).await?)),
            // One that is not there has not been written by anything.
            Mode::Validate => Ok(self.view_dc(dc)),
        }
    }

    /// The data centers, by name.
    ///
    /// # Errors
    /// What reading them fails with.
    pub async fn dcs(&self, caller: &Caller) -> Result<Vec<DcView>, Error> {
        caller.require(Role::Viewer)?;
        Ok(self.read_dcs().await?.into_values().map(|dc| self.view_dc(dc)).collect())
    }

    /// A page of the same.
    ///
    /// # Errors
    /// `Invalid` for the page.
    pub async fn list_dcs(&self, caller: &Caller, page: PageRequest) -> Result<Paged<DcView>, Error> {
        let list = Listing { name: key::DCS, direction: Direction::Up };
        list.page_of(self.dcs(caller).await?.into_iter(), &page, |dc| dc.name.to_string())
    }

    /// A data center, with the Apps found there that the ledger does not know.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn dc(&self, caller: &Caller, name: &DcName) -> Result<DcView, Error> {
        caller.require(Role::Viewer)?;
        let dc = self.read_dc(name).await?;
        let strangers = self.strangers(name).await?;
        Ok(DcView { strangers, ..self.view_dc(dc) })
    }

    /// Lets a data center that is held go on: what was found missing there is put back, and it takes Orders
    /// again. Where another cluster answers, that one is the data center from now on.
    ///
    /// # Errors
    /// `NotFound`; `Refused` where it is not held, or the cluster that answers is another data center;
    /// `Conflict` where it changed after the caller looked.
    pub async fn confirm_dc(&self, caller: &Caller, name: &DcName, write: Write) -> Result<DcView, Error> {
        self.decide_dc(caller, name, DecisionWord::Confirm, &write).await
    }

    /// Leaves a data center that is held as it is: nothing is written there and nothing is put back, until
    /// somebody confirms. What is ordered meanwhile is owed to it.
    ///
    /// # Errors
    /// As [`Self::confirm_dc`].
    pub async fn refuse_dc(&self, caller: &Caller, name: &DcName, write: Write) -> Result<DcView, Error> {
        self.decide_dc(caller, name, DecisionWord::Refuse, &write).await
    }

    async fn decide_dc(
        &self,
        caller: &Caller,
        name: &DcName,
        word: DecisionWord,
        write: &Write,
    ) -> Result<DcView, Error> {
        caller.require(Role::Operator)?;
        let body = Digest::of(&Decided { dc: name, word }).map_err(Error::internal)?;
        for _ in 0..MAX_ROUNDS {
            if self.seen(caller, &write.request_id, body).await?.is_some() {
                return Ok(self.view_dc(self.read_dc(name).await?));
            }
            let Stored { value: dc, revision } = self.read_dc(name).await?;
            if write.if_match.is_some_and(|expected| expected.0 != revision) {
                return Err(Error::new(
                    Kind::Conflict,
                    "DATA_CENTER_CHANGED",
                    format!("something changed about {name} after you looked; look again and decide anew"),
                )
                .with("etag", Etag(revision)));
            }
            let decision = Decision {
                word,
                by: caller.name.clone(),
                reason: write.reason.clone(),
                at: self.clock.now(),
            };
            let decided = dc.decided(decision).ok_or_else(|| {
                Error::new(
                    Kind::Refused,
                    "NOTHING_TO_DECIDE",
                    format!("{name} is {:?} and not held, so there is nothing to decide", dc.state),
                )
            })?;
            if word == DecisionWord::Confirm {
                self.is_no_other(&dc).await?;
            }
            if write.mode == Mode::Validate {
                return Ok(self.view_dc(Stored { value: decided, revision }));
            }
            let request = Request { body, operation: None, notes: Vec::new(), at: self.clock.now() };
            let mut draft = Draft::default();
            draft.replace(key::dc(name), revision, &decided).map_err(Error::internal)?;
            draft.create(key::request(&caller.name, &write.request_id), &request).map_err(Error::internal)?;
            match self.ledger.transact(draft.into()).await {
                Ok(Committed::At(revision)) => return Ok(self.view_dc(Stored { value: decided, revision })),
                Ok(Committed::Lost) | Err(ledger::Error::Unknown(_)) => {}
                Err(error) => return Err(from_ledger(error)),
            }
        }
        Err(too_many_writers(name))
    }

    /// Refuses to take a cluster for this data center that is another one.
    async fn is_no_other(&self, dc: &DataCenter) -> Result<(), Error> {
        let found = dc.stops.iter().find_map(|stop| match &stop.cause {
            Cause::OtherCluster { found, .. } => Some(found),
            _ => None,
        });
        let Some(found) = found else { return Ok(()) };
        let dcs = self.read_dcs().await?;
        let other =
            dcs.values().find(|other| other.value.name != dc.name && other.value.cluster_uid == *found);
        other.map_or(Ok(()), |other| {
            Err(Error::new(
                Kind::Refused,
                "DATA_CENTER_EXISTS",
                format!(
                    "the cluster that answers for {} is the data center {}: correct the kubeconfig of {} with \
                     `plimsoll dc add`",
                    dc.name, other.value.name, dc.name
                ),
            ))
        })
    }

    async fn read_dc(&self, name: &DcName) -> Result<Stored<DataCenter>, Error> {
        self.read(&key::dc(name)).await?.ok_or_else(|| {
            Error::new(
                Kind::NotFound,
                "DATA_CENTER_NOT_FOUND",
                format!("there is no data center {name}; `plimsoll dc list` shows those there are"),
            )
        })
    }

    /// The Apps that are seen in a data center and that this ledger neither has nor ordered to be deleted there.
    async fn strangers(&self, dc: &DcName) -> Result<Vec<AppRef>, Error> {
        let seen = self.live.apps(dc);
        if seen.is_empty() {
            return Ok(Vec::new());
        }
        let entries = self.read_all(key::APPS).await?;
        let known: std::collections::HashSet<AppRef> =
            entries.iter().filter_map(|entry| key::parse_app(&entry.key)).collect();
        let mut strangers = Vec::new();
        for app in seen.into_iter().filter(|app| !known.contains(app)) {
            if self.ledger.get(&key::order(&app, dc)).await.map_err(from_ledger)?.is_none() {
                strangers.push(app);
            }
            if strangers.len() == STRANGERS {
                break;
            }
        }
        strangers.sort();
        Ok(strangers)
    }

    fn view_dc(&self, stored: Stored<DataCenter>) -> DcView {
        let Stored { value, revision } = stored;
        let message = value.closed();
        let DataCenter { name, cluster_uid, state, stops, held_from: _, decision, restoring, ahead, added } =
            value;
        let message = message
            .or_else(|| ahead.as_ref().map(|ahead| ahead.sentence(&name)))
            .or_else(|| restoring.as_ref().map(|_| format!("what was missing in {name} is being put back")));
        DcView {
            reach: self.live.reach(&name),
            name,
            etag: Etag(revision),
            state,
            message,
            cluster_uid,
            stops,
            decision,
            strangers: Vec::new(),
            added,
        }
    }
}

#[async_trait]
impl Making for NewDataCenter {
    const VERB: &'static str = "dc add";
    type View = Stored<DataCenter>;

    async fn plan(&self, plimsoll: &Plimsoll, _: &Caller, draft: &mut Draft) -> Result<Self::View, Error> {
        let Self { name, cluster_uid } = self;
        let Stored { value: mut installation, revision } = plimsoll.read_installation().await?;
        for stored in plimsoll.read_dcs().await?.into_values() {
            let dc = &stored.value;
            let taken = |message| Err(Error::new(Kind::AlreadyExists, "DATA_CENTER_EXISTS", message));
            match (dc.name == *name, dc.cluster_uid == *cluster_uid) {
                (true, true) => return Ok(stored),
                (true, false) => {
                    return taken(format!(
                        "{name} is another cluster ({}) than this one ({cluster_uid}); choose another name",
                        dc.cluster_uid
                    ));
                }
                (false, true) => return taken(format!("this cluster is known as {} already", dc.name)),
                (false, false) => {}
            }
        }
        let dc = DataCenter::new(name.clone(), cluster_uid.clone(), plimsoll.clock.now());
        installation.dcs.push(name.clone());
        installation.dcs.sort();
        draft.replace(key::INSTALLATION.to_owned(), revision, &installation).map_err(Error::internal)?;
        draft.create(key::dc(name), &dc).map_err(Error::internal)?;
        Ok(Stored { value: dc, revision: Revision::default() })
    }
}
