//! The `plimsoll` program.

mod arguments;
mod client;
mod command;
mod context;
mod document;
mod failure;
mod follow;
mod output;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    // One TLS provider for everything in the process; that none was there before is not worth a word.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments = arguments::Arguments::parse();
    match command::run(arguments) {
        Ok(exit) => exit,
        Err(failure) => failure.report(),
    }
}
