use crate::ports::Ports;
use crate::process::{Condition, Identity};
use crate::{Component, Extent};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where the files of one data center lie.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    bench: PathBuf,
    data_center: String,
}

impl Layout {
    pub(crate) fn new(bench: &Path, data_center: &str) -> Self {
        Self { bench: bench.to_path_buf(), data_center: data_center.to_owned() }
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.bench.join(&self.data_center)
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.bench.join("kubeconfig").join(format!("{}.yaml", self.data_center))
    }

    pub(crate) fn component_kubeconfig(&self, component: Component) -> PathBuf {
        self.folder().join(format!("{component}.kubeconfig"))
    }

    pub(crate) fn certificates(&self) -> PathBuf {
        self.folder().join("pki")
    }

    pub(crate) fn etcd_data(&self) -> PathBuf {
        self.folder().join("etcd")
    }

    pub(crate) fn tokens(&self) -> PathBuf {
        self.folder().join("tokens.csv")
    }

    /// What KWOK's kubelets answer beside the status of pods.
    pub(crate) fn kwok_config(&self) -> PathBuf {
        self.folder().join("kwok.yaml")
    }

    /// What every pod of KWOK has said.
    pub(crate) fn pod_log(&self) -> PathBuf {
        self.folder().join("pod.log")
    }

    pub(crate) fn audit_policy(&self) -> PathBuf {
        self.folder().join("audit-policy.yaml")
    }

    pub(crate) fn audit_log(&self) -> PathBuf {
        self.folder().join("audit.log")
    }

    pub(crate) fn log(&self, component: Component) -> PathBuf {
        self.folder().join("log").join(format!("{component}.log"))
    }

    fn record(&self) -> PathBuf {
        self.folder().join("record.json")
    }
}

/// What the bench wrote down about all of its data centers; its presence marks a folder as a bench.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BenchRecord {
    pub data_centers: Vec<String>,
    pub programs: PathBuf,
}

impl BenchRecord {
    const FILE: &str = "bench.json";

    /// That of the bench in `folder`, if there was ever one.
    pub(crate) fn find(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(Self::FILE);
        if path.is_file() { read(&path).map(Some) } else { Ok(None) }
    }

    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        write(&folder.join(Self::FILE), self)
    }

    /// Whether any of its processes is there.
    pub(crate) fn is_up(&self, folder: &Path) -> bool {
        self.data_centers.iter().any(|name| {
            // One without a record was never started.
            DataCenterRecord::read(&Layout::new(folder, name)).is_ok_and(|record| {
                record.processes.values().any(|identity| identity.condition() != Condition::Gone)
            })
        })
    }
}

/// What was written down about one data center: enough for another program to reach it and to end it. Written
/// anew whenever a process comes or goes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DataCenterRecord {
    /// The boot in which the start times of the processes count.
    pub boot: String,
    pub extent: Extent,
    pub ports: Ports,
    pub etcd_name: String,
    pub token: String,
    pub processes: BTreeMap<Component, Identity>,
    /// What each component is given beside its usual arguments.
    #[serde(default)]
    pub arguments: BTreeMap<Component, Vec<String>>,
}

impl DataCenterRecord {
    pub(crate) fn read(layout: &Layout) -> Result<Self> {
        let mut record: Self = read(&layout.record())?;
        if record.boot != boot()? {
            record.processes.clear();
        }
        Ok(record)
    }

    pub(crate) fn write(&self, layout: &Layout) -> Result<()> {
        write(&layout.record(), self)
    }
}

/// Names the time since the machine was started.
pub(crate) fn boot() -> Result<String> {
    let path = "/proc/sys/kernel/random/boot_id";
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {path}"))?;
    Ok(text.trim().to_owned())
}

fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<T> {
    let text = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("reading {}", path.display()))
}

fn write(path: &Path, record: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_vec_pretty(record).context("writing down what runs")?;
    text.push(b'\n');
    // Beside it first: a reader never finds half of it.
    let new = path.with_extension("new");
    std::fs::write(&new, text).with_context(|| format!("writing {}", new.display()))?;
    std::fs::rename(&new, path).with_context(|| format!("writing {}", path.display()))
}
