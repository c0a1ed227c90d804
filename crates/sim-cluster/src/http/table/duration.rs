//! Ages, as people read them.

use jiff::Timestamp;

use crate::object::text;
use crate::tree::Value;
use crate::{clock, crd};

/// How old an object is.
pub(super) fn age(object: &Value, now: Timestamp) -> String {
    since(text(object, "/metadata/creationTimestamp"), now)
}

/// The time since a timestamp; `<unknown>` when there is none.
pub(super) fn since(timestamp: &str, now: Timestamp) -> String {
    clock::parse(timestamp)
        .map_or_else(|| "<unknown>".to_owned(), |at| crd::age(now.as_second() - at.as_second()))
}
