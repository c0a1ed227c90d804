//! Whether a call is worth another attempt, and when: the one place that decides it.

use std::time::Duration;

use crate::access::Limits;
use crate::error::{Error, Kind};

/// Makes attempts until one succeeds, cannot succeed, or the budget is used up. Every attempt must be one that may
/// follow another: that reads, or whose effect is the same twice.
pub(crate) async fn retrying<T, F>(limits: &Limits, attempt: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut budget = Budget::new(limits.clone());
    loop {
        match attempt().await {
            Ok(value) => return Ok(value),
            Err(error) => budget.wait(error).await?,
        }
    }
}

/// The attempts of one call.
pub(crate) struct Budget {
    limits: Limits,
    tried: u32,
}

impl Budget {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, tried: 1 }
    }

    /// Counts anew: something moved.
    pub(crate) fn renew(&mut self) {
        self.tried = 1;
    }

    /// Waits for the next attempt, or gives the error back if there is to be none.
    pub(crate) async fn wait(&mut self, error: Error) -> Result<(), Error> {
        let Some(wait) = wait(&self.limits, &error, self.tried) else { return Err(error) };
        tracing::debug!(%error, attempt = self.tried, wait_ms = wait.as_millis(), "registry call is tried again");
        tokio::time::sleep(wait).await;
        self.tried += 1;
        Ok(())
    }
}

/// How long to wait before the next attempt, if there is to be one.
fn wait(limits: &Limits, error: &Error, tried: u32) -> Option<Duration> {
    let passing =
        matches!(error.kind(), Kind::RateLimited | Kind::Unavailable | Kind::TimedOut | Kind::Corrupt);
    if !passing || tried >= limits.attempts {
        return None;
    }
    if let Some(asked) = error.retry_after() {
        return (asked <= limits.longest_wait).then_some(asked);
    }
    let step = limits.backoff.saturating_mul(1 << (tried - 1).min(16)).min(limits.longest_wait);
    // Between half and the whole: callers that failed together do not come back together.
    Some(step.mul_f64(0.5 + fastrand::f64() / 2.0))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    async fn attempts(kind: Kind, asked: Option<u64>) -> (u32, Duration) {
        let begun = tokio::time::Instant::now();
        let made = Cell::new(0);
        let result: Result<(), Error> = retrying(&Limits::default(), || async {
            made.set(made.get() + 1);
            Err(Error::new(kind, "GET x", "no").after(asked.map(Duration::from_secs)))
        })
        .await;
        assert_eq!(result.unwrap_err().kind(), kind);
        (made.get(), begun.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_tried_again_and_what_cannot_is_not() {
        for kind in [Kind::Unavailable, Kind::TimedOut, Kind::RateLimited, Kind::Corrupt] {
            assert_eq!(attempts(kind, None).await.0, 4, "{kind:?}");
        }
        for kind in [Kind::NotFound, Kind::Denied, Kind::Invalid, Kind::Forbidden, Kind::Unsupported] {
            assert_eq!(attempts(kind, None).await.0, 1, "{kind:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_registry_says_how_long_it_wants_to_be_left_alone() {
        let (made, took) = attempts(Kind::RateLimited, Some(7)).await;
        assert_eq!((made, took.as_secs()), (4, 21));
        assert_eq!(attempts(Kind::RateLimited, Some(3600)).await.0, 1);
    }
}
