//! What is answered to "how many more fit?".

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fit::{Fit, Need, NodeFit, Tally};
use super::gate::Bar;
use super::uncounted::{Stage, in_words as uncounted_in_words, uncounted};
use super::{Inventory, Uncounted, UsefulRatio};
use crate::resources::PODS;
use crate::{Quantity, Resources};

/// What ports of nodes are called where amounts are named by dimension.
const HOST_PORTS: &str = "hostPorts";

/// How far down an answer goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Detail {
    /// Every node, with what it is short of.
    #[default]
    Nodes,
    /// Every cluster.
    Clusters,
    /// Every data center.
    DataCenters,
}

/// How many more fit, in all and in every part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FitAnswer {
    /// What one of them requests.
    pub request: Resources,
    /// How these requests came about.
    pub request_because: String,
    /// The whole fleet.
    #[serde(flatten)]
    pub all: ScopeAnswer,
    /// The CPU ratio beyond which not one pod more fits anywhere; absent where CPU is not limited or nothing fits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub useful_ratio: Option<UsefulRatio>,
    /// What of such a pod the scheduler looks at and this count does not; a number beside any is no promise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_counted: Vec<Uncounted>,
    /// What was left out of the counting.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// How many more fit into a part of the fleet; its parts add up to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScopeAnswer {
    /// Its name; empty for the whole fleet.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// How many more fit.
    pub fits: u128,
    /// How many cannot be exceeded: the same, but under several hard spread constraints at once.
    pub bound: u128,
    /// What dividing the sums of all its nodes would claim; never less than what fits.
    pub by_sums: u128,
    /// How many would fit if only this dimension counted, node by node; `hostPorts` stands for ports of the nodes.
    pub by_dimension: BTreeMap<String, u128>,
    /// What keeps more from fitting: a dimension, `hostPorts`, a spread, or none where no node admits such a pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binding: Option<String>,
    /// The answer in words.
    pub because: String,
    /// What is free now.
    pub free: Resources,
    /// What is still free when as many as fit are placed, and of no use to more of them.
    pub stranded: Resources,
    /// Its data centers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub data_centers: Vec<Self>,
    /// Its clusters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clusters: Vec<Self>,
    /// Its nodes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeAnswer>,
}

/// How many more fit on one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeAnswer {
    /// Its name.
    pub name: String,
    /// How many more it gets where as many as possible are placed.
    pub fits: u64,
    /// How many more its free resources take; more than `fits` where a spread constraint binds.
    pub alone: u64,
    /// How many would fit if only this dimension counted; empty where the node admits no such pod.
    pub by_dimension: BTreeMap<String, u64>,
    /// What keeps more from fitting; absent where the node admits no such pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binding: Option<String>,
    /// The answer in words.
    pub because: String,
    /// What is still free when these are placed.
    pub stranded: Resources,
}

