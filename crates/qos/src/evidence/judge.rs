//! What is advised for one application.

use super::advise::{AppAdvice, AppUsage, PodUsage, Series, units};
use super::peak::Never;
use super::ratio::{Pool, Unheard};
use super::right_size::{Sizing, least_memory, right_size};
use super::{
    EvidenceError, Heard, Hearing, Hysteresis, Look, Peak, PeakPolicy, RatioPolicy, Standing, Supported,
    TaskUsage,
};
use crate::{GradeRule, Policy, Quantity, Ratio, Terms, requests};

/// Of how many nanos a unit of memory is made: bytes are counted.
const BYTE: u64 = 1_000_000_000;

/// What is known of the use of one resource.
struct Used {
    limit: u64,
    heard: Heard,
    peak: Peak,
}

/// The evidence of today.
struct Evidence {
    pool: Pool,
    /// What the pods that are heard support.
    supported: Supported,
    /// What is supported if all others are at their limits.
    at_least: Ratio,
}

impl AppUsage {
    pub(super) fn advise(&self, now: u64, policy: &Policy) -> Result<AppAdvice, EvidenceError> {
        let rule = policy.named(self.grade.as_str())?;
        let terms = self.terms.unwrap_or_else(|| rule.terms());
        let asked = requests(&self.size, &self.grade, &terms).amounts();
        let millis = |nanos: u128| {
            Quantity::from_millis(i128::try_from(nanos.div_ceil(1_000_000)).unwrap_or(i128::MAX))
        };
        let mebis = |bytes: u128| {
            Quantity::from_mebibytes(i128::try_from(bytes.div_ceil(1 << 20)).unwrap_or(i128::MAX))
        };
        let cpu = self.used("cpu", [&self.size.cpu, &asked.cpu], 1, |pod| &pod.cpu, now, millis)?;
        let memory =
            self.used("memory", [&self.size.memory, &asked.memory], BYTE, |pod| &pod.memory, now, mebis)?;

        let (ratios, hysteresis) = (RatioPolicy::default(), Hysteresis::default());
        let evidence = ratios.pool(cpu.limit, &cpu.heard, now)?.map(|pool| Evidence {
            supported: ratios.supported(&pool, Unheard::LeftOut, 0),
            at_least: ratios.supported(&pool, Unheard::AtLimits, 0).ratio,
            pool,
        });
        let mut standing = self.standing.unwrap_or_else(|| Standing::new(terms.cpu));
        // Importance is no question of use: what is not oversold by its grade is left alone.
        if let Some(Evidence { pool, supported, .. }) = evidence.as_ref().filter(|_| !terms.cpu.is_one()) {
            let roomy = ratios.supported(pool, Unheard::AtLimits, hysteresis.headroom_percent).ratio;
            let most =
                ratios.rungs.iter().map(|rung| rung.ratio).chain([terms.cpu]).max().unwrap_or(terms.cpu);
            let look = Look { at: now, supported: supported.ratio, with_headroom: roomy, most };
            standing = hysteresis.look(standing, look)?;
        }
        let advised = match &evidence {
            Some(evidence) if !terms.cpu.is_one() => {
                self.advised(policy, &terms, standing, evidence.at_least, |ratio| {
                    memory.suits(&ratios, ratio, now)
                })?
            }
            _ => None,
        };
        let next = advised.unwrap_or(rule);
        let oversold = !terms.cpu.is_one() && standing.ratio < terms.cpu;
        let sizing = Sizing {
            ratios: &ratios,
            headroom_percent: hysteresis.headroom_percent,
            now,
            limit: &self.size,
            cpu_limit: cpu.limit,
            memory_limit: memory.limit,
            terms,
            after: next.terms(),
            grade: next.name.as_str(),
            must_fit: next.terms() != terms || oversold,
            replicas: self.replicas,
            cpu: &cpu.heard,
            pool: evidence.as_ref().map(|evidence| &evidence.pool),
            memory: &memory.heard,
        };
        let right_size = if evidence.is_some() { right_size(&sizing)? } else { None };
        let supported = evidence.map(|evidence| evidence.supported);
        let because = self.in_words(&terms, supported.as_ref(), standing, advised, &cpu.heard);
        Ok(AppAdvice {
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            grade: self.grade.clone(),
            ratio: terms.cpu,
            supported,
            effective_ratio: standing.ratio.min(terms.cpu),
            advised_grade: advised.map(|rule| rule.name.clone()),
            standing,
            peak_cpu: cpu.peak,
            peak_memory: memory.peak,
            right_size,
            because,
        })
    }

