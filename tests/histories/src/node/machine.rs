//! What a node changes on its machine, and puts back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The node's address: the kubelet refuses those of loopback's own range.
pub(super) const ADDRESS: &str = "10.95.5.1";
/// The pods' range, and their bridge.
pub(super) const PODS: &str = "10.95.6.0/24";
pub(super) const BRIDGE: &str = "plimsoll-pods";
/// How large the disk of the kubelet is, as `mount` is told, and how much fills it up.
const DISK: &str = "size=512m";
const FILLING: u64 = 480 << 20;
/// How much memory is taken to make it scarce.
const TAKEN: u64 = 3 << 29;

/// What kubelet and containerd set, and the bridge plugin.
const SETTINGS: [&str; 7] = [
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
    "net/ipv4/ip_forward",
];

/// Programs of Debian's that a node needs, each with its package.
const PROGRAMS: [(&str, &str); 9] = [
    ("/usr/bin/containerd", "containerd"),
    ("/usr/bin/ctr", "containerd"),
    ("/usr/sbin/runc", "runc"),
    ("/usr/lib/cni/bridge", "containernetworking-plugins"),
    ("/usr/bin/umoci", "umoci"),
    ("/usr/bin/skopeo", "skopeo"),
    ("/usr/bin/docker-registry", "docker-registry"),
    ("/bin/busybox", "busybox-static"),
    ("/sbin/ip", "iproute2"),
];

/// The machine, with what it was like before.
pub(super) struct Machine {
    folder: PathBuf,
    /// Where memory is taken: a file of a disk in memory.
    held: PathBuf,
    disk: PathBuf,
    settings: Vec<(PathBuf, String)>,
    /// The control groups of kubelets that were there before.
    groups: Vec<PathBuf>,
    /// The network namespaces that were there before.
    namespaces: Vec<PathBuf>,
    restored: bool,
}

/// An error says what is missing, and how to get it.
pub(super) fn require() -> Result<()> {
    let mut missing: Vec<&str> =
        PROGRAMS.iter().filter(|(path, _)| !Path::new(path).exists()).map(|(_, package)| *package).collect();
    missing.dedup();
    if !missing.is_empty() {
        bail!("a real node needs: apt-get install --no-install-recommends {}", missing.join(" "));
    }
    let status = fs::read_to_string("/proc/self/status").context("asking who runs this")?;
    if !status.lines().any(|line| line.starts_with("Uid:\t0\t")) {
        bail!("a real node mounts, makes network namespaces and control groups: run this as root");
    }
    Ok(())
}

/// A bound of free memory that is kept now, with room for what others do, and not when [`Machine::take_memory`]
/// was there; as a quantity.
pub(super) fn memory_bound() -> Result<String> {
    let free = free_memory()?;
    if free < 4 * TAKEN {
        bail!("{} MiB of memory are free, which are too few to take some away", free >> 20);
    }
    Ok(format!("{}Ki", (free - TAKEN * 2 / 3) >> 10))
}

/// The free memory as the kubelet counts it: what is not in use, and what was read from files and not of late.
fn free_memory() -> Result<u64> {
    let text = fs::read_to_string("/proc/meminfo").context("asking for the memory")?;
    let total = number(&text, "MemTotal:")? << 10;
    let group = Path::new("/sys/fs/cgroup/memory");
    let usage =
        fs::read_to_string(group.join("memory.usage_in_bytes")).context("asking for the memory in use")?;
    let usage: u64 = usage.trim().parse().context("reading the memory in use")?;
    let inactive = number(&fs::read_to_string(group.join("memory.stat"))?, "total_inactive_file")?;
    Ok(total - usage.saturating_sub(inactive))
}

fn number(text: &str, name: &str) -> Result<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let word = line.and_then(|rest| rest.split_whitespace().next()).with_context(|| format!("no {name}"))?;
    word.parse().with_context(|| format!("reading {name}"))
}

impl Machine {
    pub(super) fn prepare(folder: &Path) -> Result<Self> {
        let settings = SETTINGS
            .iter()
            .map(|name| Path::new("/proc/sys").join(name))
            .map(|path| Ok((path.clone(), fs::read_to_string(&path)?)))
            .collect::<Result<_>>()
            .context("reading the settings of the kernel")?;
        let disk = folder.join("kubelet");
        fs::create_dir_all(&disk).context("making the kubelet's folder")?;
        // From here on it is put back, whatever fails.
        let folder = folder.to_path_buf();
        let held = PathBuf::from(format!("/dev/shm/plimsoll-node-{}", std::process::id()));
        let machine = Self {
            folder,
            held,
            disk,
            settings,
            groups: groups()?,
            namespaces: namespaces(),
            restored: false,
        };
        let disk = machine.disk.display().to_string();
        run("mount", &["-t", "tmpfs", "-o", DISK, "plimsoll-node", &disk])?;
        run("ip", &["address", "add", &format!("{ADDRESS}/32"), "dev", "lo"])?;
        Ok(machine)
    }

