//! The scheduler: a node for each pod that has none, or the reason why there is none.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use plimsoll_qos::Quantity;

use super::Outcome;
use super::recorder::{Kind, Recorder, Source};
use super::shared::Shared;
use crate::admission::quota::{Usage, amounts};
use crate::api::{Api, Caller, Part, Target};
use crate::kinds::resources;
use crate::object::{self, flag, list, map, text};
use crate::select::LabelSelector;
use crate::status::ApiError;
use crate::store::{Key, Object};
use crate::tree::{Value, json};

const CALLER: &str = "kube-scheduler";
const SOURCE: Source<'_> = Source { component: "default-scheduler", host: "" };
/// After so long it is tried again to place a pod that fits nowhere, whether anything has changed or not.
const AGAIN: SignedDuration = SignedDuration::from_mins(5);

/// Keeps in mind what is on which node, as told of each change: looking through all pods for each that waits would take
/// ever longer.
pub(super) struct Scheduler {
    api: Arc<Api>,
    recorder: Recorder,
    /// By name, which is also the order of lists.
    rooms: BTreeMap<String, Room>,
    /// The pods that take something from a node.
    placed: HashMap<Key, Placed>,
    /// What pods take, and the names of where they are and of whose they are.
    demands: Shared<Usage>,
    names: Shared<str>,
    /// When it was last told of pods that fit nowhere.
    told: HashMap<Key, Timestamp>,
}

/// A node with what is still free on it.
struct Room {
    node: Object,
    capacity: Usage,
    free: Usage,
    pods: usize,
    /// How many pods of each owner there are, by its uid.
    owners: HashMap<Arc<str>, usize>,
}

/// What a pod takes, and where.
struct Placed {
    node: Arc<str>,
    demand: Arc<Usage>,
    owner: Arc<str>,
}

impl Room {
    fn new(node: Object) -> Self {
        let capacity = amounts(&node, "/status/allocatable");
        Self { node, free: capacity.clone(), capacity, pods: 0, owners: HashMap::new() }
    }

    fn add(&mut self, pod: &Placed) {
        self.free -= &pod.demand;
        self.pods += 1;
        if !pod.owner.is_empty() {
            *self.owners.entry(pod.owner.clone()).or_default() += 1;
        }
    }

