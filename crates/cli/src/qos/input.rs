//! Files and standard input: JSON or YAML, objects of Kubernetes one by one or in lists.

use std::fmt::Display;
use std::io::Read as _;
use std::path::Path;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use crate::document::unread;
use crate::failure::{FAILED, Failure};

/// More than the pods of the largest cluster take as JSON.
const MAX_MIB: usize = 512;

/// A text and where it comes from.
pub(super) struct Input {
    name: String,
    text: String,
}

/// Something that was read, and where it stands.
pub(super) struct Found<T> {
    /// `shop.yaml`, or `shop.yaml: items[3]` in a list.
    pub(super) place: String,
    pub(super) item: T,
}

impl Input {
    /// Reads a file; `-` is standard input.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let mut bytes = Vec::new();
        let mut take = |from: &mut dyn std::io::Read| {
            from.take((MAX_MIB << 20) as u64 + 1).read_to_end(&mut bytes).map(|_| ())
        };
        let (name, read) = if path == Path::new("-") {
            ("stdin".to_owned(), take(&mut std::io::stdin().lock()))
        } else {
            let read = std::fs::File::open(path).and_then(|mut file| take(&mut file));
            (path.display().to_string(), read)
        };
        read.map_err(|error| Failure::new(FAILED, format!("{name} cannot be read: {}", unread(&error))))?;
        if bytes.len() > MAX_MIB << 20 {
            return Err(Failure::usage(format!("{name} has more than {MAX_MIB} MiB; split it")));
        }
        let text = String::from_utf8(bytes)
            .map_err(|_| Failure::usage(format!("{name} is no UTF-8 text; save it as UTF-8")))?;
        Ok(Self { name, text })
    }

    /// Its file, for people.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The one value that it holds.
    pub(super) fn one<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let mut values = self.values()?;
        match (values.pop(), values.is_empty()) {
            (Some(value), true) => {
                serde_json::from_value(value).map_err(|error| self.fault(&self.name, error))
            }
            (None, _) => Err(self.nothing()),
            (Some(_), false) => {
                Err(Failure::usage(format!("{} holds several documents; give one", self.name)))
            }
        }
    }

    /// Every object that it holds, those of lists one by one.
    pub(super) fn objects<T: DeserializeOwned>(&self) -> Result<Vec<Found<T>>, Failure> {
        if let Some(items) = self.kubectl_list()? {
            return Ok(items);
        }
        let mut found = Vec::new();
        let documents = self.values()?;
        let several = documents.len() > 1;
        for (number, document) in documents.into_iter().enumerate() {
            let place =
                if several { format!("{}: document {}", self.name, number + 1) } else { self.name.clone() };
            flatten(place, document, &mut |place, value| {
                let item = serde_json::from_value(value).map_err(|error| self.fault(&place, error))?;
                found.push(Found { place, item });
                Ok(())
            })?;
        }
        if found.is_empty() { Err(self.nothing()) } else { Ok(found) }
    }

    /// The items of what `kubectl get -o json` prints, read without keeping what nobody asks for: the pods of a
    /// large cluster are hundreds of megabytes. None where it is something else.
    fn kubectl_list<T: DeserializeOwned>(&self) -> Result<Option<Vec<Found<T>>>, Failure> {
        #[derive(Deserialize)]
        struct Shape {
            kind: String,
            #[serde(rename = "items")]
            _items: Vec<IgnoredAny>,
        }
        #[derive(Deserialize)]
        struct List<T> {
            items: Vec<T>,
        }
        if !self.is_json() || !serde_json::from_str::<Shape>(&self.text).is_ok_and(|list| list.kind == "List")
        {
            return Ok(None);
        }
        let List { items } =
            serde_json::from_str(&self.text).map_err(|error| self.fault(&self.name, error))?;
        let place = |index| format!("{}: items[{index}]", self.name);
        Ok(Some(items.into_iter().enumerate().map(|(n, item)| Found { place: place(n), item }).collect()))
    }

    fn values(&self) -> Result<Vec<Value>, Failure> {
        if self.is_json() {
            let values = serde_json::Deserializer::from_str(&self.text).into_iter();
            return values.collect::<Result<_, _>>().map_err(|error| self.fault(&self.name, error));
        }
        let nodes = self.text.len().max(1024);
        let options = serde_saphyr::options! {
            // As much as a text of this length can hold; anchors cannot make more of it than that.
            budget: serde_saphyr::budget! {
                max_events: nodes.saturating_mul(2),
                max_nodes: nodes,
                max_total_scalar_bytes: nodes,
            },
            with_snippet: false,
        };
        serde_saphyr::from_multiple_with_options(&self.text, options).map_err(|error| {
            let said = error.without_snippet().to_string();
            Failure::usage(format!("{} is neither JSON nor YAML", self.name)).with(said)
        })
    }

    fn is_json(&self) -> bool {
        self.text.trim_start_matches('\u{feff}').trim_start().starts_with(['{', '['])
    }

    fn nothing(&self) -> Failure {
        Failure::usage(format!("{} holds nothing to look at", self.name))
    }

    fn fault(&self, place: &str, error: impl Display) -> Failure {
        Failure::usage(format!("{} cannot be read", self.name)).with(format!("{place}: {error}"))
    }
}

/// Hands on an object, or each item of a list, or of an array as `jq .items` prints it; where the items of a list do not say their kind, the list does.
fn flatten(
    place: String,
    mut object: Value,
    take: &mut dyn FnMut(String, Value) -> Result<(), Failure>,
) -> Result<(), Failure> {
    if object.is_null() {
        return Ok(());
    }
    if let Value::Array(items) = object {
        let mut items = items.into_iter().enumerate();
        return items.try_for_each(|(index, item)| take(format!("{place}: [{index}]"), item));
    }
    let kind = object["kind"].as_str().and_then(|kind| kind.strip_suffix("List")).map(str::to_owned);
    let items = match (kind, object.get_mut("items").map(Value::take)) {
        (Some(kind), Some(Value::Array(items))) => items.into_iter().map(move |mut item| {
            if let Some(fields) = item.as_object_mut().filter(|_| !kind.is_empty()) {
                fields.entry("kind").or_insert_with(|| Value::String(kind.clone()));
            }
            item
        }),
        (_, items) => {
            if let Some(items) = items {
                object["items"] = items;
            }
            return take(place, object);
        }
    };
    for (index, item) in items.enumerate() {
        take(format!("{place}: items[{index}]"), item)?;
    }
    Ok(())
}
