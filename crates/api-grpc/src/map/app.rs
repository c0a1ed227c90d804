//! Apps, Releases, differences.

use plimsoll_core::cluster::{Drift, Fatal, Finding, Power};
use plimsoll_core::name::AppRef;
use plimsoll_core::record::Pin;
use plimsoll_core::scale::{Autoscale, Placement, Replication, Scale};
use plimsoll_core::view::{Accepted, AppDcView, AppView, Change, DiffView, Health, ReleaseView};

use super::grades;
use super::installation::{dc_state, reach};
use super::operation::{operation, replicas};
use super::timestamp;
use crate::{json, proto};

pub(crate) fn app(view: AppView) -> proto::App {
    let AppView {
        app: AppRef { namespace, name },
        uid,
        etag,
        owner,
        description,
        labels,
        grade,
        terms,
        grade_note,
        sizes,
        release,
        content,
        image,
        scale,
        power,
        pin,
        health,
        dcs,
        operation,
        created,
        changed_by,
        changed,
    } = view;
    proto::App {
        namespace: namespace.into(),
        name: name.into(),
        uid: uid.to_string(),
        etag: etag.to_string(),
        owner,
        description,
        labels: labels.into_iter().collect(),
        grade: grade.into(),
        terms: Some(grades::terms(terms)),
        grade_note,
        sizes: sizes.into_iter().map(grades::size).collect(),
        release: release.get(),
        content: content.to_string(),
        image,
        scale: Some(self::scale(scale)),
        state: state(power).into(),
        pin: pin.map(self::pin),
        health: self::health(health).into(),
        data_centers: dcs.into_iter().map(app_dc).collect(),
        operation: operation.map(|id| id.to_string()),
        created: Some(timestamp(created)),
        changed_by,
        changed: Some(timestamp(changed)),
    }
}

fn app_dc(view: AppDcView) -> proto::AppDataCenter {
    let AppDcView { dc, dc_state, release, seen, reach, replication, health, replicas, findings, drift } =
        view;
    proto::AppDataCenter {
        data_center: dc.into(),
        data_center_state: self::dc_state(dc_state).into(),
        release: release.map(u64::from),
        replication: replication.as_ref().map(self::replication),
        health: self::health(health).into(),
        replicas: replicas.map(self::replicas),
        findings: findings.into_iter().map(finding).collect(),
        drift: drift.into_iter().map(self::drift).collect(),
        seen_release: seen.map(u64::from),
        reach: reach.map(self::reach),
    }
}

fn finding(finding: Finding) -> proto::Finding {
    let Finding { reason, message, fatal } = finding;
    proto::Finding { reason, message, fatal: fatal == Fatal::Yes }
}

fn drift(drift: Drift) -> proto::Drift {
    let Drift { object, field, manager, since } = drift;
    proto::Drift { object, field, manager, since: Some(timestamp(since)) }
}

fn pin(pin: Pin) -> proto::Pin {
    let Pin { by, reason, since, from } = pin;
    proto::Pin { by, reason, since: Some(timestamp(since)), from: from.get() }
}

fn scale(scale: Scale) -> proto::Scale {
    let Scale { placement, size, exceptions } = scale;
    proto::Scale {
        size: Some(replication(&size)),
        placement: Some(self::placement(placement)),
        exceptions: exceptions.into_iter().map(|(dc, size)| (dc.into(), replication(&size))).collect(),
    }
}

fn replication(replication: &Replication) -> proto::Replication {
    use proto::replication::Kind;
    let kind = match replication {
        Replication::Fixed(replicas) => Kind::Replicas(*replicas),
        Replication::Auto(Autoscale { min, max, cpu_percent }) => {
            Kind::Autoscale(proto::Autoscale { min: *min, max: *max, cpu_percent: *cpu_percent })
        }
    };
    proto::Replication { kind: Some(kind) }
}

fn placement(placement: Placement) -> proto::Placement {
    use proto::placement::Kind;
    let kind = match placement {
        Placement::All => Kind::All(()),
        Placement::Only(dcs) => {
            Kind::Only(proto::DataCenterNames { names: dcs.into_iter().map(String::from).collect() })
        }
    };
    proto::Placement { kind: Some(kind) }
}

fn state(power: Power) -> proto::AppState {
    match power {
        Power::Online => proto::AppState::Online,
        Power::Offline => proto::AppState::Offline,
    }
}

fn health(health: Health) -> proto::Health {
    match health {
        Health::Healthy => proto::Health::Healthy,
        Health::Progressing => proto::Health::Progressing,
        Health::Degraded => proto::Health::Degraded,
        Health::Offline => proto::Health::Offline,
        Health::Unknown => proto::Health::Unknown,
    }
}

pub(crate) fn release(view: ReleaseView) -> proto::Release {
    let ReleaseView {
        number,
        head,
        content,
        previous,
        image,
        back_to,
        succeeded,
        rolled_back,
        operation,
        by,
        reason,
        created,
    } = view;
    proto::Release {
        number: number.get(),
        head,
        content: content.to_string(),
        previous: previous.map(|digest| digest.to_string()),
        image,
        back_to: back_to.map(u64::from),
        succeeded: succeeded.map(timestamp),
        rolled_back: rolled_back.map(timestamp),
        operation: operation.to_string(),
        by,
        reason,
        created: Some(timestamp(created)),
    }
}

