//! Watches that begin anew with a list whenever they break.

use std::time::Duration;

use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use kube::Api;
use kube::runtime::utils::Backoff;
use kube::runtime::watcher::{self, Config, DefaultBackoff, Event};

use crate::document::Document;

type Changes = BoxStream<'static, watcher::Result<Event<Document>>>;

struct Follow<S> {
    start: S,
    changes: Changes,
    backoff: DefaultBackoff,
    pause: Option<Duration>,
}

/// What an API holds, and what changes in it, through every error.
///
/// A watch that ends in order goes on where it was. One that breaks does not: while nobody heard of the data center its
/// store may have been put back to an earlier state, and from a version of the future a watch is told nothing, until as
/// much was written again.
pub(super) fn follow(
    api: Api<Document>,
    config: Config,
) -> impl Stream<Item = watcher::Result<Event<Document>>> + Send {
    let start = move || watcher::watcher(api.clone(), config.clone()).boxed();
    let follow = Follow { changes: start(), start, backoff: DefaultBackoff::default(), pause: None };
    stream::unfold(follow, |mut follow| async move {
        if let Some(pause) = follow.pause.take() {
            tokio::time::sleep(pause).await;
        }
        let change = follow.changes.next().await?;
        match &change {
            // That it will list says nothing yet.
            Ok(Event::Init) => {}
            Ok(_) => follow.backoff.reset(),
            Err(_) => {
                follow.changes = (follow.start)();
                follow.pause = follow.backoff.next();
            }
        }
        Some((change, follow))
    })
}
