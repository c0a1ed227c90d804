//! How many more fit, what decides it, and what is missing when a data center is lost.
//!
//! `cargo run -p plimsoll-qos --example capacity`

use std::error::Error;

use plimsoll_qos::{
    Amounts, Cluster, Container, Detail, Grade, Inventory, Ledgers, Lost, Node, Pod, Resources, RunningPod,
    Wanted, requests,
};

/// A data center of three servers, each with a few pods of a shop.
fn data_center(name: &str, pods: usize) -> Result<Cluster, Box<dyn Error>> {
    let mut cluster = Cluster { name: name.to_owned(), ..Cluster::default() };
    for number in 1..=3 {
        let mut node = Node::named(format!("{name}-server-{number}"));
        node.allocatable =
            Resources::from([("cpu", "96".parse()?), ("memory", "384Gi".parse()?), ("pods", "110".parse()?)]);
        cluster.nodes.push(node);
    }
    let grades = [Grade::Important, Grade::General5];
    for (number, grade) in (0..pods).zip(grades.into_iter().cycle()) {
        let limit = Amounts { cpu: "4".parse()?, memory: "24Gi".parse()? };
        let Amounts { cpu, memory } = requests(&limit, grade, &grade.terms()).amounts();
        let mut main = Container::named("main");
        main.resources.requests = Resources::from([("cpu", cpu), ("memory", memory)]);
        let mut pod = RunningPod::named("demo", format!("shop-{name}-{number}"));
        pod.spec = Pod {
            containers: vec![main],
            node_name: Some(cluster.nodes[number % 3].name.clone()),
            priority: Some(grade.priority().1),
            ..Pod::default()
        };
        cluster.pods.push(pod);
    }
    Ok(cluster)
}

fn main() -> Result<(), Box<dyn Error>> {
    let inventory =
        Inventory::new(vec![data_center("east", 36)?, data_center("west", 36)?], Ledgers::Requests)?;

    let limit = Amounts { cpu: "2".parse()?, memory: "4Gi".parse()? };
    for grade in Grade::ALL {
        let wanted = Wanted::of_size(&limit, grade, &grade.terms())?;
        let answer = inventory.fit(&wanted)?.answer(Detail::DataCenters);
        println!("{grade}: {}", answer.all.because);
        for center in &answer.all.data_centers {
            println!("  {}: {}; stranded: {}", center.name, center.fits, listed(&center.stranded));
        }
        if let Some(useful) = answer.useful_ratio.filter(|_| grade == Grade::General10) {
            println!("  selling CPU more than {} times buys nothing: {}", useful.decimal, useful.because);
        }
    }

    let lost = inventory.lose(&Lost { data_centers: vec!["east".to_owned()], ..Lost::default() })?;
    println!("\nwithout east: {}", lost.because);
    for tier in &lost.tiers {
        println!("  priority {}: {} of {} come back", tier.priority, tier.returns, tier.displaced);
    }
    if let Some(missing) = lost.missing.first() {
        println!("  {}/{}: {}", missing.namespace, missing.name, missing.because);
    }
    Ok(())
}

fn listed(amounts: &Resources) -> String {
    amounts.iter().map(|(name, amount)| format!("{amount} {name}")).collect::<Vec<_>>().join(", ")
}
