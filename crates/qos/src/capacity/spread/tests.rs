//! The formula for one hard spread, and the placer for several, against every order of placing there is.

use std::collections::HashSet;

use proptest::prelude::*;

use super::{Domains, Rule, most, play};
use crate::{LabelSelector, Pod, TopologySpread};

fn mk_rule(max_skew: i32, min_domains: i32, counts_itself: bool) -> Rule {
    let mut selector = LabelSelector::default();
    if !counts_itself {
        selector.match_labels.insert("app".to_owned(), "another".to_owned());
    }
    let spread = TopologySpread {
        max_skew,
        topology_key: "zone".to_owned(),
        when_unsatisfiable: "DoNotSchedule".to_owned(),
        label_selector: Some(selector),
        min_domains: Some(min_domains),
        ..TopologySpread::default()
    };
    let pod = Pod { topology_spread_constraints: vec![spread], ..Pod::default() };
    Rule::of(&pod, &[].into()).unwrap().remove(0)
}

/// The most pods that any order of placing them one by one reaches, by trying them all.
fn brute(rules: &[Rule], domains: &[Domains], room: &[u64]) -> u64 {
    let mut seen = HashSet::new();
    let mut open = vec![vec![0_u64; room.len()]];
    let mut best = 0;
    while let Some(placed) = open.pop() {
        if !seen.insert(placed.clone()) {
            continue;
        }
        best = best.max(placed.iter().sum());
        for node in 0..room.len() {
            let allowed = rules.iter().zip(domains).all(|(rule, domains)| {
                let mut counts = domains.existing.clone();
                for (node, placed) in placed.iter().enumerate() {
                    if let (true, Some(domain)) = (rule.counts_itself, domains.of_node[node]) {
                        counts[domain] += placed;
                    }
                }
                let emptiest =
                    if (counts.len() as u64) < rule.min_domains { 0 } else { *counts.iter().min().unwrap() };
                domains.of_node[node].is_some_and(|domain| {
                    counts[domain] + u64::from(rule.counts_itself) <= emptiest + rule.max_skew
                })
            });
            if allowed && placed[node] < room[node] {
                let mut next = placed.clone();
                next[node] += 1;
                open.push(next);
            }
        }
    }
    best
}

fn mk_domains(of_node: Vec<usize>, existing: Vec<u64>) -> Domains {
    Domains { of_node: of_node.into_iter().map(Some).collect(), existing }
}

proptest! {
    #[test]
    fn one_spread_lets_through_what_the_best_order_of_placing_reaches(
        zones in prop::collection::vec((0_u64..6, 0_u64..6), 1..5),
        skew in 1_i32..4, min_domains in 1_i32..5, counts_itself: bool,
    ) {
        let rule = mk_rule(skew, min_domains, counts_itself);
        let (existing, room): (Vec<_>, Vec<_>) = zones.into_iter().unzip();
        let domains = mk_domains((0..existing.len()).collect(), existing.clone());
        let wide: Vec<_> = room.iter().map(|room| u128::from(*room)).collect();
        let total: u128 = most(&rule, &existing, &wide).into_iter().sum();
        let rules = [rule];
        prop_assert_eq!(total, u128::from(brute(&rules, std::slice::from_ref(&domains), &room)));
        let played: u64 = play(&rules, vec![domains], &room).into_iter().sum();
        prop_assert_eq!(u128::from(played), total);
    }

    #[test]
    fn under_two_spreads_the_truth_lies_between_what_is_placed_and_the_bound(
        nodes in prop::collection::vec((0_usize..3, 0_u64..3, 0_u64..4), 1..5),
        zone_skew in 1_i32..3, host_skew in 1_i32..3,
    ) {
        let rules = [mk_rule(zone_skew, 1, true), mk_rule(host_skew, 1, true)];
        // Zones are numbered without gaps, so that each has a node.
        let mut zones: Vec<_> = nodes.iter().map(|node| node.0).collect();
        zones.sort_unstable();
        zones.dedup();
        let zone_of: Vec<_> = nodes.iter().map(|node| zones.binary_search(&node.0).unwrap()).collect();
        let mut in_zone = vec![0; zones.len()];
        for (zone, node) in zone_of.iter().zip(&nodes) {
            in_zone[*zone] += node.1;
        }
        let on_host: Vec<_> = nodes.iter().map(|node| node.1).collect();
        let room: Vec<_> = nodes.iter().map(|node| node.2).collect();
        let domains = [mk_domains(zone_of.clone(), in_zone), mk_domains((0..nodes.len()).collect(), on_host)];
        let truth = brute(&rules, &domains, &room);
        let placed: u64 = play(&rules, domains.to_vec(), &room).into_iter().sum();
        let bound = rules.iter().zip(&domains).map(|(rule, domains)| {
            let mut rooms = vec![0_u128; domains.existing.len()];
            for (room, domain) in room.iter().zip(&domains.of_node) {
                rooms[domain.unwrap()] += u128::from(*room);
            }
            most(rule, &domains.existing, &rooms).into_iter().sum::<u128>()
        }).min().unwrap();
        prop_assert!(placed <= truth, "placed {} of {}", placed, truth);
        prop_assert!(u128::from(truth) <= bound, "{} above {}", truth, bound);
    }
}
