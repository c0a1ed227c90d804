//! The CPU ratio that what was used supports.
//!
//! A pool of `N` equal pods, each using a share `μ` of its limit on average with a standard deviation of `σ`, may
//! be sold `k` times where `k·(μ + z·σ/√N) ≤ 1`; and by measurement a rung of the ladder holds only for those whose
//! mean is low enough. Both are decided in whole numbers, without rounding.

use num_bigint::BigUint;
use serde::Serialize;

use super::{EvidenceError, TaskUsage};
use crate::Ratio;

/// What a ratio takes to be supported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RatioPolicy {
    /// z: how many standard deviations the pool must stay below its capacity.
    pub confidence: Ratio,
    /// N: how many such pods share a node. Fewer pods level each other out less.
    pub pods_per_node: u32,
    /// The ladder, from the highest ratio down, each with the highest mean use in percent of the limit.
    pub rungs: Vec<Rung>,
    /// How many samples it takes to say anything.
    pub warm_up: usize,
}

/// A ratio, and how busy those may be to whom it applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// The ratio.
    pub ratio: Ratio,
    /// The highest mean use, in percent of the limit.
    pub mean_percent: u32,
}

/// The ratio that what was used supports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Supported {
    /// The highest rung of the ladder that both tests allow; one where none does.
    pub ratio: Ratio,
    /// The highest ratio at which the pool stays below its capacity, in thousandths, rounded down; none where
    /// nothing was used, which supports any ratio.
    pub safe_thousandths: Option<u64>,
    /// The mean use in hundredths of a percent of the limit, rounded up.
    pub mean_basis_points: u64,
    /// How it came about, for people.
    pub because: String,
}

/// Sums over all samples, each capped at its limit.
#[derive(Debug)]
struct Sums {
    /// n, S and Q: how many, their sum, the sum of their squares.
    count: BigUint,
    sum: BigUint,
    squares: BigUint,
    limit: BigUint,
}

impl Default for RatioPolicy {
    /// 3.09 standard deviations (one interval in a thousand), 20 pods on a node, and the ladder that was measured:
    /// ten times up to 3 percent, five times up to 10, twice above; a day of five-minute samples.
    fn default() -> Self {
        let rung = |ratio, mean_percent| Rung { ratio: Ratio::constant(ratio, 1), mean_percent };
        Self {
            confidence: Ratio::constant(309, 100),
            pods_per_node: 20,
            rungs: vec![rung(10, 3), rung(5, 10), rung(2, 100)],
            warm_up: 288,
        }
    }
}

impl RatioPolicy {
    /// The ratio that the use of an application's pods supports, if there is evidence enough.
    ///
    /// All pods have the same limit. With `headroom_percent` the use counts as so much higher than it was: what is
    /// to be raised must be supported with room to spare.
    pub fn supported(
        &self,
        limit: u64,
        pods: &[TaskUsage],
        headroom_percent: u32,
    ) -> Result<Option<Supported>, EvidenceError> {
        self.check(limit)?;
        let samples = pods.iter().flat_map(|pod| &pod.samples).map(|sample| sample.value.min(limit));
        let (mut count, mut sum, mut squares) = (0_usize, BigUint::ZERO, BigUint::ZERO);
        for value in samples {
            count += 1;
            sum += value;
            squares += BigUint::from(value) * value;
        }
        if count < self.warm_up.max(1) {
            return Ok(None);
        }
        // Use times (100 + headroom), limit times 100.
        let factor = 100 + u64::from(headroom_percent);
        let sums = Sums {
            count: BigUint::from(count),
            sum: sum * factor,
            squares: squares * factor * factor,
            limit: BigUint::from(limit) * 100_u32,
        };
        let allowed = |rung: &&Rung| {
            sums.mean_within(rung.mean_percent)
                && self.holds(&sums, u64::from(rung.ratio.numerator()), u64::from(rung.ratio.denominator()))
        };
        let rung = self.rungs.iter().filter(allowed).map(|rung| rung.ratio).max();
        let ratio = rung.unwrap_or(Ratio::ONE);
        let safe_thousandths = (sums.sum != BigUint::ZERO).then(|| self.safe(&sums));
        let mean_basis_points = sums.mean_basis_points();
        let because = self.in_words(ratio, safe_thousandths, mean_basis_points, count);
        Ok(Some(Supported { ratio, safe_thousandths, mean_basis_points, because }))
    }

    fn check(&self, limit: u64) -> Result<(), EvidenceError> {
        if limit == 0 {
            return Err(EvidenceError::Policy { field: "the limit", rule: "above zero" });
        }
        if self.pods_per_node == 0 {
            return Err(EvidenceError::Policy { field: "the pods per node", rule: "at least one" });
        }
        Ok(())
    }

    /// Whether `k·(μ + z·σ/√N) ≤ 1` for k = p/q: `p²·z²·(n·Q − S²) ≤ N·(q·n·L − p·S)²` and `p·S ≤ q·n·L`.
    fn holds(&self, sums: &Sums, p: u64, q: u64) -> bool {
        let (used, there) = (&sums.sum * p, &sums.count * &sums.limit * q);
        if used > there {
            return false;
        }
        let spread = &sums.count * &sums.squares - &sums.sum * &sums.sum;
        let (above, below) = (self.confidence.numerator(), self.confidence.denominator());
        let room = there - used;
        let left = spread * p * p * above * above;
        let right = &room * &room * below * below * self.pods_per_node;
        left <= right
    }

    /// The highest ratio that holds, in thousandths.
    fn safe(&self, sums: &Sums) -> u64 {
        // The mean alone allows no more than this.
        let most = &sums.count * &sums.limit * 1000_u32 / &sums.sum;
        let (mut low, mut high) = (0_u64, u64::try_from(most).unwrap_or(u64::MAX));
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if self.holds(sums, middle, 1000) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        low
    }

    fn in_words(&self, ratio: Ratio, safe: Option<u64>, mean: u64, count: usize) -> String {
        let Self { confidence, pods_per_node, .. } = self;
        let safe = match safe {
            Some(safe) => format!("up to {}.{:03} stays", safe / 1000, safe % 1000),
            None => "any ratio stays".to_owned(),
        };
        let (whole, part) = (mean / 100, mean % 100);
        format!(
            "{count} samples use {whole}.{part:02} % of the limit on average; with {pods_per_node} pods on a node \
             {safe} {confidence} standard deviations below what there is; the highest ratio of the ladder that both \
             allow is {ratio}"
        )
    }
}

impl Sums {
    fn mean_within(&self, percent: u32) -> bool {
        &self.sum * 100_u32 <= &self.count * &self.limit * percent
    }

    fn mean_basis_points(&self) -> u64 {
        let of = &self.count * &self.limit;
        u64::try_from((&self.sum * 10_000_u32 + &of - 1_u32) / of).unwrap_or(u64::MAX)
    }
}
