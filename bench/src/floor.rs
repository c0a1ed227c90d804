//! The fewest requests that could bring a new image to a data center, sent as they are: replace the App resource,
//! apply the Deployment, say the status.

use anyhow::{Context, Result};
use futures::stream::{self, StreamExt, TryStreamExt};
use plimsoll_tests::DataCenter;
use serde_json::{Map, Value, json};

use crate::Crowd;

/// What is there of one App in one data center, read before anything is measured.
struct Base {
    app_path: String,
    deployment_path: String,
    app: Value,
    deployment: Value,
}

/// The requests for a [`Crowd`], ready to be sent.
pub struct Floor<'a> {
    dcs: &'a [DataCenter],
    bases: Vec<Vec<Base>>,
}

impl<'a> Floor<'a> {
    /// Reads what is there. Nobody else may write from now on.
    pub async fn prepare(dcs: &'a [DataCenter], crowd: &Crowd) -> Result<Self> {
        let mut bases = Vec::new();
        for number in 0..crowd.size() {
            let namespace = crowd.namespace(number);
            let app_path = format!("apis/dc.plimsoll.io/v1alpha1/namespaces/{namespace}/apps/app-{number}");
            let deployment_path = format!("apis/apps/v1/namespaces/{namespace}/deployments/app-{number}");
            let mut of_app = Vec::new();
            for dc in dcs {
                let app = dc.get(&app_path).await?.context("no App resource")?;
                let there = dc.get(&deployment_path).await?.context("no Deployment")?;
                let deployment = ours(&there).context("a Deployment that Plimsoll did not apply")?;
                let (app_path, deployment_path) = (app_path.clone(), deployment_path.clone());
                of_app.push(Base { app_path, deployment_path, app, deployment });
            }
            bases.push(of_app);
        }
        Ok(Self { dcs, bases })
    }

    /// Sends them all, with the image `old` replaced by `new`, so many Apps at a time.
    pub async fn send(&self, old: &str, new: &str, at_a_time: usize) -> Result<()> {
        stream::iter(&self.bases)
            .map(|of_app| async move {
                let all = self.dcs.iter().zip(of_app).map(|(dc, base)| base.send(dc, old, new));
                futures::future::try_join_all(all).await
            })
            .buffer_unordered(at_a_time)
            .try_collect::<Vec<_>>()
            .await
            .map(drop)
    }
}

impl Base {
    async fn send(&self, dc: &DataCenter, old: &str, new: &str) -> Result<()> {
        let mut app: Value = serde_json::from_str(&self.app.to_string().replace(old, new))?;
        let revision = app["spec"]["fence"]["revision"].as_u64().context("a fence without revision")?;
        app["spec"]["fence"]["revision"] = json!(revision + 1);
        if let Some(metadata) = app["metadata"].as_object_mut() {
            metadata.remove("managedFields");
        }
        let mut written = dc.replace(&self.app_path, &app).await?;

        let deployment: Value = serde_json::from_str(&self.deployment.to_string().replace(old, new))?;
        dc.apply("plimsoll", &self.deployment_path, &deployment).await?;

        written["status"] = self.app["status"].clone();
        written["status"]["fence"]["revision"] = json!(revision + 1);
        dc.replace(&format!("{}/status", self.app_path), &written).await.map(drop)
    }
}

/// Of an object, what Plimsoll applied.
fn ours(there: &Value) -> Option<Value> {
    let managers = there["metadata"]["managedFields"].as_array()?;
    let ours =
        managers.iter().find(|entry| entry["manager"] == "plimsoll" && entry["operation"] == "Apply")?;
    let mut object = part(there, &ours["fieldsV1"]);
    for field in ["apiVersion", "kind"] {
        object[field] = there[field].clone();
    }
    for field in ["name", "namespace", "uid"] {
        object["metadata"][field] = there["metadata"][field].clone();
    }
    Some(object)
}

/// The part of `value` that is noted in `fields` (`FieldsV1`).
fn part(value: &Value, fields: &Value) -> Value {
    let Some(fields) = fields.as_object().filter(|fields| !fields.is_empty()) else { return value.clone() };
    match value {
        Value::Object(map) => {
            let mut kept = Map::new();
            for (key, below) in fields {
                if let Some((name, value)) =
                    key.strip_prefix("f:").and_then(|name| Some((name, map.get(name)?)))
                {
                    kept.insert(name.to_owned(), part(value, below));
                }
            }
            Value::Object(kept)
        }
        Value::Array(items) => {
            let keyed = |item: &&Value| {
                fields.iter().find_map(|(key, below)| {
                    let key: Map<String, Value> = serde_json::from_str(key.strip_prefix("k:")?).ok()?;
                    key.iter().all(|(name, value)| item.get(name) == Some(value)).then(|| part(item, below))
                })
            };
            Value::Array(items.iter().filter_map(|item| keyed(&item)).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_applied_is_what_is_noted() {
        let there = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {
                "name": "a", "namespace": "n", "uid": "u", "annotations": {"theirs": "1"},
                "managedFields": [{"manager": "plimsoll", "operation": "Apply", "fieldsV1": {"f:spec": {
                    "f:replicas": {},
                    "f:containers": {"k:{\"name\":\"app\"}": {".": {}, "f:name": {}, "f:image": {}}},
                }}}],
            },
            "spec": {"replicas": 3, "paused": false, "containers": [
                {"name": "app", "image": "i", "imagePullPolicy": "Always"}, {"name": "injected"},
            ]},
        });
        let expected = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "a", "namespace": "n", "uid": "u"},
            "spec": {"replicas": 3, "containers": [{"name": "app", "image": "i"}]},
        });
        assert_eq!(ours(&there), Some(expected));
    }
}
