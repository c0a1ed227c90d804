//! Registries.

use std::process::ExitCode;

use plimsoll_api_rest::dto::{Registry, RegistryPull};

use super::list;
use super::session::Session;
use crate::arguments;
use crate::failure::Failure;
use crate::output::Table;

pub(super) async fn run(session: &Session, command: arguments::Registry) -> Result<ExitCode, Failure> {
    match command {
        arguments::Registry::Ls => {
            let items = list::all(session, &["registries"], &[]).await?;
            let host = |registry: &Registry| registry.host.clone();
            list::show(session, &items, "there is no registry", host, table)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn table(registries: &[Registry]) -> Table {
    let mut table = Table::new(&["HOST", "SCHEME", "DATA CENTERS"]);
    for Registry { host, scheme, data_centers } in registries {
        let pulls = |RegistryPull { data_center, prefix }: &RegistryPull| {
            if prefix == host { data_center.clone() } else { format!("{data_center} from {prefix}") }
        };
        let pulls: Vec<String> = data_centers.iter().map(pulls).collect();
        table.push([host.clone(), format!("{scheme:?}"), pulls.join(", ")]);
    }
    table
}
