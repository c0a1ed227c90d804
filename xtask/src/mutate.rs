//! `cargo xtask mutate sim`: whether the suite of the simulated cluster notices faults that are put into it.
//!
//! All faults are built in at once, each behind a switch of its own, so that there is one build whatever their number;
//! which of them is on, the suite's programs are told by their environment. Under each fault those cases run first
//! that are to notice it, and the first that fails is enough.

use crate::mutations::{MUTATIONS, Mutation, Suite};
use crate::workspace;
use anyhow::{Context, Result, bail, ensure};
use plimsoll_bench::{BIN_VARIABLE, Binaries};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long the suite may run under one fault; without any it takes half a minute. One that makes it hang is noticed too.
const LIMIT: Duration = Duration::from_mins(5);

/// Tells the programs which fault is on, by its number.
const VARIABLE: &str = "PLIMSOLL_FAULT";

/// What stands for the switch of a fault in its text.
const SWITCH: &str = "FAULT";

/// The crate that the faults are put into.
const CRATE: &str = "crates/sim-cluster/src/lib.rs";

/// The switches, as the end of that crate.
const SWITCHES: &str = r#"
mod fault {
    static ON: std::sync::OnceLock<Option<usize>> = std::sync::OnceLock::new();

    pub(crate) fn is_on(number: usize) -> bool {
        *ON.get_or_init(|| std::env::var("PLIMSOLL_FAULT").ok()?.parse().ok()) == Some(number)
    }
}
"#;

/// The version of the packages of the copy. Cargo takes two copies of a workspace for the same: in one target folder, which
/// they share for the sake of everything else that is built there, one would be taken for the other.
const VERSION: &str = "0.1.0-faulty";

/// Puts the faults into a copy of the repository, and runs the suite there under each; under those of which a name is
/// given in part, if any is. Fails if it stays green under any.
pub(crate) fn sim(names: &[String]) -> Result<()> {
    let began = Instant::now();
    let is_named =
        |mutation: &Mutation| names.is_empty() || names.iter().any(|name| mutation.name.contains(name));
    let chosen: Vec<_> = MUTATIONS.iter().enumerate().filter(|(_, mutation)| is_named(mutation)).collect();
    ensure!(!chosen.is_empty(), "no fault is called so");
    let copy = Copy::make()?;
    let programs = copy.build()?;
    eprintln!("built      with {} faults ({} s)", MUTATIONS.len(), began.elapsed().as_secs());

    let started = Instant::now();
    for suite in Suite::ALL {
        match programs.run(suite, None, &[])? {
            Outcome::Green => {}
            Outcome::Red(case, said) => bail!("without any fault {case} fails:\n{said}"),
            Outcome::Endless => bail!("without any fault the suite does not end within {LIMIT:?}"),
        }
    }
    eprintln!("green      without a fault ({} s)", started.elapsed().as_secs());

    let unnoticed = programs.try_all(&chosen)?;
    let took = began.elapsed().as_secs();
    ensure!(
        unnoticed.is_empty(),
        "the suite stays green where {} ({took} s in all)",
        unnoticed.join("; where ")
    );
    eprintln!("all {} faults are noticed ({took} s in all)", chosen.len());
    Ok(())
}

impl Mutation {
    /// The text of its file with the fault behind this switch; an error where the fault does not fit any more.
    fn applied(&self, text: &str, number: usize) -> Result<String> {
        let Self { name, file, from, to, noticed_by: _ } = self;
        let times = text.matches(from).count();
        ensure!(times == 1, "the fault `{name}` does not fit: {file} has {times} times `{from}`");
        ensure!(to.contains(SWITCH), "the fault `{name}` has no switch");
        Ok(text.replace(from, &to.replace(SWITCH, &format!("crate::fault::is_on({number})"))))
    }
}

/// Every file with faults in it, by its path from the root of the repository.
fn faulty(root: &Path) -> Result<BTreeMap<&'static str, String>> {
    let read = |file: &str| fs::read_to_string(root.join(file)).with_context(|| format!("reading {file}"));
    let mut files = BTreeMap::from([(CRATE, read(CRATE)? + SWITCHES)]);
    for (number, mutation) in MUTATIONS.iter().enumerate() {
        let text = match files.remove(mutation.file) {
            Some(text) => text,
            None => read(mutation.file)?,
        };
        files.insert(mutation.file, mutation.applied(&text, number)?);
    }
    Ok(files)
}

