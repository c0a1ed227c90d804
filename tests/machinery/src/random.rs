//! Random sequences of writes by several managers, and the smallest that still shows a difference.

use serde_json::{Map, Value, json};

const MANAGERS: [&str; 3] = ["a", "b", "c"];

/// What a sequence works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Flat maps, labels and a set.
    ConfigMap,
    /// Lists that are merged by key, atomic ones, and defaults. Without replicas.
    ReplicaSet,
    /// An object of [`definition`].
    Thing,
}

/// How a write is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Server-side apply.
    Apply,
    /// Server-side apply that takes over what others own.
    Force,
    /// A merge patch.
    Merge,
    /// A strategic merge patch.
    Strategic,
    /// A replace of the whole object.
    Replace,
    /// A patch that forgets all managers.
    Forget,
}

/// One write.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// How.
    pub verb: Verb,
    /// By whom.
    pub manager: &'static str,
    /// What, without a name.
    pub body: Value,
}

/// Writes to one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequence {
    /// Of which kind it is.
    pub kind: Kind,
    /// In this order.
    pub steps: Vec<Step>,
}

impl Sequence {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Self {
        let mut random = Random(fastrand::Rng::with_seed(seed));
        let kind = random.one(&[Kind::ConfigMap, Kind::ReplicaSet, Kind::Thing]);
        let length = random.0.usize(2..7);
        Self { kind, steps: (0..length).map(|at| random.step(kind, at)).collect() }
    }

    /// All that are one step, or one field of one step, smaller.
    pub fn smaller(&self) -> Vec<Self> {
        let mut found = Vec::new();
        for at in 0..self.steps.len() {
            let mut less = self.clone();
            less.steps.remove(at);
            found.push(less);
        }
        for (at, step) in self.steps.iter().enumerate() {
            for path in paths(&step.body) {
                let mut less = self.clone();
                remove(&mut less.steps[at].body, &path);
                found.push(less);
            }
        }
        found
    }
}

/// The definition of [`Kind::Thing`] in a group.
pub fn definition(group: &str) -> Value {
    let named = json!({
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string"},
            "v": {"type": "integer"},
            "kind": {"type": "string", "default": "plain"},
        },
    });
    let by_name = json!({
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        "items": named,
    });
    let spec = json!({
        "type": "object",
        "properties": {
            "n": {"type": "integer", "default": 3},
            "m": {"type": "object", "additionalProperties": {"type": "string"}},
            "whole": {
                "type": "object",
                "x-kubernetes-map-type": "atomic",
                "additionalProperties": {"type": "string"},
            },
            "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
            "list": {"type": "array", "items": {"type": "string"}},
            "items": by_name,
        },
    });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("things.{group}")},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "things", "singular": "thing", "kind": "Thing"},
            "versions": [{
                "name": "v1",
                "served": true,
                "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}},
            }],
        },
    })
}

struct Random(fastrand::Rng);

