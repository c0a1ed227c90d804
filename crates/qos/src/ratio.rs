//! Oversell ratios as exact rationals.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use num_integer::Integer;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How many times a resource is sold: limit over request, at least one, in lowest terms.
///
/// In JSON it is a string, `"5"` or `"3/2"`: one and a half has no exact percentage. A whole number is read too, as
/// people write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "String")]
pub struct Ratio {
    numerator: u32,
    denominator: u32,
}

/// Why two numbers are no oversell ratio.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RatioError {
    /// A ratio over zero has no meaning.
    #[error("a ratio cannot have the denominator 0")]
    ZeroDenominator,
    /// A request above the limit is refused by Kubernetes.
    #[error("the ratio {numerator}/{denominator} is below 1, which would ask for more than the limit")]
    BelowOne {
        /// What stands above the line.
        numerator: u32,
        /// What stands below the line.
        denominator: u32,
    },
    /// The text is neither `5` nor `3/2`.
    #[error("`{0}` is no ratio; write a whole number or a fraction, for example 5 or 3/2")]
    Malformed(String),
}

impl Ratio {
    /// Nothing is sold twice.
    pub const ONE: Self = Self { numerator: 1, denominator: 1 };

    /// A ratio of two numbers, reduced to lowest terms.
    pub fn new(numerator: u32, denominator: u32) -> Result<Self, RatioError> {
        if denominator == 0 {
            return Err(RatioError::ZeroDenominator);
        }
        if numerator < denominator {
            return Err(RatioError::BelowOne { numerator, denominator });
        }
        let divisor = numerator.gcd(&denominator);
        Ok(Self { numerator: numerator / divisor, denominator: denominator / divisor })
    }

    /// A constant of this crate, which its author keeps in lowest terms and at least one.
    pub(crate) const fn constant(numerator: u32, denominator: u32) -> Self {
        Self { numerator, denominator }
    }

    /// What stands above the line.
    pub fn numerator(self) -> u32 {
        self.numerator
    }

    /// What stands below the line.
    pub fn denominator(self) -> u32 {
        self.denominator
    }

    /// As people write numbers that are no ratio, `3.09`; as a fraction where three decimals do not say all of it.
    pub(crate) fn in_decimals(self) -> String {
        let thousandths = u64::from(self.numerator) * 1000;
        let denominator = u64::from(self.denominator);
        if !thousandths.is_multiple_of(denominator) {
            return self.to_string();
        }
        let thousandths = thousandths / denominator;
        let decimals = format!("{:03}", thousandths % 1000);
        match decimals.trim_end_matches('0') {
            "" => format!("{}", thousandths / 1000),
            decimals => format!("{}.{decimals}", thousandths / 1000),
        }
    }

    /// Whether nothing is sold twice.
    pub fn is_one(self) -> bool {
        self == Self::ONE
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denominator {
            1 => write!(f, "{}", self.numerator),
            denominator => write!(f, "{}/{denominator}", self.numerator),
        }
    }
}

impl FromStr for Ratio {
    type Err = RatioError;

    fn from_str(text: &str) -> Result<Self, RatioError> {
        let malformed = || RatioError::Malformed(text.chars().take(40).collect());
        let number = |digits: &str| {
            let plain = digits.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| digits.parse::<u32>().ok()).flatten().ok_or_else(malformed)
        };
        let (numerator, denominator) = text.split_once('/').unwrap_or((text, "1"));
        Self::new(number(numerator)?, number(denominator)?)
    }
}

/// A ratio as it may be written.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a ratio must be a whole number or a fraction, for example 5 or \"3/2\"")]
enum Written {
    Text(String),
    Whole(u32),
    Number(f64),
}

impl TryFrom<Written> for Ratio {
    type Error = RatioError;

    fn try_from(written: Written) -> Result<Self, RatioError> {
        match written {
            Written::Text(text) => text.parse(),
            Written::Whole(times) => Self::new(times, 1),
            Written::Number(number) => Err(RatioError::Malformed(number.to_string())),
        }
    }
}

impl From<Ratio> for String {
    fn from(ratio: Ratio) -> Self {
        ratio.to_string()
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Self) -> Ordering {
        let left = u64::from(self.numerator) * u64::from(other.denominator);
        let right = u64::from(other.numerator) * u64::from(self.denominator);
        left.cmp(&right)
    }
}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
