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
