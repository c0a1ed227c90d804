use anyhow::{Context, Result, bail};
use futures::{StreamExt, TryStreamExt, stream};
use std::path::Path;
use tokio::signal::unix::{SignalKind, signal};

use crate::{RealNode, Scenario, play};

/// How many scenarios run side by side; they are on one node, and each should have it for itself.
const AT_ONCE: usize = 8;

/// Plays scenarios on a real node and writes down what becomes of them: those that are named, or all.
pub async fn record(names: &[String], programs: &Path) -> Result<()> {
    let all = Scenario::all()?;
    if let Some(unknown) = names.iter().find(|name| all.iter().all(|scenario| scenario.name != **name)) {
        bail!("no scenario is called {unknown}");
    }
    let wanted = all.into_iter().filter(|scenario| names.is_empty() || names.contains(&scenario.name));
    let (alone, together): (Vec<_>, Vec<_>) = wanted.partition(|scenario| scenario.disturbs_node);
    let node = RealNode::start(programs).await?;
    let recorded = async {
        play(&Scenario::before_all(), &node).await?;
        stream::iter(&together)
            .map(|scenario| record_one(scenario, &node))
            .buffer_unordered(AT_ONCE)
            .try_collect::<Vec<()>>()
            .await?;
        for scenario in &alone {
            record_one(scenario, &node).await?;
        }
        anyhow::Ok(())
    };
    let interrupted = async {
        let mut ended = signal(SignalKind::terminate()).context("waiting for SIGTERM")?;
        tokio::select! {
            pressed = tokio::signal::ctrl_c() => pressed.context("waiting for Ctrl-C")?,
            _ = ended.recv() => {}
        }
        bail!("interrupted")
    };
    let outcome = tokio::select! {
        outcome = recorded => outcome,
        outcome = interrupted => outcome,
    };
    // The machine is put right whatever came of it.
    let stopped = node.stop(outcome.is_err()).await;
    outcome.and(stopped)
}

async fn record_one(scenario: &Scenario, node: &RealNode) -> Result<()> {
    eprintln!("{}: {}", scenario.name, scenario.shows);
    let history = play(scenario, node).await?;
    let path = scenario.recording();
    std::fs::write(&path, history.text()).with_context(|| format!("writing {}", path.display()))?;
    eprintln!("{}: recorded", scenario.name);
    Ok(())
}
