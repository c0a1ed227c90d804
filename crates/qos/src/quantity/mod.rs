//! Kubernetes quantities in arbitrary precision.
//!
//! The rules are those of `k8s.io/apimachinery` `pkg/api/resource`: values are held to the nano, finer ones
//! round up and away from zero, and a quantity remembers the notation it was written in.

mod arithmetic;
mod error;
mod format;
mod integer;
mod parse;
mod serde;
mod strict;

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use num_bigint::BigInt;

pub use error::{QuantityError, StrictError, StrictFault};
pub use format::Format;
pub(crate) use integer::Integer;
pub use strict::Resource;

/// The scale of the finest value: 10^-9.
const NANO: i32 = -9;

/// An amount of a resource, exact to the nano.
///
/// Equality, order and hash are **numeric**: `1000m` equals `1`, and `1Gi` equals `1024Mi`, whatever notation
/// each was written in. Compare [`Quantity::format`] as well where the notation matters.
#[derive(Clone, Debug, Default)]
pub struct Quantity {
    nanos: Integer,
    format: Format,
}

impl Quantity {
    /// A decimal quantity of so many thousandths: `from_millis(250)` is a quarter of a core.
    pub fn from_millis(millis: impl Into<i128>) -> Self {
        Self::scaled(&Integer::from(millis.into()), -3, Format::Decimal)
    }

    /// A decimal quantity of so many units, for example whole cores.
    pub fn from_units(units: impl Into<i128>) -> Self {
        Self::scaled(&Integer::from(units.into()), 0, Format::Decimal)
    }

    /// A binary quantity of so many bytes, printed in Ki, Mi, Gi and so on.
    pub fn from_bytes(bytes: impl Into<i128>) -> Self {
        Self::scaled(&Integer::from(bytes.into()), 0, Format::Binary)
    }

    /// A binary quantity of so many mebibytes (2^20 bytes).
    pub fn from_mebibytes(mebibytes: impl Into<i128>) -> Self {
        let bytes = Integer::from(mebibytes.into()).times(&Integer::from(1 << 20));
        Self::scaled(&bytes, 0, Format::Binary)
    }

    /// `value × 10^scale`, rounded away from zero to the nano, in the given notation.
    pub(crate) fn scaled(value: &Integer, scale: i32, format: Format) -> Self {
        let power = Integer::power_of_ten(scale.abs_diff(NANO));
        let nanos = if scale >= NANO { value.times(&power) } else { value.divided_away_from_zero(&power) };
        Self { nanos, format }
    }

    /// So many nanos in the given notation.
    pub(crate) fn from_nanos(nanos: Integer, format: Format) -> Self {
        Self { nanos, format }
    }

    /// The nanos, for arithmetic that a quantity has no word for.
    pub(crate) fn integer(&self) -> &Integer {
        &self.nanos
    }

    /// The notation that this quantity prints in where it can.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The same amount in another notation.
    #[must_use]
    pub fn with_format(self, format: Format) -> Self {
        Self { format, ..self }
    }

    /// Whether the amount is zero, which Kubernetes treats as absent.
    pub fn is_zero(&self) -> bool {
        self.nanos.is_zero()
    }

    /// Whether the amount is above zero.
    pub fn is_positive(&self) -> bool {
        self.nanos.is_positive()
    }

    /// Whether the amount is below zero.
    pub fn is_negative(&self) -> bool {
        self.nanos.is_negative()
    }

    /// The amount in nanos (10^-9), exact.
    pub fn nanos(&self) -> BigInt {
        self.nanos.to_big()
    }

    /// [`Quantity::nanos`] where it fits, as it does up to 1.7 × 10^29 units: more than all clusters have.
    pub fn nanos_i128(&self) -> Option<i128> {
        self.nanos.to_i128()
    }

    /// The amount in thousandths, rounded away from zero.
    pub fn millis(&self) -> BigInt {
        self.at_scale(-3).to_big()
    }

    /// The amount in whole units, for memory bytes, rounded away from zero.
    pub fn value(&self) -> BigInt {
        self.at_scale(0).to_big()
    }

    /// [`Quantity::millis`] where it fits, as every amount that a cluster accepts for CPU does.
    pub fn millis_i64(&self) -> Option<i64> {
        self.at_scale(-3).to_i128()?.try_into().ok()
    }

    /// [`Quantity::value`] where it fits, as every amount that a cluster accepts for memory does.
    pub fn value_i64(&self) -> Option<i64> {
        self.at_scale(0).to_i128()?.try_into().ok()
    }

    /// Rounds away from zero to a multiple of `10^scale`; below the nano nothing changes, and a scale beyond
    /// 512, which no quantity has, counts as 512.
    #[must_use]
    pub fn round_up(&self, scale: i32) -> Self {
        let scale = scale.clamp(NANO, 512);
        Self::scaled(&self.at_scale(scale), scale, self.format)
    }

    /// Rounds away from zero to a multiple of `step`, or leaves the amount alone where `step` is zero.
    #[must_use]
    pub fn round_up_to(&self, step: &Self) -> Self {
        if step.is_zero() {
            return self.clone();
        }
        let step = step.nanos.magnitude();
        Self { nanos: self.nanos.divided_away_from_zero(&step).times(&step), format: self.format }
    }

    fn at_scale(&self, scale: i32) -> Integer {
        let digits = u32::try_from(scale.saturating_sub(NANO)).unwrap_or(0);
        self.nanos.divided_away_from_zero(&Integer::power_of_ten(digits))
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl Hash for Quantity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.nanos.hash(state);
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
