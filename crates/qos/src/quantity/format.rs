//! The three notations and the canonical print.

use std::fmt;

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, Zero};

use super::{NANO, Quantity};

/// How a quantity was written, and prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// Powers of 1000: `250m`, `1`, `2k`, `3G`.
    #[default]
    Decimal,
    /// Powers of 1024: `512Mi`, `1Gi`.
    Binary,
    /// Decimal with an exponent: `1e9`.
    Exponent,
}

const DECIMAL: [(i32, &str); 10] =
    [(18, "E"), (15, "P"), (12, "T"), (9, "G"), (6, "M"), (3, "k"), (0, ""), (-3, "m"), (-6, "u"), (-9, "n")];

const BINARY: [(u32, &str); 7] =
    [(60, "Ei"), (50, "Pi"), (40, "Ti"), (30, "Gi"), (20, "Mi"), (10, "Ki"), (0, "")];

/// Canonical: the largest suffix without a fraction and without loss.
///
/// Amounts above what the largest suffix stands for keep that suffix (`1000E`), so that what is printed can
/// be read again.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanos.is_zero() {
            return f.write_str("0");
        }
        match (self.format, self.whole_of_at_least_1024()) {
            (Format::Binary, Some(units)) => write_binary(f, &units),
            (Format::Binary | Format::Decimal, _) => write_decimal(f, &self.nanos),
            (Format::Exponent, _) => write_exponent(f, &self.nanos),
        }
    }
}

impl Quantity {
    /// Kubernetes prints a binary quantity as a decimal one below 1024, or if it is not whole.
    fn whole_of_at_least_1024(&self) -> Option<BigInt> {
        let (units, rest) = self.nanos.div_rem(&BigInt::from(1_000_000_000));
        (rest.is_zero() && units.abs() >= BigInt::from(1024)).then_some(units)
    }
}

fn write_binary(f: &mut fmt::Formatter<'_>, units: &BigInt) -> fmt::Result {
    for (bits, suffix) in BINARY {
        let (number, rest) = units.div_rem(&(BigInt::one() << bits));
        if rest.is_zero() {
            return write!(f, "{number}{suffix}");
        }
    }
    write!(f, "{units}")
}

fn write_decimal(f: &mut fmt::Formatter<'_>, nanos: &BigInt) -> fmt::Result {
    for (exponent, suffix) in DECIMAL {
        let power = BigInt::from(10).pow(exponent.abs_diff(NANO));
        let (number, rest) = nanos.div_rem(&power);
        if rest.is_zero() {
            return write!(f, "{number}{suffix}");
        }
    }
    write!(f, "{nanos}n")
}

fn write_exponent(f: &mut fmt::Formatter<'_>, nanos: &BigInt) -> fmt::Result {
    let thousand = BigInt::from(1000);
    let (mut number, mut exponent) = (nanos.clone(), NANO);
    loop {
        let (next, rest) = number.div_rem(&thousand);
        if !rest.is_zero() {
            break;
        }
        number = next;
        exponent += 3;
    }
    if exponent == 0 { write!(f, "{number}") } else { write!(f, "{number}e{exponent}") }
}
