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
use plimsoll_core::view::AnyOperation as AnyOperationView;
use serde_json::json;

use crate::dto::{AnyOperation, Nothing};
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
    On { views: BoxStream<'static, Result<AnyOperationView, Error>>, ended: bool },
    /// The last event was sent.
    Over,
}

fn events(
    views: BoxStream<'static, Result<AnyOperationView, Error>>,
    trace_id: TraceId,
) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold((Follow::On { views, ended: false }, trace_id), |(follow, trace_id)| async {
        let Follow::On { mut views, ended } = follow else { return None };
        let (event, follow) = match views.next().await {
            Some(Ok(view)) => {
                let ended = view.state().is_final();
                (event("operation", &AnyOperation::from(view)), Follow::On { views, ended })
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

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse as _;
    use http_body_util::BodyExt as _;
    use plimsoll_core::error::Kind;
    use plimsoll_core::fold::OperationState;
    use plimsoll_core::record;
    use plimsoll_core::view::OperationView;

    fn mk_view(state: OperationState) -> AnyOperationView {
        let view = OperationView {
            id: "0199f3a0-0000-7000-8000-000000000001".parse().unwrap(),
            kind: record::Kind::Upgrade,
            app: plimsoll_core::name::AppRef {
                namespace: "demo".parse().unwrap(),
                name: "shop".parse().unwrap(),
            },
            release: 2.try_into().unwrap(),
            from: None,
            state,
            message: None,
            superseded_by: None,
            dcs: Vec::new(),
            by: "alice".to_owned(),
            reason: None,
            created: "2026-11-23T00:00:00Z".parse().unwrap(),
            ended: None,
        };
        AnyOperationView::App(Box::new(view))
    }

    /// The names of the events that these views become.
    async fn names(views: Vec<Result<AnyOperationView, Error>>) -> Vec<String> {
        let sse = Sse::new(events(stream::iter(views).boxed(), TraceId::default()));
        let bytes = sse.into_response().into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        assert!(!text.contains("canary"), "{text}");
        text.lines().filter_map(|line| line.strip_prefix("event: ")).map(str::to_owned).collect()
    }

    #[tokio::test]
    async fn a_stream_says_why_it_ended() {
        let running = || Ok(mk_view(OperationState::Running));
        let held = || Ok(mk_view(OperationState::Held));
        let succeeded = || Ok(mk_view(OperationState::Succeeded));
        let lost = || {
            let error = Error::new(Kind::Unavailable, "LEDGER_UNAVAILABLE", "the ledger does not answer");
            Err(error.with_source(std::io::Error::other("canary")))
        };
        assert_eq!(names(vec![running(), succeeded()]).await, ["operation", "operation", "end"]);
        assert_eq!(names(vec![running(), held()]).await, ["operation", "operation", "resync"]);
        assert_eq!(names(vec![running(), lost(), running()]).await, ["operation", "problem"]);
        assert_eq!(names(vec![]).await, ["resync"]);
    }
}
