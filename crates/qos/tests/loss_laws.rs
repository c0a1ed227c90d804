//! The laws of loss: what is placed can be placed, trying everything finds no less, and the bound no less again.

use std::collections::{BTreeMap, HashSet};

use plimsoll_qos::{
    Amounts, Cluster, Container, Inventory, Ledgers, Lost, LostNode, Node, Pod, Quantity, RunningPod,
};
use proptest::prelude::*;

/// What a pod takes and a node gives: CPU, memory, slots, and CPU and memory at the peak.
type Row = [u32; 5];

#[derive(Clone, Debug)]
struct Case {
    /// What survives: what is free, and its zone.
    nodes: Vec<(Row, u8)>,
    /// What is displaced: what it takes, its priority, the zone that it is bound to.
    pods: Vec<(Row, i32, Option<u8>)>,
}

fn case() -> impl Strategy<Value = Case> {
    let node = ((0_u32..9, 0_u32..9, 0_u32..4), 0_u8..2)
        .prop_map(|((cpu, memory, pods), zone)| ([cpu, memory, pods, cpu, memory], zone));
    let pod = ((0_u32..6, 0_u32..6), (0_u32..6, 0_u32..6), 0_i32..3, prop::option::weighted(0.2, 0_u8..2))
        .prop_map(|((cpu, memory), (cpu_peak, memory_peak), priority, zone)| {
            ([cpu, memory, 1, cpu_peak, memory_peak], priority, zone)
        });
    (prop::collection::vec(node, 1..4), prop::collection::vec(pod, 0..7))
        .prop_map(|(nodes, pods)| Case { nodes, pods })
}

fn amounts(cpu: u32, memory: u32) -> Amounts {
    Amounts { cpu: Quantity::from_units(cpu), memory: Quantity::from_units(memory) }
}

impl Case {
    fn fleet(&self) -> Vec<Cluster> {
        let mut lost = Node::named("lost");
        lost.allocatable.insert("pods", Quantity::from_units(100));
        let mut nodes = vec![lost];
        for (number, (row, zone)) in self.nodes.iter().enumerate() {
            let mut node = Node::named(format!("n{number}"));
            node.labels.insert("zone".to_owned(), zone.to_string());
            for (name, amount) in [("cpu", row[0]), ("memory", row[1]), ("pods", row[2])] {
                node.allocatable.insert(name, Quantity::from_units(amount));
            }
            nodes.push(node);
        }
        let mut peaks = BTreeMap::new();
        let pods = self.pods.iter().enumerate().map(|(number, (row, priority, zone))| {
            let mut main = Container::named("main");
            main.resources.requests = [("cpu", row[0]), ("memory", row[1])]
                .map(|(name, amount)| (name, Quantity::from_units(amount)))
                .into_iter()
                .collect();
            let mut pod = RunningPod::named("demo", number.to_string());
            peaks.insert(pod.full_name(), amounts(row[3], row[4]));
            pod.spec = Pod {
                containers: vec![main],
                priority: Some(*priority),
                node_name: Some("lost".to_owned()),
                ..Pod::default()
            };
            if let Some(zone) = zone {
                pod.spec.node_selector.insert("zone".to_owned(), zone.to_string());
            }
            pod
        });
        let pods = pods.collect();
        vec![Cluster { name: "c".to_owned(), nodes, pods, peaks, ..Cluster::default() }]
    }

    fn takes(&self, pod: usize, node: usize, free: &Row) -> bool {
        let (row, _, zone) = &self.pods[pod];
        zone.is_none_or(|zone| zone == self.nodes[node].1)
            && row.iter().zip(free).all(|(amount, free)| amount <= free)
    }

