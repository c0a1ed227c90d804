//! The question "what if we lose this?" as programs and files ask it.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::LossAnswer;
use super::displaced::Displaced;
use super::place::Survivors;
use super::preempt;
use crate::capacity::{CapacityError, Cluster, Inventory, Ledgers};

/// What does not come back when these data centers, clusters or nodes are lost?
///
/// ```json
/// {"clusters": [{"name": "dc-1", "nodes": […], "pods": […]}, {"name": "dc-2", "nodes": […], "pods": […]}],
///  "lose": {"dataCenters": ["dc-1"]}}
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct LossRequest {
    /// What there is.
    pub clusters: Vec<Cluster>,
    /// What of it is lost.
    pub lose: Lost,
    /// Whether predicted peaks are counted beside requests.
    #[serde(default)]
    pub ledgers: Ledgers,
    /// Whether it is asked as well who is pushed aside for what comes back.
    #[serde(default)]
    pub preempt: Preempt,
}

/// Whom pods that come back may push aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Preempt {
    /// Nobody.
    #[default]
    Nobody,
    /// Pods of a lower priority, as the scheduler does.
    LowerPriority,
}

/// What is lost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Lost {
    /// Data centers by name, with all their clusters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub data_centers: Vec<String>,
    /// Clusters by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clusters: Vec<String>,
    /// Single nodes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<LostNode>,
}

/// A node that is lost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LostNode {
    /// Its cluster.
    pub cluster: String,
    /// Its name.
    pub node: String,
}

/// Answers what comes back elsewhere and what does not.
pub fn lose(request: LossRequest) -> Result<LossAnswer, CapacityError> {
    let LossRequest { clusters, lose, ledgers, preempt } = request;
    let inventory = Inventory::new(clusters, ledgers)?;
    match preempt {
        Preempt::Nobody => inventory.lose(&lose),
        Preempt::LowerPriority => inventory.lose_preempting(&lose),
    }
}

impl Inventory {
    /// What comes back elsewhere when that is lost, and what does not.
    ///
    /// Pods that belong to their node are gone with it. The others are placed on the free room of what is left, the
    /// more important first, then the larger, each on the node that it fills best (best-fit decreasing); nobody who
    /// still runs is pushed aside.
    pub fn lose(&self, lost: &Lost) -> Result<LossAnswer, CapacityError> {
        let gone = self.gone(lost)?;
        let mut survivors = Survivors::new(self, &gone);
        let displaced = Displaced::new(self, &gone, &survivors)?;
        let bounds = displaced.bounds(&survivors);
        let places = survivors.place_all(&displaced);
        Ok(LossAnswer::new(self, &gone, &displaced, &places, &bounds, &survivors))
    }

    /// The same, and beside it what comes back where the scheduler pushes pods of a lower priority aside, and who
    /// they are.
    ///
    /// Nobody is lost by it but for somebody more important: at the most important priority at which the two differ
    /// in number, more of the displaced come back with preemption than without.
    pub fn lose_preempting(&self, lost: &Lost) -> Result<LossAnswer, CapacityError> {
        let gone = self.gone(lost)?;
        let mut survivors = Survivors::new(self, &gone);
        let displaced = Displaced::new(self, &gone, &survivors)?;
        let bounds = displaced.bounds(&survivors);
        let places = survivors.place_all(&displaced);
        let answer = LossAnswer::new(self, &gone, &displaced, &places, &bounds, &survivors);
        let highest = displaced.kinds.iter().map(|kind| kind.priority).max().unwrap_or(i32::MIN);
        let bound = displaced.bounds(&Survivors::cleared(self, &gone, highest));
        let bound = bound.last().map_or(0, |bound| bound.most);
        let preemption = preempt::play(self, &gone, &displaced, &places, &mut survivors, bound)?;
        Ok(LossAnswer { preemption: Some(preemption), ..answer })
    }

    /// Which nodes are lost.
    fn gone(&self, lost: &Lost) -> Result<Vec<bool>, CapacityError> {
        let mut gone = vec![false; self.nodes.len()];
        let unknown = |what: String| CapacityError::Unknown { what };
        for name in &lost.data_centers {
            let mut grounds = self.grounds.iter().filter(|ground| ground.data_center == *name).peekable();
            grounds.peek().ok_or_else(|| unknown(format!("data center `{name}`")))?;
            grounds.for_each(|ground| gone[ground.nodes.clone()].fill(true));
        }
        for name in &lost.clusters {
            let ground = self.grounds.iter().find(|ground| ground.name == *name);
            let ground = ground.ok_or_else(|| unknown(format!("cluster `{name}`")))?;
            gone[ground.nodes.clone()].fill(true);
        }
        let named: HashSet<_> =
            lost.nodes.iter().map(|lost| (lost.cluster.as_str(), lost.node.as_str())).collect();
        let mut found = HashSet::new();
        for ground in self.grounds.iter().filter(|_| !named.is_empty()) {
            for node in ground.nodes.clone() {
                let name = (ground.name.as_str(), self.nodes[node].name.as_str());
                if named.contains(&name) {
                    gone[node] = true;
                    found.insert(name);
                }
            }
        }
        match lost.nodes.iter().find(|lost| !found.contains(&(lost.cluster.as_str(), lost.node.as_str()))) {
            Some(LostNode { cluster, node }) => Err(unknown(format!("node `{node}` in cluster `{cluster}`"))),
            None => Ok(gone),
        }
    }
}
