//! The machine that a pod runs on, as far as its kubelet's arithmetic goes.

use serde::{Deserialize, Serialize};

use super::NodeViewError;
use crate::Quantity;

/// A machine and the settings of its kubelet; absent fields are Kubernetes' defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Machine {
    /// All its memory (`status.capacity.memory`).
    pub memory: Quantity,
    /// What its pods may have of it (`status.allocatable.memory`); all of it where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocatable_memory: Option<Quantity>,
    /// How the runtime makes weights of shares.
    #[serde(default)]
    pub weight_curve: WeightCurve,
    /// The kubelet's `cpuCFSQuotaPeriod`, in microseconds.
    #[serde(default = "default_period")]
    pub cpu_period_us: u64,
    /// The kubelet's `memoryThrottlingFactor` (KEP-2570): a share above 0 and up to 1; absent is off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_throttling_factor: Option<Quantity>,
    /// The kubelet's `memoryReservationPolicy` (KEP-2570).
    #[serde(default)]
    pub memory_reservation: MemoryReservation,
    /// Bytes of a page.
    #[serde(default = "default_page")]
    pub page_bytes: u64,
}

/// How a container runtime makes `cpu.weight` of `cpu.shares`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WeightCurve {
    /// A straight line: runc before 1.3.2, crun before 1.23.
    Linear,
    /// A curve through 1, 100 and 10,000, which brings small and large closer together: the newer ones.
    #[default]
    Quadratic,
}

/// Which part of its request the kernel keeps for a container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum MemoryReservation {
    /// None.
    #[default]
    None,
    /// All of it: for Guaranteed pods in any case, for Burstable ones while others have some to give.
    TieredReservation,
}

fn default_period() -> u64 {
    100_000
}

fn default_page() -> u64 {
    4096
}

impl Machine {
    /// A machine with so much memory and Kubernetes' defaults.
    pub fn with_memory(memory: Quantity) -> Self {
        Self {
            memory,
            allocatable_memory: None,
            weight_curve: WeightCurve::default(),
            cpu_period_us: default_period(),
            memory_throttling_factor: None,
            memory_reservation: MemoryReservation::default(),
            page_bytes: default_page(),
        }
    }

    pub(super) fn allocatable(&self) -> &Quantity {
        self.allocatable_memory.as_ref().unwrap_or(&self.memory)
    }

    pub(super) fn check(&self) -> Result<(), NodeViewError> {
        for memory in [&self.memory, self.allocatable()] {
            if *memory < Quantity::from_mebibytes(1) || memory.millis_i64().is_none() {
                return Err(NodeViewError::NoMemory(memory.clone()));
            }
        }
        if !self.page_bytes.is_power_of_two() || self.page_bytes > 1 << 30 {
            return Err(NodeViewError::NoPage(self.page_bytes));
        }
        if !(1_000..=1_000_000).contains(&self.cpu_period_us) {
            return Err(NodeViewError::PeriodOutOfRange(self.cpu_period_us));
        }
        match &self.memory_throttling_factor {
            Some(factor) if !factor.is_positive() || *factor > Quantity::from_units(1) => {
                Err(NodeViewError::FactorOutOfRange(factor.clone()))
            }
            _ => Ok(()),
        }
    }
}
