//! How much tasks will use together at their peak.
//!
//! Source: Bashir et al., "Take it to the limit", `EuroSys` 2021: the larger of mean + N standard deviations of the
//! machine's use and the sum of the tasks' percentiles. Everything here is counted in whole numbers, so the
//! result is exact, rounded up to the unit: no floating point decides what is safe.

use std::collections::BTreeMap;

use num_bigint::BigUint;
use num_integer::Integer;
use serde::Serialize;

use super::{EvidenceError, TaskUsage};
use crate::Ratio;

/// How peaks are predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeakPolicy {
    /// How far back is looked, in seconds.
    pub window: u64,
    /// How long one interval is, in seconds; of several samples in one, the largest counts.
    pub interval: u64,
    /// Below so many intervals with samples a task is new, and counts its limit.
    pub warm_up: usize,
    /// N of mean + N × standard deviation.
    pub sigmas: Ratio,
    /// The percentile of each task, in thousandths.
    pub per_mille: u32,
    /// When the newest sample of a task is older than this, in seconds, it counts its request.
    pub stale_after: u64,
}

/// A predicted peak, in the unit of what was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Peak {
    /// The prediction; never above the sum of the limits.
    pub value: u64,
    /// Mean + N standard deviations of what the warm tasks use together.
    pub by_sigmas: u64,
    /// The sum of the warm tasks' percentiles.
    pub by_percentiles: u64,
    /// How many tasks have enough samples.
    pub warm: u64,
    /// How many are new and count their limits.
    pub cold: u64,
    /// How many are silent and count their requests.
    pub stale: u64,
    /// How it came about, for people.
    pub because: String,
}

/// Tasks that were never measured, and what each of them may use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Never {
    pub(super) tasks: u64,
    pub(super) limit: u64,
}

impl Default for PeakPolicy {
    /// Two hours of five-minute samples, five standard deviations, the 99th percentile, stale after 15 minutes.
    fn default() -> Self {
        Self {
            window: 7_200,
            interval: 300,
            warm_up: 24,
            sigmas: Ratio::constant(5, 1),
            per_mille: 990,
            stale_after: 900,
        }
    }
}

impl PeakPolicy {
    fn check(&self) -> Result<(), EvidenceError> {
        let refused = |field, rule| Err(EvidenceError::Policy { field, rule });
        if self.interval == 0 {
            return refused("the interval", "at least a second");
        }
        if self.window < self.interval {
            return refused("the window", "at least an interval");
        }
        if self.warm_up == 0 {
            return refused("the warm-up", "at least one sample");
        }
        if !(1..=1000).contains(&self.per_mille) {
            return refused("the percentile", "between 1 and 1000 thousandths");
        }
        Ok(())
    }

    /// Predicts what tasks on one machine, or in one pool, will use together at their peak.
    pub fn predict(&self, tasks: &[TaskUsage], now: u64) -> Result<Peak, EvidenceError> {
        self.predict_with(tasks, Never { tasks: 0, limit: 0 }, now, |amount| amount.to_string())
    }

    /// The same with so many tasks beside them that were never measured, in words of people who `show` amounts so.
    pub(super) fn predict_with(
        &self,
        tasks: &[TaskUsage],
        never: Never,
        now: u64,
        show: impl Fn(u128) -> String,
    ) -> Result<Peak, EvidenceError> {
        self.check()?;
        let (mut cold, mut stale) = (never.tasks, 0);
        let (mut promised, mut allowed) = (u128::from(never.tasks) * u128::from(never.limit), 0_u128);
        let mut warm: Vec<BTreeMap<u64, u64>> = Vec::new();
        for task in tasks {
            task.check(now)?;
            let silent = task.samples.last().is_some_and(|last| now - last.at > self.stale_after);
            let seen = self.intervals(task, now);
            if silent {
                stale += 1;
                promised += u128::from(task.request);
            } else if seen.len() < self.warm_up {
                cold += 1;
                promised += u128::from(task.limit);
            } else {
                allowed += u128::from(task.limit);
                warm.push(seen);
            }
        }
        let limit = narrow(&BigUint::from(allowed))?;
        let by_sigmas = narrow(&sigmas(&together(&warm), self.sigmas))?.min(limit);
        let by_percentiles = narrow(&warm.iter().map(|task| percentile(task, self.per_mille)).sum())?;
        let value = narrow(&(BigUint::from(by_sigmas.max(by_percentiles)) + promised))?;
        let measured = (!warm.is_empty())
            .then(|| self.in_words(warm.len(), &show(by_sigmas.into()), &show(by_percentiles.into())));
        let unheard: Vec<_> = [(cold, "new", "limit"), (stale, "silent", "request")]
            .into_iter()
            .filter(|(count, ..)| *count > 0)
            .map(|(count, what, counted)| match count {
                1 => format!("1 {what} pod at its {counted}"),
                _ => format!("{count} {what} pods at their {counted}s"),
            })
            .collect();
        let unheard =
            (!unheard.is_empty()).then(|| format!("{} for {}", show(promised), unheard.join(" and ")));
        let parts: Vec<_> = measured.into_iter().chain(unheard).collect();
        let because = if parts.is_empty() { "there are no pods".to_owned() } else { parts.join("; and ") };
        Ok(Peak { value, by_sigmas, by_percentiles, warm: warm.len() as u64, cold, stale, because })
    }

