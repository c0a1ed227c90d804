//! Reading records out of the ledger, and pages of them.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::Plimsoll;
use super::page::{Listing, PageRequest};
use crate::content::Content;
use crate::digest::Digest;
use crate::error::{Error, Kind};
use crate::ledger::{self, Direction, Entry, MAX_PAGE, Range};
use crate::name::{AppRef, AppUid, DcName, NamespaceName, OperationId, ReleaseNumber};
use crate::record::key::OperationKey;
use crate::record::{
    self, App, DataCenter, Installation, Namespace, OperationParts, Order, Outcome, Proven, Release, Stored,
    Verdict, key,
};

pub(super) fn from_ledger(error: ledger::Error) -> Error {
    match error {
        ledger::Error::Unavailable(_) | ledger::Error::Unknown(_) | ledger::Error::Compacted { .. } => {
            Error::new(
                Kind::Unavailable,
                "LEDGER_UNAVAILABLE",
                "the ledger does not answer; nothing was accepted, try again with the same request id",
            )
            .with_source(error)
        }
        ledger::Error::Full => Error::new(
            Kind::ResourceExhausted,
            "LEDGER_FULL",
            "the ledger has no room left; an operator has to make some",
        )
        .with_source(error),
        ledger::Error::Invalid(_) | ledger::Error::Corrupt(_) => Error::internal(error),
    }
}

fn decode<T: DeserializeOwned>(entry: &Entry) -> Result<Stored<T>, Error> {
    record::decode(entry).map_err(Error::internal)
}

pub(super) fn no_such_app(app: &AppRef) -> Error {
    Error::new(
        Kind::NotFound,
        "APP_NOT_FOUND",
        format!("there is no app {} in namespace {}", app.name, app.namespace),
    )
}

impl Plimsoll {
    pub(super) async fn read<T: DeserializeOwned>(&self, key: &str) -> Result<Option<Stored<T>>, Error> {
        let entry = self.ledger.get(key).await.map_err(from_ledger)?;
        entry.as_ref().map(decode).transpose()
    }

    /// Every entry under `prefix`, page by page.
    pub(super) async fn read_all(&self, prefix: &str) -> Result<Vec<Entry>, Error> {
        let mut range = Range::prefix(prefix);
        let mut entries = Vec::new();
        loop {
            let page = self.ledger.range(&range).await.map_err(from_ledger)?;
            entries.extend(page.entries);
            if !page.more {
                return Ok(entries);
            }
            range.after = entries.last().map(|entry: &Entry| entry.key.clone());
        }
    }

    /// One page of entries under `prefix`, and the token of the next.
    pub(super) async fn read_page(
        &self,
        prefix: &str,
        page: &PageRequest,
    ) -> Result<(Vec<Entry>, Option<String>), Error> {
        let list = Listing { name: prefix, direction: Direction::Up };
        let range = Range {
            prefix: prefix.to_owned(),
            after: list.place(page)?.map(|place| format!("{prefix}{place}")),
            limit: page.limit()?.min(MAX_PAGE),
            direction: list.direction,
        };
        let read = self.ledger.range(&range).await.map_err(from_ledger)?;
        let next = match read.entries.last() {
            Some(entry) if read.more => entry.key.strip_prefix(prefix).map(|place| list.token(place)),
            _ => None,
        };
        Ok((read.entries, next))
    }

    pub(super) async fn read_installation(&self) -> Result<Stored<Installation>, Error> {
        self.read(key::INSTALLATION).await?.ok_or_else(|| {
            Error::new(
                Kind::Refused,
                "NOT_INITIALIZED",
                "this installation has no name and no data centers yet; run `plimsoll init` first",
            )
        })
    }

    pub(super) async fn read_dcs(&self) -> Result<BTreeMap<DcName, Stored<DataCenter>>, Error> {
        let entries = self.read_all(key::DCS).await?;
        entries
            .iter()
            .map(|entry| decode::<DataCenter>(entry).map(|dc| (dc.value.name.clone(), dc)))
            .collect()
    }

