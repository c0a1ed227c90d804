//! The controller of one data center: recognise it, make it able to hold Apps, then run.

use std::sync::Arc;
use std::time::Duration;

use plimsoll_core::clock::Clock;
use plimsoll_core::cluster::Cluster as _;
use plimsoll_core::error::Chain;
use plimsoll_core::name::InstallationId;
use plimsoll_core::view::DcView;
use plimsoll_k8s_adapter::KubeCluster;
use plimsoll_k8s_adapter::controller::{self, Options};
use tokio_util::sync::CancellationToken;

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
        () = until_ready(&dc, &cluster) => {}
    }
    let Role { identity, clock } = role;
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

async fn until_ready(dc: &DcView, cluster: &KubeCluster) {
    let mut wait = FIRST;
    let mut told = None;
    while let Err(why) = make_ready(dc, cluster).await {
        // The same reason is told once.
        if told.as_ref() != Some(&why) {
            tracing::warn!(dc = %dc.name, why, "the controller waits for the data center");
            told = Some(why);
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST);
    }
}

/// Whether it is the cluster that was added, and has all that this version needs.
async fn make_ready(dc: &DcView, cluster: &KubeCluster) -> Result<(), String> {
    let identity = cluster.identity().await.map_err(|error| Chain(&error).to_string())?;
    if identity.uid != dc.cluster_uid {
        return Err(format!(
            "another cluster answers: {} instead of {}; nothing is written there",
            identity.uid, dc.cluster_uid
        ));
    }
    cluster.prepare().await.map(drop).map_err(|error| Chain(&error).to_string())
}
