//! Programs that the tests use as they come from Debian, because people run them so or because they witness what ours do.

use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The packages; each brings the program of its name.
const PACKAGES: [&str; 3] = ["docker-registry", "skopeo", "python3"];

/// Installs what is missing. A machine where that cannot be done is told all of it in one line.
pub(crate) fn provide() -> Result<()> {
    let missing: Vec<&str> = PACKAGES.into_iter().filter(|program| !is_there(program)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let named = missing.join(" ");
    eprintln!("installing {named}");
    let mut said = Vec::new();
    let installed = ["update", "install"].into_iter().try_for_each(|step| {
        let mut apt = Command::new("apt-get");
        // A package that brings a service must not start it: the tests start their own.
        apt.args(["-qq", "-y", step]).env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
        if step == "install" {
            apt.arg("--no-install-recommends").args(&missing);
        }
        let output = apt.stdin(Stdio::null()).output().context("running apt-get")?;
        if !output.status.success() {
            said = output.stderr;
            bail!("apt-get {step}: {}", output.status);
        }
        Ok(())
    });
    let still: Vec<&str> = PACKAGES.into_iter().filter(|program| !is_there(program)).collect();
    if still.is_empty() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&said);
    let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    let why = installed.err().map(|error| format!(" ({error:#} {last})")).unwrap_or_default();
    bail!("this machine lacks {}{why}: apt-get install {named}", still.join(", "))
}

fn is_there(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).map(|folder: PathBuf| folder.join(program)).any(|path| path.is_file())
}
