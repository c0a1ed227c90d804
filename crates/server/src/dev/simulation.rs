//! The simulated data centers.

use std::path::Path;

use futures::future::try_join_all;
use http::Request;
use plimsoll_core::error::Chain;
use plimsoll_core::name::DcName;
use plimsoll_sim_cluster::{SimCluster, StartError, TlsError};
use serde_json::{Value, json};

use super::folder::Folder;
use super::programs;
use crate::data_dir::DataDir;
use crate::error::Error;
use crate::random;

pub(super) const NAMES: [&str; 3] = ["dc-1", "dc-2", "dc-3"];
const USER: &str = "admin";
const GROUP: &str = "system:masters";

/// Three clusters, each on a loopback port of its own.
pub(super) struct Simulation {
    clusters: Vec<(DcName, SimCluster)>,
}

/// What a kubeconfig of an earlier run says: who has it may go on using it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Before {
    port: Option<u16>,
    token: Option<String>,
}

impl Simulation {
    /// Starts them, and writes the kubeconfig of each.
    pub(super) async fn start(dir: &DataDir, folder: &Folder) -> Result<Self, Error> {
        let clusters = try_join_all(NAMES.map(|name| start(name, dir, folder))).await?;
        Ok(Self { clusters })
    }

    /// Their names and kubeconfigs.
    pub(super) fn kubeconfigs(&self) -> impl Iterator<Item = (&DcName, String)> {
        self.clusters.iter().map(|(dc, cluster)| (dc, cluster.kubeconfig()))
    }

    /// Gives each of them a Secret, as their own administrator would.
    pub(super) async fn add_secret(&self, namespace: &str, name: &str, data: &Value) -> Result<(), Error> {
        let secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": namespace},
            "stringData": data,
        });
        let path = format!("/api/v1/namespaces/{namespace}/secrets");
        for (dc, cluster) in &self.clusters {
            let failed = |message: String| Error::Simulation { dc: dc.to_string(), message };
            let request = Request::post(&path)
                .header("content-type", "application/json")
                .body(secret.to_string().into_bytes())
                .map_err(|error| failed(error.to_string()))?;
            let answer = cluster.client().request_text(request).await;
            if let Err(error) = answer
                && !error.to_string().contains("already exists")
            {
                return Err(failed(format!("the secret {name} was not made: {error}")));
            }
        }
        Ok(())
    }

    /// What lies under a path, in each of them.
    #[cfg(test)]
    pub(super) async fn lists(&self, path: &str) -> Vec<Value> {
        let mut lists = Vec::new();
        for (_, cluster) in &self.clusters {
            lists.push(cluster.client().request(Request::get(path).body(Vec::new()).unwrap()).await.unwrap());
        }
        lists
    }

    /// Ends them, with everything written that they keep.
    pub(super) async fn stop(self) -> Result<(), Error> {
        for (dc, cluster) in self.clusters {
            cluster.shutdown().await.map_err(|error| Error::Simulation {
                dc: dc.to_string(),
                message: format!("its state was not kept ({error}); check the disk"),
            })?;
        }
        Ok(())
    }
}

async fn start(name: &str, dir: &DataDir, folder: &Folder) -> Result<(DcName, SimCluster), Error> {
    let failed = |message: String| Error::Simulation { dc: name.to_owned(), message };
    let dc: DcName = name.parse().map_err(|error| failed(format!("{error}")))?;
    let state = folder.state_of(name);
    let kubeconfig = dir.read_kubeconfig(&dc).map_err(|error| failed(error.to_string()))?;
    let Before { port, token } = kubeconfig.map(|text| before(&text)).unwrap_or_default();
    let token = token.map_or_else(random::token, Ok)?;
    let seed = random::number()?;
    let (scripts, loads) = (programs::scripts()?, programs::loads()?);
    let describe = |port| {
        let builder = SimCluster::builder()
            .name(name)
            .seed(seed)
            .token(token.clone(), USER, [GROUP])
            .port(port)
            .scripts(scripts.clone())
            .loads(loads.clone());
        match &state {
            Some(state) => builder.data_dir(state),
            None => builder,
        }
    };
    let started = match describe(port.unwrap_or(0)).start().await {
        // Somebody else has the port of last time.
        Err(StartError::Listen { .. }) if port.is_some() => describe(0).start().await,
        started => started,
    };
    let cluster = started.map_err(|error| failed(why(&error, state.as_deref())))?;
    dir.write_kubeconfig(&dc, &cluster.kubeconfig()).map_err(|error| failed(error.to_string()))?;
    Ok((dc, cluster))
}

fn why(error: &StartError, state: Option<&Path>) -> String {
    match (error, state) {
        (StartError::Data(_), Some(state)) => {
            format!("{}; put back a copy of {}, or use another directory", Chain(error), state.display())
        }
        // Clients learn of new ones: the kubeconfig is written at each start.
        (StartError::Tls(TlsError::Damaged { .. } | TlsError::File { .. }), Some(state)) => format!(
            "{}; remove ca.crt and ca.key from {}, so that new ones are made, or use another directory",
            Chain(error),
            state.display()
        ),
        _ => Chain(error).to_string(),
    }
}

/// What a kubeconfig says of port and token. It is ours, but people edit files.
fn before(kubeconfig: &str) -> Before {
    let Ok(config) = serde_saphyr::from_str::<Value>(kubeconfig) else { return Before::default() };
    let server: Option<http::Uri> =
        config["clusters"][0]["cluster"]["server"].as_str().and_then(|server| server.parse().ok());
    Before {
        port: server.and_then(|server| server.port_u16()),
        token: config["users"][0]["user"]["token"].as_str().map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_and_token_of_an_earlier_run_are_read_from_its_kubeconfig() {
        let text = "clusters: [{name: dc-1, cluster: {server: 'https://127.0.0.1:6443'}}]\n\
                    users: [{name: dc-1, user: {token: abc}}]\n";
        assert_eq!(before(text), Before { port: Some(6443), token: Some("abc".to_owned()) });
        for odd in ["", "{", "clusters: 1", "users: [{user: {token: 5}}]"] {
            assert_eq!(before(odd), Before::default(), "{odd:?}");
        }
    }
}
