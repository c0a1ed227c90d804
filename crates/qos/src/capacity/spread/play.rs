//! Several hard constraints at once: pods are placed one by one, as the scheduler would.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use super::{Domains, Levels, Rule};

/// As many pods are placed one by one at most.
pub(crate) const MAX_PLAYED: u128 = 20_000_000;

/// The nodes of one domain of the coarsest rule, the emptiest by the other rules first.
type Nodes = BinaryHeap<Reverse<(Vec<u64>, usize)>>;

/// How many each node gets when pods are placed one by one, always into the emptiest domains that are open.
///
/// What comes out can be placed: every step was allowed when it was taken. It need not be the most.
pub(crate) fn play(rules: &[Rule], domains: Vec<Domains>, room: &[u64]) -> Vec<u64> {
    let mut all: Vec<_> =
        rules.iter().zip(domains).map(|(rule, domains)| Levels::new(rule, domains)).collect();
    // Coarse domains first: they are the harder ones to level.
    all.sort_by_key(|levels| levels.counts().len());
    let mut placed = vec![0_u64; room.len()];
    let Some((coarse, fine)) = all.split_first_mut() else { return placed };
    let key = |fine: &[Levels<'_>], node: usize| -> Vec<u64> {
        fine.iter().map(|levels| levels.count(node)).collect()
    };
    let mut heaps: Vec<Nodes> = (0..coarse.counts().len()).map(|_| Nodes::new()).collect();
    for node in (0..room.len()).filter(|node| room[*node] > 0) {
        if let Some(domain) = coarse.domain(node) {
            heaps[domain].push(Reverse((key(fine, node), node)));
        }
    }
    let mut open: BTreeSet<(u64, usize)> =
        (0..heaps.len()).map(|domain| (coarse.counts()[domain], domain)).collect();
    let mut shut = Vec::new();
    while let Some((count, domain)) = open.pop_first() {
        let Some(Reverse((seen, node))) = heaps[domain].pop() else { continue };
        open.insert((count, domain));
        let now = key(fine, node);
        if now != seen {
            heaps[domain].push(Reverse((now, node)));
            continue;
        }
        if !coarse.admits(node) {
            // No emptier domain has a node left, so none is open to this rule ever again.
            break;
        }
        if !fine.iter().all(|levels| levels.admits(node)) {
            shut.push((domain, node));
            continue;
        }
        placed[node] += 1;
        let mut risen = coarse.place(node);
        for levels in fine.iter_mut() {
            risen |= levels.place(node);
        }
        open.remove(&(count, domain));
        open.insert((coarse.counts()[domain], domain));
        if placed[node] < room[node] {
            heaps[domain].push(Reverse((key(fine, node), node)));
        }
        if risen {
            for (domain, node) in shut.drain(..) {
                heaps[domain].push(Reverse((key(fine, node), node)));
                open.insert((coarse.counts()[domain], domain));
            }
        }
    }
    placed
}
