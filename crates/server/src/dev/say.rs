//! What people read. Whether they still do is not worth an error: a closed pipe must not end the server.

use std::io::Write as _;

/// A result, on standard output.
pub(super) fn result(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// A message or progress, on standard error.
pub(super) fn message(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
