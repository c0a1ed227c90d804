//! Whole numbers without end, quick as long as they fit into a machine's registers.

use std::cmp::Ordering;

use num_bigint::BigInt;
use num_integer::Integer as _;
use num_traits::{Signed, ToPrimitive, Zero};

/// A whole number. What fits into an `i128` is held there; the rest, which no cluster has, on the heap.
///
/// Every number has one form only, so that equality and hash may be derived.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Integer {
    /// Within `i128`.
    Small(i128),
    /// Beyond it, never within.
    Big(Box<BigInt>),
}

use Integer::{Big, Small};

impl Integer {
    pub(crate) const ZERO: Self = Small(0);

    /// `10^exponent`.
    pub(crate) fn power_of_ten(exponent: u32) -> Self {
        match 10_i128.checked_pow(exponent) {
            Some(power) => Small(power),
            None => Big(Box::new(BigInt::from(10).pow(exponent))),
        }
    }

    pub(crate) fn to_big(&self) -> BigInt {
        match self {
            Small(number) => BigInt::from(*number),
            Big(number) => BigInt::clone(number),
        }
    }

    pub(crate) fn to_i128(&self) -> Option<i128> {
        match self {
            Small(number) => Some(*number),
            Big(_) => None,
        }
    }

    pub(crate) fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    pub(crate) fn is_positive(&self) -> bool {
        match self {
            Small(number) => *number > 0,
            Big(number) => number.is_positive(),
        }
    }

    pub(crate) fn is_negative(&self) -> bool {
        match self {
            Small(number) => *number < 0,
            Big(number) => number.is_negative(),
        }
    }

    pub(crate) fn plus(&self, other: &Self) -> Self {
        self.either(other, i128::checked_add, |a, b| a + b)
    }

    pub(crate) fn minus(&self, other: &Self) -> Self {
        self.either(other, i128::checked_sub, |a, b| a - b)
    }

    pub(crate) fn times(&self, other: &Self) -> Self {
        self.either(other, i128::checked_mul, |a, b| a * b)
    }

    pub(crate) fn negated(&self) -> Self {
        Self::ZERO.minus(self)
    }

    pub(crate) fn magnitude(&self) -> Self {
        if self.is_negative() { self.negated() } else { self.clone() }
    }

    /// Divides by a number above zero; whatever remains takes the result one step further from zero.
    pub(crate) fn divided_away_from_zero(&self, by: &Self) -> Self {
        let small = |value: i128, by: i128| {
            let (quotient, rest) = (value.checked_div(by)?, value.checked_rem(by)?);
            quotient.checked_add(rest.signum())
        };
        self.either(other_than_zero(by), small, |value, by| {
            let (quotient, rest) = value.div_rem(by);
            quotient + rest.signum()
        })
    }

    /// The quotient where nothing remains.
    pub(crate) fn divided_exactly(&self, by: u32) -> Option<Self> {
        match self {
            Small(number) => {
                // Most amounts fit into 64 bits, where division is many times as quick.
                if let Ok(number) = i64::try_from(*number) {
                    return (number % i64::from(by) == 0).then(|| Small(i128::from(number / i64::from(by))));
                }
                (number % i128::from(by) == 0).then(|| Small(number / i128::from(by)))
            }
            Big(number) => {
                let (quotient, rest) = number.div_rem(&BigInt::from(by));
                rest.is_zero().then(|| Self::from(quotient))
            }
        }
    }

    fn either(
        &self,
        other: &Self,
        small: impl Fn(i128, i128) -> Option<i128>,
        big: impl Fn(&BigInt, &BigInt) -> BigInt,
    ) -> Self {
        if let (Small(a), Small(b)) = (self, other)
            && let Some(number) = small(*a, *b)
        {
            return Small(number);
        }
        Self::from(big(&self.to_big(), &other.to_big()))
    }
}

/// Callers divide by powers of ten, steps and ratios, none of which is zero; a zero would divide by one.
fn other_than_zero(by: &Integer) -> &Integer {
    const ONE: &Integer = &Small(1);
    if by.is_zero() { ONE } else { by }
}

impl From<BigInt> for Integer {
    fn from(number: BigInt) -> Self {
        match number.to_i128() {
            Some(number) => Small(number),
            None => Big(Box::new(number)),
        }
    }
}

impl From<i128> for Integer {
    fn from(number: i128) -> Self {
        Small(number)
    }
}

impl Default for Integer {
    fn default() -> Self {
        Self::ZERO
    }
}

impl std::fmt::Display for Integer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Small(number) => match i64::try_from(*number) {
                Ok(number) => number.fmt(f),
                Err(_) => number.fmt(f),
            },
            Big(number) => number.fmt(f),
        }
    }
}

impl Ord for Integer {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Small(a), Small(b)) => a.cmp(b),
            _ => self.to_big().cmp(&other.to_big()),
        }
    }
}

impl PartialOrd for Integer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Numbers of all lengths, those around the border of an `i128` among them.
    fn any_number() -> impl Strategy<Value = BigInt> {
        let edge = (0_u32..3, -3_i64..=3).prop_map(|(which, off)| {
            let border = [BigInt::from(0), BigInt::from(i128::MAX), BigInt::from(i128::MIN)];
            &border[which as usize] + off
        });
        let product = (any::<i128>(), 0_usize..130, any::<i64>())
            .prop_map(|(number, shift, more)| (BigInt::from(number) >> shift) * BigInt::from(more));
        prop_oneof![edge, product, any::<i64>().prop_map(BigInt::from)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn the_quick_path_and_the_long_one_give_the_same(a in any_number(), b in any_number()) {
            let (x, y) = (Integer::from(a.clone()), Integer::from(b.clone()));
            prop_assert_eq!(x.to_big(), a.clone());
            prop_assert_eq!(x.plus(&y), Integer::from(&a + &b));
            prop_assert_eq!(x.minus(&y), Integer::from(&a - &b));
            prop_assert_eq!(x.times(&y), Integer::from(&a * &b));
            prop_assert_eq!(x.negated(), Integer::from(-&a));
            prop_assert_eq!(x.magnitude(), Integer::from(a.abs()));
            prop_assert_eq!(x.cmp(&y), a.cmp(&b));
            prop_assert_eq!(x == y, a == b);
            prop_assert_eq!(x.to_string(), a.to_string());
            prop_assert_eq!((x.is_zero(), x.is_positive(), x.is_negative()), (a.is_zero(), a.is_positive(), a.is_negative()));
            for by in [1000_u32, 1024] {
                let expected = (&a % by).is_zero().then(|| Integer::from(&a / by));
                prop_assert_eq!(x.divided_exactly(by), expected);
                prop_assert_eq!(Integer::from(&a * by).divided_exactly(by), Some(x.clone()));
            }
            if b.is_positive() {
                let away = if a.is_negative() { -((-&a).div_ceil(&b)) } else { a.div_ceil(&b) };
                prop_assert_eq!(x.divided_away_from_zero(&y), Integer::from(away));
            }
        }

        #[test]
        fn every_number_has_one_form(a in any_number()) {
            let number = Integer::from(a.clone());
            prop_assert_eq!(number.to_i128().is_some(), a.to_i128().is_some());
        }
    }

    #[test]
    fn powers_of_ten_are_exact_on_both_paths() {
        for exponent in [0, 1, 18, 38, 39, 60] {
            assert_eq!(Integer::power_of_ten(exponent).to_big(), BigInt::from(10).pow(exponent));
        }
    }
}
