//! Grades, and what they make of sizes.

use plimsoll_core::record::RetiredGrade;
use plimsoll_core::view::{
    ContainerSize, GradeChange, GradeView, PolicyChange, PolicyView, SizedAmount, TermsView,
};
use plimsoll_qos::QosClass;

use super::timestamp;
use crate::proto;

pub(crate) fn policy(view: PolicyView) -> proto::Policy {
    let PolicyView { etag, grades, retired, by, reason, changed } = view;
    proto::Policy {
        etag: etag.to_string(),
        grades: grades.into_iter().map(grade).collect(),
        retired: retired.into_iter().map(self::retired).collect(),
        changed_by: by,
        reason,
        changed: changed.map(timestamp),
    }
}

pub(crate) fn policy_change(view: PolicyChange) -> proto::SetPolicyResponse {
    let PolicyChange { policy, changes } = view;
    proto::SetPolicyResponse {
        policy: Some(self::policy(policy)),
        changes: changes.into_iter().map(change).collect(),
    }
}

fn grade(view: GradeView) -> proto::Grade {
    let GradeView { name, qos_class, cpu, memory, priority, priority_class } = view;
    proto::Grade {
        name: name.into(),
        qos_class: class(qos_class).into(),
        cpu: cpu.into(),
        memory: memory.into(),
        priority,
        priority_class,
    }
}

fn retired(retired: RetiredGrade) -> proto::RetiredGrade {
    let RetiredGrade { name, priority } = retired;
    proto::RetiredGrade { name: name.into(), priority }
}

fn change(view: GradeChange) -> proto::GradeChange {
    let GradeChange { grade, before, after, apps, count } = view;
    proto::GradeChange {
        grade: grade.into(),
        before: before.map(self::grade),
        after: after.map(self::grade),
        apps: apps.iter().map(ToString::to_string).collect(),
        app_count: count as u64,
    }
}

pub(super) fn terms(view: TermsView) -> proto::Terms {
    let TermsView { qos_class, cpu, memory, priority_class } = view;
    proto::Terms {
        qos_class: class(qos_class).into(),
        cpu: cpu.into(),
        memory: memory.into(),
        priority_class,
    }
}

pub(super) fn size(view: ContainerSize) -> proto::ContainerSize {
    let ContainerSize { container, cpu, memory } = view;
    proto::ContainerSize { container, cpu: Some(amount(cpu)), memory: Some(amount(memory)) }
}

fn amount(view: SizedAmount) -> proto::SizedAmount {
    let SizedAmount { limit, request, because } = view;
    proto::SizedAmount { limit: limit.to_string(), request: request.to_string(), because }
}

fn class(class: QosClass) -> proto::QosClass {
    match class {
        QosClass::Guaranteed => proto::QosClass::Guaranteed,
        QosClass::Burstable => proto::QosClass::Burstable,
        QosClass::BestEffort => proto::QosClass::BestEffort,
    }
}
