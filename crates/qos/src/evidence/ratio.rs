//! The CPU ratio that what was used supports.
//!
//! Three tests, and each must hold over the last day as well as over all that is remembered:
//!
//! - a pool of `N` equal pods, each using a share `μ` of its limit on average with a standard deviation of `σ`, may be
//!   sold `k` times where `k·(μ + z·σ/√N) ≤ 1`;
//! - by measurement a rung of the ladder holds only for those whose mean is low enough;
//! - the predicted peak of the pods times `k` stays within their limits: that of the next hours, by what was used in the
//!   last two, and the sum of the pods' percentiles.
//!
//! All is decided in whole numbers, without rounding.

use num_bigint::BigUint;
use serde::Serialize;

use super::{EvidenceError, Heard, Peak, PeakPolicy, Sample, TaskUsage};
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
    /// Over how many seconds back each of mean and deviation must hold, and the peak too.
    pub spans: Vec<u64>,
    /// How peaks are predicted; its own window is one more span that the peak must hold over.
    pub peaks: PeakPolicy,
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
    /// The highest rung of the ladder that all tests allow; one where none does.
    pub ratio: Ratio,
    /// The highest ratio at which the pool stays below its capacity, in thousandths, rounded down; none where
    /// nothing was used, which supports any ratio.
    pub safe_thousandths: Option<u64>,
    /// The highest ratio at which the predicted peak stays within the limits, likewise.
    pub peak_thousandths: Option<u64>,
    /// The mean use in hundredths of a percent of the limit, rounded up: the larger one of the spans.
    pub mean_basis_points: u64,
    /// How it came about, for people.
    pub because: String,
}

/// What happens to pods of which it is not known what they use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unheard {
    /// They say nothing: by the others it is decided whether less is advised.
    LeftOut,
    /// They count as at their limits always: so it is decided whether more is advised.
    AtLimits,
}

/// What the heard pods of an application use, added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    limit: u64,
    heard: u64,
    unheard: u64,
    samples: usize,
    spans: Vec<Span>,
    peak: u64,
    /// The same, if nothing but what was used stood in its way.
    uncut: u64,
}

/// n, S and Q of a span: how many measurements, their sum, the sum of their squares.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Span {
    count: u64,
    sum: BigUint,
    squares: BigUint,
}

/// The same with the share that is asked about, all in the same unit.
#[derive(Debug)]
struct Sums {
    count: BigUint,
    sum: BigUint,
    squares: BigUint,
    limit: BigUint,
}

impl Default for RatioPolicy {
    /// The chance of a pool beyond its capacity below one in a thousand with 20 pods to a node, and the measured
    /// ladder: ten times for a mean of at most 3 percent, five times for at most 10, else twice; over the last day and
    /// the last eight.
    fn default() -> Self {
        let rung = |ratio, mean_percent| Rung { ratio: Ratio::constant(ratio, 1), mean_percent };
        Self {
            confidence: Ratio::constant(309, 100),
            pods_per_node: 20,
            rungs: vec![rung(10, 3), rung(5, 10), rung(2, 100)],
            spans: vec![86_400, 8 * 86_400],
            peaks: PeakPolicy::default(),
        }
    }
}

impl RatioPolicy {
    /// What the pods that are heard use of one resource, each capped at `limit`; none where too few are heard.
    pub fn pool(&self, limit: u64, heard: &Heard, now: u64) -> Result<Option<Pool>, EvidenceError> {
        self.check(limit)?;
        if !heard.is_enough() {
            return Ok(None);
        }
        let interval = self.peaks.interval.max(1);
        let mut spans = Vec::with_capacity(self.spans.len());
        let mut samples = 0;
        for span in &self.spans {
            let mut sums = Span { count: 0, sum: BigUint::ZERO, squares: BigUint::ZERO };
            for value in heard.warm.iter().flat_map(|pod| largest(pod, *span, interval, now)) {
                let value = value.min(limit);
                sums.count += 1;
                sums.sum += value;
                sums.squares += BigUint::from(value) * value;
            }
            samples = samples.max(usize::try_from(sums.count).unwrap_or(usize::MAX));
            spans.push(sums);
        }
        Ok(Some(Pool {
            limit,
            heard: heard.warm.len() as u64,
            unheard: heard.unheard(),
            samples,
            spans,
            peak: self.peak(&heard.warm, now)?,
            uncut: self.uncut_peak(&heard.warm, now)?,
        }))
    }