impl Fit<'_> {
    /// The answer in words and numbers, as far down as asked.
    pub fn answer(&self, detail: Detail) -> FitAnswer {
        let mut all = Tally::default();
        let mut free = vec![0; self.inventory.dimensions.len()];
        let mut centers = Vec::new();
        for (name, grounds) in self.inventory.data_centers() {
            let mut tally = Tally::default();
            let mut own = vec![0; free.len()];
            for ground in &grounds {
                tally.add(&self.grounds[*ground]);
                add(&mut own, &self.inventory.grounds[*ground].free);
            }
            let mut center = self.scope(name, &tally, &own);
            if detail != Detail::DataCenters {
                center.clusters = grounds.iter().map(|ground| self.cluster(*ground, detail)).collect();
            }
            centers.push(center);
            all.add(&tally);
            add(&mut free, &own);
        }
        let not_counted = self.not_counted();
        let mut all = ScopeAnswer { data_centers: centers, ..self.scope("", &all, &free) };
        all.because.push_str(&uncounted_in_words(&not_counted));
        FitAnswer {
            request: self.request(),
            request_because: self.wanted.because.clone(),
            all,
            useful_ratio: self.useful_ratio(),
            not_counted,
            notes: self.inventory.notes().to_vec(),
        }
    }

    fn request(&self) -> Resources {
        let dimensions = &self.inventory.dimensions;
        let asked =
            self.demand.iter().map(|&(d, amount)| (dimensions.name(d), dimensions.quantity(d, amount)));
        asked.collect()
    }

    fn cluster(&self, ground: usize, detail: Detail) -> ScopeAnswer {
        let cluster = &self.inventory.grounds[ground];
        let mut scope = self.scope(&cluster.name, &self.grounds[ground], &cluster.free);
        if detail == Detail::Nodes {
            scope.nodes = cluster.nodes.clone().map(|node| self.node(node)).collect();
        }
        scope
    }

    fn scope(&self, name: &str, tally: &Tally, free: &[u128]) -> ScopeAnswer {
        let names = self.needs.iter().map(|need| self.name(*need).to_owned());
        let by_dimension = names.zip(tally.times.iter().copied()).collect();
        let (binding, because) = self.explain(tally);
        let mut left = free.to_vec();
        for &(dimension, amount) in &self.demand {
            let taken = tally.placed * u128::from(amount.unsigned_abs());
            left[dimension.index()] = left[dimension.index()].saturating_sub(taken);
        }
        ScopeAnswer {
            name: name.to_owned(),
            fits: tally.placed,
            bound: tally.bound,
            by_sums: tally.by_sums(&self.needs),
            by_dimension,
            binding,
            because,
            free: self.inventory.list(free),
            stranded: self.inventory.list(&left),
            ..ScopeAnswer::default()
        }
    }

    fn explain(&self, tally: &Tally) -> (Option<String>, String) {
        let Tally { placed, bound, alone, nodes, open, .. } = tally;
        if let Some(stranger) = &self.stranger {
            return (Some(stranger.clone()), format!("no node has any {stranger}"));
        }
        if *nodes == 0 {
            return (None, "there are no nodes".to_owned());
        }
        if *open == 0 {
            return (None, format!("none of {} admits such a pod", counted(*nodes)));
        }
        let of = if open == nodes { counted(*nodes) } else { format!("{open} of {}", counted(*nodes)) };
        if placed < alone && !tally.spread.is_empty() {
            let over = tally.spread.join(" and ");
            let up_to =
                if placed < bound { format!(", and by no means more than {bound}") } else { String::new() };
            let because = format!(
                "{placed} fit on {of}{up_to}: the hard spread over {over} binds; without it, {alone} would fit"
            );
            return (Some(format!("spread over {over}")), because);
        }
        let Some(place) = tally.binding() else {
            return (None, format!("{placed} fit on {of}"));
        };
        let name = self.name(self.needs[place]);
        let more = match (self.needs.len(), self.needs[place], tally.relief[place]) {
            (1, ..) => String::new(),
            (_, Need::HostPorts, 0) => "; something else keeps more away at the same time".to_owned(),
            (_, Need::HostPorts, relief) => format!("; without them, up to {relief} more would fit"),
            (_, _, 0) => "; something else runs out at the same time".to_owned(),
            (_, _, relief) => format!("; with more of it, up to {relief} more would fit"),
        };
        let sums = tally.by_sums(&self.needs);
        let claim =
            if sums > *placed { format!("; dividing the sums would claim {sums}") } else { String::new() };
        let (what, nodes) = (in_words(name), counted(tally.bound_nodes[place]));
        let because = match self.needs[place] {
            Need::HostPorts => {
                format!(
                    "{placed} fit on {of}; what binds first is {what}, one pod on a node, on {nodes}{more}{claim}"
                )
            }
            Need::Amount(..) => {
                format!("{placed} fit on {of}; what runs out first is {what}, on {nodes}{more}{claim}")
            }
        };
        (Some(name.to_owned()), because)
    }

    fn node(&self, node: usize) -> NodeAnswer {
        let (inventory, dimensions) = (self.inventory, &self.inventory.dimensions);
        let NodeFit { alone, placed, binding } = self.nodes[node];
        let facts = &inventory.nodes[node];
        let free = inventory.free(node);
        let mut left: Vec<_> = free.iter().map(|free| u128::from((*free).max(0).unsigned_abs())).collect();
        for &(dimension, amount) in &self.demand {
            let taken = u128::from(placed) * u128::from(amount.unsigned_abs());
            left[dimension.index()] = left[dimension.index()].saturating_sub(taken);
        }
        let mut by_dimension = BTreeMap::new();
        let because = match (binding, &self.stranger) {
            (_, Some(stranger)) => format!("it has no {stranger}"),
            (None, None) => match Bar::of(facts, &self.wanted.pod) {
                Some(bar) => format!("it {bar}"),
                None => "a pod nearby keeps such pods away by its anti-affinity".to_owned(),
            },
            (Some(need), None) => {
                for &need in &self.needs {
                    by_dimension.insert(self.name(need).to_owned(), self.room(need, node) / need.amount());
                }
                let why = match need {
                    Need::Amount(dimension, _) => {
                        let short = dimensions.quantity(dimension, free[dimension.index()]);
                        let there =
                            dimensions.quantity(dimension, inventory.allocatable(node)[dimension.index()]);
                        format!("{short} of {there} free")
                    }
                    Need::HostPorts => self.on_port(node),
                };
                let held = if placed < alone {
                    format!("; the spread lets it have {placed}")
                } else {
                    String::new()
                };
                format!("{alone} by {}: {why}{held}", in_words(self.name(need)))
            }
        };
        NodeAnswer {
            name: facts.name.clone(),
            fits: placed,
            alone,
            by_dimension,
            binding: binding.map(|binding| self.name(binding).to_owned()),
            because,
            stranded: inventory.list(&left),
        }
    }
}

