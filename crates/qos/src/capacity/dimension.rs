//! The resources of a fleet, numbered, and their amounts in whole units.

use std::collections::HashMap;

use super::{CapacityError, Holder};
use crate::resources::{CPU, EPHEMERAL_STORAGE, MEMORY, PODS};
use crate::{Format, Quantity, Resources};

/// One resource of a fleet: an index into every row of amounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Dimension(pub(crate) u16);

/// The second ledger's names: what is used at the predicted peak, beside what is requested.
pub(crate) const PEAK_CPU: &str = "cpu at the predicted peak";
pub(crate) const PEAK_MEMORY: &str = "memory at the predicted peak";

/// Those that every fleet has, in the order in which they are named when several bind alike.
const ALWAYS: [&str; 4] = [CPU, MEMORY, EPHEMERAL_STORAGE, PODS];

/// More names than this, over all nodes and pods together, are a mistake.
const MAX_NAMES: usize = 4_096;

/// The names of a fleet's resources.
///
/// Amounts are whole numbers as the scheduler counts them: thousandths of a core, and whole units (bytes, pod
/// slots, devices) of everything else. What is asked for rounds up and what is there rounds down, so no amount
/// is ever sold that is not there.
#[derive(Clone, Debug)]
pub(crate) struct Dimensions {
    names: Vec<String>,
    numbers: HashMap<String, Dimension>,
}

/// Which way an amount that is no whole number goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// What is asked for.
    Up,
    /// What is there.
    Down,
}

impl Dimension {
    pub(crate) const CPU: Self = Self(0);
    pub(crate) const MEMORY: Self = Self(1);
    pub(crate) const PODS: Self = Self(3);

    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl Default for Dimensions {
    fn default() -> Self {
        let names: Vec<_> = ALWAYS.map(str::to_owned).into();
        let numbers = (0_u16..).map(Dimension).zip(&names).map(|(number, name)| (name.clone(), number));
        Self { numbers: numbers.collect(), names }
    }
}

impl Dimensions {
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = Dimension> + use<> {
        (0..self.names.len()).filter_map(|index| u16::try_from(index).ok()).map(Dimension)
    }

    pub(crate) fn name(&self, dimension: Dimension) -> &str {
        &self.names[dimension.index()]
    }

    pub(crate) fn get(&self, name: &str) -> Option<Dimension> {
        self.numbers.get(name).copied()
    }

    /// Numbers every name of the list that is not numbered yet.
    pub(crate) fn learn(&mut self, amounts: &Resources) -> Result<(), CapacityError> {
        for name in amounts.names() {
            if self.numbers.contains_key(name) {
                continue;
            }
            if self.names.len() == MAX_NAMES {
                return Err(CapacityError::TooManyResources { max: MAX_NAMES });
            }
            let number = u16::try_from(self.names.len())
                .map_err(|_| CapacityError::TooManyResources { max: MAX_NAMES })?;
            self.names.push(name.to_owned());
            self.numbers.insert(name.to_owned(), Dimension(number));
        }
        Ok(())
    }

    /// A row of amounts, one per name that is known; the names must have been learned.
    pub(crate) fn row(
        &self,
        amounts: &Resources,
        rounding: Rounding,
        holder: &dyn Fn() -> Holder,
    ) -> Result<Vec<i64>, CapacityError> {
        let mut row = vec![0; self.len()];
        for (name, amount) in amounts {
            if let Some(dimension) = self.get(name) {
                row[dimension.index()] = whole(name, amount, rounding, holder)?;
            }
        }
        Ok(row)
    }

    /// What there is of a resource, for a sentence: of bytes the whole Mi.
    pub(crate) fn told(&self, dimension: Dimension, amount: i64) -> Quantity {
        let exact = self.quantity(dimension, amount);
        let whole = amount >> 20;
        if exact.format() == Format::Binary && whole > 0 { Quantity::from_mebibytes(whole) } else { exact }
    }

    /// An amount of this resource as a quantity, written as is usual for it.
    pub(crate) fn quantity(&self, dimension: Dimension, amount: impl Into<i128>) -> Quantity {
        match self.name(dimension) {
            CPU | PEAK_CPU => Quantity::from_millis(amount),
            MEMORY | EPHEMERAL_STORAGE | PEAK_MEMORY => Quantity::from_bytes(amount),
            name if name.starts_with("hugepages-") => Quantity::from_bytes(amount),
            _ => Quantity::from_units(amount).with_format(Format::Decimal),
        }
    }
}

/// The amount in whole units of its dimension.
fn whole(
    name: &str,
    amount: &Quantity,
    rounding: Rounding,
    holder: &dyn Fn() -> Holder,
) -> Result<i64, CapacityError> {
    if amount.is_negative() {
        let (resource, amount) = (name.to_owned(), amount.to_string());
        return Err(CapacityError::Negative { holder: holder(), resource, amount });
    }
    let unit = if name == CPU || name == PEAK_CPU { 1_000_000 } else { 1_000_000_000 };
    let units = amount.nanos_i128().map(|nanos| match rounding {
        Rounding::Up => nanos / unit + i128::from(nanos % unit > 0),
        Rounding::Down => nanos / unit,
    });
    units.and_then(|units| i64::try_from(units).ok()).ok_or_else(|| CapacityError::TooLarge {
        holder: holder(),
        resource: name.to_owned(),
        amount: amount.to_string(),
    })
}
