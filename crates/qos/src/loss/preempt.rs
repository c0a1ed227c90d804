//! Who is pushed aside: the scheduler's preemption, pod by pod, the most important first.
//!
//! It begins where the plain answer ends, with those who found no place. As in Kubernetes, such a pod takes the node
//! where the fewest must go against a disruption budget, then where those who must go are the least important, then the
//! fewest in weight and number; of those below it on that node, whoever has a budget stays first if it can, and then the
//! more important. Whoever must go looks for another place by its own priority, whether it
//! ran there or had just come back. So the law holds that **nobody who comes back, and nobody who runs, is lost but for
//! somebody more important**: among the displaced, and among all pods, the most important priority at which the two
//! answers differ in number has more with preemption than without, and if nobody is pushed aside, nobody is lost.
//!
//! Grace periods are not counted, nor budgets that are not given, which the answer says; spreads and anti-affinities go on counting those who ran and went.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use super::answer::{Missing, Preemption, Pushed};
use super::displaced::{Displaced, Kind};
use super::place::{Place, Survivors};
use super::spreads::{Settled, Spreads};
use crate::capacity::budget::Budgets;
use crate::capacity::inventory::Placed;
use crate::capacity::{CapacityError, Inventory, Tied, Uncounted};

/// A pod that waits for a place: the most important first, then in the order in which they came to wait.
type Waiting = (Reverse<i32>, usize);

/// One of the pods that wait.
struct Waiter<'a> {
    placed: &'a Placed,
    kind: usize,
    /// Which of the pushed ones it is; none for one that was displaced.
    pushed: Option<usize>,
}

struct Play<'a, 'k> {
    inventory: &'a Inventory,
    gone: &'a [bool],
    survivors: &'k mut Survivors<'a>,
    kinds: Vec<Kind<'a>>,
    /// Those who still run, by node.
    running: HashMap<usize, Vec<&'a Placed>>,
    /// Where pods were placed, by namespace, for spreads.
    settled: HashMap<&'a str, Settled<'a>>,
    /// What is left of disruption budgets.
    budgets: Budgets<'a>,
    /// Kinds that found no place since somebody was pushed aside last, and why.
    refused: HashMap<usize, String>,
}

/// Plays it to its end, from where the plain answer leaves off: `places` says where it puts each of the displaced, and
/// `survivors` what it leaves free.
pub(super) fn play<'a>(
    inventory: &'a Inventory,
    gone: &'a [bool],
    displaced: &Displaced<'a>,
    places: &[Place],
    survivors: &mut Survivors<'a>,
    bound: u64,
) -> Result<Preemption, CapacityError> {
    let mut running: HashMap<usize, Vec<&Placed>> = HashMap::new();
    for placed in inventory.pods.iter().filter(|placed| !gone[placed.node]) {
        running.entry(placed.node).or_default().push(placed);
    }
    let mut settled: HashMap<&str, Settled<'a>> = HashMap::new();
    let mut waiters: Vec<Waiter<'a>> = Vec::new();
    for (&(placed, kind), place) in displaced.pods.iter().zip(places) {
        match place {
            Place::Node(node) => {
                running.entry(*node).or_default().push(placed);
                settled.entry(&placed.pod.namespace).or_default().push((*node, &placed.pod.labels));
            }
            Place::Nowhere(_) => waiters.push(Waiter { placed, kind, pushed: None }),
        }
    }
    for there in running.values_mut() {
        // The more important first, which is the order in which they are let stay.
        there.sort_by_cached_key(|placed| (Reverse(priority(placed)), placed.pod.full_name()));
    }
    let mut first: Vec<Option<&Placed>> = vec![None; displaced.kinds.len()];
    for &(placed, kind) in &displaced.pods {
        first[kind].get_or_insert(placed);
    }
    let kind = |placed| Kind::new(placed, inventory, gone, survivors.free_in_all());
    let kinds = first.into_iter().flatten().map(kind).collect::<Result<Vec<_>, _>>()?;
    let without = displaced.pods.len() - waiters.len();
    let budgets = Budgets::new(inventory.grounds.iter().map(|ground| ground.budgets.as_slice()));
    let not_counted = not_counted(&budgets);
    let refused = HashMap::new();
    let mut play = Play { inventory, gone, survivors, kinds, running, settled, budgets, refused };
    let mut queue: BTreeSet<Waiting> =
        waiters.iter().enumerate().map(|(place, waiter)| (Reverse(priority(waiter.placed)), place)).collect();
    let mut answer = Preemption {
        returns: without,
        bound,
        because: String::new(),
        pushed_aside: Vec::new(),
        missing: Vec::new(),
        not_counted,
    };
    while let Some((_, place)) = queue.pop_first() {
        let Waiter { placed, kind, pushed } = waiters[place];
        let found = play.place(placed, kind);
        match (&found, pushed) {
            (Ok((node, victims)), _) => {
                for &victim in victims {
                    let ground = inventory.ground_of(*node);
                    let breaks_budget = play.budgets.disturb(ground, &victim.pod);
                    let pushed = if gone[victim.node] {
                        // It had found a place and waits again; nobody who runs is pushed aside.
                        answer.returns -= 1;
                        None
                    } else {
                        answer
                            .pushed_aside
                            .push(Pushed { breaks_budget, ..pushed_by(inventory, victim, placed) });
                        if victim.pod.tied == Tied::ToItsNode {
                            continue;
                        }
                        Some(answer.pushed_aside.len() - 1)
                    };
                    let kind = play.kind_of(victim)?;
                    queue.insert((Reverse(priority(victim)), waiters.len()));
                    waiters.push(Waiter { placed: victim, kind, pushed });
                }
                match pushed {
                    None => answer.returns += 1,
                    Some(pushed) => {
                        let cluster = &inventory.grounds[inventory.ground_of(*node)].name;
                        let to = format!("{cluster}/{}", inventory.nodes[*node].name);
                        answer.pushed_aside[pushed].goes_to = Some(to);
                    }
                }
            }
            (Err(why), None) => answer.missing.push(Missing {
                cluster: inventory.grounds[placed.ground].name.clone(),
                namespace: placed.pod.namespace.clone(),
                name: placed.pod.name.clone(),
                priority: priority(placed),
                because: why.clone(),
            }),
            (Err(why), Some(pushed)) => answer.pushed_aside[pushed].because = Some(why.clone()),
        }
    }
    answer.because = in_words(&answer, displaced.pods.len(), without);
    Ok(answer)
}