    /// The ratio that a pool supports, if all its pods used that many percent more than they did.
    pub fn supported(&self, pool: &Pool, unheard: Unheard, headroom_percent: u32) -> Supported {
        let fits = |rung: &&Rung| self.allows(pool, pool.limit, **rung, unheard, headroom_percent);
        let rung = self.rungs.iter().filter(fits).map(|rung| rung.ratio).max();
        let ratio = rung.unwrap_or(Ratio::ONE);
        let sums = pool.sums(pool.limit, unheard, headroom_percent);
        let used = || sums.iter().filter(|sums| sums.sum != BigUint::ZERO);
        let safe_thousandths = used().map(|sums| self.safe(sums)).min();
        let (peak, there) = pool.peak(pool.limit, unheard, headroom_percent);
        let peak_thousandths =
            (peak != BigUint::ZERO).then(|| u64::try_from(there * 1000_u32 / peak).unwrap_or(u64::MAX));
        let mean_basis_points = sums.iter().map(Sums::mean_basis_points).max().unwrap_or(0);
        let mut found = Supported {
            ratio,
            safe_thousandths,
            peak_thousandths,
            mean_basis_points,
            because: String::new(),
        };
        found.because = self.in_words(&found, pool);
        found
    }

    /// The smallest limit, in whole multiples of `step`, at which a pool supports at least that ratio; none where no
    /// limit would do, or the ladder does not reach so high.
    pub fn least_limit(
        &self,
        pool: &Pool,
        ratio: Ratio,
        unheard: Unheard,
        headroom_percent: u32,
        step: u64,
    ) -> Option<u64> {
        let whole = Rung { ratio: Ratio::ONE, mean_percent: 100 };
        let rungs = self.rungs.iter().copied().chain([whole]).filter(|rung| rung.ratio >= ratio);
        let rung = rungs.min_by_key(|rung| rung.ratio)?;
        let allowed = |steps: u64| {
            steps
                .checked_mul(step)
                .is_some_and(|limit| self.allows(pool, limit, rung, unheard, headroom_percent))
        };
        let (mut low, mut high) = (1_u64, 1_u64);
        while !allowed(high) {
            low = high;
            high = high.checked_mul(2).filter(|steps| steps.checked_mul(step).is_some())?;
        }
        while low < high {
            let middle = low + (high - low) / 2;
            if allowed(middle) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        high.checked_mul(step)
    }

    /// The peak that is predicted for tasks that are all heard: that of the predictor in its own window, and no less
    /// than the sum of their percentiles over any span. Deviations over days would count every night as a risk.
    pub(super) fn peak(&self, tasks: &[TaskUsage], now: u64) -> Result<u64, EvidenceError> {
        let mut peak = self.of_window(tasks, self.peaks.window, now)?.value;
        for span in &self.spans {
            peak = self.of_window(tasks, *span, now)?.by_percentiles.max(peak);
        }
        Ok(peak)
    }

    /// The same where no limit cuts the prediction, as a larger one would not; what was used is cut as ever.
    pub(super) fn uncut_peak(&self, tasks: &[TaskUsage], now: u64) -> Result<u64, EvidenceError> {
        let room = u64::MAX / (tasks.len() as u64).max(1);
        let uncut = tasks.iter().map(|task| {
            let cut = |sample: &Sample| Sample { value: sample.value.min(task.limit), ..*sample };
            TaskUsage { limit: room, request: 0, samples: task.samples.iter().map(cut).collect() }
        });
        self.peak(&uncut.collect::<Vec<_>>(), now)
    }

    /// The largest percentile of any single task over any of the spans.
    pub(super) fn largest_percentile<'a>(
        &self,
        tasks: impl Iterator<Item = &'a TaskUsage>,
        now: u64,
    ) -> Result<u64, EvidenceError> {
        let mut largest = 0;
        for task in tasks {
            for window in self.spans.iter().copied().chain([self.peaks.window]) {
                let found = self.of_window(std::slice::from_ref(task), window, now)?;
                largest = found.by_percentiles.max(largest);
            }
        }
        Ok(largest)
    }

