//! Amounts by resource name.

use std::collections::{BTreeMap, btree_map};
use std::ops::{AddAssign, SubAssign};
use std::sync::LazyLock;

use serde::{Deserialize, Deserializer, Serialize};

use crate::{Quantity, bounded};

/// The resource of processor time, in cores.
pub const CPU: &str = "cpu";

/// The resource of memory, in bytes.
pub const MEMORY: &str = "memory";

/// The resource of node-local disk, in bytes.
pub const EPHEMERAL_STORAGE: &str = "ephemeral-storage";

/// The resource of pod slots on a node.
pub const PODS: &str = "pods";

/// Amounts by resource name, exact: `cpu`, `memory`, `ephemeral-storage`, `pods`, `nvidia.com/gpu` and so on.
///
/// In JSON it is Kubernetes' `ResourceList`: `{"cpu":"250m","memory":"1Gi"}`; `null` is the empty one, and at
/// most 4,096 names are read. A name that is absent stands for zero in every sum and comparison, but `==`
/// tells a zero that is written from one that is absent, because Kubernetes' defaulting does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Resources(BTreeMap<String, Quantity>);

impl Resources {
    /// No amount of anything.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// The amount of a resource, zero where it is absent.
    pub fn amount(&self, name: &str) -> &Quantity {
        static ZERO: LazyLock<Quantity> = LazyLock::new(Quantity::default);
        self.0.get(name).unwrap_or(&ZERO)
    }

    /// The amount of a resource as it was written, none where it is absent.
    pub fn get(&self, name: &str) -> Option<&Quantity> {
        self.0.get(name)
    }

    /// The amount of a resource where it is above zero, which is what counts for QoS classes and limits.
    pub fn positive(&self, name: &str) -> Option<&Quantity> {
        self.0.get(name).filter(|amount| amount.is_positive())
    }

    /// Whether the resource is named, with whatever amount.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Sets the amount of a resource and returns the one before.
    pub fn insert(&mut self, name: impl Into<String>, amount: Quantity) -> Option<Quantity> {
        self.0.insert(name.into(), amount)
    }

    /// Takes a resource out and returns its amount.
    pub fn remove(&mut self, name: &str) -> Option<Quantity> {
        self.0.remove(name)
    }

    /// Names and amounts, in the order of the names.
    pub fn iter(&self) -> btree_map::Iter<'_, String, Quantity> {
        self.0.iter()
    }

    /// Names and amounts, the amounts to be changed in place.
    pub fn iter_mut(&mut self) -> btree_map::IterMut<'_, String, Quantity> {
        self.0.iter_mut()
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether no resource is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many resources are named.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes the larger amount of each resource, names of either side included.
    pub fn raise_to(&mut self, other: &Self) {
        for (name, amount) in &other.0 {
            match self.0.get_mut(name) {
                Some(own) if *own >= *amount => {}
                Some(own) => own.clone_from(amount),
                None => {
                    self.0.insert(name.clone(), amount.clone());
                }
            }
        }
    }

    /// The larger amount of each resource, names of either side included.
    #[must_use]
    pub fn max(mut self, other: &Self) -> Self {
        self.raise_to(other);
        self
    }

    /// Whether no amount is above the one of the same name in `capacity`.
    pub fn fit_in(&self, capacity: &Self) -> bool {
        self.beyond(capacity).next().is_none()
    }

    /// Each resource that exceeds `capacity`, with what is wanted and what there is.
    pub fn beyond<'a>(
        &'a self,
        capacity: &'a Self,
    ) -> impl Iterator<Item = (&'a str, &'a Quantity, &'a Quantity)> {
        self.0.iter().filter_map(|(name, wanted)| {
            let there = capacity.amount(name);
            (wanted > there).then_some((name.as_str(), wanted, there))
        })
    }

    /// The same without the names whose amount is zero.
    #[must_use]
    pub fn without_zeros(mut self) -> Self {
        self.0.retain(|_, amount| !amount.is_zero());
        self
    }
}

/// Adds amount by amount. A sum is written like its left part, or like the right one if that is zero or absent.
impl AddAssign<&Self> for Resources {
    fn add_assign(&mut self, other: &Self) {
        for (name, amount) in &other.0 {
            match self.0.get_mut(name) {
                Some(own) => *own += amount,
                None => {
                    self.0.insert(name.clone(), amount.clone());
                }
            }
        }
    }
}

/// Takes away amount by amount; what is not there goes below zero.
impl SubAssign<&Self> for Resources {
    fn sub_assign(&mut self, other: &Self) {
        for (name, amount) in &other.0 {
            match self.0.get_mut(name) {
                Some(own) => *own -= amount,
                None => {
                    self.0.insert(name.clone(), -amount.clone());
                }
            }
        }
    }
}

impl<N: Into<String>> FromIterator<(N, Quantity)> for Resources {
    fn from_iter<I: IntoIterator<Item = (N, Quantity)>>(amounts: I) -> Self {
        Self(amounts.into_iter().map(|(name, amount)| (name.into(), amount)).collect())
    }
}

impl<N: Into<String>, const COUNT: usize> From<[(N, Quantity); COUNT]> for Resources {
    fn from(amounts: [(N, Quantity); COUNT]) -> Self {
        amounts.into_iter().collect()
    }
}

impl<'a> IntoIterator for &'a mut Resources {
    type Item = (&'a String, &'a mut Quantity);
    type IntoIter = btree_map::IterMut<'a, String, Quantity>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

impl<'a> IntoIterator for &'a Resources {
    type Item = (&'a String, &'a Quantity);
    type IntoIter = btree_map::Iter<'a, String, Quantity>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Resources {
    type Item = (String, Quantity);
    type IntoIter = btree_map::IntoIter<String, Quantity>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'de> Deserialize<'de> for Resources {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        bounded::map(deserializer).map(Self)
    }
}
