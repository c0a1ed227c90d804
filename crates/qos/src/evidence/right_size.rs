//! The size that what was used asks for, and what it saves.
//!
//! A limit is to hold the peaks, and the request that follows from it is to hold what was predicted: only then may the
//! node sell the rest. So the size is found for the terms that hold once everything that is advised has been followed.

use serde::Serialize;

use super::ratio::{Pool, RatioPolicy, Unheard};
use super::{EvidenceError, Heard, TaskUsage, recommend_cpu, recommend_memory};
use crate::quantity::Integer;
use crate::{Amounts, Quantity, Ratio, Resources, Terms, requests};

/// Below this difference, in percent of what stands, nothing else is advised.
const WORTH_IT: u32 = 10;
/// Memory holds the largest use that was seen and so many percent of it: what does not fit is killed.
const MEMORY_MARGIN: u64 = 15;
/// Nano-cores in a thousandth of a core.
const MILLI: u64 = 1_000_000;
/// Bytes in a Mi.
const MEBI: u64 = 1 << 20;

/// Another size, and what it saves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RightSize {
    /// The limits that are advised.
    pub size: Amounts,
    /// What these request once all that is advised has been followed.
    pub requests: Amounts,
    /// What all replicas request less then than now; below zero where they need more.
    pub saving: Resources,
    /// How it came about, for people.
    pub because: String,
}

/// What a size is found for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizing<'a> {
    pub(super) ratios: &'a RatioPolicy,
    pub(super) headroom_percent: u32,
    pub(super) now: u64,
    /// The size that stands.
    pub(super) limit: &'a Amounts,
    /// The same in nano-cores and bytes.
    pub(super) cpu_limit: u64,
    pub(super) memory_limit: u64,
    /// What it is sold at, and what it will be once all else that is advised has been followed.
    pub(super) terms: Terms,
    pub(super) after: Terms,
    /// The grade then.
    pub(super) grade: &'a str,
    /// The use must fit the terms then, even where the size would be about right otherwise.
    pub(super) must_fit: bool,
    pub(super) replicas: u32,
    pub(super) cpu: &'a Heard,
    pub(super) pool: Option<&'a Pool>,
    pub(super) memory: &'a Heard,
}

/// The bounds of a limit, in the unit of its resource, and what they are for.
#[derive(Debug)]
struct Bounds {
    /// Below this it is too small.
    least: u64,
    /// Beyond this it is too large; none where it cannot be told.
    most: Option<u64>,
    /// Less than this is never advised, whatever the recommendation says.
    floor: u64,
    because: String,
}

/// The size that the use of an application's pods asks for; none without evidence, or where it is about right.
pub(super) fn right_size(sizing: &Sizing<'_>) -> Result<Option<RightSize>, EvidenceError> {
    let Sizing { limit, terms, after, grade, replicas, .. } = *sizing;
    let (mut said, mut size) = (Vec::new(), limit.clone());
    if let Some(bounds) = sizing.cpu()? {
        let to = bounds.fit(sizing.cpu_limit, sizing.must_fit).map(|nanos| nanos.div_ceil(MILLI));
        said.push(change("cpu", &mut size.cpu, to.map(Quantity::from_millis), &bounds.because));
    }
    if let Some(bounds) = sizing.memory()? {
        let must_fit = sizing.must_fit && after.memory > terms.memory;
        let to = bounds.fit(sizing.memory_limit, must_fit).map(|bytes| bytes.div_ceil(MEBI));
        said.push(change("memory", &mut size.memory, to.map(Quantity::from_mebibytes), &bounds.because));
    }
    if size == *limit {
        return Ok(None);
    }
    let (now, then) = (requests(limit, grade, &terms).amounts(), requests(&size, grade, &after).amounts());
    let saved = |now: &Quantity, then: &Quantity| {
        let each = now - then;
        let all = each.integer().times(&Integer::from(i128::from(replicas)));
        Quantity::from_nanos(all, each.format())
    };
    let saving =
        Resources::from([("cpu", saved(&now.cpu, &then.cpu)), ("memory", saved(&now.memory, &then.memory))]);
    Ok(Some(RightSize { size, requests: then, saving, because: said.join("; ") }))
}

