//! What stands beside the Apps of a Namespace: the range and the quota of `plimsoll_qos`, as objects.
//!
//! They let through whatever Plimsoll makes, and are never made where they would refuse what runs there already: a
//! pod that cannot be made again when its server fails is worse than one that was never planned for.

use plimsoll_qos::lint::{self, Finding, Rule, Severity};
use plimsoll_qos::{
    Amounts, LimitRange, Pod, Policy, QosClass, Quantity, Resources, Terms, best_effort_quota, limit_range,
    qos_class, requests,
};
use serde_json::{Value, json};

use crate::fields::covers;
use crate::rest::Rest;

/// The `LimitRange` of ours.
pub(crate) const RANGE: &str = "plimsoll";
/// The `ResourceQuota` of ours, which keeps pods out that request nothing.
pub(crate) const QUOTA: &str = "plimsoll-no-best-effort";
/// On a namespace, with the value [`NONE`]: nothing is made beside its Apps, and what there is, is left alone.
pub(crate) const LABEL: &str = "plimsoll.io/companions";
const NONE: &str = "none";

/// How many pods are looked at together, and how many at all: among so many somebody else's would show.
const PAGE: u32 = 500;
const PAGES: usize = 10;

/// What is there beside the Apps of a Namespace: its ranges and quotas, whoever made them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Beside {
    /// The `LimitRange`s.
    pub(crate) ranges: Vec<Value>,
    /// The `ResourceQuota`s.
    pub(crate) quotas: Vec<Value>,
}

impl Beside {
    /// Reads all of a namespace.
    pub(crate) async fn read(rest: &Rest, namespace: &str) -> kube::Result<Self> {
        let list = async |plural: &str, kind: &str| -> kube::Result<Vec<Value>> {
            let mut list: Value = rest.get(&collection(namespace, plural)).await?;
            let items = list["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
            // The items of a list do not say what they are.
            Ok(items.into_iter().map(|item| of_kind(item, kind)).collect())
        };
        Ok(Self {
            ranges: list("limitranges", "LimitRange").await?,
            quotas: list("resourcequotas", "ResourceQuota").await?,
        })
    }

    /// What is missing of ours, or is not as it should be, where Apps are sold by these terms too.
    pub(crate) fn missing(&self, namespace: &str, terms: &[Terms]) -> Vec<Value> {
        let mut missing = Vec::new();
        let own = self.ranges.iter().find(|range| is_named(range, RANGE));
        // Two that fill in would do so in an order that Kubernetes does not promise.
        if own.is_some() || !self.ranges.iter().any(fills_in) {
            let range = range_object(namespace, &wanted_range(own, terms));
            if !own.is_some_and(|own| covers(own, &range)) {
                missing.push(range);
            }
        }
        let quota = quota_object(namespace);
        if !self.quotas.iter().any(|there| is_named(there, QUOTA) && covers(there, &quota)) {
            missing.push(quota);
        }
        missing
    }

    /// What ranges and quotas of others have against an object: what would be refused there. Where nobody else has any,
    /// which is the rule, the object is not even made.
    pub(crate) fn against(&self, object: impl FnOnce() -> Value) -> Vec<Finding> {
        let ranges = self.ranges.iter().filter(|range| !is_named(range, RANGE));
        let quotas = self.quotas.iter().filter(|quota| !is_named(quota, QUOTA));
        let mut objects: Vec<Value> = ranges.chain(quotas).cloned().collect();
        if objects.is_empty() {
            return Vec::new();
        }
        objects.push(object());
        refusals(objects)
    }
}

/// Brings a Namespace its companions, as far as they refuse nothing that runs there; says in words what it left out.
pub(crate) async fn ensure(
    rest: &Rest,
    namespace: &Value,
    beside: &Beside,
    terms: &[Terms],
) -> kube::Result<Vec<String>> {
    let mut notes = Vec::new();
    let name = namespace["metadata"]["name"].as_str().unwrap_or_default();
    if namespace["metadata"]["labels"][LABEL] == NONE {
        return Ok(notes);
    }
    let mut missing = beside.missing(name, terms);
    if missing.is_empty() {
        return Ok(notes);
    }
    let pods = pods(rest, name).await?;
    missing.retain(|object| match refused_by(object, &pods) {
        None => true,
        Some(why) => {
            notes.push(why);
            false
        }
    });
    for object in missing {
        let plural = if object["kind"] == "LimitRange" { "limitranges" } else { "resourcequotas" };
        let own = object["metadata"]["name"].as_str().unwrap_or_default();
        rest.apply::<serde::de::IgnoredAny>(&format!("{}/{own}", collection(name, plural)), &object).await?;
    }
    Ok(notes)
}

/// What ranges and quotas of others have against Apps of any grade of `policy`, whatever their size.
pub(crate) fn against_grades(namespace: &str, beside: &Beside, policy: &Policy) -> Vec<String> {
    let mut words = Vec::new();
    for grade in policy.grades() {
        let limit = Amounts { cpu: Quantity::from_units(1), memory: Quantity::from_mebibytes(1024) };
        let asked = requests(&limit, &grade.name, &grade.terms()).amounts();
        let list = |Amounts { cpu, memory }: Amounts| json!({"cpu": cpu, "memory": memory});
        let findings = beside.against(|| {
            json!({
                "kind": "Deployment",
                "metadata": {"name": "app", "namespace": namespace},
                "spec": {"template": {"spec": {
                    "priorityClassName": grade.priority_class(),
                    "containers": [
                        {"name": "app", "resources": {"requests": list(asked), "limits": list(limit)}},
                    ],
                }}},
            })
        });
        // Sizes are judged by Apps that have one.
        let always = findings.iter().filter(|it| matches!(it.rule, Rule::RatioRefused | Rule::QuotaNeeds));
        words.extend(always.map(|Finding { message, remedy, .. }| {
            format!("pods of the grade {} are refused in {namespace}: {message}; {remedy}", grade.name)
        }));
    }
    words
}

/// Findings that have pods refused.
fn refusals(objects: Vec<Value>) -> Vec<Finding> {
    let objects: Vec<lint::Object> =
        objects.into_iter().filter_map(|object| serde_json::from_value(object).ok()).collect();
    let of_space = |finding: &Finding| {
        matches!(
            finding.rule,
            Rule::DefaultBelowRequest
                | Rule::RatioRefused
                | Rule::SizeRefused
                | Rule::QuotaNeeds
                | Rule::QuotaTooSmall
        )
    };
    let findings = lint::lint(&objects, &Policy::default()).into_iter();
    findings.filter(|finding| finding.severity == Severity::Error && of_space(finding)).collect()
}

/// The range that lets through what it should, and what it did before: Releases that ran may be wanted back.
fn wanted_range(own: Option<&Value>, terms: &[Terms]) -> LimitRange {
    let mut range = limit_range(&Policy::default());
    for terms in terms {
        range = range.admitting(terms);
    }
    let before = own.map(|own| own["spec"]["limits"][0]["maxLimitRequestRatio"].clone());
    if let Some(before) = before.and_then(|before| serde_json::from_value::<Resources>(before).ok()) {
        let known = before.into_iter().filter(|(name, _)| range.max_limit_request_ratio.contains(name));
        let known: Resources = known.collect();
        range.max_limit_request_ratio.raise_to(&known);
    }
    range
}

fn range_object(namespace: &str, range: &LimitRange) -> Value {
    let mut item = json!(range);
    item["type"] = json!("Container");
    object(namespace, "LimitRange", RANGE, &json!({"limits": [item]}))
}

fn quota_object(namespace: &str) -> Value {
    let quota = best_effort_quota();
    object(namespace, "ResourceQuota", QUOTA, &json!({"hard": quota.hard, "scopes": ["BestEffort"]}))
}

fn object(namespace: &str, kind: &str, name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/managed-by": "plimsoll"},
        },
        "spec": spec,
    })
}

