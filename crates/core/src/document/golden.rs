//! The golden rules of production that can be told from a document alone.
//!
//! Most rules hold in every installation and are part of the format: images by digest, sizes for every
//! container (so no pod is ever BestEffort), one main container, no root user, nothing privileged. Those here
//! may be broken where somebody tries something out.

use super::{AppDocument, Path};
use crate::error::Violation;
use crate::record::Environment;
use crate::scale::{Replication, Scale};

/// The fewest replicas of an App in a data center that has any: one is replaced, one fails, one serves.
pub const MIN_REPLICAS: u32 = 3;

/// A rule by its name, which waivers will name it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// At least [`MIN_REPLICAS`] in each data center that has any.
    MinReplicas,
    /// The main container says when it may get traffic.
    ReadinessProbe,
    /// The main container says when it must be restarted.
    LivenessProbe,
}

impl Rule {
    /// The name in messages and waivers.
    pub fn name(self) -> &'static str {
        match self {
            Self::MinReplicas => "min-replicas",
            Self::ReadinessProbe => "readiness-probe",
            Self::LivenessProbe => "liveness-probe",
        }
    }
}

/// Every rule that the document breaks; none outside production.
pub fn check(document: &AppDocument, environment: Environment) -> Vec<Violation> {
    match environment {
        Environment::Testing => Vec::new(),
        Environment::Production => {
            let mut violations = probes(document);
            violations.extend(replicas(&document.scale));
            violations
        }
    }
}

/// Every rule that a scale breaks, whether it comes with a document or by itself.
pub fn check_scale(scale: &Scale, environment: Environment) -> Vec<Violation> {
    match environment {
        Environment::Testing => Vec::new(),
        Environment::Production => replicas(scale),
    }
}

fn broken(rule: Rule, path: &Path, message: &str, remedy: &str) -> Violation {
    Violation::new(path.to_string(), format!("{message} (golden rule `{}`)", rule.name()), remedy)
}

fn probes(document: &AppDocument) -> Vec<Violation> {
    let probes = &document.content.main.probes;
    let path = Path::root().field("spec").field("probes");
    let mut violations = Vec::new();
    if probes.readiness.is_none() {
        violations.push(broken(
            Rule::ReadinessProbe,
            &path.field("readiness"),
            "in production an App has a readiness probe",
            "add one that succeeds when the App can take traffic",
        ));
    }
    if probes.liveness.is_none() {
        violations.push(broken(
            Rule::LivenessProbe,
            &path.field("liveness"),
            "in production an App has a liveness probe",
            "add one that fails only when nothing but a restart helps",
        ));
    }
    violations
}

fn replicas(scale: &Scale) -> Vec<Violation> {
    let path = Path::root().field("spec").field("scale");
    let exceptions = path.field("exceptions");
    let everywhere = std::iter::once((path, &scale.size));
    let here = scale.exceptions.iter().map(|(dc, size)| (exceptions.field(dc.as_str()), size));
    everywhere.chain(here).filter_map(|(path, size)| too_few(&path, size)).collect()
}

fn too_few(path: &Path, size: &Replication) -> Option<Violation> {
    let (path, remedy) = match size {
        Replication::Fixed(_) => (path.field("replicas"), "write 3 or more, or 0"),
        Replication::Auto(_) => (path.field("autoscale").field("min"), "write 3 or more"),
    };
    (1..MIN_REPLICAS).contains(&size.at_least()).then(|| {
        let message = format!("fewer than {MIN_REPLICAS} pods in a data center are too few for production");
        broken(Rule::MinReplicas, &path, &message, remedy)
    })
}
