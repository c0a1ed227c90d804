//! Clusters out of what `kubectl get nodes,pods,pdb -A` prints.

use std::collections::BTreeMap;

use plimsoll_qos::{Amounts, Cluster, DisruptionBudget, Ledgers, Node, RunningPod};
use serde::Deserialize;

use super::arguments::{Dump, Fleet};
use super::input::{Found, Input};
use crate::failure::Failure;

/// An object of a dump.
#[derive(Deserialize)]
#[serde(tag = "kind")]
enum Object {
    Node(Box<Node>),
    Pod(Box<RunningPod>),
    PodDisruptionBudget(Box<DisruptionBudget>),
    /// Whatever else was printed along.
    #[serde(other)]
    Other,
}

impl Fleet {
    /// The clusters, in the order in which they are named, and what is counted in them.
    pub(super) fn read(self) -> Result<(Vec<Cluster>, Ledgers), Failure> {
        let Self { clusters: dumps, peak_target, peaks } = self;
        let mut clusters: Vec<Cluster> = Vec::new();
        for Dump { data_center, cluster: name, file } in dumps {
            let input = Input::open(&file)?;
            let place = clusters.iter().position(|cluster| cluster.name == name).unwrap_or_else(|| {
                let data_center = Some(data_center);
                clusters.push(Cluster { name, data_center, ..Cluster::default() });
                clusters.len() - 1
            });
            let cluster = &mut clusters[place];
            let size = |it: &Cluster| it.nodes.len() + it.pods.len() + it.budgets.len();
            let before = size(cluster);
            for Found { item, .. } in input.objects::<Object>()? {
                match item {
                    Object::Node(node) => cluster.nodes.push(*node),
                    Object::Pod(pod) => cluster.pods.push(*pod),
                    Object::PodDisruptionBudget(budget) => cluster.budgets.push(*budget),
                    Object::Other => {}
                }
            }
            if size(cluster) == before {
                return Err(Failure::usage(format!("{} holds no node and no pod", input.name()))
                    .with("give what `kubectl get nodes,pods,pdb -A -o json` prints"));
            }
        }
        for Dump { cluster: name, file, .. } in peaks {
            let input = Input::open(&file)?;
            let Some(cluster) = clusters.iter_mut().find(|cluster| cluster.name == name) else {
                return Err(Failure::usage(format!("--peaks {name}: there is no such cluster"))
                    .with(format!("name it as --cluster {name}=FILE too")));
            };
            cluster.peaks.extend(input.one::<BTreeMap<String, Amounts>>()?);
        }
        if let Some(bare) = clusters.iter().find(|cluster| cluster.nodes.is_empty()) {
            return Err(Failure::usage(format!("{} has no node", bare.name))
                .with("give what `kubectl get nodes,pods,pdb -A -o json` prints"));
        }
        let ledgers = match peak_target {
            Some(target_percent) => Ledgers::RequestsAndPeaks { target_percent },
            None => Ledgers::Requests,
        };
        Ok((clusters, ledgers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::Index;
    use serde_json::{Value, json};

    /// What kubectl prints of two nodes, three pods and what else is there.
    fn mk_dump() -> String {
        let node = |name: &str| {
            json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"zone": "a"}},
                "spec": {"unschedulable": false}, "status": {"allocatable": {"cpu": "7900m", "memory": "32Gi", "pods": "110"}}})
        };
        let pod = |name: &str| {
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "demo"},
                "spec": {"nodeName": "n1", "priority": 7, "containers": [{"name": "app", "resources":
                    {"requests": {"cpu": "250m", "memory": "1Gi"}, "limits": {"cpu": 1, "memory": "1.5Gi"}}}]},
                "status": {"phase": "Running"}})
        };
        let budget = json!({"kind": "PodDisruptionBudget", "metadata": {"name": "b", "namespace": "demo"},
            "spec": {"selector": {"matchLabels": {"app": "shop"}}}, "status": {"disruptionsAllowed": 1}});
        let service = json!({"kind": "Service", "metadata": {"name": "web"}});
        let items = [node("n1"), node("n2"), pod("p1"), pod("p2"), pod("p3"), budget, service];
        json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()
    }

    fn read(text: &[u8]) -> Result<Vec<Cluster>, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("dump");
        std::fs::write(&file, text).unwrap();
        let dump = Dump { data_center: "dc-1".to_owned(), cluster: "dc-1".to_owned(), file };
        let fleet = Fleet { clusters: vec![dump], peak_target: None, peaks: Vec::new() };
        fleet.read().map(|(clusters, _)| clusters)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(600))]

        /// A list of kubectl has a quick way of its own, and YAML goes another.
        #[test]
        fn a_faulty_dump_is_refused_with_a_reason_or_read_as_the_same_whatever_way(
            slips in prop::collection::vec(
                (any::<Index>(), 0_usize..6, prop::sample::select(vec!["", "-", "0", "9", "e9", "i", "\"", "null", "[", "}", ",", "\u{e9}"])),
                0..4,
            ),
        ) {
            let mut text = mk_dump();
            for (at, count, piece) in slips {
                let mut from = at.index(text.len());
                let mut to = text.len().min(from + count);
                while !text.is_char_boundary(from) { from -= 1; }
                while !text.is_char_boundary(to) { to += 1; }
                text.replace_range(from..to, piece);
            }
            match (read(text.as_bytes()), serde_json::from_str::<Value>(&text)) {
                (Ok(clusters), Ok(value)) => {
                    prop_assert_eq!(clusters.len(), 1);
                    let yaml = serde_saphyr::to_string(&value).unwrap();
                    for other in [format!("\n{value:#}\n"), yaml] {
                        let again = read(other.as_bytes()).map_err(|failure| failure.lines().join("; "));
                        prop_assert_eq!(again.as_ref(), Ok(&clusters), "{}", other);
                    }
                }
                (Ok(_), Err(_)) => {}
                (Err(failure), _) => prop_assert!(failure.lines().iter().all(|line| !line.is_empty())),
            }
        }
    }
}
