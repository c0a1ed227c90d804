//! The three patch formats that change a stored object: JSON merge patch (RFC 7386), JSON patch (RFC 6902)
//! and Kubernetes' strategic merge patch.

mod json;
mod merge;
mod order;
mod strategic;

#[cfg(test)]
mod tests;

pub use json::json;
pub use merge::merge;
pub use strategic::strategic;

/// Why a patch was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// The patch itself is malformed: answered with 400 `BadRequest`.
    #[error("{0}")]
    Malformed(String),
    /// The patch has too many operations: answered with 413 `RequestEntityTooLarge`.
    #[error("{0}")]
    TooLarge(String),
    /// The patch does not fit the object: answered with 422 `Invalid`. The server does not tell what did not fit.
    #[error("{0}")]
    Unprocessable(String),
    /// The server gives up on the patch: answered with 500 and no reason.
    #[error("{0}")]
    Failed(String),
}

impl PatchError {
    fn unprocessable() -> Self {
        Self::Unprocessable("the server rejected our request due to an error in our request".to_owned())
    }
}
