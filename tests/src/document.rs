use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// An App document being written: a small service with three replicas per data center, ready as soon as its
/// pods are.
#[derive(Clone, Debug)]
pub struct Document(Value);

/// An image whose digest is made of `version`.
pub fn image(version: u8) -> String {
    format!("registry.example.com/demo/shop@sha256:{}", format!("{version:02x}").repeat(32))
}

impl Document {
    /// The App `name` in `namespace`, with the image of version 1.
    pub fn new(namespace: &str, name: &str) -> Self {
        let probe = json!({"http": {"path": "/", "port": "http"}, "period": "1s"});
        Self(json!({
            "apiVersion": "plimsoll.io/v1alpha1",
            "kind": "App",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "grade": "general-2",
                "image": image(1),
                "size": {"cpu": "100m", "memory": "64Mi"},
                "ports": [{"name": "http", "port": 8080}],
                "probes": {"readiness": probe, "liveness": probe},
                "env": {"GREETING": "hello"},
                "files": [{"path": "/etc/shop/shop.toml", "content": "guests = true\n"}],
                "shutdown": {"drain": "1s", "grace": "2s"},
                "publish": {"deadline": "2m"},
            }
        }))
    }

    /// The same with the image of another version.
    #[must_use]
    pub fn version(self, version: u8) -> Self {
        self.with("/spec/image", image(version))
    }

    /// The same with the value at `pointer` (RFC 6901) replaced or added; its parent is there.
    #[must_use]
    pub fn with(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        let (parent, key) = pointer.rsplit_once('/').unwrap_or_default();
        if let Some(Value::Object(parent)) = self.0.pointer_mut(parent) {
            parent.insert(key.to_owned(), value.into());
        }
        self
    }

    /// The same without the value at `pointer`.
    #[must_use]
    pub fn without(mut self, pointer: &str) -> Self {
        let (parent, key) = pointer.rsplit_once('/').unwrap_or_default();
        if let Some(Value::Object(parent)) = self.0.pointer_mut(parent) {
            parent.remove(key);
        }
        self
    }

    /// As a value, as REST takes it.
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// Writes it to `folder` as the file that a user would write, and says where.
    pub fn write(&self, folder: &Path) -> Result<PathBuf> {
        let name = self.0["metadata"]["name"].as_str().unwrap_or("app");
        let path = folder.join(format!("{name}.yaml"));
        let text = serde_saphyr::to_string(&self.0).context("writing a document as YAML")?;
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }
}
