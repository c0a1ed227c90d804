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

use std::process::ExitCode;

use clap::FromArgMatches as _;

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
