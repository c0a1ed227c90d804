//! Tasks of the repository: `cargo xtask --help` lists them.

mod bench;
mod ci;
mod components;
mod debian;
mod doctor;
mod fuzz;
mod mutate;
mod mutations;
mod node;
mod schemas;
mod steps;
mod test;
mod workspace;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use plimsoll_bench::{Component, DataCenter};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Tasks of the Plimsoll repository")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Real Kubernetes control planes on this machine, one per data center
    #[command(subcommand)]
    Bench(BenchTask),
    /// Builds what is missing, starts real control planes and runs every test of the workspace
    Test {
        /// Handed to `cargo test`, such as `-p plimsoll-core` or `-- --test-threads=2`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        cargo_test: Vec<String>,
    },
    /// Says what this machine lacks for building and testing, and how to get it
    Doctor,
    /// Puts faults into a copy of the code and fails if the tests do not notice
    #[command(subcommand)]
    Mutate(MutateTask),
    /// Looks for bytes from outside that break a property of their reader, and fails when it finds any
    Fuzz {
        /// One of quantity, eval, policy, document and router; all of them unless named
        target: Option<fuzz::Target>,
        /// How long each is looked at
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
        seconds: u32,
    },
    /// Runs every check that a change must pass, the tests included
    Ci,
    /// Records the API server's OpenAPI documents, from which the simulated cluster takes its schemas
    RecordSchemas {
        /// Only compares them with those that are checked in
        #[arg(long)]
        check: bool,
    },
    /// Records what becomes of pods on a real node, which runs on this machine meanwhile; needs root
    RecordNode {
        /// Files in tests/histories/scenarios, without their ending; all of them unless named
        scenarios: Vec<String>,
    },
}

#[derive(Subcommand)]
enum MutateTask {
    /// Faults in the simulated cluster, each under the suite that holds it to the real one
    Sim {
        /// What is in the names of the faults; all of them unless named
        faults: Vec<String>,
    },
}

#[derive(Subcommand)]
enum BenchTask {
    /// Builds the components, once; does nothing when they are there
    Build,
    /// Starts data centers and leaves them running
    Up {
        /// How many, called dc-1, dc-2, …
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=9))]
        dcs: u16,
        /// Where kubeconfigs, logs and data go; by default target/bench/up
        #[arg(long)]
        dir: Option<PathBuf>,
    },
    /// Ends the data centers that were started there
    Down {
        /// The folder they were started in
        #[arg(long)]
        dir: Option<PathBuf>,
    },
    /// Ends one component by SIGTERM, for trying out what happens then
    Stop(Part),
    /// Starts one component again
    Start(Part),
    /// Holds one component by SIGSTOP: it takes connections and answers nothing
    Freeze(Part),
    /// Lets a frozen component go on
    Thaw(Part),
    /// Shows how each component is
    Status {
        /// The folder they were started in
        #[arg(long)]
        dir: Option<PathBuf>,
    },
}

#[derive(Args)]
struct Part {
    /// Its data center, such as dc-2
    dc: String,
    /// The name of its program
    #[arg(default_value_t = Component::ApiServer)]
    component: Component,
    /// The folder that the data centers were started in
    #[arg(long)]
    dir: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<ExitCode> {
    match task {
        Task::Bench(BenchTask::Build) => components::build(components::Output::Shown)?,
        Task::Bench(BenchTask::Up { dcs, dir }) => bench::up(dcs, dir)?,
        Task::Bench(BenchTask::Down { dir }) => bench::down(dir)?,
        Task::Bench(BenchTask::Stop(part)) => bench::on_part(part, DataCenter::stop)?,
        Task::Bench(BenchTask::Start(part)) => bench::on_part(part, DataCenter::start)?,
        Task::Bench(BenchTask::Freeze(part)) => bench::on_part(part, DataCenter::freeze)?,
        Task::Bench(BenchTask::Thaw(part)) => bench::on_part(part, DataCenter::thaw)?,
        Task::Bench(BenchTask::Status { dir }) => return bench::status(dir),
        Task::Test { cargo_test } => return test::run(&cargo_test),
        Task::Doctor => return Ok(doctor::report()),
        Task::Mutate(MutateTask::Sim { faults }) => mutate::sim(&faults)?,
        Task::Fuzz { target, seconds } => return fuzz::run(target, seconds),
        Task::Ci => return ci::run(),
        Task::RecordSchemas { check } => return schemas::record(check),
        Task::RecordNode { scenarios } => node::record(&scenarios)?,
    }
    Ok(ExitCode::SUCCESS)
}
