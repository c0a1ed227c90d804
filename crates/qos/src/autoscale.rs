//! The target of an autoscaler on an oversold application.

use thiserror::Error;

use crate::Ratio;

/// Why there is no such autoscaling target.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HpaTargetError {
    /// A share of the limit that can be reached lies between 1 and 100.
    #[error("a target of {0} percent of the limit is out of range; it must be between 1 and 100")]
    PercentOutOfRange(u32),
    /// The product is beyond what Kubernetes stores.
    #[error("{percent} percent of the limit at a ratio of {ratio} is more than an autoscaler can hold")]
    TooLarge {
        /// The share of the limit.
        percent: u32,
        /// Limit over request.
        ratio: Ratio,
    },
}

/// The `averageUtilization`, in percent of the **request**, that stands for a percentage of the limit.
///
/// A `HorizontalPodAutoscaler` counts percent of the request; sold ten times, 80 percent of the limit are
/// 800 percent of the request. What does not divide rounds down: rather one pod too early.
pub fn hpa_target(percent_of_limit: u32, ratio: Ratio) -> Result<i32, HpaTargetError> {
    if !(1..=100).contains(&percent_of_limit) {
        return Err(HpaTargetError::PercentOutOfRange(percent_of_limit));
    }
    let product = u64::from(percent_of_limit) * u64::from(ratio.numerator()) / u64::from(ratio.denominator());
    i32::try_from(product).map_err(|_| HpaTargetError::TooLarge { percent: percent_of_limit, ratio })
}
