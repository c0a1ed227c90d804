//! Sum and difference; the result is written like the left operand, or like the right one if that is zero.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use super::{Format, Quantity};

impl Quantity {
    fn format_with(&self, right: &Self) -> Format {
        if self.is_zero() { right.format } else { self.format }
    }
}

impl Add for &Quantity {
    type Output = Quantity;

    fn add(self, right: Self) -> Quantity {
        Quantity { nanos: self.nanos.plus(&right.nanos), format: self.format_with(right) }
    }
}

impl Sub for &Quantity {
    type Output = Quantity;

    fn sub(self, right: Self) -> Quantity {
        Quantity { nanos: self.nanos.minus(&right.nanos), format: self.format_with(right) }
    }
}

impl Add for Quantity {
    type Output = Self;

    fn add(self, right: Self) -> Self {
        &self + &right
    }
}

impl Sub for Quantity {
    type Output = Self;

    fn sub(self, right: Self) -> Self {
        &self - &right
    }
}

impl AddAssign<&Self> for Quantity {
    fn add_assign(&mut self, right: &Self) {
        *self = &*self + right;
    }
}

impl SubAssign<&Self> for Quantity {
    fn sub_assign(&mut self, right: &Self) {
        *self = &*self - right;
    }
}

impl Neg for Quantity {
    type Output = Self;

    fn neg(self) -> Self {
        Self { nanos: self.nanos.negated(), format: self.format }
    }
}

impl<'a> Sum<&'a Self> for Quantity {
    fn sum<I: Iterator<Item = &'a Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), |sum, amount| &sum + amount)
    }
}

impl Sum for Quantity {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), |sum, amount| sum + amount)
    }
}
