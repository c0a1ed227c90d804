//! `plimsoll dev`: a whole installation in one process, with nothing installed beforehand.
//!
//! The data centers are simulated, and everything else is what `serve` runs: there is no second code path.

mod context;
mod example;
mod folder;
mod guide;
mod lines;
mod programs;
mod registries;
mod say;
mod shop;
mod simulation;
mod world;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use self::context::Context;
pub use self::context::context_path;
use self::example::Example;
use self::folder::Folder;
use self::lines::Lines;
use self::world::{Ground, World};
use crate::config::LedgerSettings;
use crate::error::Error;
use crate::net::Listener;
use crate::signals::Signals;
use crate::stack::OpenLedger;

/// What `plimsoll dev` is told.
#[derive(Clone, Debug)]
pub struct DevOptions {
    /// The folder that everything is kept in; none: a temporary one, gone with the process unless that failed.
    pub data: Option<PathBuf>,
    /// Where REST, SSE and gRPC are served.
    pub listen: SocketAddr,
    /// When it ends.
    pub until: Until,
    /// By what there are registries, so that images are copied to where they run; none: there are not.
    pub registries: Option<RegistryProgram>,
}

/// The program that is a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistryProgram {
    /// The one that a shell would find, or that Go has built.
    Found,
    /// This one.
    At(PathBuf),
}

/// When `plimsoll dev` ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// When it is asked to.
    Stopped,
    /// When the example is healthy in every data center, or was not within this time from the start.
    Healthy {
        /// How long it may take.
        timeout: Duration,
    },
}

/// Starts everything, publishes the example if this folder never saw it, shows how it becomes healthy, and
/// stays or ends as it was told. Progress goes to standard error, the result to standard output.
pub async fn run(options: DevOptions) -> Result<(), Error> {
    let started = Instant::now();
    let DevOptions { data, listen, until, registries } = options;
    let mut signals = Signals::listen()?;
    let folder = Folder::open(data)?;
    let listener = Listener::bind(listen, None).await;
    // Which process has the folder tells more than that the port is in use; where there is no folder, none is made
    // for nothing.
    if listener.is_err() && !folder.path().exists() {
        return listener.map(drop);
    }
    let dir = folder.take()?;
    let listener = listener?;
    // A ledger that cannot be opened stays alone in its folder.
    let ledger = OpenLedger::open(&dir, LedgerSettings::default()).await?;
    folder.start_log()?;
    let ground = Ground { dir, ledger, listener, registries };
    let outcome = live(ground, &folder, until, &mut signals, started).await;
    folder.close(&outcome);
    outcome
}

/// Lives from the start of the data centers to the end of all.
async fn live(
    ground: Ground,
    folder: &Folder,
    until: Until,
    signals: &mut Signals,
    started: Instant,
) -> Result<(), Error> {
    let mut world = tokio::select! {
        world = World::start(ground, folder) => world?,
        () = signals.end() => return Err(Error::Interrupted),
    };
    let context = Context::publish(world.url(), world.token());
    say::message(&format!(
        "plimsoll dev listens on {}; everything lies in {}",
        world.url(),
        folder.path().display()
    ));
    let outcome = tokio::select! {
        outcome = show(&mut world, folder, &context, until, started) => outcome,
        () = signals.end() => match until {
            Until::Stopped => Ok(()),
            Until::Healthy { .. } => Err(Error::Interrupted),
        },
    };
    if let Some(context) = context.ok().flatten() {
        context.withdraw();
    }
    if until == Until::Stopped {
        say::message("stopping");
    }
    tokio::select! {
        stopped = world.stop() => outcome.and(stopped),
        () = signals.end() => Err(Error::Interrupted),
    }
}

/// Shows the example becoming healthy and how to go on; returns when there is nothing to stay for.
async fn show(
    world: &mut World,
    folder: &Folder,
    context: &Result<Option<Context>, std::io::Error>,
    until: Until,
    started: Instant,
) -> Result<(), Error> {
    let mut lines = Lines::on_stderr();
    let example = Example::new(world, started)?;
    let follow = async {
        let first = example.publish(world).await?;
        example.until_settled(first, &mut lines).await
    };
    let settled = match until {
        Until::Stopped => follow.await,
        Until::Healthy { timeout } => match tokio::time::timeout_at(started + timeout, follow).await {
            Ok(settled) => settled,
            Err(_) => Err(example.why_not(timeout).await),
        },
    };
    lines.finish();
    match (settled, until) {
        (settled, Until::Healthy { .. }) => {
            say::result(&settled?);
            return Ok(());
        }
        (Ok(sentence), Until::Stopped) => say::result(&sentence),
        // Whoever stays wants to look at what went wrong.
        (Err(error), Until::Stopped) => say::message(&error.to_string()),
    }
    say::result(&guide::text(world, folder, context));
    Err(world.failed().await)
}

#[cfg(test)]
mod tests;
