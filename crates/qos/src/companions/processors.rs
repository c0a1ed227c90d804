//! How many processors a runtime should believe in.

use num_bigint::BigInt;
use num_traits::ToPrimitive;

use crate::Quantity;

/// The number of processors that a container with this CPU limit should start threads for: the limit rounded up,
/// at least one; none where the limit is not above zero or beyond 65,536.
///
/// Runtimes that look at shares see the request instead, a tenth of it when sold ten times, and those that look
/// at the machine see all of it. Meant for `-XX:ActiveProcessorCount` and `GOMAXPROCS`.
pub fn processors(limit: &Quantity) -> Option<u32> {
    let most = BigInt::from(65_536);
    let count = limit.value();
    (limit.is_positive() && count <= most).then(|| count.to_u32()).flatten()
}