impl<'a> Play<'a, '_> {
    /// Finds a node for a pod, and whom it pushes aside there.
    fn place(&mut self, placed: &'a Placed, kind: usize) -> Result<(usize, Vec<&'a Placed>), String> {
        if let Some(why) = self.refused.get(&kind) {
            return Err(why.clone());
        }
        let spec = &self.kinds[kind];
        if let Some(field) = spec.uncounted {
            return Err(format!("{field} is not counted here, so it may or may not come back"));
        }
        let settled = self.settled.get(spec.namespace);
        let spread = Spreads::new(self.inventory, self.gone, spec, settled);
        let admits = |node: usize| {
            self.survivors.admits(node, spec)
                && spread.as_ref().is_none_or(|it| it.admit(self.inventory, node))
        };
        let free = self.survivors.nodes.iter().copied();
        // Best fit: the node on which least is left.
        let fit = free.filter(|node| self.survivors.takes(*node, spec) && admits(*node)).min_by_key(|node| {
            (spec.demand.iter().map(|(d, _)| self.survivors.free(*node)[d.index()]).min(), *node)
        });
        let (node, victims) = if let Some(node) = fit {
            (node, Vec::new())
        } else if spec.pod.preemption_policy.as_deref() == Some("Never") {
            let why = self.survivors.why_not(spec, spread.as_ref());
            let why = format!("{why}; its preemptionPolicy is Never, so nobody makes way");
            self.refused.insert(kind, why.clone());
            return Err(why);
        } else {
            let nodes = self.survivors.nodes.iter().copied().filter(|node| admits(*node));
            let candidates = nodes.filter_map(|node| Some((node, self.victims(node, spec)?)));
            let least = candidates.min_by_key(|(node, (victims, broken))| (*broken, cost(victims), *node));
            let Some((node, (victims, _))) = least else {
                let why = self.survivors.why_not(spec, spread.as_ref());
                self.refused.insert(kind, why.clone());
                return Err(why);
            };
            (node, victims)
        };
        for victim in &victims {
            self.survivors.give_back(node, victim);
            if self.gone[victim.node]
                && let Some(settled) = self.settled.get_mut(victim.pod.namespace.as_str())
            {
                let labels = &victim.pod.labels;
                settled.retain(|(on, of)| *on != node || !std::ptr::eq(*of, labels));
            }
        }
        if !victims.is_empty() {
            // What is left over may take others.
            self.refused.clear();
            if let Some(there) = self.running.get_mut(&node) {
                there.retain(|placed| !victims.iter().any(|victim| std::ptr::eq(*victim, *placed)));
            }
        }
        self.survivors.take(node, placed);
        self.settled.entry(&placed.pod.namespace).or_default().push((node, &placed.pod.labels));
        Ok((node, victims))
    }

    /// Who must leave a node so that such a pod fits, and how many of them against a budget; none where it does not
    /// fit even without all below it.
    fn victims(&self, node: usize, kind: &Kind<'_>) -> Option<(Vec<&'a Placed>, usize)> {
        let below = || {
            let there = self.running.get(&node).into_iter().flatten();
            there.filter(|placed| priority(placed) < kind.priority)
        };
        let mut free = self.survivors.free(node).to_vec();
        for (dimension, amount) in below().flat_map(|placed| &placed.demand) {
            free[dimension.index()] += amount;
        }
        for (dimension, amount) in kind.demand {
            free[dimension.index()] -= amount;
        }
        if kind.demand.iter().any(|(dimension, _)| free[dimension.index()] < 0) {
            return None;
        }
        let in_the_way = |placed: &Placed| placed.in_the_way(kind.ports).is_some();
        if self.survivors.holders(node).any(|placed| priority(placed) >= kind.priority && in_the_way(placed))
        {
            return None;
        }
        let below: Vec<&Placed> = below().copied().collect();
        let pods = below.iter().map(|placed| &placed.pod);
        let breaking = self.budgets.broken_by(self.inventory.ground_of(node), pods);
        // Those whose going breaks a budget are let stay first, each time the more important before the others.
        let (kept, others): (Vec<_>, Vec<_>) =
            below.into_iter().zip(breaking).partition(|(_, breaks)| *breaks);
        let (mut victims, mut broken) = (Vec::new(), 0);
        for (placed, breaks) in kept.into_iter().chain(others) {
            // It stays if there is room for it beside the newcomer, who counts in its own dimensions alone.
            let stays = placed.demand.iter().all(|(dimension, amount)| {
                let is_asked = kind.demand.iter().any(|(of, _)| of == dimension);
                !is_asked || free[dimension.index()] >= *amount
            });
            let stays = stays && !in_the_way(placed);
            if stays {
                for (dimension, amount) in &placed.demand {
                    free[dimension.index()] -= amount;
                }
            } else {
                victims.push(placed);
                broken += usize::from(breaks);
            }
        }
        victims.sort_by_cached_key(|placed| (Reverse(priority(placed)), placed.pod.full_name()));
        Some((victims, broken))
    }

    fn kind_of(&mut self, placed: &'a Placed) -> Result<usize, CapacityError> {
        let kind = Kind::new(placed, self.inventory, self.gone, self.survivors.free_in_all())?;
        self.kinds.push(kind);
        Ok(self.kinds.len() - 1)
    }
}

