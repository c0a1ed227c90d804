//! The bounds of a container's memory.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::ToPrimitive;

use super::{Machine, MemoryReservation, bytes, memory_request, share};
use crate::{Container, Explained, MEMORY, Pod, QosClass, Quantity};

pub(super) struct Bounds {
    pub(super) high: Option<Explained<u64>>,
    pub(super) min: Option<Explained<u64>>,
    pub(super) low: Option<Explained<u64>>,
}

/// `memory.max`.
pub(super) fn max(limit: &Quantity) -> Explained<u64> {
    Explained { value: bytes(limit), because: format!("limit {limit}") }
}

pub(super) fn bounds(container: &Container, pod: &Pod, class: QosClass, machine: &Machine) -> Bounds {
    let request = memory_request(&container.resources.requests);
    let kept = |because: &str| Some(Explained { value: request, because: because.to_owned() });
    let (min, low) = match (machine.memory_reservation, class) {
        (MemoryReservation::TieredReservation, _) if request == 0 => (None, None),
        (MemoryReservation::TieredReservation, QosClass::Guaranteed) => (kept("request, Guaranteed"), None),
        (MemoryReservation::TieredReservation, _) => (None, kept("request, Burstable")),
        (MemoryReservation::None, _) => (None, None),
    };
    Bounds { high: high(container, pod, machine), min, low }
}

/// `memory.high`: between request and limit, at the factor's share of the way, in whole pages.
fn high(container: &Container, pod: &Pod, machine: &Machine) -> Option<Explained<u64>> {
    let factor = machine.memory_throttling_factor.as_ref()?;
    let request = container.resources.requests.amount(MEMORY);
    let own = container.resources.limits.positive(MEMORY);
    let (limit, what) = match own {
        Some(limit) if limit == request => return None,
        Some(limit) => (limit, "limit"),
        // The bound of the pod as a whole slows its containers down.
        None if pod.resources.as_ref().is_some_and(|whole| whole.limits.positive(MEMORY).is_some()) => {
            return None;
        }
        None => (machine.allocatable(), "allocatable memory of the node"),
    };
    let (low, high) = (BigInt::from(bytes(request)), BigInt::from(bytes(limit)));
    let nano = BigInt::from(1_000_000_000);
    let exact = &low * &nano + (high - &low) * factor.nanos();
    let page = BigInt::from(machine.page_bytes);
    let value = (exact.div_floor(&(nano * &page)) * page).to_u64()?;
    (value > bytes(request)).then(|| Explained {
        value,
        because: format!(
            "request {request} + {} × ({what} {limit} - request), in whole pages",
            share(factor)
        ),
    })
}
