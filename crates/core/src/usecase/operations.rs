//! Looking at Operations, and following them.

use std::pin::Pin;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, Peekable, StreamExt};

use super::Plimsoll;
use super::page::{Listing, PageRequest};
use super::reading::{from_ledger, no_such_app};
use crate::caller::{Caller, Role};
use crate::error::{Error, Kind as ErrorKind};
use crate::fold::OperationState;
use crate::ledger::{Direction, Entry, MAX_PAGE, Range};
use crate::name::{AppRef, OperationId};
use crate::record::key::ImageOperationKey;
use crate::record::key::OperationKey;
use crate::record::{
    EndState, ImageOperation, ImageOperationParts, Kind, Operation, OperationParts, OutcomeState, Stored,
    Track, key,
};
use crate::view::{AnyOperation, ImagesView, OperationView, OutcomeView, Paged};

/// Which Operations to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperationFilter {
    /// Of this App alone; none: of all, and those on registries.
    pub app: Option<AppRef>,
}

impl Plimsoll {
    /// An Operation.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn operation(&self, caller: &Caller, id: OperationId) -> Result<AnyOperation, Error> {
        caller.require(Role::Viewer)?;
        let parts = self.read_any(id).await?.ok_or_else(|| no_such_operation(id))?;
        self.view_any(parts).await
    }

    /// Operations, newest first.
    ///
    /// # Errors
    /// `NotFound` for the App; `Invalid` for the page.
    pub async fn operations(
        &self,
        caller: &Caller,
        filter: OperationFilter,
        page: PageRequest,
    ) -> Result<Paged<AnyOperation>, Error> {
        caller.require(Role::Viewer)?;
        let Some(app) = &filter.app else {
            return self.all_operations(&page).await;
        };
        let Paged { items, next, notes } = self.operations_of(caller, app, page).await?;
        let items = items.into_iter().map(|view| AnyOperation::App(Box::new(view))).collect();
        Ok(Paged { items, next, notes })
    }

    /// The Operations of an App, newest first.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for the page.
    pub async fn operations_of(
        &self,
        caller: &Caller,
        app: &AppRef,
        page: PageRequest,
    ) -> Result<Paged<OperationView>, Error> {
        caller.require(Role::Viewer)?;
        // There are as many as retention leaves.
        let history = key::history(app);
        let entries = self.read_all(&history).await?;
        if entries.is_empty() {
            return Err(no_such_app(app));
        }
        let ids = entries.iter().rev().filter_map(|entry| key::parse_history(&entry.key).map(|(_, id)| id));
        let list = Listing { name: &history, direction: Direction::Down };
        let ids = list.page_of(ids, &page, OperationId::to_string)?;
        let mut items = Vec::with_capacity(ids.items.len());
        for id in ids.items {
            // One that was archived since the list was read is no longer in it.
            if let Some(parts) = self.read_operation(id).await? {
                items.push(self.view_of(parts).await?);
            }
        }
        Ok(Paged::new(items, ids.next))
    }

    /// Follows an Operation: its view now, then each that differs from the one before, until it has ended.
    ///
    /// # Errors
    /// `NotFound`; in the stream, what reading it fails with.
    pub async fn watch_operation(
        &self,
        caller: &Caller,
        id: OperationId,
    ) -> Result<BoxStream<'static, Result<AnyOperation, Error>>, Error> {
        caller.require(Role::Viewer)?;
        let Told { live, nudges } = self.told_of(id).await?;
        let live = live.map(|()| Ok(Nudge::Live));
        let start = Follow::new(self.clone(), id, stream::select(nudges, live).boxed());
        Ok(stream::unfold(start, Follow::step).boxed())
    }

    /// Waits until an Operation does not go on by itself: it has ended, or is held. Who only waits for that need not
    /// look at it whenever a pod comes or goes.
    ///
    /// # Errors
    /// `NotFound`; in the future, what reading it fails with.
    pub async fn wait_operation(
        &self,
        caller: &Caller,
        id: OperationId,
    ) -> Result<BoxFuture<'static, Result<AnyOperation, Error>>, Error> {
        caller.require(Role::Viewer)?;
        let Told { nudges, .. } = self.told_of(id).await?;
        let mut follow = Follow::new(self.clone(), id, nudges);
        Ok(async move {
            while let Some((view, next)) = follow.step().await {
                let view = view?;
                if view.state().is_final() || view.state() == OperationState::Held {
                    return Ok(view);
                }
                follow = next;
            }
            let message = "the operation can no longer be followed here; ask again";
            Err(Error::new(ErrorKind::Unavailable, ErrorKind::Unavailable.reason(), message))
        }
        .boxed())
    }

    /// An Operation, and whatever the ledger says of it from now on.
    async fn told_of(&self, id: OperationId) -> Result<Told, Error> {
        let (prefix, live) = match self.read::<Operation>(&key::operation(id)).await? {
            Some(operation) => (key::operation(id), self.live.changes(&operation.value.app)),
            None => match self.read::<ImageOperation>(&key::image_operation(id)).await? {
                Some(_) => (key::image_operation(id), self.live.carriage(id)),
                None => return Err(no_such_operation(id)),
            },
        };
        // The revision is read before the first view is, so nothing falls between.
        let now = Range { limit: 1, ..Range::prefix(prefix.clone()) };
        let from = self.ledger.range(&now).await.map_err(from_ledger)?.revision;
        let ledger = self.ledger.watch(&prefix, from).await.map_err(from_ledger)?;
        let nudges = ledger.map(|events| events.map(|_| Nudge::Ledger).map_err(from_ledger)).boxed();
        Ok(Told { live, nudges })
    }

    /// An Operation of whatever kind with its parts, or `None`.
    async fn read_any(&self, id: OperationId) -> Result<Option<Parts>, Error> {
        if let Some(parts) = self.read_operation(id).await? {
            return Ok(Some(Parts::App(parts)));
        }
        Ok(self.read_image_operation(id).await?.map(Parts::Image))
    }

    async fn view_any(&self, parts: Parts) -> Result<AnyOperation, Error> {
        Ok(match parts {
            Parts::App(parts) => AnyOperation::App(Box::new(self.view_of(parts).await?)),
            Parts::Image(parts) => AnyOperation::Image(Box::new(self.view_image_operation(parts))),
        })
    }

    pub(super) async fn view_operation(&self, id: OperationId) -> Result<OperationView, Error> {
        let parts = self.read_operation(id).await?.ok_or_else(|| no_such_operation(id))?;
        self.view_of(parts).await
    }

    async fn view_of(&self, parts: OperationParts) -> Result<OperationView, Error> {
        let overtaken = self.is_overtaken(&parts).await?;
        let mut view = self.view_parts(parts);
        if overtaken {
            for dc in view.dcs.iter_mut().filter(|dc| dc.state == OutcomeState::Owed) {
                dc.state = OutcomeState::Superseded;
                dc.reason = None;
                dc.message = Some("gets something newer on return".to_owned());
            }
        }
        Ok(view)
    }

    /// Whether whoever is owed this Operation gets something newer instead.
    async fn is_overtaken(&self, parts: &OperationParts) -> Result<bool, Error> {
        let operation = &parts.operation;
        let owing = parts.end.as_ref().is_some_and(|end| end.value.state == EndState::SucceededOwing);
        if !owing || operation.kind == Kind::Delete {
            return Ok(false);
        }
        let app = self.read_app(&operation.app).await?;
        let current = app.filter(|app| app.value.uid == operation.uid);
        Ok(current.is_none_or(|app| app.value.operations.get(&operation.kind.track()) != Some(&operation.id)))
    }

    pub(super) fn view_parts(&self, parts: OperationParts) -> OperationView {
        let standing = parts.standing();
        let OperationParts { operation, control: _, outcomes, end } = parts;
        let end = end.map(|end| end.value);
        let dcs = outcomes
            .into_iter()
            .map(|(dc, Stored { value: outcome, revision })| {
                // Pods of an earlier Order are no progress of this one.
                let order = outcome.order.unwrap_or(revision);
                let replicas = self
                    .live
                    .sight(&operation.app, &dc)
                    .filter(|_| outcome.state != OutcomeState::Waiting)
                    .and_then(|sight| sight.status)
                    .filter(|status| status.fence.revision >= order)
                    .map(|status| status.replicas);
                let images = self
                    .live
                    .prepared(&operation.app, &dc)
                    .filter(|prepared| {
                        prepared.release == operation.release && operation.kind.track() == Track::Release
                    })
                    .map(ImagesView::from);
                OutcomeView {
                    replicas,
                    images,
                    dc,
                    state: outcome.state,
                    reason: outcome.reason,
                    message: outcome.message,
                    since: outcome.since,
                }
            })
            .collect();
        OperationView {
            id: operation.id,
            kind: operation.kind,
            app: operation.app,
            release: operation.release,
            from: operation.from,
            state: standing.state,
            message: standing.message,
            superseded_by: end.as_ref().and_then(|end| end.by),
            dcs,
            by: operation.by,
            reason: operation.reason,
            created: operation.created,
            ended: end.map(|end| end.at),
        }
    }

    /// All Operations, newest first: reads what the page shows and no more.
    async fn all_operations(&self, page: &PageRequest) -> Result<Paged<AnyOperation>, Error> {
        let limit = page.limit()?;
        let list = Listing { name: key::OPERATIONS, direction: Direction::Down };
        let place = list.place(page)?;
        let of_apps = |key: &str| matches!(key::parse_operation(key), Some(OperationKey::Operation(_)));
        let on_registries =
            |key: &str| matches!(key::parse_image_operation(key), Some(ImageOperationKey::Operation(_)));
        let mut found: Vec<Parts> = Vec::new();
        for entries in self.newest(key::OPERATIONS, place.as_deref(), limit + 1, of_apps).await? {
            found.extend(OperationParts::read(&entries).map_err(Error::internal)?.map(Parts::App));
        }
        for entries in self.newest(key::IMAGE_OPERATIONS, place.as_deref(), limit + 1, on_registries).await? {
            found.extend(ImageOperationParts::read(&entries).map_err(Error::internal)?.map(Parts::Image));
        }
        found.sort_by_key(|parts| std::cmp::Reverse(parts.id()));
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|parts| list.token(&parts.id().to_string()));
        let mut items = Vec::with_capacity(found.len());
        for parts in found {
            items.push(self.view_any(parts).await?);
        }
        Ok(Paged::new(items, next))
    }

    /// The entries of at most so many of the newest Operations under a prefix that come behind a place, each with its
    /// own first; `is_own` tells it from its parts.
    async fn newest(
        &self,
        prefix: &str,
        place: Option<&str>,
        wanted: usize,
        is_own: impl Fn(&str) -> bool + Send + Sync,
    ) -> Result<Vec<Vec<Entry>>, Error> {
        // From above, the parts of an Operation come before itself.
        let mut range = Range { after: place.map(|place| format!("{prefix}{place}")), ..Range::down(prefix) };
        let mut found: Vec<Vec<Entry>> = Vec::new();
        let mut entries: Vec<Entry> = Vec::new();
        while found.len() < wanted {
            // A few entries for each that is missing; who has more of them is read on.
            range.limit = (wanted - found.len()).saturating_mul(8).min(MAX_PAGE);
            let read = self.ledger.range(&range).await.map_err(from_ledger)?;
            range.after = read.entries.last().map(|entry| entry.key.clone());
            for entry in read.entries {
                let whole = is_own(&entry.key);
                entries.push(entry);
                if whole {
                    entries.reverse();
                    found.push(std::mem::take(&mut entries));
                }
            }
            if !read.more {
                break;
            }
        }
        found.truncate(wanted);
        Ok(found)
    }
}

