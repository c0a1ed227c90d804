//! Of which pods it is known what they use: those that were measured until now, and for long enough.
//!
//! Decided pod by pod. A sample of one pod says nothing of another, so neither the freshness of one nor the samples of
//! many add up to the evidence of all.

use super::{EvidenceError, Sample, TaskUsage};

/// What it takes to know what a pod uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hearing {
    /// Samples older than this, in seconds, are forgotten.
    pub window: u64,
    /// How long one interval is, in seconds; several samples in one are one measurement.
    pub interval: u64,
    /// From its first to its last sample a pod must have been measured for so many seconds; else it is new.
    pub warm_up: u64,
    /// In so many percent of the last intervals of that time there must be a sample.
    pub measured_percent: u64,
    /// A pod whose newest sample is older than this, in seconds, is silent.
    pub stale_after: u64,
    /// Where more pods than this share, in percent, are silent or new, nothing is known of the application.
    pub unheard_percent: u64,
}

/// The pods of an application by what is known of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Those measured until now and for long enough, with their samples within the window.
    pub warm: Vec<TaskUsage>,
    /// Those measured until now, but not for long enough yet.
    pub new: Vec<TaskUsage>,
    /// How many were not measured of late.
    pub silent: u64,
    /// How many are ordered and were never measured.
    pub missing: u64,
    policy: Hearing,
}

impl Default for Hearing {
    /// A day without a break of more than six hours in all, in intervals of five minutes; eight days are remembered;
    /// silent after 15 minutes; a quarter of the pods may be unheard.
    fn default() -> Self {
        Self {
            window: 8 * 86_400,
            interval: 300,
            warm_up: 86_400,
            measured_percent: 75,
            stale_after: 900,
            unheard_percent: 25,
        }
    }
}

impl Hearing {
    /// Sorts the pods of an application; `ordered` is how many there should be.
    pub fn listen(&self, tasks: &[TaskUsage], ordered: u64, now: u64) -> Result<Heard, EvidenceError> {
        self.check()?;
        let missing = ordered.saturating_sub(tasks.len() as u64);
        let mut heard = Heard { warm: Vec::new(), new: Vec::new(), silent: 0, missing, policy: *self };
        for task in tasks {
            task.check(now)?;
            let first = task.samples.partition_point(|sample| now - sample.at >= self.window);
            let samples = task.samples.get(first..).unwrap_or_default();
            match samples.last() {
                Some(last) if now - last.at <= self.stale_after => {
                    let pods = if self.is_warm(samples) { &mut heard.warm } else { &mut heard.new };
                    pods.push(TaskUsage { samples: samples.to_vec(), ..*task });
                }
                _ => heard.silent += 1,
            }
        }
        Ok(heard)
    }

    fn check(&self) -> Result<(), EvidenceError> {
        let refused = |field, rule| Err(EvidenceError::Policy { field, rule });
        if self.interval == 0 {
            return refused("the interval", "at least a second");
        }
        if self.warm_up < self.interval || self.window < self.warm_up {
            return refused("the warm-up", "between an interval and the window");
        }
        if self.measured_percent > 100 || self.unheard_percent > 100 {
            return refused("a share", "at most 100 percent");
        }
        Ok(())
    }

    fn is_warm(&self, samples: &[Sample]) -> bool {
        let interval = |sample: &Sample| sample.at / self.interval;
        let (Some(first), Some(last)) = (samples.first().map(interval), samples.last().map(interval)) else {
            return false;
        };
        let needed = self.warm_up.div_ceil(self.interval);
        if last - first + 1 < needed {
            return false;
        }
        let recent = samples.iter().rev().map(interval).take_while(|own| last - own < needed);
        let (mut measured, mut before) = (0_u64, None);
        for own in recent {
            measured += u64::from(before != Some(own));
            before = Some(own);
        }
        u128::from(measured) * 100 >= u128::from(needed) * u128::from(self.measured_percent)
    }
}

impl Heard {
    /// How many pods there are, or should be.
    pub fn pods(&self) -> u64 {
        (self.warm.len() + self.new.len()) as u64 + self.silent + self.missing
    }

    /// Of how many it is not known what they use.
    pub fn unheard(&self) -> u64 {
        self.pods() - self.warm.len() as u64
    }

    /// Whether enough is known to say anything of the application.
    pub fn is_enough(&self) -> bool {
        let (unheard, pods) = (u128::from(self.unheard()), u128::from(self.pods()));
        !self.warm.is_empty() && unheard * 100 <= pods * u128::from(self.policy.unheard_percent)
    }

    /// Whether every pod was measured of late, though perhaps not for long.
    pub fn is_complete(&self) -> bool {
        self.silent == 0 && self.missing == 0
    }

    /// All that was measured of late.
    pub(super) fn fresh(&self) -> impl Iterator<Item = &TaskUsage> + Clone {
        self.warm.iter().chain(&self.new)
    }

    /// Of whom it is not known what they use, in words: `of 12 pods 3 not measured in the last 15 minutes`.
    pub fn lacking(&self) -> String {
        let Hearing { warm_up, stale_after, .. } = self.policy;
        let mut said = Vec::new();
        if self.silent > 0 {
            said.push(format!("{} not measured in the last {}", self.silent, time(stale_after)));
        }
        if self.missing > 0 {
            said.push(format!("{} ordered but never measured", self.missing));
        }
        if !self.new.is_empty() {
            said.push(format!("{} measured for less than {}", self.new.len(), time(warm_up)));
        }
        match self.pods() {
            0 => "there are no pods".to_owned(),
            pods => format!("of {pods} pods {}", said.join(", ")),
        }
    }

    /// The share that may be unheard, in percent.
    pub(super) fn allowed_percent(&self) -> u64 {
        self.policy.unheard_percent
    }
}

/// A time in words.
fn time(seconds: u64) -> String {
    match seconds {
        86_400 => "a day".to_owned(),
        days if days % 86_400 == 0 => format!("{} days", days / 86_400),
        minutes if minutes % 60 == 0 => format!("{} minutes", minutes / 60),
        seconds => format!("{seconds} seconds"),
    }
}
