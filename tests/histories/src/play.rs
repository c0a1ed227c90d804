use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::TryStreamExt;
use http::{Method, Request, StatusCode};
use kube::Client;
use kube::core::WatchEvent;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::history::{Historian, History};
use crate::scenario::{Expectation, NodeAction, Run, Scenario, Step};

/// How long anything is waited for: a node says that it is well five minutes after it is.
const PATIENCE: Duration = Duration::from_mins(9);
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// A cluster with one node, [`NODE`](crate::NODE), on which scenarios are played.
#[expect(async_fn_in_trait, reason = "nobody needs it as a trait object, or from several threads")]
pub trait Ground {
    /// Somebody who may do everything.
    fn client(&self) -> Client;

    /// Makes the node ready for a scenario, before anything of it is there.
    async fn prepare(&self, scenario: &Scenario) -> Result<()>;

    /// Runs kubectl in a namespace, as [`run_kubectl`](crate::run_kubectl) does.
    async fn kubectl(&self, namespace: &str, run: &Run) -> Result<Value>;

    /// Does something to the node.
    async fn act(&self, action: NodeAction) -> Result<()>;
}

/// Plays a scenario in a namespace of its name, which must not be there, and leaves nothing behind.
pub async fn play(scenario: &Scenario, ground: &impl Ground) -> Result<History> {
    let cluster = Cluster { client: ground.client(), namespace: scenario.name.clone() };
    ground.prepare(scenario).await?;
    let outcome = cluster.play(scenario, ground).await;
    cluster.clean().await?;
    outcome.with_context(|| format!("playing {}", scenario.name))
}

struct Cluster {
    client: Client,
    namespace: String,
}