/// What the scheduler compares nodes by: the most important who must go, all of them in weight, and their number.
fn cost(victims: &[&Placed]) -> (i32, i64, usize) {
    let highest = victims.iter().map(|victim| priority(victim)).max().unwrap_or(i32::MIN);
    let sum = victims.iter().map(|victim| i64::from(priority(victim)) + i64::from(i32::MAX) + 1).sum();
    (highest, sum, victims.len())
}

fn priority(placed: &Placed) -> i32 {
    placed.pod.spec.priority.unwrap_or(0)
}

fn pushed_by(inventory: &Inventory, victim: &Placed, by: &Placed) -> Pushed {
    Pushed {
        cluster: inventory.grounds[victim.ground].name.clone(),
        node: inventory.nodes[victim.node].name.clone(),
        namespace: victim.pod.namespace.clone(),
        name: victim.pod.name.clone(),
        priority: priority(victim),
        makes_way_for: by.pod.full_name(),
        breaks_budget: None,
        goes_to: None,
        because: (victim.pod.tied == Tied::ToItsNode).then(|| "it belongs to its node".to_owned()),
    }
}

/// What the scheduler looks at beside, whomever it is about.
fn not_counted(budgets: &Budgets<'_>) -> Vec<Uncounted> {
    let grace = Uncounted::new(
        "terminationGracePeriodSeconds",
        "those who make way take their time, and a place is free only after that",
    );
    let unknown = Uncounted::new(
        "podDisruptionBudget",
        "no budgets are given; the scheduler breaks them last, so where there are any, others may make way, or on \
         other nodes",
    );
    if budgets.are_none() { vec![unknown, grace] } else { vec![grace] }
}

fn in_words(answer: &Preemption, displaced: usize, without: usize) -> String {
    let Preemption { returns, bound, pushed_aside, .. } = answer;
    let homeless = pushed_aside.iter().filter(|pushed| pushed.goes_to.is_none()).count();
    let mut aside = match (pushed_aside.len(), homeless) {
        (0, _) => "nobody is pushed aside".to_owned(),
        (1, 0) => "1 less important pod is pushed aside and finds another place".to_owned(),
        (1, _) => "1 less important pod is pushed aside and finds no other place".to_owned(),
        (aside, 0) => format!("{aside} less important pods are pushed aside and find another place"),
        (aside, 1) => format!("{aside} less important pods are pushed aside, 1 of them finds no other place"),
        (aside, homeless) => {
            format!("{aside} less important pods are pushed aside, {homeless} of them find no other place")
        }
    };
    let broken = pushed_aside.iter().filter(|pushed| pushed.breaks_budget.is_some()).count();
    if broken > 0 {
        aside = format!("{aside}, {broken} against a disruption budget");
    }
    let fewer = if *returns < without {
        format!("; without that {without} would, but less important ones")
    } else {
        String::new()
    };
    let uncounted = match answer.not_counted.len() {
        1 => "grace periods are not counted",
        _ => "disruption budgets (none are given) and grace periods are not counted",
    };
    format!(
        "{returns} of {displaced} pods come back where less important ones make way, at most {bound} can; {aside}\
         {fewer}; {uncounted}"
    )
}
