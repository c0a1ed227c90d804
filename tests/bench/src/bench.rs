use crate::binaries::workspace_folder;
use crate::data_center::DataCenter;
use crate::process::Lifetime;
use crate::record::{BenchRecord, Layout};
use crate::{Binaries, Component};
use anyhow::{Context, Result, bail};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The environment variable that names the folder of the bench that a run of tests shares.
pub const SHARED_VARIABLE: &str = "PLIMSOLL_BENCH_DIR";

/// How much of a control plane runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Extent {
    /// All of it: what is ordered becomes pods, and the pods become ready.
    #[default]
    Full,
    /// etcd and the API server alone: objects stay as they are written. Starts in half the time, and nobody
    /// but the test sends requests.
    ApiServer,
    /// All but KWOK: nodes are those that a test brings itself, and are given up as soon as real ones are.
    Nodeless,
}

/// What [`Bench::start`] is to start; by default three whole data centers in a temporary folder.
#[derive(Clone, Debug)]
pub struct Options {
    data_centers: usize,
    nodes: usize,
    extent: Extent,
    arguments: BTreeMap<Component, Vec<String>>,
    folder: Option<PathBuf>,
    lifetime: Lifetime,
}

/// Data centers that run on this machine. Those that it started end with it.
pub struct Bench {
    folder: PathBuf,
    /// Removed at the end, unless a test failed: then its logs are wanted.
    temporary: Option<TempDir>,
    binaries: Binaries,
    data_centers: Vec<DataCenter>,
    hold: Hold,
}

/// What a bench may do with its data centers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    /// It started them, and kills them when it goes.
    Owned,
    /// It may do everything with them, and leaves them running when it goes.
    Attached,
    /// Others use them too: they may not be disturbed.
    Shared,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            data_centers: 3,
            nodes: 3,
            extent: Extent::Full,
            arguments: BTreeMap::new(),
            folder: None,
            lifetime: Lifetime::WithStarter,
        }
    }
}

impl Options {
    /// How many, called `dc-1`, `dc-2`, …
    #[must_use]
    pub fn data_centers(self, data_centers: usize) -> Self {
        Self { data_centers, ..self }
    }

    /// How many fake nodes each has, of 16 CPUs and 64 Gi; none without the whole of it.
    #[must_use]
    pub fn nodes(self, nodes: usize) -> Self {
        Self { nodes, ..self }
    }

    /// How much of each control plane runs.
    #[must_use]
    pub fn extent(self, extent: Extent) -> Self {
        Self { extent, ..self }
    }

    /// A component of each is given one more argument, which holds against one of the same name that it gets anyway.
    #[must_use]
    pub fn argument(mut self, component: Component, argument: impl Into<String>) -> Self {
        self.arguments.entry(component).or_default().push(argument.into());
        self
    }

    /// Everything is written to `folder`, which stays. It must be new, empty, or that of a bench that ended.
    #[must_use]
    pub fn folder(self, folder: impl Into<PathBuf>) -> Self {
        Self { folder: Some(folder.into()), ..self }
    }

    /// The components outlive this program, if [`Bench::leave_running`] is called; for `bench up`.
    #[must_use]
    pub fn detached(self) -> Self {
        Self { lifetime: Lifetime::Detached, ..self }
    }
}

impl Extent {
    pub(crate) fn components(self) -> &'static [Component] {
        match self {
            Self::Full => &Component::IN_START_ORDER,
            Self::ApiServer => &[Component::Etcd, Component::ApiServer],
            Self::Nodeless => {
                &[Component::Etcd, Component::ApiServer, Component::ControllerManager, Component::Scheduler]
            }
        }
    }
}

impl Bench {
    /// Starts data centers and waits until they are ready. They are killed when the value goes, and by the
    /// kernel if this program dies first.
    pub async fn start(options: Options) -> Result<Self> {
        let Options { data_centers, nodes, extent, arguments, folder, lifetime } = options;
        let binaries = Binaries::find()?;
        let (folder, temporary) = make_folder(folder)?;
        let kubeconfigs = folder.join("kubeconfig");
        std::fs::create_dir(&kubeconfigs).with_context(|| format!("making {}", kubeconfigs.display()))?;

        let names: Vec<_> = (1..=data_centers).map(|number| format!("dc-{number}")).collect();
        let mut bench = Self { folder, temporary, binaries, data_centers: Vec::new(), hold: Hold::Owned };
        for name in &names {
            let layout = Layout::new(&bench.folder, name);
            let (binaries, arguments) = (bench.binaries.clone(), arguments.clone());
            let data_center = DataCenter::prepare(name, layout, binaries, extent, arguments, lifetime)?;
            bench.data_centers.push(data_center);
        }
        BenchRecord { data_centers: names, programs: bench.binaries.folder().to_path_buf() }
            .write(&bench.folder)?;
        try_join_all(bench.data_centers.iter().map(|data_center| data_center.up(nodes))).await?;
        Ok(bench)
    }