    /// The most pods of at least that priority that come back, by trying every placement.
    fn most(&self, priority: i32) -> u64 {
        let pods: Vec<_> = (0..self.pods.len()).filter(|pod| self.pods[*pod].1 >= priority).collect();
        let mut states = HashSet::from([(self.nodes.iter().map(|node| node.0).collect::<Vec<_>>(), 0_u64)]);
        for pod in pods {
            let mut next = states.clone();
            for (free, count) in states {
                for node in 0..free.len() {
                    if self.takes(pod, node, &free[node]) {
                        let mut free = free.clone();
                        free[node]
                            .iter_mut()
                            .zip(self.pods[pod].0)
                            .for_each(|(free, amount)| *free -= amount);
                        next.insert((free, count + 1));
                    }
                }
            }
            states = next;
        }
        states.into_iter().map(|(_, count)| count).max().unwrap_or(0)
    }
}

proptest! {
    #[test]
    fn the_truth_lies_between_what_is_placed_and_the_bound(case in case()) {
        let ledgers = Ledgers::RequestsAndPeaks { target_percent: 100 };
        let inventory = Inventory::new(case.fleet(), ledgers).unwrap();
        let lost = Lost { nodes: vec![LostNode { cluster: "c".to_owned(), node: "lost".to_owned() }], ..Lost::default() };
        let answer = inventory.lose(&lost).unwrap();

        // Sums equal parts, and every pod is somewhere.
        prop_assert_eq!(answer.returns, answer.moves.len());
        prop_assert_eq!(answer.returns + answer.missing.len(), answer.displaced);
        prop_assert_eq!(answer.displaced, case.pods.len());
        prop_assert_eq!(answer.tiers.iter().map(|tier| tier.returns).sum::<usize>(), answer.returns);
        let names: HashSet<_> = answer.moves.iter().map(|moved| &moved.name).chain(answer.missing.iter().map(|m| &m.name)).collect();
        prop_assert_eq!(names.len(), case.pods.len());

        // What is placed can be placed.
        let mut free: Vec<_> = case.nodes.iter().map(|node| node.0).collect();
        for moved in &answer.moves {
            let (pod, node): (usize, usize) = (moved.name.parse().unwrap(), moved.to_node[1..].parse().unwrap());
            prop_assert!(case.takes(pod, node, &free[node]));
            free[node].iter_mut().zip(case.pods[pod].0).for_each(|(free, amount)| *free -= amount);
        }
        // What is missing fits nowhere any more.
        for missing in &answer.missing {
            let pod = missing.name.parse().unwrap();
            prop_assert!(!(0..free.len()).any(|node| case.takes(pod, node, &free[node])));
        }

        // Heuristic ≤ truth ≤ bound, for each importance and all above it.
        let mut returned = 0;
        for tier in &answer.tiers {
            returned += tier.returns as u64;
            let (truth, bound) = (case.most(tier.priority), tier.bound_with_higher.unwrap());
            prop_assert!(returned <= truth && truth <= bound, "{} ≤ {} ≤ {}", returned, truth, bound);
        }
        prop_assert_eq!(answer.bound, answer.tiers.last().map_or(0, |tier| tier.bound_with_higher.unwrap()));
    }

    #[test]
    fn for_pods_that_are_all_alike_the_bound_is_reached(
        case in case(), row in (0_u32..6, 0_u32..6), count in 0_usize..9,
    ) {
        let alike = Case { pods: vec![([row.0, row.1, 1, row.0, row.1], 0, None); count], ..case };
        let inventory = Inventory::new(alike.fleet(), Ledgers::Requests).unwrap();
        let lost = Lost { nodes: vec![LostNode { cluster: "c".to_owned(), node: "lost".to_owned() }], ..Lost::default() };
        let answer = inventory.lose(&lost).unwrap();
        prop_assert_eq!(answer.returns as u64, answer.bound);
    }
}

/// The CPU and the priority of each pod.
type Sized = Vec<(u32, i32)>;

