//! What the programs of the simulated data centers do: most are well and have little to do, and some images are there
//! to fail or to be busy.

use std::time::Duration;

use plimsoll_sim_cluster::{Behavior, Containers, Load, Loads, Scripts, Usage};

use crate::error::Error;

/// Images by the beginning of their digest, as `docs/dev.md` lists them.
fn programs() -> [(&'static str, Behavior); 6] {
    let seconds = Duration::from_secs;
    [
        ("facade", Behavior::never_ready()),
        ("deadbeef", Behavior::crashing(Duration::from_millis(800), 1)),
        ("0badf00d", Behavior::missing()),
        ("feedface", Behavior::out_of_memory(seconds(3))),
        ("decade", Behavior::hanging(seconds(20))),
        ("a51ee9", Behavior::slow(seconds(40))),
    ]
}

/// The image that is under load, and the load that its pods share in each data center.
const BUSY: (&str, Load) = ("10ad", Load::Shared(Usage { cpu_millis: 2000, memory_bytes: 512 << 20 }));

/// The behavior of every image.
pub(super) fn scripts() -> Result<Scripts, Error> {
    let scripts = Scripts::default();
    for (digest, behavior) in programs() {
        scripts.set_pattern(&format!("@sha256:{digest}"), behavior).map_err(super::world::defect)?;
    }
    Ok(scripts)
}

/// The load on every image.
pub(super) fn loads() -> Result<Loads, Error> {
    let loads = Loads::default();
    loads.set(Containers::all(), Load::Each(Usage::default()));
    let (digest, load) = BUSY;
    let busy = Containers::of_image(&format!("@sha256:{digest}")).map_err(super::world::defect)?;
    loads.set(busy, load);
    Ok(loads)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_lists_every_program() {
        let page = include_str!("../../../../docs/dev.md");
        let listed: Vec<&str> =
            page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        let known: Vec<&str> = programs().iter().map(|(digest, _)| *digest).chain([BUSY.0]).collect();
        assert_eq!(listed, known);
        scripts().unwrap();
        loads().unwrap();
    }
}
