//! A fleet, counted once so that many questions can be asked of it.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::dimension::{Dimension, Dimensions, PEAK_CPU, PEAK_MEMORY, Rounding};
use super::repel::repels;
use super::{CapacityError, Cluster, DisruptionBudget, Holder, Life, RunningPod};
use crate::pod::HostPort;
use crate::resources::{CPU, MEMORY};
use crate::{Amounts, Node, Pod, PodStatus, Quantity, Resources};

/// More nodes than this are a mistake; it is a hundred times what any one cluster holds.
const MAX_NODES: usize = 2_000_000;

/// What is counted on a node before something more is placed on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Ledgers {
    /// Requests alone, as the scheduler does.
    #[default]
    Requests,
    /// Requests, and beside them what the pods are predicted to use at their peaks.
    RequestsAndPeaks {
        /// How much of a node the peaks of its pods may reach together, in percent from 1 to 100.
        target_percent: u32,
    },
}

/// A fleet whose amounts are counted, checked and numbered: clusters, nodes, and what is free on each.
#[derive(Clone, Debug)]
pub struct Inventory {
    pub(crate) dimensions: Dimensions,
    pub(crate) grounds: Vec<Ground>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) pods: Vec<Placed>,
    /// The pods of each namespace, in their order.
    pub(crate) by_namespace: HashMap<String, Vec<usize>>,
    /// Which of the pods keep others away.
    pub(crate) repelling: Vec<usize>,
    /// Which of the pods on a node take ports of it.
    pub(crate) on_ports: HashMap<usize, Vec<usize>>,
    pub(crate) ledgers: Ledgers,
    allocatable: Vec<i64>,
    free: Vec<i64>,
    notes: Vec<String>,
}

/// A cluster of an inventory.
#[derive(Clone, Debug)]
pub(crate) struct Ground {
    pub(crate) name: String,
    pub(crate) data_center: String,
    pub(crate) nodes: Range<usize>,
    pub(crate) pods: Range<usize>,
    pub(crate) budgets: Vec<DisruptionBudget>,
    /// What is free on its nodes, by dimension; a node that is over its measure has nothing free.
    pub(crate) free: Vec<u128>,
}

/// A pod that has a place.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) pod: RunningPod,
    pub(crate) ground: usize,
    pub(crate) node: usize,
    /// What it takes anywhere else.
    pub(crate) demand: Demand,
    /// The ports of its node that it takes, there and anywhere else.
    pub(crate) ports: Box<[HostPort]>,
}

/// What one pod takes of a node: the amounts above zero, one pod slot among them.
pub(crate) type Demand = Box<[(Dimension, i64)]>;

/// A running pod on its way into the inventory.
struct Arrival {
    pod: RunningPod,
    ground: usize,
    node: usize,
    /// What it takes where it is.
    holds: Resources,
    /// What it asks for anywhere else; other than what it holds while it is resized.
    needs: Option<Resources>,
}

impl Inventory {
    /// Counts a fleet.
    ///
    /// Pods that are finished, that are placed nowhere yet, or that name a node that is not there take no place;
    /// the last two are mentioned in [`Inventory::notes`].
    pub fn new(clusters: Vec<Cluster>, ledgers: Ledgers) -> Result<Self, CapacityError> {
        if let Ledgers::RequestsAndPeaks { target_percent: percent @ (0 | 101..) } = ledgers {
            let field = "the share of a node that peaks may reach".to_owned();
            return Err(CapacityError::PercentOutOfRange { field, percent });
        }
        check_names(&clusters)?;
        let mut inventory = Self {
            dimensions: Dimensions::default(),
            grounds: Vec::with_capacity(clusters.len()),
            nodes: Vec::new(),
            pods: Vec::new(),
            by_namespace: HashMap::new(),
            repelling: Vec::new(),
            on_ports: HashMap::new(),
            ledgers,
            allocatable: Vec::new(),
            free: Vec::new(),
            notes: Vec::new(),
        };
        if ledgers != Ledgers::Requests {
            let names = [PEAK_CPU, PEAK_MEMORY].map(|name| (name, Quantity::default()));
            inventory.dimensions.learn(&names.into_iter().collect())?;
        }
        let mut arrivals = Vec::new();
        for cluster in clusters {
            inventory.settle(cluster, &mut arrivals)?;
        }
        inventory.measure_nodes()?;
        for arrival in arrivals {
            inventory.occupy(arrival)?;
        }
        inventory.sum_up();
        Ok(inventory)
    }

