//! `cargo xtask mutate sim`: whether the suite of the simulated cluster notices faults that are put into it.

use crate::mutations::{MUTATIONS, Mutation};
use crate::workspace;
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// The tests that are the suite, as far as it runs on the simulated cluster. The first that fails is enough.
const SUITE: [&str; 3] = ["simulated", "simulated_faults", "simulated_time"];

/// How long the suite may run under one fault; without any it takes half a minute. One that makes it hang is noticed too.
const LIMIT: Duration = Duration::from_mins(5);

/// How long all of it may take, on two cores that have other work too.
const TOTAL: Duration = Duration::from_hours(1);

/// Puts one fault after another into a copy of the repository, and runs the suite there on the simulated
/// cluster. Fails if it stays green under any.
pub(crate) fn sim() -> Result<ExitCode> {
    let began = Instant::now();
    for mutation in &MUTATIONS {
        mutation.applied(&workspace::root())?;
    }
    let copy = Copy::make()?;
    let started = Instant::now();
    match copy.run_suite()? {
        Outcome::Green => println!("green      without a fault ({} s)", started.elapsed().as_secs()),
        Outcome::Red(failed, said) => bail!("without any fault {failed} cases fail:\n{said}"),
        Outcome::Endless => bail!("without any fault the suite does not end within {LIMIT:?}"),
    }

    let mut unnoticed = Vec::new();
    for (done, mutation) in MUTATIONS.iter().enumerate() {
        ensure!(
            began.elapsed() < TOTAL,
            "{done} of {} faults were tried in {TOTAL:?}; {} took too long",
            MUTATIONS.len(),
            workspace::target_folder()?.display()
        );
        let started = Instant::now();
        let file = copy.folder.join(mutation.file);
        let right = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        fs::write(&file, mutation.applied(&copy.folder)?).context("writing a fault")?;
        let outcome = copy.run_suite();
        fs::write(&file, right).context("taking a fault back")?;
        let took = started.elapsed().as_secs();
        match outcome.with_context(|| format!("where {}", mutation.name))? {
            Outcome::Green => {
                println!("UNNOTICED  {} ({took} s)", mutation.name);
                unnoticed.push(mutation.name);
            }
            Outcome::Red(failed, _) => {
                println!("noticed    {}: {failed} cases fail ({took} s)", mutation.name);
            }
            Outcome::Endless => println!("noticed    {}: the suite does not end ({took} s)", mutation.name),
        }
    }
    let took = began.elapsed().as_secs();
    if unnoticed.is_empty() {
        println!("all {} faults are noticed ({took} s in all)", MUTATIONS.len());
        return Ok(ExitCode::SUCCESS);
    }
    println!("FAILED: the suite stays green where {} ({took} s in all)", unnoticed.join("; where "));
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
    /// It did not, within its time.
    Endless,
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

    /// Builds the suite and runs it. Between two faults only the simulated cluster and what stands on it are built anew.
    fn run_suite(&self) -> Result<Outcome> {
        let programs = self.build()?;
        let started = Instant::now();
        for program in programs {
            match self.run(&program, LIMIT.saturating_sub(started.elapsed()))? {
                Outcome::Green => {}
                other => return Ok(other),
            }
        }
        Ok(Outcome::Green)
    }

    /// The programs of the suite, in the order in which they run.
    fn build(&self) -> Result<Vec<PathBuf>> {
        let mut build = self.cargo("test");
        build.args(["-p", "plimsoll-machinery", "--locked", "--no-run", "--message-format=json"]);
        build.args(SUITE.iter().flat_map(|name| ["--test", name]));
        let output = build.stderr(Stdio::piped()).output().context("running cargo")?;
        ensure!(
            output.status.success(),
            "a fault must compile:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let messages = String::from_utf8_lossy(&output.stdout);
        let messages: Vec<Value> =
            messages.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let program = |name: &&str| {
            let found =
                messages.iter().find(|it| it["target"]["name"] == **name && it["executable"].is_string());
            let path = found.and_then(|it| it["executable"].as_str()).map(PathBuf::from);
            path.with_context(|| format!("cargo names no program for the test {name}"))
        };
        SUITE.iter().map(program).collect()
    }

    /// Runs a program of the suite itself rather than through cargo, so that ending it ends all of it.
    fn run(&self, program: &Path, limit: Duration) -> Result<Outcome> {
        let started = Instant::now();
        let log = self.target.join("suite.log");
        let output = File::create(&log).with_context(|| format!("making {}", log.display()))?;
        let mut suite = Command::new(program)
            .current_dir(self.folder.join("tests/machinery"))
            .env("INSTA_UPDATE", "no")
            .env("INSTA_FORCE_PASS", "0")
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("running {}", program.display()))?;
        let status = loop {
            if let Some(status) = suite.try_wait().context("waiting for the suite")? {
                break status;
            }
            if started.elapsed() > limit {
                suite.kill().context("ending the suite")?;
                suite.wait().context("waiting for the suite")?;
                return Ok(Outcome::Endless);
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        let said = fs::read_to_string(&log).with_context(|| format!("reading {}", log.display()))?;
        // `test result: FAILED. 220 passed; 6 failed; …`
        let failed = said.lines().find_map(|line| line.strip_prefix("test result: FAILED. "));
        let failed = failed.and_then(|line| line.split_once(" passed; ")?.1.split_once(" failed"));
        let failed = failed.and_then(|(count, _)| count.parse().ok()).unwrap_or_default();
        match (status.success(), failed) {
            (true, _) => Ok(Outcome::Green),
            (false, 0) => bail!("the suite did not run to its end:\n{said}"),
            (false, failed) => Ok(Outcome::Red(failed, said)),
        }
    }

    fn cargo(&self, task: &str) -> Command {
        let mut command = workspace::cargo();
        command
            .current_dir(&self.folder)
            .arg(task)
            .arg("--quiet")
            .env("CARGO_TARGET_DIR", &self.target)
            // Nobody debugs what is built here.
            .env("CARGO_PROFILE_DEV_DEBUG", "0");
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