impl Sizing<'_> {
    fn cpu(&self) -> Result<Option<Bounds>, EvidenceError> {
        let fresh: Vec<TaskUsage> = self.cpu.fresh().cloned().collect();
        let (Some(pool), Some(recommended)) = (self.pool, recommend_cpu(&fresh)) else { return Ok(None) };
        let raised = self.after.cpu > self.terms.cpu;
        let least_for = |ratio: Ratio| {
            let unheard = if raised { Unheard::AtLimits } else { Unheard::LeftOut };
            self.ratios.least_limit(pool, ratio, unheard, self.headroom_percent, MILLI)
        };
        let Some(supporting) = least_for(self.after.cpu) else { return Ok(None) };
        // Where the use does not suit the ratio, that is the first question, and the size the second.
        if supporting > self.cpu_limit && !self.must_fit {
            return Ok(None);
        }
        let peaks = self.ratios.largest_percentile(self.cpu.fresh(), self.now)?;
        let floor = supporting.max(peaks);
        let either = least_for(self.after.cpu.max(self.terms.cpu)).map(|least| least.max(peaks));
        let (target, upper) =
            (recommended.target.saturating_mul(MILLI), recommended.upper.saturating_mul(MILLI));
        let suits = match self.after.cpu {
            Ratio::ONE => "holds the predicted peak".to_owned(),
            ratio => format!("may be sold {ratio} times"),
        };
        let because = format!(
            "95 % of what was seen take {} with a margin (90 %: {}), and {} is the least that {suits}",
            Quantity::from_millis(recommended.upper),
            Quantity::from_millis(recommended.target),
            Quantity::from_millis(floor.div_ceil(MILLI))
        );
        let most = either.map(|least| least.max(upper)).filter(|_| self.cpu.is_complete());
        Ok(Some(Bounds { least: target.max(floor), most, floor, because }))
    }

    fn memory(&self) -> Result<Option<Bounds>, EvidenceError> {
        let fresh: Vec<TaskUsage> = self.memory.fresh().cloned().collect();
        let Some(recommended) = recommend_memory(&fresh).filter(|_| self.memory.is_enough()) else {
            return Ok(None);
        };
        let (floor, peak) = self.least_memory(self.after.memory)?;
        let either = self.least_memory(self.after.memory.max(self.terms.memory))?.0;
        let shown = |bytes: u64| Quantity::from_mebibytes(bytes.div_ceil(MEBI));
        let because = format!(
            "95 % of what was seen take {} with a margin (90 %: {}), and {} is the least of which the request holds the \
             predicted peak of {} each",
            shown(recommended.upper),
            shown(recommended.target),
            shown(floor),
            shown(peak)
        );
        let most = Some(either.max(recommended.upper)).filter(|_| self.memory.is_complete());
        Ok(Some(Bounds { least: recommended.target.max(floor), most, floor, because }))
    }

    /// The least memory limit of which so many times may be sold, and the predicted peak of a pod.
    fn least_memory(&self, ratio: Ratio) -> Result<(u64, u64), EvidenceError> {
        least_memory(self.ratios, self.memory, ratio, self.now)
    }
}

/// The least memory limit at which pods may be sold so many times: it holds the largest use that was seen, with a
/// margin, and its request the predicted peak; and that peak of one pod.
pub(super) fn least_memory(
    ratios: &RatioPolicy,
    memory: &Heard,
    ratio: Ratio,
    now: u64,
) -> Result<(u64, u64), EvidenceError> {
    let seen = memory.fresh().flat_map(|pod| &pod.samples).map(|sample| sample.value).max().unwrap_or(0);
    let pods = memory.warm.len().max(1) as u64;
    let sold = |peak: u64| {
        let each = u128::from(peak.div_ceil(pods));
        (each * u128::from(ratio.numerator())).div_ceil(u128::from(ratio.denominator()))
    };
    let stands = memory.warm.first().map_or(0, |pod| pod.limit);
    let peak = ratios.peak(&memory.warm, now)?;
    // Under a larger limit a larger peak is predicted.
    let peak = if sold(peak) > u128::from(stands) { ratios.uncut_peak(&memory.warm, now)? } else { peak };
    let with_margin = (u128::from(seen) * u128::from(100 + MEMORY_MARGIN)).div_ceil(100);
    let least = u64::try_from(sold(peak).max(with_margin)).map_err(|_| EvidenceError::TooLarge)?;
    Ok((least, peak.div_ceil(pods)))
}

impl Bounds {
    /// The limit to have instead of that one; none where it is about right.
    fn fit(&self, limit: u64, must_fit: bool) -> Option<u64> {
        let differs =
            |other: u64| u128::from(limit.abs_diff(other)) * 100 > u128::from(limit) * u128::from(WORTH_IT);
        if limit < self.floor && must_fit || limit < self.least && differs(self.least) {
            return Some(self.least);
        }
        self.most.filter(|most| *most < limit && differs(*most))
    }
}

/// What is said of one resource, whose limit becomes that one.
fn change(what: &str, limit: &mut Quantity, to: Option<Quantity>, because: &str) -> String {
    let Some(to) = to.filter(|to| to != limit) else { return format!("{what} {limit} is about right") };
    let said = format!("{what} {limit} → {to}: {because}");
    *limit = to;
    said
}
