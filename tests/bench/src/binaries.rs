use crate::Component;
use anyhow::{Result, bail};
use std::path::{Path, PathBuf};

/// The environment variable that names the folder of the built programs. Without it they are looked for where
/// `cargo xtask bench build` puts them: `target/bench/bin` of this workspace.
pub const BIN_VARIABLE: &str = "PLIMSOLL_BENCH_BIN";

/// The programs that `cargo xtask bench build` made.
#[derive(Clone, Debug)]
pub struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// Finds them, in the folder that [`BIN_VARIABLE`] names or else under this workspace's `target`. An error
    /// names those that are missing and the command that builds them.
    pub fn find() -> Result<Self> {
        let folder = std::env::var_os(BIN_VARIABLE).map_or_else(Self::default_folder, PathBuf::from);
        Self::in_folder(folder)
    }

    /// Those in `folder`; an error if one is missing.
    pub fn in_folder(folder: PathBuf) -> Result<Self> {
        let binaries = Self { folder };
        let missing: Vec<_> = Component::IN_START_ORDER
            .iter()
            .map(|component| component.program())
            .chain(["kubectl", "grpcurl"])
            .filter(|program| !binaries.folder.join(program).is_file())
            .collect();
        if !missing.is_empty() {
            bail!(
                "{} missing in {}: run `cargo xtask bench build`",
                missing.join(", "),
                binaries.folder.display()
            );
        }
        Ok(binaries)
    }

    /// A program that is built beside the components and that no bench needs; an error says how to build it.
    pub fn tool(name: &str) -> Result<PathBuf> {
        let folder = std::env::var_os(BIN_VARIABLE).map_or_else(Self::default_folder, PathBuf::from);
        let program = folder.join(name);
        if !program.is_file() {
            bail!("{name} missing in {}: run `cargo xtask bench build`", folder.display());
        }
        Ok(program)
    }

    /// Where `cargo xtask bench build` puts them, whatever target directory Rust is built in.
    pub fn default_folder() -> PathBuf {
        workspace_folder().join("target/bench/bin")
    }

    /// The folder that holds them.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The program of a component.
    pub fn program(&self, component: Component) -> PathBuf {
        self.folder.join(component.program())
    }

    /// kubectl, of the servers' version.
    pub fn kubectl(&self) -> PathBuf {
        self.folder.join("kubectl")
    }

    /// grpcurl.
    pub fn grpcurl(&self) -> PathBuf {
        self.folder.join("grpcurl")
    }
}

/// The root of this workspace, as it was when this crate was built.
pub(crate) fn workspace_folder() -> PathBuf {
    // This crate is `tests/bench`.
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().nth(2).unwrap_or(own).to_path_buf()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named_with_the_command_that_builds_it() {
        let folder = tempfile::tempdir().unwrap();
        for present in
            ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", "kubectl"]
        {
            std::fs::write(folder.path().join(present), "").unwrap();
        }

        let error = Binaries::in_folder(folder.path().to_path_buf()).unwrap_err().to_string();

        assert_eq!(
            error,
            format!("grpcurl missing in {}: run `cargo xtask bench build`", folder.path().display())
        );
    }
}
