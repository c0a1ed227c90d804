//! Which of two resourceVersions is the newer one.

/// Whether one resourceVersion is at least as new as another: they are numbers that grow (KEP-5504), until a
/// store is put back to an earlier state.
pub(crate) fn newer(one: &str, two: &str) -> bool {
    match (one.parse::<u128>(), two.parse::<u128>()) {
        (Ok(one), Ok(two)) => one >= two,
        _ => true,
    }
}