impl Cluster {
    async fn play(&self, scenario: &Scenario, ground: &impl Ground) -> Result<History> {
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}});
        self.apply(&namespace).await?;
        // Without it no pod is admitted.
        self.reach("ServiceAccount/default", |account| account.is_some()).await?;
        self.reach("ConfigMap/kube-root-ca.crt", |map| map.is_some()).await?;
        let historian = Arc::new(Mutex::new(Historian::default()));
        let mut watches = JoinSet::new();
        let of_namespace = format!("/api/v1/namespaces/{}", self.namespace);
        let mut paths = vec![format!("{of_namespace}/pods"), format!("{of_namespace}/events")];
        if scenario.disturbs_node {
            paths.push("/api/v1/nodes".to_owned());
            paths.push("/api/v1/namespaces/default/events".to_owned());
        }
        for path in paths {
            let begin = self.get(&path).await?.context("no such list")?;
            for item in begin["items"].as_array().into_iter().flatten() {
                // Of nodes it is told how they were; events of before are not part of it.
                if path.ends_with("/nodes") {
                    let mut node = item.clone();
                    node["kind"] = "Node".into();
                    lock(&historian).observe(&node);
                }
            }
            let version = begin["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
            watches.spawn(follow(self.client.clone(), path, version, historian.clone()));
        }
        let played = async {
            for object in &scenario.given {
                self.apply(object).await?;
            }
            for step in &scenario.then {
                self.step(step, ground, &historian).await.with_context(|| format!("{step:?}"))?;
            }
            anyhow::Ok(())
        };
        tokio::select! {
            played = played => played?,
            Some(ended) = watches.join_next() => ended.context("following what happens")??,
        }
        let history = lock(&historian).history();
        Ok(history)
    }

    async fn step(&self, step: &Step, ground: &impl Ground, historian: &Mutex<Historian>) -> Result<()> {
        match step {
            Step::Await(Expectation { of, at, is }) => {
                let holds = |object: Option<&Value>| match (at, object) {
                    (Some(at), Some(object)) => object.pointer(at).unwrap_or(&Value::Null) == is,
                    (Some(_), None) => false,
                    (None, object) => object.is_none(),
                };
                self.reach(of, holds).await
            }
            Step::For(span) => {
                tokio::time::sleep(*span).await;
                Ok(())
            }
            Step::Apply(object) => self.apply(object).await,
            Step::Delete(what) => {
                self.send(Method::DELETE, &self.path_of(what)?, "application/json", "").await.map(drop)
            }
            Step::Node(action) => ground.act(*action).await,
            Step::Kubectl(run) => {
                let said = ground.kubectl(&self.namespace, run).await?;
                lock(historian).hear(&said);
                Ok(())
            }
        }
    }

    /// Waits until `holds` of an object, which may not be there.
    async fn reach(&self, what: &str, holds: impl Fn(Option<&Value>) -> bool) -> Result<()> {
        let path = self.path_of(what)?;
        let mut last = None;
        let wait = async {
            loop {
                last = self.get(&path).await?;
                if holds(last.as_ref()) {
                    return anyhow::Ok(());
                }
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
        };
        match timeout(PATIENCE, wait).await {
            Ok(reached) => reached,
            Err(_) => bail!("it did not come to that; {what} is {:#}", last.unwrap_or_default()),
        }
    }

    async fn apply(&self, object: &Value) -> Result<()> {
        let text = |pointer| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let path = self.path(text("/apiVersion"), text("/kind"), text("/metadata/name"))?;
        let path = format!("{path}?fieldManager=scenario&force=true");
        self.send(Method::PATCH, &path, "application/apply-patch+yaml", &object.to_string()).await.map(drop)
    }

    /// Deletes all pods, and what makes them, and waits until they are gone; the namespace stays.
    async fn clean(&self) -> Result<()> {
        let group = format!("/apis/apps/v1/namespaces/{}/deployments", self.namespace);
        let pods = format!("/api/v1/namespaces/{}/pods", self.namespace);
        for path in [&group, &pods] {
            self.send(Method::DELETE, &format!("{path}?gracePeriodSeconds=1"), "application/json", "")
                .await?;
        }
        let wait = async {
            while self.get(&pods).await?.is_some_and(|list| list["items"] != json!([])) {
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
            anyhow::Ok(())
        };
        timeout(PATIENCE, wait).await.with_context(|| format!("pods of {} stay", self.namespace))?
    }

    async fn get(&self, path: &str) -> Result<Option<Value>> {
        match self.send(Method::GET, path, "application/json", "").await {
            Ok(value) => Ok(Some(value)),
            Err(error) => match error.downcast_ref::<kube::Error>() {
                Some(kube::Error::Api(status)) if status.code == StatusCode::NOT_FOUND.as_u16() => Ok(None),
                _ => Err(error),
            },
        }
    }

    async fn send(&self, method: Method, path: &str, format: &str, body: &str) -> Result<Value> {
        let request = Request::builder().method(method).uri(path).header("content-type", format);
        Ok(self.client.request(request.body(body.as_bytes().to_vec())?).await?)
    }

    fn path_of(&self, what: &str) -> Result<String> {
        let (kind, name) = what.split_once('/').with_context(|| format!("{what} is no kind and name"))?;
        let version = if kind == "Deployment" { "apps/v1" } else { "v1" };
        self.path(version, kind, name)
    }

    fn path(&self, version: &str, kind: &str, name: &str) -> Result<String> {
        let group = match version {
            "v1" => "/api/v1".to_owned(),
            version => format!("/apis/{version}"),
        };
        let plural = format!("{}s", kind.to_lowercase());
        match kind {
            "" => bail!("an object without a kind"),
            "Namespace" | "Node" => Ok(format!("{group}/{plural}/{name}")),
            _ => Ok(format!("{group}/namespaces/{}/{plural}/{name}", self.namespace)),
        }
    }
}

/// Follows a list from a version on, for ever.
async fn follow(
    client: Client,
    path: String,
    mut version: String,
    historian: Arc<Mutex<Historian>>,
) -> Result<()> {
    loop {
        let query = format!("{path}?watch=1&resourceVersion={version}&timeoutSeconds=3600");
        let request = Request::get(query).body(Vec::new())?;
        let mut events = pin!(client.request_events::<Value>(request).await?);
        while let Some(event) = events.try_next().await? {
            let mut historian = lock(&historian);
            let object = match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                    historian.observe(&object);
                    object
                }
                WatchEvent::Deleted(object) => {
                    historian.observe_gone(&object);
                    object
                }
                WatchEvent::Bookmark(_) => continue,
                WatchEvent::Error(status) => bail!("watching {path}: {status}"),
            };
            if let Some(now) = object.pointer("/metadata/resourceVersion").and_then(Value::as_str) {
                now.clone_into(&mut version);
            }
        }
    }
}

fn lock(historian: &Mutex<Historian>) -> std::sync::MutexGuard<'_, Historian> {
    historian.lock().unwrap_or_else(PoisonError::into_inner)
}
