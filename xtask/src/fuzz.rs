//! `cargo xtask fuzz`: libFuzzer looks for bytes that break a property of `tests/fuzzed`.

use crate::steps::check;
use crate::workspace;
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// What makes the compiler note which code ran and what was compared, for libFuzzer to go by. They are those of
/// `cargo fuzz --sanitizer none`, which needs no nightly compiler.
const INSTRUMENTATION: [&str; 7] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg=fuzzing",
    "-Ccodegen-units=1",
];

/// More memory than this is a finding.
const MEMORY_MB: u32 = 2048;

/// One input that takes longer is a finding.
const INPUT_SECONDS: u32 = 20;

/// The words of the seeds are what their readers know; so many are handed to libFuzzer.
const MAX_WORDS: usize = 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    /// Quantities, compatible and strict
    Quantity,
    /// Lines of `plimsoll qos eval`
    Eval,
    /// Grades, as YAML and JSON
    Policy,
    /// App documents, as YAML and JSON
    Document,
    /// Requests to a simulated cluster
    Router,
    /// Names of images and their parts
    Image,
    /// Manifests
    Manifest,
    /// Headers of registries
    Answer,
}

impl Target {
    fn name(self) -> &'static str {
        match self {
            Self::Quantity => "quantity",
            Self::Eval => "eval",
            Self::Policy => "policy",
            Self::Document => "document",
            Self::Router => "router",
            Self::Image => "image",
            Self::Manifest => "manifest",
            Self::Answer => "answer",
        }
    }

    /// The longest input that is tried.
    fn max_len(self) -> u32 {
        match self {
            Self::Quantity | Self::Image => 600,
            Self::Policy | Self::Manifest | Self::Answer => 4096,
            Self::Eval | Self::Document | Self::Router => 16_384,
        }
    }

    /// What the search begins with.
    fn seeds(self) -> Vec<PathBuf> {
        let own = workspace::root().join("tests/fuzzed/corpus").join(self.name());
        match self {
            Self::Document => vec![own, workspace::root().join("examples")],
            _ => vec![own],
        }
    }
}

/// Builds the targets and runs each for so many seconds. One line is printed for each.
pub(crate) fn run(target: Option<Target>, seconds: u32) -> Result<ExitCode> {
    let targets = target.map_or_else(|| Target::value_variants().to_vec(), |target| vec![target]);
    let place = workspace::target_folder()?.join("fuzz");
    let programs = build(&targets, &place)?;
    let mut broken = false;
    for target in targets {
        let found = Search { target, place: place.clone() }.run(&programs, seconds)?;
        broken |= found;
    }
    Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Builds the targets with instrumented code; gives the folder of the programs.
fn build(targets: &[Target], place: &Path) -> Result<PathBuf> {
    let host = host()?;
    let mut build = workspace::cargo();
    build.args(["build", "--release", "--locked", "--manifest-path", "fuzz/Cargo.toml"]);
    // With a named machine the flags are for what runs there, and not for build scripts and macros.
    build.args(["--target", &host, "--target-dir"]).arg(place);
    for target in targets {
        build.args(["--bin", target.name()]);
    }
    build.env("CARGO_ENCODED_RUSTFLAGS", INSTRUMENTATION.join("\u{1f}")).env_remove("RUSTFLAGS");
    check(&mut build)?;
    Ok(place.join(host).join("release"))
}

/// The machine that the compiler builds for where nobody names one.
fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("running rustc")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc -vV names no host")?.to_owned())
}

struct Search {
    target: Target,
    place: PathBuf,
}

