//! `cargo xtask test`: every test of the workspace, with real components there for those that need them.

use crate::bench::runtime;
use crate::steps::{Beside, Steps, check};
use crate::{components, debian, doctor, workspace};
use anyhow::{Context, Result, bail};
use plimsoll_bench::{BIN_VARIABLE, Bench, Binaries, Options, SHARED_VARIABLE};
use std::io::{BufRead, BufReader, Write};
use std::process::ExitCode;

/// Names the built `plimsoll` program to the system tests.
const PROGRAM_VARIABLE: &str = "PLIMSOLL_BIN";

pub(crate) fn run(cargo_test: &[String]) -> Result<ExitCode> {
    doctor::require_all()?;
    debian::provide()?;
    let mut steps = Steps::new();
    let components = build_components();
    let tests = run_in(&mut steps, components, cargo_test);
    Ok(close(&steps, &tests))
}

/// Begins to build the components, beside whatever else there is to do.
pub(crate) fn build_components() -> Beside {
    Beside::begin("build the real components", || components::build(components::Output::Kept))
}

/// Builds the workspace, waits for the components, starts the control planes that the tests share, and runs
/// the tests. What cargo and the tests said in the end is returned.
pub(crate) fn run_in(steps: &mut Steps, components: Beside, cargo_test: &[String]) -> Summary {
    let mut summary = Summary::default();
    // One build for the programs and the tests; the features of a package are the same in both.
    let built = steps.run("build the workspace and its tests", || {
        let mut build = workspace::cargo();
        check(build.args(["build", "--workspace", "--lib", "--bins", "--tests", "--examples", "--locked"]))
    });
    let components = steps.join(components);
    if !(built && components) {
        return summary;
    }
    let mut shared = None;
    let started = steps.run("start the control planes that tests share", || {
        shared = Some(SharedBench::start()?);
        Ok(())
    });
    if let (true, Some(shared)) = (started, shared) {
        steps.run("test", || shared.cargo_test(cargo_test, &mut summary));
    }
    summary
}

/// Prints wall times, then the summaries of the tests, and says how it ended.
pub(crate) fn close(steps: &Steps, summary: &Summary) -> ExitCode {
    eprintln!("\n{}\n", steps.table());
    // The summaries go to standard output, after everything on standard error.
    for line in &summary.lines {
        println!("{line}");
    }
    let failed = steps.failed();
    if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        println!("FAILED: {}", failed.join(", "));
        ExitCode::FAILURE
    }
}

/// The lines in which cargo and its tests sum up, as they printed them.
#[derive(Default)]
pub(crate) struct Summary {
    lines: Vec<String>,
}

impl Summary {
    fn note(&mut self, line: &str) {
        let trimmed = line.trim_start();
        let tells =
            ["Running ", "Doc-tests ", "test result: ", "error: "].iter().any(|it| trimmed.starts_with(it));
        if tells || (trimmed.starts_with("test ") && trimmed.ends_with("FAILED")) {
            self.lines.push(line.to_owned());
        }
    }
}

struct SharedBench {
    runtime: tokio::runtime::Runtime,
    bench: Bench,
}

impl SharedBench {
    fn start() -> Result<Self> {
        let runtime = runtime()?;
        let bench = runtime.block_on(Bench::start(Options::default()))?;
        Ok(Self { runtime, bench })
    }

    fn cargo_test(self, arguments: &[String], summary: &mut Summary) -> Result<()> {
        let program = workspace::target_folder()?.join("debug").join("plimsoll");
        let (output, input) = std::io::pipe().context("making a pipe")?;
        let mut test = workspace::cargo();
        test.arg("test").args(["--locked", "--no-fail-fast"]);
        let packages_are_chosen = arguments
            .iter()
            .take_while(|argument| *argument != "--")
            .any(|argument| argument.starts_with("-p") || argument.starts_with("--package"));
        if !packages_are_chosen {
            test.arg("--workspace");
        }
        test.args(arguments)
            .env(BIN_VARIABLE, Binaries::default_folder())
            .env(SHARED_VARIABLE, self.bench.folder())
            .env(PROGRAM_VARIABLE, program)
            // One pipe for both, so that each summary stays under the name of its test program.
            .stdout(input.try_clone().context("sharing a pipe")?)
            .stderr(input);
        let mut child = test.spawn().context("running cargo test")?;
        // It holds the writing ends, and the reading below would never end.
        drop(test);
        let mut shown = std::io::stderr();
        for line in BufReader::new(output).split(b'\n') {
            let line = line.context("reading what cargo test prints")?;
            let line = String::from_utf8_lossy(&line);
            writeln!(shown, "{line}").context("printing what cargo test prints")?;
            summary.note(&line);
        }
        let status = child.wait().context("waiting for cargo test")?;
        self.runtime.block_on(self.bench.down())?;
        if !status.success() {
            bail!("cargo test: {status}");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_keeps_what_cargo_test_sums_up_and_the_names_of_failed_tests() {
        let printed = "   Compiling x v0.1.0
     Running unittests src/lib.rs (target/debug/deps/x-1)

running 2 tests
test tests::good ... ok
test tests::bad ... FAILED

failures:

test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

error: test failed, to rerun pass `-p x --lib`
   Doc-tests x
test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        let mut summary = Summary::default();

        printed.lines().for_each(|line| summary.note(line));

        assert_eq!(
            summary.lines,
            [
                "     Running unittests src/lib.rs (target/debug/deps/x-1)",
                "test tests::bad ... FAILED",
                "test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
                "error: test failed, to rerun pass `-p x --lib`",
                "   Doc-tests x",
                "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            ]
        );
    }
}
