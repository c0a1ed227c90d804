//! What a registry says when it refuses: by the specification a list of codes and messages, in practice anything.

use std::time::Duration;

use http::StatusCode;
use http::header::RETRY_AFTER;
use serde::Deserialize;

use super::{Answer, plain};
use crate::error::{Error, Kind};

/// Enough for what a person reads.
const READ: usize = 16 << 10;

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    errors: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: Option<String>,
}

/// The error that an answer is.
pub(super) async fn of(call: String, answer: Answer) -> Error {
    let status = answer.status();
    let wait = answer.text(&RETRY_AFTER).and_then(retry_after);
    let body = answer.beginning(READ).await;
    let entries = serde_json::from_slice(&body).map(|body: Body| body.errors).unwrap_or_default();
    let said = if entries.is_empty() { words(&body) } else { listed(&entries) };
    let codes: Vec<String> = entries.into_iter().map(|entry| plain(&entry.code)).collect();
    let message = match said.as_str() {
        "" => format!("answered {status}"),
        said => format!("answered {status}: {said}"),
    };
    Error::new(kind(status, &codes), call, message).answered(status, codes).after(wait)
}

fn listed(entries: &[Entry]) -> String {
    let one = |entry: &Entry| match entry.message.as_deref() {
        Some(message) if !message.is_empty() => format!("{} ({})", plain(&entry.code), plain(message)),
        _ => plain(&entry.code),
    };
    entries.iter().take(3).map(one).collect::<Vec<_>>().join(", ")
}

/// The words of a body that is something else; of a page of HTML, none: its tags tell nobody anything.
fn words(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if text.starts_with('<') || matches!(text, "{}" | "null") { String::new() } else { plain(text) }
}

fn kind(status: StatusCode, codes: &[String]) -> Kind {
    let says = |code: &str| codes.iter().any(|said| said == code);
    match status {
        StatusCode::TOO_MANY_REQUESTS => Kind::RateLimited,
        _ if says("TOOMANYREQUESTS") => Kind::RateLimited,
        StatusCode::UNAUTHORIZED => Kind::Unauthenticated,
        StatusCode::FORBIDDEN => Kind::Denied,
        StatusCode::NOT_FOUND | StatusCode::GONE => Kind::NotFound,
        StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => Kind::Unsupported,
        _ if says("UNSUPPORTED") => Kind::Unsupported,
        StatusCode::PAYLOAD_TOO_LARGE => Kind::TooLarge,
        StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => Kind::TimedOut,
        _ if status.is_server_error() => Kind::Unavailable,
        _ if status.is_client_error() => Kind::Invalid,
        _ => Kind::Malformed,
    }
}

/// A number of seconds; the form with a date asks for trust in two clocks, and is taken as a second.
fn retry_after(text: &str) -> Option<Duration> {
    let text = text.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) if text.is_empty() => None,
        Err(_) => Some(Duration::from_secs(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_decide_where_the_status_does_not() {
        let kind = |status: u16, code: &str| kind(StatusCode::from_u16(status).unwrap(), &[code.to_owned()]);
        assert_eq!(kind(400, "UNSUPPORTED"), Kind::Unsupported);
        assert_eq!(kind(503, "TOOMANYREQUESTS"), Kind::RateLimited);
        assert_eq!(kind(400, "DIGEST_INVALID"), Kind::Invalid);
        assert_eq!(kind(500, ""), Kind::Unavailable);
        assert_eq!(kind(302, ""), Kind::Malformed);
    }

    #[test]
    fn what_is_said_is_short_and_without_markup() {
        assert_eq!(words(b"<html><body>502 Bad Gateway</body></html>"), "");
        assert_eq!(words(b" not\x1b[31m here\n"), "not [31m here");
        assert_eq!(words(&vec![b'x'; 1000]).chars().count(), 201);
        let entry = |code: &str, message: &str| Entry { code: code.into(), message: Some(message.into()) };
        assert_eq!(listed(&[entry("DENIED", "no\u{7}"), entry("X", "")]), "DENIED (no ), X");
    }

    #[test]
    fn a_wait_is_read_in_both_forms() {
        assert_eq!(retry_after("7"), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Wed, 21 Oct 2026 07:28:00 GMT"), Some(Duration::from_secs(1)));
        assert_eq!(retry_after(""), None);
    }
}