    fn remove(&mut self, pod: &Placed) {
        self.free += &pod.demand;
        self.pods -= 1;
        if let Some(count) = self.owners.get_mut(&pod.owner) {
            *count -= 1;
            if *count == 0 {
                self.owners.remove(&pod.owner);
            }
        }
    }
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
        Self {
            api,
            recorder,
            rooms: BTreeMap::new(),
            placed: HashMap::new(),
            demands: Shared::default(),
            names: Shared::default(),
            told: HashMap::new(),
        }
    }

    /// A node changed, or is gone.
    pub(super) fn learn_node(&mut self, name: &str, node: Option<&Object>) {
        let Some(node) = node else {
            self.rooms.remove(name);
            return;
        };
        if let Some(room) = self.rooms.get_mut(name)
            && room.capacity == amounts(node, "/status/allocatable")
        {
            room.node = node.clone();
            return;
        }
        let mut room = Room::new(node.clone());
        self.placed.values().filter(|pod| *pod.node == *name).for_each(|pod| room.add(pod));
        self.rooms.insert(name.to_owned(), room);
    }

    /// A pod changed, or is gone.
    pub(super) fn learn_pod(&mut self, key: &Key, pod: &Object, gone: bool) {
        let facts = pod.facts();
        let node = &*facts.node;
        let takes = !gone && !facts.is_finished && !node.is_empty();
        if !takes {
            if let Some(placed) = self.placed.remove(key)
                && let Some(room) = self.rooms.get_mut(&*placed.node)
            {
                room.remove(&placed);
            }
        } else if self.placed.get(key).is_none_or(|placed| *placed.node != *node) {
            self.place(key, pod, node, demand(pod));
        }
    }

    fn place(&mut self, key: &Key, pod: &Value, node: &str, demand: Usage) {
        let owner = object::controller_of(pod).map(|owner| text(owner, "/uid")).unwrap_or_default();
        let (node, owner) = (self.names.one(node), self.names.one(owner));
        let placed = Placed { node, demand: self.demands.one(demand), owner };
        if let Some(room) = self.rooms.get_mut(&*placed.node) {
            room.add(&placed);
        }
        if let Some(before) = self.placed.insert(key.clone(), placed)
            && let Some(room) = self.rooms.get_mut(&*before.node)
        {
            room.remove(&before);
        }
    }

    pub(super) fn sync(&mut self) -> Outcome {
        let mut waiting = self.api.store.having("pods", "/spec/nodeName", "");
        // Each is read through a handle of its own: all of them at once would be very large.
        waiting.retain(|pod| {
            !pod.facts().is_terminating && list(&pod.unread(), "/spec/schedulingGates").is_empty()
        });
        waiting.retain(|pod| text(pod, "/spec/schedulerName") == "default-scheduler");
        // Higher priority first, then first come, first served.
        waiting.sort_by_cached_key(|pod| {
            let (version, pod) = (pod.facts().revision, pod.unread());
            let priority = object::integer(&pod, "/spec/priority").unwrap_or_default();
            (-priority, text(&pod, "/metadata/creationTimestamp").to_owned(), version)
        });
        let before = std::mem::take(&mut self.told);
        let now = self.api.now();
        let mut next: Option<Duration> = None;
        for pod in waiting {
            let demand = demand(&pod);
            let key = Key::new("pods", object::namespace(&pod), object::name(&pod));
            match self.choose(&pod, &demand) {
                Ok(node) => {
                    self.bind(&pod, &node)?;
                    self.place(&key, &pod, &node, demand);
                }
                Err(obstacles) => {
                    let told = before.get(&key).copied();
                    let at = self.report(&pod, &obstacles, told, now)?;
                    let again = super::until(now, at.saturating_add(AGAIN).unwrap_or(Timestamp::MAX));
                    next = Some(next.map_or(again, |next| next.min(again)));
                    self.told.insert(key, at);
                }
            }
        }
        Ok(next)
    }

    /// The node for a pod: of those that fit, the one with the fewest of its siblings, then the most room.
    fn choose(&self, pod: &Value, demand: &Usage) -> Result<String, Vec<Obstacle>> {
        let wish = self.wish(pod, demand);
        let owner = object::controller_of(pod).map(|owner| text(owner, "/uid")).unwrap_or_default();
        let mut obstacles = Vec::new();
        let mut fitting = Vec::new();
        for (name, room) in &self.rooms {
            match obstacle(&wish, room) {
                Some(found) => obstacles.push(found),
                None => fitting.push((name, room)),
            }
        }
        let best = fitting.into_iter().min_by_key(|(name, room)| {
            let free = |resource: &str| room.free.amount(resource).millis_i64().unwrap_or(i64::MAX);
            let siblings = room.owners.get(owner).copied().unwrap_or_default();
            (siblings, room.pods, -free("cpu"), -free("memory"), *name)
        });
        best.map(|(name, _)| name.clone()).ok_or(obstacles)
    }

    /// What a pod asks of its node.
    fn wish<'a>(&self, pod: &'a Value, demand: &'a Usage) -> Wish<'a> {
        let spreads = list(pod, "/spec/topologySpreadConstraints")
            .iter()
            .filter(|constraint| text(constraint, "/whenUnsatisfiable") == "DoNotSchedule")
            .map(|constraint| self.spread(pod, constraint))
            .collect();
        let apart =
            list(pod, "/spec/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution")
                .iter()
                .map(|term| {
                    let key = text(term, "/topologyKey");
                    (key, self.domains(pod, &term["labelSelector"], key).into_iter().collect())
                })
                .collect();
        Wish { pod, demand, spreads, apart }
    }

    fn spread<'a>(&self, pod: &Value, constraint: &'a Value) -> Spread<'a> {
        let key = text(constraint, "/topologyKey");
        let domains = self.rooms.values().filter_map(|room| object::label(&room.node, key));
        let mut counts: BTreeMap<String, i64> = domains.map(|domain| (domain.to_owned(), 0)).collect();
        for domain in self.domains(pod, &constraint["labelSelector"], key) {
            *counts.entry(domain).or_default() += 1;
        }
        Spread { key, counts, most: object::integer(constraint, "/maxSkew").unwrap_or(1) }
    }

    /// The domain of each pod of the same namespace that a selector selects and that is on a node.
    fn domains(&self, pod: &Value, selector: &Value, key: &str) -> Vec<String> {
        let namespace = object::namespace(pod);
        let selector = LabelSelector::from_object(selector).unwrap_or_default();
        let selected = self.api.store.select_names("pods", namespace, &selector);
        let node = |name| Some(&self.placed.get(&Key::new("pods", namespace, name))?.node);
        let domain = |name| Some(object::label(&self.rooms.get(&**node(name)?)?.node, key)?.to_owned());
        selected.into_iter().filter_map(domain).collect()
    }

    fn bind(&self, pod: &Object, node: &str) -> Result<(), ApiError> {
        let Some(target) = self.target(pod) else { return Ok(()) };
        self.api.bind(&target, node)?;
        let message =
            format!("Successfully assigned {}/{} to {node}", object::namespace(pod), object::name(pod));
        self.recorder.record(SOURCE, pod, Kind::Normal, "Scheduled", &message);
        Ok(())
    }

    /// Says that a pod fits nowhere, where that is new or was said long ago; when it was said last.
    fn report(
        &self,
        pod: &Object,
        obstacles: &[Obstacle],
        told: Option<Timestamp>,
        at: Timestamp,
    ) -> Result<Timestamp, ApiError> {
        let Some(target) = self.target(pod) else { return Ok(at) };
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
        // What a restarted cluster finds was said by the one before.
        let told = told.unwrap_or(at);
        let is_new = object::resource_version(&after) != before;
        if is_new || at.duration_since(told) >= AGAIN {
            self.recorder.record(SOURCE, pod, Kind::Warning, "FailedScheduling", &message);
            return Ok(at);
        }
        Ok(told)
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

/// What a pod takes from a node; a slot among them.
fn demand(pod: &Value) -> Usage {
    let mut demand = resources(pod).requests();
    demand.insert("pods", Quantity::from_units(1));
    demand
}

/// What a pod asks of its node, worked out once for all of them.
struct Wish<'a> {
    pod: &'a Value,
    demand: &'a Usage,
    spreads: Vec<Spread<'a>>,
    /// Topology keys, and the domains in which it may not be.
    apart: Vec<(&'a str, BTreeSet<String>)>,
}

/// A `DoNotSchedule` spread.
struct Spread<'a> {
    key: &'a str,
    /// How many of its pods are in each domain.
    counts: BTreeMap<String, i64>,
    most: i64,
}

impl Spread<'_> {
    /// Whether one more pod here would make it too uneven.
    fn breaks(&self, node: &Value) -> bool {
        let Some(here) = object::label(node, self.key) else { return true };
        let least = self.counts.values().min().copied().unwrap_or_default();
        self.counts.get(here).copied().unwrap_or_default() + 1 - least > self.most
    }
}

fn obstacle(wish: &Wish<'_>, room: &Room) -> Option<Obstacle> {
    let Wish { pod, demand, spreads, apart } = wish;
    let node = &*room.node;
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
    for (name, amount, _) in demand.beyond(&room.free) {
        if amount.is_zero() {
            continue;
        }
        let shown = if name == "pods" { "Too many pods".to_owned() } else { format!("Insufficient {name}") };
        return Some(if amount > room.capacity.amount(name) {
            Obstacle::TooSmall(shown)
        } else {
            Obstacle::Insufficient(shown)
        });
    }
    if spreads.iter().any(|spread| spread.breaks(node)) {
        return Some(Obstacle::Spread);
    }
    let taken = |(key, domains): &(&str, BTreeSet<String>)| {
        object::label(node, key).is_some_and(|here| domains.contains(here))
    };
    apart.iter().any(taken).then_some(Obstacle::AntiAffinity)
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
