//! Fields that people bring along from Kubernetes and Compose: what there is here in their place, or the golden
//! rule that is why there is none.

use super::golden::{self, Breaker, Rule};
use super::reader::Told;

/// A field of another format.
struct Familiar {
    fields: &'static [&'static str],
    message: &'static str,
    remedy: &'static str,
    /// What of ours stands for it, where that is one field.
    meant: &'static [&'static str],
}

const TABLE: &[Familiar] = &[
    Familiar {
        fields: &["initContainers"],
        message: "this has another name here",
        remedy: "write it into `init`",
        meant: &["init"],
    },
    Familiar {
        fields: &["replicas", "minReplicas", "maxReplicas", "autoscaling"],
        message: "this stands in another place here",
        remedy: "write `scale: {replicas: …}` or `scale: {autoscale: {min: …, max: …}}`",
        meant: &["scale"],
    },
    Familiar {
        fields: &["resources", "limits", "requests", "cpu", "memory"],
        message: "this stands in another place here",
        remedy: "write the limits into `size`; the requests follow from the grade",
        meant: &["size"],
    },
    Familiar {
        fields: &["livenessProbe", "readinessProbe", "startupProbe", "healthcheck"],
        message: "this stands in another place here",
        remedy: "write it into `probes`, as liveness, readiness or startup",
        meant: &["probes"],
    },
    Familiar {
        fields: &["environment", "envFrom"],
        message: "this has another name here",
        remedy: "write texts into `env` and keys of Secrets into `envFromSecrets`",
        meant: &[],
    },
    Familiar {
        fields: &["volumes", "volumeMounts", "configMap"],
        message: "there are no volumes to declare here",
        remedy: "write `files`, `secretFiles` and `scratch` with their paths",
        meant: &[],
    },
    Familiar {
        fields: &["terminationGracePeriodSeconds", "lifecycle", "preStop"],
        message: "this stands in another place here",
        remedy: "write `shutdown: {drain: …, grace: …}`",
        meant: &["shutdown"],
    },
    Familiar {
        fields: &["affinity", "topologySpreadConstraints", "podDisruptionBudget", "strategy"],
        message: "Plimsoll sees to this itself",
        remedy: "leave it out",
        meant: &[],
    },
];

/// What is said of `field` where it is no field.
pub(super) fn told(field: &str) -> Option<Told> {
    let forbidden = golden::TABLE.iter().find(|row| match row.by {
        Breaker::Foreign(fields) => fields.contains(&field),
        Breaker::Value(_) => false,
    });
    if let Some(row) = forbidden {
        // Whoever writes a list of containers has written image and size there.
        let meant: &[&str] = if row.rule == Rule::OneContainer { &["image", "size"] } else { &[] };
        return Some(Told { message: row.told(), remedy: row.remedy, rule: Some(row.rule), meant });
    }
    let Familiar { message, remedy, meant, .. } =
        TABLE.iter().find(|familiar| familiar.fields.contains(&field))?;
    Some(Told { message: (*message).to_owned(), remedy, rule: None, meant })
}

#[cfg(test)]
mod tests {
    use super::super::{container, spec};
    use super::*;

    #[test]
    fn no_field_of_ours_is_told_as_somebody_elses() {
        for field in [spec::FIELDS, container::INIT_FIELDS, container::SIDECAR_FIELDS].concat() {
            assert_eq!(told(field), None, "{field}");
        }
        let foreign = golden::TABLE.iter().filter_map(|row| match row.by {
            Breaker::Foreign(fields) => Some(fields),
            Breaker::Value(_) => None,
        });
        let all: Vec<_> = TABLE.iter().map(|familiar| familiar.fields).chain(foreign).flatten().collect();
        let mut once = all.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), all.len());
    }
}