    pub(super) async fn read_namespace(&self, name: &NamespaceName) -> Result<Stored<Namespace>, Error> {
        self.read(&key::namespace(name)).await?.ok_or_else(|| {
            Error::new(
                Kind::NotFound,
                "NAMESPACE_NOT_FOUND",
                format!("there is no namespace {name}; an operator makes it with `plimsoll namespace create {name}`"),
            )
        })
    }

    pub(super) async fn read_app(&self, app: &AppRef) -> Result<Option<Stored<App>>, Error> {
        self.read(&key::app(app)).await
    }

    pub(super) async fn read_release(
        &self,
        uid: AppUid,
        number: ReleaseNumber,
    ) -> Result<Option<Release>, Error> {
        Ok(self.read(&key::release(uid, number)).await?.map(|stored| stored.value))
    }

    pub(super) async fn read_content(&self, uid: AppUid, digest: &Digest) -> Result<Content, Error> {
        let stored = self.read(&key::content(uid, digest)).await?;
        stored
            .map(|stored: Stored<Content>| stored.value)
            .ok_or_else(|| Error::internal(format!("the content {digest} of app {uid} is not in the ledger")))
    }

    /// All Releases of a life of an App with how they fared, oldest first.
    pub(super) async fn read_releases(&self, uid: AppUid) -> Result<Vec<(Release, Verdict)>, Error> {
        let verdicts = self.read_all(&key::verdicts(uid)).await?;
        let mut by_key = BTreeMap::new();
        for entry in &verdicts {
            let number = entry.key.rsplit('/').next().unwrap_or_default().to_owned();
            by_key.insert(number, decode::<Verdict>(entry)?.value);
        }
        let releases = self.read_all(&key::releases(uid)).await?;
        releases
            .iter()
            .map(|entry| {
                let number = entry.key.rsplit('/').next().unwrap_or_default();
                Ok((decode::<Release>(entry)?.value, by_key.remove(number).unwrap_or_default()))
            })
            .collect()
    }

    pub(super) async fn read_orders(&self, app: &AppRef) -> Result<BTreeMap<DcName, Stored<Order>>, Error> {
        let entries = self.read_all(&key::orders(app)).await?;
        let mut orders = BTreeMap::new();
        for entry in &entries {
            if let Some((_, dc)) = key::parse_order(&entry.key) {
                orders.insert(dc, decode(entry)?);
            }
        }
        Ok(orders)
    }

    /// The outcomes of an Operation, in one read.
    pub(super) async fn read_outcomes(
        &self,
        id: OperationId,
    ) -> Result<BTreeMap<DcName, Stored<Outcome>>, Error> {
        let mut outcomes = BTreeMap::new();
        for entry in self.read_all(&key::outcomes(id)).await? {
            if let Some(OperationKey::Outcome(_, dc)) = key::parse_operation(&entry.key) {
                outcomes.insert(dc, decode(&entry)?);
            }
        }
        Ok(outcomes)
    }

    /// What was good of an App in each data center.
    pub(super) async fn read_proven(&self, app: &AppRef) -> Result<BTreeMap<DcName, Stored<Proven>>, Error> {
        let entries = self.read_all(&key::all_proven(app)).await?;
        let mut proven = BTreeMap::new();
        for entry in &entries {
            if let Some((_, dc)) = key::parse_proven(&entry.key) {
                proven.insert(dc, decode(entry)?);
            }
        }
        Ok(proven)
    }

    /// An Operation with its parts, or `None`.
    pub(super) async fn read_operation(&self, id: OperationId) -> Result<Option<OperationParts>, Error> {
        // An Operation and its parts lie beside each other.
        OperationParts::read(&self.read_all(&key::operation(id)).await?).map_err(Error::internal)
    }
}
