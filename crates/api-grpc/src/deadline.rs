//! How long a call may take: as long as its caller says, and not for ever.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use http::{HeaderMap, Response};
use plimsoll_core::error::{Error, Kind};

use crate::status::status;

/// How long a call may take whose caller says nothing. `WaitOperation` has a bound of its own, and of a
/// stream only the beginning counts.
const DEFAULT: Duration = Duration::from_mins(1);
const WAITING: &str = "/WaitOperation";

/// Ends a call that takes longer than it may. A write that was under way may have been accepted: its repeat
/// with the same request id says so.
pub(crate) async fn keep(request: Request, next: Next) -> Response<Body> {
    let asked = asked(request.headers());
    let waits = request.uri().path().ends_with(WAITING);
    let Some(limit) = asked.or((!waits).then_some(DEFAULT)) else {
        return next.run(request).await;
    };
    tokio::time::timeout(limit, next.run(request)).await.unwrap_or_else(|_| {
        let message =
            "the deadline passed before there was an answer; a repeat with the same request id is safe";
        status(Error::new(Kind::DeadlineExceeded, Kind::DeadlineExceeded.reason(), message)).into_http()
    })
}

/// What the `grpc-timeout` header says: at most eight digits and a unit
/// (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>). One that cannot be read says nothing.
fn asked(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if number.is_empty() || number.len() > 8 || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: u64 = number.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_timeout_header_is_read_in_every_unit() {
        let read = |text: &str| {
            asked(&HeaderMap::from_iter([("grpc-timeout".parse().unwrap(), text.parse().unwrap())]))
        };
        assert_eq!(read("2H"), Some(Duration::from_hours(2)));
        assert_eq!(read("3M"), Some(Duration::from_mins(3)));
        assert_eq!(read("99999999S"), Some(Duration::from_secs(99_999_999)));
        assert_eq!(read("150m"), Some(Duration::from_millis(150)));
        assert_eq!(read("7u"), Some(Duration::from_micros(7)));
        assert_eq!(read("7n"), Some(Duration::from_nanos(7)));
        for bad in ["", "S", "5", "-5S", "999999999S", "5x", "1.5S"] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}
