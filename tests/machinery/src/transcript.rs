//! What was asked and answered, without what differs from run to run.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::{Map, Value};

use crate::Answer;

#[expect(clippy::unwrap_used, reason = "a pattern that stands here")]
static UID: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").unwrap());
/// Times of the cases' own lie before 2020.
#[expect(clippy::unwrap_used, reason = "a pattern that stands here")]
static TIME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"20[2-9]\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z").unwrap());

/// A version until its place among all of them is known.
#[expect(clippy::unwrap_used, reason = "a pattern that stands here")]
static VERSION: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\(version=(\d+)\)").unwrap());

/// What was said so far.
#[derive(Debug)]
pub(crate) struct Transcript {
    pub(crate) text: String,
    /// What is said → how it is called.
    names: Vec<(String, String)>,
    uids: BTreeMap<String, usize>,
    /// The suffixes of replica sets.
    pub(crate) sets: BTreeMap<String, usize>,
    pub(crate) managers: bool,
}

impl Transcript {
    pub(crate) fn new(namespace: &str) -> Self {
        let names = vec![(namespace.to_owned(), "{ns}".to_owned())];
        Self { text: String::new(), names, uids: BTreeMap::new(), sets: BTreeMap::new(), managers: false }
    }

    pub(crate) fn note(&mut self, sentence: &str) {
        let sentence = self.named(sentence);
        let _ = writeln!(self.text, "# {sentence}");
    }

    pub(crate) fn call_it(&mut self, value: &str, name: &str) {
        self.names.push((value.to_owned(), format!("({name})")));
    }

    pub(crate) fn answer(&mut self, verb: &str, path: &str, answer: &Answer, body: Value) {
        let path = self.named(path);
        let _ = writeln!(self.text, "{verb} {path}\n{}", answer.code);
        let content_type = answer.headers.get("content-type").and_then(|value| value.to_str().ok());
        if content_type != Some("application/json") {
            let _ = writeln!(self.text, "content-type: {}", content_type.unwrap_or("(none)"));
        }
        for name in ["warning", "retry-after", "allow"] {
            for value in answer.headers.get_all(name) {
                let value = self.named(value.to_str().unwrap_or("(not text)"));
                let _ = writeln!(self.text, "{name}: {value}");
            }
        }
        self.body(body);
    }

    pub(crate) fn event(&mut self, event: &Value) {
        let kind = event["type"].as_str().unwrap_or("(no type)");
        let _ = writeln!(self.text, "<- {kind}");
        self.body(event["object"].clone());
    }

    /// The whole of it, with versions called by their order.
    pub(crate) fn text(&self) -> String {
        let versions = VERSION.captures_iter(&self.text);
        let mut order: Vec<u64> = versions.filter_map(|found| found[1].parse().ok()).collect();
        order.sort_unstable();
        order.dedup();
        let text = VERSION.replace_all(&self.text, |found: &Captures<'_>| {
            let place = found[1].parse().ok().and_then(|version| order.binary_search(&version).ok());
            format!("(version {})", place.map_or(0, |place| place + 1))
        });
        text.into_owned()
    }

    fn body(&mut self, mut body: Value) {
        if body.is_null() {
            self.text.push('\n');
            return;
        }
        if let Value::String(text) = &body {
            let text = self.named(text.trim_end());
            let _ = writeln!(self.text, "{text}\n");
            return;
        }
        self.normalize(&mut body, "");
        let body = serde_saphyr::to_string(&body).unwrap_or_else(|error| error.to_string());
        let _ = writeln!(self.text, "{}\n", body.trim_end());
    }

    fn normalize(&mut self, value: &mut Value, key: &str) {
        match value {
            Value::Object(fields) => {
                let is_list = fields.contains_key("items") || fields.contains_key("rows");
                if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
                    self.metadata(metadata, is_list);
                }
                for (key, value) in fields.iter_mut() {
                    self.normalize(value, key);
                }
                fields.sort_keys();
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.normalize(item, "")),
            Value::String(text) => {
                *text = match key {
                    "resourceVersion" | "/metadata/resourceVersion"
                        if text.parse::<u64>().is_ok_and(|it| it > 0) =>
                    {
                        format!("(version={text})")
                    }
                    "continue" | "/metadata/continue" if !text.is_empty() => "(token)".to_owned(),
                    _ => self.named(text),
                }
            }
            _ => {}
        }
    }

    /// The versions of lists differ with what happens elsewhere on a server.
    fn metadata(&mut self, metadata: &mut Map<String, Value>, is_list: bool) {
        if is_list && let Some(version) = metadata.get_mut("resourceVersion") {
            *version = "(a version)".into();
        }
        let Some(entries) = metadata.remove("managedFields") else { return };
        if self.managers {
            let shown = self.owners(&entries);
            metadata.insert("managedFields".into(), shown);
        }
    }

    /// `managedFields`, one line per manager and one per field. Their order on a server depends on the second in
    /// which each wrote; here it is that of their names.
    fn owners(&mut self, entries: &Value) -> Value {
        let Some(entries) = entries.as_array() else { return entries.clone() };
        let shown = entries.iter().map(|entry| {
            let mut head = String::new();
            for key in ["manager", "operation", "apiVersion", "subresource", "fieldsType", "time"] {
                if let Some(value) = entry[key].as_str() {
                    let value = if key == "time" { "timed" } else { value };
                    let _ = write!(head, "{}{value}", if head.is_empty() { "" } else { " " });
                }
            }
            let mut paths = Vec::new();
            collect(&entry["fieldsV1"], &mut String::new(), &mut paths);
            paths.sort();
            Value::Object(Map::from_iter([(self.named(&head), paths.into())]))
        });
        let mut shown: Vec<Value> = shown.collect();
        shown.sort_by_cached_key(Value::to_string);
        shown.into()
    }

    pub(crate) fn named(&mut self, text: &str) -> String {
        let text = UID.replace_all(text, |found: &Captures<'_>| {
            let next = self.uids.len() + 1;
            format!("(uid {})", self.uids.entry(found[0].to_owned()).or_insert(next))
        });
        let text =
            TIME.replace_all(
                &text,
                |found: &Captures<'_>| {
                    if found.get(1).is_some() { "(time with fraction)" } else { "(time)" }
                },
            );
        self.names.iter().fold(text.into_owned(), |text, (value, name)| text.replace(value, name))
    }
}

fn collect(fields: &Value, path: &mut String, paths: &mut Vec<String>) {
    for (key, inner) in fields.as_object().into_iter().flatten() {
        if key == "." {
            paths.push(format!("{path}/"));
            continue;
        }
        let length = path.len();
        path.push('/');
        path.push_str(key.strip_prefix("f:").unwrap_or(key));
        if inner.as_object().is_none_or(Map::is_empty) {
            paths.push(path.clone());
        } else {
            collect(inner, path, paths);
        }
        path.truncate(length);
    }
}