    /// What was left out of the counting, for people.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// How many nodes there are.
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// What a node may give, by dimension.
    pub(crate) fn allocatable(&self, node: usize) -> &[i64] {
        &self.allocatable[self.row(node)]
    }

    /// What a node has left, by dimension; below zero where more is requested than there is.
    pub(crate) fn free(&self, node: usize) -> &[i64] {
        &self.free[self.row(node)]
    }

    /// Who on that node is in the way of those ports, and on which of them.
    pub(crate) fn on_port<'a>(
        &'a self,
        node: usize,
        wanted: &'a [HostPort],
    ) -> Option<(&'a Placed, &'a HostPort)> {
        let mut there = self.on_ports.get(&node)?.iter().map(|pod| &self.pods[*pod]);
        there.find_map(|placed| Some((placed, placed.in_the_way(wanted)?)))
    }

    /// The cluster that a node is in.
    pub(crate) fn ground_of(&self, node: usize) -> usize {
        self.grounds.partition_point(|ground| ground.nodes.end <= node)
    }

    /// Data centers in the order in which they were named, each with its clusters.
    pub(crate) fn data_centers(&self) -> Vec<(&str, Vec<usize>)> {
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut centers: Vec<(&str, Vec<usize>)> = Vec::new();
        for (index, ground) in self.grounds.iter().enumerate() {
            let place = *places.entry(&ground.data_center).or_insert_with(|| {
                centers.push((&ground.data_center, Vec::new()));
                centers.len() - 1
            });
            centers[place].1.push(index);
        }
        centers
    }

    /// What a pod takes, or the name of what it needs and nothing in the fleet has ever heard of.
    pub(crate) fn demand(
        &self,
        pod: &Pod,
        peak: Option<&Amounts>,
        holder: &dyn Fn() -> Holder,
    ) -> Result<Result<Demand, String>, CapacityError> {
        let needs = self.with_peak(pod.requests(), peak);
        let demand = self.count(&needs, holder)?;
        let stranger = needs.iter().find(|(name, _)| self.dimensions.get(name).is_none());
        match stranger {
            Some((name, amount)) if amount.is_negative() => {
                let (resource, amount) = (name.clone(), amount.to_string());
                Err(CapacityError::Negative { holder: holder(), resource, amount })
            }
            Some((name, _)) => Ok(Err(name.clone())),
            None => Ok(Ok(demand)),
        }
    }

    /// Requests, and beside them what the second ledger counts.
    fn with_peak(&self, requests: Resources, peak: Option<&Amounts>) -> Resources {
        let mut needs = requests.without_zeros();
        if self.ledgers != Ledgers::Requests {
            let (cpu, memory) = match peak {
                Some(peak) => (peak.cpu.clone(), peak.memory.clone()),
                None => (needs.amount(CPU).clone(), needs.amount(MEMORY).clone()),
            };
            needs.insert(PEAK_CPU, cpu);
            needs.insert(PEAK_MEMORY, memory);
        }
        needs
    }

    fn count(&self, needs: &Resources, holder: &dyn Fn() -> Holder) -> Result<Demand, CapacityError> {
        let mut row = self.dimensions.row(needs, Rounding::Up, holder)?;
        row[Dimension::PODS.index()] = 1;
        Ok(self.dimensions.all().zip(row).filter(|(_, amount)| *amount > 0).collect())
    }

    fn row(&self, node: usize) -> Range<usize> {
        let width = self.dimensions.len();
        node * width..(node + 1) * width
    }

    /// Takes a cluster's nodes in, and lists the pods that take a place on them.
    fn settle(&mut self, cluster: Cluster, arrivals: &mut Vec<Arrival>) -> Result<(), CapacityError> {
        let Cluster { name, data_center, nodes, pods, budgets, peaks } = cluster;
        let (ground, first) = (self.grounds.len(), arrivals.len());
        let begin = self.nodes.len();
        if nodes.len() > MAX_NODES - begin {
            return Err(CapacityError::TooManyNodes { max: MAX_NODES });
        }
        for node in &nodes {
            self.dimensions.learn(&node.allocatable)?;
        }
        let places: HashMap<&str, usize> =
            nodes.iter().enumerate().map(|(index, node)| (node.name.as_str(), begin + index)).collect();
        let (mut strays, mut waiting) = (0_usize, 0_usize);
        for pod in pods.into_iter().filter(|pod| pod.life != Life::Finished) {
            let Some(on) = pod.spec.node_name.as_deref().filter(|on| !on.is_empty()) else {
                waiting += 1;
                continue;
            };
            let Some(&node) = places.get(on) else {
                strays += 1;
                continue;
            };
            if let Some(fault) = pod.spec.contradiction() {
                let holder = Holder::Pod { cluster: name, pod: pod.full_name() };
                return Err(CapacityError::Refused { holder, fault: Box::new(fault) });
            }
            let peak = (!peaks.is_empty()).then(|| peaks.get(&pod.full_name())).flatten();
            let needs = self.with_peak(pod.spec.requests(), peak);
            self.dimensions.learn(&needs)?;
            let resizing = pod.status != PodStatus::default();
            let (holds, needs) = if resizing {
                (self.with_peak(pod.spec.requests_held(&pod.status), peak), Some(needs))
            } else {
                (needs, None)
            };
            self.dimensions.learn(&holds)?;
            arrivals.push(Arrival { pod, ground, node, holds, needs });
        }
        if strays > 0 {
            self.notes
                .push(format!("cluster `{name}`: not counted, pods on nodes that are not there: {strays}"));
        }
        if waiting > 0 {
            self.notes
                .push(format!("cluster `{name}`: not counted, pods that are not placed yet: {waiting}"));
        }
        if let Some(silent) = named(nodes.iter().filter(|node| node.allocatable.is_empty())) {
            self.notes.push(format!(
                "cluster `{name}`: {silent} neither status.allocatable nor status.capacity, which counts as 0; give what \
                 `kubectl get nodes -o json` prints"
            ));
        }
        if let Some(silent) = named(nodes.iter().filter(|node| node.by_capacity)) {
            self.notes.push(format!(
                "cluster `{name}`: {silent} no status.allocatable, so that status.capacity counts, as the API \
                 server has it"
            ));
        }
        self.nodes.extend(nodes);
        let data_center = data_center.unwrap_or_else(|| name.clone());
        let nodes = begin..self.nodes.len();
        let pods = first..arrivals.len();
        self.grounds.push(Ground { name, data_center, nodes, pods, budgets, free: Vec::new() });
        Ok(())
    }

    fn measure_nodes(&mut self) -> Result<(), CapacityError> {
        self.allocatable.reserve_exact(self.nodes.len() * self.dimensions.len());
        for (index, node) in self.nodes.iter().enumerate() {
            let holder = || Holder::Node {
                cluster: self.grounds[self.ground_of(index)].name.clone(),
                node: node.name.clone(),
            };
            let mut row = self.dimensions.row(&node.allocatable, Rounding::Down, &holder)?;
            if let Ledgers::RequestsAndPeaks { target_percent } = self.ledgers {
                for (peak, of) in [(PEAK_CPU, Dimension::CPU), (PEAK_MEMORY, Dimension::MEMORY)] {
                    let share = i128::from(row[of.index()]) * i128::from(target_percent) / 100;
                    if let Some(dimension) = self.dimensions.get(peak) {
                        row[dimension.index()] = i64::try_from(share).unwrap_or(i64::MAX);
                    }
                }
            }
            self.allocatable.extend(row);
        }
        self.free = self.allocatable.clone();
        Ok(())
    }

    fn occupy(&mut self, arrival: Arrival) -> Result<(), CapacityError> {
        let Arrival { pod, ground, node, holds, needs } = arrival;
        let cluster = &self.grounds[ground].name;
        let holder = || Holder::Pod { cluster: cluster.clone(), pod: pod.full_name() };
        let held = self.count(&holds, &holder)?;
        let begin = self.row(node).start;
        for &(dimension, amount) in &held {
            let free = &mut self.free[begin + dimension.index()];
            *free = free.checked_sub(amount).ok_or_else(|| CapacityError::TooLarge {
                holder: Holder::Node { cluster: cluster.clone(), node: self.nodes[node].name.clone() },
                resource: self.dimensions.name(dimension).to_owned(),
                amount: "so much requested by its pods".to_owned(),
            })?;
        }
        let demand = needs.map(|needs| self.count(&needs, &holder)).transpose()?.unwrap_or(held);
        match self.by_namespace.get_mut(&pod.namespace) {
            Some(pods) => pods.push(self.pods.len()),
            None => {
                self.by_namespace.insert(pod.namespace.clone(), vec![self.pods.len()]);
            }
        }
        if !repels(&pod.spec).is_empty() {
            self.repelling.push(self.pods.len());
        }
        let ports = pod.spec.host_ports();
        if !ports.is_empty() {
            self.on_ports.entry(node).or_default().push(self.pods.len());
        }
        self.pods.push(Placed { pod, ground, node, demand, ports });
        Ok(())
    }

    fn sum_up(&mut self) {
        for index in 0..self.grounds.len() {
            let mut free = vec![0_u128; self.dimensions.len()];
            for node in self.grounds[index].nodes.clone() {
                for (sum, &amount) in free.iter_mut().zip(self.free(node)) {
                    *sum += u128::from(amount.max(0).unsigned_abs());
                }
            }
            self.grounds[index].free = free;
        }
    }
}

