//! What can be said after `plimsoll qos`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand, ValueEnum};
use plimsoll_qos::{GradeName, KubernetesVersion, LostNode, Quantity, Resource, StrictError};

/// The verbs of the oversell engine.
#[derive(Debug, Subcommand)]
pub(crate) enum Qos {
    /// Read quantities as Kubernetes does, or strictly; print their canonical form.
    Quantity(Quantities),
    /// Say the QoS class of pods, and why it is this one.
    Classify(Classify),
    /// Say what limits request under a grade, and why.
    Size(Sizes),
    /// Count how many more fit, and say what runs out first.
    Fit(Fit),
    /// Say what does not come back when this is lost; ends with 3 if it is anything.
    WhatIf(WhatIf),
    /// Advise grades and sizes from what was used.
    Advise(Advise),
    /// Say what a node does with the numbers of pods.
    NodeView(NodeView),
    /// Say in which order a node that is short of memory gives up its pods.
    Eviction(Eviction),
    /// Find objects that do not go together with oversell; ends with 3 if there are any.
    Lint(Lint),
    /// Check and show the grades of a policy, with what Kubernetes must know of them.
    Policy(Policies),
    /// Answer one JSON request per line of standard input.
    Eval,
}

#[derive(Debug, Args)]
pub(crate) struct Quantities {
    /// The quantities, as 1.5Gi or 100m.
    #[arg(required = true, allow_negative_numbers = true)]
    pub(crate) values: Vec<String>,
    /// Refuse what people do not mean, such as 100m of memory.
    #[arg(long)]
    pub(crate) strict: bool,
    /// What it is an amount of.
    #[arg(long, value_enum, requires = "strict")]
    pub(crate) resource: Option<ResourceName>,
}

/// What a quantity is an amount of.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ResourceName {
    /// Cores.
    Cpu,
    /// Bytes of memory.
    Memory,
    /// Bytes of disk.
    EphemeralStorage,
}

/// Files of objects.
#[derive(Debug, Args)]
pub(crate) struct Files {
    /// What `kubectl get -o json` or `-o yaml` prints, manifests, or App documents; `-` is standard input.
    #[arg(short, long = "file", value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
}

/// The grades that there are.
#[derive(Debug, Args)]
pub(crate) struct PolicyFile {
    /// The installation's own grades (YAML or JSON), as `policy set` takes them and `policy show -o yaml` prints them.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Classify {
    #[command(flatten)]
    pub(crate) files: Files,
    /// The version of Kubernetes whose rules hold.
    #[arg(long, value_name = "VERSION", default_value = "1.37")]
    pub(crate) server_version: KubernetesVersion,
    #[command(flatten)]
    pub(crate) policy: PolicyFile,
}

/// A size with its grade.
#[derive(Clone, Debug, Args)]
pub(crate) struct Size {
    /// The grade.
    #[arg(long, requires = "cpu", requires = "memory")]
    pub(crate) grade: Option<GradeName>,
    /// The CPU limit, as 500m or 2.
    #[arg(long, requires = "grade")]
    pub(crate) cpu: Option<String>,
    /// The memory limit, as 512Mi or 4Gi.
    #[arg(long, requires = "grade")]
    pub(crate) memory: Option<String>,
}

#[derive(Debug, Args)]
#[group(id = "sizes", required = true, multiple = true, args = ["grade", "file"])]
pub(crate) struct Sizes {
    #[command(flatten)]
    pub(crate) size: Size,
    /// App documents in the place of one size; `-` is standard input.
    #[arg(short, long, value_name = "FILE", conflicts_with = "grade")]
    pub(crate) file: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) policy: PolicyFile,
}

