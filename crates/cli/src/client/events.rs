//! Server-sent events, of the few forms that our server sends.
//!
//! The crates for this keep whatever is sent until a line ends; here a line has a bound.

use std::time::Duration;

use plimsoll_api_rest::dto::{AnyOperation, Problem};
use reqwest::Response;

/// The longest line that is kept, in bytes; an Operation over fifty data centers has a tenth of that.
const MAX_LINE: usize = 1024 * 1024;

/// What a stream that follows an Operation says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    /// The Operation as it is now.
    Operation(Box<AnyOperation>),
    /// It has come to its end; nothing follows.
    End,
    /// It cannot be followed any more.
    Problem(Box<Problem>),
    /// The stream was cut, by the server or on the way; a new one begins with the present.
    Cut,
}

/// A stream of events.
pub(crate) struct Events {
    response: Response,
    silence: Duration,
    parser: Parser,
}

impl Events {
    pub(super) fn of(response: Response, silence: Duration) -> Self {
        Self { response, silence, parser: Parser::default() }
    }

    /// The next event; after [`Event::End`], [`Event::Problem`] and [`Event::Cut`] there is none worth asking for.
    pub(crate) async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.parser.event() {
                return event;
            }
            match tokio::time::timeout(self.silence, self.response.chunk()).await {
                Ok(Ok(Some(bytes))) => self.parser.feed(&bytes),
                Ok(Ok(None) | Err(_)) | Err(_) => return Event::Cut,
            }
        }
    }
}

/// The lines of a stream, as <https://html.spec.whatwg.org/multipage/server-sent-events.html> reads them.
#[derive(Default)]
struct Parser {
    bytes: Vec<u8>,
    name: String,
    data: String,
}

impl Parser {
    fn feed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn event(&mut self) -> Option<Event> {
        while let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.bytes.drain(..=end).collect();
            // Whole lines only are read as text, so no character is ever cut in two.
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\n', '\r']);
            if let Some(data) = line.strip_prefix("data:") {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(data.strip_prefix(' ').unwrap_or(data));
            } else if let Some(name) = line.strip_prefix("event:") {
                name.trim_start().clone_into(&mut self.name);
            } else if line.is_empty() {
                let (name, data) = (std::mem::take(&mut self.name), std::mem::take(&mut self.data));
                if let Some(event) = read(&name, &data) {
                    return Some(event);
                }
            }
        }
        (self.bytes.len() > MAX_LINE || self.data.len() > MAX_LINE).then_some(Event::Cut)
    }
}

/// An event by its name; one that is not known is of a newer server, and passed over.
fn read(name: &str, data: &str) -> Option<Event> {
    match name {
        "operation" => Some(serde_json::from_str(data).map_or(Event::Cut, Event::Operation)),
        "end" => Some(Event::End),
        "problem" => Some(serde_json::from_str(data).map_or(Event::Cut, Event::Problem)),
        "resync" => Some(Event::Cut),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(chunks: &[&[u8]]) -> Vec<Event> {
        let mut parser = Parser::default();
        let mut events = Vec::new();
        for chunk in chunks {
            parser.feed(chunk);
            while let Some(event) = parser.event() {
                let cut = event == Event::Cut;
                events.push(event);
                if cut {
                    return events;
                }
            }
        }
        events
    }

    #[test]
    fn events_are_read_however_the_bytes_are_cut() {
        let text = ": hello\n\nevent: operation\r\ndata: {\"id\":\"1\",\"kind\":\"GoLive\",\"namespace\":\"demo\",\"app\":\"shop\",\
                    \"release\":1,\"state\":\"Running\",\"message\":\"下线\",\"dataCenters\":[],\"by\":\"a\",\
                    \"created\":\"2026-11-23T00:00:00Z\",\"new\":1}\r\n\r\nevent: newer\ndata: {}\n\nevent: end\ndata: {}\n\n";
        let whole = events(&[text.as_bytes()]);
        let single: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        assert_eq!(events(&single), whole);
        let [Event::Operation(operation), Event::End] = &whole[..] else { panic!("{whole:?}") };
        let AnyOperation::App(operation) = &**operation else { panic!("{operation:?}") };
        assert_eq!(operation.message.as_deref(), Some("下线"));
    }

    #[test]
    fn what_cannot_be_read_or_never_ends_cuts_the_stream() {
        assert_eq!(events(&[b"event: operation\ndata: {}\n\n"]), [Event::Cut]);
        assert_eq!(events(&[b"event: resync\ndata: {}\n\n"]), [Event::Cut]);
        assert_eq!(events(&[&vec![b'x'; MAX_LINE + 1]]), [Event::Cut]);
    }
}