impl Placed {
    /// Which of those ports this pod keeps from others on its node.
    pub(crate) fn in_the_way<'a>(&self, wanted: &'a [HostPort]) -> Option<&'a HostPort> {
        wanted.iter().find(|port| self.ports.iter().any(|own| own.conflicts(port)))
    }
}

/// Nodes that say something, for a note: the first by name, the others by number; none where there are none.
fn named<'a>(mut nodes: impl Iterator<Item = &'a Node>) -> Option<String> {
    let first = &nodes.next()?.name;
    Some(match nodes.count() {
        0 => format!("node `{first}` says"),
        others => format!("node `{first}` and {others} more say"),
    })
}

/// Every cluster, every node of a cluster and every pod of a cluster has a name of its own.
fn check_names(clusters: &[Cluster]) -> Result<(), CapacityError> {
    let mut names = HashSet::new();
    for cluster in clusters {
        let name = &cluster.name;
        unique(&mut names, name, || format!("a cluster of data center `{}`", cluster.data_center()))?;
        let mut nodes = HashSet::with_capacity(cluster.nodes.len());
        for node in &cluster.nodes {
            unique(&mut nodes, &node.name, || format!("a node of cluster `{name}`"))?;
        }
        let mut pods = HashSet::with_capacity(cluster.pods.len());
        for pod in &cluster.pods {
            let full = (pod.namespace.as_str(), pod.name.as_str());
            if pod.name.is_empty() {
                return Err(CapacityError::Nameless { what: format!("a pod of cluster `{name}`") });
            }
            if !pods.insert(full) {
                let what = format!("pod `{}` of cluster `{name}`", pod.full_name());
                return Err(CapacityError::Twice { what });
            }
        }
    }
    Ok(())
}

fn unique<'a>(
    names: &mut HashSet<&'a str>,
    name: &'a str,
    what: impl Fn() -> String,
) -> Result<(), CapacityError> {
    if name.is_empty() {
        return Err(CapacityError::Nameless { what: what() });
    }
    if !names.insert(name) {
        return Err(CapacityError::Twice { what: format!("{} called `{name}`", what()) });
    }
    Ok(())
}
