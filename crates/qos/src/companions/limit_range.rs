//! What a Namespace fills in for containers that say nothing, and the ratio it lets through.

use num_traits::ToPrimitive;
use serde::Serialize;

use crate::{CPU, MEMORY, Policy, Quantity, Ratio, Resources, Terms};

/// The `limits` item of type `Container` of a `LimitRange`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LimitRange {
    /// The limit of a container that has none.
    pub default: Resources,
    /// The request of a container that has neither request nor limit.
    pub default_request: Resources,
    /// Limit over request at most; what is beyond is refused.
    pub max_limit_request_ratio: Resources,
}

/// The range of a Namespace whose Apps may be of any grade of the policy.
///
/// Limit and request are filled in alike, and both are always written: a container that an injector adds then
/// changes the QoS class of no pod, and Kubernetes derives nothing from anything (its order is max, default,
/// defaultRequest). The ratio is that of the grade that is sold most often, since one range holds for all pods
/// of a Namespace.
pub fn limit_range(policy: &Policy) -> LimitRange {
    let filled =
        Resources::from([(CPU, Quantity::from_millis(100)), (MEMORY, Quantity::from_mebibytes(128))]);
    let most =
        |ratio: fn(&crate::GradeRule) -> Ratio| policy.grades().iter().map(ratio).max().unwrap_or(Ratio::ONE);
    LimitRange {
        default: filled.clone(),
        default_request: filled,
        max_limit_request_ratio: Resources::from([
            (CPU, admitted(most(|grade| grade.cpu))),
            (MEMORY, admitted(most(|grade| grade.memory))),
        ]),
    }
}

impl LimitRange {
    /// The same, letting through what was sold by these terms too: a Release keeps those that it was made with, whatever
    /// the policy says now.
    #[must_use]
    pub fn admitting(mut self, terms: &Terms) -> Self {
        let Terms { cpu, memory } = *terms;
        let sold = Resources::from([(CPU, admitted(cpu)), (MEMORY, admitted(memory))]);
        self.max_limit_request_ratio.raise_to(&sold);
        self
    }
}

/// The smallest number of thousandths that Kubernetes lets the ratio through with.
///
/// `LimitRanger` divides limit by request in binary floating point and compares a thousand times that with the
/// thousandths of the bound. 10/3 needs rounding up for it, and 16.1 too: a thousand times the nearest double
/// is above 16,100.
fn admitted(ratio: Ratio) -> Quantity {
    let (numerator, denominator) = (u64::from(ratio.numerator()), u64::from(ratio.denominator()));
    let exact = (numerator * 1000).div_ceil(denominator);
    let seen = f64::from(ratio.numerator()) / f64::from(ratio.denominator()) * 1000.0;
    let refused = exact.to_f64().is_some_and(|bound| seen > bound);
    Quantity::from_millis(exact + u64::from(refused))
}
