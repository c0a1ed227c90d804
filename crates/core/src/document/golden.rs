//! The golden rules that can be told from a document alone, in one table: rule, field, message, remedy.
//!
//! Some hold in every installation and are part of the format; what breaks them is a fault of the document.
//! The others hold in production, and may be broken where somebody tries something out. Rules that need no
//! words here are kept by the format itself (images by digest, a size for every container and so no BestEffort)
//! or by the renderer. `docs/app.md` shows the table; a test compares the two.

use serde::{Deserialize, Serialize};

use super::reader::{Faults, Node, Object};
use super::{Path, memory};
use crate::error::Violation;
use crate::record::Environment;
use crate::scale::{Replication, Scale};

/// The fewest replicas of an App in a data center that has any: one is replaced, one fails, one serves.
pub const MIN_REPLICAS: u32 = 3;

/// A rule by its name, which waivers will name it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// At least [`MIN_REPLICAS`] in each data center that has any.
    MinReplicas,
    /// The main container says when it may get traffic.
    ReadinessProbe,
    /// The main container says when it must be restarted.
    LivenessProbe,
    /// No container runs as root.
    NonRoot,
    /// No container may do what its server may.
    NoPrivileged,
    /// No container uses network, processes or memory of its server.
    NoHostNetwork,
    /// No container sees the disk of its server.
    NoHostPath,
    /// One main container; what helps it is declared as such.
    OneContainer,
    /// No runtime is told to take as much memory as its container has.
    HeapFits,
}

impl Rule {
    /// The name in messages and waivers.
    pub fn name(self) -> &'static str {
        match self {
            Self::MinReplicas => "min-replicas",
            Self::ReadinessProbe => "readiness-probe",
            Self::LivenessProbe => "liveness-probe",
            Self::NonRoot => "non-root",
            Self::NoPrivileged => "no-privileged",
            Self::NoHostNetwork => "no-host-network",
            Self::NoHostPath => "no-host-path",
            Self::OneContainer => "one-container",
            Self::HeapFits => "heap-fits",
        }
    }
}

/// Where a rule holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// In every installation.
    Everywhere,
    /// In production.
    InProduction,
}

/// What a rule is broken by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breaker {
    /// The value of these fields of ours, below `spec`.
    Value(&'static [&'static str]),
    /// These fields of other formats, wherever a container is described.
    Foreign(&'static [&'static str]),
}

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The rule.
    pub rule: Rule,
    /// Where it holds.
    pub holds: Holds,
    /// What it is broken by.
    pub by: Breaker,
    /// What is said of it, without the name of the rule.
    pub message: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

const FEW_REPLICAS: Row = Row {
    rule: Rule::MinReplicas,
    holds: Holds::InProduction,
    by: Breaker::Value(&["scale.replicas", "scale.exceptions.DC.replicas"]),
    message: "fewer than 3 pods in a data center are too few for production",
    remedy: "write 3 or more, or 0",
};
const LOW_BOUND: Row = Row {
    by: Breaker::Value(&["scale.autoscale.min", "scale.exceptions.DC.autoscale.min"]),
    remedy: "write 3 or more",
    ..FEW_REPLICAS
};
const NO_READINESS: Row = Row {
    rule: Rule::ReadinessProbe,
    holds: Holds::InProduction,
    by: Breaker::Value(&["probes.readiness"]),
    message: "in production an App has a readiness probe",
    remedy: "add one that succeeds when the App can take traffic",
};
const NO_LIVENESS: Row = Row {
    rule: Rule::LivenessProbe,
    holds: Holds::InProduction,
    by: Breaker::Value(&["probes.liveness"]),
    message: "in production an App has a liveness probe",
    remedy: "add one that fails only when nothing but a restart helps",
};
const ROOT: Row = Row {
    rule: Rule::NonRoot,
    holds: Holds::Everywhere,
    by: Breaker::Value(&["user"]),
    message: "no container runs as root",
    remedy: "write the user that the image's files belong to, or leave it out for 10001",
};

const HEAP: Row = Row {
    rule: Rule::HeapFits,
    holds: Holds::InProduction,
    by: Breaker::Value(&["env.NAME", "dataCenters.DC.env.NAME"]),
    message: "a heap leaves room in the memory of its container, which is killed when it is full",
    remedy: "raise `size.memory`, or ask for less: three quarters of it for a JVM (-XX:MaxRAMPercentage=75)",
};

