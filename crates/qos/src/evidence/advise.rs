//! Advice for applications from what they used, as programs and files ask for it. A person makes a Release of it.

use serde::{Deserialize, Serialize};

use super::{EvidenceError, Peak, RightSize, Sample, Standing, Supported};
use crate::{Amounts, GradeName, Policy, Quantity, Ratio, Resources, Terms};

/// What should these applications be sold as, and how large should they be?
///
/// ```json
/// {"now": 1790000000, "apps": [{"namespace": "demo", "name": "shop", "grade": "general-2", "replicas": 3,
///   "size": {"cpu": "2", "memory": "4Gi"},
///   "pods": [{"cpu": {"end": 1790000000, "interval": 300, "values": ["35m", "41m", "38m"]},
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
    /// How many pods are ordered; those that `pods` lacks were never measured.
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

/// Measurements at equal distances, which must be at most five minutes for a pod to count as measured.
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
    /// The grade that is advised, if another one. None without evidence of today, whatever stood before.
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

/// Advises by the default policies: ladder and confidence, seven looks to raise and three to lower, which count when
/// they are a day apart.
///
/// What is advised of an application belongs together: followed as a whole, the requests that come of it hold the
/// predicted peak. Each part of it may also be followed alone.
pub fn advise(request: &AdviseRequest) -> Result<AdviseAnswer, EvidenceError> {
    let mut saving = Resources::new();
    let mut apps = Vec::with_capacity(request.apps.len());
    for app in &request.apps {
        let advice = app.advise(request.now, &request.policy).map_err(|fault| EvidenceError::App {
            app: format!("{}/{}", app.namespace, app.name),
            fault: Box::new(fault),
        })?;
        if let Some(size) = &advice.right_size {
            saving += &size.saving;
        }
        apps.push(advice);
    }
    Ok(AdviseAnswer { apps, saving })
}

impl Series {
    pub(super) fn samples(&self, unit: u64, what: &str) -> Result<Vec<Sample>, EvidenceError> {
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
pub(super) fn units(amount: &Quantity, unit: u64, what: &str) -> Result<u64, EvidenceError> {
    let nanos = amount.nanos_i128().and_then(|nanos| u128::try_from(nanos).ok());
    nanos
        .and_then(|nanos| u64::try_from(nanos.div_ceil(u128::from(unit))).ok())
        .ok_or_else(|| EvidenceError::Amount { what: what.to_owned(), amount: amount.to_string() })
}
