//! The scheduler: a node for each pod that has none, or the reason why there is none.

use std::collections::BTreeMap;
use std::sync::Arc;

use plimsoll_qos::Quantity;
use serde_json::{Value, json};

use super::Outcome;
use super::recorder::{Kind, Recorder, Source};
use crate::admission::quota::{Usage, amounts};
use crate::api::{Api, Caller, Part, Target};
use crate::kinds::resources;
use crate::object::{self, flag, list, map, text};
use crate::select::LabelSelector;
use crate::status::ApiError;
use crate::store::Object;

const CALLER: &str = "kube-scheduler";
const SOURCE: Source<'_> = Source { component: "default-scheduler", host: "" };

pub(super) struct Scheduler {
    api: Arc<Api>,
    recorder: Recorder,
}

/// A node with what is still free on it.
struct Room {
    node: Object,
    free: Usage,
    pods: Vec<Object>,
}

/// Why a node cannot take a pod.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Obstacle {
    /// Less is free than asked for; it would help if others left.
    Insufficient(String),
    /// More is asked for than the node has at all.
    TooSmall(String),
    Unschedulable,
    Taint(String),
    Selector,
    Spread,
    AntiAffinity,
}

impl Scheduler {
    pub(super) fn new(api: Arc<Api>, recorder: Recorder) -> Self {
        Self { api, recorder }
    }

    pub(super) fn sync(&mut self) -> Outcome {
        let pods = self.api.store.list("pods", None);
        let mut waiting: Vec<Object> = pods
            .iter()
            .filter(|pod| text(pod, "/spec/nodeName").is_empty() && !object::is_terminating(pod))
            .filter(|pod| list(pod, "/spec/schedulingGates").is_empty())
            .cloned()
            .collect();
        if waiting.is_empty() {
            return Ok(None);
        }
        // Higher priority first, then first come, first served.
        waiting.sort_by_key(|pod| {
            let priority = object::integer(pod, "/spec/priority").unwrap_or_default();
            let version: u64 = object::resource_version(pod).parse().unwrap_or_default();
            (-priority, text(pod, "/metadata/creationTimestamp").to_owned(), version)
        });
        let mut rooms = self.rooms(&pods);
        for pod in waiting {
            match choose(&pod, &rooms) {
                Ok(index) => {
                    let placed = self.bind(&pod, object::name(&rooms[index].node))?;
                    let room = &mut rooms[index];
                    take(&mut room.free, &placed);
                    room.pods.push(placed);
                }
                Err(obstacles) => self.report(&pod, &obstacles)?,
            }
        }
        Ok(None)
    }

    fn rooms(&self, pods: &[Object]) -> Vec<Room> {
        let mut by_node: BTreeMap<&str, Vec<Object>> = BTreeMap::new();
        for pod in pods {
            let finished = matches!(text(pod, "/status/phase"), "Succeeded" | "Failed");
            if !finished {
                by_node.entry(text(pod, "/spec/nodeName")).or_default().push(pod.clone());
            }
        }
        let nodes = self.api.store.list("nodes", None);
        nodes
            .into_iter()
            .map(|node| {
                let mut free = amounts(&node, "/status/allocatable");
                let pods = by_node.remove(object::name(&node)).unwrap_or_default();
                for pod in &pods {
                    take(&mut free, pod);
                }
                Room { node, free, pods }
            })
            .collect()
    }

    fn bind(&self, pod: &Object, node: &str) -> Result<Object, ApiError> {
        let Some(target) = self.target(pod) else { return Ok(pod.clone()) };
        let bound = self.api.bind(&target, node)?;
        let message =
            format!("Successfully assigned {}/{} to {node}", object::namespace(pod), object::name(pod));
        self.recorder.record(SOURCE, pod, Kind::Normal, "Scheduled", &message);
        Ok(bound)
    }

    fn report(&self, pod: &Object, obstacles: &[Obstacle]) -> Result<(), ApiError> {
        let Some(target) = self.target(pod) else { return Ok(()) };
        let message = sentence(obstacles);
        let now = self.api.timestamp();
        let before = object::resource_version(pod);
        let after = self.api.modify(&Caller::component(CALLER), &target, Part::Status, |pod| {
            let condition = json!({
                "type": "PodScheduled",
                "status": "False",
                "reason": "Unschedulable",
                "message": message,
            });
            set_scheduled(pod, condition, &now);
        })?;
        if object::resource_version(&after) != before {
            self.recorder.record(SOURCE, pod, Kind::Warning, "FailedScheduling", &message);
        }
        Ok(())
    }

    fn target(&self, pod: &Value) -> Option<Target> {
        let pods = self.api.registry.by_key("pods")?;
        Some(Target::new(&pods, object::namespace(pod), object::name(pod)))
    }
}

