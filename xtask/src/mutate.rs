//! `cargo xtask mutate sim`: whether the suite of the simulated cluster notices faults that are put into it.

use crate::mutations::{MUTATIONS, Mutation};
use crate::workspace;
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

/// Puts one fault after another into a copy of the repository, and runs the suite there on the simulated
/// cluster. Fails if it stays green under any.
pub(crate) fn sim() -> Result<ExitCode> {
    for mutation in &MUTATIONS {
        mutation.applied(&workspace::root())?;
    }
    let copy = Copy::make()?;
    eprintln!("without a fault");
    if let Outcome::Red(failed, said) = copy.run_suite()? {
        bail!("without any fault {failed} cases fail:\n{said}");
    }

    let mut unnoticed = Vec::new();
    for mutation in &MUTATIONS {
        let started = Instant::now();
        let file = copy.folder.join(mutation.file);
        let right = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        fs::write(&file, mutation.applied(&copy.folder)?).context("writing a fault")?;
        let outcome = copy.run_suite()?;
        fs::write(&file, right).context("taking a fault back")?;
        let took = started.elapsed().as_secs();
        match outcome {
            Outcome::Green => {
                println!("UNNOTICED  {} ({took} s)", mutation.name);
                unnoticed.push(mutation.name);
            }
            Outcome::Red(failed, _) => {
                println!("noticed    {}: {failed} cases fail ({took} s)", mutation.name);
            }
        }
    }
    if unnoticed.is_empty() {
        println!("all {} faults are noticed", MUTATIONS.len());
        return Ok(ExitCode::SUCCESS);
    }
    println!("FAILED: the suite stays green where {}", unnoticed.join("; where "));
    Ok(ExitCode::FAILURE)
}

impl Mutation {
    /// The text of the file with the fault in it; an error where the fault does not fit any more.
    fn applied(&self, root: &Path) -> Result<String> {
        let Self { name, file, from, to } = self;
        let text = fs::read_to_string(root.join(file)).with_context(|| format!("reading {file}"))?;
        let times = text.matches(from).count();
        ensure!(times == 1, "the fault `{name}` does not fit: {file} has {times} times `{from}`");
        Ok(text.replace(from, to))
    }
}

/// How the suite ended.
enum Outcome {
    Green,
    /// So many cases failed, and this was said of them.
    Red(usize, String),
}

/// A copy of what is worked on, so that no fault is left behind there.
struct Copy {
    folder: PathBuf,
    target: PathBuf,
}

impl Copy {
    fn make() -> Result<Self> {
        let root = workspace::root();
        let place = workspace::target_folder()?.join("mutate");
        // Cargo takes two copies of a workspace for the same: in one target folder it would take what was built
        // with a fault for what is here.
        let (folder, target) = (place.join("workspace"), place.join("target"));
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("clearing {}", folder.display()))?;
        }
        let listed = Command::new("git")
            .current_dir(&root)
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .output()
            .context("running git ls-files")?;
        ensure!(listed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listed.stderr));
        for file in String::from_utf8_lossy(&listed.stdout).split_terminator('\0') {
            let (from, to) = (root.join(file), folder.join(file));
            // Deleted and not yet committed.
            if !from.is_file() {
                continue;
            }
            let parent = to.parent().unwrap_or(&folder);
            fs::create_dir_all(parent).with_context(|| format!("making {}", parent.display()))?;
            fs::copy(&from, &to).with_context(|| format!("copying {file}"))?;
        }
        Ok(Self { folder, target })
    }

    fn run_suite(&self) -> Result<Outcome> {
        let suite = ["-p", "plimsoll-machinery", "--test", "simulated", "--locked"];
        let built = self.cargo("test").args(suite).arg("--no-run").status().context("running cargo")?;
        ensure!(built.success(), "a fault must compile");
        let output =
            self.cargo("test").args(suite).stdout(Stdio::piped()).output().context("running cargo")?;
        let said = String::from_utf8_lossy(&output.stdout);
        // `test result: FAILED. 220 passed; 6 failed; …`
        let failed = said.lines().find_map(|line| line.strip_prefix("test result: FAILED. "));
        let failed = failed.and_then(|line| line.split_once(" passed; ")?.1.split_once(" failed"));
        let failed = failed.and_then(|(count, _)| count.parse().ok()).unwrap_or_default();
        match (output.status.success(), failed) {
            (true, _) => Ok(Outcome::Green),
            (false, 0) => bail!("the suite did not run to its end:\n{said}"),
            (false, failed) => Ok(Outcome::Red(failed, said.into_owned())),
        }
    }

    fn cargo(&self, task: &str) -> Command {
        let mut command = workspace::cargo();
        command
            .current_dir(&self.folder)
            .arg(task)
            .arg("--quiet")
            .env("CARGO_TARGET_DIR", &self.target)
            .env("INSTA_UPDATE", "no")
            .env("INSTA_FORCE_PASS", "0")
            .stderr(Stdio::null());
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_fits_the_file_that_it_is_for() {
        for mutation in &MUTATIONS {
            let mutated = mutation.applied(&workspace::root()).unwrap();
            assert!(mutated.contains(mutation.to), "{}", mutation.name);
        }
    }
}
