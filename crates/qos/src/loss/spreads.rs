//! How full the domains are for the kind of pods that is being placed.

use std::collections::BTreeMap;

use super::displaced::Kind;
use crate::capacity::Inventory;
use crate::capacity::spread::Levels;

/// How full the domains are for one kind of pods with hard spreads, in every cluster that is left.
pub(crate) struct Spreads<'k>(Vec<Vec<Levels<'k>>>);

/// Pods that were placed again: where, and their labels.
pub(crate) type Settled<'a> = Vec<(usize, &'a BTreeMap<String, String>)>;

impl<'k> Spreads<'k> {
    /// Counts what runs on the nodes that are left, and what was placed there since; none where nothing is spread.
    pub(crate) fn new(
        inventory: &Inventory,
        gone: &[bool],
        kind: &'k Kind<'_>,
        settled: Option<&Settled<'_>>,
    ) -> Option<Self> {
        if kind.rules.is_empty() {
            return None;
        }
        let of = |ground| {
            let levels = kind.rules.iter().map(|rule| {
                let present = |node: usize| !gone[node];
                Levels::new(rule, rule.domains(inventory, ground, kind.pod, kind.namespace, present))
            });
            levels.collect()
        };
        let mut spreads = Self(inventory.grounds.iter().map(of).collect());
        for (node, labels) in settled.into_iter().flatten() {
            spreads.count(inventory, *node, labels);
        }
        Some(spreads)
    }

    /// Whether the spreads let one more onto that node.
    pub(crate) fn admit(&self, inventory: &Inventory, node: usize) -> bool {
        let ground = inventory.ground_of(node);
        let place = node - inventory.grounds[ground].nodes.start;
        self.0[ground].iter().all(|levels| levels.admits(place))
    }

    /// Counts a pod that was placed.
    pub(crate) fn count(&mut self, inventory: &Inventory, node: usize, labels: &BTreeMap<String, String>) {
        let ground = inventory.ground_of(node);
        let place = node - inventory.grounds[ground].nodes.start;
        for levels in &mut self.0[ground] {
            levels.count_in(place, labels);
        }
    }
}
