//! The example application: published once in the life of a folder, and watched until it is healthy.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use plimsoll_core::caller::Caller;
use plimsoll_core::cluster::{Clusters as _, Policy, Replicas};
use plimsoll_core::error::{Chain, Error as CoreError, Kind};
use plimsoll_core::fold::OperationState;
use plimsoll_core::live::Live as _;
use plimsoll_core::name::{AppRef, DcName, OperationId};
use plimsoll_core::record::{DcState, OutcomeState};
use plimsoll_core::steer::HELD;
use plimsoll_core::usecase::{PageRequest, Plimsoll, TakeScale};
use plimsoll_core::view::{AnyOperation, AppDcView, AppView, Health, OperationView};
use plimsoll_worker::Sights;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::lines::Lines;
use super::shop;
use super::world::{World, defect, write};
use crate::error::Error;

const DOCUMENT: &str = include_str!("../../../../examples/shop.yaml");
const NAMESPACE: &str = "demo";
const APP: &str = "shop";
const SECRET: &str = "shop-database";
/// What is seen of a data center is told at once; whether it answers at all is looked at this often.
const LOOK: Duration = Duration::from_millis(250);

/// The example application of one installation.
pub(super) struct Example {
    plimsoll: Plimsoll,
    sights: Arc<Sights>,
    caller: Caller,
    app: AppRef,
    started: Instant,
}

impl Example {
    pub(super) fn new(world: &World, started: Instant) -> Result<Self, Error> {
        let app =
            AppRef { namespace: NAMESPACE.parse().map_err(defect)?, name: APP.parse().map_err(defect)? };
        Ok(Self {
            plimsoll: world.plimsoll().clone(),
            sights: world.sights().clone(),
            caller: world.caller().clone(),
            app,
            started,
        })
    }