/// Every way to break a golden rule.
pub const TABLE: [Row; 10] = [
    FEW_REPLICAS,
    LOW_BOUND,
    NO_READINESS,
    NO_LIVENESS,
    HEAP,
    ROOT,
    Row {
        rule: Rule::NoPrivileged,
        holds: Holds::Everywhere,
        by: Breaker::Foreign(&["privileged", "securityContext", "capabilities", "allowPrivilegeEscalation"]),
        message: "no container is privileged",
        remedy: "leave it out; `user` sets the user, everything else is as safe as it can be",
    },
    Row {
        rule: Rule::NoHostNetwork,
        holds: Holds::Everywhere,
        by: Breaker::Foreign(&["hostNetwork", "hostPort", "hostPID", "hostIPC"]),
        message: "no App uses what belongs to its server",
        remedy: "leave it out; `ports` makes a Service",
    },
    Row {
        rule: Rule::NoHostPath,
        holds: Holds::Everywhere,
        by: Breaker::Foreign(&["hostPath"]),
        message: "no App sees the disk of its server",
        remedy: "leave it out; `scratch` gives room to write",
    },
    Row {
        rule: Rule::OneContainer,
        holds: Holds::Everywhere,
        by: Breaker::Foreign(&["containers"]),
        message: "an App has one main container",
        remedy: "write it into `spec` itself, the others into `sidecars`",
    },
];

impl Row {
    /// The message with the name of the rule.
    pub fn told(&self) -> String {
        format!("{} (golden rule `{}`)", self.message, self.rule.name())
    }

    fn at(&self, path: &Path) -> Violation {
        Violation::new(path.to_string(), self.told(), self.remedy).of_rule(self.rule)
    }
}

/// Every rule of production that a scale breaks which comes by itself; none elsewhere.
pub fn check_scale(scale: &Scale, environment: Environment) -> Vec<Violation> {
    match environment {
        Environment::Testing => Vec::new(),
        Environment::Production => {
            let path = Path::root().field("spec").field("scale");
            let exceptions = path.field("exceptions");
            let everywhere = std::iter::once((path, &scale.size));
            let here = scale.exceptions.iter().map(|(dc, size)| (exceptions.field(dc.as_str()), size));
            everywhere.chain(here).filter_map(|(path, size)| too_few(&path, size)).collect()
        }
    }
}

/// Puts down that so many replicas, read at `node`, are too few for production.
pub(super) fn check_replicas(node: &Node<'_>, replicas: u32) {
    check_fewest(node, replicas, FEW_REPLICAS);
}

/// Puts down that an autoscaler may go down to so few, read at `node`, which are too few for production.
pub(super) fn check_lower_bound(node: &Node<'_>, min: u32) {
    check_fewest(node, min, LOW_BOUND);
}

fn check_fewest(node: &Node<'_>, fewest: u32, row: Row) {
    if is_too_few(fewest) {
        node.faults().breaks(row.at(node.path()));
    }
}

fn is_too_few(replicas: u32) -> bool {
    (1..MIN_REPLICAS).contains(&replicas)
}

/// Puts down the probes that production asks for and the main container lacks.
pub(super) fn check_probes(probes: &Object<'_>) {
    for (field, row) in [("readiness", NO_READINESS), ("liveness", NO_LIVENESS)] {
        if probes.lacks(field) {
            probes.faults().breaks(row.at(&probes.path().field(field)));
        }
    }
}

/// Puts down every place of this `spec` where a runtime is told to take as much memory as its container has.
pub(super) fn check_heaps(spec: &Node<'_>, faults: &Faults) {
    for path in memory::beyond(spec) {
        faults.breaks(HEAP.at(&path));
    }
}

/// Puts down that the main container or a sidecar is to run as root.
pub(super) fn refuse_root(node: &Node<'_>) {
    node.fault_of(ROOT.rule, ROOT.told(), ROOT.remedy);
}

fn too_few(path: &Path, size: &Replication) -> Option<Violation> {
    let (path, row) = match size {
        Replication::Fixed(_) => (path.field("replicas"), FEW_REPLICAS),
        Replication::Auto(_) => (path.field("autoscale").field("min"), LOW_BOUND),
    };
    is_too_few(size.at_least()).then(|| row.at(&path))
}
