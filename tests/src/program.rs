use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::process::Command;

/// Names the built program; `cargo xtask test` sets it.
const VARIABLE: &str = "PLIMSOLL_BIN";

/// No command of a test takes longer: those that wait have deadlines of their own below it.
const DEADLINE: Duration = Duration::from_secs(150);

/// The built `plimsoll`.
#[derive(Clone, Copy, Debug)]
pub struct Program;

/// What a program said, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Its exit code.
    pub code: i32,
    /// What it printed on standard output.
    pub stdout: String,
    /// What it printed on standard error.
    pub stderr: String,
}

impl Program {
    /// Where it lies. Without the environment variable it is built here, so that no test runs an old one.
    pub fn path() -> Result<&'static Path> {
        static PATH: OnceLock<std::result::Result<PathBuf, String>> = OnceLock::new();
        match PATH.get_or_init(|| find().map_err(|error| format!("{error:#}"))) {
            Ok(path) => Ok(path),
            Err(error) => bail!("{error}"),
        }
    }

    /// A call of it that sees nothing of this machine's user: `home` is all the home it has.
    pub fn command(home: &Path) -> Result<Command> {
        let mut command = Command::new(Self::path()?);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home)
            .current_dir(home)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        Ok(command)
    }

    /// A line of a shell that has it in its path.
    pub fn shell(home: &Path, line: &str) -> Result<Command> {
        let folder = Self::path()?.parent().context("the program's folder")?;
        let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
        let mut shell = Command::new("bash");
        shell.args(["-c", line]).env_clear().env("PATH", path).env("HOME", home).current_dir(home);
        Ok(shell)
    }

    /// Runs it to its end.
    pub async fn run<A: AsRef<OsStr>>(home: &Path, arguments: &[A]) -> Result<Said> {
        Said::by(Self::command(home)?.args(arguments)).await
    }
}

impl Said {
    /// What `command` says until it ends.
    ///
    /// A program that panics has failed the test, whatever it was run for.
    pub async fn by(command: &mut Command) -> Result<Self> {
        let shown = shown(command);
        let output = tokio::time::timeout(DEADLINE, command.output())
            .await
            .with_context(|| format!("{shown}: not ended within {DEADLINE:?}"))?
            .with_context(|| format!("running {shown}"))?;
        let said = Self {
            code: output.status.code().with_context(|| format!("{shown}: {}", output.status))?,
            stdout: String::from_utf8(output.stdout).with_context(|| format!("{shown}: its output"))?,
            stderr: String::from_utf8(output.stderr).with_context(|| format!("{shown}: its messages"))?,
        };
        no_panic(&said.stderr).with_context(|| shown.clone())?;
        Ok(said)
    }

    /// Its standard output, if it ended well.
    pub fn ok(self) -> Result<String> {
        if self.code != 0 {
            bail!("exit code {}: {}{}", self.code, self.stdout, self.stderr);
        }
        Ok(self.stdout)
    }

    /// Exit code and standard error as one text, for snapshots.
    pub fn trouble(&self) -> String {
        format!("exit {}\n{}", self.code, self.stderr)
    }
}

/// Fails where `text` shows a panic or a stack trace.
pub(crate) fn no_panic(text: &str) -> Result<()> {
    for sign in ["panicked at", "RUST_BACKTRACE", "stack backtrace"] {
        if text.contains(sign) {
            bail!("it panicked: {text}");
        }
    }
    Ok(())
}

fn shown(command: &Command) -> String {
    let command = command.as_std();
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

fn find() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os(VARIABLE) {
        let path = PathBuf::from(path);
        if !path.is_file() {
            bail!("no program at {} ({VARIABLE}): run the tests by `cargo xtask test`", path.display());
        }
        return Ok(path);
    }
    // A test lies in `target/PROFILE/deps`, a benchmark in `target/PROFILE`, as the program itself.
    let test = std::env::current_exe().context("finding this test program")?;
    let mut folders = test.ancestors().skip(1).skip_while(|folder| folder.ends_with("deps"));
    let profile = folders.next().context("finding the build folder")?;
    let target = profile.parent().context("finding the target folder")?;
    let built = std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--locked", "--package", "plimsoll-cli", "--target-dir"])
        .arg(target)
        .args(if profile.ends_with("release") { &["--release"][..] } else { &[] })
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .context("running cargo build")?;
    if !built.status.success() {
        bail!("building plimsoll: {}", String::from_utf8_lossy(&built.stderr));
    }
    Ok(profile.join("plimsoll"))
}
