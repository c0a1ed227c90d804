//! What no placement exceeds.

use std::collections::BTreeSet;

use super::displaced::Displaced;
use super::place::Survivors;

/// How many of the most important pods can come back at most, whatever is placed where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    /// The pods that are this important or more.
    pub(crate) priority: i32,
    /// How many of them there are.
    pub(crate) pods: usize,
    /// How many of them come back at most.
    pub(crate) most: u64,
}

/// With more priorities than this, only the bound for all pods together is told.
const MAX_TIERS: usize = 64;

/// Of more ports than this the others prove nothing.
const MAX_PORTS: usize = 16;

impl Displaced<'_> {
    /// The bounds, the most important pods first; the last one is for all pods.
    ///
    /// Each is the least of four proofs: pods that fit on no node even alone do not come back; of no dimension
    /// more is taken than is free in all, and the smallest pods take least; no node takes more pods than if
    /// all were as small, in every dimension, as the smallest; and of pods that are all in each other's way by a port
    /// of the node, no node takes two.
    pub(crate) fn bounds(&self, survivors: &Survivors<'_>) -> Vec<Bound> {
        let at_all: Vec<bool> = self.kinds.iter().map(|kind| survivors.any_takes(kind)).collect();
        let priority = |place: usize| self.kinds[self.pods[place].1].priority;
        let last = |place: &usize| place + 1 == self.pods.len() || priority(*place) != priority(place + 1);
        let mut ends: Vec<_> = (0..self.pods.len()).filter(last).collect();
        if ends.len() > MAX_TIERS {
            ends.drain(..ends.len() - 1);
        }
        let most = |end: usize| {
            let pods = self.pods[..=end].iter().map(|(_, kind)| *kind);
            self.most(pods.filter(|kind| at_all[*kind]), survivors)
        };
        ends.iter().map(|&end| Bound { priority: priority(end), pods: end + 1, most: most(end) }).collect()
    }

    /// How many of those pods, all of which fit somewhere, come back at most.
    fn most(&self, kinds: impl Iterator<Item = usize>, survivors: &Survivors<'_>) -> u64 {
        let mut pods_of = vec![0_u64; self.kinds.len()];
        kinds.for_each(|kind| pods_of[kind] += 1);
        let present: Vec<_> = (0..pods_of.len()).filter(|kind| pods_of[*kind] > 0).collect();
        let all = pods_of.iter().sum::<u64>();
        let width = survivors.free_in_all().len();
        let rows: Vec<Vec<i64>> = present
            .iter()
            .map(|kind| {
                let mut row = vec![0; width];
                self.kinds[*kind]
                    .demand
                    .iter()
                    .for_each(|(dimension, amount)| row[dimension.index()] = *amount);
                row
            })
            .collect();
        let mut most = all;
        for dimension in 0..width {
            let mut amounts: Vec<_> = present
                .iter()
                .zip(&rows)
                .map(|(kind, row)| (row[dimension].unsigned_abs(), pods_of[*kind]))
                .collect();
            amounts.sort_unstable();
            let mut free = survivors.free_in_all()[dimension];
            let mut taken = 0_u64;
            for (amount, pods) in amounts {
                let times = match amount {
                    0 => pods,
                    _ => u64::try_from(free / u128::from(amount)).unwrap_or(u64::MAX).min(pods),
                };
                free -= u128::from(amount) * u128::from(times);
                taken += times;
                if times < pods {
                    break;
                }
            }
            most = most.min(taken);
        }
        let smallest: Vec<_> =
            (0..width).map(|dimension| rows.iter().map(|row| row[dimension]).min().unwrap_or(0)).collect();
        let node_by_node: u128 = survivors
            .nodes
            .iter()
            .map(|node| {
                let times = survivors.free(*node).iter().zip(&smallest).filter(|(_, amount)| **amount > 0);
                let times = times.map(|(free, amount)| (*free).max(0).unsigned_abs() / amount.unsigned_abs());
                u128::from(times.min().unwrap_or(u64::MAX))
            })
            .sum();
        most = most.min(u64::try_from(node_by_node).unwrap_or(u64::MAX));
        most.min(self.most_by_ports(&present, &pods_of, survivors))
    }

    /// How many of those kinds come back at most, as far as ports of nodes go.
    fn most_by_ports(&self, present: &[usize], pods_of: &[u64], survivors: &Survivors<'_>) -> u64 {
        let all: u64 = present.iter().map(|kind| pods_of[*kind]).sum();
        let ports: BTreeSet<_> = present.iter().flat_map(|kind| self.kinds[*kind].ports).collect();
        let most = ports.into_iter().take(MAX_PORTS).map(|port| {
            // Who takes this very port or that of all addresses is in the way of everyone else who does.
            let wants =
                |kind: &usize| self.kinds[*kind].ports.iter().any(|own| own == port || own.covers(port));
            let group: Vec<_> = present.iter().copied().filter(wants).collect();
            let pods: u64 = group.iter().map(|kind| pods_of[*kind]).sum();
            let takes = |node: &&usize| {
                let mut kinds = group.iter().map(|kind| &self.kinds[*kind]);
                kinds.any(|kind| survivors.takes(**node, kind) && survivors.admits(**node, kind))
            };
            // More than there are pods need not be counted.
            let enough = usize::try_from(pods).unwrap_or(usize::MAX);
            let nodes = survivors.nodes.iter().filter(takes).take(enough).count() as u64;
            all - pods + pods.min(nodes)
        });
        most.min().unwrap_or(all)
    }
}
