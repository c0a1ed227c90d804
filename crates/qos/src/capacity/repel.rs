//! Running pods that keep others away: their required anti-affinity holds against newcomers too.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::Inventory;
use super::inventory::Placed;
use crate::{Pod, PodAffinityTerm};

/// Where running pods keep newcomers of one kind away: values of node labels, by cluster and label.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept(HashMap<usize, BTreeMap<String, HashSet<String>>>);

impl Kept {
    /// Whether a node is where such a pod is kept away from.
    pub(crate) fn keeps_off(&self, inventory: &Inventory, ground: usize, node: usize) -> bool {
        let Some(keys) = self.0.get(&ground) else { return false };
        let labels = &inventory.nodes[node].labels;
        keys.iter().any(|(key, values)| labels.get(key).is_some_and(|value| values.contains(value)))
    }
}

impl Inventory {
    /// Where running pods on nodes that are present keep a pod of that namespace with those labels away.
    pub(crate) fn kept(
        &self,
        namespace: &str,
        labels: &BTreeMap<String, String>,
        present: impl Fn(usize) -> bool,
    ) -> Kept {
        let mut kept = Kept::default();
        for placed in
            self.repelling.iter().map(|place| &self.pods[*place]).filter(|placed| present(placed.node))
        {
            for term in
                repels(&placed.pod.spec).iter().filter(|term| concerns(term, placed, namespace, labels))
            {
                if let Some(value) = self.nodes[placed.node].labels.get(&term.topology_key) {
                    let keys = kept.0.entry(placed.ground).or_default();
                    keys.entry(term.topology_key.clone()).or_default().insert(value.clone());
                }
            }
        }
        kept
    }
}

/// The pods that a pod keeps away from itself.
pub(crate) fn repels(pod: &Pod) -> &[PodAffinityTerm] {
    pod.affinity.as_ref().map_or(&[], |affinity| affinity.pod_anti_affinity.required.as_slice())
}

/// Whether a term of a running pod is about pods of that namespace with those labels.
///
/// A selector of namespaces selects by labels that are not known here: it counts as all namespaces, which keeps
/// more away rather than less.
fn concerns(
    term: &PodAffinityTerm,
    placed: &Placed,
    namespace: &str,
    labels: &BTreeMap<String, String>,
) -> bool {
    let named = term.namespaces.iter().any(|named| named == namespace);
    let own = term.namespaces.is_empty() && placed.pod.namespace == namespace;
    let about = if term.namespace_selector.is_some() { true } else { named || own };
    about && term.label_selector.as_ref().is_some_and(|selector| selector.matches(labels))
}
