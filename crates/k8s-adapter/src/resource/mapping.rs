//! Between the words of core and the wire form. Everything of ours is destructured, so that a field that
//! comes to one side does not compile until it has a place on the other.

use plimsoll_core::cluster::{self, Asks, Delivery, Fatal, Power, Resource, Version, Want};
use plimsoll_core::content::Content;
use plimsoll_core::digest::Digest;
use plimsoll_core::name::AppRef;
use plimsoll_core::record::Substance;
use plimsoll_core::scale::{self, Replication};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::{AppText, Spec, spec};

/// What an App resource carries, as far as it can be acted on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Carried {
    /// An Order whose content is what its digest says.
    Order(Box<Delivery>),
    /// Something that must not be acted on.
    Damaged(Damage),
}

/// Why an App resource must not be acted on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Damage {
    #[error("the App resource cannot be read: {0}")]
    Unreadable(String),
    #[error(
        "the content here is not what was ordered: either this data center is older than the Release (its \
         definition of App resources drops fields that it does not know), or the resource was edited by hand"
    )]
    Content,
    #[error("the App resource is not what was ordered: it was edited by hand")]
    Order,
    #[error("this data center is older than the Release, whose content it cannot read: {0}")]
    Newer(String),
    #[error(
        "the App resource asks for a rollback of this data center alone, which is not built yet: nothing is changed here"
    )]
    Local,
}

/// The spec of the resource that `delivery` becomes.
pub(crate) fn to_spec(delivery: &Delivery) -> Result<Spec<Box<RawValue>>, serde_json::Error> {
    let Delivery { installation, dc, app: _, uid, fence, digest, operation, want, deleted } = delivery;
    let mut spec = Spec {
        installation: installation.clone(),
        dc: dc.clone(),
        uid: *uid,
        fence: *fence,
        digest: *digest,
        operation: *operation,
        state: spec::State::Deleted,
        release: None,
        content_digest: None,
        content: None,
        replication: None,
        restarts: 0,
        last_good: None,
        pulls: None,
        deleted: deleted.clone(),
        local: None,
    };
    match want {
        Want::Deleted => {}
        Want::Run { release, content_digest, content, power, replication, restarts, last_good, pulls } => {
            spec.state = match power {
                Power::Online => spec::State::Online,
                Power::Offline => spec::State::Offline,
            };
            spec.release = Some(*release);
            spec.content_digest = Some(*content_digest);
            spec.content = Some(to_raw_value(content)?);
            spec.replication = Some(to_wire_replication(replication));
            spec.restarts = *restarts;
            spec.last_good = last_good.as_ref().map(to_wire_last_good).transpose()?;
            spec.pulls.clone_from(pulls);
        }
    }
    Ok(spec)
}

/// What `object` carries; the checks are those without which nothing may be decided from it.
pub(crate) fn carried(object: &AppText<'_>) -> Carried {
    match to_delivery(object) {
        Ok(delivery) => Carried::Order(Box::new(delivery)),
        Err(damage) => Carried::Damaged(damage),
    }
}

fn to_delivery(object: &AppText<'_>) -> Result<Delivery, Damage> {
    let unreadable = |why: &dyn std::fmt::Display| Damage::Unreadable(why.to_string());
    let app = app_of(object).map_err(|why| unreadable(&why))?;
    let Spec {
        installation,
        dc,
        uid,
        fence,
        digest,
        operation,
        state,
        release,
        content_digest,
        content,
        replication,
        restarts,
        last_good,
        pulls,
        deleted,
        local,
    } = read_spec(object)?;
    if local.is_some() {
        return Err(Damage::Local);
    }
    let power = match state {
        spec::State::Online => Some(Power::Online),
        spec::State::Offline => Some(Power::Offline),
        spec::State::Deleted => None,
    };
    let want = match power {
        None => Want::Deleted,
        Some(power) => {
            let missing = |field: &str| Damage::Unreadable(format!("spec.{field} is missing"));
            let content_digest = content_digest.ok_or_else(|| missing("contentDigest"))?;
            let replication = replication.ok_or_else(|| missing("replication"))?;
            Want::Run {
                release: release.ok_or_else(|| missing("release"))?,
                content_digest,
                content: to_content(content.ok_or_else(|| missing("content"))?, content_digest)?,
                power,
                replication: to_replication(&replication)?,
                restarts,
                // One that cannot be read serves nobody, and does not stand against what is ordered now.
                last_good: last_good.as_ref().and_then(to_last_good),
                pulls,
            }
        }
    };
    let delivery = Delivery { installation, dc, app, uid, fence, digest, operation, want, deleted };
    let (content, power, replication, pulls) = match &delivery.want {
        Want::Deleted => (None, None, None, None),
        Want::Run { content_digest, power, replication, pulls, .. } => {
            (Some(content_digest), Some(*power), Some(replication), pulls.as_ref())
        }
    };
    let deleted = &delivery.deleted;
    let substance = Substance { uid: delivery.uid, content, power, replication, restarts, deleted, pulls };
    match substance.digest() {
        Ok(carried) if carried == digest => Ok(delivery),
        Ok(_) => Err(Damage::Order),
        Err(why) => Err(unreadable(&why)),
    }
}

