//! How full the domains of one rule are while pods are placed one by one.

use std::collections::BTreeMap;

use super::{Domains, Rule};

/// One rule over the nodes of one cluster while pods are placed.
#[derive(Clone, Debug)]
pub(crate) struct Levels<'a> {
    rule: &'a Rule,
    of_node: Vec<Option<usize>>,
    counts: Vec<u64>,
    emptiest: u64,
    /// How many domains are as empty as the emptiest.
    at_emptiest: usize,
}

impl<'a> Levels<'a> {
    pub(crate) fn new(rule: &'a Rule, domains: Domains) -> Self {
        let Domains { of_node, existing: counts } = domains;
        let mut levels = Self { rule, of_node, counts, emptiest: 0, at_emptiest: 0 };
        levels.look();
        levels
    }

    /// How many pods each domain has.
    pub(crate) fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The domain of a node, by its position in the cluster.
    pub(crate) fn domain(&self, node: usize) -> Option<usize> {
        self.of_node[node]
    }

    /// How many pods the domain of that node has.
    pub(crate) fn count(&self, node: usize) -> u64 {
        self.domain(node).map_or(u64::MAX, |domain| self.counts[domain])
    }

    /// Whether the rule lets one more pod onto that node.
    pub(crate) fn admits(&self, node: usize) -> bool {
        let Some(domain) = self.domain(node) else { return false };
        let enough = self.counts.len() as u128 >= u128::from(self.rule.min_domains);
        let emptiest = if enough { self.emptiest } else { 0 };
        self.counts[domain] + u64::from(self.rule.counts_itself)
            <= emptiest.saturating_add(self.rule.max_skew)
    }

    /// Counts a pod with those labels that was placed on that node.
    pub(crate) fn count_in(&mut self, node: usize, labels: &BTreeMap<String, String>) {
        if self.rule.counts(labels) {
            self.raise(node);
        }
    }

    /// Counts a pod of the rule's own kind on that node; whether the emptiest domain is less empty now.
    pub(crate) fn place(&mut self, node: usize) -> bool {
        self.rule.counts_itself && self.raise(node)
    }

    fn raise(&mut self, node: usize) -> bool {
        let Some(domain) = self.domain(node) else { return false };
        let before = self.counts[domain];
        self.counts[domain] += 1;
        if before != self.emptiest {
            return false;
        }
        self.at_emptiest -= 1;
        if self.at_emptiest > 0 {
            return false;
        }
        self.look();
        true
    }

    fn look(&mut self) {
        self.emptiest = self.counts.iter().copied().min().unwrap_or(0);
        self.at_emptiest = self.counts.iter().filter(|count| **count == self.emptiest).count();
    }
}