    /// Publishes it, unless this installation ever had it: what a person did with it since is left alone.
    pub(super) async fn publish(&self, world: &World) -> Result<Option<OperationId>, Error> {
        match self.plimsoll.operations_of(&self.caller, &self.app, PageRequest::default()).await {
            Ok(_) => return Ok(None),
            Err(error) if error.kind == Kind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        let namespace = &self.app.namespace;
        self.plimsoll.create_namespace(&self.caller, namespace.clone(), write("namespace")?).await?;
        for (dc, _) in world.simulation().kubeconfigs() {
            // The worker does the same within moments; the secret cannot wait for it.
            if let Some(cluster) = world.data_centers().cluster(dc) {
                cluster.ensure_namespace(namespace, &BTreeMap::new(), &Policy::default()).await.map_err(
                    |error| Error::Simulation { dc: dc.to_string(), message: Chain(&error).to_string() },
                )?;
            }
        }
        world.simulation().add_secret(NAMESPACE, SECRET, &json!({"password": "an-example"})).await?;
        let mut document = document()?;
        if let Some(registry) = world.qa() {
            shop::push(registry).await?;
            document["spec"]["image"] = shop::published(registry).into();
        }
        let accepted = self.plimsoll.apply(&self.caller, &document, TakeScale::No, write("publish")?).await?;
        Ok(accepted.operation.map(|operation| operation.id))
    }

    /// Shows how it fares until it has settled; answers the sentence that says so. What a person did in an
    /// earlier run counts as settled: the example may be offline, or gone.
    pub(super) async fn until_settled(
        &self,
        published: Option<OperationId>,
        lines: &mut Lines,
    ) -> Result<String, Error> {
        let mut changes = self.sights.changes(&self.app);
        let mut look = tokio::time::interval(LOOK);
        loop {
            let Some(view) = self.look().await? else {
                return Ok(format!("{} is not there: it was deleted in an earlier run", self.app));
            };
            let operation = match view.operation {
                Some(id) => self.plimsoll.operation(&self.caller, id).await?.of_app(),
                None => None,
            };
            lines.show(&view, operation.as_ref());
            if let Some(sentence) = self.settled(published, &view, operation.as_ref())? {
                return Ok(sentence);
            }
            tokio::select! {
                Some(()) = changes.next() => {}
                _ = look.tick() => {}
            }
        }
    }

    /// Why it is not healthy yet, for a person who waited this long.
    pub(super) async fn why_not(&self, timeout: Duration) -> Error {
        let why = match self.look().await {
            Ok(Some(view)) => {
                let operation = match view.operation {
                    Some(id) => {
                        self.plimsoll.operation(&self.caller, id).await.ok().and_then(AnyOperation::of_app)
                    }
                    None => None,
                };
                let late = view.dcs.iter().filter(|dc| dc.health != Health::Healthy);
                late.map(|dc| reason(dc, operation.as_ref())).collect::<Vec<_>>().join("; ")
            }
            Ok(None) => "it was not published yet".to_owned(),
            Err(error) => error.to_string(),
        };
        let seconds = timeout.as_secs();
        Error::NotHealthy(format!(
            "{} was not healthy everywhere within {seconds} s: {why}; give more time with --timeout",
            self.app
        ))
    }

    async fn look(&self) -> Result<Option<AppView>, CoreError> {
        match self.plimsoll.get(&self.caller, &self.app).await {
            Ok(view) => Ok(Some(view)),
            Err(error) if error.kind == Kind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn settled(
        &self,
        published: Option<OperationId>,
        view: &AppView,
        operation: Option<&OperationView>,
    ) -> Result<Option<String>, Error> {
        if let Some(why) = held(view, operation) {
            return Err(Error::NotHealthy(format!(
                "{} waits for a decision, and not for time: {why}",
                self.app
            )));
        }
        if let Some(operation) = operation.filter(|operation| published == Some(operation.id)) {
            match operation.state {
                OperationState::Running | OperationState::Paused => return Ok(None),
                OperationState::Held
                | OperationState::Failed
                | OperationState::RolledBack
                | OperationState::Aborted => {
                    let why = operation.message.as_deref().unwrap_or("no reason was given");
                    return Err(Error::NotHealthy(format!("{} did not become healthy: {why}", self.app)));
                }
                OperationState::Succeeded | OperationState::SucceededOwing | OperationState::Superseded => {}
            }
        }
        match view.health {
            Health::Healthy => Ok(Some(self.healthy(view))),
            Health::Offline => Ok(Some(format!("{} is offline, as it was ordered", self.app))),
            Health::Progressing | Health::Degraded | Health::Unknown => Ok(None),
        }
    }

    fn healthy(&self, view: &AppView) -> String {
        let dcs: Vec<&str> = view
            .dcs
            .iter()
            .filter(|dc| dc.health == Health::Healthy)
            .map(|dc| DcName::as_str(&dc.dc))
            .collect();
        let pods: u32 = view.dcs.iter().filter_map(|dc| dc.replicas).map(|replicas| replicas.ready).sum();
        format!(
            "{} release {} is live in {}: {pods} pods ready, {:.1} s after the start",
            self.app,
            view.release,
            dcs.join(", "),
            self.started.elapsed().as_secs_f64()
        )
    }
}

/// What only a person can decide, where that is what it waits for.
fn held(view: &AppView, operation: Option<&OperationView>) -> Option<String> {
    if let Some(dc) = view.dcs.iter().find(|dc| dc.dc_state == DcState::Held) {
        let why = dc.findings.iter().find(|finding| finding.reason == HELD);
        return Some(why.map_or_else(|| format!("{} is held", dc.dc), |finding| finding.message.clone()));
    }
    // One that is held because a data center is owed goes on by itself.
    let operation = operation.filter(|operation| operation.state == OperationState::Held)?;
    let failed = operation.dcs.iter().any(|dc| dc.state == OutcomeState::Failed);
    let why = operation.message.as_deref().unwrap_or("no reason was given");
    failed.then(|| {
        format!(
            "release {} is held: {why}; `plimsoll rollback {}` goes back",
            operation.release, view.app.name
        )
    })
}

/// Why it is not healthy in a data center.
fn reason(dc: &AppDcView, operation: Option<&OperationView>) -> String {
    let outcome = operation.and_then(|operation| operation.dcs.iter().find(|outcome| outcome.dc == dc.dc));
    let why = match (dc.findings.first(), outcome.map(|outcome| outcome.state), dc.replicas) {
        (Some(finding), _, _) => finding.message.clone(),
        (None, Some(OutcomeState::Waiting), _) => "it is not its turn yet".to_owned(),
        (None, _, Some(Replicas { ready, ordered, .. })) => format!("{ready} of {ordered} pods are ready"),
        (None, _, None) => "nothing was seen of it yet".to_owned(),
    };
    format!("{}: {why}", dc.dc)
}

fn document() -> Result<Value, Error> {
    serde_saphyr::from_str(DOCUMENT).map_err(defect)
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_core::document::{Host, admit};
    use plimsoll_core::record::Environment;
    use plimsoll_qos::Policy;

    #[test]
    fn the_example_is_the_app_that_is_watched_and_obeys_every_rule() {
        let dcs = ["dc-1", "dc-2", "dc-3"].map(|dc| dc.parse().unwrap());
        let host = Host { environment: Environment::Production, dcs: &dcs, grades: &Policy::default() };
        let document = admit(&document().unwrap(), host).unwrap();
        assert_eq!(document.app.to_string(), format!("{NAMESPACE}/{APP}"));
        assert!(DOCUMENT.contains(SECRET));
    }
}
