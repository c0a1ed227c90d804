//! How many more of one kind fit.

use num_bigint::BigUint;

use super::dimension::Dimension;
use super::gate::Bar;
use super::inventory::{Demand, Ground};
use super::repel::Kept;
use super::spread::{MAX_PLAYED, Rule, most, play};
use super::{CapacityError, Fraction, Holder, Inventory, Ledgers, UsefulRatio, Wanted};
use crate::pod::HostPort;

/// How many more of one kind fit into a fleet, per node and in all, and what decides it.
///
/// Identical pods need no heuristic: what fits is the sum over the nodes of the smallest whole number of times
/// that the request goes into what is free, in any dimension, and a port of a node goes once. Dividing the sums of a cluster is only an upper
/// bound, because a pod does not run on two nodes.
#[derive(Clone, Debug)]
pub struct Fit<'a> {
    pub(crate) inventory: &'a Inventory,
    pub(crate) wanted: &'a Wanted,
    pub(crate) demand: Demand,
    /// The ports of its node that each takes.
    pub(crate) ports: Box<[HostPort]>,
    /// What each takes of its node; the ports first, as the scheduler looks at them first.
    pub(crate) needs: Box<[Need]>,
    /// What is wanted and no node has ever heard of.
    pub(crate) stranger: Option<String>,
    /// Where running pods keep such pods away.
    pub(crate) kept: Kept,
    pub(crate) nodes: Vec<NodeFit>,
    pub(crate) grounds: Vec<Tally>,
    useful: Option<Turn>,
}

/// Something of a node that each pod takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Ports of the node, which only one pod can have.
    HostPorts,
    /// An amount above zero.
    Amount(Dimension, i64),
}

/// What one node takes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NodeFit {
    /// What its free resources take.
    pub(crate) alone: u64,
    /// What it gets where as many as possible are placed; less than `alone` where a spread constraint binds.
    pub(crate) placed: u64,
    /// What it is short of first; none where it admits no such pod.
    pub(crate) binding: Option<Need>,
}

/// Sums over some nodes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// How many can be placed.
    pub(crate) placed: u128,
    /// How many cannot be exceeded; the same as `placed` but under several spread constraints at once.
    pub(crate) bound: u128,
    /// How many the nodes could take without spread constraints.
    pub(crate) alone: u128,
    /// How many nodes there are, and how many of them admit such a pod.
    pub(crate) nodes: u64,
    pub(crate) open: u64,
    /// What the sums would claim, by the position of the need: free, and how often it goes.
    pub(crate) free: Vec<u128>,
    pub(crate) times: Vec<u128>,
    /// How many more would fit if this need bound nowhere, and on how many nodes it is the first to bind.
    pub(crate) relief: Vec<u128>,
    pub(crate) bound_nodes: Vec<u64>,
    /// The spread constraints that let less through than the nodes could take.
    pub(crate) spread: Vec<String>,
}

/// Where k* comes from: the node on which CPU binds longest.
#[derive(Clone, Copy, Debug)]
struct Turn {
    node: usize,
    /// The CPU request, in thousandths, at which CPU ceases to bind there.
    request: u64,
    /// How many the node takes by everything else.
    others: u64,
}

impl Inventory {
    /// How many more of that kind fit beside what runs here.
    pub fn fit<'a>(&'a self, wanted: &'a Wanted) -> Result<Fit<'a>, CapacityError> {
        wanted.check()?;
        let rules = Rule::of(&wanted.pod, &wanted.labels)?;
        let (demand, stranger) =
            match self.demand(&wanted.pod, Some(&wanted.predicted_peak()), &|| Holder::Wanted)? {
                Ok(demand) => (demand, None),
                Err(stranger) => (Demand::default(), Some(stranger)),
            };
        let ports = wanted.pod.host_ports();
        let of_ports = (!ports.is_empty()).then_some(Need::HostPorts);
        let amounts = demand.iter().map(|&(dimension, amount)| Need::Amount(dimension, amount));
        let mut fit = Fit {
            inventory: self,
            wanted,
            needs: of_ports.into_iter().chain(amounts).collect(),
            ports,
            demand,
            stranger,
            kept: self.kept(&wanted.namespace, &wanted.labels, |_| true),
            nodes: vec![NodeFit::default(); self.nodes.len()],
            grounds: Vec::with_capacity(self.grounds.len()),
            useful: None,
        };
        for (number, ground) in self.grounds.iter().enumerate() {
            let mut tally = fit.count(number, ground);
            fit.spread(ground, &rules, &mut tally)?;
            fit.grounds.push(tally);
        }
        Ok(fit)
    }
}

