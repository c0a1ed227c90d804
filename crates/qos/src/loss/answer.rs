//! What is answered to "what if we lose this?".

use std::collections::BTreeMap;

use serde::Serialize;

use super::bound::Bound;
use super::displaced::Displaced;
use super::place::{Place, Survivors};
use crate::Resources;
use crate::capacity::answer::counted;
use crate::capacity::uncounted::in_words as uncounted_in_words;
use crate::capacity::{Inventory, Uncounted};

/// What comes back elsewhere, and what does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LossAnswer {
    /// How many nodes are lost, and how many are left.
    pub nodes_lost: usize,
    /// How many nodes are left.
    pub nodes_left: usize,
    /// How many pods went with their nodes for good, because they belong to them.
    pub tied: usize,
    /// How many pods have to find another place.
    pub displaced: usize,
    /// How many of them come back: that many were placed, so that many can be.
    pub returns: usize,
    /// How many of them come back at most, whatever is placed where.
    pub bound: u64,
    /// The answer in words.
    pub because: String,
    /// The same by importance, the most important first.
    pub tiers: Vec<Tier>,
    /// What does not come back, by name, the most important first.
    pub missing: Vec<Missing>,
    /// What the missing ones request together.
    pub short: Resources,
    /// What is free on the nodes that are left, before anything is placed there.
    pub free_before: Resources,
    /// What is free there afterwards.
    pub free_after: Resources,
    /// Where the others go.
    pub moves: Vec<Move>,
    /// The same where pods of a lower priority are pushed aside, if that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preemption: Option<Preemption>,
    /// What of the displaced pods the scheduler looks at and this answer does not, with the number of pods that have
    /// it; whether these come back is not certain.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_counted: Vec<Uncounted>,
    /// What was left out of the counting.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// The pods of one priority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tier {
    /// The value of their `PriorityClass`.
    pub priority: i32,
    /// Its name, where they have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority_class: Option<String>,
    /// How many of them have to find another place.
    pub displaced: usize,
    /// How many of them come back.
    pub returns: usize,
    /// How many of them and of all more important ones together come back at most; absent where there are too
    /// many priorities to prove it for each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound_with_higher: Option<u64>,
}

/// A pod that does not come back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// The cluster that it was in.
    pub cluster: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The value of its `PriorityClass`.
    pub priority: i32,
    /// Why no node takes it.
    pub because: String,
}

/// What comes back where the scheduler pushes pods of a lower priority aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Preemption {
    /// How many of the displaced pods come back.
    pub returns: usize,
    /// How many of them come back at most, whoever is pushed aside and whatever is placed where.
    pub bound: u64,
    /// The answer in words.
    pub because: String,
    /// Who ran on what is left and is pushed aside, in the order in which it happens.
    pub pushed_aside: Vec<Pushed>,
    /// What of the displaced pods does not come back even so.
    pub missing: Vec<Missing>,
    /// What the scheduler looks at and this answer does not: grace periods, and budgets where none are given.
    pub not_counted: Vec<Uncounted>,
}

/// A pod that makes way for a more important one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pushed {
    /// The cluster that it ran in.
    pub cluster: String,
    /// The node that it ran on.
    pub node: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The value of its `PriorityClass`.
    pub priority: i32,
    /// The pod that it makes way for, as `namespace/name`.
    pub makes_way_for: String,
    /// The disruption budget that this breaks, as `namespace/name`, where the scheduler found nobody else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaks_budget: Option<String>,
    /// Where it goes itself, as `cluster/node`; none where nothing takes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goes_to: Option<String>,
    /// Why nothing takes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// A pod that finds another place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Move {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The cluster that it was in.
    pub from_cluster: String,
    /// The node that it was on.
    pub from_node: String,
    /// The cluster that takes it.
    pub to_cluster: String,
    /// The node that takes it.
    pub to_node: String,
}

