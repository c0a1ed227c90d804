//! The controller of one data center: recognise it, make it able to hold Apps, then run.

use std::sync::Arc;
use std::time::Duration;

use plimsoll_core::clock::Clock;
use plimsoll_core::cluster::Cluster as _;
use plimsoll_core::error::Chain;
use plimsoll_core::name::InstallationId;
use plimsoll_core::usecase::Plimsoll;
use plimsoll_core::view::DcView;
use plimsoll_k8s_adapter::KubeCluster;
use plimsoll_k8s_adapter::controller::{self, Options};
use tokio_util::sync::CancellationToken;

use super::process;
use super::way::Way;

/// The first and the longest wait before asking a data center again that does not answer.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(15);

/// What every controller of this process has in common.
#[derive(Clone)]
pub(crate) struct Role {
    /// Who this process is among the candidates; the same after a restart.
    pub(crate) identity: String,
    /// Tells the time that is written down.
    pub(crate) clock: Arc<dyn Clock>,
    /// Says which cluster the data center is, as long as the ledger answers: an operator may have taken another one
    /// for it.
    pub(crate) plimsoll: Plimsoll,
}

/// Runs the controller of `dc` until `stopping`.
pub(super) async fn serve(
    role: Role,
    installation: InstallationId,
    dc: DcView,
    cluster: KubeCluster,
    way: Arc<Way>,
    stopping: CancellationToken,
) {
    tokio::select! {
        () = stopping.cancelled() => return,
        () = until_ready(&role.plimsoll, &dc, &cluster) => {}
    }
    let Role { identity, clock, plimsoll: _ } = role;
    let options = Options::new(installation, dc.name, identity, clock);
    let blind = options.blind.clone();
    let doubts = async {
        loop {
            blind.notified().await;
            // The worker, who says what is there and what is not, has to find out, too.
            way.doubt();
            tokio::time::sleep(LONGEST).await;
        }
    };
    tokio::select! {
        () = controller::run(&cluster, options, stopping) => {}
        () = doubts => {}
    }
}

async fn until_ready(plimsoll: &Plimsoll, dc: &DcView, cluster: &KubeCluster) {
    let mut wait = FIRST;
    let mut told = None;
    while let Err(why) = make_ready(plimsoll, dc, cluster).await {
        // The same reason is told once.
        if told.as_ref() != Some(&why) {
            tracing::warn!(dc = %dc.name, why, "the controller waits for the data center");
            told = Some(why);
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST);
    }
}

/// Whether it is the cluster that was added, or taken for it since, and has all that this version needs.
async fn make_ready(plimsoll: &Plimsoll, dc: &DcView, cluster: &KubeCluster) -> Result<(), String> {
    let identity = cluster.identity().await.map_err(|error| Chain(&error).to_string())?;
    if identity.uid != dc.cluster_uid {
        // Without the ledger it is the one that it was.
        let now = plimsoll.dc(&process(), &dc.name).await.map(|dc| dc.cluster_uid);
        let expected = now.as_ref().unwrap_or(&dc.cluster_uid);
        if identity.uid != *expected {
            return Err(format!(
                "another cluster answers: {} instead of {expected}; nothing is written there",
                identity.uid
            ));
        }
    }
    cluster.prepare().await.map(drop).map_err(|error| Chain(&error).to_string())
}
