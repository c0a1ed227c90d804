//! One App in full, for people.

use std::fmt::Write as _;

use jiff::Timestamp;
use plimsoll_api_rest::dto::{
    All, App, AppDataCenter, ContainerSize, Placement, Replication, Scale, SizedAmount, Terms,
};

use super::{Table, age, clean};

/// An App: what it aims at, how it fares in each data center, and why not better.
pub(crate) fn describe(app: &App, now: Timestamp) -> String {
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
