//! Kubernetes quantities, exact: as many billionths as the API allows, in an `i128`.

use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};

const NANO: i128 = 1_000_000_000;

/// How a quantity is written: with powers of ten or of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Format {
    #[default]
    Decimal,
    Binary,
}

/// An amount of cpu, memory or countable things.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Quantity {
    nanos: i128,
    format: Format,
}

impl Quantity {
    pub(crate) fn count(n: i64) -> Self {
        Self { nanos: i128::from(n) * NANO, format: Format::Decimal }
    }

    /// Reads `100m`, `1.5`, `2Gi`, `3e3`; none for anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = text.find(|c: char| !c.is_ascii_digit() && !"+-.".contains(c)).unwrap_or(text.len());
        let (number, suffix) = text.split_at(digits);
        let (negative, number) = match number.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, number.strip_prefix('+').unwrap_or(number)),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.len() > 18 || whole.len() > 18 {
            return None;
        }
        let mantissa: i128 = format!("{whole}{fraction}").parse().ok()?;
        let (multiplier, divisor, format) = scale(suffix)?;
        let denominator = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?.checked_mul(divisor)?;
        let numerator = mantissa.checked_mul(multiplier)?.checked_mul(NANO)?;
        // What is finer than a billionth is rounded up, as the real parser does.
        let nanos = numerator.checked_add(denominator - 1)? / denominator;
        Some(Self { nanos: if negative { -nanos } else { nanos }, format })
    }

    pub(crate) fn is_zero(self) -> bool {
        self.nanos == 0
    }

    /// The amount in thousandths, rounded up.
    pub(crate) fn millis(self) -> i64 {
        let per_milli = NANO / 1000;
        i64::try_from((self.nanos + per_milli - 1).div_euclid(per_milli)).unwrap_or(i64::MAX)
    }

    pub(crate) fn max(self, other: Self) -> Self {
        if other > self { other } else { self }
    }
}

/// Multiplier, divisor and format of a suffix.
fn scale(suffix: &str) -> Option<(i128, i128, Format)> {
    let binary = |power: u32| Some((1_i128 << (10 * power), 1, Format::Binary));
    let decimal = |power: u32| Some((10_i128.pow(power), 1, Format::Decimal));
    match suffix {
        "" => decimal(0),
        "n" => Some((1, NANO, Format::Decimal)),
        "u" => Some((1, 1_000_000, Format::Decimal)),
        "m" => Some((1, 1000, Format::Decimal)),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        _ => {
            let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            match u32::try_from(exponent) {
                Ok(up) if up <= 18 => decimal(up),
                Err(_) if exponent >= -9 => Some((1, 10_i128.pow(exponent.unsigned_abs()), Format::Decimal)),
                _ => None,
            }
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { nanos, format } = *self;
        if nanos == 0 {
            return f.write_str("0");
        }
        if format == Format::Binary && nanos % NANO == 0 && (nanos / NANO).abs() >= 1024 {
            let whole = nanos / NANO;
            for (power, suffix) in [(6, "Ei"), (5, "Pi"), (4, "Ti"), (3, "Gi"), (2, "Mi"), (1, "Ki")] {
                let unit = 1_i128 << (10 * power);
                if whole % unit == 0 {
                    return write!(f, "{}{suffix}", whole / unit);
                }
            }
            return write!(f, "{whole}");
        }
        let units =
            [(27, "E"), (24, "P"), (21, "T"), (18, "G"), (15, "M"), (12, "k"), (9, ""), (6, "m"), (3, "u")];
        for (power, suffix) in units {
            let unit = 10_i128.pow(power);
            if nanos % unit == 0 {
                return write!(f, "{}{suffix}", nanos / unit);
            }
        }
        write!(f, "{nanos}n")
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

impl Add for Quantity {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        // A sum started from zero takes the way of writing of what is added to it.
        let format = if self.is_zero() { other.format } else { self.format };
        Self { nanos: self.nanos + other.nanos, format }
    }
}

impl AddAssign for Quantity {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Quantity {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        let format = if self.is_zero() { other.format } else { self.format };
        Self { nanos: self.nanos - other.nanos, format }
    }
}

impl SubAssign for Quantity {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

#[cfg(test)]
mod tests {
    use super::Quantity;

    fn shown(text: &str) -> String {
        Quantity::parse(text).unwrap().to_string()
    }

    #[test]
    fn quantities_are_written_in_their_canonical_form() {
        let cases = [
            ("1000m", "1"),
            ("0.5", "500m"),
            ("1.5Gi", "1536Mi"),
            ("2Gi", "2Gi"),
            ("1024", "1024"),
            ("1500", "1500"),
            ("3000", "3k"),
            ("3e3", "3k"),
            ("0", "0"),
            ("100u", "100u"),
        ];
        for (given, canonical) in cases {
            assert_eq!(shown(given), canonical, "{given}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for text in ["", "abc", "1x", ".", "1Ki5", "m"] {
            assert!(Quantity::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn sums_keep_the_way_the_first_was_written() {
        let sum = Quantity::parse("1Gi").unwrap() + Quantity::parse("512Mi").unwrap();
        assert_eq!(sum.to_string(), "1536Mi");
        assert_eq!((Quantity::default() + Quantity::parse("1Gi").unwrap()).to_string(), "1Gi");
    }
}