/// A fleet and what is counted in it.
#[derive(Debug, Args)]
pub(crate) struct Fleet {
    /// A cluster and what `kubectl get nodes,pods,pdb -A` prints of it as JSON or YAML; `dc-1/blue=FILE` is one of
    /// several in data center `dc-1`. May be repeated, also with the same name: parts of one cluster.
    #[arg(long = "cluster", value_name = "DC[/CLUSTER]=FILE", required = true)]
    pub(crate) clusters: Vec<Dump>,
    /// Count predicted peaks beside requests; together they may reach this share of a node.
    #[arg(long, value_name = "PERCENT")]
    pub(crate) peak_target: Option<u32>,
    /// The predicted peaks of a cluster's pods: `{"demo/shop-1": {"cpu": "1", "memory": "2Gi"}}`; the others count
    /// their requests.
    #[arg(long = "peaks", value_name = "DC[/CLUSTER]=FILE", requires = "peak_target")]
    pub(crate) peaks: Vec<Dump>,
}

/// A cluster by name, and a file about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dump {
    pub(crate) data_center: String,
    /// `dc-1`, or `dc-1/blue`.
    pub(crate) cluster: String,
    pub(crate) file: PathBuf,
}

impl FromStr for Dump {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const SHAPE: &str = "write the name of the data center and the file, as dc-1=dc-1.json";
        let (cluster, file) = text.split_once('=').ok_or(SHAPE)?;
        let data_center = cluster.split_once('/').map_or(cluster, |(data_center, _)| data_center);
        if data_center.is_empty() || cluster.ends_with('/') || file.is_empty() {
            return Err(SHAPE);
        }
        Ok(Self { data_center: data_center.to_owned(), cluster: cluster.to_owned(), file: file.into() })
    }
}

/// A node of a cluster, as `dc-1/node-7` or `dc-1/blue/node-7`.
fn node(text: &str) -> Result<LostNode, &'static str> {
    match text.rsplit_once('/') {
        Some((cluster, node)) if !cluster.is_empty() && !node.is_empty() => {
            Ok(LostNode { cluster: cluster.to_owned(), node: node.to_owned() })
        }
        _ => Err("write the cluster and the node, as dc-1/node-7"),
    }
}

/// The memory of a machine as a person means it: 64 is none.
fn memory(text: &str) -> Result<Quantity, String> {
    Quantity::parse_strict(text, Resource::Memory).map_err(|error| {
        let StrictError { fault, suggestion } = &error;
        match suggestion {
            Some(likely) if *likely == format!("{text}Mi") => {
                format!("{fault}; did you mean {text}Gi, or {likely}?")
            }
            _ => error.to_string(),
        }
    })
}

/// A share of one, as the kubelet's memoryThrottlingFactor is.
fn factor(text: &str) -> Result<Quantity, &'static str> {
    let share = text.parse::<Quantity>().ok();
    let within = share.filter(|share| share.is_positive() && *share <= Quantity::from_units(1));
    within.ok_or("write a number above 0 and up to 1, as 0.9")
}

#[derive(Debug, Args)]
#[group(id = "wanted", required = true, multiple = true, args = ["grade", "file"])]
pub(crate) struct Fit {
    #[command(flatten)]
    pub(crate) fleet: Fleet,
    #[command(flatten)]
    pub(crate) size: Size,
    /// A pod, a manifest with a pod template, or an App document, in the place of a size; `-` is standard input.
    #[arg(short, long, value_name = "FILE", conflicts_with = "grade")]
    pub(crate) file: Option<PathBuf>,
    /// How far down the answer goes; else clusters in a table, nodes in a wide one, in JSON and YAML.
    #[arg(long, value_enum)]
    pub(crate) detail: Option<Detail>,
    #[command(flatten)]
    pub(crate) policy: PolicyFile,
}

/// How far down an answer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Detail {
    /// Every node.
    Nodes,
    /// Every cluster.
    Clusters,
    /// Every data center.
    DataCenters,
}

