//! The laws of loss: what is placed can be placed, trying everything finds no less, and the bound no less again.

use std::collections::{BTreeMap, HashSet};

use plimsoll_qos::{
    Amounts, Cluster, Container, ContainerPort, Inventory, Ledgers, LossAnswer, Lost, LostNode, Missing,
    Node, Pod, Quantity, RunningPod,
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
    /// Which ports of a node each of them takes: bits for those on one address, another one, and all addresses.
    ports: Vec<u8>,
}

/// Whether ports are in each other's way.
fn in_the_way(one: u8, other: u8) -> bool {
    one & other != 0 || (one & 4 != 0 && other != 0) || (other & 4 != 0 && one != 0)
}

fn case() -> impl Strategy<Value = Case> {
    let node = ((0_u32..9, 0_u32..9, 0_u32..4), 0_u8..2)
        .prop_map(|((cpu, memory, pods), zone)| ([cpu, memory, pods, cpu, memory], zone));
    let pod = ((0_u32..6, 0_u32..6), (0_u32..6, 0_u32..6), 0_i32..3, prop::option::weighted(0.2, 0_u8..2))
        .prop_map(|((cpu, memory), (cpu_peak, memory_peak), priority, zone)| {
            ([cpu, memory, 1, cpu_peak, memory_peak], priority, zone)
        });
    let ports = prop::collection::vec(prop::sample::select(vec![0_u8, 0, 0, 1, 2, 4]), 7);
    (prop::collection::vec(node, 1..4), prop::collection::vec(pod, 0..7), ports)
        .prop_map(|(nodes, pods, ports)| Case { nodes, pods, ports })
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
            let address = |bit: u8| if bit == 4 { String::new() } else { format!("10.0.0.{bit}") };
            let taken = [1, 2, 4].into_iter().filter(|bit| self.ports[number] & bit != 0);
            main.ports = taken
                .map(|bit| ContainerPort {
                    host_port: 443,
                    host_ip: address(bit),
                    ..ContainerPort::default()
                })
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

    fn takes(&self, pod: usize, node: usize, free: &Row, taken: u8) -> bool {
        let (row, _, zone) = &self.pods[pod];
        !in_the_way(self.ports[pod], taken)
            && zone.is_none_or(|zone| zone == self.nodes[node].1)
            && row.iter().zip(free).all(|(amount, free)| amount <= free)
    }

    /// The most pods of at least that priority that come back, by trying every placement.
    fn most(&self, priority: i32) -> u64 {
        let pods: Vec<_> = (0..self.pods.len()).filter(|pod| self.pods[*pod].1 >= priority).collect();
        let empty: Vec<_> = self.nodes.iter().map(|node| (node.0, 0_u8)).collect();
        let mut states = HashSet::from([(empty, 0_u64)]);
        for pod in pods {
            let mut next = states.clone();
            for (free, count) in states {
                for node in 0..free.len() {
                    if self.takes(pod, node, &free[node].0, free[node].1) {
                        let mut free = free.clone();
                        free[node].1 |= self.ports[pod];
                        free[node]
                            .0
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
        let mut free: Vec<_> = case.nodes.iter().map(|node| (node.0, 0)).collect();
        for moved in &answer.moves {
            let (pod, node): (usize, usize) = (moved.name.parse().unwrap(), moved.to_node[1..].parse().unwrap());
            prop_assert!(case.takes(pod, node, &free[node].0, free[node].1));
            free[node].1 |= case.ports[pod];
            free[node].0.iter_mut().zip(case.pods[pod].0).for_each(|(free, amount)| *free -= amount);
        }
        // What is missing fits nowhere any more.
        for missing in &answer.missing {
            let pod = missing.name.parse().unwrap();
            prop_assert!(!(0..free.len()).any(|node| case.takes(pod, node, &free[node].0, free[node].1)));
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
        case in case(), row in (0_u32..6, 0_u32..6), count in 0_usize..9, port in 0_u8..2,
    ) {
        let pods = vec![([row.0, row.1, 1, row.0, row.1], 0, None); count];
        let alike = Case { pods, ports: vec![4 * port; count], ..case };
        let inventory = Inventory::new(alike.fleet(), Ledgers::Requests).unwrap();
        let lost = Lost { nodes: vec![LostNode { cluster: "c".to_owned(), node: "lost".to_owned() }], ..Lost::default() };
        let answer = inventory.lose(&lost).unwrap();
        prop_assert_eq!(answer.returns as u64, answer.bound);
    }
}

/// What a pod takes: CPU, memory, and for some a port of its node; and its priority.
type Sized = (u32, u32, bool, i32);

/// A node: its CPU and memory, and what runs on it.
type Busy = (u32, u32, Vec<Sized>);

/// Nodes; and what is displaced.
fn crowded() -> impl Strategy<Value = (Vec<Busy>, Vec<Sized>)> {
    let pods = |most: usize| {
        prop::collection::vec((1_u32..6, 1_u32..6, prop::bool::weighted(0.2), 0_i32..4), 0..most)
    };
    let node = (4_u32..12, 4_u32..12, pods(4)).prop_map(|(cpu, memory, running)| {
        // No more runs than there is room for.
        let (mut left, mut port) = ((cpu, memory), true);
        let running = running.into_iter().filter(|(cpu, memory, takes_port, _)| {
            let fits = *cpu <= left.0 && *memory <= left.1 && (port || !takes_port);
            if fits {
                left = (left.0 - cpu, left.1 - memory);
                port &= !takes_port;
            }
            fits
        });
        (cpu, memory, running.collect())
    });
    (prop::collection::vec(node, 1..4), pods(7))
}

/// How many there are of each priority, the highest first.
fn by_priority<'a>(priorities: impl Iterator<Item = &'a i32>) -> Vec<usize> {
    let priorities: Vec<_> = priorities.collect();
    (0..4).rev().map(|priority| priorities.iter().filter(|it| ***it == priority).count()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whoever makes way is less important than the one it makes way for, everything fits in the end, no more come back
    /// than the bound, and nobody is lost but for somebody more important: at the most important priority at which the
    /// two answers differ in number, more come back than without, and more run in all. Where nobody is pushed aside,
    /// nobody is lost.
    #[test]
    fn preemption_keeps_its_laws((nodes, lost) in crowded()) {
        let mut all = Vec::new();
        let mut gone = Node::named("lost");
        gone.allocatable.insert("pods", Quantity::from_units(100));
        all.push(gone);
        let mut pods = Vec::new();
        let mut of = BTreeMap::new();
        let mut add = |name: String, node: &str, sized: Sized| {
            let (cpu, memory, takes_port, priority) = sized;
            let mut main = Container::named("main");
            main.resources.requests =
                [("cpu", cpu), ("memory", memory)].map(|(name, amount)| (name, Quantity::from_units(amount))).into();
            if takes_port {
                main.ports = vec![ContainerPort { host_port: 443, ..ContainerPort::default() }];
            }
            let mut pod = RunningPod::named("demo", name);
            of.insert(pod.full_name(), sized);
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
        for (number, (cpu, memory, running)) in nodes.iter().enumerate() {
            let name = format!("n{number}");
            let mut node = Node::named(&name);
            for (name, amount) in [("cpu", *cpu), ("memory", *memory), ("pods", 100)] {
                node.allocatable.insert(name, Quantity::from_units(amount));
            }
            for (place, pod) in running.iter().enumerate() {
                add(format!("{name}-{place}"), &name, *pod);
            }
            all.push(node);
        }
        let clusters = vec![Cluster { name: "c".to_owned(), nodes: all, pods, ..Cluster::default() }];
        let inventory = Inventory::new(clusters, Ledgers::Requests).unwrap();
        let lose = Lost { nodes: vec![LostNode { cluster: "c".to_owned(), node: "lost".to_owned() }], ..Lost::default() };
        let answer = inventory.lose_preempting(&lose).unwrap();
        prop_assert_eq!(&LossAnswer { preemption: None, ..answer.clone() }, &inventory.lose(&lose).unwrap());
        let played = answer.preemption.as_ref().unwrap();
        prop_assert_eq!(played.returns + played.missing.len(), answer.displaced);
        prop_assert!(u64::try_from(played.returns).unwrap() <= played.bound, "{:?}", played);
        prop_assert!(played.bound >= answer.bound);
        let name = |missing: &Missing| format!("{}/{}", missing.namespace, missing.name);
        let mut gone: HashSet<String> = played.missing.iter().map(name).collect();
        for pushed in &played.pushed_aside {
            let name = format!("{}/{}", pushed.namespace, pushed.name);
            prop_assert!(of[&name].3 < of[&pushed.makes_way_for].3, "{:?}", pushed);
            prop_assert!(!name.starts_with("demo/lost"), "nobody is pushed aside who does not run: {:?}", pushed);
            if pushed.goes_to.is_none() {
                gone.insert(name);
            }
        }
        // What runs in the end is no more than there is.
        let runs = || of.iter().filter(|(name, _)| !gone.contains(*name)).map(|(_, sized)| sized);
        prop_assert!(runs().map(|it| it.0).sum::<u32>() <= nodes.iter().map(|node| node.0).sum());
        prop_assert!(runs().map(|it| it.1).sum::<u32>() <= nodes.iter().map(|node| node.1).sum());
        prop_assert!(runs().filter(|it| it.2).count() <= nodes.len());

        let among = |gone: &HashSet<String>, only_lost: bool| {
            let there = of.iter().filter(|(name, _)| {
                !gone.contains(*name) && (!only_lost || name.starts_with("demo/lost"))
            });
            by_priority(there.map(|(_, sized)| &sized.3))
        };
        let plain: HashSet<String> = answer.missing.iter().map(name).collect();
        for only_lost in [true, false] {
            // Vectors compare by their first difference, which is at the most important priority.
            let (with, without) = (among(&gone, only_lost), among(&plain, only_lost));
            prop_assert!(with >= without, "{:?} {:?} {:?}", with, without, answer);
            prop_assert!(played.pushed_aside.is_empty() || with > without, "{:?}", answer);
        }
        if played.pushed_aside.is_empty() {
            prop_assert!(played.returns >= answer.returns, "{:?}", answer);
        }
    }
}
