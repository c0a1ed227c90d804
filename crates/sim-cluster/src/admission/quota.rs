//! ResourceQuota: what an object costs, which quotas it is booked on, and when they are full.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use plimsoll_qos::{Quantity, Resources};

use crate::api::Target;
use crate::clock;
use crate::kinds::{QUOTA_NAMES, qos_class, resources};
use crate::object::{self, list, map, text};
use crate::resource::{Registry, Resource};
use crate::status::ApiError;
use crate::store::{Key, Tx};
use crate::tree::{Value, written};

/// Amounts by the names a quota uses, such as `requests.cpu`.
pub(crate) type Usage = Resources;

/// Quotas as they will be once an object that they count is stored.
#[derive(Debug, Default)]
#[must_use]
pub(crate) struct Bookings(Vec<Value>);

impl Bookings {
    /// Writes them.
    pub(crate) fn book(self, tx: &mut Tx<'_>) -> Result<(), ApiError> {
        for quota in self.0 {
            tx.put(&Key::new("resourcequotas", object::namespace(&quota), object::name(&quota)), quota)?;
        }
        Ok(())
    }
}

/// What the quotas of its namespace say with a new object, or which of them is full.
pub(super) fn charge(
    tx: &Tx<'_>,
    target: &Target,
    object: &Value,
    now: Timestamp,
) -> Result<Bookings, ApiError> {
    if !may_be_booked(tx, target) {
        return Ok(Bookings::default());
    }
    book(tx, target, object, &usage(&target.resource, object, now))
}

/// What they say with what a changed object costs more than it did.
pub(super) fn charge_change(
    tx: &Tx<'_>,
    target: &Target,
    live: &Value,
    object: &Value,
    now: Timestamp,
) -> Result<Bookings, ApiError> {
    if !may_be_booked(tx, target) {
        return Ok(Bookings::default());
    }
    let mut more = usage(&target.resource, object, now);
    more -= &usage(&target.resource, live, now);
    let more: Usage = more.into_iter().filter(|(_, amount)| amount.is_positive()).collect();
    if more.is_empty() { Ok(Bookings::default()) } else { book(tx, target, object, &more) }
}

/// Whether there are quotas that may count the object.
fn may_be_booked(tx: &Tx<'_>, target: &Target) -> bool {
    let is_told_of = target.resource.is_namespaced() && &*target.resource.key != "events";
    is_told_of && tx.holds("resourcequotas", &target.namespace)
}

fn book(tx: &Tx<'_>, target: &Target, object: &Value, cost: &Usage) -> Result<Bookings, ApiError> {
    let mut booked = Vec::new();
    for quota in tx.list("resourcequotas", Some(&target.namespace)) {
        if !applies(&quota, &target.resource, object) {
            continue;
        }
        let hard = amounts(&quota, "/status/hard");
        let used = amounts(&quota, "/status/used");
        let relevant: Usage = hard.names().filter_map(|name| Some((name, cost.get(name)?.clone()))).collect();
        check_specified(target, &quota, object, &hard)?;
        let exceeded: Vec<&String> = relevant
            .iter()
            .filter(|(name, amount)| !amount.is_zero() && used.amount(name) + *amount > *hard.amount(name))
            .map(|(name, _)| name)
            .collect();
        if !exceeded.is_empty() {
            let show = |from: &Usage| {
                exceeded
                    .iter()
                    .map(|name| format!("{name}={}", from.amount(name)))
                    .collect::<Vec<_>>()
                    .join(",")
            };
            let why = format!(
                "exceeded quota: {}, requested: {}, used: {}, limited: {}",
                object::name(&quota),
                show(&relevant),
                show(&used),
                show(&hard),
            );
            return Err(ApiError::forbidden(target.subject(), &why));
        }
        if relevant.iter().any(|(_, amount)| !amount.is_zero()) {
            let mut used = used;
            used += &relevant;
            let mut quota = Value::clone(&quota);
            quota["status"]["used"] = to_value(&used);
            booked.push(quota);
        }
    }
    Ok(Bookings(booked))
}

