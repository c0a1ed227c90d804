//! The watch of all App resources of a data center.

use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use kube::Api;
use kube::runtime::watcher::{self, Event as Change};
use plimsoll_core::cluster::{Error, Event, Resource, Watch};
use plimsoll_core::name::{AppRef, InstallationId};
use serde::de::IgnoredAny;

use crate::connection::{Subject, to_error, to_watch_error};
use crate::document::{Document, Parts};
use crate::follow::follow;
use crate::resource::{AppText, api_resource, app_of, to_resource};

use super::KubeCluster;

pub(super) fn watch(cluster: &KubeCluster, installation: &InstallationId) -> Watch {
    // No selector: a label that somebody took off would make a resource vanish.
    let api: Api<Document> = Api::all_with(cluster.client().clone(), &api_resource());
    let changes = follow(api, None).boxed();
    let events = Events {
        changes: listening(cluster, changes),
        installation: installation.clone(),
        listed: Vec::new(),
        unreadable: Vec::new(),
    };
    events.stream().boxed()
}

type Changes = BoxStream<'static, Result<Change<Document>, Error>>;

/// Asks a data center that is silent whether it is there: a watch on a server that stands still never ends.
fn listening(
    cluster: &KubeCluster,
    changes: BoxStream<'static, watcher::Result<Change<Document>>>,
) -> Changes {
    let rest = cluster.rest().clone();
    let silence = cluster.options().silence;
    futures::stream::unfold((changes, rest), move |(mut changes, rest)| async move {
        loop {
            let change = match tokio::time::timeout(silence, changes.next()).await {
                Ok(None) => return None,
                Ok(Some(Ok(change))) => Ok(change),
                Ok(Some(Err(error))) => match to_watch_error(error, Subject::App) {
                    Some(error) => Err(error),
                    None => continue,
                },
                Err(_) => match rest.get::<IgnoredAny>("/version").await {
                    Ok(_) => continue,
                    Err(error) => Err(to_error(error, Subject::Other)),
                },
            };
            return Some((change, (changes, rest)));
        }
    })
    .boxed()
}

struct Events {
    changes: Changes,
    installation: InstallationId,
    listed: Vec<Resource>,
    unreadable: Vec<Event>,
}

impl Events {
    fn stream(self) -> impl Stream<Item = Result<Event, Error>> {
        // The state is gone after the first error, and with it the stream.
        futures::stream::unfold(Some(self), |events| async move {
            let mut events = events?;
            match events.next().await {
                Some(Ok(batch)) => Some((batch.into_iter().map(Ok).collect::<Vec<_>>(), Some(events))),
                Some(Err(error)) => Some((vec![Err(error)], None)),
                None => None,
            }
        })
        .flat_map(futures::stream::iter)
    }

    /// What the next change says that matters; several where a list ended that holds unreadable ones.
    async fn next(&mut self) -> Option<Result<Vec<Event>, Error>> {
        loop {
            let change = match self.changes.next().await? {
                Ok(change) => change,
                Err(error) => return Some(Err(error)),
            };
            match change {
                Change::Init => {
                    self.listed.clear();
                    self.unreadable.clear();
                }
                Change::InitApply(document) => match self.event(document.parts()) {
                    Some(Event::Changed(resource)) => self.listed.push(resource),
                    Some(event) => self.unreadable.push(event),
                    None => {}
                },
                Change::InitDone => {
                    let mut events = vec![Event::All(std::mem::take(&mut self.listed))];
                    events.append(&mut self.unreadable);
                    return Some(Ok(events));
                }
                Change::Apply(document) => {
                    if let Some(event) = self.event(document.parts()) {
                        return Some(Ok(vec![event]));
                    }
                }
                Change::Delete(document) => {
                    if let Some(app) = self.gone(document.parts()) {
                        return Some(Ok(vec![Event::Gone(app)]));
                    }
                }
            }
        }
    }

    /// The App of a resource that is gone, if it was ours: of another installation is what says so.
    fn gone(&self, parts: Parts<'_>) -> Option<AppRef> {
        let object = AppText::of(parts).ok()?;
        let is_ours = object.head().installation.is_none_or(|installation| installation == self.installation);
        app_of(&object).ok().filter(|_| is_ours)
    }

    /// What says nothing of its installation is shown.
    fn event(&self, parts: Parts<'_>) -> Option<Event> {
        // What has no name that an App can have is no App's.
        let object = AppText::of(parts).ok()?;
        let app = app_of(&object).ok()?;
        if let Some(installation) = object.head().installation.filter(|of| *of != self.installation) {
            return Some(Event::Foreign { app, installation });
        }
        Some(match to_resource(&object) {
            Ok(resource) => Event::Changed(resource),
            Err(damage) => Event::Unreadable { app, why: damage.to_string() },
        })
    }
}
