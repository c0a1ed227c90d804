//! The deletion breaker: how much may go missing before Plimsoll stops to ask.
//!
//! What is missing is made again, and that is right for one Deployment that somebody deleted. Where much is
//! missing at once, something larger has happened (a cluster put back from a backup, a script gone wrong, a
//! defect of ours), and to go on writing would make it worse. So it is counted, over an hour that slides, by
//! each of the two who write: the worker of a data center counts App resources, its controller Deployments and
//! Services. The two rules that go by a share of the Apps rather than by a count lie here as well.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::name::{AppRef, InstallationId};

/// How long something counts.
pub const WINDOW: Duration = Duration::from_hours(1);
/// The reason of the finding on an App of which something was not written because of a [`Stop`] of the controller.
pub const STOPPED: &str = "Stopped";
/// How many names a [`Stop`] keeps; it says how many there were.
pub const NAMES: usize = 20;

/// How many things may be made again or deleted within [`WINDOW`] in a data center of `apps` Apps: the larger
/// of 3 and 5 %.
pub fn limit(apps: usize) -> usize {
    (apps / 20).max(3)
}

/// Whether a data center of `apps` Apps, of which `below` carry less than they had acknowledged, was put back
/// to an earlier state: more than 5 %.
pub fn is_put_back(below: usize, apps: usize) -> bool {
    below > apps / 20
}

/// Whether the ledger was put back to an earlier state, seen from a data center of `apps` Apps, of which
/// `ahead` carry what it never ordered: more than the larger of 2 and 5 %.
pub fn is_ledger_behind(ahead: usize, apps: usize) -> bool {
    ahead > (apps / 20).max(2)
}

/// Something that no Order asked for and that Plimsoll did, or would have done.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deed {
    /// What it does.
    pub kind: DeedKind,
    /// To what, as `Deployment demo/shop`.
    pub object: String,
}

impl Deed {
    /// Making an object of an App again because it was missing.
    pub fn made_again(kind: &str, app: &AppRef) -> Self {
        Self { kind: DeedKind::MadeAgain, object: format!("{kind} {app}") }
    }

    /// Deleting an object of an App.
    pub fn deleted(kind: &str, app: &AppRef) -> Self {
        Self { kind: DeedKind::Deleted, object: format!("{kind} {app}") }
    }
}

/// What a [`Deed`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DeedKind {
    /// Made again because it was missing.
    MadeAgain,
    /// Deleted, though no newer Order asks for it.
    Deleted,
}

/// What was counted within the last hour. It holds no more than [`limit`] deeds.
///
/// A deed counts once, however often it is done: whoever deletes one Deployment again and again is no mass
/// deletion, and neither is a request that is sent again because its answer was lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Breaker {
    counted: BTreeMap<Deed, Duration>,
}

impl Breaker {
    /// Counts what is about to be done, in a data center of `apps` Apps, at `now` of a monotonic clock.
    ///
    /// # Errors
    /// The [`Loss`] that it would be one too many of: it must not be done, and is not counted.
    pub fn count(&mut self, deed: Deed, apps: usize, now: Duration) -> Result<(), Loss> {
        self.counted.retain(|_, at| now.saturating_sub(*at) < WINDOW);
        let limit = limit(apps);
        if self.counted.contains_key(&deed) || self.counted.len() < limit {
            self.counted.insert(deed, now);
            return Ok(());
        }
        let mut deeds: Vec<Deed> = self.counted.keys().cloned().chain([deed]).collect();
        deeds.sort();
        let count = deeds.len();
        deeds.truncate(NAMES);
        Err(Loss { count, limit, apps, deeds })
    }

    /// Begins to count anew: an operator has seen what there was.
    pub fn reset(&mut self) {
        self.counted.clear();
    }
}

/// So much was missing, or to be deleted, that it was stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Loss {
    /// How many there were within the hour, the one that was not done any more included.
    pub count: usize,
    /// How many may be.
    pub limit: usize,
    /// How many Apps the data center had.
    pub apps: usize,
    /// What they were; at most [`NAMES`].
    pub deeds: Vec<Deed>,
}