#[derive(Debug, Args)]
#[group(id = "lost", required = true, multiple = true, args = ["lose", "lose_cluster", "lose_node"])]
pub(crate) struct WhatIf {
    #[command(flatten)]
    pub(crate) fleet: Fleet,
    /// A data center that is lost; may be repeated.
    #[arg(long, value_name = "DC")]
    pub(crate) lose: Vec<String>,
    /// A cluster that is lost; may be repeated.
    #[arg(long, value_name = "DC/CLUSTER")]
    pub(crate) lose_cluster: Vec<String>,
    /// A node that is lost; may be repeated.
    #[arg(long, value_name = "DC[/CLUSTER]/NODE", value_parser = node)]
    pub(crate) lose_node: Vec<LostNode>,
    /// Say as well who is pushed aside where more important pods come back, as the scheduler would have it.
    #[arg(long)]
    pub(crate) preempt: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Advise {
    /// What was used (YAML or JSON), as `qos eval` takes it: `{"apps": […]}`; `-` is standard input.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The time, in seconds since 1970; else that of the file, else now.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) now: Option<u64>,
    #[command(flatten)]
    pub(crate) policy: PolicyFile,
}

#[derive(Debug, Args)]
pub(crate) struct Eviction {
    /// Pods, and what they use: what `kubectl get pods -A -o json` and `kubectl get podmetrics -A -o json` print; `-` is
    /// standard input.
    #[command(flatten)]
    pub(crate) files: Files,
    /// One node; else each that a pod runs on.
    #[arg(long, value_name = "NAME")]
    pub(crate) node: Option<String>,
}

#[derive(Debug, Args)]
#[group(id = "machine", required = true, args = ["memory", "node"])]
pub(crate) struct NodeView {
    #[command(flatten)]
    pub(crate) files: Files,
    /// The memory of the node (its capacity), as 64Gi.
    #[arg(long, value_name = "QUANTITY", value_parser = memory)]
    pub(crate) memory: Option<Quantity>,
    /// The node itself, as `kubectl get node NAME -o json` prints it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["memory", "allocatable_memory"])]
    pub(crate) node: Option<PathBuf>,
    /// What of it pods may have; else all of it.
    #[arg(long, value_name = "QUANTITY", value_parser = memory)]
    pub(crate) allocatable_memory: Option<Quantity>,
    /// How the container runtime makes weights of shares.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) weight_curve: Curve,
    /// The kubelet's memoryThrottlingFactor, as 0.9; else it is off.
    #[arg(long, value_name = "FACTOR", value_parser = factor)]
    pub(crate) memory_throttling_factor: Option<Quantity>,
    /// The kubelet keeps requested memory (memoryReservationPolicy: tiered).
    #[arg(long)]
    pub(crate) tiered_reservation: bool,
    #[command(flatten)]
    pub(crate) policy: PolicyFile,
}

/// How a container runtime makes weights of shares.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum Curve {
    /// runc before 1.3.2, crun before 1.23.
    Linear,
    /// Newer ones.
    #[default]
    Quadratic,
}

#[derive(Debug, Args)]
pub(crate) struct Lint {
    #[command(flatten)]
    pub(crate) files: Files,
    #[command(flatten)]
    pub(crate) policy: PolicyFile,
}

#[derive(Debug, Args)]
pub(crate) struct Policies {
    /// The grades (YAML or JSON); `-` is standard input. Without it, Plimsoll's own.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_names_its_data_center_and_may_name_one_of_several_clusters() {
        let dump = |text: &str| {
            text.parse()
                .map(|Dump { data_center, cluster, file }| (data_center, cluster, file.display().to_string()))
        };
        let named =
            |dc: &str, cluster: &str, file: &str| Ok((dc.to_owned(), cluster.to_owned(), file.to_owned()));
        assert_eq!(dump("dc-1=a.json"), named("dc-1", "dc-1", "a.json"));
        assert_eq!(dump("dc-1/blue=a=b.json"), named("dc-1", "dc-1/blue", "a=b.json"));
        assert_eq!(dump("dc-1=-"), named("dc-1", "dc-1", "-"));
        for wrong in ["", "dc-1", "=a", "dc-1=", "/=a", "dc-1/=a", "/blue=a"] {
            assert!(dump(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_node_is_named_with_its_cluster() {
        let lost =
            |cluster: &str, node: &str| LostNode { cluster: cluster.to_owned(), node: node.to_owned() };
        assert_eq!(node("dc-1/n7"), Ok(lost("dc-1", "n7")));
        assert_eq!(node("dc-1/blue/n7"), Ok(lost("dc-1/blue", "n7")));
        for wrong in ["n7", "/n7", "dc-1/"] {
            assert!(node(wrong).is_err(), "{wrong}");
        }
    }
}
