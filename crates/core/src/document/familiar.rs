//! Fields that people bring along from Kubernetes and Compose: what there is here in their place, or the golden
//! rule that is why there is none.

/// A field of another format.
struct Familiar {
    fields: &'static [&'static str],
    message: &'static str,
    remedy: &'static str,
}

const TABLE: &[Familiar] = &[
    Familiar {
        fields: &["privileged", "securityContext", "capabilities", "allowPrivilegeEscalation"],
        message: "no container is privileged (golden rule `no-privileged`)",
        remedy: "leave it out; `user` sets the user, everything else is as safe as it can be",
    },
    Familiar {
        fields: &["hostNetwork", "hostPort", "hostPID", "hostIPC"],
        message: "no App uses what belongs to its server (golden rule `no-host-network`)",
        remedy: "leave it out; `ports` makes a Service",
    },
    Familiar {
        fields: &["hostPath"],
        message: "no App sees the disk of its server (golden rule `no-host-path`)",
        remedy: "leave it out; `scratch` gives room to write",
    },
    Familiar {
        fields: &["containers"],
        message: "an App has one main container (golden rule `one-container`)",
        remedy: "write it into `spec` itself, the others into `sidecars`",
    },
    Familiar {
        fields: &["initContainers"],
        message: "this has another name here",
        remedy: "write it into `init`",
    },
    Familiar {
        fields: &["replicas", "minReplicas", "maxReplicas", "autoscaling"],
        message: "this stands in another place here",
        remedy: "write `scale: {replicas: …}` or `scale: {autoscale: {min: …, max: …}}`",
    },
    Familiar {
        fields: &["resources", "limits", "requests", "cpu", "memory"],
        message: "this stands in another place here",
        remedy: "write the limits into `size`; the requests follow from the grade",
    },
    Familiar {
        fields: &["livenessProbe", "readinessProbe", "startupProbe", "healthcheck"],
        message: "this stands in another place here",
        remedy: "write it into `probes`, as liveness, readiness or startup",
    },
    Familiar {
        fields: &["environment", "envFrom"],
        message: "this has another name here",
        remedy: "write texts into `env` and keys of Secrets into `envFromSecrets`",
    },
    Familiar {
        fields: &["volumes", "volumeMounts", "configMap"],
        message: "there are no volumes to declare here",
        remedy: "write `files`, `secretFiles` and `scratch` with their paths",
    },
    Familiar {
        fields: &["terminationGracePeriodSeconds", "lifecycle", "preStop"],
        message: "this stands in another place here",
        remedy: "write `shutdown: {drain: …, grace: …}`",
    },
    Familiar {
        fields: &["affinity", "topologySpreadConstraints", "podDisruptionBudget", "strategy"],
        message: "Plimsoll sees to this itself",
        remedy: "leave it out",
    },
];

/// What is said of `field` where it is no field: message and remedy.
pub(super) fn told(field: &str) -> Option<(String, &'static str)> {
    let Familiar { message, remedy, .. } = TABLE.iter().find(|familiar| familiar.fields.contains(&field))?;
    Some(((*message).to_owned(), remedy))
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
        let all: Vec<_> = TABLE.iter().flat_map(|familiar| familiar.fields).collect();
        let mut once = all.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), all.len());
    }
}
