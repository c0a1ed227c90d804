//! Best-fit decreasing on what is left.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::displaced::{Displaced, Kind};
use super::spreads::{Settled, Spreads};
use crate::capacity::Inventory;
use crate::capacity::answer::{counted, in_words};
use crate::capacity::dimension::Dimension;
use crate::capacity::gate::Bar;
use crate::capacity::inventory::Placed;
use crate::pod::HostPort;
use crate::resources::PODS;

/// The nodes that are left, and what is free on them while pods are placed.
pub(crate) struct Survivors<'a> {
    pub(crate) inventory: &'a Inventory,
    /// The nodes that are left.
    pub(crate) nodes: Vec<usize>,
    gone: &'a [bool],
    /// Whether those who may be pushed aside are taken for gone, and with them whom they keep away.
    is_cleared: bool,
    /// What is free, by node and dimension.
    free: Vec<i64>,
    /// Who takes ports of a node.
    on_ports: HashMap<usize, Vec<&'a Placed>>,
    /// What is free in all, by dimension.
    in_all: Vec<u128>,
    /// What is free at most on any node, by dimension.
    at_most: Vec<i64>,
}

/// Where a pod goes, or why nowhere.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// The node.
    Node(usize),
    /// The reason, the same for all of one kind.
    Nowhere(String),
}

impl<'a> Survivors<'a> {
    pub(crate) fn new(inventory: &'a Inventory, gone: &'a [bool]) -> Self {
        let nodes: Vec<_> = (0..inventory.nodes.len()).filter(|node| !gone[*node]).collect();
        let mut in_all = vec![0_u128; inventory.dimensions.len()];
        let mut at_most = vec![i64::MIN; in_all.len()];
        let mut free = Vec::with_capacity(inventory.nodes.len() * in_all.len());
        for (node, gone) in gone.iter().enumerate() {
            free.extend_from_slice(inventory.free(node));
            for (place, amount) in inventory.free(node).iter().enumerate().filter(|_| !gone) {
                in_all[place] += u128::from(amount.max(&0).unsigned_abs());
                at_most[place] = at_most[place].max(*amount);
            }
        }
        let holders = |pods: &Vec<usize>| pods.iter().map(|pod| &inventory.pods[*pod]).collect();
        let on_ports = inventory.on_ports.iter().map(|(node, pods)| (*node, holders(pods))).collect();
        Self { inventory, nodes, gone, is_cleared: false, free, on_ports, in_all, at_most }
    }

    /// The nodes that are left as if all pods below that priority were gone from them.
    pub(crate) fn cleared(inventory: &'a Inventory, gone: &'a [bool], below: i32) -> Self {
        let mut survivors = Self { is_cleared: true, ..Self::new(inventory, gone) };
        let width = survivors.in_all.len();
        for node in 0..inventory.nodes.len() {
            survivors.free[node * width..(node + 1) * width].copy_from_slice(inventory.allocatable(node));
        }
        survivors.on_ports.clear();
        let stay = |placed: &&Placed| placed.pod.spec.priority.unwrap_or(0) >= below;
        for placed in inventory.pods.iter().filter(stay) {
            survivors.take(placed.node, placed);
        }
        survivors.in_all.fill(0);
        survivors.at_most.fill(i64::MIN);
        for &node in &survivors.nodes {
            for place in 0..width {
                let amount = survivors.free[node * width + place];
                survivors.in_all[place] += u128::from(amount.max(0).unsigned_abs());
                survivors.at_most[place] = survivors.at_most[place].max(amount);
            }
        }
        survivors
    }

    /// What is free in all, by dimension; before anything is placed.
    pub(crate) fn free_in_all(&self) -> &[u128] {
        &self.in_all
    }

    /// What is free on a node now.
    pub(crate) fn free(&self, node: usize) -> &[i64] {
        let width = self.in_all.len();
        &self.free[node * width..(node + 1) * width]
    }

