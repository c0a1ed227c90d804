//! What a machine needs to build and test Plimsoll, and how to get it.

use anyhow::{Result, bail};
use std::process::{Command, ExitCode, Stdio};

/// Something that a machine should have.
#[derive(Clone, Copy)]
pub(crate) struct Need {
    name: &'static str,
    strength: Strength,
    /// What it is for, where that is not everything.
    purpose: &'static str,
    /// Its version or another sign of it; an error says what is wrong.
    look: fn() -> Result<String>,
    remedy: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Strength {
    /// Without it the tests cannot run.
    Required,
    /// Wanted by the tour or by parts that the tests don't cover.
    Useful,
}

/// Go, which builds the real components.
pub(crate) const GO: Need = Need {
    name: "go",
    strength: Strength::Required,
    purpose: "builds kube-apiserver, etcd and their like",
    look: go,
    remedy: "install Go 1.26 or newer from https://go.dev/dl (1.21 and newer fetch it by themselves)",
};

const NEEDS: [Need; 11] = [
    Need {
        name: "cargo",
        strength: Strength::Required,
        purpose: "",
        look: || at_least(&["cargo", "--version"], RUST),
        remedy: "install Rust 1.95 or newer: https://rustup.rs",
    },
    Need {
        name: "rustfmt",
        strength: Strength::Required,
        purpose: "checks the layout of the code",
        look: || first_line(&["cargo", "fmt", "--version"]),
        remedy: "rustup component add rustfmt",
    },
    Need {
        name: "clippy",
        strength: Strength::Required,
        purpose: "checks the code",
        look: || first_line(&["cargo", "clippy", "--version"]),
        remedy: "rustup component add clippy",
    },
    Need {
        name: "cc",
        strength: Strength::Required,
        purpose: "links, and compiles ring",
        look: || first_line(&["cc", "--version"]),
        remedy: "apt-get install build-essential",
    },
    GO,
    Need {
        name: "git",
        strength: Strength::Required,
        purpose: "",
        look: || first_line(&["git", "--version"]),
        remedy: "apt-get install git",
    },
    Need {
        name: "setpriv",
        strength: Strength::Required,
        purpose: "ties control planes to the test that started them",
        look: || first_line(&["setpriv", "--version"]),
        remedy: "apt-get install util-linux",
    },
    Need {
        name: "memory",
        strength: Strength::Required,
        purpose: "three control planes, and the links of the build",
        look: memory,
        remedy: "use a machine with 6 GiB or more",
    },
    Need {
        name: "curl",
        strength: Strength::Useful,
        purpose: "the tour in the README",
        look: || first_line(&["curl", "--version"]),
        remedy: "apt-get install curl",
    },
    Need {
        name: "node",
        strength: Strength::Useful,
        purpose: "the web console, once it is there",
        look: || at_least(&["node", "--version"], (20, 0)),
        remedy: "install Node.js 20 or newer: https://nodejs.org",
    },
    Need {
        name: "java",
        strength: Strength::Useful,
        purpose: "Kafka in tests of logging, once they are there",
        look: || first_line(&["java", "-version"]),
        remedy: "apt-get install openjdk-17-jre-headless",
    },
];

/// `rust-version` of the workspace.
const RUST: (u32, u32) = (1, 95);
/// The `go` line of the modules under `tests/bench/components`.
const GO_VERSION: (u32, u32) = (1, 26);
/// From here on Go fetches a newer one when a module asks for it.
const GO_SWITCHES: (u32, u32) = (1, 21);
const MEMORY_GIB: usize = 5;

/// Lists everything, one line each; fails if something is missing without which the tests cannot run.
pub(crate) fn report() -> ExitCode {
    let mut missing = 0;
    for need in &NEEDS {
        match (need.look)() {
            Ok(found) => println!("ok       {:<9} {found:.60}", need.name),
            Err(error) => {
                let word = match need.strength {
                    Strength::Required => {
                        missing += 1;
                        "MISSING "
                    }
                    Strength::Useful => "optional",
                };
                let purpose =
                    if need.purpose.is_empty() { String::new() } else { format!(" ({})", need.purpose) };
                println!("{word} {:<9} {error}{purpose}: {}", need.name, need.remedy);
            }
        }
    }
    if missing == 0 {
        eprintln!("everything that the tests need is there");
        ExitCode::SUCCESS
    } else {
        eprintln!("{missing} missing");
        ExitCode::FAILURE
    }
}

/// An error of one line that names everything of `needs` that is missing.
pub(crate) fn require(needs: &[Need]) -> Result<()> {
    let missing: Vec<_> = needs
        .iter()
        .filter_map(|need| {
            (need.look)().err().map(|error| format!("{} ({error}): {}", need.name, need.remedy))
        })
        .collect();
    if !missing.is_empty() {
        bail!("this machine lacks {}", missing.join("; "));
    }
    Ok(())
}

/// The same for everything that the tests need.
pub(crate) fn require_all() -> Result<()> {
    let required: Vec<_> = NEEDS.iter().filter(|need| need.strength == Strength::Required).copied().collect();
    require(&required)
}

/// The memory of this machine.
pub(crate) fn memory_gib() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: usize = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib / (1024 * 1024))
}

