//! The `plimsoll` program.

mod arguments;
mod client;
mod command;
mod context;
mod document;
mod failure;
mod follow;
mod help;
mod output;
mod qos;

use std::process::ExitCode;

use clap::FromArgMatches as _;

/// A server makes and drops millions of small values, of which the system's allocator spends a third of its time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // One TLS provider for everything in the process; that none was there before is not worth a word.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let matches = help::command().get_matches();
    let arguments = arguments::Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match command::run(arguments) {
        Ok(exit) => exit,
        Err(failure) => failure.report(),
    }
}
