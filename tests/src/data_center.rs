use crate::{Mark, Request};
use anyhow::{Context, Result, bail, ensure};
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use plimsoll_bench::Bench;
use plimsoll_sim_cluster::SimCluster;
use reqwest::header::{HeaderValue, USER_AGENT};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What the tests call themselves, so that their own requests are not counted.
const AGENT: &str = "plimsoll-tests";

/// One data center, and a client of the tests' own to look into it and to disturb what lies in it.
pub struct DataCenter {
    name: String,
    ground: Ground,
    kubeconfig: PathBuf,
    client: Client,
}

enum Ground {
    Simulated(Box<SimCluster>),
    Real { bench: Arc<Bench>, number: usize },
}

/// What a data center stored at some moment.
pub enum Backup {
    /// A simulated one.
    Simulated(plimsoll_sim_cluster::Backup),
    /// A real one.
    Real(plimsoll_bench::Backup),
}

impl DataCenter {
    /// A simulated one of so many nodes, in this process; its kubeconfig is written to `folder`.
    pub(crate) async fn simulated(name: &str, nodes: usize, folder: &Path) -> Result<Self> {
        // Equal seeds make equal uids, and a data center is known by one.
        let seed = uuid::Uuid::now_v7().as_u64_pair().1;
        let cluster = SimCluster::builder()
            .name(name)
            .nodes(nodes)
            .seed(seed)
            .start()
            .await
            .context("starting a simulated cluster")?;
        let kubeconfig = folder.join(format!("{name}.yaml"));
        std::fs::write(&kubeconfig, cluster.kubeconfig())
            .with_context(|| format!("writing {}", kubeconfig.display()))?;
        Self::new(name, Ground::Simulated(Box::new(cluster)), kubeconfig).await
    }

    /// That of a bench.
    pub(crate) async fn real(bench: Arc<Bench>, number: usize) -> Result<Self> {
        let (name, kubeconfig) = (bench.dc(number).name().to_owned(), bench.dc(number).kubeconfig());
        Self::new(&name, Ground::Real { bench, number }, kubeconfig).await
    }

    async fn new(name: &str, ground: Ground, kubeconfig: PathBuf) -> Result<Self> {
        let read = Kubeconfig::read_from(&kubeconfig).context("reading a kubeconfig")?;
        let mut config = kube::Config::from_custom_kubeconfig(read, &KubeConfigOptions::default())
            .await
            .context("using a kubeconfig")?;
        config.headers.push((USER_AGENT, HeaderValue::from_static(AGENT)));
        config.proxy_url = None;
        config.connect_timeout = Some(Duration::from_secs(5));
        config.read_timeout = Some(Duration::from_secs(20));
        let client = Client::try_from(config).context("making a client")?;
        Ok(Self { name: name.to_owned(), ground, kubeconfig, client })
    }

    /// Its name, such as `dc-1`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it runs in this process, kubelets and all.
    pub(crate) fn is_simulated(&self) -> bool {
        matches!(self.ground, Ground::Simulated(_))
    }

    /// The kubeconfig of a user who may do everything.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The object or list at `path`, such as `apis/apps/v1/namespaces/demo/deployments/shop`; `None` if there is
    /// none.
    pub async fn get(&self, path: &str) -> Result<Option<Value>> {
        self.send("GET", path, None).await
    }

    /// The items of the list at `path`.
    pub async fn list(&self, path: &str) -> Result<Vec<Value>> {
        let list = self.get(path).await?.with_context(|| format!("{}: no {path}", self.name))?;
        Ok(list["items"].as_array().cloned().unwrap_or_default())
    }

    /// Makes an object in the collection at `path`.
    pub async fn create(&self, path: &str, object: &Value) -> Result<Value> {
        self.must("POST", path, Some(object)).await
    }

    /// Changes an object by merge patch, as an editor of the field manager `manager` does.
    pub async fn merge(&self, manager: &str, path: &str, change: &Value) -> Result<Value> {
        self.must("PATCH", &format!("{path}?fieldManager={manager}"), Some(change)).await
    }

