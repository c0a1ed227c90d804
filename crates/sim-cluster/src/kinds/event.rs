//! Events.

use crate::object::{child, set_default};
use crate::tree::{Value, json};

/// These are written even when empty.
pub(super) fn default(event: &mut Value) {
    child(event, "source");
    child(event, "involvedObject");
    for time in ["firstTimestamp", "lastTimestamp", "eventTime"] {
        set_default(event, time, json!(null));
    }
    for text in ["reportingComponent", "reportingInstance"] {
        set_default(event, text, "");
    }
}
