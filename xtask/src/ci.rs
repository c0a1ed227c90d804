//! `cargo xtask ci`: what a change must pass. `.ci/run` calls it.

use crate::steps::{Beside, Steps, check, check_quietly};
use crate::{debian, doctor, test, workspace};
use anyhow::{Result, bail};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

const CARGO_DENY: &str = "0.20.2";

pub(crate) fn run() -> Result<ExitCode> {
    doctor::require_all()?;
    debian::provide()?;
    let mut steps = Steps::new();
    // Both take minutes on a new machine and need nothing of what follows.
    let components = test::build_components();
    let cargo_deny = Beside::begin("install cargo-deny", install_cargo_deny);

    steps.run("fmt", || check(workspace::cargo().args(["fmt", "--all", "--check"])));
    steps.run("clippy", || {
        let arguments = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
        check(workspace::cargo().args(arguments))
    });
    steps.run("doc", || {
        let arguments = ["doc", "--workspace", "--no-deps", "--locked"];
        check(workspace::cargo().args(arguments).env("RUSTDOCFLAGS", "-D warnings"))
    });
    if steps.join(cargo_deny) {
        steps.run("deny", deny);
    }
    // That generated files are current is tested where they are made: the recorded schemas in
    // `tests/bench/tests/recorded_schemas.rs`.
    let tests = test::run_in(&mut steps, components, &[]);
    Ok(test::close(&steps, &tests))
}

fn tools_folder() -> PathBuf {
    workspace::root().join("target/tools")
}

fn cargo_deny_program() -> PathBuf {
    tools_folder().join("bin/cargo-deny")
}

fn install_cargo_deny() -> Result<()> {
    let version = Command::new(cargo_deny_program()).arg("--version").output();
    if version.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(CARGO_DENY)) {
        return Ok(());
    }
    check_quietly(
        workspace::cargo()
            // Without optimization: it runs for a second, and this way it is built in one minute instead of six.
            .args(["install", "cargo-deny", "--locked", "--debug", "--no-default-features"])
            .args(["--version", CARGO_DENY, "--root"])
            .arg(tools_folder())
            .env("CARGO_TARGET_DIR", tools_folder().join("build"))
            .env("CARGO_PROFILE_DEV_DEBUG", "0"),
    )
}

/// Licences, banned crates and sources. Each kind of duplicate is one line.
fn deny() -> Result<()> {
    let mut deny = Command::new(cargo_deny_program());
    deny.current_dir(workspace::root()).args([
        "--locked",
        "check",
        "--hide-inclusion-graph",
        "bans",
        "licenses",
        "sources",
    ]);
    let output = deny.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("{said}");
    }
    for line in said.lines().filter(|line| line.starts_with("warning") || line.ends_with("ok")) {
        eprintln!("{line}");
    }
    Ok(())
}
