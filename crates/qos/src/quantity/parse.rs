//! The grammar of `k8s.io/apimachinery`, leniencies included: what an API server hands out is read here.

use std::str::FromStr;

use num_bigint::BigInt;
use num_traits::Zero;

use super::{Format, Integer, NANO, Quantity, QuantityError};

/// More characters than any amount needs; it bounds the work.
const MAX_CHARACTERS: usize = 512;

/// Kubernetes reads larger exponents too, but no amount of anything needs them, and each digit costs memory.
const MAX_EXPONENT: i64 = 512;

/// A text taken apart: sign, digits, and what the suffix stands for.
pub(super) struct Parts<'a> {
    pub(super) negative: bool,
    pub(super) whole: &'a str,
    pub(super) fraction: Option<&'a str>,
    pub(super) suffix: &'a str,
}

impl<'a> Parts<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, rest) = split_digits(rest);
        let (fraction, suffix) = match rest.strip_prefix('.') {
            Some(rest) => {
                let (fraction, suffix) = split_digits(rest);
                (Some(fraction), suffix)
            }
            None => (None, rest),
        };
        Self { negative, whole, fraction, suffix }
    }

    fn has_digits(&self) -> bool {
        !self.whole.is_empty() || self.fraction.is_some_and(|fraction| !fraction.is_empty())
    }
}

/// Compatible mode: what the Kubernetes API accepts, `.5`, `1.` and a lone suffix (zero) included.
///
/// Two bounds keep hostile texts cheap: 512 characters, and exponents from -512 to 512, as written and as printed.
/// Upstream has neither, and takes an exponent beyond 32 bits modulo 2^32.
impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        if text.is_empty() {
            return Err(QuantityError::Empty);
        }
        if text.len() > MAX_CHARACTERS {
            return Err(QuantityError::TooLong { max: MAX_CHARACTERS });
        }
        let parts = Parts::of(text);
        let (base, format) = base_of(parts.suffix, text)?;
        if !parts.has_digits() && !base.may_stand_alone() {
            return Err(QuantityError::Malformed { text: text.to_owned() });
        }
        let quantity = evaluate(&parts, base, format);
        check_print(&quantity, text, base)?;
        Ok(quantity)
    }
}

/// The canonical form of an amount may have more digits or a larger exponent than what was read; where it would not be
/// read again, the amount is refused. Half way to the bounds none is.
fn check_print(quantity: &Quantity, text: &str, base: Base) -> Result<(), QuantityError> {
    let is_large = matches!(base, Base::Ten(exponent) if exponent > MAX_EXPONENT / 2);
    if text.len() <= MAX_CHARACTERS / 2 && !is_large {
        return Ok(());
    }
    let printed = quantity.to_string();
    if printed.len() > MAX_CHARACTERS {
        return Err(QuantityError::TooLong { max: MAX_CHARACTERS });
    }
    base_of(Parts::of(&printed).suffix, text).map(drop)
}

/// What a suffix multiplies by.
#[derive(Clone, Copy)]
enum Base {
    Ten(i64),
    Two(u32),
}

impl Base {
    /// Whether a suffix without any digit is read as zero. Upstream reads it so on its quick path only, which
    /// is for exponents down to the nano and binary suffixes up to Ti.
    fn may_stand_alone(self) -> bool {
        match self {
            Self::Ten(exponent) => exponent >= i64::from(NANO),
            Self::Two(bits) => bits <= 40,
        }
    }
}

fn evaluate(parts: &Parts<'_>, base: Base, format: Format) -> Quantity {
    let mut nanos = quick_nanos(parts, base).unwrap_or_else(|| long_nanos(parts, base));
    let mut format = format;
    if format == Format::Binary {
        // Kubernetes caps binary amounts, and only those, at the largest signed 64-bit number.
        nanos = nanos.min(Integer::from(i128::from(i64::MAX) * 1_000_000_000));
        if !nanos.is_zero() && nanos < Integer::from(1_000_000_000) {
            format = Format::Decimal;
        }
    }
    Quantity { nanos: if parts.negative { nanos.negated() } else { nanos }, format }
}

