//! Numbers for people.

use std::time::Duration;

/// A duration in milliseconds, divided by how many shared it.
#[expect(clippy::cast_precision_loss, reason = "a number for people")]
pub fn millis(time: Duration, by: usize) -> f64 {
    time.as_secs_f64() * 1000.0 / by.max(1) as f64
}

/// Of sorted times, the one below which so many of a hundred lie.
pub fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(index).copied().unwrap_or_default()
}

/// Prints one line: what it is, and its numbers.
pub fn row(what: &str, numbers: &str) {
    println!("{what:<44} {numbers}");
}
