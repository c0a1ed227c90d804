//! The three notations and the canonical print.

use std::fmt;

use super::{Integer, NANO, Quantity};

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

/// From the nano upwards, a thousand each.
const DECIMAL: [&str; 10] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];

/// From one upwards, 1024 each.
const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// Canonical: the largest suffix without a fraction and without loss.
///
/// Amounts above what the largest suffix stands for keep that suffix (`1000E`), so that what is printed can
/// be read again. Upstream prints such an amount without any suffix (`1`), which is another amount.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanos.is_zero() {
            return f.write_str("0");
        }
        match (self.format, self.whole_of_at_least_1024()) {
            (Format::Binary, Some(units)) => write_with(f, units, 1024, &BINARY),
            (Format::Binary | Format::Decimal, _) => write_with(f, self.nanos.clone(), 1000, &DECIMAL),
            (Format::Exponent, _) => write_exponent(f, self.nanos.clone()),
        }
    }
}

impl Quantity {
    /// Kubernetes prints a binary quantity as a decimal one below 1024, or if it is not whole.
    fn whole_of_at_least_1024(&self) -> Option<Integer> {
        let units = self.nanos.divided_exactly(1_000_000_000)?;
        (units.magnitude() >= Integer::from(1024)).then_some(units)
    }
}

/// Divides by `step` as often as nothing remains and there is a suffix for it.
fn write_with(f: &mut fmt::Formatter<'_>, mut number: Integer, step: u32, suffixes: &[&str]) -> fmt::Result {
    let mut suffixes = suffixes.iter();
    let mut suffix = suffixes.next();
    while let Some(next) = suffixes.next()
        && let Some(quotient) = number.divided_exactly(step)
    {
        number = quotient;
        suffix = Some(next);
    }
    write!(f, "{number}{}", suffix.unwrap_or(&""))
}

fn write_exponent(f: &mut fmt::Formatter<'_>, mut number: Integer) -> fmt::Result {
    let mut exponent = NANO;
    while let Some(quotient) = number.divided_exactly(1000) {
        number = quotient;
        exponent += 3;
    }
    if exponent == 0 { write!(f, "{number}") } else { write!(f, "{number}e{exponent}") }
}