/// The nanos without the sign, where all that comes up fits into an `i128`.
fn quick_nanos(parts: &Parts<'_>, base: Base) -> Option<Integer> {
    let fraction = parts.fraction.unwrap_or("");
    let mut unscaled: i128 = 0;
    for digit in parts.whole.bytes().chain(fraction.bytes()) {
        unscaled = unscaled.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
    }
    let places = i64::try_from(fraction.len()).ok()?;
    let shift = match base {
        Base::Ten(exponent) => exponent - places - i64::from(NANO),
        Base::Two(bits) => {
            unscaled = unscaled.checked_mul(1_i128.checked_shl(bits)?)?;
            -places - i64::from(NANO)
        }
    };
    let power = 10_i128.checked_pow(u32::try_from(shift.unsigned_abs()).ok()?)?;
    if shift >= 0 {
        return unscaled.checked_mul(power).map(Integer::from);
    }
    Some(Integer::from(unscaled / power + (unscaled % power).signum()))
}

/// The nanos without the sign, whatever their length.
fn long_nanos(parts: &Parts<'_>, base: Base) -> Integer {
    let fraction = parts.fraction.unwrap_or("");
    let digits = format!("{}{fraction}", parts.whole);
    // Only ASCII digits are in there; none at all is zero, as upstream has it.
    let unscaled = BigInt::parse_bytes(digits.as_bytes(), 10).unwrap_or_default();
    let places = i64::try_from(fraction.len()).unwrap_or(i64::MAX);
    let (unscaled, scale) = match base {
        Base::Ten(exponent) => (unscaled, exponent - places),
        Base::Two(bits) => (unscaled << bits, -places),
    };
    if unscaled.is_zero() {
        return Integer::ZERO;
    }
    let shift = scale - i64::from(NANO);
    let power = u32::try_from(shift.unsigned_abs()).unwrap_or(u32::MAX);
    if shift >= 0 {
        return Integer::from(unscaled).times(&Integer::power_of_ten(power));
    }
    // So small that it rounds up to one nano, whatever the digits are: no need for a huge power of ten.
    if u64::from(power) * 3 > unscaled.bits() {
        return Integer::from(1);
    }
    Integer::from(unscaled).divided_away_from_zero(&Integer::power_of_ten(power))
}

fn base_of(suffix: &str, text: &str) -> Result<(Base, Format), QuantityError> {
    let decimal = |exponent| Ok((Base::Ten(exponent), Format::Decimal));
    let binary = |bits| Ok((Base::Two(bits), Format::Binary));
    match suffix {
        "n" => decimal(-9),
        "u" => decimal(-6),
        "m" => decimal(-3),
        "" => decimal(0),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(10),
        "Mi" => binary(20),
        "Gi" => binary(30),
        "Ti" => binary(40),
        "Pi" => binary(50),
        "Ei" => binary(60),
        _ => Ok((Base::Ten(exponent_of(suffix, text)?), Format::Exponent)),
    }
}

fn exponent_of(suffix: &str, text: &str) -> Result<i64, QuantityError> {
    let Some(exponent) = suffix.strip_prefix(['e', 'E']) else {
        let known = suffix.chars().all(|c| c.is_ascii_alphabetic());
        return Err(if known {
            QuantityError::UnknownSuffix { suffix: suffix.to_owned() }
        } else {
            QuantityError::Malformed { text: text.to_owned() }
        });
    };
    let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(QuantityError::Malformed { text: text.to_owned() });
    }
    let out_of_range = || QuantityError::ExponentOutOfRange { text: text.to_owned(), max: MAX_EXPONENT };
    let exponent: i64 = exponent.parse().map_err(|_| out_of_range())?;
    if exponent.abs() > MAX_EXPONENT {
        return Err(out_of_range());
    }
    Ok(exponent)
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn both_ways_to_read_give_the_same(
            whole in "[0-9]{0,40}", fraction in prop::option::of("[0-9]{0,40}"), exponent in -60_i64..60, bits in 0_u32..7,
        ) {
            let parts = Parts { negative: false, whole: &whole, fraction: fraction.as_deref(), suffix: "" };
            for base in [Base::Ten(exponent), Base::Two(bits * 10)] {
                if let Some(quick) = quick_nanos(&parts, base) {
                    prop_assert_eq!(quick, long_nanos(&parts, base));
                }
            }
        }
    }

    #[test]
    fn every_amount_that_a_cluster_has_is_read_the_quick_way() {
        for text in ["250m", "1", "0.1", "1536Mi", "64Ti", "1099511627776", "1e9", "123456789n", "1.5Gi"] {
            let parts = Parts::of(text);
            let (base, _) = base_of(parts.suffix, text).unwrap();
            assert!(quick_nanos(&parts, base).is_some(), "{text}");
        }
    }
}