impl Fit<'_> {
    /// How many more fit in all.
    pub fn total(&self) -> u128 {
        self.grounds.iter().map(|tally| tally.placed).sum()
    }

    /// How many cannot be exceeded by any placement: the total itself, but under several hard spread constraints
    /// at once, for which no exact answer is known.
    pub fn bound(&self) -> u128 {
        self.grounds.iter().map(|tally| tally.bound).sum()
    }

    /// How many the node of that number gets, in the order in which the nodes were given.
    pub fn on_node(&self, node: usize) -> Option<u64> {
        self.nodes.get(node).map(|fit| fit.placed)
    }

    /// k*: the CPU ratio beyond which not one pod more fits on any node, however little CPU each requests.
    ///
    /// On a node that everything but CPU lets take `M` pods, CPU ceases to bind once a pod requests at most
    /// `floor(free / M)` thousandths, which is a ratio of limit over that; the largest over all nodes is k*. None
    /// where CPU is not limited, or no node takes one anyway.
    pub fn useful_ratio(&self) -> Option<UsefulRatio> {
        let (turn, limit) = (self.useful?, self.wanted.cpu_limit()?);
        let ground = &self.inventory.grounds[self.inventory.ground_of(turn.node)];
        let node = &self.inventory.nodes[turn.node].name;
        let free = self
            .inventory
            .dimensions
            .quantity(Dimension::CPU, self.inventory.free(turn.node)[Dimension::CPU.index()]);
        let ratio =
            Fraction::new(&limit.nanos().to_biguint()?, &(BigUint::from(turn.request) * 1_000_000_u32))?;
        // Beside a ledger of peaks there is CPU of two kinds, and only one of them is sold.
        let cpu = if self.inventory.ledgers == Ledgers::Requests { "CPU" } else { "requested CPU" };
        let derivation = format!(
            "node `{node}` of cluster `{}` takes {} by everything but {cpu}, so {cpu} binds nowhere any more once a pod \
             requests floor({free} / {}) = {}m or less; k* = {limit} / {}m",
            ground.name, turn.others, turn.others, turn.request, turn.request
        );
        Some(UsefulRatio::new(ratio, &derivation))
    }

    fn count(&mut self, number: usize, ground: &Ground) -> Tally {
        let width = self.needs.len();
        let mut tally = Tally {
            nodes: ground.nodes.len() as u64,
            free: vec![0; width],
            times: vec![0; width],
            relief: vec![0; width],
            bound_nodes: vec![0; width],
            ..Tally::default()
        };
        if self.stranger.is_some() {
            return tally;
        }
        let is_cpu = |need: &Need| matches!(need, Need::Amount(Dimension::CPU, _));
        let cpu = self.needs.iter().position(is_cpu);
        for node in ground.nodes.clone() {
            if Bar::of(&self.inventory.nodes[node], &self.wanted.pod).is_some()
                || self.kept.keeps_off(self.inventory, number, node)
            {
                continue;
            }
            tally.open += 1;
            let free = self.inventory.free(node);
            let (mut first, mut second, mut binding) = (u64::MAX, u64::MAX, 0);
            let mut others = u64::MAX;
            for (place, &need) in self.needs.iter().enumerate() {
                let there = self.room(need, node);
                let times = there / need.amount();
                tally.free[place] += u128::from(there);
                tally.times[place] += u128::from(times);
                if Some(place) != cpu {
                    others = others.min(times);
                }
                if times < first {
                    (second, first, binding) = (first, times, place);
                } else {
                    second = second.min(times);
                }
            }
            tally.alone += u128::from(first);
            tally.relief[binding] += u128::from(second - first);
            tally.bound_nodes[binding] += 1;
            self.nodes[node] = NodeFit { alone: first, placed: first, binding: Some(self.needs[binding]) };
            if cpu.is_some() {
                self.turn(node, free[Dimension::CPU.index()], others);
            }
        }
        (tally.placed, tally.bound) = (tally.alone, tally.alone);
        tally
    }

    /// How much of what a need takes is free on a node.
    pub(crate) fn room(&self, need: Need, node: usize) -> u64 {
        match need {
            Need::HostPorts => u64::from(self.inventory.on_port(node, &self.ports).is_none()),
            Need::Amount(dimension, _) => self.inventory.free(node)[dimension.index()].max(0).unsigned_abs(),
        }
    }

    fn turn(&mut self, node: usize, free_cpu: i64, others: u64) {
        let free = free_cpu.max(0).unsigned_abs();
        if others == 0 || free == 0 {
            return;
        }
        let request = (free / others).max(1);
        if self.useful.is_none_or(|turn| request < turn.request) {
            self.useful = Some(Turn { node, request, others });
        }
    }

    /// Takes away what the hard spread constraints do not let through.
    fn spread(&mut self, ground: &Ground, rules: &[Rule], tally: &mut Tally) -> Result<(), CapacityError> {
        if rules.is_empty() || tally.alone == 0 {
            return Ok(());
        }
        let (pod, namespace) = (&self.wanted.pod, &self.wanted.namespace);
        let nodes = ground.nodes.clone();
        let mut all = Vec::with_capacity(rules.len());
        let mut quotas = Vec::new();
        for rule in rules {
            let domains = rule.domains(self.inventory, ground, pod, namespace, |_| true);
            let mut room = vec![0_u128; domains.existing.len()];
            for (fit, domain) in self.nodes[nodes.clone()].iter().zip(&domains.of_node) {
                if let Some(domain) = domain {
                    room[*domain] += u128::from(fit.alone);
                }
            }
            quotas = most(rule, &domains.existing, &room);
            let allowed = quotas.iter().sum();
            if allowed < tally.alone {
                tally.spread.push(rule.key.clone());
            }
            tally.bound = tally.bound.min(allowed);
            all.push(domains);
        }
        let fits = &mut self.nodes[nodes];
        if let [domains] = all.as_slice() {
            for (fit, domain) in fits.iter_mut().zip(&domains.of_node) {
                fit.placed = 0;
                if let Some(quota) = domain.and_then(|domain| quotas.get_mut(domain)) {
                    fit.placed = u64::try_from(*quota).unwrap_or(u64::MAX).min(fit.alone);
                    *quota -= u128::from(fit.placed);
                }
            }
        } else {
            if tally.bound > MAX_PLAYED {
                return Err(CapacityError::TooManyToPlay { pods: tally.bound, max: MAX_PLAYED });
            }
            let room: Vec<_> = fits.iter().map(|fit| fit.alone).collect();
            for (fit, placed) in fits.iter_mut().zip(play(rules, all, &room)) {
                fit.placed = placed;
            }
        }
        tally.placed = fits.iter().map(|fit| u128::from(fit.placed)).sum();
        Ok(())
    }
}