/// How a run ended.
enum Outcome {
    Green,
    /// This case failed, and so much was said until then.
    Red(String, String),
    /// It did not, within its time.
    Endless,
}

/// A copy of what is worked on, so that no fault is left behind there.
struct Copy {
    folder: PathBuf,
}

impl Copy {
    /// Makes it, or brings it up to date: what is in it already stays as old as it is, and need not be built again.
    fn make() -> Result<Self> {
        let root = workspace::root();
        let folder = workspace::target_folder()?.join("mutate");
        let mut faulty = faulty(&root)?;
        let listed = Command::new("git")
            .current_dir(&root)
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .output()
            .context("running git ls-files")?;
        ensure!(listed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listed.stderr));
        let mut written = Vec::new();
        for file in String::from_utf8_lossy(&listed.stdout).split_terminator('\0') {
            let from = root.join(file);
            // Deleted and not yet committed.
            if !from.is_file() {
                continue;
            }
            let mut bytes = match faulty.remove(file) {
                Some(text) => text.into_bytes(),
                None => fs::read(&from).with_context(|| format!("reading {file}"))?,
            };
            if file == "Cargo.toml" || file == "Cargo.lock" {
                bytes = versioned(&String::from_utf8_lossy(&bytes)).into_bytes();
            }
            let to = folder.join(file);
            if fs::read(&to).is_ok_and(|there| there == bytes) {
                written.push(to);
                continue;
            }
            let parent = to.parent().unwrap_or(&folder);
            fs::create_dir_all(parent).with_context(|| format!("making {}", parent.display()))?;
            fs::write(&to, bytes).with_context(|| format!("copying {file}"))?;
            written.push(to);
        }
        clear(&folder, &written)?;
        Ok(Self { folder })
    }

    /// Builds the programs of the suite.
    fn build(&self) -> Result<Programs> {
        let mut build = workspace::cargo();
        build
            .current_dir(&self.folder)
            // The features of a package are those of a build of the whole workspace, so that what is there already is used.
            .args([
                "test",
                "--quiet",
                "--workspace",
                "--locked",
                "--no-run",
                "--message-format=json-render-diagnostics",
            ])
            .args(Suite::ALL.iter().flat_map(|suite| ["--test", suite.program()]))
            .env("CARGO_TARGET_DIR", workspace::target_folder()?);
        let output = build.stderr(Stdio::piped()).output().context("running cargo")?;
        ensure!(
            output.status.success(),
            "the faults must compile:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let messages = String::from_utf8_lossy(&output.stdout);
        let messages: Vec<Value> =
            messages.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let mut programs = BTreeMap::new();
        for suite in Suite::ALL {
            let folder = self.folder.join(suite.folder());
            let is_it = |it: &&Value| {
                let manifest = it["manifest_path"].as_str().map(Path::new).and_then(Path::parent);
                it["target"]["name"] == suite.program()
                    && it["executable"].is_string()
                    && manifest == Some(&folder)
            };
            let found = messages.iter().find(is_it).and_then(|it| it["executable"].as_str());
            let program = found.with_context(|| format!("cargo names no program for {}", suite.program()))?;
            programs.insert(suite, (PathBuf::from(program), folder));
        }
        Ok(Programs { programs })
    }
}

/// A manifest or a lock file of the packages of the copy.
fn versioned(text: &str) -> String {
    let mut versioned = String::with_capacity(text.len());
    let mut is_ours = false;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("name = ") {
            is_ours = name.starts_with("\"plimsoll-") || name == "\"xtask\"";
        }
        is_ours |= line == "[workspace.package]";
        if is_ours && line.starts_with("version = ") {
            let _ = writeln!(versioned, "version = \"{VERSION}\"");
            is_ours = false;
        } else {
            let _ = writeln!(versioned, "{line}");
        }
    }
    versioned
}

/// Takes everything away from a folder that is not among these files.
fn clear(folder: &Path, files: &[PathBuf]) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry.with_context(|| format!("reading {}", folder.display()))?.path();
        if path.is_dir() {
            clear(&path, files)?;
        } else if !files.contains(&path) {
            fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
        }
    }
    Ok(())
}

/// The programs of the suite, and the folders that they run in.
struct Programs {
    programs: BTreeMap<Suite, (PathBuf, PathBuf)>,
}

