//! What an apply would change.

use serde_json::{Value, json};

use super::Plimsoll;
use super::apply::Admitted;
use crate::caller::{Caller, Role};
use crate::document::AppDocument;
use crate::error::Error;
use crate::shape::{sizes, terms};
use crate::view::{Change, ContainerSize, DiffView, TermsView};

impl Plimsoll {
    /// Compares a document with the head of its App.
    ///
    /// # Errors
    /// As [`Plimsoll::apply`] for the document itself.
    pub async fn diff(&self, caller: &Caller, document: &Value) -> Result<DiffView, Error> {
        caller.require(Role::Viewer)?;
        let Admitted { document, grades: _, asked: _, notes: resolved } = self.admit(document).await?;
        let after = told(&document);
        let stored = self.read_app(&document.app).await?;
        let Some(stored) = stored else {
            let mut changes = Vec::new();
            compare("", None, Some(&after), &mut changes);
            let mut notes = resolved;
            notes.push(format!("{} is not there yet; an apply makes it", document.app));
            return Ok(DiffView { release: None, changes, notes });
        };
        let release = stored.value.head;
        let pin = stored.value.pin.clone();
        let before = told(&self.document_of(stored.value, None).await?);
        let mut changes = Vec::new();
        compare("", Some(&before), Some(&after), &mut changes);
        let mut notes = resolved;
        if changes.iter().any(|change| is_scale(&change.path)) {
            notes.push("an apply leaves the scale alone; apply --scale takes the document's".to_owned());
        }
        if let Some(pin) = pin {
            notes.push(format!(
                "{} is pinned since {} rolled it back; an apply is refused",
                document.app, pin.by
            ));
        }
        Ok(DiffView { release: Some(release), changes, notes })
    }
}

/// A document with what follows from its grade: the terms, and the request of each container with its reason. So a
/// grade that stands for something else by now is told as a difference, which it is: an apply makes a Release of it.
fn told(document: &AppDocument) -> Value {
    let mut told = document.to_value();
    let TermsView { qos_class, cpu, memory, priority_class: _ } = terms(&document.content);
    told["terms"] = json!({"qosClass": qos_class, "cpu": cpu, "memory": memory});
    let requests = sizes(&document.content).into_iter().map(|ContainerSize { container, cpu, memory }| {
        let [cpu, memory] = [cpu, memory].map(|amount| format!("{}: {}", amount.request, amount.because));
        (container, json!({"cpu": cpu, "memory": memory}))
    });
    told["requests"] = Value::Object(requests.collect());
    told
}

fn is_scale(path: &str) -> bool {
    ["spec.scale", "spec.placement"].iter().any(|scale| path.starts_with(scale))
}

/// Collects where two trees differ: maps are entered, everything else is compared as a whole, so that a list
/// whose items moved reads as one change.
fn compare(path: &str, before: Option<&Value>, after: Option<&Value>, changes: &mut Vec<Change>) {
    let deeper = |key: &str| {
        if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
    };
    match (before, after) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            for (key, value) in old {
                compare(&deeper(key), Some(value), new.get(key), changes);
            }
            for (key, value) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
                compare(&deeper(key), None, Some(value), changes);
            }
        }
        (None, Some(Value::Object(new))) if ["", "spec", "metadata", "terms", "requests"].contains(&path) => {
            for (key, value) in new {
                compare(&deeper(key), None, Some(value), changes);
            }
        }
        (before, after) if before != after => {
            changes.push(Change { path: path.to_owned(), before: before.cloned(), after: after.cloned() });
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_names_the_deepest_field_that_differs() {
        let before = json!({"spec": {"image": "a", "env": {"A": "1", "B": "2"}, "ports": [1, 2]}});
        let after = json!({"spec": {"image": "b", "env": {"A": "1", "C": "3"}, "ports": [2, 1]}});
        let mut changes = Vec::new();
        compare("", Some(&before), Some(&after), &mut changes);
        let paths: Vec<_> = changes.iter().map(|change| change.path.as_str()).collect();
        assert_eq!(paths, ["spec.env.B", "spec.env.C", "spec.image", "spec.ports"]);
    }

    #[test]
    fn equal_trees_do_not_differ() {
        let tree = json!({"spec": {"image": "a"}});
        let mut changes = Vec::new();
        compare("", Some(&tree), Some(&tree), &mut changes);
        assert_eq!(changes, []);
    }
}
