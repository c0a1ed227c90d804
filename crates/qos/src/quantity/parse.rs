//! The grammar of `k8s.io/apimachinery`, leniencies included: what an API server hands out is read here.

use std::str::FromStr;

use num_bigint::BigInt;
use num_traits::{One, Zero};

use super::{Format, NANO, Quantity, QuantityError, divide_away_from_zero};

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
}

/// Compatible mode: what the Kubernetes API accepts, `.5`, `1.` and a lone suffix (zero) included.
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
        Ok(evaluate(&parts, base, format))
    }
}

/// What a suffix multiplies by.
#[derive(Clone, Copy)]
enum Base {
    Ten(i64),
    Two(u32),
}

fn evaluate(parts: &Parts<'_>, base: Base, format: Format) -> Quantity {
    let fraction = parts.fraction.unwrap_or("");
    let digits = format!("{}{fraction}", parts.whole);
    // Only ASCII digits are in there; none at all is zero, as upstream has it.
    let unscaled = BigInt::parse_bytes(digits.as_bytes(), 10).unwrap_or_default();
    let places = i64::try_from(fraction.len()).unwrap_or(i64::MAX);
    let (unscaled, scale) = match base {
        Base::Ten(exponent) => (unscaled, exponent - places),
        Base::Two(bits) => (unscaled << bits, -places),
    };
    let mut nanos = to_nanos(unscaled, scale);
    let mut format = format;
    if format == Format::Binary {
        // Kubernetes caps binary amounts, and only those, at the largest signed 64-bit number.
        nanos = nanos.min(BigInt::from(i64::MAX) * 1_000_000_000);
        if !nanos.is_zero() && nanos < BigInt::from(1_000_000_000) {
            format = Format::Decimal;
        }
    }
    Quantity { nanos: if parts.negative { -nanos } else { nanos }, format }
}

/// `unscaled × 10^scale` in nanos, rounded up; `unscaled` is not negative.
fn to_nanos(unscaled: BigInt, scale: i64) -> BigInt {
    if unscaled.is_zero() {
        return unscaled;
    }
    let shift = scale - i64::from(NANO);
    let Ok(power) = u32::try_from(shift.unsigned_abs()) else {
        return BigInt::one();
    };
    if shift >= 0 {
        return unscaled * BigInt::from(10).pow(power);
    }
    // So small that it rounds up to one nano, whatever the digits are: no need for a huge power of ten.
    if u64::from(power) * 3 > unscaled.bits() {
        return BigInt::one();
    }
    divide_away_from_zero(&unscaled, &BigInt::from(10).pow(power))
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
