//! `plimsoll serve`: all roles by a configuration file.

use std::path::PathBuf;

use tracing_subscriber::EnvFilter;

use crate::config::{self, Config, Log, LogFormat};
use crate::data_dir::DataDir;
use crate::error::Error;
use crate::identity::Tokens;
use crate::images;
use crate::net::Listener;
use crate::signals::Signals;
use crate::stack::{OpenLedger, Setup, Stack};

/// What `plimsoll serve` is told.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// The configuration file.
    pub config: PathBuf,
}

/// Serves until it is asked to end by SIGTERM or SIGINT, then lets what runs finish; a second signal does not
/// wait for that.
pub async fn run(options: ServeOptions) -> Result<(), Error> {
    let ServeOptions { config: file } = options;
    let Config { listen, data, ledger, tls, proxy, tokens, log, registries } = config::load(&file)?;
    start_log(&log);
    let mut signals = Signals::listen()?;
    let dir = DataDir::open(&data)?;
    let images = images::open(registries, &dir.copies()).map_err(|faults| images::faults(&file, faults))?;
    let listener = Listener::bind(listen, tls.as_ref()).await?;
    let (address, url) = (listener.address(), listener.url());
    if tls.is_none() && !address.ip().is_loopback() {
        tracing::warn!(%address, "tokens go over the network in cleartext; give [tls], or listen on loopback");
    }
    let tokens = Tokens::of(tokens);
    let ledger = OpenLedger::open(&dir, ledger).await?;
    let mut stack = Stack::start(Setup { dir, ledger, listener, tokens, proxy, images }).await?;
    tracing::info!(url, data = %data.display(), "serving");
    let ended = tokio::select! {
        () = signals.end() => Ok(()),
        error = stack.failed() => Err(error),
    };
    tracing::info!("stopping");
    tokio::select! {
        () = stack.stop() => tracing::info!("stopped"),
        () = signals.end() => tracing::warn!("stopped without waiting for what ran"),
    }
    ended
}

fn start_log(log: &Log) {
    let Log { format, filter } = log;
    let lines =
        tracing_subscriber::fmt().with_env_filter(EnvFilter::new(filter)).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => lines.with_ansi(false).try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    if let Err(error) = started {
        // Whoever embeds this has a log of their own.
        tracing::debug!(%error, "the log was set up already");
    }
}
