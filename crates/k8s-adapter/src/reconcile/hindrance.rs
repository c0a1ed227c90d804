//! What keeps a pod from beginning on its server, from the words of the kubelet.
//!
//! What a container lacks when it is to be made stands in the pod's status. What a volume lacks does not: there the
//! pod says `ContainerCreating`, and only events say why.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// How far apart the newest events of two volumes may be that are tried in the same round. What is tried no more has
/// been put right.
const SAME_ROUND: SignedDuration = SignedDuration::from_secs(5);

/// What keeps a pod from beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hindrance {
    /// The reason of the finding.
    pub(super) reason: &'static str,
    pub(super) words: String,
    /// Whether every pod of the same template has it, wherever it is.
    pub(super) is_of_all: bool,
}

/// A Secret or `ConfigMap` that a pod names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    source: Source,
    name: String,
    key: Option<String>,
    /// The volume that is made of it; without one, it is for environment variables.
    volume: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Secret,
    ConfigMap,
}

/// What a pod names and is not there.
struct Lack {
    source: Source,
    name: String,
    /// The key that is missing in what is there.
    key: Option<String>,
}

/// Everything that the spec of a pod names.
pub(super) fn named(spec: &Value) -> Vec<Named> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut named = Vec::new();
    let mut note = |source, name: &Value, key: &Value, volume: Option<&Value>| {
        if let Some(name) = name.as_str() {
            let [key, volume] =
                [Some(key), volume].map(|text| text.and_then(Value::as_str).map(str::to_owned));
            named.push(Named { source, name: name.to_owned(), key, volume });
        }
    };
    for volume in list(&spec["volumes"]) {
        let sources = [
            (Source::Secret, &volume["secret"], "secretName"),
            (Source::ConfigMap, &volume["configMap"], "name"),
        ];
        for (source, reference, name) in sources {
            let items = list(&reference["items"]);
            for item in &items {
                note(source, &reference[name], &item["key"], Some(&volume["name"]));
            }
            if items.is_empty() {
                note(source, &reference[name], &Value::Null, Some(&volume["name"]));
            }
        }
    }
    for container in ["initContainers", "containers"].into_iter().flat_map(|part| list(&spec[part])) {
        for entry in list(&container["env"]) {
            let from = &entry["valueFrom"];
            for (source, reference) in
                [(Source::Secret, &from["secretKeyRef"]), (Source::ConfigMap, &from["configMapKeyRef"])]
            {
                note(source, &reference["name"], &reference["key"], None);
            }
        }
        for from in list(&container["envFrom"]) {
            for (source, reference) in
                [(Source::Secret, &from["secretRef"]), (Source::ConfigMap, &from["configMapRef"])]
            {
                note(source, &reference["name"], &Value::Null, None);
            }
        }
    }
    named
}

/// What the kubelet says of a container that cannot be made, if it is that something is not there.
pub(super) fn of_container(words: &str, namespace: &str, named: &[Named]) -> Option<String> {
    Some(in_words(&[lack(words, None, named)?], namespace, named))
}

/// What the events of a pod that does not begin say: the newest of each volume, as long as it is still tried.
pub(super) fn of_events(events: &[Value], namespace: &str, named: &[Named]) -> Option<Hindrance> {
    let mut newest: Vec<(Option<&str>, &str, &str, Timestamp)> = Vec::new();
    for event in events {
        let text = |field: &str| event[field].as_str().unwrap_or_default();
        let (reason, message) = (text("reason"), text("message"));
        if !matches!(reason, "FailedMount" | "FailedCreatePodSandBox") {
            continue;
        }
        let (volume, words) = match of_volume(message) {
            Some((volume, words)) => (Some(volume), words),
            None => (None, message),
        };
        let at = said_at(event);
        match newest.iter_mut().find(|(of, ..)| *of == volume) {
            Some(known) if known.3 > at => {}
            Some(known) => *known = (volume, reason, words, at),
            None => newest.push((volume, reason, words, at)),
        }
    }
    let last = newest.iter().map(|(.., at)| *at).max()?;
    newest.retain(|(.., at)| last.duration_since(*at) <= SAME_ROUND);
    let lacks: Vec<Lack> =
        newest.iter().filter_map(|(volume, _, words, _)| lack(words, *volume, named)).collect();
    if !lacks.is_empty() {
        let words = in_words(&lacks, namespace, named);
        return Some(Hindrance { reason: "ConfigMissing", words, is_of_all: true });
    }
    // A sentence about all volumes gives no cause where there is one about a single volume.
    let (volume, reason, words, _) = newest.iter().max_by_key(|(volume, ..)| volume.is_some())?;
    let (reason, words) = match (*reason, volume) {
        ("FailedMount", Some(volume)) => {
            ("CannotMount", format!("the volume {volume} cannot be mounted: {words}"))
        }
        ("FailedMount", None) => ("CannotMount", format!("its volumes cannot be mounted: {words}")),
        _ => ("CannotStart", format!("its server cannot set it up: {words}")),
    };
    Some(Hindrance { reason, words, is_of_all: false })
}

