//! Advice for applications from what they used, as programs and files ask for it. A person makes a Release of it.

use serde::{Deserialize, Serialize};

use super::{
    EvidenceError, Hysteresis, Peak, PeakPolicy, RatioPolicy, RightSize, Sample, Standing, Supported,
    TaskUsage, right_size,
};
use crate::{Amounts, GradeName, Policy, Quantity, Ratio, Resources, Terms, requests};

/// What should these applications be sold as, and how large should they be?
///
/// ```json
/// {"now": 1790000000, "apps": [{"namespace": "demo", "name": "shop", "grade": "general-2", "replicas": 3,
///   "size": {"cpu": "2", "memory": "4Gi"},
///   "pods": [{"cpu": {"end": 1790000000, "interval": 300, "values": ["35m", "41m", null]},
///             "memory": {"end": 1790000000, "interval": 300, "values": ["1Gi", "1100Mi", "1Gi"]}}]}]}
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdviseRequest {
    /// The time, in seconds since 1970.
    pub now: u64,
    /// The applications.
    pub apps: Vec<AppUsage>,
    /// The grades that there are; Plimsoll's own where it is left out.
    #[serde(default)]
    pub policy: Policy,
}

/// An application and what its pods used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppUsage {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The grade that it has.
    pub grade: GradeName,
    /// The terms that its Release was made with; without them, those of the grade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<Terms>,
    /// The limits of a pod.
    pub size: Amounts,
    /// How many pods are ordered.
    pub replicas: u32,
    /// What its pods used.
    pub pods: Vec<PodUsage>,
    /// What was answered last time; without it, the advice begins with what the application has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
}

/// What a pod used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PodUsage {
    /// Cores.
    pub cpu: Series,
    /// Bytes.
    pub memory: Series,
}

/// Measurements at equal distances.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Series {
    /// When the last one was taken, in seconds since 1970.
    pub end: u64,
    /// How many seconds lie between two.
    pub interval: u64,
    /// The measurements, the oldest first; `null` where there is none.
    pub values: Vec<Option<Quantity>>,
}

/// Advice for applications.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AdviseAnswer {
    /// The applications, in the order in which they were asked about.
    pub apps: Vec<AppAdvice>,
    /// What all that is advised about sizes saves of what is requested; below zero where more is needed.
    pub saving: Resources,
}

/// Advice for an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AppAdvice {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The grade that it has.
    pub grade: GradeName,
    /// The CPU ratio that it is sold at.
    pub ratio: Ratio,
    /// What its use supports today; absent without evidence enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supported: Option<Supported>,
    /// The ratio that it may be counted at: what it is sold at, and no more than what is advised.
    pub effective_ratio: Ratio,
    /// The grade that is advised, if another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advised_grade: Option<GradeName>,
    /// To be handed back with the next look.
    pub standing: Standing,
    /// What all its pods will use together at their peak, in nano-cores.
    pub peak_cpu: Peak,
    /// The same of memory, in bytes.
    pub peak_memory: Peak,
    /// Another size, if it is worth one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub right_size: Option<RightSize>,
    /// The advice in words.
    pub because: String,
}

/// Advises by the default policies: ladder and confidence, a week to raise and three days to lower when asked once
/// a day.
pub fn advise(request: &AdviseRequest) -> Result<AdviseAnswer, EvidenceError> {
    let mut saving = Resources::new();
    let mut apps = Vec::with_capacity(request.apps.len());
    for app in &request.apps {
        let advice = app.advise(request.now, &request.policy)?;
        if let Some(size) = &advice.right_size {
            saving += &size.saving;
        }
        apps.push(advice);
    }
    Ok(AdviseAnswer { apps, saving })
}

