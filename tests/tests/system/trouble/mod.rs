//! Bad input and trouble: each row runs the built program and holds its exit code and standard error against a
//! snapshot. That nothing panicked, the harness checks of every run.

mod clusters;
mod documents;
mod quota;
mod requests;
mod secrets;
mod start;

use plimsoll_tests::Said;
use std::path::Path;

/// Holds how a run ended and what it said against the snapshot `name`, without what differs from run to run.
pub(crate) fn assert_trouble(name: &str, folder: &Path, said: &Said) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    for (pattern, shown) in redactions(folder) {
        settings.add_filter(&pattern, shown);
    }
    settings.bind(|| insta::assert_snapshot!(name, said.trouble()));
}

fn redactions(folder: &Path) -> Vec<(String, &'static str)> {
    let literal = |text: &str| text.replace('.', r"\.");
    vec![
        (literal(&folder.to_string_lossy()), "[folder]"),
        (r"127\.0\.0\.1:1\b".to_owned(), "[closed port]"),
        (r"127\.0\.0\.1:\d+".to_owned(), "127.0.0.1:[port]"),
        (r"process \d+".to_owned(), "process [pid]"),
        (r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}".to_owned(), "[id]"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z".to_owned(), "[time]"),
        (r"demo-[0-9a-f]{8}".to_owned(), "[namespace]"),
        (r"test-[0-9a-f]{8}".to_owned(), "[installation]"),
    ]
}
