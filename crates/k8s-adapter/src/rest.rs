//! Requests to an API server, one per call, with JSON in and out. The answer is read as what the caller asks for;
//! whoever keeps objects as their text asks for that.
//!
//! Objects are written as the JSON that was rendered, and never as half-filled typed values, whose serialised
//! form claims fields that nobody meant.

use http::{Method, Request, header::CONTENT_TYPE};
use kube::Client;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The one field manager of everything that Plimsoll writes.
pub const FIELD_MANAGER: &str = "plimsoll";

/// A client that speaks JSON.
#[derive(Clone)]
pub(crate) struct Rest {
    client: Client,
}

impl Rest {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    pub(crate) async fn get<R: DeserializeOwned>(&self, path: &str) -> kube::Result<R> {
        self.send(Method::GET, path, None::<(&str, &Value)>).await
    }

    /// The object at `path`, or `None` where there is none.
    pub(crate) async fn find<R: DeserializeOwned>(&self, path: &str) -> kube::Result<Option<R>> {
        match self.get(path).await {
            Ok(value) => Ok(Some(value)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn create<T, R>(&self, collection: &str, object: &T) -> kube::Result<R>
    where
        T: Serialize,
        R: DeserializeOwned,
    {
        let path = format!("{collection}?fieldManager={FIELD_MANAGER}");
        self.send(Method::POST, &path, Some(("application/json", object))).await
    }

    pub(crate) async fn replace<T, R>(&self, path: &str, object: &T) -> kube::Result<R>
    where
        T: Serialize,
        R: DeserializeOwned,
    {
        let path = format!("{path}?fieldManager={FIELD_MANAGER}");
        self.send(Method::PUT, &path, Some(("application/json", object))).await
    }

    pub(crate) async fn apply<R: DeserializeOwned>(&self, path: &str, object: &Value) -> kube::Result<R> {
        let path = format!("{path}?fieldManager={FIELD_MANAGER}&force=true");
        // JSON is YAML, which is the only name that every server knows an apply by.
        self.send(Method::PATCH, &path, Some(("application/apply-patch+yaml", object))).await
    }

    pub(crate) async fn merge<R: DeserializeOwned>(&self, path: &str, change: &Value) -> kube::Result<R> {
        let path = format!("{path}?fieldManager={FIELD_MANAGER}");
        self.send(Method::PATCH, &path, Some(("application/merge-patch+json", change))).await
    }

    #[cfg(any(test, feature = "contract-tests"))]
    pub(crate) async fn merge_as(&self, manager: &str, path: &str, change: &Value) -> kube::Result<Value> {
        let path = format!("{path}?fieldManager={manager}");
        self.send(Method::PATCH, &path, Some(("application/merge-patch+json", change))).await
    }

    #[cfg(any(test, feature = "contract-tests"))]
    pub(crate) async fn strategic_as(
        &self,
        manager: &str,
        path: &str,
        change: &Value,
    ) -> kube::Result<Value> {
        let path = format!("{path}?fieldManager={manager}");
        self.send(Method::PATCH, &path, Some(("application/strategic-merge-patch+json", change))).await
    }

    /// Deletes the object that has this uid and nothing but it; what it owns goes after it.
    pub(crate) async fn delete<R: DeserializeOwned>(&self, path: &str, uid: &str) -> kube::Result<R> {
        self.delete_if(path, &json!({"uid": uid})).await
    }

    /// Deletes the object that is as these preconditions say.
    pub(crate) async fn delete_if<R: DeserializeOwned>(
        &self,
        path: &str,
        preconditions: &Value,
    ) -> kube::Result<R> {
        let options = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": preconditions,
        });
        self.send(Method::DELETE, path, Some(("application/json", &options))).await
    }

    async fn send<T, R>(&self, method: Method, path: &str, body: Option<(&str, &T)>) -> kube::Result<R>
    where
        T: Serialize,
        R: DeserializeOwned,
    {
        let mut request = Request::builder().method(method).uri(path);
        let bytes = match body {
            None => Vec::new(),
            Some((kind, value)) => {
                request = request.header(CONTENT_TYPE, kind);
                serde_json::to_vec(value).map_err(kube::Error::SerdeError)?
            }
        };
        let request = request.body(bytes).map_err(kube::Error::HttpError)?;
        let text = self.client.request_text(request).await?;
        serde_json::from_str(&text).map_err(kube::Error::SerdeError)
    }
}
