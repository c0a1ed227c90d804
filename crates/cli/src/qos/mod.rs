//! The oversell engine on the command line: files or standard input in, numbers and reasons out. No server is asked.
//!
//! What is printed as JSON is what `plimsoll qos eval` answers; the tables are made of the same answers.

mod advise;
mod answer;
pub(crate) mod arguments;
mod eviction;
mod fit;
mod fleet;
mod input;
mod lint;
mod node;
mod pods;
mod policy;
mod quantity;
mod size;
mod what_if;

use std::io;
use std::process::ExitCode;

use crate::arguments::Format;
use crate::failure::{FAILED, Failure};
use arguments::Qos;

/// Something was found, or does not come back: no failure, but not nothing either.
const FOUND: u8 = 3;

/// Does what the command line says.
pub(crate) fn run(format: Format, command: Qos) -> Result<ExitCode, Failure> {
    if format == Format::Name {
        return Err(Failure::usage("there are no names to print; use -o table, wide, json or yaml"));
    }
    match command {
        Qos::Quantity(arguments) => quantity::run(format, arguments),
        Qos::Classify(arguments) => pods::classify(format, arguments),
        Qos::Size(arguments) => size::run(format, arguments),
        Qos::Fit(arguments) => fit::run(format, arguments),
        Qos::WhatIf(arguments) => what_if::run(format, arguments),
        Qos::Advise(arguments) => advise::run(format, &arguments),
        Qos::NodeView(arguments) => node::run(format, arguments),
        Qos::Eviction(arguments) => eviction::run(format, &arguments),
        Qos::Lint(arguments) => lint::run(format, &arguments),
        Qos::Policy(arguments) => policy::run(format, &arguments),
        Qos::Eval => eval(),
    }
}

/// Answers line by line; whoever stops reading has seen enough.
fn eval() -> Result<ExitCode, Failure> {
    match plimsoll_qos::eval::stream(io::stdin().lock(), io::stdout().lock()) {
        Ok(_) => Ok(ExitCode::SUCCESS),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => {
            Err(Failure::new(FAILED, format!("the requests cannot be answered to their end: {error}")))
        }
    }
}

/// The code of something that was looked for: whether nothing was found.
fn unless(found: bool) -> ExitCode {
    if found { ExitCode::from(FOUND) } else { ExitCode::SUCCESS }
}
