use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::NODE;

/// What became of the objects of a scenario, in the order in which it did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The states of every object that has a life of its own, each state once; by kind and name. Objects whose
    /// names are made up, and so differ from run to run, share a name.
    pub states: BTreeMap<String, Vec<Vec<Value>>>,
    /// What each part of the cluster told of each object, each event once.
    pub events: BTreeMap<String, Vec<Value>>,
    /// What kubectl said, run by run.
    #[serde(default)]
    pub said: Vec<Value>,
}

impl History {
    /// As JSON, with a line for each state and each event.
    pub fn text(&self) -> String {
        let lines = |items: &[Value], indent: &str| {
            let lines: Vec<String> = items.iter().map(|item| format!("{indent}{item}")).collect();
            format!("[\n{}\n{}]", lines.join(",\n"), indent.strip_suffix("  ").unwrap_or_default())
        };
        let named = |name: &str, text: String| format!("    {}: {text}", Value::from(name));
        let states = self.states.iter().map(|(name, alike)| {
            let alike: Vec<String> = alike.iter().map(|states| lines(states, "      ")).collect();
            named(name, format!("[{}]", alike.join(", ")))
        });
        let events = self.events.iter().map(|(name, events)| named(name, lines(events, "      ")));
        let [states, events]: [Vec<String>; 2] = [states.collect(), events.collect()];
        let said = match self.said.as_slice() {
            [] => String::new(),
            said => format!(",\n  \"said\": {}", lines(said, "    ")),
        };
        format!(
            "{{\n  \"states\": {{\n{}\n  }},\n  \"events\": {{\n{}\n  }}{said}\n}}\n",
            states.join(",\n"),
            events.join(",\n")
        )
    }
}

/// Makes a history of what watches tell.
#[derive(Debug, Default)]
pub(crate) struct Historian {
    states: BTreeMap<(String, String), Vec<Value>>,
    events: BTreeMap<String, Vec<Value>>,
    said: Vec<Value>,
}

impl Historian {
    /// Something was there, or changed.
    pub(crate) fn observe(&mut self, object: &Value) {
        let kind = text(object, "/kind");
        match kind {
            "Event" => self.event(object),
            "Pod" => self.state(object, &pod(object)),
            // The other one has no history.
            "Node" if text(object, "/metadata/name") == NODE => self.state(object, &node(object)),
            _ => {}
        }
    }

    /// Something is there no more.
    pub(crate) fn observe_gone(&mut self, object: &Value) {
        if text(object, "/kind") == "Pod" {
            self.observe(object);
            self.state(object, &json!("gone"));
        }
    }

    pub(crate) fn history(&self) -> History {
        let mut states: BTreeMap<String, Vec<Vec<Value>>> = BTreeMap::new();
        for ((name, _), states_of_one) in &self.states {
            states.entry(name.clone()).or_default().push(states_of_one.clone());
        }
        for alike in states.values_mut() {
            alike.sort_by_key(|history| Value::from(history.clone()).to_string());
        }
        History { states, events: self.events.clone(), said: self.said.clone() }
    }

    /// kubectl was run.
    pub(crate) fn hear(&mut self, said: &Value) {
        self.said.push(plain(said));
    }

    fn state(&mut self, object: &Value, state: &Value) {
        let name = format!("{} {}", text(object, "/kind"), text(object, "/metadata/name"));
        let key = (plain_text(&name), text(object, "/metadata/uid").to_owned());
        let states = self.states.entry(key).or_default();
        let state = plain(state);
        if !states.contains(&state) {
            states.push(state);
        }
    }

    fn event(&mut self, event: &Value) {
        let about = &event["involvedObject"];
        let mut told = Map::new();
        for field in ["type", "reason", "message", "action"] {
            if let Some(value) = event.get(field) {
                told.insert(field.to_owned(), value.clone());
            }
        }
        if let Some(part) = about.get("fieldPath") {
            told.insert("fieldPath".to_owned(), part.clone());
        }
        // Those of one part of the cluster come in order; between two there is none.
        let source = match text(event, "/source/component") {
            "" => text(event, "/reportingComponent"),
            source => source,
        };
        let host = text(event, "/source/host");
        let of = format!("{} {} by {source} {host}", text(about, "/kind"), text(about, "/name"));
        let events = self.events.entry(plain_text(of.trim_end())).or_default();
        let told = plain(&Value::Object(told));
        if !events.contains(&told) {
            events.push(told);
        }
    }
}

fn pod(pod: &Value) -> Value {
    let mut state = json!({"status": pod["status"]});
    if let Some(grace) = pod["metadata"].get("deletionGracePeriodSeconds") {
        state["deletionGracePeriodSeconds"] = grace.clone();
    }
    state
}