    fn ballast(&self) -> PathBuf {
        self.disk.join("ballast")
    }

    /// Fills the kubelet's disk.
    pub(super) fn fill(&self) -> Result<()> {
        write(&self.ballast(), FILLING).context("filling the disk")
    }

    /// Takes memory, by a file that lies in it.
    pub(super) fn take_memory(&self) -> Result<()> {
        write(&self.held, TAKEN).context("taking memory")
    }

    /// Takes away what filled it.
    pub(super) fn empty(&self) -> Result<()> {
        for file in [&self.ballast(), &self.held] {
            if file.exists() {
                fs::remove_file(file).with_context(|| format!("removing {}", file.display()))?;
            }
        }
        Ok(())
    }

    /// Puts the machine back as it was.
    pub(super) fn restore(mut self) -> Result<()> {
        self.restored = true;
        self.put_back()
    }

    /// Everything that can be put back is, and the first error told.
    fn put_back(&self) -> Result<()> {
        let mut outcome = Ok(());
        let mut note = |result: Result<()>| {
            if outcome.is_ok() {
                outcome = result;
            }
        };
        note(self.empty());
        // Of pods that were not taken down volumes and sandboxes are still mounted; the deepest goes first.
        let folder = format!("{}/", self.folder.display());
        let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
        let mut points: Vec<&str> = mounts.lines().filter_map(|line| line.split(' ').nth(1)).collect();
        points.retain(|point| point.starts_with(&folder));
        points.sort_by_key(|point| std::cmp::Reverse(point.len()));
        for point in points {
            note(run("umount", &[point]));
        }
        note(run("ip", &["address", "del", &format!("{ADDRESS}/32"), "dev", "lo"]));
        if Path::new("/sys/class/net").join(BRIDGE).exists() {
            note(run("ip", &["link", "del", BRIDGE]));
        }
        for namespace in namespaces().into_iter().filter(|namespace| !self.namespaces.contains(namespace)) {
            note(run("umount", &[&namespace.display().to_string()]));
            note(fs::remove_file(&namespace).with_context(|| format!("removing {}", namespace.display())));
        }
        for (path, value) in &self.settings {
            if fs::read_to_string(path).is_ok_and(|now| now != *value) {
                note(fs::write(path, value).with_context(|| format!("writing {}", path.display())));
            }
        }
        for group in groups().unwrap_or_default().into_iter().filter(|group| !self.groups.contains(group)) {
            note(remove_group(&group).with_context(|| format!("removing {}", group.display())));
        }
        outcome
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if !self.restored
            && let Err(error) = self.put_back()
        {
            eprintln!("the machine is not quite as it was: {error:#}");
        }
    }
}

/// The control groups that kubelets made: of their pods, in every hierarchy.
fn groups() -> Result<Vec<PathBuf>> {
    let root = Path::new("/sys/fs/cgroup");
    let hierarchies =
        fs::read_dir(root).context("listing control groups")?.flatten().map(|entry| entry.path());
    let mut groups: Vec<PathBuf> =
        hierarchies.chain([root.to_path_buf()]).map(|path| path.join("kubepods")).collect();
    groups.retain(|path| path.is_dir());
    Ok(groups)
}

/// The network namespaces that the runtime made for pods.
fn namespaces() -> Vec<PathBuf> {
    let entries = fs::read_dir("/var/run/netns").into_iter().flatten().flatten();
    let paths = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("cni-"));
    paths.map(|entry| entry.path()).collect()
}

fn write(path: &Path, bytes: u64) -> std::io::Result<()> {
    let mut file = fs::File::create(path)?;
    std::io::copy(&mut std::io::Read::take(std::io::repeat(1), bytes), &mut file).map(drop)
}

fn remove_group(group: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(group)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_group(&entry.path())?;
        }
    }
    fs::remove_dir(group)
}

pub(super) fn run(program: &str, arguments: &[&str]) -> Result<()> {
    let output =
        Command::new(program).args(arguments).output().with_context(|| format!("running {program}"))?;
    if !output.status.success() {
        bail!("{program} {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim_end());
    }
    Ok(())
}