/// An Operation of whatever kind, as it is read.
#[derive(Clone)]
enum Parts {
    App(OperationParts),
    Image(ImageOperationParts),
}

impl Parts {
    fn id(&self) -> OperationId {
        match self {
            Self::App(parts) => parts.operation.id,
            Self::Image(parts) => parts.operation.id,
        }
    }
}

/// There is none with this id.
pub(super) fn no_such_operation(id: OperationId) -> Error {
    Error::new(ErrorKind::NotFound, "OPERATION_NOT_FOUND", format!("there is no operation {id}"))
}

/// Why to look again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nudge {
    /// The ledger says something else of the Operation.
    Ledger,
    /// A data center says something else of its App.
    Live,
}

/// See [`Plimsoll::told_of`].
struct Told {
    /// Yields whenever something of it that the ledger does not hold has changed.
    live: BoxStream<'static, ()>,
    nudges: BoxStream<'static, Result<Nudge, Error>>,
}

/// The state of a stream that follows an Operation.
struct Follow {
    plimsoll: Plimsoll,
    id: OperationId,
    /// What the ledger says of it; `None` where it may say something else by now.
    read: Option<Parts>,
    shown: Option<AnyOperation>,
    nudges: Peekable<BoxStream<'static, Result<Nudge, Error>>>,
    ended: bool,
}