fn set_scheduled(pod: &mut Value, mut condition: Value, now: &str) {
    let generation = object::generation(pod);
    condition["lastProbeTime"] = Value::Null;
    condition["observedGeneration"] = generation.into();
    let held = super::condition(pod, "PodScheduled");
    condition["lastTransitionTime"] = match held {
        Some(held) if held["status"] == condition["status"] => held["lastTransitionTime"].clone(),
        _ => now.into(),
    };
    let mut conditions: Vec<Value> = list(pod, "/status/conditions")
        .iter()
        .filter(|held| text(held, "/type") != "PodScheduled")
        .cloned()
        .collect();
    conditions.push(condition);
    pod["status"]["conditions"] = conditions.into();
}

fn take(free: &mut Usage, pod: &Value) {
    *free -= &demand(pod);
}

/// What a pod takes from a node; a slot among them.
fn demand(pod: &Value) -> Usage {
    let mut demand = resources(pod).requests();
    demand.insert("pods", Quantity::from_units(1));
    demand
}

/// The node for a pod: of those that fit, the one with the fewest of its siblings, then the most room.
fn choose(pod: &Value, rooms: &[Room]) -> Result<usize, Vec<Obstacle>> {
    let demand = demand(pod);
    let mut obstacles = Vec::new();
    let mut fitting = Vec::new();
    for (index, room) in rooms.iter().enumerate() {
        match obstacle(pod, &demand, room, rooms) {
            Some(found) => obstacles.push(found),
            None => fitting.push(index),
        }
    }
    let siblings = |room: &Room| {
        let owner = object::controller_of(pod).map(|owner| text(owner, "/uid"));
        room.pods
            .iter()
            .filter(|other| {
                owner.is_some() && object::controller_of(other).map(|owner| text(owner, "/uid")) == owner
            })
            .count()
    };
    let best = fitting.into_iter().min_by_key(|index| {
        let room = &rooms[*index];
        let free = |name: &str| room.free.amount(name).millis_i64().unwrap_or(i64::MAX);
        (siblings(room), room.pods.len(), -free("cpu"), -free("memory"), *index)
    });
    best.ok_or(obstacles)
}

fn obstacle(pod: &Value, demand: &Usage, room: &Room, rooms: &[Room]) -> Option<Obstacle> {
    let node = &room.node;
    if flag(node, "/spec/unschedulable")
        && !tolerates(pod, "node.kubernetes.io/unschedulable", "", "NoSchedule")
    {
        return Some(Obstacle::Unschedulable);
    }
    for taint in list(node, "/spec/taints") {
        let (key, value, effect) = (text(taint, "/key"), text(taint, "/value"), text(taint, "/effect"));
        if effect != "PreferNoSchedule" && !tolerates(pod, key, value, effect) {
            let shown = if value.is_empty() { key.to_owned() } else { format!("{key}: {value}") };
            return Some(Obstacle::Taint(shown));
        }
    }
    if !matches_selector(pod, node) {
        return Some(Obstacle::Selector);
    }
    let capacity = amounts(node, "/status/allocatable");
    for (name, amount, _) in demand.beyond(&room.free) {
        if amount.is_zero() {
            continue;
        }
        let shown = if name == "pods" { "Too many pods".to_owned() } else { format!("Insufficient {name}") };
        return Some(if amount > capacity.amount(name) {
            Obstacle::TooSmall(shown)
        } else {
            Obstacle::Insufficient(shown)
        });
    }
    if breaks_spread(pod, room, rooms) {
        return Some(Obstacle::Spread);
    }
    breaks_anti_affinity(pod, room, rooms).then_some(Obstacle::AntiAffinity)
}

fn tolerates(pod: &Value, key: &str, value: &str, effect: &str) -> bool {
    list(pod, "/spec/tolerations").iter().any(|toleration| fits(toleration, key, value, effect))
}

/// Whether a toleration speaks of a taint.
pub(super) fn fits(toleration: &Value, key: &str, value: &str, effect: &str) -> bool {
    let (held, wanted) = (text(toleration, "/key"), text(toleration, "/effect"));
    let key_fits = held == key || (held.is_empty() && text(toleration, "/operator") == "Exists");
    let value_fits = text(toleration, "/operator") == "Exists" || text(toleration, "/value") == value;
    key_fits && value_fits && (wanted.is_empty() || wanted == effect)
}

