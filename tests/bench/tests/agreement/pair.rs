//! A simulated and a real cluster, asked alike.

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use plimsoll_bench::{Bench, Options};
use plimsoll_sim_cluster::SimCluster;
use serde_json::{Value, json};
use std::time::Duration;

/// How long a real controller may take for what it does by itself.
const LONG: Duration = Duration::from_mins(1);

/// Both, in a namespace that is new in each.
pub(crate) struct Pair {
    simulated: Client,
    real: Client,
    namespace: String,
    // What answers ends with these.
    _cluster: SimCluster,
    _bench: Bench,
}

impl Pair {
    pub(crate) async fn start() -> Self {
        let bench = Bench::start(Options::default().data_centers(1)).await.unwrap();
        let kubeconfig = Kubeconfig::read_from(bench.dc(1).kubeconfig()).unwrap();
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        let cluster = SimCluster::builder().name("dc-1").start().await.unwrap();
        Self {
            simulated: cluster.client(),
            real: Client::try_from(config).unwrap(),
            namespace: "default".to_owned(),
            _cluster: cluster,
            _bench: bench,
        }
    }

    /// Begins anew in a namespace of this name.
    pub(crate) async fn enter(&mut self, namespace: &str) {
        namespace.clone_into(&mut self.namespace);
        let made = json!({"metadata": {"name": namespace}});
        for client in [&self.simulated, &self.real] {
            send(client, "POST", "/api/v1/namespaces", &made).await.unwrap();
            let account = format!("/api/v1/namespaces/{namespace}/serviceaccounts/default");
            until(client, &account, |_| true).await;
        }
    }

    /// Creates an object in both; the answer is what `of` makes of either's, once they are equal.
    pub(crate) async fn create(&self, plural: &str, object: &Value, of: fn(&Value) -> Value) -> Value {
        self.create_at(&format!("/api/v1/namespaces/{}/{plural}", self.namespace), object, of).await
    }

    /// The same, without any effect.
    pub(crate) async fn try_create(&self, plural: &str, object: &Value, of: fn(&Value) -> Value) -> Value {
        let path = format!("/api/v1/namespaces/{}/{plural}?dryRun=All", self.namespace);
        self.create_at(&path, object, of).await
    }

    async fn create_at(&self, path: &str, object: &Value, of: fn(&Value) -> Value) -> Value {
        let answer = async |client| match send(client, "POST", path, object).await {
            Ok(made) => of(&made),
            Err(refusal) => refusal,
        };
        let (simulated, real) = (answer(&self.simulated).await, answer(&self.real).await);
        assert_eq!(simulated, real, "the simulated cluster answers otherwise to {object}");
        real
    }

    /// Waits until both have an object as `done` wants it.
    pub(crate) async fn until(&self, object: &str, done: fn(&Value) -> bool) {
        let path = format!("/api/v1/namespaces/{}/{object}", self.namespace);
        for client in [&self.simulated, &self.real] {
            until(client, &path, done).await;
        }
    }

    /// What `of` makes of an object, equal in both.
    pub(crate) async fn get(&self, object: &str, of: fn(&Value) -> Value) -> Value {
        let path = format!("/api/v1/namespaces/{}/{object}", self.namespace);
        let found = async |client| of(&send(client, "GET", &path, &Value::Null).await.unwrap());
        let (simulated, real) = (found(&self.simulated).await, found(&self.real).await);
        assert_eq!(simulated, real, "{object}");
        real
    }
}

async fn until(client: &Client, path: &str, done: fn(&Value) -> bool) {
    let wait = async {
        loop {
            if send(client, "GET", path, &Value::Null).await.is_ok_and(|found| done(&found)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let reached = tokio::time::timeout(LONG, wait).await.is_ok();
    assert!(reached, "not reached: {path}: {:?}", send(client, "GET", path, &Value::Null).await);
}

/// Sends a request; a refusal is its `Status` without what differs by nature.
async fn send(client: &Client, method: &str, path: &str, body: &Value) -> Result<Value, Value> {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let request =
        http::Request::builder().method(method).uri(path).header("content-type", "application/json");
    match client.request::<Value>(request.body(body).unwrap()).await {
        Ok(answer) => Ok(answer),
        Err(kube::Error::Api(status)) => {
            let mut refusal = serde_json::to_value(&*status).unwrap();
            sort_faults(&mut refusal);
            Err(refusal)
        }
        Err(error) => panic!("{method} {path}: {error}"),
    }
}

/// Several faults come in no order from a real server.
fn sort_faults(refusal: &mut Value) {
    if let Some(causes) = refusal.pointer_mut("/details/causes").and_then(Value::as_array_mut) {
        causes.sort_by_key(ToString::to_string);
    }
    let message = refusal["message"].as_str().unwrap_or_default().to_owned();
    if let Some((before, faults)) = message.split_once(": [")
        && let Some(faults) = faults.strip_suffix(']')
    {
        let mut faults: Vec<&str> = faults.split(", ").collect();
        faults.sort_unstable();
        refusal["message"] = format!("{before}: [{}]", faults.join(", ")).into();
    }
}
