//! A hard spread constraint, checked, and the domains that it makes of a cluster.

use std::collections::{BTreeMap, HashMap};

use crate::capacity::gate::Bar;
use crate::capacity::inventory::Ground;
use crate::capacity::{CapacityError, Inventory, Life};
use crate::{LabelSelector, Pod, TopologySpread};

/// A hard spread constraint of a pod.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) key: String,
    pub(crate) max_skew: u64,
    pub(crate) min_domains: u64,
    /// Whether a placed pod is itself among those that are counted.
    pub(crate) counts_itself: bool,
    selector: Option<LabelSelector>,
    /// Whether domains that selector and affinity exclude are counted all the same.
    ignores_affinity: bool,
    /// Whether domains whose taints are not tolerated are left out.
    honors_taints: bool,
}

/// The domains of a cluster under one rule.
#[derive(Clone, Debug, Default)]
pub(crate) struct Domains {
    /// The domain of each node of the cluster, in order; none where the node is in no counted domain.
    pub(crate) of_node: Vec<Option<usize>>,
    /// How many matching pods each domain has.
    pub(crate) existing: Vec<u64>,
}

impl Rule {
    /// The hard constraints of a pod with those labels.
    pub(crate) fn of(pod: &Pod, labels: &BTreeMap<String, String>) -> Result<Vec<Self>, CapacityError> {
        let hard = pod.topology_spread_constraints.iter().filter(|spread| spread.is_hard());
        hard.map(|spread| Self::new(spread, labels)).collect()
    }

    fn new(spread: &TopologySpread, labels: &BTreeMap<String, String>) -> Result<Self, CapacityError> {
        let refused = |fault: &str| CapacityError::Spread {
            topology_key: spread.topology_key.clone(),
            fault: fault.to_owned(),
        };
        if spread.topology_key.is_empty() {
            return Err(refused("it has no topologyKey"));
        }
        let at_least_one = |number: i32| u64::try_from(number).ok().filter(|number| *number > 0);
        let max_skew = at_least_one(spread.max_skew).ok_or_else(|| refused("maxSkew must be at least 1"))?;
        let min_domains = at_least_one(spread.min_domains.unwrap_or(1))
            .ok_or_else(|| refused("minDomains must be at least 1"))?;
        let mut selector = spread.label_selector.clone();
        if let Some(selector) = &mut selector {
            for key in &spread.match_label_keys {
                if let Some(value) = labels.get(key) {
                    selector.match_labels.insert(key.clone(), value.clone());
                }
            }
        }
        Ok(Self {
            key: spread.topology_key.clone(),
            max_skew,
            min_domains,
            counts_itself: selector.as_ref().is_some_and(|selector| selector.matches(labels)),
            selector,
            ignores_affinity: spread.node_affinity_policy.as_deref() == Some("Ignore"),
            honors_taints: spread.node_taints_policy.as_deref() == Some("Honor"),
        })
    }

    /// Whether a pod with those labels is counted; a constraint without a selector counts none.
    pub(crate) fn counts(&self, labels: &BTreeMap<String, String>) -> bool {
        self.selector.as_ref().is_some_and(|selector| selector.matches(labels))
    }

    /// The domains that those nodes of a cluster that are present make, with the pods of a namespace there.
    pub(crate) fn domains(
        &self,
        inventory: &Inventory,
        ground: &Ground,
        pod: &Pod,
        namespace: &str,
        present: impl Fn(usize) -> bool,
    ) -> Domains {
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        let mut domains = Domains::default();
        for number in ground.nodes.clone() {
            let node = &inventory.nodes[number];
            let value = node.labels.get(&self.key).filter(|_| {
                let labels = match Bar::by_labels(node, pod) {
                    None => true,
                    Some(Bar::NoTopology(_)) => false,
                    Some(_) => self.ignores_affinity && has_topologies(node, pod),
                };
                present(number) && labels && !(self.honors_taints && Bar::by_taints(node, pod).is_some())
            });
            domains.of_node.push(value.map(|value| {
                *numbers.entry(value).or_insert_with(|| {
                    domains.existing.push(0);
                    domains.existing.len() - 1
                })
            }));
        }
        let pods = inventory.by_namespace.get(namespace).map_or(&[][..], Vec::as_slice);
        let begin = pods.partition_point(|pod| *pod < ground.pods.start);
        let here = pods[begin..].iter().take_while(|pod| **pod < ground.pods.end);
        let counted = here.map(|pod| &inventory.pods[*pod]).filter(|placed| {
            present(placed.node) && placed.pod.life == Life::Present && self.counts(&placed.pod.labels)
        });
        for placed in counted {
            if let Some(domain) = domains.of_node[placed.node - ground.nodes.start] {
                domains.existing[domain] += 1;
            }
        }
        domains
    }
}

/// Whether a node has every label that the pod is to be spread over.
fn has_topologies(node: &crate::Node, pod: &Pod) -> bool {
    let mut hard = pod.topology_spread_constraints.iter().filter(|spread| spread.is_hard());
    hard.all(|spread| node.labels.contains_key(&spread.topology_key))
}