    /// One that `cargo xtask bench up` started in `folder`, with every right over it. It goes on when the value
    /// goes.
    pub fn attach(folder: &Path) -> Result<Self> {
        Self::found(folder, Hold::Attached)
    }

    /// The one that all tests of this run share: three whole data centers. It refuses to be disturbed, and each
    /// test uses a namespace of its own. `cargo xtask test` starts it and names its folder in the environment;
    /// without that it is the one of `cargo xtask bench up`.
    pub fn shared() -> Result<Self> {
        let folder = std::env::var_os(SHARED_VARIABLE).map_or_else(Self::default_folder, PathBuf::from);
        Self::found(&folder, Hold::Shared).context(
            "no bench to share: run the tests by `cargo xtask test`, or start one with `cargo xtask bench up`",
        )
    }

    fn found(folder: &Path, hold: Hold) -> Result<Self> {
        let folder = std::path::absolute(folder).context("finding the bench's folder")?;
        let record = BenchRecord::find(&folder)?.filter(|record| record.is_up(&folder));
        let Some(record) = record else { bail!("no bench is up in {}", folder.display()) };
        let binaries = Binaries::in_folder(record.programs)?;
        let data_centers = record
            .data_centers
            .iter()
            .map(|name| DataCenter::found(name, Layout::new(&folder, name), binaries.clone()))
            .map(|found| if hold == Hold::Shared { found.map(DataCenter::shared) } else { found })
            .collect::<Result<_>>()?;
        Ok(Self { folder, temporary: None, binaries, data_centers, hold })
    }

    /// Where `cargo xtask bench up` starts one unless told otherwise.
    pub fn default_folder() -> PathBuf {
        workspace_folder().join("target/bench/up")
    }

    /// Where its files lie: `kubeconfig/dc-1.yaml` and so on, and a folder per data center with logs.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The programs it runs, and kubectl and grpcurl beside them.
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// All data centers, in the order of their names.
    pub fn data_centers(&self) -> &[DataCenter] {
        &self.data_centers
    }

    /// Data center `dc-{number}`.
    ///
    /// # Panics
    /// If there is none of that number, which is a fault in the test.
    #[expect(
        clippy::panic,
        reason = "asking for a data center that was never started is a fault of the test"
    )]
    pub fn dc(&self, number: usize) -> &DataCenter {
        match number.checked_sub(1).and_then(|index| self.data_centers.get(index)) {
            Some(data_center) => data_center,
            None => panic!("this bench has {} data centers and no dc-{number}", self.data_centers.len()),
        }
    }

    /// Lets everything run on after this value and this program; for a bench started [`Options::detached`].
    pub fn leave_running(mut self) {
        self.hold = Hold::Attached;
    }

    /// Ends everything in good order: SIGTERM to each component, etcd last, and SIGKILL for what does not go.
    pub async fn down(mut self) -> Result<()> {
        if self.hold == Hold::Shared {
            bail!("the bench in {} is shared with other tests", self.folder.display());
        }
        try_join_all(self.data_centers.iter().map(DataCenter::down)).await?;
        self.hold = Hold::Attached;
        Ok(())
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if self.hold != Hold::Owned {
            return;
        }
        for data_center in &mut self.data_centers {
            data_center.kill_now();
        }
        if std::thread::panicking()
            && let Some(temporary) = self.temporary.take()
        {
            eprintln!("the logs of the control planes are kept in {}", temporary.keep().display());
        }
    }
}

/// Makes the folder of a new bench, only for its owner's eyes: it holds tokens and keys.
fn make_folder(given: Option<PathBuf>) -> Result<(PathBuf, Option<TempDir>)> {
    let Some(folder) = given else {
        let temporary =
            tempfile::Builder::new().prefix("plimsoll-bench-").tempdir().context("making a folder")?;
        return Ok((temporary.path().to_path_buf(), Some(temporary)));
    };
    let folder = std::path::absolute(folder).context("finding the bench's folder")?;
    if let Some(record) = BenchRecord::find(&folder)? {
        if record.is_up(&folder) {
            bail!("a bench is up in {} already: take it down first", folder.display());
        }
        std::fs::remove_dir_all(&folder).with_context(|| format!("clearing {}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let mut entries = std::fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
    if entries.next().is_some() {
        bail!("{} is not empty and no bench was there: name another folder", folder.display());
    }
    std::fs::set_permissions(&folder, Permissions::from_mode(0o700))
        .with_context(|| format!("closing {} to others", folder.display()))?;
    Ok((folder, None))
}
