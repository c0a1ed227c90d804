use anyhow::{Context, Result, bail};
use std::time::{Duration, Instant};

/// How long anything may take that must come about. What it is used for takes seconds on two loaded cores; beyond this
/// it is broken.
const PATIENCE: Duration = Duration::from_secs(90);

const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// Looks again and again until `look` gives a value, and fails with the last thing seen when it never does.
///
/// `look` answers `Ok(Err(seen))` while what it waits for is not there, with what there is instead.
pub async fn eventually<T>(what: &str, look: impl AsyncFnMut() -> Result<Result<T, String>>) -> Result<T> {
    eventually_within(PATIENCE, what, look).await
}

/// The same for what waits for a clock that is not ours: it fails after `patience`.
pub async fn eventually_within<T>(
    patience: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> Result<Result<T, String>>,
) -> Result<T> {
    let started = Instant::now();
    loop {
        let seen = match look().await.with_context(|| format!("waiting until {what}"))? {
            Ok(value) => return Ok(value),
            Err(seen) => seen,
        };
        if started.elapsed() > patience {
            bail!("not within {patience:?}: {what}; it stands at {seen}");
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

/// Looks again and again for as long as `time`, and fails when `look` once does.
///
/// For what must not happen: there is no condition whose coming could be awaited.
pub async fn holds_for(time: Duration, mut look: impl AsyncFnMut() -> Result<()>) -> Result<()> {
    let started = Instant::now();
    loop {
        look().await.with_context(|| format!("after {:?}", started.elapsed()))?;
        if started.elapsed() >= time {
            return Ok(());
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}
