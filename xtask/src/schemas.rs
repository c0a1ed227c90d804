//! `cargo xtask record-schemas`: the API server's OpenAPI documents and Go types, from which `sim-cluster` takes its
//! schemas.

use crate::steps::check;
use crate::{components, workspace};
use anyhow::Result;
use std::process::ExitCode;

/// Runs the test that compares them, told to write what it finds unless it is only to `check`.
pub(crate) fn record(check_only: bool) -> Result<ExitCode> {
    components::build(components::Output::Shown)?;
    let mut test = workspace::cargo();
    test.args([
        "test",
        "--locked",
        "--package",
        "plimsoll-bench",
        "--test",
        "recorded_schemas",
        "--",
        "--nocapture",
    ]);
    if !check_only {
        test.env("PLIMSOLL_RECORD", "write");
    }
    check(&mut test)?;
    Ok(ExitCode::SUCCESS)
}