/// Why one of ours is not made: a pod that runs there would be refused if it were made again.
fn refused_by(object: &Value, pods: &[Value]) -> Option<String> {
    let kind = object["kind"].as_str().unwrap_or_default();
    let refused = pods.iter().filter_map(|pod| {
        let name = pod["metadata"]["name"].as_str()?;
        if kind == "ResourceQuota" {
            let spec: Pod = serde_json::from_value(pod["spec"].clone()).ok()?;
            let bare = qos_class(&spec).class == QosClass::BestEffort;
            return bare.then(|| (name, "it requests nothing and is limited in nothing".to_owned()));
        }
        let found = refusals(vec![object.clone(), pod.clone()]);
        found.into_iter().next().map(|finding| (name, finding.message))
    });
    let refused: Vec<_> = refused.collect();
    let (first, why) = refused.first()?;
    Some(format!(
        "the {kind} {} is not made: {} of the pods that run there would be refused when they are made again, such as \
         {first}: {why}",
        object["metadata"]["name"].as_str().unwrap_or_default(),
        refused.len(),
    ))
}

/// The pods of a namespace that have not ended, as if nothing owned them.
async fn pods(rest: &Rest, namespace: &str) -> kube::Result<Vec<Value>> {
    let mut pods = Vec::new();
    let mut next = String::new();
    for _ in 0..PAGES {
        let list: Value =
            rest.get(&format!("{}?limit={PAGE}&continue={next}", collection(namespace, "pods"))).await?;
        for pod in list["items"].as_array().into_iter().flatten() {
            let ended = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
            if !ended {
                let (name, spec) = (&pod["metadata"]["name"], &pod["spec"]);
                pods.push(
                    json!({"kind": "Pod", "metadata": {"name": name, "namespace": namespace}, "spec": spec}),
                );
            }
        }
        list["metadata"]["continue"].as_str().unwrap_or_default().clone_into(&mut next);
        if next.is_empty() {
            break;
        }
    }
    Ok(pods)
}

/// Whether a range fills in what containers do not say.
fn fills_in(range: &Value) -> bool {
    let items = range["spec"]["limits"].as_array().into_iter().flatten();
    { items }
        .any(|item| item["type"] == "Container" && (item["default"].is_object() || item["max"].is_object()))
}

fn is_named(object: &Value, name: &str) -> bool {
    object["metadata"]["name"] == name
}

fn of_kind(mut item: Value, kind: &str) -> Value {
    item["kind"] = json!(kind);
    item["apiVersion"] = json!("v1");
    item
}

fn collection(namespace: &str, plural: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/{plural}")
}
