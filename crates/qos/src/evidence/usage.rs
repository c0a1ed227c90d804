//! What was used: samples of one resource of one task.

use thiserror::Error;

use crate::NoSuchGrade;

/// One measurement, in whole units of its resource: nano-cores of CPU, bytes of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When, in seconds of any clock that all samples share.
    pub at: u64,
    /// How much.
    pub value: u64,
}

/// What one pod used of one resource, and what it was allowed and promised, all in the same unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskUsage {
    /// What it may use.
    pub limit: u64,
    /// What it requests.
    pub request: u64,
    /// What it used, the oldest first.
    pub samples: Vec<Sample>,
}

/// Why nothing can be told from what was measured.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// A sample is newer than now.
    #[error("a sample at second {at} lies after now, second {now}")]
    FromTheFuture {
        /// When it was taken.
        at: u64,
        /// What time it is.
        now: u64,
    },
    /// Samples are not in the order of time.
    #[error("a sample at second {at} follows one at second {before}")]
    OutOfOrder {
        /// When the later one was taken.
        at: u64,
        /// When the one before it was taken.
        before: u64,
    },
    /// A grade that the policy does not have.
    #[error(transparent)]
    Grade(#[from] NoSuchGrade),
    /// A request above the limit.
    #[error("a request of {request} is above the limit of {limit}")]
    RequestAboveLimit {
        /// The request.
        request: u64,
        /// The limit.
        limit: u64,
    },
    /// A sum beyond what can be counted.
    #[error("the predicted peak is more than can be counted")]
    TooLarge,
    /// A policy that means nothing.
    #[error("{field} must be {rule}")]
    Policy {
        /// The field.
        field: &'static str,
        /// What it must be.
        rule: &'static str,
    },
    /// Something of one application.
    #[error("{app}: {fault}")]
    App {
        /// The application, as `namespace/name`.
        app: String,
        /// What is wrong.
        fault: Box<EvidenceError>,
    },
    /// An amount below zero, or beyond what can be counted.
    #[error("{what} is {amount}, which no one can use")]
    Amount {
        /// Whose amount it is.
        what: String,
        /// The amount.
        amount: String,
    },
}

impl TaskUsage {
    /// Refuses what cannot have been measured by `now`.
    pub(crate) fn check(&self, now: u64) -> Result<(), EvidenceError> {
        if self.request > self.limit {
            return Err(EvidenceError::RequestAboveLimit { request: self.request, limit: self.limit });
        }
        if let Some(pair) = self.samples.windows(2).find(|pair| pair[1].at < pair[0].at) {
            return Err(EvidenceError::OutOfOrder { at: pair[1].at, before: pair[0].at });
        }
        match self.samples.last() {
            Some(last) if last.at > now => Err(EvidenceError::FromTheFuture { at: last.at, now }),
            _ => Ok(()),
        }
    }
}