    /// Places what can be placed; an answer for each pod, in their order.
    pub(crate) fn place_all(&mut self, displaced: &Displaced<'a>) -> Vec<Place> {
        let scarcest = displaced.scarcest(&self.in_all);
        let mut by_free: BTreeSet<(i64, usize)> =
            self.nodes.iter().map(|node| (self.free(*node)[scarcest.index()], *node)).collect();
        let spreading = displaced.kinds.iter().any(|kind| !kind.rules.is_empty());
        let mut settled: HashMap<&str, Settled<'_>> = HashMap::new();
        let mut spread: Option<Spreads<'_>> = None;
        let mut places = Vec::with_capacity(displaced.pods.len());
        let mut walk = Walk::default();
        let mut refused: HashMap<usize, String> = HashMap::new();
        for &(placed, number) in &displaced.pods {
            let kind = &displaced.kinds[number];
            if let Some(field) = kind.uncounted {
                places.push(Place::Nowhere(format!(
                    "{field} is not counted here, so it may or may not come back"
                )));
                continue;
            }
            if let Some(because) = refused.get(&number) {
                places.push(Place::Nowhere(because.clone()));
                continue;
            }
            // Nodes only fill up, so what did not take the last of its kind takes none of it any more, but for the
            // node that did take it; only a spread may open again.
            if walk.kind != Some(number) || spread.is_some() {
                if walk.kind != Some(number) {
                    spread = Spreads::new(self.inventory, self.gone, kind, settled.get(kind.namespace));
                }
                let least = kind.demand.iter().find(|(dimension, _)| *dimension == scarcest);
                let from = (least.map_or(i64::MIN, |(_, amount)| *amount), 0);
                walk = Walk { kind: Some(number), last: None, from };
            }
            let takes = |node: usize| {
                self.takes(node, kind)
                    && self.admits(node, kind)
                    && spread.as_ref().is_none_or(|spread| spread.admit(self.inventory, node))
            };
            let last = walk.last.filter(|(_, node)| takes(*node));
            let found = last.or_else(|| by_free.range(walk.from..).copied().find(|(_, node)| takes(*node)));
            let Some((free, node)) = found else {
                // The others of its kind follow at once, so the same holds for them.
                let because = self.why_not(kind, spread.as_ref());
                refused.insert(number, because.clone());
                places.push(Place::Nowhere(because));
                continue;
            };
            by_free.remove(&(free, node));
            self.take(node, placed);
            let left = self.free(node)[scarcest.index()];
            by_free.insert((left, node));
            walk = Walk { last: Some((left, node)), from: walk.from.max((free, node)), ..walk };
            if let Some(spread) = &mut spread {
                spread.count(self.inventory, node, &placed.pod.labels);
            }
            if spreading {
                settled.entry(&placed.pod.namespace).or_default().push((node, &placed.pod.labels));
            }
            places.push(Place::Node(node));
        }
        places
    }

    /// Whether any node admits a pod of that kind and has room for it, as long as nothing is placed.
    pub(crate) fn any_takes(&self, kind: &Kind<'_>) -> bool {
        let hopeless =
            kind.demand.iter().any(|(dimension, amount)| self.at_most[dimension.index()] < *amount);
        !hopeless && self.nodes.iter().any(|node| self.takes(*node, kind) && self.admits(*node, kind))
    }

    /// Whether what such a pod takes of a node is free there, its ports included.
    pub(crate) fn takes(&self, node: usize, kind: &Kind<'_>) -> bool {
        let free = self.free(node);
        kind.demand.iter().all(|(dimension, amount)| free[dimension.index()] >= *amount)
            && self.on_port(node, kind).is_none()
    }

