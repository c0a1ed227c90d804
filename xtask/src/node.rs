//! `cargo xtask record-node`: what becomes of pods on a real node, to which the simulated one is held.

use crate::{bench, components};
use anyhow::Result;
use plimsoll_bench::Binaries;

/// Plays scenarios on a real node and writes down their histories.
pub(crate) fn record(scenarios: &[String]) -> Result<()> {
    components::build(components::Output::Shown)?;
    components::build_node()?;
    let programs = Binaries::default_folder();
    bench::runtime()?.block_on(plimsoll_histories::record(scenarios, &programs))
}
