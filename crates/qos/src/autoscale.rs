//! The target of an autoscaler on an oversold application.

use num_bigint::BigInt;
use num_traits::ToPrimitive;
use thiserror::Error;

use crate::Quantity;

/// Why there is no such autoscaling target.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HpaTargetError {
    /// A share of the limit that can be reached lies between 1 and 100.
    #[error("a target of {0} percent of the limit is out of range; it must be between 1 and 100")]
    PercentOutOfRange(u32),
    /// An autoscaler counts percent of the request.
    #[error("there is no percentage of a request of {0}; it must be above zero")]
    NoRequest(Quantity),
    /// The target is beyond what Kubernetes stores, or below one percent.
    #[error(
        "{percent} percent of a limit of {limit} are no whole percentage of a request of {request} from 1 to 2147483647"
    )]
    NotRepresentable {
        /// The share of the limit.
        percent: u32,
        /// The limit.
        limit: Quantity,
        /// The request.
        request: Quantity,
    },
}

/// The `averageUtilization`, in percent of the **request**, that stands for a percentage of the limit.
///
/// A `HorizontalPodAutoscaler` counts percent of the request; sold ten times, 80 percent of the limit are
/// 800 percent of the request. It is reckoned from the amounts and not from the ratio, because requests are
/// rounded up: a limit of 21m sold five times requests 5m, and 5 × 85 percent of that could never be reached.
/// What does not divide rounds down: rather one pod too early.
pub fn hpa_target(
    percent_of_limit: u32,
    limit: &Quantity,
    request: &Quantity,
) -> Result<i32, HpaTargetError> {
    if !(1..=100).contains(&percent_of_limit) {
        return Err(HpaTargetError::PercentOutOfRange(percent_of_limit));
    }
    if !request.is_positive() {
        return Err(HpaTargetError::NoRequest(request.clone()));
    }
    let target: BigInt = limit.nanos() * percent_of_limit / request.nanos();
    target.to_i32().filter(|target| *target >= 1).ok_or_else(|| HpaTargetError::NotRepresentable {
        percent: percent_of_limit,
        limit: limit.clone(),
        request: request.clone(),
    })
}
