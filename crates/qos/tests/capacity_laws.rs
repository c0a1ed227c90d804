//! The laws of capacity: it equals what trying every placement finds, its parts add up, and more room never
//! takes less.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails the test")]

use std::collections::{BTreeMap, HashSet};

use plimsoll_qos::{
    Cluster, Container, ContainerPort, Detail, Fit, Inventory, Ledgers, Node, Pod, Quantity, Resources,
    RunningPod, Taint, Toleration, TopologySpread, Wanted,
};
use proptest::prelude::*;

const NAMES: [&str; 4] = ["cpu", "memory", "pods", "example.com/gpu"];

fn mk_resources(amounts: &[u32]) -> Resources {
    NAMES.iter().zip(amounts).map(|(name, amount)| (*name, Quantity::from_units(*amount))).collect()
}

fn mk_pod(amounts: [u32; 3]) -> Pod {
    let [cpu, memory, gpu] = amounts;
    let mut main = Container::named("main");
    main.resources.requests = mk_resources(&[cpu, memory, 0, gpu]);
    main.resources.requests.remove("pods");
    Pod { containers: vec![main], ..Pod::default() }
}

/// A small node: what it has, its zone, whether it is cordoned, whether it is tainted.
fn node() -> impl Strategy<Value = Node> {
    let amounts = (0_u32..8, 0_u32..8, 0_u32..5, 0_u32..4);
    (amounts, 0_u8..3, prop::bool::weighted(0.15), prop::bool::weighted(0.25)).prop_map(
        |((cpu, memory, pods, gpu), zone, unschedulable, tainted)| {
            let taint = Taint { key: "only".to_owned(), effect: "NoSchedule".to_owned(), ..Taint::default() };
            Node {
                labels: [("zone".to_owned(), zone.to_string())].into(),
                allocatable: mk_resources(&[cpu, memory, pods, gpu]),
                taints: if tainted { vec![taint] } else { Vec::new() },
                unschedulable,
                ..Node::default()
            }
        },
    )
}

/// Few ports on few addresses, so that they are often in each other's way; as often none at all.
fn ports() -> impl Strategy<Value = Vec<ContainerPort>> {
    let port = (1_i32..3, prop::sample::select(vec!["", "0.0.0.0", "10.0.0.1", "10.0.0.2"]), "(UDP|TCP)?")
        .prop_map(|(host_port, ip, protocol)| ContainerPort {
            container_port: 80,
            host_port,
            host_ip: ip.to_owned(),
            protocol,
        });
    prop_oneof![1 => Just(Vec::new()), 1 => prop::collection::vec(port, 1..3)]
}

/// Whether the scheduler lets two pods with these ports onto one node.
fn in_the_way(one: &Pod, other: &Pod) -> bool {
    let all = |pod: &Pod| pod.containers[0].ports.clone();
    let key = |port: &ContainerPort| {
        let any = port.host_ip.is_empty() || port.host_ip == "0.0.0.0";
        let protocol = if port.protocol.is_empty() { "TCP".to_owned() } else { port.protocol.clone() };
        (port.host_port, protocol, (!any).then(|| port.host_ip.clone()))
    };
    let pairs = all(one).into_iter().flat_map(|a| all(other).into_iter().map(move |b| (a.clone(), b)));
    pairs.into_iter().any(|(a, b)| {
        let ((port, protocol, ip), (of, by, at)) = (key(&a), key(&b));
        port == of && protocol == by && (ip == at || ip.is_none() || at.is_none())
    })
}

fn cluster() -> impl Strategy<Value = Cluster> {
    let pods = prop::collection::vec((0_usize..4, (0_u32..3, 0_u32..3, 0_u32..2), ports()), 0..4);
    (prop::collection::vec(node(), 1..4), pods).prop_map(|(mut nodes, pods)| {
        for (number, node) in nodes.iter_mut().enumerate() {
            node.name = format!("n{number}");
        }
        let pods = pods.into_iter().enumerate().map(|(number, (on, (cpu, memory, gpu), ports))| {
            let mut pod = RunningPod::named("", format!("p{number}"));
            pod.labels = [("app".to_owned(), "shop".to_owned())].into();
            pod.spec =
                Pod { node_name: Some(format!("n{}", on % nodes.len())), ..mk_pod([cpu, memory, gpu]) };
            pod.spec.containers[0].ports = ports;
            pod
        });
        Cluster { pods: pods.collect(), nodes, ..Cluster::default() }
    })
}