/// Why Plimsoll writes nothing into a data center until an operator decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stop {
    /// Who noticed.
    pub by: Guard,
    /// What happened.
    pub cause: Cause,
    /// When it was noticed.
    pub since: Timestamp,
}

/// Who looks out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Guard {
    /// The data center's worker, which writes App resources; it keeps its stop in the ledger.
    Worker,
    /// The data center's controller, which writes workloads; it keeps its stop in its own cluster.
    Controller {
        /// The uid of the object that it keeps it in, which tells it from another stop.
        kept: String,
    },
}

/// What made Plimsoll stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// Too much went missing.
    Loss(Loss),
    /// Another cluster answers.
    #[serde(rename_all = "camelCase")]
    OtherCluster {
        /// The uid that it should have.
        expected: String,
        /// The uid that it has.
        found: String,
    },
    /// The App resource of one of our Apps belongs to somebody else.
    #[serde(rename_all = "camelCase")]
    ForeignInstallation {
        /// The App.
        app: AppRef,
        /// Whose it is.
        installation: InstallationId,
    },
    /// The cluster was put back to an earlier state.
    #[serde(rename_all = "camelCase")]
    PutBack {
        /// How many App resources are older than what was acknowledged.
        count: usize,
        /// How many Apps the data center has.
        apps: usize,
        /// Which; at most [`NAMES`].
        names: Vec<AppRef>,
    },
}

impl Cause {
    /// A stable key for programs.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Loss(_) => "TooMuchMissing",
            Self::OtherCluster { .. } => "OtherCluster",
            Self::ForeignInstallation { .. } => "ForeignInstallation",
            Self::PutBack { .. } => "ClusterPutBack",
        }
    }

    /// How many things it is about.
    pub fn count(&self) -> usize {
        match self {
            Self::Loss(loss) => loss.count,
            Self::OtherCluster { .. } | Self::ForeignInstallation { .. } => 1,
            Self::PutBack { count, .. } => *count,
        }
    }

    /// What it is about, by name; where there are many, the first of them.
    pub fn objects(&self) -> Vec<String> {
        match self {
            Self::Loss(loss) => loss.deeds.iter().map(|deed| deed.object.clone()).collect(),
            Self::OtherCluster { found, .. } => vec![found.clone()],
            Self::ForeignInstallation { app, .. } => vec![format!("App {app}")],
            Self::PutBack { names, .. } => names.iter().map(|app| format!("App {app}")).collect(),
        }
    }
}