impl Need {
    /// How much of it one pod takes.
    pub(crate) fn amount(self) -> u64 {
        match self {
            Self::HostPorts => 1,
            Self::Amount(_, amount) => amount.unsigned_abs(),
        }
    }
}

impl Tally {
    /// Adds the sums of other nodes.
    pub(crate) fn add(&mut self, other: &Self) {
        self.placed += other.placed;
        self.bound += other.bound;
        self.alone += other.alone;
        self.nodes += other.nodes;
        self.open += other.open;
        for (own, more) in [
            (&mut self.free, &other.free),
            (&mut self.times, &other.times),
            (&mut self.relief, &other.relief),
        ] {
            own.resize(more.len(), 0);
            own.iter_mut().zip(more).for_each(|(own, more)| *own += more);
        }
        self.bound_nodes.resize(other.bound_nodes.len(), 0);
        self.bound_nodes.iter_mut().zip(&other.bound_nodes).for_each(|(own, more)| *own += more);
        for key in &other.spread {
            if !self.spread.contains(key) {
                self.spread.push(key.clone());
            }
        }
    }

    /// The position of the need that binds: the one whose relief would let most more in, and
    /// among equals the one that binds on most nodes.
    pub(crate) fn binding(&self) -> Option<usize> {
        let places = 0..self.relief.len();
        let best = places
            .max_by_key(|place| (self.relief[*place], self.bound_nodes[*place], std::cmp::Reverse(*place)))?;
        (self.bound_nodes[best] > 0).then_some(best)
    }

    /// What dividing the sums would claim.
    pub(crate) fn by_sums(&self, needs: &[Need]) -> u128 {
        let amounts = needs.iter().map(|need| u128::from(need.amount()));
        self.free.iter().zip(amounts).map(|(free, amount)| free / amount).min().unwrap_or(0)
    }
}
