//! The steps of a long task: each is announced, timed, and told of at the end.

use anyhow::{Context, Result, anyhow, bail};
use std::process::Command;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What was done so far.
pub(crate) struct Steps {
    started: Instant,
    done: Vec<Step>,
}

/// A step that runs beside the others.
pub(crate) struct Beside {
    name: &'static str,
    work: JoinHandle<(Result<()>, Duration)>,
}

struct Step {
    name: &'static str,
    took: Duration,
    passed: bool,
}

impl Steps {
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), done: Vec::new() }
    }

    /// Does one step. A failure is shown at once and remembered; whether to go on is the caller's choice.
    pub(crate) fn run(&mut self, name: &'static str, work: impl FnOnce() -> Result<()>) -> bool {
        eprintln!("\n==> {name}");
        let started = Instant::now();
        let result = work();
        self.note(name, result, started.elapsed())
    }

    /// Waits for a step that was begun before.
    pub(crate) fn join(&mut self, beside: Beside) -> bool {
        let Beside { name, work } = beside;
        eprintln!("\n==> {name} (begun before)");
        match work.join() {
            Ok((result, took)) => self.note(name, result, took),
            Err(_) => self.note(name, Err(anyhow!("it panicked")), Duration::ZERO),
        }
    }

    /// The steps that failed.
    pub(crate) fn failed(&self) -> Vec<&'static str> {
        self.done.iter().filter(|step| !step.passed).map(|step| step.name).collect()
    }

    /// The wall time of each step, one line each.
    pub(crate) fn table(&self) -> String {
        let mut lines = vec!["wall time per step:".to_owned()];
        for step in &self.done {
            let failed = if step.passed { "" } else { "  FAILED" };
            lines.push(format!("{:>8.1} s  {}{failed}", step.took.as_secs_f64(), step.name));
        }
        lines.push(format!("{:>8.1} s  in all", self.started.elapsed().as_secs_f64()));
        lines.join("\n")
    }

    fn note(&mut self, name: &'static str, result: Result<()>, took: Duration) -> bool {
        let passed = result.is_ok();
        match result {
            Ok(()) => eprintln!("<== {name}: {:.1} s", took.as_secs_f64()),
            Err(error) => eprintln!("error: {error:#}\n<== {name}: FAILED after {:.1} s", took.as_secs_f64()),
        }
        self.done.push(Step { name, took, passed });
        passed
    }
}

impl Beside {
    /// Begins a step in a thread of its own. It should keep what it has to say for its error.
    pub(crate) fn begin(name: &'static str, work: impl FnOnce() -> Result<()> + Send + 'static) -> Self {
        let work = std::thread::spawn(move || {
            let started = Instant::now();
            (work(), started.elapsed())
        });
        Self { name, work }
    }
}

/// Runs a command to its end; an error if it fails.
pub(crate) fn check(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("running {}", shown(command)))?;
    if !status.success() {
        bail!("{}: {status}", shown(command));
    }
    Ok(())
}

/// The same for one beside others: what it says is in the error.
pub(crate) fn check_quietly(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("running {}", shown(command)))?;
    if !output.status.success() {
        bail!("{}: {}:\n{}", shown(command), output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

fn shown(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program()).file_name().unwrap_or_default();
    std::iter::once(program)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
