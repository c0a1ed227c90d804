//! Sentences of Kubernetes put into plain words.

use std::fmt;

/// What a `ResourceQuota` said when it refused something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Quota {
    name: String,
    lines: Vec<QuotaLine>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct QuotaLine {
    resource: String,
    requested: String,
    used: String,
    limited: String,
}

impl Quota {
    /// Reads `… exceeded quota: NAME, requested: A=1,B=2, used: A=3,B=4, limited: A=3,B=5`, the sentence of
    /// the API server's `resourcequota` admission.
    pub(crate) fn parse(message: &str) -> Option<Self> {
        let (_, rest) = message.split_once("exceeded quota: ")?;
        let (name, rest) = rest.split_once(", requested: ")?;
        let (requested, rest) = rest.split_once(", used: ")?;
        let (used, limited) = rest.split_once(", limited: ")?;
        let of = |list: &str, resource: &str| {
            pairs(list).find(|(key, _)| *key == resource).map_or("?", |(_, value)| value).to_owned()
        };
        let lines: Vec<_> = pairs(requested)
            .map(|(resource, requested)| QuotaLine {
                resource: resource.to_owned(),
                requested: requested.to_owned(),
                used: of(used, resource),
                limited: of(limited, resource),
            })
            .collect();
        (!lines.is_empty()).then(|| Self { name: name.to_owned(), lines })
    }
}

fn pairs(list: &str) -> impl Iterator<Item = (&str, &str)> {
    list.split(',').filter_map(|pair| pair.trim().split_once('='))
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the namespace's quota {} is full: ", self.name)?;
        for (index, line) in self.lines.iter().enumerate() {
            let QuotaLine { resource, requested, used, limited } = line;
            let comma = if index > 0 { "; " } else { "" };
            let what = in_words(resource);
            write!(f, "{comma}{what} {used} of {limited} used, {requested} more asked for")?;
        }
        f.write_str(". Ask for a larger quota, or lower replicas or size")
    }
}

fn in_words(resource: &str) -> String {
    match resource {
        "requests.cpu" | "cpu" => "requested CPU".to_owned(),
        "requests.memory" | "memory" => "requested memory".to_owned(),
        "limits.cpu" => "CPU limit".to_owned(),
        "limits.memory" => "memory limit".to_owned(),
        "pods" | "count/pods" => "pods".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_quota_says_what_is_used_and_what_to_do() {
        let quota = Quota::parse(
            "pods \"shop-7d9-x\" is forbidden: exceeded quota: team-quota, requested: \
             limits.cpu=1,requests.cpu=500m, used: limits.cpu=4,requests.cpu=1900m, limited: \
             limits.cpu=4,requests.cpu=2",
        );
        assert_eq!(
            quota.unwrap().to_string(),
            "the namespace's quota team-quota is full: CPU limit 4 of 4 used, 1 more asked for; requested \
             CPU 1900m of 2 used, 500m more asked for. Ask for a larger quota, or lower replicas or size"
        );
    }

    #[test]
    fn other_sentences_are_no_quota() {
        for other in ["", "exceeded quota: x", "forbidden: User \"a\" cannot create"] {
            assert_eq!(Quota::parse(other), None, "{other:?}");
        }
    }
}