fn to_content(content: &RawValue, digest: Digest) -> Result<Content, Damage> {
    // The digest goes first: it is made over what lies there, known fields and others.
    if digest_of(content, Some(digest)).ok() != Some(digest) {
        return Err(Damage::Content);
    }
    serde_json::from_str(content.get()).map_err(|why| Damage::Newer(without_place::<Content>(content, &why)))
}

/// The digest of a content that lies there, of which it is said to be `claimed`.
///
/// API servers write objects in their canonical form, but for a few characters. Whose very text has the claimed digest
/// is the canonical form, as no other text has it, and need not be brought into it.
fn digest_of(content: &RawValue, claimed: Option<Digest>) -> Result<Digest, serde_json::Error> {
    match claimed {
        Some(claimed) if Digest::of_bytes(content.get().as_bytes()) == claimed => Ok(claimed),
        _ => Digest::of(&serde_json::from_str::<Value>(content.get())?),
    }
}

/// What the worker is told of `object`. Its digest is that of what is carried, so that a resource that was
/// edited by hand does not pass for the Order that it was.
///
/// One that asks for a local rollback says so: nothing else may be decided from it, and no new Order may take that
/// wish away.
pub(crate) fn to_resource(object: &AppText<'_>) -> Result<Resource, Damage> {
    let app = app_of(object).map_err(Damage::Unreadable)?;
    let spec = read_spec(object)?;
    let Asked { asks, digest } = asked(&spec)?;
    Ok(Resource {
        app,
        version: Version {
            uid: object.metadata.uid.clone().unwrap_or_default(),
            resource_version: object.metadata.resource_version.clone().unwrap_or_default(),
        },
        installation: spec.installation,
        uid: spec.uid,
        fence: spec.fence,
        digest,
        release: spec.release,
        asks,
        local: spec.local.as_ref().map(to_local),
        status: object.status.and_then(to_status),
    })
}

/// Who asked for a local rollback, as far as they said.
fn to_local(local: &Value) -> cluster::Local {
    let text = |field: &str| local.get(field).and_then(Value::as_str).map(str::to_owned);
    cluster::Local { by: text("by"), at: text("at"), reason: text("reason") }
}

/// What `spec` really carries, with the digest that an Order for it has.
struct Asked {
    asks: Asks,
    digest: Digest,
}

fn asked(spec: &Spec<&RawValue>) -> Result<Asked, Damage> {
    let unreadable = |why: serde_json::Error| Damage::Unreadable(why.to_string());
    let power = match spec.state {
        spec::State::Deleted => None,
        spec::State::Online => Some(Power::Online),
        spec::State::Offline => Some(Power::Offline),
    };
    let content = match (power, &spec.content) {
        (Some(_), Some(content)) => Some(digest_of(content, spec.content_digest).map_err(unreadable)?),
        _ => None,
    };
    let replication = match (power, &spec.replication) {
        (Some(_), Some(replication)) => Some(to_replication(replication)?),
        _ => None,
    };
    let substance = Substance {
        uid: spec.uid,
        content: content.as_ref(),
        power,
        replication: replication.as_ref(),
        restarts: if power.is_some() { spec.restarts } else { 0 },
        deleted: &spec.deleted,
        pulls: if power.is_some() { spec.pulls.as_ref() } else { None },
    };
    let digest = substance.digest().map_err(unreadable)?;
    let asks = match (power, content) {
        _ if digest != spec.digest => Asks::Nothing,
        (None, _) => Asks::Deletion,
        (Some(_), Some(content)) => Asks::Content(content),
        (Some(_), None) => Asks::Nothing,
    };
    Ok(Asked { asks, digest })
}

/// The App that `object` is of, by its name.
pub(crate) fn app_of(object: &AppText<'_>) -> Result<AppRef, String> {
    let part = |text: &Option<String>| text.clone().unwrap_or_default();
    Ok(AppRef {
        namespace: part(&object.metadata.namespace)
            .parse()
            .map_err(|why| format!("metadata.namespace: {why}"))?,
        name: part(&object.metadata.name).parse().map_err(|why| format!("metadata.name: {why}"))?,
    })
}

fn read_spec<'a>(object: &AppText<'a>) -> Result<Spec<&'a RawValue>, Damage> {
    let spec = object.spec.ok_or_else(|| Damage::Unreadable("spec is missing".to_owned()))?;
    serde_json::from_str(spec.get())
        .map_err(|why| Damage::Unreadable(without_place::<Spec<Value>>(spec, &why)))
}