    /// What its pods used of one resource, in units of so many nanos.
    fn used(
        &self,
        what: &str,
        [limit, request]: [&Quantity; 2],
        unit: u64,
        of: fn(&PodUsage) -> &Series,
        now: u64,
        show: impl Fn(u128) -> Quantity,
    ) -> Result<Used, EvidenceError> {
        let (limit, request) = (units(limit, unit, what)?, units(request, unit, what)?);
        let pods = self.pods.iter().map(|pod| {
            let samples = of(pod).samples(unit, what)?;
            Ok(TaskUsage { limit, request, samples })
        });
        let tasks = pods.collect::<Result<Vec<_>, EvidenceError>>()?;
        let heard = Hearing::default().listen(&tasks, u64::from(self.replicas), now)?;
        let never = Never { tasks: heard.missing, limit };
        let peak =
            PeakPolicy::default().predict_with(&tasks, never, now, |amount| show(amount).to_string())?;
        Ok(Used { limit, heard, peak })
    }

    /// The grade to have instead, if another one: raised only as far as the use of today supports it too.
    fn advised<'a>(
        &self,
        policy: &'a Policy,
        terms: &Terms,
        standing: Standing,
        at_least: Ratio,
        memory_suits: impl Fn(Ratio) -> Result<bool, EvidenceError>,
    ) -> Result<Option<&'a GradeRule>, EvidenceError> {
        let oversold = || policy.grades().iter().filter(|grade| !grade.cpu.is_one());
        if standing.ratio < terms.cpu {
            // Where none is sold so little, the one that is sold least is as near as use alone can bring it: what is
            // not oversold is so for its importance. Of equals the more important, which stands first.
            let within =
                oversold().rev().filter(|grade| grade.cpu <= standing.ratio).max_by_key(|grade| grade.cpu);
            let nearest = within.or_else(|| oversold().min_by_key(|grade| grade.cpu));
            return Ok(nearest.filter(|grade| grade.cpu < terms.cpu && grade.name != self.grade));
        }
        let bound = standing.ratio.min(at_least);
        let mut best: Option<&GradeRule> = None;
        for grade in oversold().filter(|grade| grade.cpu > terms.cpu && grade.cpu <= bound) {
            let more = best.is_none_or(|best| grade.cpu > best.cpu);
            if more
                && grade.name != self.grade
                && (grade.memory <= terms.memory || memory_suits(grade.memory)?)
            {
                best = Some(grade);
            }
        }
        Ok(best)
    }

    fn in_words(
        &self,
        terms: &Terms,
        supported: Option<&Supported>,
        standing: Standing,
        advised: Option<&GradeRule>,
        heard: &Heard,
    ) -> String {
        let grade = &self.grade;
        let Some(supported) = supported else {
            return format!(
                "{grade} stays and counts what it requests, for the use of too many pods is unknown: {}; at most {} % may be",
                heard.lacking(),
                heard.allowed_percent()
            );
        };
        let mut evidence = supported.because.clone();
        if heard.unheard() > 0 {
            evidence = format!("{evidence}; {}", heard.lacking());
        }
        if terms.cpu.is_one() {
            return format!("{grade} stays: it is not oversold for its importance; {evidence}");
        }
        match (advised.map(|rule| &rule.name), standing.trend) {
            (Some(advised), _) => format!("{grade} → {advised}: {evidence}"),
            (None, _) if standing.ratio < terms.cpu => {
                let least = "is sold more often than its use supports, and no oversold grade is sold less";
                format!("{grade} {least}: {evidence}")
            }
            (None, Some(trend)) => {
                let looks = match trend.looks {
                    1 => "1 look points".to_owned(),
                    looks => format!("{looks} looks in a row point"),
                };
                format!("{grade} stays for now: {looks} to {}; {evidence}", trend.ratio)
            }
            (None, None) => format!("{grade} stays: {evidence}"),
        }
    }
}

impl Used {
    /// Whether a limit of memory as it stands may be sold so many times.
    fn suits(&self, ratios: &RatioPolicy, ratio: Ratio, now: u64) -> Result<bool, EvidenceError> {
        Ok(self.heard.is_enough()
            && self.heard.is_complete()
            && least_memory(ratios, &self.heard, ratio, now)?.0 <= self.limit)
    }
}
