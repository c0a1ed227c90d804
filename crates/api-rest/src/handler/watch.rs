//! Following an Operation by server-sent events.
//!
//! Each event carries the whole view, so a reader that missed some is right again with the next, and one that
//! comes back with a `Last-Event-ID` gets the present view like any other: there is no gap to be told about.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures::StreamExt as _;
use futures::stream::{self, BoxStream, Stream};
use plimsoll_core::error::Error;
use plimsoll_core::usecase::Plimsoll;
use plimsoll_core::view::OperationView;
use serde_json::json;

use crate::dto::{Nothing, Operation};
use crate::extract::{By, OperationPath, Query};
use crate::failure::Failure;
use crate::openapi::Reading;
use crate::trace::TraceId;

/// How long nothing is sent before a comment shows that the connection lives. Proxies cut idle ones after a
/// minute, some after 50 seconds.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Follow an Operation.
///
/// Server-sent events: `operation` with the Operation, first as it is and then at each change; `end` after its
/// final state, then nothing follows; `problem` where it cannot be followed any more; `resync` where the
/// server ends the stream early: connect again.
#[utoipa::path(get, path = "/v1/operations/{id}/watch", tag = "operations", operation_id = "watchOperation",
    params(("id" = String, Path, description = "The id of the Operation.")),
    responses((status = 200, body = String, content_type = "text/event-stream"), Reading))]
pub(super) async fn watch(
    State(plimsoll): State<Plimsoll>,
    By(caller): By,
    OperationPath(id): OperationPath,
    Query(Nothing {}): Query<Nothing>,
    request: Request,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Failure> {
    let trace_id = TraceId::of(&request);
    let views = plimsoll.watch_operation(&caller, id).await?;
    Ok(Sse::new(events(views, trace_id)).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

/// Where a stream stands.
enum Follow {
    /// More views may come; whether the newest was final.
    On { views: BoxStream<'static, Result<OperationView, Error>>, ended: bool },
    /// The last event was sent.
    Over,
}

fn events(
    views: BoxStream<'static, Result<OperationView, Error>>,
    trace_id: TraceId,
) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold((Follow::On { views, ended: false }, trace_id), |(follow, trace_id)| async {
        let Follow::On { mut views, ended } = follow else { return None };
        let (event, follow) = match views.next().await {
            Some(Ok(view)) => {
                let ended = view.state.is_final();
                (event("operation", &Operation::from(view)), Follow::On { views, ended })
            }
            Some(Err(error)) => {
                let failure = Failure::from(error);
                failure.log();
                (event("problem", &failure.problem(&trace_id)), Follow::Over)
            }
            None => (event(if ended { "end" } else { "resync" }, &json!({})), Follow::Over),
        };
        Some((Ok(event), (follow, trace_id)))
    })
}

fn event(name: &str, data: &impl serde::Serialize) -> Event {
    // Nothing that is sent here lacks a JSON form; one that did would end the stream's reader, not this server.
    Event::default()
        .event(name)
        .json_data(data)
        .unwrap_or_else(|_| Event::default().event("resync").data("{}"))
}
