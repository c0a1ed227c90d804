//! The real components: which, in which version, and how they are built from the Go module proxy.

use crate::{doctor, workspace};
use anyhow::{Context, Result, bail};
use plimsoll_bench::Binaries;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Where what `go build` says goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// To the terminal.
    Shown,
    /// Into the error, should it fail: another step writes to the terminal.
    Kept,
}

/// A Go module under `tests/bench/components` with exact pins, and what is built from it in one `go build`:
/// programs of others, or one of our own that runs their code.
struct Module {
    folder: &'static str,
    packages: &'static [&'static str],
    linker_flags: &'static str,
}

/// Without them the servers call themselves v0.0.0-master, which clients complain of.
const KUBERNETES_VERSION: &str = "-X k8s.io/component-base/version.gitVersion=v1.37.0 \
                                  -X k8s.io/component-base/version.gitMajor=1 \
                                  -X k8s.io/component-base/version.gitMinor=37 \
                                  -X k8s.io/component-base/version.gitTreeState=clean";

/// What a real node needs, which only the recording of histories starts.
const NODE: Module = Module {
    folder: "node",
    packages: &["k8s.io/kubernetes/cmd/kubelet", "plimsoll.test/bench/actor"],
    linker_flags: KUBERNETES_VERSION,
};

/// The one that takes longest first.
const MODULES: [Module; 8] = [
    Module {
        folder: "kubernetes",
        // Together: what they share is compiled once.
        packages: &[
            "k8s.io/kubernetes/cmd/kube-apiserver",
            "k8s.io/kubernetes/cmd/kube-controller-manager",
            "k8s.io/kubernetes/cmd/kube-scheduler",
            "k8s.io/kubernetes/cmd/kubectl",
        ],
        linker_flags: KUBERNETES_VERSION,
    },
    Module { folder: "etcd", packages: &["go.etcd.io/etcd/server/v3"], linker_flags: "" },
    Module { folder: "kwok", packages: &["sigs.k8s.io/kwok/cmd/kwok"], linker_flags: "" },
    Module {
        folder: "grpcurl",
        packages: &["github.com/fullstorydev/grpcurl/cmd/grpcurl"],
        linker_flags: "-X main.version=v1.9.4",
    },
    Module {
        folder: "distribution",
        packages: &["github.com/distribution/distribution/v3/cmd/registry"],
        linker_flags: "",
    },
    Module { folder: "oras", packages: &["oras.land/oras/cmd/oras"], linker_flags: "" },
    Module {
        folder: "object-store",
        packages: &["github.com/johannesboyne/gofakes3/cmd/gofakes3"],
        linker_flags: "",
    },
    // After Kubernetes: nearly all of it is compiled by then.
    Module { folder: "qos-oracle", packages: &["plimsoll.test/qos-oracle"], linker_flags: "" },
];

/// Builds every component that is not there in the wanted version. One that is there costs a look at a stamp.
pub(crate) fn build(output: Output) -> Result<()> {
    build_all(&MODULES, output)
}

/// The same for what a real node needs.
pub(crate) fn build_node() -> Result<()> {
    build_all(&[NODE], Output::Shown)
}

fn build_all(modules: &[Module], output: Output) -> Result<()> {
    let binaries = Binaries::default_folder();
    let stamps = binaries.with_file_name("stamps");
    for folder in [&binaries, &stamps] {
        std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    // Two tasks at once would build the same twice.
    let lock = binaries.with_file_name("build.lock");
    let lock = File::create(&lock).with_context(|| format!("opening {}", lock.display()))?;
    lock.lock().context("waiting for another build of the components")?;

    for module in modules {
        let stamp = stamps.join(module.folder);
        let wanted = module.stamp()?;
        let is_there = module.programs().all(|program| binaries.join(program).is_file());
        if is_there && std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
            continue;
        }
        doctor::require(&[doctor::GO])?;
        let programs = module.programs().collect::<Vec<_>>().join(", ");
        eprintln!("building {programs}");
        let started = Instant::now();
        module.build(&binaries, output)?;
        std::fs::write(&stamp, wanted).with_context(|| format!("writing {}", stamp.display()))?;
        eprintln!("built {programs} in {} s", started.elapsed().as_secs());
    }
    Ok(())
}

impl Module {
    fn path(&self) -> PathBuf {
        workspace::root().join("tests/bench/components").join(self.folder)
    }

    /// The names of what is built: the last part of each package, a major version aside.
    fn programs(&self) -> impl Iterator<Item = &'static str> {
        self.packages.iter().map(|package| match package {
            // Its main package is the root of the server module.
            &"go.etcd.io/etcd/server/v3" => "etcd",
            package => package.rsplit('/').next().unwrap_or(package),
        })
    }

    /// All that decides what comes out: the packages, the flags, the pins, and code of ours where there is any.
    /// Compared as it is.
    fn stamp(&self) -> Result<String> {
        let mut stamp = format!("{}\n{}\n", self.packages.join(" "), self.linker_flags);
        for path in self.sources()? {
            let text =
                std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            stamp.push_str(&text);
        }
        Ok(stamp)
    }

    /// The files of the module: `go.mod`, `go.sum` and what else there is, in the order of their names.
    fn sources(&self) -> Result<Vec<PathBuf>> {
        let folder = self.path();
        let entries = std::fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
        let mut files = Vec::new();
        for entry in entries {
            files.push(entry.with_context(|| format!("reading {}", folder.display()))?.path());
        }
        files.sort();
        Ok(files)
    }

    fn build(&self, binaries: &Path, output: Output) -> Result<()> {
        // A single package may be given its file's name; several go into a folder under their own.
        let into = match self.packages {
            [_] => self.programs().map(|program| binaries.join(program)).collect(),
            _ => binaries.join(""),
        };
        let mut go = Command::new("go");
        go.current_dir(self.path())
            .env("CGO_ENABLED", "0")
            // A workspace file further up would replace the pins.
            .env("GOWORK", "off")
            .args(["build", "-trimpath", "-buildvcs=false", "-mod=readonly"])
            .arg(format!("-p={}", jobs()))
            .arg(format!("-ldflags=-s -w {}", self.linker_flags))
            .arg("-o")
            .arg(into)
            .args(self.packages);
        let complaint = match output {
            Output::Shown => {
                if go.status().context("running go")?.success() {
                    return Ok(());
                }
                String::new()
            }
            Output::Kept => {
                let output = go.output().context("running go")?;
                if output.status.success() {
                    return Ok(());
                }
                format!(":\n{}", String::from_utf8_lossy(&output.stderr))
            }
        };
        bail!("go build failed in {}{complaint}", self.path().display());
    }
}

/// How many compilers or linkers at once: one per core, as long as there are 2 GiB of memory for each, which
/// the largest link needs.
fn jobs() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = doctor::memory_gib().unwrap_or(4);
    cores.min(memory / 2).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_is_what_the_bench_looks_for() {
        let folder = tempfile::tempdir().unwrap();
        for program in MODULES.iter().flat_map(Module::programs) {
            std::fs::write(folder.path().join(program), "").unwrap();
        }

        Binaries::in_folder(folder.path().to_path_buf()).unwrap();
    }

    #[test]
    fn every_package_is_a_pinned_tool_of_its_module_or_the_module_itself() {
        for module in MODULES.iter().chain([&NODE]) {
            let pins = std::fs::read_to_string(module.path().join("go.mod")).unwrap();
            for package in module.packages {
                assert!(
                    pins.lines()
                        .map(|line| line.trim_start_matches("module ").trim_start_matches("tool ").trim())
                        .any(|line| line == *package),
                    "{package}"
                );
            }
        }
    }
}
