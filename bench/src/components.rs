//! The processes of real control planes, found by what they were started with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use plimsoll_tests::World;

use crate::Cost;

/// The real control planes of a [`World`].
#[derive(Clone, Debug)]
pub struct Components {
    /// By program, all data centers together.
    processes: BTreeMap<String, Vec<u32>>,
    audit_logs: Vec<PathBuf>,
}

impl Components {
    /// Those whose files lie where the kubeconfigs of `world` lie.
    pub fn of(world: &World) -> Result<Self> {
        let kubeconfig = world.dcs().first().context("no data center")?.kubeconfig();
        // FOLDER/kubeconfig/dc-1.yaml, FOLDER/dc-1/audit.log
        let folder = kubeconfig.ancestors().nth(2).context("a kubeconfig in no bench")?;
        let audit_logs = world.dcs().iter().map(|dc| folder.join(dc.name()).join("audit.log")).collect();
        Ok(Self { processes: processes(folder)?, audit_logs })
    }

    /// What each program has used so far.
    pub fn costs(&self) -> Result<BTreeMap<String, Duration>> {
        self.processes
            .iter()
            .map(|(program, pids)| {
                let costs = pids.iter().map(|pid| Ok(Cost::of(*pid)?.total()));
                Ok((program.clone(), costs.sum::<Result<Duration>>()?))
            })
            .collect()
    }

    /// The audit log of each data center, in the order of their names.
    pub fn audit_logs(&self) -> &[PathBuf] {
        &self.audit_logs
    }
}

/// The processes that were started with a path in `folder`, by the name of their program.
fn processes(folder: &Path) -> Result<BTreeMap<String, Vec<u32>>> {
    let folder = folder.to_str().context("a folder that is no text")?;
    let mut found: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").context("listing processes")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // One that ended meanwhile is none of ours.
        let Ok(line) = std::fs::read_to_string(format!("/proc/{pid}/cmdline")) else { continue };
        let mut words = line.split('\0');
        let program = words.next().and_then(|program| program.rsplit('/').next()).unwrap_or_default();
        if words.any(|word| word.contains(folder)) {
            found.entry(program.to_owned()).or_default().push(pid);
        }
    }
    Ok(found)
}
