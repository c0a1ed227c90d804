//! Shares, weight and quota.

use num_traits::ToPrimitive;

use super::WeightCurve;
use crate::{CPU, Explained, Quantity, Resources};

const FEWEST_SHARES: u64 = 2;
const MOST_SHARES: u64 = 262_144;
const SHARES_PER_CORE: u64 = 1024;
/// The kernel takes no smaller quota.
const SMALLEST_QUOTA_US: u64 = 1000;

/// `cpu.shares`: 1,024 a core of the request, or of the limit where nothing is said of a request.
pub(super) fn shares(requests: &Resources, limits: &Resources) -> Explained<u64> {
    let (amount, what) = match (requests.get(CPU), limits.get(CPU)) {
        (Some(request), _) => (request, "request"),
        (None, Some(limit)) => (limit, "limit"),
        (None, None) => {
            let because = "the fewest there are, for it says nothing of CPU".to_owned();
            return Explained { value: FEWEST_SHARES, because };
        }
    };
    let shares = millis(amount).saturating_mul(SHARES_PER_CORE) / 1000;
    let value = shares.clamp(FEWEST_SHARES, MOST_SHARES);
    let because = match value {
        FEWEST_SHARES if shares < FEWEST_SHARES => format!("the fewest there are, for a {what} of {amount}"),
        MOST_SHARES if shares > MOST_SHARES => format!("the most there are, for a {what} of {amount}"),
        _ => format!("{what} {amount} × 1024"),
    };
    Explained { value, because }
}

/// `cpu.weight` of shares.
pub(super) fn weight(shares: u64, curve: WeightCurve) -> Explained<u64> {
    match curve {
        WeightCurve::Linear => Explained {
            value: 1 + shares.saturating_sub(FEWEST_SHARES) * 9999 / 262_142,
            because: format!("1 + ({shares} - 2) × 9999 / 262142, the straight line of older runtimes"),
        },
        WeightCurve::Quadratic => Explained {
            value: quadratic(shares),
            because: format!(
                "ceil(10^((L² + 125 L)/612 - 7/34)), L = log2({shares}), the curve of newer runtimes"
            ),
        },
    }
}

/// The runtimes reckon in binary floating point, and so does this.
fn quadratic(shares: u64) -> u64 {
    match shares {
        0..=FEWEST_SHARES => 1,
        MOST_SHARES.. => 10_000,
        _ => {
            let l = shares.to_f64().unwrap_or(f64::MAX).log2();
            let exponent = l.mul_add(l, 125.0 * l) / 612.0 - 7.0 / 34.0;
            10_f64.powf(exponent).ceil().to_u64().unwrap_or(10_000)
        }
    }
}

/// Microseconds of CPU per period.
pub(super) fn quota(limit: &Quantity, period_us: u64) -> Explained<u64> {
    let exact = millis(limit).saturating_mul(period_us) / 1000;
    if exact < SMALLEST_QUOTA_US {
        let because = format!(
            "limit {limit} is {exact} µs of each {period_us} µs, raised to the {SMALLEST_QUOTA_US} µs that the \
             kernel takes at least"
        );
        return Explained { value: SMALLEST_QUOTA_US, because };
    }
    Explained { value: exact, because: format!("limit {limit} × {period_us} µs, in each {period_us} µs") }
}

fn millis(amount: &Quantity) -> u64 {
    amount.millis().to_u64().unwrap_or(u64::MAX)
}
