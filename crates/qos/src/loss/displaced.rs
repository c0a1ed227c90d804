//! The pods that lost their place, in the order in which they are placed again.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use super::place::Survivors;
use crate::Pod;
use crate::capacity::dimension::Dimension;
use crate::capacity::inventory::{Demand, Placed};
use crate::capacity::repel::Kept;
use crate::capacity::spread::Rule;
use crate::capacity::uncounted::of_several;
use crate::capacity::wanted::requires_others;
use crate::capacity::{CapacityError, Inventory, Tied, Uncounted};
use crate::pod::HostPort;

/// The pods that lost their place.
pub(crate) struct Displaced<'a> {
    /// Kinds of pods that are alike in all that matters for placing them.
    pub(crate) kinds: Vec<Kind<'a>>,
    /// The pods and their kinds: the most important first, then the largest, those of one kind together.
    pub(crate) pods: Vec<(&'a Placed, usize)>,
    /// The pods that went with their nodes for good.
    pub(crate) tied: usize,
}

/// Pods that are alike in all that matters for placing them.
pub(crate) struct Kind<'a> {
    pub(crate) demand: &'a Demand,
    /// The ports of its node that it takes.
    pub(crate) ports: &'a [HostPort],
    pub(crate) pod: &'a Pod,
    pub(crate) namespace: &'a str,
    pub(crate) labels: &'a BTreeMap<String, String>,
    pub(crate) rules: Vec<Rule>,
    /// Where pods that still run keep it away.
    pub(crate) kept: Kept,
    /// What it requires of other pods near to it, which is not counted: none of its kind is placed.
    pub(crate) uncounted: Option<&'static str>,
    /// Whether pods with other labels are of another kind.
    labels_matter: bool,
    /// Its largest share of what is left of any dimension, in 2^-32: a measure to sort by, not to sell by.
    share: u128,
    pub(crate) priority: i32,
}

impl<'a> Displaced<'a> {
    pub(crate) fn new(
        inventory: &'a Inventory,
        gone: &[bool],
        survivors: &Survivors<'_>,
    ) -> Result<Self, CapacityError> {
        let mut kinds: Vec<Kind<'a>> = Vec::new();
        let mut by_demand: HashMap<&Demand, Vec<usize>> = HashMap::new();
        let mut pods = Vec::new();
        let mut tied = 0;
        for placed in inventory.pods.iter().filter(|placed| gone[placed.node]) {
            if placed.pod.tied == Tied::ToItsNode {
                tied += 1;
                continue;
            }
            let alike = by_demand.entry(&placed.demand).or_default();
            let known = alike.iter().copied().find(|kind| kinds[*kind].covers(placed));
            let kind = if let Some(kind) = known {
                kind
            } else {
                kinds.push(Kind::new(placed, inventory, gone, survivors.free_in_all())?);
                alike.push(kinds.len() - 1);
                kinds.len() - 1
            };
            pods.push((placed, kind));
        }
        pods.sort_by_cached_key(|(placed, kind)| {
            let Kind { priority, share, .. } = kinds[*kind];
            (Reverse(priority), Reverse(share), *kind, placed.pod.full_name())
        });
        Ok(Self { kinds, pods, tied })
    }

    /// What of these pods is not counted, but for what keeps them from being placed at all.
    pub(crate) fn not_counted(&self) -> Vec<Uncounted> {
        let mut all = of_several(self.pods.iter().map(|(placed, _)| &placed.pod));
        all.extend(self.kinds.iter().find_map(|kind| kind.kept.uncounted()));
        all
    }

    /// The dimension of which most is wanted, measured by what is left of it.
    pub(crate) fn scarcest(&self, free: &[u128]) -> Dimension {
        let mut wanted = vec![0_u128; free.len()];
        for (placed, _) in &self.pods {
            for &(dimension, amount) in &placed.demand {
                wanted[dimension.index()] += u128::from(amount.unsigned_abs());
            }
        }
        let shares = wanted.iter().zip(free).map(|(wanted, free)| share(*wanted, *free));
        let scarcest = shares.zip(0_u16..).max_by_key(|(share, dimension)| (*share, Reverse(*dimension)));
        scarcest.map_or(Dimension::CPU, |(_, dimension)| Dimension(dimension))
    }
}

impl<'a> Kind<'a> {
    pub(crate) fn new(
        placed: &'a Placed,
        inventory: &Inventory,
        gone: &[bool],
        free: &[u128],
    ) -> Result<Self, CapacityError> {
        let pod = &placed.pod;
        let shares = placed
            .demand
            .iter()
            .map(|(dimension, amount)| share(u128::from(amount.unsigned_abs()), free[dimension.index()]));
        let rules = Rule::of(&pod.spec, &pod.labels)?;
        let labels_matter = !(rules.is_empty() && inventory.repelling.is_empty());
        Ok(Self {
            demand: &placed.demand,
            pod: &pod.spec,
            namespace: &pod.namespace,
            labels: &pod.labels,
            rules,
            kept: inventory.kept(&pod.namespace, &pod.labels, |node| !gone[node]),
            uncounted: requires_others(&pod.spec),
            ports: &placed.ports,
            labels_matter,
            share: shares.max().unwrap_or(0),
            priority: pod.spec.priority.unwrap_or(0),
        })
    }

    /// Whether a pod of the same demand is of this kind.
    fn covers(&self, placed: &Placed) -> bool {
        let (own, other) = (self.pod, &placed.pod.spec);
        *self.ports == *placed.ports
            && own.preemption_policy == other.preemption_policy
            && own.node_selector == other.node_selector
            && own.tolerations == other.tolerations
            && own.affinity == other.affinity
            && own.topology_spread_constraints == other.topology_spread_constraints
            && self.priority == other.priority.unwrap_or(0)
            && (!self.labels_matter
                || (self.namespace == placed.pod.namespace && *self.labels == placed.pod.labels))
    }
}

/// How much of what is there is wanted, in 2^-32; more than all where nothing is there.
fn share(wanted: u128, free: u128) -> u128 {
    if wanted == 0 { 0 } else { (wanted << 32).checked_div(free).unwrap_or(u128::MAX) }
}
