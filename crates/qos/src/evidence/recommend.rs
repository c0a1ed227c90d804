//! What the Vertical Pod Autoscaler's recommender would say, with its constants.
//!
//! Source: `kubernetes/autoscaler` `vertical-pod-autoscaler/pkg/recommender/{logic,model}`. Floating point stays
//! in here; what comes out is rounded up to whole thousandths of a core and whole bytes.

use serde::Serialize;

use super::{DecayingHistogram, EvidenceError, Sample, TaskUsage};

/// A day, in seconds.
const DAY: f64 = 86_400.0;
/// What is added to every recommendation.
const MARGIN: f64 = 1.15;
/// The percentiles of the target and of its lower and upper bound.
const TARGET: f64 = 0.9;
const LOWER: f64 = 0.5;
const UPPER: f64 = 0.95;
/// No pod is told to have less: thousandths of a core, and bytes.
const LEAST_CPU: u64 = 25;
const LEAST_MEMORY: u64 = 250 << 20;
/// The weight of one sample of CPU, and of one peak of memory.
const CPU_WEIGHT: f64 = 0.1;
const MEMORY_WEIGHT: f64 = 1.0;

/// How much of one resource a pod should have: thousandths of a core, or bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Recommendation {
    /// What is sure to be too little below this.
    pub lower: u64,
    /// What fits.
    pub target: u64,
    /// What is sure to be too much above this.
    pub upper: u64,
}

/// How much CPU a pod should have, from what it and its like used, in nano-cores; none without samples.
pub fn recommend_cpu(pods: &[TaskUsage]) -> Option<Recommendation> {
    let mut histogram = DecayingHistogram::cpu();
    for sample in pods.iter().flat_map(|pod| &pod.samples) {
        histogram.add(float(sample.value) / 1e9, CPU_WEIGHT, float(sample.at));
    }
    recommend(&histogram, days(pods), 1e3, LEAST_CPU)
}

/// How much memory a pod should have, from what it and its like used, in bytes: the peaks of whole days count;
/// none without samples.
pub fn recommend_memory(pods: &[TaskUsage]) -> Option<Recommendation> {
    let mut histogram = DecayingHistogram::memory();
    for peak in pods.iter().flat_map(|pod| daily_peaks(&pod.samples)) {
        histogram.add(float(peak.value), MEMORY_WEIGHT, float(peak.at));
    }
    recommend(&histogram, days(pods), 1.0, LEAST_MEMORY)
}

/// What memory is recommended after it ran out at that much: a fifth more, and at least 100 Mi more.
pub fn after_out_of_memory(used: u64) -> Result<u64, EvidenceError> {
    let fifth = used.checked_add(used.div_ceil(5));
    let least = used.checked_add(100 << 20);
    fifth.zip(least).map(|(fifth, least)| fifth.max(least)).ok_or(EvidenceError::TooLarge)
}

/// How much wider the upper bound is while only so many days were seen.
pub fn upper_factor(days: f64) -> f64 {
    1.0 + 1.0 / days
}

/// How much narrower the lower bound is while only so many days were seen.
pub fn lower_factor(days: f64) -> f64 {
    (1.0 + 0.001 / days).powi(-2)
}

/// The largest use within each 24 hours, counted back from the newest sample, and the last eight of them.
fn daily_peaks(samples: &[Sample]) -> Vec<Sample> {
    let Some(newest) = samples.last() else { return Vec::new() };
    let mut peaks: Vec<Sample> = Vec::new();
    let mut day = None;
    for sample in samples.iter().rev() {
        let own = newest.at.saturating_sub(sample.at) / 86_400;
        if own >= 8 {
            break;
        }
        match peaks.last_mut().filter(|_| day == Some(own)) {
            Some(peak) if sample.value > peak.value => peak.value = sample.value,
            Some(_) => {}
            None => peaks.push(*sample),
        }
        day = Some(own);
    }
    peaks.reverse();
    peaks
}

fn recommend(histogram: &DecayingHistogram, days: f64, units: f64, least: u64) -> Option<Recommendation> {
    if histogram.is_empty() {
        return None;
    }
    let whole = |share: f64, factor: f64| -> u64 {
        ceil(histogram.percentile(share) * MARGIN * factor * units).max(least)
    };
    Some(Recommendation {
        lower: whole(LOWER, lower_factor(days)),
        target: whole(TARGET, 1.0),
        upper: whole(UPPER, upper_factor(days)),
    })
}

/// How many days the samples of the pod that was seen longest span, at least a minute: many pods that were seen for an
/// hour each were seen for an hour.
fn days(pods: &[TaskUsage]) -> f64 {
    let span = |pod: &TaskUsage| {
        let at = || pod.samples.iter().map(|sample| sample.at);
        at().min().zip(at().max()).map_or(0, |(first, last)| last - first)
    };
    float(pods.iter().map(span).max().unwrap_or(0).max(60)) / DAY
}

#[expect(clippy::cast_precision_loss, reason = "a predictor; buckets are five percent wide")]
fn float(value: u64) -> f64 {
    value as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float as an integer saturates, and what is below zero is 0"
)]
fn ceil(value: f64) -> u64 {
    value.ceil() as u64
}