impl Programs {
    /// The names of those faults that the suite does not notice. Several are tried at a time: where one is noticed by what
    /// does not come about, cases wait for it in vain, and nothing else is done meanwhile.
    fn try_all(&self, chosen: &[(usize, &Mutation)]) -> Result<Vec<&'static str>> {
        let next = AtomicUsize::new(0);
        let unnoticed = Mutex::new(Vec::new());
        let work = || -> Result<()> {
            while let Some((number, mutation)) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                let Mutation { name, noticed_by, .. } = mutation;
                let started = Instant::now();
                let found = self.try_fault(*number, *noticed_by).with_context(|| format!("where {name}"))?;
                let took = started.elapsed().as_secs_f64();
                if let Some(by) = found {
                    eprintln!("noticed    {name}: {by} ({took:.1} s)");
                } else {
                    eprintln!("UNNOTICED  {name} ({took:.1} s)");
                    unnoticed.lock().unwrap_or_else(PoisonError::into_inner).push(*name);
                }
            }
            Ok(())
        };
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
            workers
                .into_iter()
                .try_for_each(|worker| worker.join().unwrap_or_else(|_| bail!("a worker panicked")))
        })?;
        Ok(unnoticed.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// By what a fault is noticed, if it is; those cases come first that are to notice it.
    fn try_fault(&self, number: usize, noticed_by: (Suite, &str)) -> Result<Option<String>> {
        let (first, cases) = noticed_by;
        let all = Suite::ALL.into_iter().map(|suite| (suite, None));
        for (suite, cases) in [(first, Some(cases))].into_iter().chain(all) {
            let cases: Vec<&str> = cases.into_iter().collect();
            match self.run(suite, Some(number), &cases)? {
                Outcome::Green => {}
                Outcome::Red(case, _) => return Ok(Some(format!("{case} of {} fails", suite.program()))),
                Outcome::Endless => return Ok(Some(format!("{} does not end", suite.program()))),
            }
        }
        Ok(None)
    }

    /// Runs a program of the suite itself rather than through cargo, so that ending it ends all of it.
    fn run(&self, suite: Suite, fault: Option<usize>, cases: &[&str]) -> Result<Outcome> {
        let (program, folder) = self.programs.get(&suite).context("a program that was not built")?;
        let mut command = Command::new(program);
        if let Some(number) = fault {
            command.env(VARIABLE, number.to_string());
        }
        let mut child = command
            .args(cases)
            .current_dir(folder)
            // kubectl is one of the callers.
            .env(BIN_VARIABLE, Binaries::default_folder())
            .env("INSTA_UPDATE", "no")
            .env("INSTA_FORCE_PASS", "0")
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("running {}", program.display()))?;
        let output = child.stdout.take().context("a program without output")?;
        let (lines, read) = mpsc::channel();
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if lines.send(line).is_err() {
                    return;
                }
            }
        });
        let ends = Instant::now() + LIMIT;
        let mut said = String::new();
        let outcome = loop {
            match read.recv_timeout(ends.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    // With nobody to say why: what a case says comes when all have ended.
                    let failed = line.strip_prefix("test ").and_then(|line| line.strip_suffix(" ... FAILED"));
                    ensure!(line != "running 0 tests", "{} has no cases {cases:?}", program.display());
                    let _ = writeln!(said, "{line}");
                    if let (Some(case), Some(_)) = (failed, fault) {
                        break Some(Outcome::Red(case.to_owned(), String::new()));
                    }
                }
                Err(RecvTimeoutError::Disconnected) => break None,
                Err(RecvTimeoutError::Timeout) => break Some(Outcome::Endless),
            }
        };
        if outcome.is_some() {
            child.kill().context("ending the suite")?;
        }
        let status = child.wait().context("waiting for the suite")?;
        drop(read);
        reader.join().ok().context("reading what the suite said")?;
        match outcome {
            Some(outcome) => Ok(outcome),
            None if status.success() => Ok(Outcome::Green),
            None if said.contains("test result: FAILED") => Ok(Outcome::Red("a case".to_owned(), said)),
            None => bail!("the suite did not run to its end:\n{said}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_fits_the_file_that_it_is_for() {
        let files = faulty(&workspace::root()).unwrap();
        assert!(SWITCHES.contains(VARIABLE));
        for (number, mutation) in MUTATIONS.iter().enumerate() {
            assert!(files[mutation.file].contains(&format!("is_on({number})")), "{}", mutation.name);
        }
    }

    #[test]
    fn the_packages_of_the_copy_have_a_version_of_their_own() {
        let lock = "[[package]]\nname = \"plimsoll-core\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"http\"\nversion = \"0.1.0\"\n";
        assert_eq!(versioned(lock), lock.replacen("0.1.0", VERSION, 1));
    }
}
