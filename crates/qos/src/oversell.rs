//! From the limit that a user declares to the request that the scheduler counts.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::quantity::Integer;
use crate::{Quantity, Ratio, Terms};

/// An amount of CPU and one of memory: what a person declares for a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Amounts {
    /// Cores.
    pub cpu: Quantity,
    /// Bytes.
    pub memory: Quantity,
}

/// An amount and the reason why it is this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explained<T = Quantity> {
    /// The amount.
    pub value: T,
    /// How it came about, for people: `ceil(333m / 5), grade general-5`.
    pub because: String,
}

/// What a container asks the scheduler for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Requests {
    /// Cores, in whole thousandths unless nothing is sold twice.
    pub cpu: Explained,
    /// Bytes, in whole Mi unless nothing is sold twice.
    pub memory: Explained,
}

impl Requests {
    /// The amounts alone.
    pub fn amounts(&self) -> Amounts {
        Amounts { cpu: self.cpu.value.clone(), memory: self.memory.value.clone() }
    }
}

/// The requests that follow from a limit under the terms of a grade.
///
/// Always `request ≤ limit`, and `limit / request` never exceeds the ratio: rounding is upwards, so a
/// `LimitRange` with `maxLimitRequestRatio` at the ratio never rejects the result.
///
/// `terms` are those that the Release was made with, which its grade may no longer stand for; the grade is
/// named in the reasons.
pub fn requests(limit: &Amounts, grade: impl fmt::Display, terms: &Terms) -> Requests {
    Requests {
        cpu: divide(&limit.cpu, terms.cpu, &Quantity::from_millis(1), "", &grade),
        memory: divide(&limit.memory, terms.memory, &Quantity::from_mebibytes(1), " to whole Mi", &grade),
    }
}

fn divide(
    limit: &Quantity,
    ratio: Ratio,
    step: &Quantity,
    unit: &str,
    grade: &dyn fmt::Display,
) -> Explained {
    if ratio.is_one() {
        return Explained { value: limit.clone(), because: format!("equal to the limit, grade {grade}") };
    }
    let (numerator, denominator) = (ratio.numerator(), ratio.denominator());
    let exact = limit.integer().times(&Integer::from(i128::from(denominator)));
    let nanos = exact.divided_away_from_zero(&Integer::from(i128::from(numerator)));
    let rounded = Quantity::from_nanos(nanos, limit.format()).round_up_to(step);
    let formula = match denominator {
        1 => format!("{limit} / {numerator}"),
        _ => format!("{limit} × {denominator}/{numerator}"),
    };
    if rounded > *limit {
        let because = format!("ceil({formula}){unit} but not above the limit, grade {grade}");
        return Explained { value: limit.clone(), because };
    }
    Explained { value: rounded, because: format!("ceil({formula}){unit}, grade {grade}") }
}
