//! Config outside the image: immutable `ConfigMap`s, named by what is in them.
//!
//! A ConfigMap that never changes can be shared by an old pod and a new one of a rollout, and a pod that is
//! moved while a rollout is under way starts with the config that it was made for.

use std::collections::BTreeMap;

use plimsoll_core::digest::Digest;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Input, MAIN, name};
use crate::render::{Kind, Object, RenderError};

/// The `ConfigMaps` of an App, and who refers to them.
pub(super) struct Config {
    pub(super) maps: Vec<Object>,
    /// By container: the environment that the App gives it.
    given: BTreeMap<String, BTreeMap<String, String>>,
    /// By container: the ConfigMap of its environment.
    env: BTreeMap<String, String>,
    /// By container: variables that Kubernetes is to expand.
    expanded: BTreeMap<String, BTreeMap<String, String>>,
    pub(super) files: Option<String>,
}

impl Config {
    pub(super) fn of(input: &Input<'_>) -> Result<Self, RenderError> {
        let content = input.content;
        let mut config = Self {
            maps: Vec::new(),
            given: BTreeMap::new(),
            env: BTreeMap::new(),
            expanded: BTreeMap::new(),
            files: None,
        };
        let mut main = content.main.env.clone();
        main.extend(input.overlay().into_iter().flat_map(|overlay| overlay.env.clone()));
        config.add_env(input, MAIN, &main)?;
        for step in content.init.iter().chain(&content.sidecars) {
            config.add_env(input, &step.name, &step.inner.env)?;
        }
        config.add_files(input)?;
        Ok(config)
    }

    /// Whether the App gives a container that variable.
    pub(super) fn sets(&self, container: &str, variable: &str) -> bool {
        self.given.get(container).is_some_and(|given| given.contains_key(variable))
    }

    /// The values that the App gives to variables of a container.
    pub(super) fn values(&self, container: &str) -> impl Iterator<Item = &String> {
        self.given.get(container).into_iter().flat_map(BTreeMap::values)
    }

    pub(super) fn env_of(&self, container: &str) -> Option<&str> {
        self.env.get(container).map(String::as_str)
    }

    pub(super) fn expanded_of(&self, container: &str) -> impl Iterator<Item = (&String, &String)> {
        self.expanded.get(container).into_iter().flatten()
    }

    fn add_env(
        &mut self,
        input: &Input<'_>,
        container: &str,
        env: &BTreeMap<String, String>,
    ) -> Result<(), RenderError> {
        self.given.insert(container.to_owned(), env.clone());
        // `$(NAME)` and `$$` mean something in the pod template alone: what comes from a ConfigMap is taken
        // as it is.
        let (expanded, literal): (BTreeMap<_, _>, BTreeMap<_, _>) =
            env.clone().into_iter().partition(|(_, value)| value.contains('$'));
        if !expanded.is_empty() {
            self.expanded.insert(container.to_owned(), expanded);
        }
        if !literal.is_empty() {
            let prefix = match container {
                MAIN => format!("{}-env", input.app.name),
                other => format!("{}-env-{other}", input.app.name),
            };
            let name = self.add(input, &prefix, &literal)?;
            self.env.insert(container.to_owned(), name);
        }
        Ok(())
    }

    fn add_files(&mut self, input: &Input<'_>) -> Result<(), RenderError> {
        let data: BTreeMap<String, &str> =
            input.files().into_iter().map(|file| (name::key(&file.path), file.content.as_str())).collect();
        if !data.is_empty() {
            let name = self.add(input, &format!("{}-files", input.app.name), &data)?;
            self.files = Some(name);
        }
        Ok(())
    }

    fn add<T: Serialize>(
        &mut self,
        input: &Input<'_>,
        prefix: &str,
        data: &T,
    ) -> Result<String, RenderError> {
        // With the App's life in it, so that one that is made again does not share with what is being removed.
        let digest = Digest::of(&json!({"uid": input.uid, "prefix": prefix, "data": data}))?;
        let name = format!("{prefix}-{}", digest.short(12));
        let rest = [("immutable", Value::Bool(true)), ("data", json!(data))];
        self.maps.push(input.object(Kind::ConfigMap, name.clone(), input.labels(), rest));
        Ok(name)
    }
}
