//! What selects pods, found by the labels of a pod: a change of one pod makes those few look again.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::api::Api;
use crate::object;
use crate::select::LabelSelector;
use crate::store::{Key, Object};
use crate::tree::Value;

/// The objects of one resource that select pods of their namespace.
pub(super) struct Selecting {
    api: Arc<Api>,
    resource: &'static str,
    selectors: HashMap<Key, LabelSelector>,
    /// Their names by namespace and one label that they ask for, or an empty one.
    by_label: HashMap<(String, String, String), BTreeSet<String>>,
    /// How often it has changed who selects what in a namespace; in one without an entry nobody ever has.
    changes: HashMap<String, u64>,
    /// Those that a pod was seen behind, by the pod: it may have left them.
    behind: HashMap<Key, Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    names: BTreeSet<String>,
    /// The labels that the pod had, and how often selectors had changed.
    at: Option<(u64, u64)>,
}

impl Selecting {
    pub(super) fn new(api: Arc<Api>, resource: &'static str) -> Self {
        Self {
            api,
            resource,
            selectors: HashMap::new(),
            by_label: HashMap::new(),
            changes: HashMap::new(),
            behind: HashMap::new(),
        }
    }

    /// What one of them selects from now on; nothing when it is gone.
    pub(super) fn learn(&mut self, key: &Key, selector: Option<LabelSelector>) {
        if self.selectors.get(key) == selector.as_ref() {
            return;
        }
        *self.changes.entry(key.namespace.clone()).or_default() += 1;
        if let Some(before) = self.selectors.remove(key) {
            let place = place(key, &before);
            if let Some(names) = self.by_label.get_mut(&place) {
                names.remove(&key.name);
                if names.is_empty() {
                    self.by_label.remove(&place);
                }
            }
        }
        let Some(selector) = selector else { return };
        for pod in self.api.store.select_names("pods", &key.namespace, &selector) {
            let pod = Key::new("pods", key.namespace.as_str(), pod);
            self.behind.entry(pod).or_default().names.insert(key.name.clone());
        }
        self.by_label.entry(place(key, &selector)).or_default().insert(key.name.clone());
        self.selectors.insert(key.clone(), selector);
    }

    /// Those that must look again since a pod changed: those that select it, and those that did.
    pub(super) fn of_pod(&mut self, key: &Key, pod: &Object, gone: bool) -> Vec<Key> {
        let Some(changes) = self.changes.get(&key.namespace) else { return Vec::new() };
        let at = Some((pod.facts().labels, *changes));
        let before = self.behind.remove(key).unwrap_or_default();
        // Most changes of a pod are not of its labels, and the pod need not be read for them.
        let now = if before.at == at { before.names.clone() } else { self.selecting(&key.namespace, pod) };
        let all = now.union(&before.names).map(|name| self.key(&key.namespace, name));
        let all = all.filter(|key| self.selectors.contains_key(key)).collect();
        if !gone {
            self.behind.insert(key.clone(), Seen { names: now, at });
        }
        all
    }

    /// Those that select a pod, as far as it was last told.
    pub(super) fn names_of(&self, key: &Key) -> impl Iterator<Item = &str> {
        self.behind.get(key).into_iter().flat_map(|seen| &seen.names).map(String::as_str)
    }

    fn selecting(&self, namespace: &str, pod: &Value) -> BTreeSet<String> {
        let labels = object::map(pod, "/metadata/labels");
        let own = labels.into_iter().flatten();
        let own = own.filter_map(|(label, value)| Some((label.as_str(), value.as_str()?)));
        let mut found = BTreeSet::new();
        for (label, value) in own.chain([("", "")]) {
            let place = (namespace.to_owned(), label.to_owned(), value.to_owned());
            for name in self.by_label.get(&place).into_iter().flatten() {
                let selector = self.selectors.get(&self.key(namespace, name));
                if selector.is_some_and(|selector| selector.matches(labels)) {
                    found.insert(name.clone());
                }
            }
        }
        found
    }

    fn key(&self, namespace: &str, name: &str) -> Key {
        Key::new(self.resource, namespace, name)
    }
}

fn place(key: &Key, selector: &LabelSelector) -> (String, String, String) {
    let (label, value) = selector.exact().next().unwrap_or_default();
    (key.namespace.clone(), label.to_owned(), value.to_owned())
}

#[cfg(test)]
mod tests {
    use crate::tree::json;

    use super::*;
    use crate::clock::TokioClock;
    use crate::store::Store;

    fn pod(app: &str) -> Object {
        json!({"metadata": {"namespace": "n", "name": "p", "labels": {"app": app, "tier": "web"}}}).into()
    }

    fn mk_selecting() -> Selecting {
        let clock = Arc::new(TokioClock::default());
        let api = Arc::new(Api::new(Store::in_memory(), clock, 0, String::new()));
        api.store.begin().put(&Key::new("pods", "n", "p"), Value::clone(&pod("shop"))).unwrap();
        Selecting::new(api, "services")
    }

    fn learn(selecting: &mut Selecting, namespace: &str, name: &str, selector: &str) {
        let selector = LabelSelector::parse(selector).unwrap();
        selecting.learn(&Key::new("services", namespace, name), Some(selector));
    }

    fn names(keys: &[Key]) -> Vec<&str> {
        keys.iter().map(|key| key.name.as_str()).collect()
    }

    #[tokio::test]
    async fn a_pod_makes_those_look_again_that_select_it() {
        let mut selecting = mk_selecting();
        for (namespace, name, selector) in [
            ("n", "shop", "app=shop"),
            ("n", "bank", "app=bank"),
            ("n", "web", "tier in (web, api)"),
            ("n", "all", ""),
            ("n", "both", "tier=web,app=bank"),
            ("m", "elsewhere", "app=shop"),
        ] {
            learn(&mut selecting, namespace, name, selector);
        }
        let key = Key::new("pods", "n", "p");
        assert_eq!(names(&selecting.of_pod(&key, &pod("shop"), false)), ["all", "shop", "web"]);
    }

    #[tokio::test]
    async fn those_that_a_pod_leaves_look_again_once() {
        let mut selecting = mk_selecting();
        learn(&mut selecting, "n", "shop", "app=shop");
        let key = Key::new("pods", "n", "p");
        // It was there before the Service was.
        assert_eq!(names(&selecting.of_pod(&key, &pod("bank"), false)), ["shop"]);
        assert_eq!(names(&selecting.of_pod(&key, &pod("bank"), false)), Vec::<&str>::new());
    }

    #[tokio::test]
    async fn what_is_gone_or_selects_otherwise_is_not_told() {
        let mut selecting = mk_selecting();
        let key = Key::new("pods", "n", "p");
        learn(&mut selecting, "n", "shop", "app=shop");
        learn(&mut selecting, "n", "shop", "app=bank");
        assert_eq!(names(&selecting.of_pod(&key, &pod("shop"), false)), ["shop"], "it was behind it");
        assert_eq!(names(&selecting.of_pod(&key, &pod("shop"), false)), Vec::<&str>::new());
        selecting.learn(&Key::new("services", "n", "shop"), None);
        assert_eq!(names(&selecting.of_pod(&key, &pod("bank"), true)), Vec::<&str>::new());
        assert!(selecting.behind.is_empty() && selecting.by_label.is_empty());
    }
}
