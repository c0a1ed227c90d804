//! All roles in one process, over the embedded ledger: what `serve` and `dev` run.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::middleware::from_fn_with_state;
use http::Uri;
use plimsoll_api_grpc as grpc;
use plimsoll_api_rest::{Readiness, Rest};
use plimsoll_core::clock::Clock;
use plimsoll_core::error::{Error as CoreError, Kind};
use plimsoll_core::image::Images;
use plimsoll_core::ledger::Ledger;
use plimsoll_core::record::key;
use plimsoll_core::usecase::Plimsoll;
use plimsoll_k8s_adapter::Options;
use plimsoll_ledger::{FileArchive, Options as LedgerOptions, RedbLedger};
use plimsoll_worker::Sights;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;

use crate::clock::{SystemClock, SystemIds};
use crate::config::LedgerSettings;
use crate::data_centers::{ControllerRole, DataCenters};
use crate::data_dir::DataDir;
use crate::error::Error;
use crate::identity::Tokens;
use crate::net::{Listener, Split, end_streams};

/// How long the ledger may take to show that it answers.
const READY: Duration = Duration::from_secs(1);

/// What a stack is made of.
pub(crate) struct Setup {
    /// Where ledger and credentials lie.
    pub(crate) dir: DataDir,
    /// The ledger of that folder.
    pub(crate) ledger: OpenLedger,
    /// The port of REST, SSE and gRPC.
    pub(crate) listener: Listener,
    /// Who may call.
    pub(crate) tokens: Tokens,
    /// The HTTP proxy to the data centers.
    pub(crate) proxy: Option<Uri>,
    /// The registries of the installation.
    pub(crate) images: Option<Images>,
}

/// A ledger that is open, and how it is kept.
pub(crate) struct OpenLedger {
    redb: Arc<RedbLedger>,
    tidy: Duration,
    deletions: Duration,
}

impl OpenLedger {
    /// Opens that of a folder, or makes it.
    pub(crate) async fn open(dir: &DataDir, settings: LedgerSettings) -> Result<Self, Error> {
        let LedgerSettings { quota, tidy, deletions } = settings;
        let options = LedgerOptions { quota, ..LedgerOptions::default() };
        let redb = Arc::new(RedbLedger::open_with(dir.ledger(), options).await?);
        Ok(Self { redb, tidy, deletions })
    }
}

/// A running server.
pub(crate) struct Stack {
    /// The use cases.
    pub(crate) plimsoll: Plimsoll,
    /// What is seen of the data centers.
    pub(crate) sights: Arc<Sights>,
    /// The data centers.
    pub(crate) data_centers: Arc<DataCenters>,
    ledger: Arc<RedbLedger>,
    dir: Arc<DataDir>,
    health: tonic_health::server::HealthReporter,
    /// Ends the listener; what runs there may finish.
    closing: CancellationToken,
    listener: JoinSet<()>,
    /// Ends the workers.
    stopping: CancellationToken,
    workers: JoinSet<()>,
}

impl Stack {
    /// Starts every role.
    pub(crate) async fn start(setup: Setup) -> Result<Self, Error> {
        let Setup { dir, ledger, listener, tokens, proxy, images } = setup;
        let OpenLedger { redb: ledger, tidy, deletions } = ledger;
        let dir = Arc::new(dir);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
        let sights = Sights::new();
        let plimsoll = Plimsoll::new(ledger.clone(), sights.clone(), clock.clone(), Arc::new(SystemIds))
            .with_images(images.clone());
        let options = Options { proxy, ..Options::default() };
        let identity = dir.identity()?;
        let role =
            ControllerRole { identity: identity.clone(), clock: clock.clone(), plimsoll: plimsoll.clone() };
        let data_centers = DataCenters::open(dir.clone(), plimsoll.clone(), options, role).await?;

        let stopping = CancellationToken::new();
        let mut workers = JoinSet::new();
        let worker = plimsoll_worker::Setup {
            ledger: ledger.clone(),
            clusters: data_centers.clone(),
            plimsoll: plimsoll.clone(),
            sights: sights.clone(),
            images,
            archive: Arc::new(FileArchive::new(dir.archive())),
            tidy_every: tidy,
            remember_deletions: deletions,
            clock,
            candidate: identity,
        };
        workers.spawn(plimsoll_worker::run(worker, stopping.clone()));

        let closing = CancellationToken::new();
        let (health, _) = tonic_health::server::health_reporter();
        grpc::report(&health, ServingStatus::Serving).await;
        let authenticate = Arc::new(tokens);
        let readiness = Arc::new(LedgerAnswers { ledger: ledger.clone(), closing: closing.clone() });
        let rest = Rest {
            plimsoll: plimsoll.clone(),
            authenticate: authenticate.clone(),
            enrol: data_centers.clone(),
            readiness,
        };
        let faces = Split {
            rest: rest.into_router().layer(from_fn_with_state(closing.clone(), end_streams)),
            grpc: grpc::router(plimsoll.clone(), data_centers.clone(), authenticate, &health)
                .map_err(|error| {
                    Error::Failed("the gRPC descriptors cannot be read".to_owned(), error.into())
                })?
                .layer(from_fn_with_state(closing.clone(), end_streams)),
        };
        let mut serving = JoinSet::new();
        serving.spawn(listener.serve(faces, closing.clone()));
        Ok(Self {
            plimsoll,
            sights,
            data_centers,
            ledger,
            dir,
            health,
            closing,
            listener: serving,
            stopping,
            workers,
        })
    }

    /// Where ledger and credentials lie.
    pub(crate) fn dir(&self) -> &DataDir {
        &self.dir
    }

    /// Returns when a part of it has ended that was not told to, which is a defect.
    pub(crate) async fn failed(&mut self) -> Error {
        let (part, ended) = tokio::select! {
            Some(ended) = self.listener.join_next() => ("listener", ended),
            Some(ended) = self.workers.join_next() => ("worker", ended),
        };
        let source = match ended {
            Ok(()) => "it returned".into(),
            Err(error) => error.into(),
        };
        Error::Failed(format!("the {part} ended unexpectedly; the log says more"), source)
    }

    /// Ends every role in order: first nothing new is taken, then what runs may finish, then the loops end.
    pub(crate) async fn stop(mut self) {
        grpc::report(&self.health, ServingStatus::NotServing).await;
        self.closing.cancel();
        while self.listener.join_next().await.is_some() {}
        self.stopping.cancel();
        self.data_centers.stop().await;
        while self.workers.join_next().await.is_some() {}
        self.ledger.close().await;
    }
}

/// Ready while the ledger answers and nobody has asked for the end.
struct LedgerAnswers {
    ledger: Arc<RedbLedger>,
    closing: CancellationToken,
}

#[async_trait]
impl Readiness for LedgerAnswers {
    async fn ready(&self) -> Result<(), CoreError> {
        let not = |message: &str| CoreError::new(Kind::Unavailable, Kind::Unavailable.reason(), message);
        if self.closing.is_cancelled() {
            return Err(not("the server stops"));
        }
        match tokio::time::timeout(READY, self.ledger.get(key::INSTALLATION)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(not("the ledger does not answer").with_source(error)),
            Err(_) => Err(not("the ledger does not answer in time")),
        }
    }
}

#[cfg(test)]
mod tests;