impl LossAnswer {
    pub(crate) fn new(
        inventory: &Inventory,
        gone: &[bool],
        displaced: &Displaced<'_>,
        places: &[Place],
        bounds: &[Bound],
        survivors: &Survivors<'_>,
    ) -> Self {
        let mut answer = Self {
            nodes_lost: gone.iter().filter(|gone| **gone).count(),
            nodes_left: survivors.nodes.len(),
            tied: displaced.tied,
            displaced: displaced.pods.len(),
            returns: 0,
            bound: bounds.last().map_or(0, |bound| bound.most),
            because: String::new(),
            tiers: tiers(displaced, places, bounds),
            missing: Vec::new(),
            short: Resources::new(),
            free_before: inventory.list(survivors.free_in_all()),
            free_after: Resources::new(),
            moves: Vec::new(),
            preemption: None,
            not_counted: displaced.not_counted(),
            notes: inventory.notes().to_vec(),
        };
        let mut short = vec![0_u128; inventory.dimensions.len()];
        let mut after = survivors.free_in_all().to_vec();
        for ((placed, kind), place) in displaced.pods.iter().zip(places) {
            let pod = &placed.pod;
            let (namespace, name) = (pod.namespace.clone(), pod.name.clone());
            let cluster = inventory.grounds[placed.ground].name.clone();
            let amounts =
                placed.demand.iter().map(|(d, amount)| (d.index(), u128::from(amount.unsigned_abs())));
            match place {
                Place::Node(node) => {
                    amounts.for_each(|(dimension, amount)| after[dimension] -= amount);
                    answer.returns += 1;
                    answer.moves.push(Move {
                        namespace,
                        name,
                        from_cluster: cluster,
                        from_node: inventory.nodes[placed.node].name.clone(),
                        to_cluster: inventory.grounds[inventory.ground_of(*node)].name.clone(),
                        to_node: inventory.nodes[*node].name.clone(),
                    });
                }
                Place::Nowhere(because) => {
                    amounts.for_each(|(dimension, amount)| short[dimension] += amount);
                    let (priority, because) = (displaced.kinds[*kind].priority, because.clone());
                    answer.missing.push(Missing { cluster, namespace, name, priority, because });
                }
            }
        }
        answer.short = inventory.list(&short);
        answer.free_after = inventory.list(&after);
        answer.because = format!("{}{}", answer.in_words(), uncounted_in_words(&answer.not_counted));
        answer
    }

    /// Whether everything that has to find another place finds one.
    pub fn all_return(&self) -> bool {
        self.missing.is_empty()
    }

    fn in_words(&self) -> String {
        let Self { displaced, returns, bound, .. } = self;
        let left = counted(self.nodes_left as u64);
        let Some(first) = self.missing.first() else {
            return match displaced {
                0 => "no pod has to find another place".to_owned(),
                _ => format!("all {displaced} pods find another place on the {left} left"),
            };
        };
        let missing = self.missing.len();
        let missing = if missing == 1 { "1 does not".to_owned() } else { format!("{missing} do not") };
        let proof = if u64::try_from(*returns).is_ok_and(|returns| returns == *bound) {
            "no placement brings back more".to_owned()
        } else {
            format!("no placement brings back more than {bound}")
        };
        format!(
            "{returns} of {displaced} pods find another place on the {left} left, {missing}, the \
             most important of them {}/{}; {proof}",
            first.namespace, first.name
        )
    }
}

fn tiers(displaced: &Displaced<'_>, places: &[Place], bounds: &[Bound]) -> Vec<Tier> {
    let proven: BTreeMap<i32, u64> = bounds.iter().map(|bound| (bound.priority, bound.most)).collect();
    let mut tiers: Vec<Tier> = Vec::new();
    for ((placed, kind), place) in displaced.pods.iter().zip(places) {
        let priority = displaced.kinds[*kind].priority;
        if tiers.last().is_none_or(|tier| tier.priority != priority) {
            tiers.push(Tier {
                priority,
                priority_class: None,
                displaced: 0,
                returns: 0,
                bound_with_higher: proven.get(&priority).copied(),
            });
        }
        if let Some(tier) = tiers.last_mut() {
            tier.displaced += 1;
            tier.returns += usize::from(matches!(place, Place::Node(_)));
            tier.priority_class =
                tier.priority_class.take().or_else(|| placed.pod.spec.priority_class_name.clone());
        }
    }
    tiers
}