fn fleet() -> impl Strategy<Value = Vec<Cluster>> {
    prop::collection::vec((cluster(), 0_u8..2), 1..4).prop_map(|clusters| {
        let named = clusters.into_iter().enumerate().map(|(number, (cluster, center))| Cluster {
            name: format!("c{number}"),
            data_center: Some(format!("dc-{center}")),
            ..cluster
        });
        named.collect()
    })
}

fn wanted(skews: impl Strategy<Value = Vec<i32>>) -> impl Strategy<Value = Wanted> {
    ((0_u32..4, 0_u32..4, 0_u32..3), any::<bool>(), prop::option::of(0_u8..3), skews, ports()).prop_map(
        |((cpu, memory, gpu), tolerant, zone, skews, ports)| {
            let mut pod = mk_pod([cpu, memory, gpu]);
            pod.containers[0].ports = ports;
            if tolerant {
                pod.tolerations = vec![Toleration {
                    key: "only".to_owned(),
                    operator: "Exists".to_owned(),
                    ..Toleration::default()
                }];
            }
            if let Some(zone) = zone {
                pod.node_selector = [("zone".to_owned(), zone.to_string())].into();
            }
            pod.topology_spread_constraints = skews
                .into_iter()
                .map(|max_skew| TopologySpread {
                    max_skew,
                    topology_key: "zone".to_owned(),
                    when_unsatisfiable: "DoNotSchedule".to_owned(),
                    label_selector: Some(plimsoll_qos::LabelSelector::default()),
                    ..TopologySpread::default()
                })
                .collect();
            Wanted { labels: [("app".to_owned(), "shop".to_owned())].into(), ..Wanted::of_pod(pod) }
        },
    )
}

/// What a node has left when so many more of the wanted are on it.
fn fits(cluster: &Cluster, node: &Node, wanted: &Wanted, more: u32) -> bool {
    let mut there = cluster.pods.iter().filter(|pod| pod.spec.node_name.as_ref() == Some(&node.name));
    let alone = more == 0 || !in_the_way(&wanted.pod, &wanted.pod) || more == 1;
    if !alone || there.any(|pod| in_the_way(&pod.spec, &wanted.pod)) {
        return false;
    }
    let mut taken = Resources::new();
    let one = Resources::from_iter([("pods", Quantity::from_units(1))]);
    for pod in cluster.pods.iter().filter(|pod| pod.spec.node_name.as_ref() == Some(&node.name)) {
        taken += &pod.spec.containers[0].resources.requests;
        taken += &one;
    }
    for _ in 0..more {
        taken += &wanted.pod.containers[0].resources.requests;
        taken += &one;
    }
    // What is not asked for may be overdrawn already.
    let asked = &wanted.pod.containers[0].resources.requests;
    NAMES.iter().all(|name| {
        let counts = *name == "pods" || asked.positive(name).is_some();
        !counts || taken.amount(name) <= node.allocatable.amount(name)
    })
}

fn admits(node: &Node, wanted: &Wanted) -> bool {
    let selected = wanted.pod.node_selector.iter().all(|(key, value)| node.labels.get(key) == Some(value));
    selected && !node.unschedulable && (node.taints.is_empty() || !wanted.pod.tolerations.is_empty())
}