/// A pod under a quota on cpu or memory must say how much of it it wants.
fn check_specified(target: &Target, quota: &Value, pod: &Value, hard: &Usage) -> Result<(), ApiError> {
    if &*target.resource.key != "pods" {
        return Ok(());
    }
    let mut missing: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for name in hard.names() {
        let Some((part, resource)) = compute_resource(name) else { continue };
        for container in list(pod, "/spec/initContainers").iter().chain(list(pod, "/spec/containers")) {
            let given =
                map(container, &format!("/resources/{part}")).is_some_and(|m| m.contains_key(resource));
            if !given {
                missing.entry(name).or_default().push(text(container, "/name"));
            }
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let list: Vec<_> = missing
        .iter_mut()
        .map(|(name, containers)| {
            containers.sort_unstable();
            format!("{name} for: {}", containers.join(","))
        })
        .collect();
    let why = format!("failed quota: {}: must specify {}", object::name(quota), list.join("; "));
    Err(ApiError::forbidden(target.subject(), &why))
}

/// `requests.cpu`, and `cpu` for short, as the part of a container and the name in it.
fn compute_resource(name: &str) -> Option<(&'static str, &str)> {
    let (part, resource) = match name.split_once('.') {
        Some(("requests", resource)) => ("requests", resource),
        Some(("limits", resource)) => ("limits", resource),
        None => ("requests", name),
        Some(_) => return None,
    };
    ["cpu", "memory"].contains(&resource).then_some((part, resource))
}

/// Whether a real server counts anything by this name.
pub(crate) fn is_counted(registry: &Registry, name: &str) -> bool {
    if let Some(resource) = name.strip_prefix("count/") {
        let (plural, group) = resource.split_once('.').unwrap_or((resource, ""));
        return registry.by_key(resource).is_some_and(|resource| resource.is_namespaced())
            || Registry::is_missing_group(group, None)
            || registry.is_missing_resource(group, plural);
    }
    let requested = name.strip_prefix("requests.");
    // Of whatever else nodes have, what is requested is counted.
    requested.is_some_and(|requested| requested.contains('/') || requested.starts_with("hugepages-"))
        || name.starts_with("hugepages-")
        || name.contains(".storageclass.storage.k8s.io/")
        || QUOTA_NAMES.contains(&name) && name != "storage"
}

/// Whether an object counts against a quota: scopes speak of pods alone.
pub(crate) fn applies(quota: &Value, resource: &Resource, object: &Value) -> bool {
    let scopes = list(quota, "/spec/scopes").iter().filter_map(Value::as_str);
    let expressions = list(quota, "/spec/scopeSelector/matchExpressions");
    let is_pod = &*resource.key == "pods";
    if !is_pod {
        return list(quota, "/spec/scopes").is_empty() && expressions.is_empty();
    }
    { scopes }.all(|scope| in_scope(object, scope, "Exists", &[]))
        && expressions.iter().all(|expression| {
            in_scope(
                object,
                text(expression, "/scopeName"),
                text(expression, "/operator"),
                list(expression, "/values"),
            )
        })
}

fn in_scope(pod: &Value, scope: &str, operator: &str, values: &[Value]) -> bool {
    let terminating = object::integer(pod, "/spec/activeDeadlineSeconds").is_some();
    match scope {
        "BestEffort" => qos_class(pod) == "BestEffort",
        "NotBestEffort" => qos_class(pod) != "BestEffort",
        "Terminating" => terminating,
        "NotTerminating" => !terminating,
        "PriorityClass" => {
            let class = text(pod, "/spec/priorityClassName");
            let named = values.iter().any(|value| value.as_str() == Some(class));
            match operator {
                "In" => named,
                "NotIn" => !named,
                "DoesNotExist" => class.is_empty(),
                _ => !class.is_empty(),
            }
        }
        _ => false,
    }
}

/// What an object costs, by every name a quota may use for it.
pub(crate) fn usage(resource: &Resource, object: &Value, now: Timestamp) -> Usage {
    let mut usage = Usage::new();
    let one = Quantity::from_units(1);
    usage.insert(format!("count/{}", resource.key), one.clone());
    match &*resource.key {
        "configmaps" | "secrets" | "resourcequotas" => {
            usage.insert(resource.plural.clone(), one);
        }
        "services" => {
            let kind = text(object, "/spec/type");
            usage.insert("services", one.clone());
            if kind == "LoadBalancer" {
                usage.insert("services.loadbalancers", one);
            }
            if ["NodePort", "LoadBalancer"].contains(&kind) {
                let ports = i64::try_from(list(object, "/spec/ports").len()).unwrap_or(i64::MAX);
                usage.insert("services.nodeports", Quantity::from_units(ports));
            }
        }
        "pods" if holds_resources(object, now) => usage += &resources(object).quota_usage(),
        _ => {}
    }
    usage
}

/// Whether a pod counts for more than an object that is stored: not once it has ended, nor when it should have
/// gone a grace period ago, as those on a lost node should have.
fn holds_resources(pod: &Value, now: Timestamp) -> bool {
    if matches!(text(pod, "/status/phase"), "Succeeded" | "Failed") {
        return false;
    }
    let deleted = clock::parse(text(pod, "/metadata/deletionTimestamp"));
    let grace = object::integer(pod, "/metadata/deletionGracePeriodSeconds").map(SignedDuration::from_secs);
    deleted.zip(grace).is_none_or(|(at, grace)| at.saturating_add(grace).is_ok_and(|late| now <= late))
}

/// The amounts in the map at a pointer.
pub(crate) fn amounts(object: &Value, pointer: &str) -> Usage {
    let read = |value: &Value| match value {
        Value::String(text) => text.parse::<Quantity>().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    };
    map(object, pointer).into_iter().flatten().filter_map(|(k, v)| Some((k.clone(), read(v)?))).collect()
}

/// Amounts as an object carries them.
pub(crate) fn to_value(usage: &Usage) -> Value {
    written(usage)
}