impl AppUsage {
    fn advise(&self, now: u64, policy: &Policy) -> Result<AppAdvice, EvidenceError> {
        let terms = {
            let rule = policy.named(self.grade.as_str())?;
            self.terms.unwrap_or_else(|| rule.terms())
        };
        let asked = requests(&self.size, &self.grade, &terms).amounts();
        let named = |what: &str| format!("{what} of {}/{}", self.namespace, self.name);
        let tasks =
            |what: &str, limit: &Quantity, request: &Quantity, unit: u64, of: fn(&PodUsage) -> &Series| {
                let limit = units(limit, unit, &named(what))?;
                let request = units(request, unit, &named(what))?;
                let pods = self.pods.iter().map(|pod| {
                    let samples = of(pod).samples(unit, &named(what))?;
                    Ok(TaskUsage { limit, request, samples })
                });
                pods.collect::<Result<Vec<_>, EvidenceError>>()
            };
        let cpu = tasks("cpu", &self.size.cpu, &asked.cpu, 1, |pod| &pod.cpu)?;
        let memory = tasks("memory", &self.size.memory, &asked.memory, 1_000_000_000, |pod| &pod.memory)?;
        let peaks = PeakPolicy::default();
        let (peak_cpu, peak_memory) = (peaks.predict(&cpu, now)?, peaks.predict(&memory, now)?);

        let (ratios, hysteresis) = (RatioPolicy::default(), Hysteresis::default());
        let limit = units(&self.size.cpu, 1, &named("cpu"))?;
        let fresh = peak_cpu.warm > 0;
        let looked = |headroom| ratios.supported(limit, &cpu, headroom).map(|found| found.filter(|_| fresh));
        let standing = self.standing.unwrap_or_else(|| Standing::new(terms.cpu));
        let (supported, with_headroom) = (looked(0)?, looked(hysteresis.headroom_percent)?);
        let most = ratios.rungs.iter().map(|rung| rung.ratio).max().unwrap_or(Ratio::ONE);
        let standing = match (&supported, with_headroom) {
            // Importance is no question of use: what is not oversold by its grade is left alone.
            (Some(supported), Some(roomy)) if !terms.cpu.is_one() => {
                hysteresis.look(standing, supported.ratio, roomy.ratio, most)?
            }
            _ => standing,
        };
        let advised_grade =
            grade_of(standing.ratio, policy).filter(|grade| !terms.cpu.is_one() && *grade != self.grade);
        let right_size = if supported.is_some() {
            right_size(&self.size, &self.grade, &terms, self.replicas, &cpu, &memory)
        } else {
            None
        };
        let because = self.in_words(&terms, supported.as_ref(), standing, advised_grade.as_ref());
        Ok(AppAdvice {
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            grade: self.grade.clone(),
            ratio: terms.cpu,
            supported,
            effective_ratio: standing.ratio.min(terms.cpu),
            advised_grade,
            standing,
            peak_cpu,
            peak_memory,
            right_size,
            because,
        })
    }

    fn in_words(
        &self,
        terms: &Terms,
        supported: Option<&Supported>,
        standing: Standing,
        advised: Option<&GradeName>,
    ) -> String {
        let grade = &self.grade;
        let Some(supported) = supported else {
            return format!("{grade} stays: there is not enough evidence, or it is stale");
        };
        let evidence = &supported.because;
        if terms.cpu.is_one() {
            return format!("{grade} stays: it is not oversold for its importance; {evidence}");
        }
        match (advised, standing.trend) {
            (Some(advised), _) => format!("{grade} → {advised}: {evidence}"),
            (None, _) if standing.ratio < terms.cpu => format!(
                "{grade} is sold more often than its use supports, and no oversold grade is sold less: {evidence}"
            ),
            (None, Some(trend)) => format!(
                "{grade} stays for now: {} looks in a row point to {}; {evidence}",
                trend.looks, trend.ratio
            ),
            (None, None) => format!("{grade} stays: {evidence}"),
        }
    }
}

/// The grade of the policy that is sold most often within that ratio; where none is, the one that is sold least,
/// which is as near as use alone can bring it: what is not oversold is so for its importance.
fn grade_of(ratio: Ratio, policy: &Policy) -> Option<GradeName> {
    let oversold = || policy.grades().iter().filter(|grade| !grade.cpu.is_one());
    // Of equals the more important, which stands first.
    let within = oversold().rev().filter(|grade| grade.cpu <= ratio).max_by_key(|grade| grade.cpu);
    within.or_else(|| oversold().min_by_key(|grade| grade.cpu)).map(|grade| grade.name.clone())
}

impl Series {
    fn samples(&self, unit: u64, what: &str) -> Result<Vec<Sample>, EvidenceError> {
        if self.values.len() > 1 && self.interval == 0 {
            return Err(EvidenceError::Policy {
                field: "the interval of a series",
                rule: "at least a second",
            });
        }
        let mut samples = Vec::with_capacity(self.values.len());
        for (back, value) in (0..self.values.len() as u64).rev().zip(&self.values) {
            let Some(value) = value else { continue };
            let before = back.checked_mul(self.interval).and_then(|before| self.end.checked_sub(before));
            let at = before.ok_or(EvidenceError::Policy {
                field: "the end of a series",
                rule: "late enough for all its values to lie after 1970",
            })?;
            samples.push(Sample { at, value: units(value, unit, what)? });
        }
        Ok(samples)
    }
}

/// An amount in whole units of so many nanos, rounded up.
fn units(amount: &Quantity, unit: u64, what: &str) -> Result<u64, EvidenceError> {
    let nanos = amount.nanos_i128().and_then(|nanos| u128::try_from(nanos).ok());
    nanos
        .and_then(|nanos| u64::try_from(nanos.div_ceil(u128::from(unit))).ok())
        .ok_or_else(|| EvidenceError::Amount { what: what.to_owned(), amount: amount.to_string() })
}
