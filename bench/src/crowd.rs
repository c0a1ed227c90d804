//! Many Apps of one installation, published together.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::stream::{self, StreamExt, TryStreamExt};
use plimsoll_tests::{Document, World};
use reqwest::Method;
use serde_json::Value;

/// How many requests are under way at once, and how many Namespaces the Apps are spread over at most.
const CALLERS: usize = 16;

/// How long publishes may take to become quiet.
const PATIENCE: Duration = Duration::from_mins(20);

/// Apps `app-0`, `app-1`, … of a [`World`].
#[derive(Clone, Debug)]
pub struct Crowd {
    namespaces: Vec<String>,
    apps: usize,
    replicas: u32,
}

impl Crowd {
    /// So many Apps, none of which is published yet, in as many Namespaces as are named.
    pub fn new(namespaces: Vec<String>, apps: usize) -> Self {
        Self { namespaces, apps, replicas: 3 }
    }

    /// The same with so many replicas in each data center; three unless said otherwise.
    #[must_use]
    pub fn with_replicas(self, replicas: u32) -> Self {
        Self { replicas, ..self }
    }

    /// How many.
    pub fn size(&self) -> usize {
        self.apps
    }

    /// The Namespace of an App.
    pub fn namespace(&self, app: usize) -> &str {
        &self.namespaces[app % self.namespaces.len()]
    }

    /// The document of an App: what an ordinary service has, with an image and a setting of this version.
    pub fn document(&self, app: usize, version: u8, config: u8) -> Document {
        let document = Document::new(self.namespace(app), &format!("app-{app}")).version(version);
        let many: serde_json::Map<String, Value> =
            (0..20).map(|n| (format!("SETTING_{n}"), format!("the value of setting {n}").into())).collect();
        document
            .with("/spec/env", many)
            .with("/spec/env/VERSION", config.to_string())
            .with("/spec/scale", serde_json::json!({"replicas": self.replicas}))
            .with("/spec/publish", serde_json::json!({"deadline": "1h"}))
    }

    /// Publishes all of them and returns as soon as the last is accepted, with the Operations.
    pub async fn publish(&self, world: &World, version: u8, config: u8) -> Result<Vec<String>> {
        stream::iter(0..self.apps)
            .map(|app| self.publish_one(world, app, version, config))
            .buffered(CALLERS)
            .try_collect()
            .await
    }

    /// Publishes one, and gives its Operation.
    pub async fn publish_one(&self, world: &World, app: usize, version: u8, config: u8) -> Result<String> {
        let path = format!(
            "/v1/namespaces/{}/apps/app-{app}?requestId={}",
            self.namespace(app),
            uuid::Uuid::now_v7()
        );
        let document = self.document(app, version, config);
        let answer = world.user().rest(Method::PUT, &path, Some(document.value())).await?;
        ensure!(answer.status == 202, "app-{app}: {answer:?}");
        let id = answer.body["operation"]["id"].as_str();
        Ok(id.with_context(|| format!("no Operation: {}", answer.body))?.to_owned())
    }

    /// Publishes all of them, so many at a time, each until its Operation has succeeded everywhere; gives how long
    /// each took from the answer that it was accepted.
    pub async fn publish_and_wait(
        &self,
        world: &World,
        version: u8,
        config: u8,
        at_a_time: usize,
    ) -> Result<Vec<Duration>> {
        let one = |app: usize| async move {
            let id = self.publish_one(world, app, version, config).await?;
            let accepted = Instant::now();
            self.succeeded(world, &[id]).await?;
            anyhow::Ok(accepted.elapsed())
        };
        let mut times: Vec<Duration> =
            stream::iter(0..self.apps).map(one).buffer_unordered(at_a_time).try_collect().await?;
        times.sort();
        Ok(times)
    }

    /// Waits until these Operations have ended, and fails unless all have succeeded.
    pub async fn succeeded(&self, world: &World, operations: &[String]) -> Result<()> {
        for id in operations {
            let operation = self.ended(world, id).await?;
            ensure!(operation["state"] == "Succeeded", "{operation}");
        }
        Ok(())
    }

    /// Waits until an Operation has ended, and gives it.
    pub async fn ended(&self, world: &World, id: &str) -> Result<Value> {
        let path = format!("/v1/operations/{id}/wait?timeout=50s");
        let begun = Instant::now();
        loop {
            let answer = world.user().rest(Method::POST, &path, None).await?;
            if answer.status == 200 {
                return Ok(answer.body);
            }
            // It takes longer than a request may.
            let is_running = answer.body["reason"] == "OPERATION_RUNNING";
            ensure!(is_running && begun.elapsed() < PATIENCE, "{answer:?}");
        }
    }
}