    /// Replaces an object, or a subresource of it.
    pub async fn replace(&self, path: &str, object: &Value) -> Result<Value> {
        self.must("PUT", path, Some(object)).await
    }

    /// Applies an object server-side, as the field manager `manager`.
    pub async fn apply(&self, manager: &str, path: &str, object: &Value) -> Result<Value> {
        self.must("APPLY", &format!("{path}?fieldManager={manager}&force=true"), Some(object)).await
    }

    /// Deletes an object; what it owns goes with it, in the background.
    pub async fn delete(&self, path: &str) -> Result<()> {
        let options = serde_json::json!({"propagationPolicy": "Background"});
        self.must("DELETE", path, Some(&options)).await.map(|_| ())
    }

    async fn must(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let answer = self.send(method, path, body).await?;
        answer.with_context(|| format!("{}: {method} {path}: not there", self.name))
    }

    async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Option<Value>> {
        let (method, content_type) = match method {
            "PATCH" => (method, "application/merge-patch+json"),
            "APPLY" => ("PATCH", "application/apply-patch+yaml"),
            _ => (method, "application/json"),
        };
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = http::Request::builder()
            .method(method)
            .uri(format!("/{path}"))
            .header("content-type", content_type)
            .header("accept", "application/json")
            .body(body.into_bytes())
            .context("making a request")?;
        match self.client.request::<Value>(request).await {
            Ok(answer) => Ok(Some(answer)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(error).with_context(|| format!("{}: {method} {path}", self.name)),
        }
    }

    /// Now, to count requests from.
    pub fn mark(&self) -> Result<Mark> {
        Ok(match &self.ground {
            Ground::Simulated(cluster) => Mark::Simulated(cluster.journal().mark()),
            Ground::Real { bench, number } => Mark::Real(bench.dc(*number).audit_log().mark()?),
        })
    }

    /// Every request that reached the API server from Plimsoll since then, in the order of arrival: those of the
    /// tests, of kubectl and of the cluster's own parts aside.
    pub fn requests(&self, since: Mark) -> Result<Vec<Request>> {
        match (&self.ground, since) {
            (Ground::Simulated(cluster), Mark::Simulated(mark)) => {
                let entries = cluster.journal().since(mark);
                Ok(entries
                    .into_iter()
                    .filter(|entry| is_plimsoll(&entry.request.agent))
                    .map(|entry| Request {
                        verb: format!("{:?}", entry.request.verb).to_lowercase(),
                        resource: entry.request.resource,
                        subresource: entry.request.subresource,
                        namespace: entry.request.namespace,
                        name: entry.request.name,
                        code: entry.code,
                    })
                    .collect())
            }
            (Ground::Real { bench, number }, Mark::Real(mark)) => {
                let requests = bench.dc(*number).audit_log().since(mark)?;
                Ok(requests
                    .into_iter()
                    // The bench's components have users of their own.
                    .filter(|request| request.user == "admin" && is_plimsoll(&request.user_agent))
                    .map(|request| Request {
                        verb: request.verb,
                        resource: if request.resource.is_empty() { request.uri } else { request.resource },
                        subresource: request.subresource,
                        namespace: request.namespace,
                        name: request.name,
                        code: request.code,
                    })
                    .collect())
            }
            _ => bail!("the mark is of another data center"),
        }
    }

    /// Those of [`requests`](Self::requests) that were meant to change something, the renewal of elections aside.
    pub fn writes(&self, since: Mark) -> Result<Vec<Request>> {
        let mut requests = self.requests(since)?;
        requests.retain(|request| request.is_write() && request.resource != "leases");
        Ok(requests)
    }

    /// Ends the API server: connections are refused. Pods and controllers stay as they are.
    pub async fn stop(&self) -> Result<()> {
        match &self.ground {
            Ground::Simulated(cluster) => cluster.stop().await,
            Ground::Real { bench, number } => bench.dc(*number).stop_apiserver().await?,
        }
        Ok(())
    }

    /// Starts it again, at the same address with the same objects.
    pub async fn start(&self) -> Result<()> {
        match &self.ground {
            Ground::Simulated(cluster) => {
                cluster.start().await.context("starting a simulated API server again")
            }
            Ground::Real { bench, number } => bench.dc(*number).start_apiserver().await,
        }
    }

    /// Remembers all that it stores; the API server may be away for a moment.
    pub async fn back_up(&self) -> Result<Backup> {
        Ok(match &self.ground {
            Ground::Simulated(cluster) => Backup::Simulated(cluster.back_up()),
            Ground::Real { bench, number } => Backup::Real(bench.dc(*number).back_up().await?),
        })
    }

    /// Puts back what it stored then, versions and uids too, as a restore of etcd does, and starts its API server, which may
    /// be stopped.
    pub async fn put_back(&self, backup: &Backup) -> Result<()> {
        match (&self.ground, backup) {
            (Ground::Simulated(cluster), Backup::Simulated(backup)) => {
                // A restore takes the API server away.
                cluster.stop().await;
                cluster.put_back(backup).context("putting a backup back")?;
                cluster.start().await.context("starting a simulated API server again")
            }
            (Ground::Real { bench, number }, Backup::Real(backup)) => {
                bench.dc(*number).put_back(backup).await
            }
            _ => bail!("the backup is of another data center"),
        }
    }

    /// Holds the API server: it takes connections and answers nothing.
    pub async fn freeze(&self) -> Result<()> {
        match &self.ground {
            Ground::Simulated(cluster) => cluster.freeze(),
            Ground::Real { bench, number } => bench.dc(*number).freeze_apiserver().await?,
        }
        Ok(())
    }

    /// Lets it go on.
    pub async fn thaw(&self) -> Result<()> {
        match &self.ground {
            Ground::Simulated(cluster) => cluster.thaw(),
            Ground::Real { bench, number } => bench.dc(*number).thaw_apiserver().await?,
        }
        Ok(())
    }

    /// Runs kubectl, of the version of the real API servers, and gives what it prints.
    pub async fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        kubectl(&self.kubeconfig, arguments).await
    }
}

