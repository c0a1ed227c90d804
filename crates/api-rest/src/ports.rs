//! What the process that serves this API does for it.

use async_trait::async_trait;
use plimsoll_core::error::Error;

/// Whether this process can do its work.
#[async_trait]
pub trait Readiness: Send + Sync + 'static {
    /// Answers quickly, and without an error where requests would be served.
    ///
    /// # Errors
    /// `Unavailable`, saying what does not answer.
    async fn ready(&self) -> Result<(), Error>;
}