impl Search {
    /// Runs one target; whether it found anything.
    fn run(&self, programs: &Path, seconds: u32) -> Result<bool> {
        let name = self.target.name();
        let (corpus, findings) = (self.folder("corpus")?, self.folder("findings")?);
        let words = self.write_words()?;
        let before = files(&findings)?;
        let log = self.place.join(format!("{name}.log"));
        let said = File::create(&log).with_context(|| format!("making {}", log.display()))?;
        let mut fuzz = Command::new(programs.join(name));
        fuzz.arg(&corpus)
            .args(self.target.seeds())
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-max_len={}", self.target.max_len()))
            .arg(format!("-rss_limit_mb={MEMORY_MB}"))
            .arg(format!("-timeout={INPUT_SECONDS}"))
            .arg(format!("-artifact_prefix={}/", findings.display()))
            .arg(format!("-dict={}", words.display()))
            .arg("-print_final_stats=1")
            .current_dir(&self.place)
            .stderr(said.try_clone().context("sharing a file")?)
            .stdout(said);
        let status = fuzz.status().with_context(|| format!("running the fuzz target {name}"))?;
        let said = fs::read(&log).with_context(|| format!("reading {}", log.display()))?;
        let said = Said::read(&String::from_utf8_lossy(&said));
        let new: Vec<_> = files(&findings)?.difference(&before).cloned().collect();
        let Said { executions, coverage } = &said;
        println!("{name:<9} {executions:>9} executions, coverage {coverage:>6}, {} new findings", new.len());
        for finding in &new {
            println!("          {}", finding.display());
        }
        if !status.success() {
            println!("          {status}: why is at the end of {}", log.display());
        }
        if status.success() && executions == "0" {
            bail!("{name} tried nothing; {} says why", log.display());
        }
        Ok(!(status.success() && new.is_empty()))
    }

    fn folder(&self, kind: &str) -> Result<PathBuf> {
        let folder = self.place.join(kind).join(self.target.name());
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        Ok(folder)
    }

    /// Writes the words of the seeds in the form that libFuzzer reads.
    fn write_words(&self) -> Result<PathBuf> {
        let mut words = BTreeSet::new();
        for folder in self.target.seeds() {
            for seed in files(&folder)? {
                let seed = fs::read(&seed).with_context(|| format!("reading {}", seed.display()))?;
                words.extend(words_of(&String::from_utf8_lossy(&seed)));
            }
        }
        let lines: Vec<_> = words.into_iter().take(MAX_WORDS).map(|word| format!("\"{word}\"\n")).collect();
        let file = self.place.join(format!("{}.words", self.target.name()));
        fs::write(&file, lines.concat()).with_context(|| format!("writing {}", file.display()))?;
        Ok(file)
    }
}

fn words_of(text: &str) -> impl Iterator<Item = String> {
    let is_of_a_word = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    let words = text.split(move |c| !is_of_a_word(c)).filter(|word| (2..=40).contains(&word.len()));
    words.map(str::to_owned)
}

fn files(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<BTreeSet<_>>>()?;
    Ok(paths.into_iter().filter(|path| path.is_file()).collect())
}

/// What libFuzzer says of a run.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    executions: String,
    coverage: String,
}

impl Said {
    fn read(text: &str) -> Self {
        // `#4096	pulse  cov: 532 ft: 2011 corp: …`, and at the end `stat::number_of_executed_units: 4096`.
        let behind =
            |line: &str, before: &str| Some(line.split_once(before)?.1.split_whitespace().next()?.to_owned());
        let last = |before: &str| text.lines().rev().find_map(|line| behind(line, before));
        let none = || "0".to_owned();
        Self {
            executions: last("stat::number_of_executed_units:").unwrap_or_else(none),
            coverage: last(" cov: ").unwrap_or_else(none),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libfuzzer_says_of_a_run_is_read() {
        let said = "#2\tINITED cov: 12 ft: 13 corp: 1/1b exec/s: 0 rss: 40Mb\n\
                    #9000\tDONE   cov: 532 ft: 2011 corp: 90/2Kb exec/s: 900 rss: 41Mb\n\
                    Done 9000 runs in 10 second(s)\n\
                    stat::number_of_executed_units: 9000\n\
                    stat::average_exec_per_sec:     900\n";
        let read = Said { executions: "9000".to_owned(), coverage: "532".to_owned() };
        assert_eq!(Said::read(said), read);
        let nothing = Said { executions: "0".to_owned(), coverage: "0".to_owned() };
        assert_eq!(Said::read("no such file"), nothing);
    }

    #[test]
    fn every_target_has_its_program_and_its_seeds() {
        for target in Target::value_variants() {
            let program = workspace::root().join("fuzz/targets").join(format!("{}.rs", target.name()));
            assert!(program.is_file(), "{}", program.display());
            for folder in target.seeds() {
                assert!(!files(&folder).unwrap().is_empty(), "{}", folder.display());
            }
        }
    }
}