impl Follow {
    fn new(plimsoll: Plimsoll, id: OperationId, nudges: BoxStream<'static, Result<Nudge, Error>>) -> Self {
        Self { plimsoll, id, read: None, shown: None, nudges: nudges.peekable(), ended: false }
    }

    async fn step(mut self) -> Option<(Result<AnyOperation, Error>, Self)> {
        if self.ended {
            return None;
        }
        loop {
            if self.shown.is_some() {
                match self.nudged().await? {
                    Ok(()) => {}
                    Err(error) => {
                        self.ended = true;
                        return Some((Err(error), self));
                    }
                }
            }
            match self.view().await {
                Ok(view) if self.shown.as_ref() == Some(&view) => {}
                Ok(view) => {
                    self.ended = view.state().is_final();
                    self.shown = Some(view.clone());
                    return Some((Ok(view), self));
                }
                Err(error) => {
                    self.ended = true;
                    return Some((Err(error), self));
                }
            }
        }
    }

    /// Waits for a reason to look again, and takes the others that are there with it: one look serves them all. An
    /// error comes by itself, after what could be shown before it.
    async fn nudged(&mut self) -> Option<Result<(), Error>> {
        let mut nudge = self.nudges.next().await?;
        loop {
            match nudge {
                Ok(Nudge::Ledger) => self.read = None,
                Ok(Nudge::Live) => {}
                Err(error) => return Some(Err(error)),
            }
            let mut nudges = Pin::new(&mut self.nudges);
            match nudges.as_mut().next_if(Result::is_ok).now_or_never() {
                Some(Some(next)) => nudge = next,
                Some(None) | None => return Some(Ok(())),
            }
        }
    }

    /// The ledger is read only when it says something new: pods come and go more often.
    async fn view(&mut self) -> Result<AnyOperation, Error> {
        let parts = if let Some(parts) = self.read.take() {
            parts
        } else {
            let parts = self.plimsoll.read_any(self.id).await?;
            parts.ok_or_else(|| no_such_operation(self.id))?
        };
        self.read = Some(parts.clone());
        self.plimsoll.view_any(parts).await
    }
}
