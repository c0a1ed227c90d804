//! The ratio beyond which selling more CPU buys nothing, because something else is full first.

use std::fmt;

use num_bigint::BigUint;
use num_integer::Integer;
use serde::{Serialize, Serializer};

use crate::{Amounts, Quantity, Ratio};

/// k*: the CPU ratio beyond which not one pod more fits, exact, with its derivation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UsefulRatio {
    /// The ratio, at least one.
    pub ratio: Fraction,
    /// The same with three decimals, rounded up, for people.
    pub decimal: String,
    /// How it comes about.
    pub because: String,
}

/// A number that is exact: one whole number over another that is not zero, in lowest terms.
///
/// In JSON and in words it is `250/109`, or `3` where it is whole.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fraction {
    numerator: BigUint,
    denominator: BigUint,
}

impl Fraction {
    /// A fraction in lowest terms; none over zero.
    pub fn new(numerator: &BigUint, denominator: &BigUint) -> Option<Self> {
        let divisor = numerator.gcd(denominator);
        let lowest = || Self { numerator: numerator / &divisor, denominator: denominator / &divisor };
        (*denominator != BigUint::ZERO).then(lowest)
    }

    /// What stands above the line.
    pub fn numerator(&self) -> &BigUint {
        &self.numerator
    }

    /// What stands below the line.
    pub fn denominator(&self) -> &BigUint {
        &self.denominator
    }

    /// With three decimals, rounded up.
    pub fn decimal(&self) -> String {
        let thousandths = (&self.numerator * 1000_u32).div_ceil(&self.denominator);
        let digits = format!("{thousandths:0>4}");
        let (whole, rest) = digits.split_at(digits.len() - 3);
        format!("{whole}.{rest}")
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.numerator)?;
        if self.denominator == BigUint::from(1_u32) { Ok(()) } else { write!(f, "/{}", self.denominator) }
    }
}

impl Serialize for Fraction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl UsefulRatio {
    /// The ratio and how it comes about; below one, one.
    pub(crate) fn new(ratio: Fraction, derivation: &str) -> Self {
        let decimal = ratio.decimal();
        if ratio.numerator < ratio.denominator {
            let because =
                format!("{derivation} = {ratio}, below 1: not even CPU that is sold once is used up");
            let one = Fraction { numerator: BigUint::from(1_u32), denominator: BigUint::from(1_u32) };
            return Self { decimal: one.decimal(), ratio: one, because };
        }
        let because = format!("{derivation} = {ratio} ≈ {decimal}");
        Self { ratio, decimal, because }
    }
}

/// k* of machines as a whole, by their sums: memory ratio × (memory per core there) / (memory per core of a pod).
///
/// This is the rule of thumb for planning a purchase. It knows neither the rounding of requests nor what single
/// nodes strand nor pod slots; [`Fit::useful_ratio`](super::Fit::useful_ratio) counts all three. None where any
/// amount is not above zero.
///
/// ```
/// use plimsoll_qos::{Amounts, Ratio, useful_ratio};
///
/// let fleet = Amounts { cpu: "125514".parse()?, memory: "597684Gi".parse()? };
/// let limit = Amounts { cpu: "2".parse()?, memory: "4Gi".parse()? };
/// let useful = useful_ratio(&fleet, &limit, Ratio::new(3, 2)?).ok_or("all amounts are positive")?;
/// assert_eq!(useful.decimal, "3.572");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn useful_ratio(there: &Amounts, limit: &Amounts, memory: Ratio) -> Option<UsefulRatio> {
    let nanos = |quantity: &Quantity| quantity.nanos().to_biguint().filter(|_| quantity.is_positive());
    let numerator = nanos(&there.memory)? * nanos(&limit.cpu)? * memory.numerator();
    let denominator = nanos(&there.cpu)? * nanos(&limit.memory)? * memory.denominator();
    let derivation = format!(
        "k* = {memory} × ({} / {} cores) / ({} / {} cores)",
        there.memory, there.cpu, limit.memory, limit.cpu
    );
    Some(UsefulRatio::new(Fraction::new(&numerator, &denominator)?, &derivation))
}