fn node(node: &Value) -> Value {
    let fields = |value: &Value, fields: &[&str]| -> Value {
        let held = fields.iter().filter_map(|field| Some(((*field).to_owned(), value.get(field)?.clone())));
        Value::Object(held.collect())
    };
    let all = |pointer: &str, names: &[&str]| -> Vec<Value> {
        let items = node.pointer(pointer).and_then(Value::as_array);
        let mut items: Vec<Value> = items.into_iter().flatten().map(|item| fields(item, names)).collect();
        // Which of two taints of one moment comes first is chance.
        items.sort_by_key(ToString::to_string);
        items
    };
    json!({
        "conditions": all("/status/conditions", &["type", "status", "reason", "message"]),
        "taints": all("/spec/taints", &["key", "value", "effect"]),
    })
}

const WORDS: [(&str, &str); 14] = [
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UID"),
    (r"(containerd://|sha256:)[0-9a-f]{64}", "${1}HEX"),
    (r"\b[0-9a-f]{64}\b", "HEX"),
    (r"kube-api-access-[a-z0-9]{5}", "kube-api-access"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
    (r"10\.\d+\.\d+\.\d+", "ADDRESS"),
    (r"ADDRESS:\d{5}->", "ADDRESS:PORT->"),
    (r"pulling from host \S+ failed", "pulling from host HOST failed"),
    (r"[0-9.]+m?s \([0-9.]+m?s including", "SPAN (SPAN including"),
    (r"\b(web)-[a-z0-9]{8,10}-[a-z0-9]{5}\b", "$1-SET-POD"),
    (r"\b(web)-[a-z0-9]{8,10}\b", "$1-SET"),
    (r"Image size: \d+ bytes", "Image size: N bytes"),
    (r"(available: |was using )[0-9]+(%|[KMG]i)?", "${1}N"),
    (r"Threshold quantity: [0-9]+(%|[KMG]i)?", "Threshold quantity: N"),
];

static PATTERNS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    // A pattern that is none finds nothing, and the comparison shows what it was for.
    WORDS.iter().filter_map(|(pattern, word)| Some((Regex::new(pattern).ok()?, *word))).collect()
});

fn plain_text(text: &str) -> String {
    PATTERNS
        .iter()
        .fold(text.to_owned(), |text, (pattern, word)| pattern.replace_all(&text, *word).into_owned())
}

/// A value without what differs from run to run.
fn plain(value: &Value) -> Value {
    match value {
        Value::String(text) => plain_text(text).into(),
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(fields) => {
            let mut fields: Map<String, Value> =
                fields.iter().map(|(name, value)| (name.clone(), plain(value))).collect();
            // What version 1 of cgroups says of a pod without a limit.
            if fields.get("limits").is_some_and(|limits| limits["memory"] == "9007199254740988Ki") {
                fields.remove("limits");
            }
            // Newer runtimes tell of the user.
            fields.remove("user");
            Value::Object(fields)
        }
        other => other.clone(),
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_of_a_history_is_read_as_that_history() {
        let pod = |phase: &str| {
            json!({
                "kind": "Pod",
                "metadata": {"name": "web-6d4cf56db6-x7k2p", "uid": "u", "deletionGracePeriodSeconds": 3},
                "status": {"phase": phase, "podIP": "10.1.2.3"},
            })
        };
        let event = json!({
            "kind": "Event",
            "involvedObject": {"kind": "Pod", "name": "web-6d4cf56db6-x7k2p"},
            "reason": "Unhealthy",
            "message": "dial tcp 10.1.2.3:8080",
            "source": {"component": "kubelet", "host": "kl-n1"},
        });
        let mut historian = Historian::default();
        for object in [&pod("Pending"), &pod("Running"), &pod("Running"), &event, &event] {
            historian.observe(object);
        }
        historian.observe_gone(&pod("Running"));
        historian.hear(&json!({"run": ["logs", "x"], "code": 0, "stdout": "listening on 10.1.2.3\n"}));
        let history = historian.history();
        let state = |phase: &str| json!({"deletionGracePeriodSeconds": 3, "status": {"phase": phase, "podIP": "ADDRESS"}});
        assert_eq!(history.states["Pod web-SET-POD"], [[state("Pending"), state("Running"), json!("gone")]]);
        assert_eq!(
            history.events["Pod web-SET-POD by kubelet kl-n1"],
            [json!({"reason": "Unhealthy", "message": "dial tcp ADDRESS:8080"})]
        );
        let said = json!({"run": ["logs", "x"], "code": 0, "stdout": "listening on ADDRESS\n"});
        assert_eq!(history.said, [said]);
        assert_eq!(serde_json::from_str::<History>(&history.text()).unwrap(), history);
    }
}