pub(crate) fn difference(view: DiffView) -> proto::DiffAppResponse {
    let DiffView { release, changes, notes } = view;
    proto::DiffAppResponse {
        release: release.map(u64::from),
        changes: changes.into_iter().map(change).collect(),
        notes,
    }
}

fn change(change: Change) -> proto::Change {
    let Change { path, before, after } = change;
    proto::Change { path, before: before.map(json::to_value), after: after.map(json::to_value) }
}

pub(crate) fn accepted(accepted: Accepted) -> proto::Accepted {
    let Accepted { app: AppRef { namespace, name }, operation, sizes, notes } = accepted;
    proto::Accepted {
        namespace: namespace.into(),
        app: name.into(),
        operation: operation.map(self::operation),
        notes,
        sizes: sizes.into_iter().map(grades::size).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_core::cluster::Replicas;
    use plimsoll_core::digest::Digest;
    use plimsoll_core::ledger::Revision;
    use plimsoll_core::record::DcState;
    use plimsoll_core::view::{ContainerSize, Etag, Outage, Reach, SizedAmount, TermsView};

    fn amount(text: &str) -> SizedAmount {
        let amount: plimsoll_qos::Quantity = text.parse().unwrap();
        SizedAmount { limit: amount.clone(), request: amount, because: "equal to the limit".into() }
    }

    #[test]
    fn an_app_is_told_in_full() {
        let auto = Replication::Auto(Autoscale { min: 3, max: 9, cpu_percent: 70 });
        let view = AppView {
            app: AppRef { namespace: "demo".parse().unwrap(), name: "shop".parse().unwrap() },
            uid: "0199f3a0-0000-7000-8000-000000000001".parse().unwrap(),
            etag: Etag(Revision(7)),
            owner: Some("team".into()),
            description: Some("shop".into()),
            labels: [("tier".to_owned(), "front".to_owned())].into(),
            grade: "gold".parse().unwrap(),
            terms: TermsView {
                qos_class: plimsoll_qos::QosClass::Guaranteed,
                cpu: plimsoll_qos::Ratio::ONE,
                memory: plimsoll_qos::Ratio::ONE,
                priority_class: "plimsoll-gold".into(),
            },
            grade_note: Some("gold is no grade any more".into()),
            sizes: vec![ContainerSize { container: "app".into(), cpu: amount("1"), memory: amount("1Gi") }],
            release: 2.try_into().unwrap(),
            content: Digest::of_bytes(b"content"),
            image: "registry.example.com/shop@sha256:00".into(),
            scale: Scale {
                placement: Placement::Only(vec!["dc-1".parse().unwrap()]),
                size: Replication::Fixed(3),
                exceptions: [("dc-1".parse().unwrap(), auto.clone())].into(),
            },
            power: Power::Online,
            pin: Some(Pin {
                by: "bob".into(),
                reason: None,
                since: "2026-11-23T00:00:03Z".parse().unwrap(),
                from: 3.try_into().unwrap(),
            }),
            health: Health::Degraded,
            dcs: vec![AppDcView {
                dc: "dc-1".parse().unwrap(),
                dc_state: DcState::Active,
                release: Some(2.try_into().unwrap()),
                seen: Some(1.try_into().unwrap()),
                reach: Some(Reach::Unreachable(Outage {
                    why: "the connection was refused".into(),
                    since: "2026-11-23T00:00:05Z".parse().unwrap(),
                })),
                replication: Some(auto),
                health: Health::Unknown,
                replicas: Some(Replicas { ordered: 3, ..Replicas::default() }),
                findings: vec![Finding {
                    reason: "QuotaExceeded".into(),
                    message: "full".into(),
                    fatal: Fatal::Yes,
                }],
                drift: vec![Drift {
                    object: "Deployment/shop".into(),
                    field: ".spec.replicas".into(),
                    manager: Some("kubectl".into()),
                    since: "2026-11-23T00:00:04Z".parse().unwrap(),
                }],
            }],
            operation: Some("0199f3a0-0000-7000-8000-000000000002".parse().unwrap()),
            created: "2026-11-23T00:00:00Z".parse().unwrap(),
            changed_by: "alice".into(),
            changed: "2026-11-23T00:00:01Z".parse().unwrap(),
        };
        insta::assert_debug_snapshot!(app(view));
    }

    #[test]
    fn a_release_and_a_change_are_told_in_full() {
        let view = ReleaseView {
            number: 3.try_into().unwrap(),
            head: true,
            content: Digest::of_bytes(b"content"),
            previous: Some(Digest::of_bytes(b"previous")),
            image: "registry.example.com/shop@sha256:00".into(),
            back_to: Some(1.try_into().unwrap()),
            succeeded: Some("2026-11-23T00:00:01Z".parse().unwrap()),
            rolled_back: Some("2026-11-23T00:00:02Z".parse().unwrap()),
            operation: "0199f3a0-0000-7000-8000-000000000002".parse().unwrap(),
            by: "alice".into(),
            reason: Some("sale".into()),
            created: "2026-11-23T00:00:00Z".parse().unwrap(),
        };
        let difference = Change { path: "spec.image".into(), before: None, after: Some("b".into()) };
        insta::assert_debug_snapshot!((release(view), change(difference)));
    }
}