/// The most that any order of placing them one by one reaches, by trying all of them.
fn brute(cluster: &Cluster, wanted: &Wanted) -> u128 {
    let selected = |node: &&Node| {
        wanted.pod.node_selector.iter().all(|(key, value)| node.labels.get(key) == Some(value))
    };
    let zones: HashSet<_> = cluster.nodes.iter().filter(selected).map(|node| &node.labels["zone"]).collect();
    let mut seen = HashSet::new();
    let mut open = vec![vec![0_u32; cluster.nodes.len()]];
    let mut best = 0;
    while let Some(placed) = open.pop() {
        if !seen.insert(placed.clone()) {
            continue;
        }
        best = best.max(placed.iter().map(|n| u128::from(*n)).sum());
        let mut in_zone: BTreeMap<_, i64> = zones.iter().map(|zone| (*zone, 0)).collect();
        for (node, placed) in cluster.nodes.iter().zip(&placed).filter(|(node, _)| selected(node)) {
            let there =
                cluster.pods.iter().filter(|pod| pod.spec.node_name.as_ref() == Some(&node.name)).count();
            *in_zone.get_mut(&node.labels["zone"]).unwrap() +=
                i64::from(*placed) + i64::try_from(there).unwrap();
        }
        let emptiest = in_zone.values().min().copied().unwrap_or(0);
        for (number, node) in cluster.nodes.iter().enumerate() {
            let spread = wanted.pod.topology_spread_constraints.iter().all(|spread| {
                in_zone
                    .get(&node.labels["zone"])
                    .is_some_and(|there| there + 1 - emptiest <= i64::from(spread.max_skew))
            });
            if spread && admits(node, wanted) && fits(cluster, node, wanted, placed[number] + 1) {
                let mut next = placed.clone();
                next[number] += 1;
                open.push(next);
            }
        }
    }
    best
}

/// Parts add up to their whole, and what is placed and what is stranded to what is free.
fn check_sums(fit: &Fit<'_>) -> Result<(), TestCaseError> {
    let answer = fit.answer(Detail::Nodes);
    prop_assert_eq!(answer.all.fits, fit.total());
    let centers: u128 = answer.all.data_centers.iter().map(|center| center.fits).sum();
    prop_assert_eq!(centers, answer.all.fits);
    let mut scopes = vec![&answer.all];
    for center in &answer.all.data_centers {
        scopes.push(center);
        prop_assert_eq!(center.clusters.iter().map(|cluster| cluster.fits).sum::<u128>(), center.fits);
        for cluster in &center.clusters {
            scopes.push(cluster);
            prop_assert_eq!(
                cluster.nodes.iter().map(|node| u128::from(node.fits)).sum::<u128>(),
                cluster.fits
            );
            let mut stranded = Resources::new();
            for node in &cluster.nodes {
                stranded += &node.stranded;
            }
            prop_assert_eq!(&stranded, &cluster.stranded);
        }
    }
    for scope in scopes {
        prop_assert!(scope.fits <= scope.bound && scope.bound <= scope.by_sums);
        let mut whole = scope.stranded.clone();
        for _ in 0..scope.fits {
            whole += &answer.request;
        }
        prop_assert_eq!(whole.without_zeros(), scope.free.clone());
    }
    Ok(())
}

