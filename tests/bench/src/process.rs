use crate::deadline;
use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, mpsc};
use std::time::Duration;

/// What a process does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It runs, or is ready to.
    Running,
    /// It was stopped by SIGSTOP and does nothing.
    Frozen,
    /// It is not there any more, or another process has its number.
    Gone,
}

/// What becomes of a process when the one that started it dies without cleaning up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// The kernel kills it too, even if it is frozen.
    WithStarter,
    /// It goes on.
    Detached,
}

/// A process beyond doubt: its number and the moment it started, in clock ticks since boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Identity {
    pub pid: i32,
    pub start_time: u64,
}

/// A started program.
pub struct Process {
    identity: Identity,
    /// The program's name, for messages.
    program: String,
    log: PathBuf,
    /// There if this process started it; one that was found in a record has none.
    child: Option<Child>,
}

impl Identity {
    fn of(pid: i32) -> Option<Self> {
        Stat::of(pid).map(|stat| Self { pid, start_time: stat.start_time })
    }

    pub(crate) fn condition(self) -> Condition {
        match Stat::of(self.pid) {
            Some(stat) if stat.start_time != self.start_time => Condition::Gone,
            Some(stat) => stat.condition(),
            None => Condition::Gone,
        }
    }

    /// Sends a signal to this very process; one that is gone needs none.
    fn signal(self, signal: Signal) -> Result<()> {
        let pid = Pid::from_raw(self.pid).context("a process number cannot be zero")?;
        // The descriptor holds on to the process: between the check and the signal its number cannot pass to
        // another.
        let process = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(process) => process,
            Err(rustix::io::Errno::SRCH) => return Ok(()),
            Err(error) => return Err(error).with_context(|| format!("opening process {pid}")),
        };
        if self.condition() == Condition::Gone {
            return Ok(());
        }
        match pidfd_send_signal(&process, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error).with_context(|| format!("signalling process {pid}")),
        }
    }
}

impl Process {
    /// Starts `program`, its output appended to `log`.
    pub async fn start(
        program: &Path,
        arguments: Vec<OsString>,
        log: PathBuf,
        lifetime: Lifetime,
    ) -> Result<Self> {
        let name = program.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let output = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .with_context(|| format!("opening {}", log.display()))?;
        let mut command = match lifetime {
            Lifetime::Detached => Command::new(program),
            Lifetime::WithStarter => {
                // Sets the death signal, then becomes the program, under the same process number.
                let mut setpriv = Command::new("setpriv");
                setpriv.args(["--pdeathsig", "KILL", "--"]).arg(program);
                setpriv
            }
        };
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(output.try_clone().context("sharing a log")?)
            .stderr(output)
            // Of its own group: a Ctrl-C in the terminal must not stop the parts in any odd order.
            .process_group(0);
        let child = spawn(command).await.with_context(|| format!("starting {name}"))?;
        let pid = i32::try_from(child.id()).context("a process number")?;
        let identity = Identity::of(pid).with_context(|| format!("{name} was gone at once"))?;
        Ok(Self { identity, program: name, log, child: Some(child) })
    }

    /// One that somebody else started.
    pub(crate) fn found(identity: Identity, program: &str, log: PathBuf) -> Self {
        Self { identity, program: program.to_owned(), log, child: None }
    }

    pub(crate) fn identity(&self) -> Identity {
        self.identity
    }

    /// What it does now.
    pub fn condition(&mut self) -> Condition {
        // Reaps it if it has ended.
        if let Some(child) = &mut self.child
            && let Ok(Some(_)) = child.try_wait()
        {
            return Condition::Gone;
        }
        self.identity.condition()
    }

    /// An error with the end of its log if it has ended.
    pub fn must_be_there(&mut self) -> Result<()> {
        if self.condition() == Condition::Gone {
            bail!("{} ended by itself; the end of {}:\n{}", self.program, self.log.display(), self.log_end());
        }
        Ok(())
    }

    /// SIGTERM, and waits until it is gone. A frozen one is thawed, or it would never hear of it.
    pub async fn stop(&mut self, within: Duration) -> Result<()> {
        self.identity.signal(Signal::TERM)?;
        self.identity.signal(Signal::CONT)?;
        self.reaches(Condition::Gone, within).await
    }

    /// SIGKILL, and waits until it is gone.
    pub async fn kill(&mut self) -> Result<()> {
        self.identity.signal(Signal::KILL)?;
        self.reaches(Condition::Gone, deadline::TO_STOP).await
    }

    /// SIGKILL and nothing more; for those who cannot wait.
    pub(crate) fn kill_now(&mut self) {
        if self.identity.signal(Signal::KILL).is_ok()
            && let Some(child) = &mut self.child
        {
            // Reaped, so that nothing is left of it; after SIGKILL this takes no time to speak of.
            let _ = child.wait();
        }
    }

    /// SIGSTOP, and waits until it stands still.
    pub async fn freeze(&mut self) -> Result<()> {
        self.identity.signal(Signal::STOP)?;
        self.reaches(Condition::Frozen, deadline::TO_STOP).await
    }

    /// SIGCONT, and waits until it runs again.
    pub async fn thaw(&mut self) -> Result<()> {
        self.identity.signal(Signal::CONT)?;
        self.reaches(Condition::Running, deadline::TO_STOP).await
    }

    /// The last lines of its log.
    pub(crate) fn log_end(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }

    async fn reaches(&mut self, aim: Condition, within: Duration) -> Result<()> {
        let what = format!("{} (process {}) to be {aim:?}", self.program, self.identity.pid);
        deadline::until(&what, within, async || {
            let condition = self.condition();
            if condition == Condition::Gone && aim != Condition::Gone {
                bail!("{} is gone", self.program);
            }
            Ok((condition == aim).then_some(()))
        })
        .await
    }
}

