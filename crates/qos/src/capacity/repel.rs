//! Running pods that keep others away: their required anti-affinity holds against newcomers too.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::inventory::Placed;
use super::{Inventory, Uncounted};
use crate::{LabelSelector, Pod, PodAffinityTerm};

/// Where running pods keep newcomers of one kind away: values of node labels, by cluster and label.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    values: HashMap<usize, BTreeMap<String, HashSet<String>>>,
    /// A running pod whose term selects namespaces by labels, which are not known here.
    guessed: Option<String>,
}

impl Kept {
    /// That more may be kept away than the scheduler would, if that is so.
    pub(crate) fn uncounted(&self) -> Option<Uncounted> {
        let name = self.guessed.as_ref()?;
        let because = format!(
            "the podAntiAffinity of {name} selects namespaces by their labels, which are not known here; it counts as \
             selecting all, so more may fit"
        );
        Some(Uncounted::new("podAntiAffinity.namespaceSelector", because))
    }

    /// Whether a node is where such a pod is kept away from.
    pub(crate) fn keeps_off(&self, inventory: &Inventory, ground: usize, node: usize) -> bool {
        let Some(keys) = self.values.get(&ground) else { return false };
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
                    let by_labels = term.namespace_selector.as_ref();
                    if by_labels.is_some_and(|selector| *selector != LabelSelector::default()) {
                        kept.guessed.get_or_insert_with(|| placed.pod.full_name());
                    }
                    let keys = kept.values.entry(placed.ground).or_default();
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
