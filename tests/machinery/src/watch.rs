//! A watch that a case holds open.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use http::Request;
use http_body_util::BodyExt;
use serde_json::Value;

use crate::{Answer, Server};

/// Longer than the time after which a quiet watch gets a bookmark.
const PATIENCE: Duration = Duration::from_secs(90);

/// An open watch, or the answer of a server that refused it.
pub struct Watch<'a> {
    server: &'a Server,
    bytes: BoxStream<'a, bytes::Bytes>,
    rest: Vec<u8>,
}

impl<'a> Watch<'a> {
    pub(crate) async fn open(server: &'a Server, path: &str, accept: Option<&str>) -> Self {
        let path = format!("{path}{}watch=1", if path.contains('?') { '&' } else { '?' });
        let mut request = Request::new(Vec::new().into());
        *request.uri_mut() = server.path(&path).parse().expect("a path");
        let accept = accept.unwrap_or("application/json");
        request.headers_mut().insert("accept", accept.parse().expect("a media type"));
        request.headers_mut().insert("accept-encoding", "identity".parse().expect("an encoding"));
        let sent = tokio::time::timeout(PATIENCE, server.client.send(request)).await;
        let (parts, body) = sent.expect("an answer in time").expect("an answer").into_parts();
        let code = parts.status.as_u16();
        let mut rest = Vec::new();
        let bytes = if code == 200 {
            let answer = Answer { code, headers: parts.headers, body: Value::Null };
            server.transcript.borrow_mut().answer("GET", &path, &answer, Value::Null);
            // A connection that is cut ends the watch as an orderly end does.
            body.into_data_stream().take_while(|piece| std::future::ready(piece.is_ok())).boxed()
        } else {
            rest = body.collect().await.expect("a whole answer").to_bytes().to_vec();
            let body = serde_json::from_slice(&rest).expect("a status");
            let answer = Answer { code, headers: parts.headers, body };
            server.transcript.borrow_mut().answer("GET", &path, &answer, answer.body.clone());
            futures::stream::empty().boxed()
        };
        let bytes = bytes.filter_map(|piece: Result<_, kube::Error>| std::future::ready(piece.ok())).boxed();
        Self { server, bytes, rest }
    }

    /// Waits for the next event, which goes into the transcript.
    ///
    /// # Panics
    /// If the watch ends first, or none comes.
    pub async fn next(&mut self) -> Value {
        let event = self.line().await.expect("the watch ended");
        self.server.transcript.borrow_mut().event(&event);
        event
    }

    /// The next event without writing it down.
    ///
    /// # Panics
    /// If the watch ends first, or none comes.
    pub async fn skip(&mut self) -> Value {
        self.line().await.expect("the watch ended")
    }

    /// Waits for some events.
    pub async fn take(&mut self, count: usize) {
        for _ in 0..count {
            self.next().await;
        }
    }

    /// Waits until the watch ends, and gives what was told before; only the end is written down.
    pub async fn rest(&mut self) -> Vec<Value> {
        let mut events = Vec::new();
        while let Some(event) = self.line().await {
            events.push(event);
        }
        self.server.note("the watch ends");
        events
    }

    /// Waits until the watch ends, with whatever is told before.
    pub async fn end(&mut self) {
        while let Some(event) = self.line().await {
            self.server.transcript.borrow_mut().event(&event);
        }
        self.server.note("the watch ends");
    }

    async fn line(&mut self) -> Option<Value> {
        let read = async {
            loop {
                if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = self.rest.drain(..=end).collect();
                    return Some(serde_json::from_slice(&line).expect("an event"));
                }
                self.rest.extend(self.bytes.next().await?);
            }
        };
        tokio::time::timeout(PATIENCE, read).await.expect("an event in time")
    }
}