    /// Who takes ports of a node.
    pub(crate) fn holders(&self, node: usize) -> impl Iterator<Item = &'a Placed> {
        self.on_ports.get(&node).into_iter().flatten().copied()
    }

    /// Which port of a node that such a pod takes is taken.
    fn on_port<'k>(&self, node: usize, kind: &Kind<'k>) -> Option<&'k HostPort> {
        if kind.ports.is_empty() {
            return None;
        }
        self.on_ports.get(&node)?.iter().find_map(|placed| placed.in_the_way(kind.ports))
    }

    /// Whether a node admits such a pod, however full it is.
    pub(crate) fn admits(&self, node: usize, kind: &Kind<'_>) -> bool {
        Bar::of(&self.inventory.nodes[node], kind.pod).is_none()
            && (self.is_cleared || !kind.kept.keeps_off(self.inventory, self.inventory.ground_of(node), node))
    }

    pub(crate) fn take(&mut self, node: usize, placed: &'a Placed) {
        let begin = node * self.in_all.len();
        for &(dimension, amount) in &placed.demand {
            self.free[begin + dimension.index()] -= amount;
        }
        if !placed.ports.is_empty() {
            self.on_ports.entry(node).or_default().push(placed);
        }
    }

    /// Gives back what a pod took of a node.
    pub(crate) fn give_back(&mut self, node: usize, placed: &Placed) {
        let begin = node * self.in_all.len();
        for &(dimension, amount) in &placed.demand {
            self.free[begin + dimension.index()] += amount;
        }
        if let Some(holders) = self.on_ports.get_mut(&node).filter(|_| !placed.ports.is_empty()) {
            holders.retain(|holder| !std::ptr::eq(*holder, placed));
        }
    }

    /// Why no node takes such a pod, in words.
    pub(crate) fn why_not(&self, kind: &Kind<'_>, spread: Option<&Spreads<'_>>) -> String {
        let all = self.nodes.len();
        if all == 0 {
            return "no node is left".to_owned();
        }
        let mut bars: BTreeMap<String, u64> = BTreeMap::new();
        let mut short: BTreeMap<Dimension, (u64, i64)> = BTreeMap::new();
        let (mut held, mut taken) = (0_u64, BTreeMap::<&HostPort, u64>::new());
        for &node in &self.nodes {
            if let Some(bar) = Bar::of(&self.inventory.nodes[node], kind.pod) {
                *bars.entry(bar.to_string()).or_default() += 1;
                continue;
            }
            if !self.admits(node, kind) {
                *bars.entry("a pod nearby keeps it away by its anti-affinity".to_owned()).or_default() += 1;
                continue;
            }
            let free = self.free(node);
            let lacking = kind.demand.iter().filter(|(dimension, amount)| free[dimension.index()] < *amount);
            let mut lacks = false;
            for (dimension, _) in lacking {
                let (nodes, most) = short.entry(*dimension).or_insert((0, i64::MIN));
                *nodes += 1;
                *most = (*most).max(free[dimension.index()]);
                lacks = true;
            }
            if let Some(port) = self.on_port(node, kind) {
                *taken.entry(port).or_default() += 1;
                lacks = true;
            }
            if !lacks && spread.is_some_and(|spread| !spread.admit(self.inventory, node)) {
                held += 1;
            }
        }
        let dimensions = &self.inventory.dimensions;
        let mut reasons: Vec<String> = Vec::new();
        for (dimension, (nodes, most)) in short {
            let wanted =
                kind.demand.iter().find(|(own, _)| *own == dimension).map_or(0, |(_, amount)| *amount);
            let name = dimensions.name(dimension);
            let most = dimensions.told(dimension, most.max(0));
            let wanted = dimensions.quantity(dimension, wanted);
            reasons.push(format!(
                "{} short on {} (it needs {wanted}, at most {most} is free)",
                is_or_are(name),
                counted(nodes)
            ));
        }
        for (port, nodes) in taken {
            reasons.push(format!("the host port {port} is taken on {}", counted(nodes)));
        }
        if held > 0 {
            reasons.push(format!("a hard spread holds it off {}", counted(held)));
        }
        // The most frequent ones; every node may have a reason of its own.
        let mut bars: Vec<_> = bars.into_iter().collect();
        bars.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let others: u64 = bars.iter().skip(3).map(|(_, nodes)| nodes).sum();
        reasons.extend(bars.into_iter().take(3).map(|(bar, nodes)| format!("{nodes} × {bar}")));
        if others > 0 {
            reasons.push(format!("{others} do not admit it for other reasons"));
        }
        format!("none of {} left takes it: {}", counted(all as u64), reasons.join("; "))
    }
}

fn is_or_are(name: &str) -> String {
    if name == PODS { format!("{} are", in_words(name)) } else { format!("{name} is") }
}

/// Where the search for a kind of pods goes on.
#[derive(Default)]
struct Walk {
    kind: Option<usize>,
    /// The node that took the last one, under what it has left.
    last: Option<(i64, usize)>,
    from: (i64, usize),
}