    fn in_words(&self, pods: usize, by_sigmas: &str, by_percentiles: &str) -> String {
        let Self { sigmas, per_mille, .. } = self;
        let pods = if pods == 1 { "1 measured pod".to_owned() } else { format!("{pods} measured pods") };
        let (whole, part) = (per_mille / 10, per_mille % 10);
        let percent = if part == 0 { whole.to_string() } else { format!("{whole}.{part}") };
        format!(
            "of {pods} the larger of mean + {sigmas} standard deviations of all together ({by_sigmas}) and the sum of what \
             each stays within for {percent} % of the time ({by_percentiles})"
        )
    }

    /// The largest use within each interval of the window, never above the limit.
    fn intervals(&self, task: &TaskUsage, now: u64) -> BTreeMap<u64, u64> {
        let mut seen = BTreeMap::new();
        for sample in task.samples.iter().rev().take_while(|sample| now - sample.at < self.window) {
            let value = sample.value.min(task.limit);
            let most = seen.entry(sample.at / self.interval).or_insert(value);
            *most = value.max(*most);
        }
        seen
    }
}

/// What all tasks use together in each interval; one that was not measured counts its largest.
fn together(tasks: &[BTreeMap<u64, u64>]) -> Vec<u128> {
    let mut sums: BTreeMap<u64, u128> = BTreeMap::new();
    let mut unmeasured = 0_u128;
    for task in tasks {
        let most = u128::from(task.values().copied().max().unwrap_or(0));
        unmeasured += most;
        // Everybody counts the largest everywhere; where there is a measurement, it takes that place.
        for (interval, value) in task {
            *sums.entry(*interval).or_insert(0) += most - u128::from(*value);
        }
    }
    sums.into_values().map(|saved| unmeasured - saved).collect()
}

/// The smallest whole number that is not below mean + N × standard deviation.
///
/// With the sum `S` and the sum of squares `Q` of `n` values, that is the least `p` with
/// `(n·p − S)² ≥ N²·(n·Q − S²)` and `n·p ≥ S`.
fn sigmas(values: &[u128], times: Ratio) -> BigUint {
    let count = BigUint::from(values.len());
    if values.is_empty() {
        return count;
    }
    let sum: BigUint = values.iter().sum();
    let squares: BigUint = values.iter().map(|value| BigUint::from(*value) * value).sum();
    let spread = &count * squares - &sum * &sum;
    let (above, below) = (BigUint::from(times.numerator()), BigUint::from(times.denominator()));
    let square = (&above * &above * spread).div_ceil(&(&below * &below));
    let root = square.sqrt();
    let root = if &root * &root < square { root + 1_u32 } else { root };
    (sum + root).div_ceil(&count)
}

/// The nearest-rank percentile: the smallest value that so many thousandths of all do not exceed.
fn percentile(task: &BTreeMap<u64, u64>, per_mille: u32) -> BigUint {
    let mut values: Vec<_> = task.values().copied().collect();
    values.sort_unstable();
    let rank = (values.len() as u128 * u128::from(per_mille)).div_ceil(1000).max(1);
    let place = usize::try_from(rank - 1).unwrap_or(usize::MAX);
    BigUint::from(values.get(place).copied().unwrap_or(0))
}

fn narrow(value: &BigUint) -> Result<u64, EvidenceError> {
    u64::try_from(value).map_err(|_| EvidenceError::TooLarge)
}
