//! How many more fit.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use plimsoll_qos::{
    Amounts, CapacityError, Detail as Depth, Inventory, Policy, Quantity, Resource, WantedRequest,
};
use serde_json::{Value, json};

use super::answer::{amounts, answered, items, roughly, show, text, unsure};
use super::arguments::{Detail, Files, Fit, Size};
use super::pods::{Described, read};
use crate::arguments::Format;
use crate::failure::Failure;
use crate::output::{Table, clean};

pub(super) fn run(format: Format, arguments: Fit) -> Result<ExitCode, Failure> {
    let Fit { fleet, size, file, detail, policy } = arguments;
    let policy = policy.policy()?;
    let refused = |error: CapacityError| Failure::usage(error.to_string());
    let (want, because) = match &file {
        Some(file) => of_file(file, &policy)?,
        None => (of_size(size)?, None),
    };
    let mut wanted = want.resolve(&policy).map_err(refused)?;
    if let Some(because) = because {
        wanted.because = because;
    }
    let detail = match (detail, format) {
        (Some(Detail::Nodes), _) | (None, Format::Wide | Format::Json | Format::Yaml) => Depth::Nodes,
        (Some(Detail::Clusters), _) | (None, Format::Table | Format::Name) => Depth::Clusters,
        (Some(Detail::DataCenters), _) => Depth::DataCenters,
    };
    let (clusters, ledgers) = fleet.read()?;
    let inventory = Inventory::new(clusters, ledgers).map_err(refused)?;
    let answer = answered(&inventory.fit(&wanted).map_err(refused)?.answer(detail))?;
    show(format, &answer, || told(&answer))?;
    Ok(ExitCode::SUCCESS)
}

fn of_size(size: Size) -> Result<WantedRequest, Failure> {
    let Size { grade, cpu, memory } = size;
    let amount = |text: Option<String>, resource| {
        Quantity::parse_strict(&text.unwrap_or_default(), resource)
            .map_err(|error| Failure::usage(error.to_string()))
    };
    let size = Amounts { cpu: amount(cpu, Resource::Cpu)?, memory: amount(memory, Resource::Memory)? };
    Ok(WantedRequest { grade, size: Some(size), ..WantedRequest::default() })
}

/// The one pod of a file, as the API server would store it, and how its requests came about if a grade made them.
fn of_file(file: &Path, policy: &Policy) -> Result<(WantedRequest, Option<String>), Failure> {
    let mut pods = read(&Files { files: vec![file.to_owned()] }, policy)?;
    let (Some(Described { pod, labels, namespace, object, because }), true) = (pods.pop(), pods.is_empty())
    else {
        return Err(Failure::usage(format!("{} holds several pods; give one", file.display())));
    };
    let fault = |error: serde_json::Error| Failure::usage(format!("{object}: {error}"));
    let mut want: WantedRequest =
        serde_json::from_value(json!({"pod": pod, "labels": labels, "namespace": namespace}))
            .map_err(fault)?;
    want.pod = want.pod.map(|pod| pod.defaulted());
    Ok((want, because))
}

fn told(answer: &Value) -> String {
    let mut text_of_all = format!("{}\n", clean(&text(&answer["because"])));
    let mut line = |head: &str, said: String| {
        if !said.is_empty() {
            // Writing to a String cannot fail.
            let _ = writeln!(text_of_all, "{head:<10} {}", clean(&said));
        }
    };
    line("each:", format!("{} ({})", amounts(&answer["request"]), text(&answer["requestBecause"])));
    line("stranded:", roughly(&answer["stranded"]));
    let useful = &answer["usefulRatio"];
    if useful.is_object() {
        line(
            "k*:",
            format!(
                "selling CPU more than {} times lets not one pod more in: {}",
                text(&useful["decimal"]),
                text(&useful["because"])
            ),
        );
    }
    unsure(answer);
    let mut table = Table::new(&["WHERE", "FITS", "BINDING", "STRANDED", "BECAUSE"]);
    for center in items(&answer["dataCenters"]) {
        push(&mut table, &text(&center["name"]), center);
        for cluster in items(&center["clusters"]) {
            let name = text(&cluster["name"]);
            if name != text(&center["name"]) {
                push(&mut table, &name, cluster);
            }
            for node in items(&cluster["nodes"]) {
                push(&mut table, &format!("{name}/{}", text(&node["name"])), node);
            }
        }
    }
    format!("{text_of_all}\n{table}")
}

fn push(table: &mut Table, name: &str, scope: &Value) {
    table.push([
        name.to_owned(),
        text(&scope["fits"]),
        text(&scope["binding"]),
        roughly(&scope["stranded"]),
        text(&scope["because"]),
    ]);
}
