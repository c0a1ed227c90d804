//! One App in full, for people.

use std::fmt::Write as _;

use jiff::Timestamp;
use plimsoll_api_rest::dto::{
    All, App, AppDataCenter, ContainerSize, Placement, Replicas, Replication, Scale, SizedAmount, Terms,
};

use super::{Table, age, clean};

/// An App: what it aims at, what is under way, how it fares in each data center, and why not better.
pub(crate) fn describe(app: &App, under_way: Option<&str>, now: Timestamp) -> String {
    let mut text = String::new();
    let mut line = |key: &str, value: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:<12} {}", format!("{key}:"), clean(value));
    };
    line("App", &format!("{}/{}", app.namespace, app.name));
    for (key, value) in [("Owner", &app.owner), ("About", &app.description)] {
        if let Some(value) = value {
            line(key, value);
        }
    }
    line("Health", &format!("{:?}", app.health));
    line("State", &format!("{:?}", app.state));
    line("Release", &format!("{}, {}", app.release, app.image));
    line("Grade", &graded(app));
    line("Scale", &scale(&app.scale));
    if let Some(pin) = &app.pin {
        let why = pin.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
        line("Pinned", &format!("by {}, who rolled back from release {}{why}", pin.by, pin.from));
    }
    line("Changed", &format!("by {}, {} ago", app.changed_by, age(app.changed, now)));
    line("ETag", &app.etag);
    if let Some(standing) = under_way {
        line("Under way", standing);
    }
    if let Some(note) = &app.grade_note {
        let _ = writeln!(text, "\n{}", clean(note));
    }
    let _ = writeln!(text, "\n{}", sizes(app));
    text.push('\n');
    let mut table = Table::new(&["DATA CENTER", "HEALTH", "RELEASE", "ORDERED", "UPDATED", "READY", "OLD"]);
    for dc in &app.data_centers {
        table.push(row(dc));
    }
    let _ = write!(text, "{table}");
    for dc in &app.data_centers {
        if let Some(leaving) = dc.replicas.as_ref().and_then(leaving) {
            let _ = write!(text, "\n{}: {leaving}", dc.data_center);
        }
        for finding in &dc.findings {
            let _ =
                write!(text, "\n{}: {}: {}", dc.data_center, clean(&finding.reason), clean(&finding.message));
        }
        for drift in &dc.drift {
            let who = drift.manager.as_deref().unwrap_or("somebody");
            let what = if drift.field.is_empty() { "was gone" } else { &drift.field };
            let told = format!(
                "{} {what}: changed by {who}, {} ago, put right",
                drift.object,
                age(drift.since, now)
            );
            let _ = write!(text, "\n{}: drift: {}", dc.data_center, clean(&told));
        }
    }
    text
}

/// The grade with what it stands for.
fn graded(app: &App) -> String {
    let Terms { qos_class, cpu, memory, .. } = &app.terms;
    match (cpu.as_str(), memory.as_str()) {
        ("1", "1") => format!("{}, {qos_class:?}, nothing oversold", app.grade),
        (cpu, memory) => {
            format!("{}, {qos_class:?}, CPU {}, memory {}", app.grade, sold(cpu), sold(memory))
        }
    }
}

/// How often something is sold, as people say it.
pub(crate) fn sold(times: &str) -> String {
    match times {
        "1" => "not oversold".to_owned(),
        times => format!("sold {times} times"),
    }
}

/// What each container may use, what is requested for it, and why.
fn sizes(app: &App) -> Table {
    let mut table = Table::new(&["CONTAINER", "RESOURCE", "LIMIT", "REQUEST", "BECAUSE"]);
    for ContainerSize { container, cpu, memory } in &app.sizes {
        for (resource, SizedAmount { limit, request, because }) in [("cpu", cpu), ("memory", memory)] {
            table.push([
                container.clone(),
                resource.to_owned(),
                limit.clone(),
                request.clone(),
                because.clone(),
            ]);
        }
    }
    table
}

fn row(dc: &AppDataCenter) -> Vec<String> {
    let count = |count: fn(&plimsoll_api_rest::dto::Replicas) -> u32| {
        dc.replicas.as_ref().map_or_else(String::new, |replicas| count(replicas).to_string())
    };
    vec![
        dc.data_center.clone(),
        format!("{:?}", dc.health),
        dc.release.map_or_else(String::new, |release| release.to_string()),
        dc.replication.as_ref().map_or_else(String::new, replication),
        count(|replicas| replicas.updated),
        count(|replicas| replicas.ready),
        count(|replicas| replicas.old),
    ]
}

/// What is still there of what was told to go: without it, a data center that is as ordered otherwise is not
/// healthy yet for no reason that anybody sees.
pub(crate) fn leaving(replicas: &Replicas) -> Option<String> {
    match replicas.terminating {
        0 => None,
        1 => Some("1 pod is still leaving".to_owned()),
        pods => Some(format!("{pods} pods are still leaving")),
    }
}

fn replication(replication: &Replication) -> String {
    match (&replication.replicas, &replication.autoscale) {
        (Some(replicas), _) => replicas.to_string(),
        (None, Some(auto)) => format!("{} to {} at {} % CPU", auto.min, auto.max, auto.cpu_percent),
        (None, None) => String::new(),
    }
}

fn scale(scale: &Scale) -> String {
    let Scale { replicas, autoscale, placement, exceptions } = scale;
    let size = replication(&Replication { replicas: *replicas, autoscale: autoscale.clone() });
    let mut told = match placement {
        Placement::Every(All::All) => format!("{size} in every data center"),
        Placement::Only(names) => format!("{size} in {}", names.join(", ")),
    };
    for (dc, size) in exceptions {
        let _ = write!(told, "; {} in {dc}", replication(size));
    }
    told
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pods_that_still_leave_are_told_where_nothing_else_says_why_it_is_not_healthy() {
        let dc = |name: &str, health: &str, terminating: u32| {
            json!({
                "dataCenter": name, "dataCenterState": "Active", "release": 2, "health": health, "findings": [], "drift": [],
                "replication": {"replicas": 3},
                "replicas": {"ordered": 3, "updated": 3, "ready": 3, "available": 3, "old": 0, "terminating": terminating},
            })
        };
        let app: App = serde_json::from_value(json!({
            "namespace": "demo", "name": "shop", "uid": "1", "etag": "\"7\"", "grade": "important",
            "terms": {"qosClass": "Guaranteed", "cpu": "1", "memory": "1", "priorityClass": "p"}, "sizes": [], "release": 2, "content": "sha256:0",
            "image": "shop:2", "scale": {"replicas": 3, "placement": "All", "exceptions": {}}, "state": "Online",
            "health": "Progressing",
            "dataCenters": [dc("dc-1", "Healthy", 0), dc("dc-2", "Progressing", 1), dc("dc-3", "Progressing", 2)],
            "created": "2026-11-23T00:00:00Z", "changed": "2026-11-23T00:00:00Z", "changedBy": "alice",
        }))
        .unwrap();
        insta::assert_snapshot!(describe(
            &app,
            Some("the upgrade of shop to release 2 goes on"),
            "2026-11-23T00:00:09Z".parse().unwrap()
        ));
    }
}