fn memory() -> Result<String> {
    match memory_gib() {
        Some(gib) if gib < MEMORY_GIB => bail!("only {gib} GiB"),
        Some(gib) => Ok(format!("{gib} GiB")),
        None => bail!("not known"),
    }
}

fn go() -> Result<String> {
    // `local`: this must not be the moment to fetch another one.
    let line = run(Command::new("go").env("GOTOOLCHAIN", "local").arg("version"))?;
    let switches = run(Command::new("go").args(["env", "GOTOOLCHAIN"])).is_ok_and(|value| value != "local");
    let wanted = if switches { GO_SWITCHES } else { GO_VERSION };
    new_enough(&line, wanted)
}

fn at_least(command: &[&str], wanted: (u32, u32)) -> Result<String> {
    new_enough(&first_line(command)?, wanted)
}

fn first_line(command: &[&str]) -> Result<String> {
    let [program, arguments @ ..] = command else { bail!("no command") };
    run(Command::new(program).args(arguments))
}

fn run(command: &mut Command) -> Result<String> {
    let Ok(output) = command.stdin(Stdio::null()).output() else { bail!("not found") };
    if !output.status.success() {
        bail!(refusal(&String::from_utf8_lossy(&output.stderr)));
    }
    // java tells its version on standard error.
    let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    Ok(String::from_utf8_lossy(&text).lines().next().unwrap_or_default().to_owned())
}

/// Why a program that is there does not run, by the first thing that it says.
fn refusal(said: &str) -> String {
    let first = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it says nothing");
    let first = first.trim_start_matches("error: ").trim_end_matches(['.', ',']);
    if first.contains("rustup could not choose a version") || first.contains("no default is configured") {
        // The proxies of rustup are there, and nothing behind them.
        return "rustup is there without a toolchain; `rustup default stable` installs one".to_owned();
    }
    format!("there, but it does not run: {first:.120}")
}

fn new_enough(line: &str, wanted: (u32, u32)) -> Result<String> {
    match version(line) {
        Some(found) if found < wanted => bail!("too old: {}.{}", found.0, found.1),
        Some(_) => Ok(line.to_owned()),
        None => bail!("of unknown version: {line}"),
    }
}

/// The first major and minor number in a line such as `go version go1.26.8 linux/amd64`.
fn version(line: &str) -> Option<(u32, u32)> {
    line.split(|c: char| !c.is_ascii_digit() && c != '.').find_map(|word| {
        let mut parts = word.split('.');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace;

    #[test]
    fn versions_are_read_as_the_tools_print_them() {
        for (line, expected) in [
            ("cargo 1.95.0 (f2d3ce0bd 2026-03-21)", Some((1, 95))),
            ("go version go1.26.8 linux/amd64", Some((1, 26))),
            ("go version go1.27rc1 linux/amd64", Some((1, 27))),
            ("v20.20.2", Some((20, 20))),
            ("no version", None),
        ] {
            assert_eq!(version(line), expected, "{line}");
        }
    }

    #[test]
    fn a_tool_that_is_there_and_does_not_run_is_not_said_to_be_missing() {
        let rustup = "error: rustup could not choose a version of cargo to run, because one wasn't specified \
                      explicitly, and no default is configured.\nhelp: run 'rustup default stable' to download";
        let table = [
            (rustup, "rustup is there without a toolchain; `rustup default stable` installs one"),
            (
                "error: 'cargo-fmt' is not installed for the toolchain 'stable'.\n\nTo install, run `…`\n",
                "there, but it does not run: 'cargo-fmt' is not installed for the toolchain 'stable'",
            ),
            ("", "there, but it does not run: it says nothing"),
        ];
        for (said, expected) in table {
            assert_eq!(refusal(said), expected);
        }
    }

    #[test]
    fn an_older_tool_is_told_by_its_version() {
        let error = new_enough("go version go1.19.8 linux/amd64", GO_SWITCHES).unwrap_err();

        assert_eq!(error.to_string(), "too old: 1.19");
    }

    #[test]
    fn the_versions_asked_for_are_those_of_the_manifests() {
        let root = workspace::root();
        let cargo = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
        assert!(cargo.contains(&format!("rust-version = \"{}.{}\"", RUST.0, RUST.1)));
        for entry in std::fs::read_dir(root.join("tests/bench/components")).unwrap() {
            let pins = std::fs::read_to_string(entry.unwrap().path().join("go.mod")).unwrap();
            let asked = pins.lines().find_map(|line| line.strip_prefix("go ")).and_then(version).unwrap();
            assert!(asked <= GO_VERSION, "{asked:?}");
        }
    }
}