    fn of_window(&self, tasks: &[TaskUsage], window: u64, now: u64) -> Result<Peak, EvidenceError> {
        PeakPolicy { window, warm_up: 1, stale_after: window, ..self.peaks }.predict(tasks, now)
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

    /// Whether all tests allow a rung, if the pods had that limit.
    fn allows(&self, pool: &Pool, limit: u64, rung: Rung, unheard: Unheard, headroom_percent: u32) -> bool {
        let (p, q) = (u64::from(rung.ratio.numerator()), u64::from(rung.ratio.denominator()));
        let (peak, there) = pool.peak(limit, unheard, headroom_percent);
        let spans = pool.sums(limit, unheard, headroom_percent);
        peak * p <= there * q
            && spans.iter().all(|sums| {
                // What is not sold twice need not share a node.
                rung.ratio.is_one() || sums.mean_within(rung.mean_percent) && self.holds(sums, p, q)
            })
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

    fn in_words(&self, found: &Supported, pool: &Pool) -> String {
        let Self { confidence, pods_per_node, .. } = self;
        let Pool { samples, heard, .. } = pool;
        let times = |most: u64| format!("up to {}.{:03}", most / 1000, most % 1000);
        let safe = found
            .safe_thousandths
            .map_or_else(|| "any number of times".to_owned(), |most| format!("{} times", times(most)));
        let peak = found.peak_thousandths.map_or_else(|| "any ratio".to_owned(), times);
        let confidence = confidence.in_decimals();
        let pods = if *heard == 1 { "pod" } else { "pods" };
        let (whole, part) = (found.mean_basis_points / 100, found.mean_basis_points % 100);
        format!(
            "{samples} samples of {heard} {pods} use {whole}.{part:02} % of the limit on average; sold {safe}, what \
             {pods_per_node} such pods use stays {confidence} standard deviations below what their node has, and the \
             predicted peak allows {peak}; the highest ratio of the ladder that all of it allows is {}",
            found.ratio
        )
    }
}

impl Pool {
    /// Of how many pods it is known what they use.
    pub fn heard(&self) -> u64 {
        self.heard
    }

    /// The predicted peak of these pods together.
    pub fn predicted_peak(&self) -> u64 {
        self.peak
    }

    /// The sums of each span. Each sample counts as often as there are heard pods, so that an unheard one, which counts
    /// as one of them with all its samples at the limit, is a whole number of samples too; all in hundredths.
    fn sums(&self, limit: u64, unheard: Unheard, headroom_percent: u32) -> Vec<Sums> {
        let factor = 100 + u64::from(headroom_percent);
        let limit = BigUint::from(limit) * 100_u32;
        let beside = self.beside(unheard);
        let of = |span: &Span| {
            let filled = BigUint::from(span.count) * beside;
            Sums {
                count: BigUint::from(span.count) * self.heard + &filled,
                sum: &span.sum * self.heard * factor + &filled * &limit,
                squares: &span.squares * self.heard * factor * factor + filled * &limit * &limit,
                limit: limit.clone(),
            }
        };
        self.spans.iter().map(of).collect()
    }

    /// The predicted peak and what there is for it, in hundredths. Under a larger limit more may be used, though no more
    /// than that.
    fn peak(&self, limit: u64, unheard: Unheard, headroom_percent: u32) -> (BigUint, BigUint) {
        let each = BigUint::from(limit) * 100_u32;
        let beside = self.beside(unheard);
        let peak = if limit > self.limit {
            BigUint::from(self.uncut).min(BigUint::from(limit) * self.heard)
        } else {
            BigUint::from(self.peak)
        };
        let peak = peak * (100 + u64::from(headroom_percent)) + &each * beside;
        (peak, each * (BigUint::from(self.heard) + beside))
    }

    fn beside(&self, unheard: Unheard) -> u64 {
        match unheard {
            Unheard::LeftOut => 0,
            Unheard::AtLimits => self.unheard,
        }
    }
}

/// The largest use of a pod within each interval of the last so many seconds.
fn largest(pod: &TaskUsage, span: u64, interval: u64, now: u64) -> impl Iterator<Item = u64> {
    let recent = pod.samples.iter().rev().take_while(move |sample| now - sample.at < span);
    let mut found: Vec<(u64, u64)> = Vec::new();
    for sample in recent {
        let own = sample.at / interval;
        match found.last_mut() {
            Some((before, most)) if *before == own => *most = sample.value.max(*most),
            _ => found.push((own, sample.value)),
        }
    }
    found.into_iter().map(|(_, value)| value)
}

impl Sums {
    fn mean_within(&self, percent: u32) -> bool {
        &self.sum * 100_u32 <= &self.count * &self.limit * percent
    }

    fn mean_basis_points(&self) -> u64 {
        let of = &self.count * &self.limit;
        if of == BigUint::ZERO {
            return 0;
        }
        u64::try_from((&self.sum * 10_000_u32 + &of - 1_u32) / of).unwrap_or(u64::MAX)
    }
}
