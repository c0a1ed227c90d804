//! What a process has cost so far, as the kernel counts it.

use std::ops::Sub;
use std::time::Duration;

use anyhow::{Context, Result};

/// Processor time of all threads of a process, those that have ended included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// In the program itself.
    pub user: Duration,
    /// In the kernel, on its behalf: sockets, files.
    pub system: Duration,
}

/// Memory of a process, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// In use now.
    pub resident: u64,
    /// The most that was ever in use.
    pub peak: u64,
}

impl Cost {
    /// What process `pid` has used since it started, to a hundredth of a second.
    pub fn of(pid: u32) -> Result<Self> {
        let path = format!("/proc/{pid}/stat");
        let text = std::fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
        // The name of the program, in brackets, may hold anything; behind it everything is a number.
        let (_, numbers) = text.rsplit_once(')').with_context(|| format!("{path}: no name"))?;
        let ticks = |index: usize| -> Result<Duration> {
            let field = numbers.split_whitespace().nth(index);
            let ticks: u32 = field.with_context(|| format!("{path}: too short"))?.parse()?;
            let per_second = u32::try_from(rustix::param::clock_ticks_per_second())?;
            Ok(Duration::from_secs(1) * ticks / per_second)
        };
        // proc_pid_stat(5): utime is field 14, stime 15; the first behind the name is 3.
        Ok(Self { user: ticks(11)?, system: ticks(12)? })
    }

    /// What this process has used since it started.
    pub fn own() -> Result<Self> {
        Self::of(std::process::id())
    }

    /// User and system time together.
    pub fn total(self) -> Duration {
        self.user + self.system
    }
}

impl Sub for Cost {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            user: self.user.saturating_sub(before.user),
            system: self.system.saturating_sub(before.system),
        }
    }
}

impl Memory {
    /// That of process `pid`.
    pub fn of(pid: u32) -> Result<Self> {
        let path = format!("/proc/{pid}/status");
        let text = std::fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
        let bytes = |name: &str| -> Result<u64> {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            let line = line.with_context(|| format!("{path}: no {name}"))?;
            let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
            Ok(kib * 1024)
        };
        Ok(Self { resident: bytes("VmRSS")?, peak: bytes("VmHWM")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_used_some_of_both() {
        let before = Cost::own().unwrap();
        let mut sum = 0_u64;
        while (Cost::own().unwrap() - before).total() < Duration::from_millis(20) {
            sum = sum.wrapping_add(1);
        }
        assert!(sum > 0);
        let memory = Memory::of(std::process::id()).unwrap();
        assert!(memory.peak >= memory.resident && memory.resident > 0, "{memory:?}");
    }
}