/// Why `text` cannot be read, without a line and a column of what nobody sees as text.
fn without_place<T: DeserializeOwned>(text: &RawValue, why: &serde_json::Error) -> String {
    let again = serde_json::from_str::<Value>(text.get()).and_then(serde_json::from_value::<T>);
    again.err().as_ref().unwrap_or(why).to_string()
}

fn to_wire_replication(replication: &Replication) -> spec::Replication {
    match replication {
        Replication::Fixed(replicas) => spec::Replication { replicas: Some(*replicas), autoscale: None },
        Replication::Auto(scale::Autoscale { min, max, cpu_percent }) => spec::Replication {
            replicas: None,
            autoscale: Some(spec::Autoscale { min: *min, max: *max, cpu_percent: *cpu_percent }),
        },
    }
}

fn to_replication(replication: &spec::Replication) -> Result<Replication, Damage> {
    match replication {
        spec::Replication { replicas: Some(replicas), autoscale: None } => Ok(Replication::Fixed(*replicas)),
        spec::Replication { replicas: None, autoscale: Some(spec::Autoscale { min, max, cpu_percent }) } => {
            Ok(Replication::Auto(scale::Autoscale { min: *min, max: *max, cpu_percent: *cpu_percent }))
        }
        _ => Err(Damage::Unreadable(
            "spec.replication is not exactly one of replicas and autoscale".to_owned(),
        )),
    }
}

fn to_wire_last_good(good: &cluster::LastGood) -> Result<spec::LastGood<Box<RawValue>>, serde_json::Error> {
    let cluster::LastGood { release, content_digest, content } = good;
    Ok(spec::LastGood { release: *release, content_digest: *content_digest, content: to_raw_value(content)? })
}

fn to_last_good(good: &spec::LastGood<&RawValue>) -> Option<cluster::LastGood> {
    let spec::LastGood { release, content_digest, content } = *good;
    Some(cluster::LastGood { release, content_digest, content: to_content(content, content_digest).ok()? })
}

/// A status as the worker reads it; `None` if another version wrote one that has nothing to say to this one.
pub(crate) fn to_status(status: &RawValue) -> Option<cluster::Status> {
    let spec::Status { fence, ready: _, applied, replicas, findings, drift } =
        serde_json::from_str(status.get()).ok()?;
    let spec::Replicas { ordered, updated, ready, available, old, terminating } = replicas;
    Some(cluster::Status {
        fence,
        replicas: cluster::Replicas { ordered, updated, ready, available, old, terminating },
        applied: match applied {
            spec::Applied::Pending => cluster::Applied::Pending,
            spec::Applied::Current => cluster::Applied::Current,
            spec::Applied::Gone => cluster::Applied::Gone,
        },
        findings: findings.into_iter().map(to_finding).collect(),
        drift: drift.into_iter().map(to_drift).collect(),
    })
}

fn to_finding(finding: spec::Finding) -> cluster::Finding {
    let spec::Finding { reason, message, fatal } = finding;
    cluster::Finding { reason, message, fatal: if fatal { Fatal::Yes } else { Fatal::No } }
}

fn to_drift(drift: spec::Drift) -> cluster::Drift {
    let spec::Drift { object, field, manager, since } = drift;
    cluster::Drift { object, field, manager, since }
}

/// The wire form of what the controller says.
pub(crate) fn to_wire_status(status: &cluster::Status) -> Result<Value, serde_json::Error> {
    let cluster::Status { fence, replicas, applied, findings, drift } = status;
    let cluster::Replicas { ordered, updated, ready, available, old, terminating } = *replicas;
    serde_json::to_value(spec::Status {
        fence: *fence,
        ready: format!("{ready}/{ordered}"),
        applied: match applied {
            cluster::Applied::Pending => spec::Applied::Pending,
            cluster::Applied::Current => spec::Applied::Current,
            cluster::Applied::Gone => spec::Applied::Gone,
        },
        replicas: spec::Replicas { ordered, updated, ready, available, old, terminating },
        findings: findings.iter().map(to_wire_finding).collect(),
        drift: drift.iter().map(to_wire_drift).collect(),
    })
}

fn to_wire_finding(finding: &cluster::Finding) -> spec::Finding {
    let cluster::Finding { reason, message, fatal } = finding;
    spec::Finding { reason: reason.clone(), message: message.clone(), fatal: *fatal == Fatal::Yes }
}

fn to_wire_drift(drift: &cluster::Drift) -> spec::Drift {
    let cluster::Drift { object, field, manager, since } = drift;
    spec::Drift { object: object.clone(), field: field.clone(), manager: manager.clone(), since: *since }
}

#[cfg(test)]
mod tests;