impl Fit<'_> {
    /// What is not counted here and might make the number wrong.
    fn not_counted(&self) -> Vec<Uncounted> {
        let mut found = uncounted(&self.wanted.pod, Stage::Wanted);
        found.extend(self.kept.uncounted());
        if let Some(name) = self.stranger.as_ref().filter(|name| name.contains('/')) {
            let because = format!(
                "no node says that it has {name}; whether a DeviceClass offers it (dynamic resource allocation) is not \
                 known here, so more may fit"
            );
            found.push(Uncounted::new("deviceClass", because));
        }
        found
    }

    fn name(&self, need: Need) -> &str {
        match need {
            Need::HostPorts => HOST_PORTS,
            Need::Amount(dimension, _) => self.inventory.dimensions.name(dimension),
        }
    }

    /// How it stands with the ports of a node.
    fn on_port(&self, node: usize) -> String {
        if let Some((holder, port)) = self.inventory.on_port(node, &self.ports) {
            return format!("{} has {port}", holder.pod.full_name());
        }
        let ports: Vec<_> = self.ports.iter().map(ToString::to_string).collect();
        format!("one pod takes {}", ports.join(" and "))
    }
}

impl Inventory {
    /// Amounts by dimension as people write them, zeros left out.
    pub(crate) fn list(&self, amounts: &[u128]) -> Resources {
        let pairs = self.dimensions.all().zip(amounts).filter(|(_, amount)| **amount > 0);
        let named = pairs.map(|(d, amount)| {
            (
                self.dimensions.name(d),
                self.dimensions.quantity(d, i128::try_from(*amount).unwrap_or(i128::MAX)),
            )
        });
        named.collect::<Vec<(&str, Quantity)>>().into_iter().collect()
    }
}

/// A resource as people call it.
pub(crate) fn in_words(name: &str) -> &str {
    match name {
        PODS => "pod slots",
        HOST_PORTS => "host ports",
        name => name,
    }
}

/// So many nodes.
pub(crate) fn counted(nodes: u64) -> String {
    if nodes == 1 { "1 node".to_owned() } else { format!("{nodes} nodes") }
}

fn add(sum: &mut [u128], more: &[u128]) {
    for (sum, more) in sum.iter_mut().zip(more) {
        *sum += more;
    }
}
