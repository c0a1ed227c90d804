//! What the ledger stores: JSON values with a format version, under the keys of [`key`].
//!
//! A process never rewrites a value of a newer format: reading one is an error, so nothing that this
//! process does not understand is lost.

pub mod key;

mod app;
mod archived;
mod data_center;
mod draft;
mod grade_policy;
mod image_operation;
mod installation;
mod operation;
mod order;
mod parts;
mod proven;
mod release;

pub use app::{App, Pin, Track};
pub use archived::{ArchivedContents, ArchivedRelease, ArchivedSummary};
pub use data_center::{Ahead, DataCenter, DcState, Decision, DecisionWord, Restoring};
pub use draft::Draft;
pub use grade_policy::{GradePolicy, MOST_RETIRED, RetiredGrade, classes};
pub use image_operation::{
    ImageOperation, ImageOperationParts, ImageOutcome, ImageOutcomeState, ImageTarget, ImageWork,
};
pub use installation::{Environment, Installation, Namespace};
pub use operation::{
    Control, End, EndState, HistoryEntry, Kind, Operation, Outcome, OutcomeState, Pace, Request, Spent, Word,
};
pub use order::{Good, Order, Ordered, Substance};
pub use parts::OperationParts;
pub use proven::Proven;
pub use release::{Release, Verdict};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::ledger::{Entry, Revision};

/// The newest format that this process writes and reads.
pub const SCHEMA_VERSION: u32 = 1;

/// A record with the revision that last wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored<T> {
    /// What is stored.
    pub value: T,
    /// The revision of the transaction that wrote it.
    pub revision: Revision,
}

/// Why a stored value cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A newer Plimsoll wrote it.
    #[error("{key} has format {found}, and this process knows formats up to {SCHEMA_VERSION}: upgrade it")]
    Newer {
        /// The key.
        key: String,
        /// Its format.
        found: u32,
    },
    /// It is not what belongs under this key.
    #[error("the value of {key} cannot be read")]
    Malformed {
        /// The key.
        key: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Format {
    schema_version: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a, T> {
    schema_version: u32,
    #[serde(flatten)]
    value: &'a T,
}

/// The bytes that are stored for `value`.
///
/// # Errors
/// If it has no JSON form, which no record lacks.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Envelope { schema_version: SCHEMA_VERSION, value })
}

/// Reads what [`encode`] wrote.
pub fn decode<T: DeserializeOwned>(entry: &Entry) -> Result<Stored<T>, Error> {
    let malformed = |source| Error::Malformed { key: entry.key.clone(), source };
    let format: Format = serde_json::from_slice(&entry.value).map_err(malformed)?;
    if format.schema_version > SCHEMA_VERSION {
        return Err(Error::Newer { key: entry.key.clone(), found: format.schema_version });
    }
    let value = serde_json::from_slice(&entry.value).map_err(malformed)?;
    Ok(Stored { value, revision: entry.revision })
}