/// What `/proc/PID/stat` says, as far as it is needed here.
struct Stat {
    state: char,
    /// How many of its threads there are.
    threads: u32,
    start_time: u64,
}

impl Stat {
    fn of(pid: i32) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(line: &str) -> Option<Self> {
        // The second field is the program's name in brackets, and may hold blanks and brackets itself.
        let mut fields = line.rsplit_once(") ")?.1.split(' ');
        let state = fields.next()?.chars().next()?;
        // state is field 3 of proc_pid_stat(5), num_threads field 20, starttime field 22.
        let threads = fields.nth(16)?.parse().ok()?;
        let start_time = fields.nth(1)?.parse().ok()?;
        Some(Self { state, threads, start_time })
    }

    fn condition(&self) -> Condition {
        match self.state {
            'T' | 't' => Condition::Frozen,
            // The first thread has ended. Until the others have, they hold what the process holds, ports above all.
            'Z' if self.threads > 1 => Condition::Running,
            'Z' | 'X' | 'x' => Condition::Gone,
            _ => Condition::Running,
        }
    }
}

type Start = (Command, tokio::sync::oneshot::Sender<std::io::Result<Child>>);

/// Starts a command from a thread that lives as long as this program: the death signal of
/// [`Lifetime::WithStarter`] comes when the starting *thread* ends, and a test's thread ends with the test.
async fn spawn(command: Command) -> Result<Child> {
    static STARTER: LazyLock<mpsc::Sender<Start>> = LazyLock::new(|| {
        let (sender, receiver) = mpsc::channel::<Start>();
        std::thread::spawn(move || {
            for (mut command, answer) in receiver {
                // If nobody waits for the answer any more, the child must not stay behind.
                if let Err(Ok(mut orphan)) = answer.send(command.spawn()) {
                    let _ = orphan.kill();
                    let _ = orphan.wait();
                }
            }
        });
        sender
    });
    let (answer, started) = tokio::sync::oneshot::channel();
    STARTER.send((command, answer)).map_err(|_| anyhow!("the thread that starts programs is gone"))?;
    Ok(started.await.context("the thread that starts programs is gone")??)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn start(program: &str, arguments: &[&str], folder: &Path) -> Process {
        let arguments = arguments.iter().map(OsString::from).collect();
        Process::start(Path::new(program), arguments, folder.join("log"), Lifetime::WithStarter)
            .await
            .unwrap()
    }

    #[test]
    fn a_program_whose_name_holds_brackets_is_read_right() {
        let line = "42 (a ) b) S 1 42 42 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 93103 313 1";

        let stat = Stat::parse(line).unwrap();

        assert_eq!((stat.state, stat.threads, stat.start_time), ('S', 1, 93103));
    }

    #[test]
    fn a_process_is_gone_when_the_last_of_its_threads_is() {
        let condition = |state: char, threads: u32| Stat { state, threads, start_time: 1 }.condition();
        assert_eq!(condition('Z', 1), Condition::Gone);
        assert_eq!(condition('Z', 2), Condition::Running);
    }

    #[tokio::test]
    async fn a_process_is_frozen_thawed_and_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = start("sleep", &["600"], folder.path()).await;

        process.freeze().await.unwrap();
        assert_eq!(process.condition(), Condition::Frozen);
        process.thaw().await.unwrap();
        assert_eq!(process.condition(), Condition::Running);
        process.freeze().await.unwrap();
        process.stop(deadline::TO_STOP).await.unwrap();
        assert_eq!(process.condition(), Condition::Gone);
    }

    /// Not a test of its own: the one below runs it in another process, to kill that.
    #[tokio::test]
    async fn starter_that_waits_to_be_killed() {
        let Some(folder) = std::env::var_os("PLIMSOLL_TEST_STARTER") else { return };
        let process = start("sleep", &["600"], Path::new(&folder)).await;
        std::fs::write(Path::new(&folder).join("pid"), process.identity().pid.to_string()).unwrap();
        std::future::pending::<()>().await;
    }

    #[tokio::test]
    async fn a_process_dies_even_frozen_when_its_starter_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let mut starter = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "process::tests::starter_that_waits_to_be_killed"])
            .env("PLIMSOLL_TEST_STARTER", folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let pid = deadline::until("the starter to start", deadline::TO_START, async || {
            let text = std::fs::read_to_string(folder.path().join("pid")).unwrap_or_default();
            Ok(text.parse().ok())
        })
        .await
        .unwrap();
        let mut process = Process::found(Identity::of(pid).unwrap(), "sleep", folder.path().join("log"));
        process.freeze().await.unwrap();

        starter.kill().unwrap();
        starter.wait().unwrap();

        process.reaches(Condition::Gone, deadline::TO_STOP).await.unwrap();
    }

    #[tokio::test]
    async fn a_process_that_has_another_start_time_is_never_signalled() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = start("sleep", &["600"], folder.path()).await;
        let Identity { pid, start_time } = process.identity();
        let stranger = Identity { pid, start_time: start_time + 1 };

        Process::found(stranger, "sleep", folder.path().join("log")).kill().await.unwrap();

        assert_eq!(process.condition(), Condition::Running);
        process.kill().await.unwrap();
    }

    #[tokio::test]
    async fn the_error_about_a_program_that_ended_shows_the_end_of_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = start("sh", &["-c", "echo no such thing; exit 1"], folder.path()).await;
        deadline::until("sh to end", deadline::TO_STOP, async || {
            Ok((process.condition() == Condition::Gone).then_some(()))
        })
        .await
        .unwrap();

        let error = process.must_be_there().unwrap_err().to_string();

        assert!(error.ends_with("no such thing"), "{error}");
    }
}
