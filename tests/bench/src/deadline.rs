use anyhow::{Result, bail};
use std::time::{Duration, Instant};

/// How long a component may take to be ready. Two loaded cores need under ten seconds; beyond this something
/// is broken.
pub(crate) const TO_START: Duration = Duration::from_secs(90);

/// How long a component may take to obey a signal; an API server ends its watches first.
pub(crate) const TO_STOP: Duration = Duration::from_secs(30);

/// How long one may take to go when everything ends, before it is killed.
pub(crate) const TO_GO_QUIETLY: Duration = Duration::from_secs(5);

const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Asks `condition` again and again until it gives a value, fails, or `within` has passed. The error of the
/// last case says `what` was waited for.
pub(crate) async fn until<T>(
    what: &str,
    within: Duration,
    mut condition: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let started = Instant::now();
    loop {
        if let Some(value) = condition().await? {
            return Ok(value);
        }
        if started.elapsed() > within {
            bail!("{what}: not within {within:?}");
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}