/// Nodes with CPU and what runs on them; and what is displaced.
fn crowded() -> impl Strategy<Value = (Vec<(u32, Sized)>, Sized)> {
    let pods = |most: usize| prop::collection::vec((1_u32..6, 0_i32..4), 0..most);
    let node = (4_u32..12, pods(4)).prop_map(|(cpu, running)| {
        // No more runs than there is room for.
        let mut left = cpu;
        let running = running.into_iter().filter(|(cpu, _)| {
            let fits = *cpu <= left;
            left -= if fits { *cpu } else { 0 };
            fits
        });
        (cpu, running.collect())
    });
    (prop::collection::vec(node, 1..4), pods(6))
}

proptest! {
    /// Whoever makes way is less important than the one it makes way for, everything fits in the end, more come back
    /// than without, and no more than the bound.
    #[test]
    fn preemption_keeps_its_laws((nodes, lost) in crowded()) {
        let mut all = Vec::new();
        let mut gone = Node::named("lost");
        gone.allocatable.insert("pods", Quantity::from_units(100));
        all.push(gone);
        let mut pods = Vec::new();
        let mut priorities = BTreeMap::new();
        let mut sizes = BTreeMap::new();
        let mut add = |name: String, node: &str, (cpu, priority): (u32, i32)| {
            let mut main = Container::named("main");
            main.resources.requests.insert("cpu", Quantity::from_units(cpu));
            let mut pod = RunningPod::named("demo", name);
            priorities.insert(pod.full_name(), priority);
            sizes.insert(pod.full_name(), cpu);
            pod.spec = Pod {
                containers: vec![main],
                priority: Some(priority),
                node_name: Some(node.to_owned()),
                ..Pod::default()
            };
            pods.push(pod);
        };
        for (number, pod) in lost.iter().enumerate() {
            add(format!("lost-{number}"), "lost", *pod);
        }
        for (number, (cpu, running)) in nodes.iter().enumerate() {
            let name = format!("n{number}");
            let mut node = Node::named(&name);
            node.allocatable.insert("cpu", Quantity::from_units(*cpu));
            node.allocatable.insert("pods", Quantity::from_units(100));
            for (place, pod) in running.iter().enumerate() {
                add(format!("{name}-{place}"), &name, *pod);
            }
            all.push(node);
        }
        let clusters = vec![Cluster { name: "c".to_owned(), nodes: all, pods, ..Cluster::default() }];
        let inventory = Inventory::new(clusters, Ledgers::Requests).unwrap();
        let lose = Lost { nodes: vec![LostNode { cluster: "c".to_owned(), node: "lost".to_owned() }], ..Lost::default() };
        let answer = inventory.lose_preempting(&lose).unwrap();
        let played = answer.preemption.as_ref().unwrap();
        prop_assert_eq!(played.returns + played.missing.len(), answer.displaced);
        prop_assert!(u64::try_from(played.returns).unwrap() <= played.bound, "{:?}", played);
        prop_assert!(played.bound >= answer.bound);
        let mut freed = 0;
        for pushed in &played.pushed_aside {
            let name = format!("{}/{}", pushed.namespace, pushed.name);
            prop_assert!(priorities[&name] < priorities[&pushed.makes_way_for], "{:?}", pushed);
            if pushed.goes_to.is_none() {
                freed += sizes[&name];
            }
        }
        // What runs in the end is no more than there is.
        let missing: u32 = played.missing.iter().map(|it| sizes[&format!("{}/{}", it.namespace, it.name)]).sum();
        let capacity: u32 = nodes.iter().map(|(cpu, _)| cpu).sum();
        prop_assert!(sizes.values().sum::<u32>() - missing - freed <= capacity);
        // The most important never come back less than without.
        let highest = lost.iter().map(|(_, priority)| *priority).max();
        let among = |names: Vec<String>| names.iter().filter(|name| Some(priorities[*name]) == highest).count();
        let without = among(answer.missing.iter().map(|it| format!("{}/{}", it.namespace, it.name)).collect());
        let with = among(played.missing.iter().map(|it| format!("{}/{}", it.namespace, it.name)).collect());
        prop_assert!(with <= without, "{:?}", answer);
    }
}
