//! What may be wrong with a quantity that was read.

use thiserror::Error;

use super::Resource;

/// Why a text is no quantity by Kubernetes' rules.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum QuantityError {
    /// There is nothing to read.
    #[error("a quantity cannot be empty")]
    Empty,
    /// The text is longer than any number that means something.
    #[error("a quantity has at most {max} characters")]
    TooLong {
        /// The number of characters that are read.
        max: usize,
    },
    /// The number does not follow the grammar.
    #[error("`{text}` is not a number with an optional suffix")]
    Malformed {
        /// What was read.
        text: String,
    },
    /// What stands behind the number is no suffix.
    #[error("`{suffix}` is no suffix of a quantity; known are n u m k M G T P E, Ki Mi Gi Ti Pi Ei, and e3")]
    UnknownSuffix {
        /// What stands behind the number.
        suffix: String,
    },
    /// The exponent makes a number of no use to anyone.
    #[error("the exponent of `{text}` is out of range; at most {max} is read")]
    ExponentOutOfRange {
        /// What was read.
        text: String,
        /// The largest exponent that is read.
        max: i64,
    },
}

/// Why a quantity that a person wrote is refused, and what was probably meant.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{fault}; {}", self.remedy())]
pub struct StrictError {
    /// What is wrong.
    pub fault: StrictFault,
    /// What was probably meant, if that can be told; strict mode accepts it.
    pub suggestion: Option<String>,
}

impl StrictError {
    /// What to do about it, for people.
    pub fn remedy(&self) -> String {
        match (&self.suggestion, &self.fault) {
            (Some(suggestion), _) => format!("did you mean {suggestion}?"),
            (None, StrictFault::TooSmall { min, .. }) => format!("write at least {min}"),
            (None, StrictFault::TooLarge { max, .. }) => format!("write at most {max}"),
            (None, _) => "write a number and a unit, for example 500m of CPU or 512Mi of memory".to_owned(),
        }
    }
}

/// What is wrong with a quantity that a person wrote.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StrictFault {
    /// There is nothing to read.
    #[error("{0} cannot be empty")]
    Empty(Resource),
    /// Blanks before, after or inside the number.
    #[error("`{0}` contains blanks")]
    Blanks(String),
    /// The number does not follow the grammar.
    #[error("`{text}` is not an amount of {resource}")]
    Malformed {
        /// What was written.
        text: String,
        /// What the amount is of.
        resource: Resource,
    },
    /// What stands behind the number is no unit of this resource.
    #[error("`{unit}` is no unit of {resource}")]
    UnknownUnit {
        /// What stands behind the number.
        unit: String,
        /// What the amount is of.
        resource: Resource,
    },
    /// The amount is zero or below.
    #[error("{resource} must be above zero, not `{text}`")]
    NotPositive {
        /// What was written.
        text: String,
        /// What the amount is of.
        resource: Resource,
    },
    /// The amount is finer than the resource is counted.
    #[error("`{text}` is finer than {resource} is counted ({finest})")]
    TooFine {
        /// What was written.
        text: String,
        /// What the amount is of.
        resource: Resource,
        /// The finest amount.
        finest: &'static str,
    },
    /// The amount is too small to be meant.
    #[error("`{text}` is less than {min} of {resource}")]
    TooSmall {
        /// What was written.
        text: String,
        /// What the amount is of.
        resource: Resource,
        /// The smallest amount that is accepted.
        min: &'static str,
    },
    /// No server has so much.
    #[error("`{text}` of {resource} is more than any server has ({max})")]
    TooLarge {
        /// What was written.
        text: String,
        /// What the amount is of.
        resource: Resource,
        /// The largest amount that is accepted.
        max: &'static str,
    },
}