/// Runs kubectl with a kubeconfig and gives what it prints; if it fails, the error is what it complained of.
pub async fn kubectl(kubeconfig: &Path, arguments: &[&str]) -> Result<String> {
    let cache = tempfile::tempdir().context("making a folder")?;
    let output = tokio::process::Command::new(plimsoll_bench::Binaries::find()?.kubectl())
        .env("KUBECONFIG", kubeconfig)
        // Discovery is remembered by address, and another test's server may have had this one.
        .env("KUBECACHEDIR", cache.path())
        .args(arguments)
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .context("running kubectl")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "kubectl {}: {complaint}", arguments.join(" "));
    String::from_utf8(output.stdout).context("reading what kubectl printed")
}

fn is_plimsoll(agent: &str) -> bool {
    !agent.starts_with(AGENT) && !agent.starts_with("kubectl/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_simulated_data_center_is_looked_into_counted_stopped_and_frozen() -> Result<()> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir()?;
        let dc = DataCenter::simulated("dc-1", 3, folder.path()).await?;
        let path = "api/v1/namespaces/default/configmaps";
        let mark = dc.mark()?;

        dc.create(path, &json!({"metadata": {"name": "settings"}, "data": {"a": "b"}})).await?;
        dc.merge("somebody", &format!("{path}/settings"), &json!({"data": {"a": "c"}})).await?;

        let object = dc.get(&format!("{path}/settings")).await?.context("no object")?;
        assert_eq!(object["data"], json!({"a": "c"}));
        assert_eq!(object["metadata"]["managedFields"][1]["manager"], "somebody");
        assert_eq!(dc.requests(mark)?, [], "the tests' own requests are not counted");
        assert_eq!(dc.kubectl(&["get", "cm", "settings", "-o", "name"]).await?, "configmap/settings\n");

        dc.stop().await?;
        assert!(dc.get(path).await.is_err());
        dc.start().await?;
        dc.freeze().await?;
        assert!(tokio::time::timeout(Duration::from_millis(300), dc.get(path)).await.is_err());
        dc.thaw().await?;
        dc.delete(&format!("{path}/settings")).await?;
        assert_eq!(dc.get(&format!("{path}/settings")).await?, None);
        Ok(())
    }
}
