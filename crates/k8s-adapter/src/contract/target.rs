use std::collections::BTreeMap;
use std::time::Duration;

use plimsoll_core::cluster::{Cluster as _, Policy};
use plimsoll_core::record::GradePolicy;
use serde_json::Value;

use crate::rest::Rest;
use crate::{KubeCluster, Options};

/// How long a check waits for what must come about.
const PATIENCE: Duration = Duration::from_mins(1);

/// An API server, and a namespace of a check's own in it.
pub struct Target {
    /// The port under test.
    pub cluster: KubeCluster,
    /// The namespace.
    pub namespace: String,
    rest: Rest,
}

impl Target {
    /// Prepares the API server of `kubeconfig` and makes a namespace in it.
    pub async fn new(kubeconfig: &str) -> Self {
        Self::with(kubeconfig, &Options::default()).await
    }

    /// The same, talked to in another way.
    pub async fn with(kubeconfig: &str, options: &Options) -> Self {
        let cluster = KubeCluster::from_kubeconfig(kubeconfig, options).await.unwrap();
        cluster.prepare().await.unwrap();
        let blocked = cluster.ensure_classes(&GradePolicy::own_classes()).await.unwrap();
        assert!(blocked.is_empty(), "{blocked:?}");
        let id = uuid::Uuid::now_v7().simple().to_string();
        let namespace = format!("check-{}", &id[20..]);
        cluster
            .ensure_namespace(&namespace.parse().unwrap(), &BTreeMap::new(), &Policy::default())
            .await
            .unwrap();
        let rest = cluster.rest().clone();
        Self { cluster, namespace, rest }
    }

    /// The object under `path`, which begins behind the namespace: `apis/apps/v1` and `deployments/shop`.
    pub async fn find(&self, api: &str, path: &str) -> Option<Value> {
        self.rest.find(&self.path(api, path)).await.unwrap()
    }

    /// The same, where it must be there.
    pub async fn get(&self, api: &str, path: &str) -> Value {
        self.find(api, path).await.unwrap_or_else(|| panic!("no {path} in {}", self.namespace))
    }

    /// Makes an object as somebody else would.
    pub async fn create(&self, api: &str, collection: &str, object: &Value) -> Value {
        self.rest.create(&self.path(api, collection), object).await.unwrap()
    }

    /// Makes an object as somebody else would, if the API server takes it.
    pub async fn try_create(&self, api: &str, collection: &str, object: &Value) -> Option<Value> {
        self.rest.create(&self.path(api, collection), object).await.ok()
    }

    /// Labels the namespace as an operator would.
    pub async fn label_namespace(&self, key: &str, value: &str) {
        let path = format!("/api/v1/namespaces/{}", self.namespace);
        let change = serde_json::json!({"metadata": {"labels": {key: value}}});
        self.rest.merge_as("somebody", &path, &change).await.unwrap();
    }

    /// Tries to make an object as somebody else would, and says why the API server refused it.
    pub async fn refused(&self, api: &str, collection: &str, object: &Value) -> String {
        match self.rest.create::<_, Value>(&self.path(api, collection), object).await {
            Ok(object) => panic!("not refused: {object}"),
            Err(kube::Error::Api(status)) => status.message,
            Err(error) => panic!("not refused but failed: {error}"),
        }
    }

    /// Changes an object as `manager` would.
    pub async fn merge_as(&self, manager: &str, api: &str, path: &str, change: &Value) {
        let path = self.path(api, path);
        self.rest.merge_as(manager, &path, change).await.unwrap();
    }

    /// The same by strategic merge patch, as `kubectl set` and `kubectl patch` do.
    pub async fn strategic_as(&self, manager: &str, api: &str, path: &str, change: &Value) {
        let path = self.path(api, path);
        self.rest.strategic_as(manager, &path, change).await.unwrap();
    }

    /// Scales as `manager` would, through the subresource that `kubectl scale` and autoscalers use.
    pub async fn scale_as(&self, manager: &str, path: &str, replicas: u32) {
        let path = format!("{}/scale", self.path("apis/apps/v1", path));
        let change = serde_json::json!({"spec": {"replicas": replicas}});
        self.rest.merge_as(manager, &path, &change).await.unwrap();
    }

    /// Deletes an object as somebody else would.
    pub async fn delete(&self, api: &str, path: &str) {
        let object = self.get(api, path).await;
        let uid = object["metadata"]["uid"].as_str().unwrap();
        let _: Value = self.rest.delete(&self.path(api, path), uid).await.unwrap();
    }

    /// Asks until `question` has an answer.
    pub async fn until<T>(&self, what: &str, question: impl AsyncFn() -> Option<T>) -> T {
        self.until_or(what, question, String::new).await
    }

    /// The same, and says what was seen last where it never has one.
    pub async fn until_or<T>(
        &self,
        what: &str,
        question: impl AsyncFn() -> Option<T>,
        seen: impl Fn() -> String,
    ) -> T {
        let asked = async {
            loop {
                if let Some(answer) = question().await {
                    return answer;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, asked)
            .await
            .unwrap_or_else(|_| panic!("never came about: {what}\n{}", seen()))
    }

    fn path(&self, api: &str, path: &str) -> String {
        format!("/{api}/namespaces/{}/{path}", self.namespace)
    }
}
