//! Registries.

use std::process::ExitCode;

use plimsoll_api_rest::dto::{Registry, RegistryPull, RegistryTrait};
use plimsoll_core::image::Host;
use reqwest::Method;

use super::installation::write;
use super::list;
use super::session::Session;
use crate::arguments::{self, Format, Making};
use crate::client::read;
use crate::failure::Failure;
use crate::output::{Table, age, clean, print, structured};

pub(super) async fn run(session: &Session, command: arguments::Registry) -> Result<ExitCode, Failure> {
    match command {
        arguments::Registry::Ls => {
            let items = list::all(session, &["registries"], &[]).await?;
            let host = |registry: &Registry| registry.host.clone();
            list::show(session, &items, "there is no registry", host, |all| table(session, all))?;
        }
        arguments::Registry::Probe { host, making } => probe(session, &host, &making).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn probe(session: &Session, host: &Host, making: &Making) -> Result<(), Failure> {
    let path = ["registries", host.as_str(), "probe"];
    let value = write(session, Method::POST, &path, making).send().await?;
    if let Some(printed) = structured(session.format, &value) {
        return printed;
    }
    let Registry { host, traits, .. } = read(&value)?;
    match session.format {
        Format::Name => print(&clean(&host)),
        _ if making.dry_run => print("the registry was not asked: this would be accepted"),
        _ => print(&told(&traits).to_string()),
    }
}

/// What was asked of a registry, what was found, and what comes of it.
fn told(traits: &[RegistryTrait]) -> Table {
    let mut table = Table::new(&["ABOUT", "FOUND", "SO"]);
    for RegistryTrait { subject, known: _, finding, consequence } in traits {
        table.push([format!("{subject:?}"), finding.clone(), consequence.clone().unwrap_or_default()]);
    }
    table
}

fn table(session: &Session, registries: &[Registry]) -> Table {
    let mut table = Table::new(&["HOST", "SCHEME", "DATA CENTERS", "PROBED"]);
    for Registry { host, scheme, data_centers, traits: _, probed } in registries {
        let pulls = |RegistryPull { data_center, prefix }: &RegistryPull| {
            if prefix == host { data_center.clone() } else { format!("{data_center} from {prefix}") }
        };
        let pulls: Vec<String> = data_centers.iter().map(pulls).collect();
        let probed = probed.map(|at| format!("{} ago", age(at, session.now))).unwrap_or_default();
        table.push([host.clone(), format!("{scheme:?}"), pulls.join(", "), probed]);
    }
    table
}
