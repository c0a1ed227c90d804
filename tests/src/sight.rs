//! What lies in a data center of the App `shop`: looked at through Kubernetes, not through Plimsoll.

use crate::{DataCenter, World};
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::BTreeSet;

/// A pod that was not told to go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pod {
    /// Its uid: another pod has another.
    pub uid: String,
    /// The image of its main container.
    pub image: String,
    /// Whether its condition `Ready` is true.
    pub ready: bool,
}

impl World {
    /// The pods of this Namespace in a data center.
    pub async fn pods(&self, dc: &DataCenter) -> Result<BTreeSet<Pod>> {
        let pods = dc.list(&self.path("api/v1", "pods")).await?;
        pods.iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null()).map(read_pod).collect()
    }

    /// The pods of all data centers, in their order.
    pub async fn all_pods(&self) -> Result<Vec<BTreeSet<Pod>>> {
        let mut all = Vec::new();
        for dc in self.dcs() {
            all.push(self.pods(dc).await?);
        }
        Ok(all)
    }

    /// An object of this Namespace that must be there, such as `apis/apps/v1` and `deployments/shop`.
    pub async fn object(&self, dc: &DataCenter, api: &str, rest: &str) -> Result<Value> {
        let path = self.path(api, rest);
        dc.get(&path).await?.with_context(|| format!("{}: no {path}", dc.name()))
    }

    /// The Deployment of the App.
    pub async fn deployment(&self, dc: &DataCenter) -> Result<Value> {
        self.object(dc, "apis/apps/v1", "deployments/shop").await
    }

    /// The App resource.
    pub async fn resource(&self, dc: &DataCenter) -> Result<Value> {
        self.object(dc, "apis/dc.plimsoll.io/v1alpha1", "apps/shop").await
    }

    /// The names of the objects of a collection that were made for an App.
    pub async fn names(&self, dc: &DataCenter, api: &str, collection: &str) -> Result<BTreeSet<String>> {
        let ours = "?labelSelector=app.kubernetes.io%2Fmanaged-by%3Dplimsoll";
        let items = dc.list(&format!("{}{ours}", self.path(api, collection))).await?;
        Ok(items.iter().map(|item| text(&item["metadata"]["name"])).collect())
    }
}

fn read_pod(pod: &Value) -> Result<Pod> {
    let conditions = pod["status"]["conditions"].as_array().cloned().unwrap_or_default();
    Ok(Pod {
        uid: text(&pod["metadata"]["uid"]),
        image: pod["spec"]["containers"]
            .as_array()
            .and_then(|containers| containers.iter().find(|container| container["name"] == "app"))
            .map(|container| text(&container["image"]))
            .context("a pod without the main container")?,
        ready: conditions.iter().any(|it| it["type"] == "Ready" && it["status"] == "True"),
    })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