impl Random {
    fn one<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.0.usize(..from.len())]
    }

    fn often(&mut self) -> bool {
        self.0.u8(..3) > 0
    }

    fn seldom(&mut self) -> bool {
        self.0.u8(..5) == 0
    }

    fn some<T: Copy>(&mut self, from: &[T]) -> Vec<T> {
        let mut kept: Vec<T> = from.iter().copied().filter(|_| self.0.bool()).collect();
        self.0.shuffle(&mut kept);
        kept
    }

    fn step(&mut self, kind: Kind, at: usize) -> Step {
        let verb = match self.0.u8(..20) {
            // The first write makes the object.
            roll if at == 0 || roll < 9 => Verb::Apply,
            9..=12 => Verb::Force,
            16 | 17 if kind != Kind::Thing => Verb::Strategic,
            18 if kind != Kind::Thing => Verb::Replace,
            13..=18 => Verb::Merge,
            _ => Verb::Forget,
        };
        let manager = self.one(&MANAGERS);
        if verb == Verb::Forget {
            return Step { verb, manager, body: json!({"metadata": {"managedFields": [{}]}}) };
        }
        let mut body = match kind {
            Kind::ConfigMap => json!({}),
            Kind::ReplicaSet => json!({"spec": self.replica_set()}),
            Kind::Thing => json!({"spec": self.thing()}),
        };
        if kind == Kind::ConfigMap && self.often() {
            body["data"] = self.map(&["k", "l", "m"], verb);
        }
        body["metadata"] = self.metadata(verb);
        Step { verb, manager, body }
    }

    fn map(&mut self, keys: &[&str], verb: Verb) -> Value {
        let mut map = Map::new();
        for key in self.some(keys) {
            let removed = verb == Verb::Merge && self.seldom();
            let value = if removed { Value::Null } else { self.one(&["1", "2"]).into() };
            map.insert(key.to_owned(), value);
        }
        map.into()
    }

    fn metadata(&mut self, verb: Verb) -> Value {
        let mut metadata = json!({});
        if self.seldom() {
            metadata["labels"] = self.map(&["x", "y"], verb);
        }
        if self.seldom() {
            metadata["annotations"] = self.map(&["p", "q"], verb);
        }
        if self.seldom() {
            metadata["finalizers"] = self.some(&["example.io/a", "example.io/b", "example.io/c"]).into();
        }
        metadata
    }

    fn replica_set(&mut self) -> Value {
        let mut pod = json!({});
        let names = if self.often() { vec!["main"] } else { self.some(&["main", "side", "third"]) };
        let containers: Vec<Value> = names.into_iter().map(|name| self.container(name)).collect();
        pod["containers"] = containers.into();
        if self.seldom() {
            pod["nodeSelector"] = self.map(&["zone", "disk"], Verb::Apply);
        }
        if self.seldom() {
            let names = self.some(&["one", "two"]);
            pod["volumes"] = names.into_iter().map(|name| json!({"name": name, "emptyDir": {}})).collect();
        }
        if self.seldom() {
            pod["terminationGracePeriodSeconds"] = self.one(&[5, 30]).into();
        }
        let mut spec = json!({
            "replicas": 0,
            "selector": {"matchLabels": {"app": "x"}},
            "template": {"metadata": {"labels": {"app": "x"}}, "spec": pod},
        });
        if self.seldom() {
            spec["minReadySeconds"] = self.one(&[0, 1, 2]).into();
        }
        spec
    }

    fn container(&mut self, name: &str) -> Value {
        let mut container = json!({"name": name});
        if self.often() {
            container["image"] = self.one(&["registry.example/app:1", "registry.example/app:2"]).into();
        }
        if self.seldom() {
            container["args"] = self.some(&["x", "y"]).into();
        }
        if self.seldom() {
            let names = self.some(&["A", "B", "C"]);
            container["env"] =
                names.into_iter().map(|name| json!({"name": name, "value": self.one(&["1", "2"])})).collect();
        }
        if self.seldom() {
            let mut port = json!({"containerPort": self.one(&[80, 81])});
            if self.0.bool() {
                port["protocol"] = self.one(&["TCP", "UDP"]).into();
            }
            container["ports"] = json!([port]);
        }
        if self.seldom() {
            container["resources"] = json!({"limits": {"cpu": self.one(&["1", "1000m", "2"])}});
        }
        container
    }

    fn thing(&mut self) -> Value {
        let mut spec = json!({});
        if self.seldom() {
            spec["n"] = self.one(&[1, 2, 3]).into();
        }
        if self.0.bool() {
            spec["m"] = self.map(&["k", "l"], Verb::Apply);
        }
        if self.seldom() {
            spec["whole"] = self.map(&["k", "l"], Verb::Apply);
        }
        if self.0.bool() {
            spec["set"] = self.some(&["x", "y", "z"]).into();
        }
        if self.seldom() {
            spec["list"] = self.some(&["x", "y"]).into();
        }
        if self.0.bool() {
            let names = self.some(&["one", "two", "three"]);
            let items = names.into_iter().map(|name| {
                let mut item = json!({"name": name});
                if self.often() {
                    item["v"] = self.one(&[1, 2]).into();
                }
                if self.seldom() {
                    item["kind"] = self.one(&["plain", "other"]).into();
                }
                item
            });
            spec["items"] = items.collect();
        }
        spec
    }
}

/// Every field and item of a value.
fn paths(value: &Value) -> Vec<Vec<String>> {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect(),
        _ => Vec::new(),
    };
    let mut found = Vec::new();
    for (name, value) in inner {
        found.push(vec![name.clone()]);
        found.extend(paths(value).into_iter().map(|mut path| {
            path.insert(0, name.clone());
            path
        }));
    }
    found
}

fn remove(value: &mut Value, path: &[String]) {
    let [name, rest @ ..] = path else { return };
    match value {
        Value::Object(fields) if rest.is_empty() => drop(fields.remove(name)),
        Value::Object(fields) => fields.get_mut(name).into_iter().for_each(|inner| remove(inner, rest)),
        Value::Array(items) => {
            let Ok(at) = name.parse::<usize>() else { return };
            if rest.is_empty() {
                items.remove(at);
            } else if let Some(inner) = items.get_mut(at) {
                remove(inner, rest);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::Sequence;

    #[test]
    fn a_seed_gives_one_sequence_and_each_smaller_one_differs() {
        let sequence = Sequence::new(7);
        assert_eq!(sequence, Sequence::new(7));
        assert_ne!(sequence, Sequence::new(8));
        let smaller = sequence.smaller();
        assert!(smaller.len() > sequence.steps.len());
        assert!(smaller.iter().all(|less| *less != sequence));
    }
}
