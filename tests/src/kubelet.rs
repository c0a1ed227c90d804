//! The part of the kubelet on real ground, where nothing runs on the nodes: what it says of pods that it cannot
//! start. On simulated ground the kubelet is part of the cluster, and says so itself.

use crate::{DataCenter, eventually};
use anyhow::Result;
use plimsoll_bench::UNPLAYED;
use serde_json::{Value, json};

/// Why a kubelet does not start pods.
#[derive(Clone, Copy, Debug)]
pub enum Unstarted<'a> {
    /// Their volumes cannot be mounted, for the reason that the event gives.
    Mount(&'a str),
    /// Their container cannot be made, for the reason that their status gives.
    Container(&'a str),
}

/// The name of the App whose pods are left to [`DataCenter::play_kubelet`] on real ground.
pub const PLAYED: &str = UNPLAYED;

impl DataCenter {
    /// Says of the pods of the App [`PLAYED`], once they have servers, what a kubelet says that cannot start them:
    /// the status and the events of kubelet v1.37.
    pub async fn play_kubelet(&self, namespace: &str, pods: usize, why: Unstarted<'_>) -> Result<()> {
        if self.is_simulated() {
            return Ok(());
        }
        let path =
            format!("api/v1/namespaces/{namespace}/pods?labelSelector=app.kubernetes.io/name%3D{PLAYED}");
        let scheduled = eventually("the pods have servers", async || {
            let mut found = self.list(&path).await?;
            found.retain(|pod| pod["spec"]["nodeName"].is_string());
            Ok(if found.len() == pods { Ok(found) } else { Err(format!("{} pods", found.len())) })
        })
        .await?;
        for pod in scheduled {
            self.say(namespace, pod, why).await?;
        }
        Ok(())
    }

    /// Says of the same pods that they have come up.
    pub async fn play_start(&self, namespace: &str) -> Result<()> {
        if self.is_simulated() {
            return Ok(());
        }
        let path =
            format!("api/v1/namespaces/{namespace}/pods?labelSelector=app.kubernetes.io/name%3D{PLAYED}");
        for pod in self.list(&path).await? {
            let running = json!({"running": {"startedAt": pod["metadata"]["creationTimestamp"]}});
            self.write(namespace, pod, "Running", ["True", "True"], &running).await?;
        }
        Ok(())
    }

    async fn say(&self, namespace: &str, pod: Value, why: Unstarted<'_>) -> Result<()> {
        let metadata = pod["metadata"].clone();
        let (sandbox, waiting) = match why {
            Unstarted::Mount(_) => ("False", json!({"waiting": {"reason": "ContainerCreating"}})),
            Unstarted::Container(words) => {
                ("True", json!({"waiting": {"reason": "CreateContainerConfigError", "message": words}}))
            }
        };
        self.write(namespace, pod, "Pending", [sandbox, "False"], &waiting).await?;
        let Unstarted::Mount(words) = why else { return Ok(()) };
        let [name, uid] = [&metadata["name"], &metadata["uid"]];
        let at = &metadata["creationTimestamp"];
        let event = json!({
            "metadata": {"generateName": format!("{}.", name.as_str().unwrap_or_default()), "namespace": namespace},
            "involvedObject": {
                "apiVersion": "v1", "kind": "Pod", "namespace": namespace, "name": name, "uid": uid,
            },
            "reason": "FailedMount", "message": words, "type": "Warning", "count": 1,
            "firstTimestamp": at, "lastTimestamp": at,
            "source": {"component": "kubelet"}, "reportingComponent": "kubelet",
        });
        self.create(&format!("api/v1/namespaces/{namespace}/events"), &event).await.map(drop)
    }

    /// Writes the status of a pod: its phase, whether its sandbox is up and it is ready, and how its container is.
    async fn write(
        &self,
        namespace: &str,
        mut pod: Value,
        phase: &str,
        [sandbox, ready]: [&str; 2],
        state: &Value,
    ) -> Result<()> {
        let container = &pod["spec"]["containers"][0];
        let (is_ready, container) = (ready == "True", container.clone());
        let conditions = [
            ("PodReadyToStartContainers", sandbox),
            ("Initialized", "True"),
            ("Ready", ready),
            ("ContainersReady", ready),
            ("PodScheduled", "True"),
        ];
        pod["status"]["phase"] = json!(phase);
        pod["status"]["conditions"] =
            conditions.map(|(kind, status)| json!({"type": kind, "status": status})).into();
        pod["status"]["containerStatuses"] = json!([{
            "name": container["name"], "image": container["image"], "imageID": "", "ready": is_ready,
            "started": is_ready, "restartCount": 0, "lastState": {}, "state": state,
        }]);
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        self.replace(&format!("api/v1/namespaces/{namespace}/pods/{name}/status"), &pod).await.map(drop)
    }
}