proptest! {
    #[test]
    fn what_fits_is_what_trying_every_placement_finds(
        fleet in fleet(), wanted in wanted(prop::collection::vec(1_i32..3, 0..2)),
    ) {
        let inventory = Inventory::new(fleet.clone(), Ledgers::Requests).unwrap();
        let fit = inventory.fit(&wanted).unwrap();
        let truth: u128 = fleet.iter().map(|cluster| brute(cluster, &wanted)).sum();
        prop_assert_eq!(fit.total(), truth);
        prop_assert_eq!(fit.bound(), truth);
        check_sums(&fit)?;
    }

    #[test]
    fn under_several_spreads_what_fits_can_be_placed_and_the_bound_holds(
        fleet in fleet(), wanted in wanted(prop::collection::vec(1_i32..4, 2..4)),
    ) {
        let inventory = Inventory::new(fleet.clone(), Ledgers::Requests).unwrap();
        let fit = inventory.fit(&wanted).unwrap();
        let truth: u128 = fleet.iter().map(|cluster| brute(cluster, &wanted)).sum();
        prop_assert!(fit.total() <= truth && truth <= fit.bound());
        check_sums(&fit)?;
    }

    #[test]
    fn more_room_never_takes_less(
        fleet in fleet(), wanted in wanted(Just(Vec::new())), name in prop::sample::select(NAMES.to_vec()),
        more in 1_u32..5, which in any::<prop::sample::Index>(),
    ) {
        let before = Inventory::new(fleet.clone(), Ledgers::Requests).unwrap().fit(&wanted).unwrap().total();
        let mut larger = fleet;
        let cluster = &mut larger[0];
        let number = which.index(cluster.nodes.len());
        let allocatable = &mut cluster.nodes[number].allocatable;
        let sum = allocatable.amount(name) + &Quantity::from_units(more);
        allocatable.insert(name, sum);
        let after = Inventory::new(larger, Ledgers::Requests).unwrap().fit(&wanted).unwrap().total();
        prop_assert!(after >= before);
    }

    #[test]
    fn beyond_the_useful_ratio_not_one_more_fits(
        fleet in fleet(), cpu in 1_u32..6, memory in 0_u32..4, finer in 1_u32..40, ports in ports(),
    ) {
        let of = |request: Quantity| {
            let mut wanted = Wanted::of_pod(mk_pod([0, memory, 0]));
            wanted.pod.containers[0].ports.clone_from(&ports);
            let resources = &mut wanted.pod.containers[0].resources;
            resources.requests.insert("cpu", request);
            resources.limits.insert("cpu", Quantity::from_units(cpu));
            wanted
        };
        let inventory = Inventory::new(fleet, Ledgers::Requests).unwrap();
        let limit = of(Quantity::from_units(cpu));
        let fit = inventory.fit(&limit).unwrap();
        let most = inventory.fit(&of(Quantity::from_millis(1))).unwrap().total();
        let Some(useful) = fit.useful_ratio() else {
            prop_assert_eq!(most, 0);
            return Ok(());
        };
        // At k* everything fits that ever will; one thousandth of a core more, and on some node it does not,
        // unless k* is one.
        let at = u64::try_from(cpu * 1000 * useful.ratio.denominator() / useful.ratio.numerator()).unwrap();
        prop_assert_eq!(inventory.fit(&of(Quantity::from_millis(at))).unwrap().total(), most);
        prop_assert_eq!(inventory.fit(&of(Quantity::from_millis((at / u64::from(finer)).max(1)))).unwrap().total(), most);
        if useful.decimal != "1.000" {
            prop_assert!(inventory.fit(&of(Quantity::from_millis(at + 1))).unwrap().total() < most);
        }
    }

    #[test]
    fn extremes_have_an_answer_or_a_named_error(
        amounts in prop::collection::vec("-?[0-9]{1,40}(m|k|Gi|E|Ei|)|0|9223372036854775807|-1n|1n", 8),
        counts in (1_u32..50, prop::num::i32::ANY),
    ) {
        let quantity = |n: usize| amounts[n].parse::<Quantity>().unwrap();
        let mut node = Node::named("n1");
        node.allocatable = NAMES.iter().enumerate().map(|(n, name)| (*name, quantity(n))).collect();
        node.labels.insert("zone".to_owned(), "a".to_owned());
        let mut pod = Pod::default();
        for n in 0..counts.0 {
            let mut container = Container::named(format!("c{n}"));
            container.resources.requests = [("cpu", quantity(4)), ("memory", quantity(5))].into_iter().collect();
            pod.containers.push(container);
        }
        let mut running = RunningPod::named("demo", "p");
        running.spec = Pod { node_name: Some("n1".to_owned()), ..pod.clone() };
        running.spec.overhead = [("memory", quantity(6))].into_iter().collect();
        pod.topology_spread_constraints = vec![TopologySpread {
            max_skew: counts.1, topology_key: "zone".to_owned(), ..TopologySpread::default()
        }];
        let cluster = Cluster { name: "c".to_owned(), nodes: vec![node], pods: vec![running], ..Cluster::default() };
        let peaks = Ledgers::RequestsAndPeaks { target_percent: 90 };
        for ledgers in [Ledgers::Requests, peaks] {
            if let Ok(inventory) = Inventory::new(vec![cluster.clone()], ledgers) {
                for pod in [pod.clone(), Pod { topology_spread_constraints: Vec::new(), ..pod.clone() }] {
                    if let Ok(fit) = inventory.fit(&Wanted::of_pod(pod.clone())) {
                        let answer = fit.answer(Detail::Nodes);
                        prop_assert!(answer.all.fits <= answer.all.by_sums);
                        let times = u128::from(fit.on_node(0).unwrap());
                        // Nothing is sold that is not there.
                        if let Some(one) = quantity(4).is_positive().then(|| quantity(4)) {
                            let sold = one.nanos() * counts.0 * times;
                            let there = answer.all.free.amount("cpu").nanos();
                            prop_assert!(sold <= there, "{} of {}", sold, there);
                        }
                    }
                }
            }
        }
    }
}