/// What happened, in a clause for people.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let some = |names: &[String], count: usize| {
            let shown: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
            let rest = count.saturating_sub(shown.len());
            let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
            format!("{}{rest}", shown.join(", "))
        };
        match self {
            Self::Loss(Loss { count, limit, deeds, .. }) => {
                let what = if deeds.iter().all(|deed| deed.kind == DeedKind::MadeAgain) {
                    "things were missing there"
                } else if deeds.iter().all(|deed| deed.kind == DeedKind::Deleted) {
                    "things were to be deleted there, which nobody ordered"
                } else {
                    "things were missing there, or to be deleted, which nobody ordered"
                };
                let names = some(&self.objects(), *count);
                write!(f, "{count} {what} within an hour, and {limit} may be: {names}")
            }
            Self::OtherCluster { expected, found } => {
                write!(f, "another cluster answers for it: {found} instead of {expected}")
            }
            Self::ForeignInstallation { app, installation } => {
                write!(f, "the App resource {app} there belongs to the installation {installation}")
            }
            Self::PutBack { count, apps, .. } => {
                let names = some(&self.objects(), *count);
                write!(
                    f,
                    "{count} of {apps} App resources there are older than what the data center had acknowledged: the \
                     cluster was put back to an earlier state ({names})"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn deed(n: usize) -> Deed {
        let app = AppRef { namespace: "demo".parse().unwrap(), name: format!("a{n}").parse().unwrap() };
        Deed::made_again("Deployment", &app)
    }

    #[test]
    fn the_limits_are_the_larger_of_a_number_and_a_share() {
        for (apps, may) in [(0, 3), (1, 3), (60, 3), (79, 3), (80, 4), (100, 5), (10_000, 500)] {
            assert_eq!(limit(apps), may, "{apps} apps");
        }
        for (below, apps, put_back) in
            [(0, 0, false), (1, 1, true), (1, 20, false), (2, 20, true), (5, 100, false), (6, 100, true)]
        {
            assert_eq!(is_put_back(below, apps), put_back, "{below} of {apps}");
        }
        for (ahead, apps, behind) in [
            (1, 1, false),
            (2, 3, false),
            (3, 3, true),
            (3, 59, true),
            (3, 60, false),
            (5, 100, false),
            (6, 100, true),
        ] {
            assert_eq!(is_ledger_behind(ahead, apps), behind, "{ahead} of {apps}");
        }
    }

    #[test]
    fn the_fourth_of_a_small_data_center_is_one_too_many() {
        let mut breaker = Breaker::default();
        let at = Duration::from_secs;
        for n in 0..3 {
            assert_eq!(breaker.count(deed(n), 12, at(n as u64)), Ok(()));
        }
        let loss = breaker.count(deed(3), 12, at(3)).unwrap_err();
        assert_eq!(loss, Loss { count: 4, limit: 3, apps: 12, deeds: (0..4).map(deed).collect() });
        assert_eq!(
            Cause::Loss(loss).to_string(),
            "4 things were missing there within an hour, and 3 may be: Deployment demo/a0, Deployment demo/a1, \
             Deployment demo/a2 and 1 more"
        );
    }

    #[test]
    fn the_hour_slides() {
        let mut breaker = Breaker::default();
        let minute = |n| Duration::from_mins(n);
        for (n, at) in [(0, 0), (1, 30), (2, 59)] {
            assert_eq!(breaker.count(deed(n), 1, minute(at)), Ok(()));
        }
        assert!(breaker.count(deed(3), 1, minute(59)).is_err());
        assert_eq!(breaker.count(deed(3), 1, minute(60)), Ok(()), "the first is an hour old");
        assert!(breaker.count(deed(4), 1, minute(89)).is_err());
        assert_eq!(breaker.count(deed(4), 1, minute(90)), Ok(()));
    }

    #[test]
    fn the_same_thing_again_and_again_is_one() {
        let mut breaker = Breaker::default();
        for n in 0..100 {
            assert_eq!(breaker.count(deed(1), 1, Duration::from_secs(n)), Ok(()));
        }
    }

    #[test]
    fn what_an_operator_has_seen_counts_no_more() {
        let mut breaker = Breaker::default();
        for n in 0..3 {
            breaker.count(deed(n), 1, Duration::ZERO).unwrap();
        }
        breaker.reset();
        assert_eq!(breaker.count(deed(3), 1, Duration::ZERO), Ok(()));
    }

    proptest! {
        #[test]
        fn no_hour_ever_sees_more_than_the_limit(
            deeds in prop::collection::vec((0_usize..40, 0_u64..900), 1..200),
            apps in 0_usize..200,
        ) {
            let mut breaker = Breaker::default();
            let mut now = Duration::ZERO;
            let mut done: Vec<(usize, Duration)> = Vec::new();
            for (n, pause) in deeds {
                now += Duration::from_secs(pause);
                let within = |at: &Duration| now.saturating_sub(*at) < WINDOW;
                let mut before: Vec<usize> =
                    done.iter().filter(|(_, at)| within(at)).map(|(n, _)| *n).collect();
                before.sort_unstable();
                before.dedup();
                let may = before.contains(&n) || before.len() < limit(apps);
                prop_assert_eq!(breaker.count(deed(n), apps, now).is_ok(), may);
                if may {
                    done.push((n, now));
                }
                prop_assert!(breaker.counted.len() <= limit(apps));
            }
        }
    }
}