fn matches_selector(pod: &Value, node: &Value) -> bool {
    let wanted = map(pod, "/spec/nodeSelector").into_iter().flatten();
    let labels = wanted.into_iter().all(|(key, value)| object::label(node, key) == value.as_str());
    let terms = list(
        pod,
        "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms",
    );
    // The operators are those of label selectors, save for two that compare numbers.
    let any = terms.is_empty()
        || terms.iter().any(|term| {
            LabelSelector::from_object(term).is_some_and(|selector| selector.matches_object(node))
        });
    labels && any
}

/// Whether placing the pod here would make a `DoNotSchedule` spread too uneven.
fn breaks_spread(pod: &Value, room: &Room, rooms: &[Room]) -> bool {
    list(pod, "/spec/topologySpreadConstraints")
        .iter()
        .filter(|constraint| text(constraint, "/whenUnsatisfiable") == "DoNotSchedule")
        .any(|constraint| {
            let key = text(constraint, "/topologyKey");
            let Some(here) = object::label(&room.node, key) else { return true };
            let selector = LabelSelector::from_object(&constraint["labelSelector"]).unwrap_or_default();
            let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
            for other in rooms {
                let Some(domain) = object::label(&other.node, key) else { continue };
                let matching = other.pods.iter().filter(|held| {
                    object::namespace(held) == object::namespace(pod) && selector.matches_object(held)
                });
                *counts.entry(domain).or_default() += i64::try_from(matching.count()).unwrap_or_default();
            }
            let least = counts.values().min().copied().unwrap_or_default();
            let skew = counts.get(here).copied().unwrap_or_default() + 1 - least;
            skew > object::integer(constraint, "/maxSkew").unwrap_or(1)
        })
}

fn breaks_anti_affinity(pod: &Value, room: &Room, rooms: &[Room]) -> bool {
    list(pod, "/spec/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution").iter().any(
        |term| {
            let key = text(term, "/topologyKey");
            let here = object::label(&room.node, key);
            let selector = LabelSelector::from_object(&term["labelSelector"]).unwrap_or_default();
            rooms.iter().filter(|other| here.is_some() && object::label(&other.node, key) == here).any(
                |other| {
                    other.pods.iter().any(|held| {
                        object::namespace(held) == object::namespace(pod) && selector.matches_object(held)
                    })
                },
            )
        },
    )
}

/// The scheduler's sentence: how many nodes there are, and what kept how many of them from taking the pod.
fn sentence(obstacles: &[Obstacle]) -> String {
    let total = obstacles.len();
    if total == 0 {
        return "no nodes available to schedule pods".to_owned();
    }
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let mut helpless = 0;
    for obstacle in obstacles {
        let reason = match obstacle {
            Obstacle::Insufficient(shown) | Obstacle::TooSmall(shown) => shown.clone(),
            Obstacle::Unschedulable => "node(s) were unschedulable".to_owned(),
            Obstacle::Taint(taint) => format!("node(s) had untolerated taint(s) {{{taint}}}"),
            Obstacle::Selector => "node(s) didn't match Pod's node affinity/selector".to_owned(),
            Obstacle::Spread => "node(s) didn't match pod topology spread constraints".to_owned(),
            Obstacle::AntiAffinity => "node(s) didn't match pod anti-affinity rules".to_owned(),
        };
        *reasons.entry(reason).or_default() += 1;
        helpless += usize::from(!matches!(
            obstacle,
            Obstacle::Insufficient(_) | Obstacle::Spread | Obstacle::AntiAffinity
        ));
    }
    let mut shown: Vec<String> =
        reasons.into_iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    shown.sort();
    let mut victims = Vec::new();
    if total > helpless {
        victims.push(format!("{} No preemption victims found for incoming pod.", total - helpless));
    }
    if helpless > 0 {
        victims.push(format!("{helpless} Preemption is not helpful for scheduling."));
    }
    victims.sort();
    format!(
        "0/{total} nodes are available: {}. preemption: 0/{total} nodes are available: {}",
        shown.join(", "),
        victims.join(", ").replace("., ", ", "),
    )
}

#[cfg(test)]
mod tests {
    use super::{Obstacle, sentence};

    #[test]
    fn the_sentence_counts_reasons_as_the_real_scheduler_does() {
        let small = vec![Obstacle::TooSmall("Insufficient cpu".into())];
        assert_eq!(
            sentence(&small),
            "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 Preemption is \
             not helpful for scheduling."
        );
        let mixed = vec![
            Obstacle::Insufficient("Insufficient memory".into()),
            Obstacle::Insufficient("Insufficient memory".into()),
            Obstacle::Unschedulable,
        ];
        assert_eq!(
            sentence(&mixed),
            "0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient memory. preemption: 0/3 \
             nodes are available: 1 Preemption is not helpful for scheduling, 2 No preemption victims found \
             for incoming pod."
        );
    }
}