/// Takes `MountVolume.SetUp failed for volume "NAME" : WORDS` apart.
fn of_volume(message: &str) -> Option<(&str, &str)> {
    let (_, rest) = message.split_once(" failed for volume \"")?;
    rest.split_once("\" : ")
}

fn said_at(event: &Value) -> Timestamp {
    let times = [&event["series"]["lastObservedTime"], &event["lastTimestamp"], &event["eventTime"]];
    let parse = |time: &Value| time.as_str()?.parse().ok();
    times.into_iter().find_map(parse).unwrap_or(Timestamp::MIN)
}

/// Reads the kubelet's sentences about what is not there.
fn lack(words: &str, volume: Option<&str>, named: &[Named]) -> Option<Lack> {
    for (source, words_for_it) in
        [(Source::Secret, ["secret", "secrets"]), (Source::ConfigMap, ["configmap", "configmaps"])]
    {
        for word in words_for_it {
            let name = words.strip_prefix(word).and_then(|rest| rest.strip_prefix(" \""));
            if let Some(name) = name.and_then(|rest| rest.strip_suffix("\" not found")) {
                return Some(Lack { source, name: name.to_owned(), key: None });
            }
        }
        // `… in Secret demo/shop-database`
        if let Some(rest) = words.strip_prefix("couldn't find key ")
            && let Some((key, place)) = rest.split_once(&format!(" in {source} "))
        {
            let name = place.split_once('/').map_or(place, |(_, name)| name);
            return Some(Lack { source, name: name.to_owned(), key: Some(key.to_owned()) });
        }
    }
    let (source, key) = if let Some(key) = words.strip_prefix("references non-existent secret key: ") {
        (Source::Secret, key)
    } else {
        (Source::ConfigMap, words.strip_prefix("configmap references non-existent config key: ")?)
    };
    // This one names no Secret: it is the one that the volume is made of.
    let of = named.iter().find(|named| named.source == source && named.volume.as_deref() == volume)?;
    Some(Lack { source, name: of.name.clone(), key: Some(key.to_owned()) })
}

fn in_words(lacks: &[Lack], namespace: &str, named: &[Named]) -> String {
    let said: Vec<String> = lacks.iter().map(|lack| lack.sentence(namespace, named)).collect();
    format!("{}; the pods then start by themselves, within about two minutes", said.join("; "))
}

impl Lack {
    /// What is missing, and what to do.
    fn sentence(&self, namespace: &str, named: &[Named]) -> String {
        let Self { source, name, key } = self;
        match (source, key) {
            (Source::Secret, None) => format!(
                "the Secret {name} is not in the namespace {namespace} of this data center, and Plimsoll makes no \
                 Secrets: create it there (kubectl create secret generic {name} -n {namespace}{} --dry-run=client -o \
                 yaml | kubectl apply -f -)",
                self.keys(named)
            ),
            (Source::Secret, Some(key)) => format!(
                "the Secret {name} in the namespace {namespace} of this data center has no key {key}: add it there \
                 (kubectl edit secret {name} -n {namespace}), or name a key that it has"
            ),
            (Source::ConfigMap, None) => format!(
                "the ConfigMap {name} is not in the namespace {namespace} of this data center: Plimsoll, which made \
                 it, makes it again"
            ),
            (Source::ConfigMap, Some(key)) => format!(
                "the ConfigMap {name} in the namespace {namespace} of this data center has no key {key} any more: \
                 delete it, and Plimsoll makes it again as it was"
            ),
        }
    }

    /// The keys that the pod names of it, each once, as options of `kubectl create secret`.
    fn keys(&self, named: &[Named]) -> String {
        let mut known: Vec<&str> = Vec::new();
        let of_it = named.iter().filter(|named| named.source == self.source && named.name == self.name);
        let options = of_it.filter_map(|named| {
            let key = named.key.as_deref().filter(|key| !known.contains(key))?;
            known.push(key);
            let from = if named.volume.is_some() { "file" } else { "literal" };
            Some(format!(" --from-{from}={key}=…"))
        });
        options.collect()
    }
}

/// As the kubelet writes it.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
        })
    }
}
