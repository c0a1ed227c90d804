//! The server that a case runs on.

use std::cell::{OnceCell, RefCell};
use std::time::Duration;

use http::Method;
use kube::Client;
use kube::config::Kubeconfig;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::kubectl::write_kubeconfig;
use crate::run::client;
use crate::transcript::Transcript;
use crate::{Call, Faults, Kubectl, Meter, PatchFormat, Use, Watch};

/// How long a case waits for what must come about.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A server, a namespace of a case's own in it, and what was said so far.
pub struct Server {
    pub(crate) client: Client,
    /// What kubectl is told.
    kubeconfig: Option<Kubeconfig>,
    /// The folder in which kubectl works, once it does.
    kubectl: OnceCell<TempDir>,
    /// The namespace.
    pub namespace: String,
    pub(crate) transcript: RefCell<Transcript>,
    faults: Option<Box<dyn Faults>>,
    meter: Option<Box<dyn Meter>>,
    patience: Duration,
}

impl Server {
    /// Makes a namespace, and waits until everything is in it that is made for new ones.
    ///
    /// # Panics
    /// If this is no kubeconfig (YAML) of a user.
    pub async fn new(kubeconfig: &str) -> Self {
        let server = Self::bare(client(kubeconfig).await, None).await;
        Self { kubeconfig: Kubeconfig::from_yaml(kubeconfig).ok(), ..server }.settled().await
    }

    /// One whose pods are measured.
    pub async fn measured(client: Client, meter: Box<dyn Meter>) -> Self {
        let server = Self::bare(client, None).await;
        Self { patience: meter.patience(), meter: Some(meter), ..server }.settled().await
    }

    async fn settled(self) -> Self {
        let server = self;
        for made in ["configmaps/kube-root-ca.crt", "serviceaccounts/default"] {
            server.until(made, async || server.get(made).maybe().await.code == 200).await;
        }
        server
    }

    /// One that may be disturbed; nothing but the namespace is waited for.
    pub async fn disturbed(client: Client, faults: Box<dyn Faults>) -> Self {
        Self::bare(client, Some(faults)).await
    }

    async fn bare(client: Client, faults: Option<Box<dyn Faults>>) -> Self {
        let id = uuid::Uuid::now_v7().simple().to_string();
        let namespace = format!("case-{}", &id[20..]);
        let transcript = RefCell::new(Transcript::new(&namespace));
        let (kubeconfig, kubectl) = (None, OnceCell::new());
        let (meter, patience) = (None, PATIENCE);
        let server = Self { client, kubeconfig, kubectl, namespace, transcript, faults, meter, patience };
        let object = json!({"metadata": {"name": server.namespace}});
        server.post("/api/v1/namespaces", &object).unseen().await;
        server
    }

    /// What can be done to it.
    ///
    /// # Panics
    /// If others use it too.
    pub fn faults(&self) -> &dyn Faults {
        self.faults.as_deref().expect("a server that may be disturbed")
    }

    /// From now on its pods use this, as far as anybody knows; and when this returns, that is what is measured.
    ///
    /// # Panics
    /// If nothing is measured there.
    pub async fn uses(&self, uses: impl IntoIterator<Item = Use>) {
        let meter = self.meter.as_deref().expect("a server whose pods are measured");
        meter.set(&self.namespace, uses.into_iter().collect());
        meter.measure().await;
    }

    pub(crate) fn finish(self) -> String {
        self.transcript.into_inner().text()
    }

    /// Writes down a sentence: what the next requests are about.
    pub fn note(&self, sentence: &str) {
        self.transcript.borrow_mut().note(sentence);
    }

    /// From here on answers are shown with who owns their fields.
    pub fn show_managers(&self) {
        self.transcript.borrow_mut().managers = true;
    }

    /// Calls something that differs from run to run by a name, wherever it is said from here on.
    pub fn call_it(&self, value: &str, name: &str) {
        self.transcript.borrow_mut().call_it(value, name);
    }

    /// A request. `path` begins behind the namespace (`configmaps/x`, `apis/apps/v1/deployments/x`), or with a
    /// slash at the root; `{ns}` in it is the namespace.
    pub fn request(&self, method: Method, path: &str) -> Call<'_> {
        Call::new(self, method, path)
    }

    /// Reads an object or a list.
    pub fn get(&self, path: &str) -> Call<'_> {
        self.request(Method::GET, path)
    }

    /// Creates an object in a collection.
    pub fn post(&self, path: &str, object: &Value) -> Call<'_> {
        self.request(Method::POST, path).json(object)
    }

    /// Replaces an object.
    pub fn put(&self, path: &str, object: &Value) -> Call<'_> {
        self.request(Method::PUT, path).json(object)
    }

    /// Patches an object.
    pub fn patch(&self, format: PatchFormat, path: &str, change: &Value) -> Call<'_> {
        self.request(Method::PATCH, path).json(change).header("content-type", format.content_type())
    }

    /// Patches an object by JSON merge patch.
    pub fn merge(&self, path: &str, change: &Value) -> Call<'_> {
        self.patch(PatchFormat::Merge, path, change)
    }

    /// Applies an object as a field manager.
    pub fn apply(&self, manager: &str, path: &str, object: &Value) -> Call<'_> {
        self.patch(PatchFormat::Apply, path, object).query(&format!("fieldManager={manager}"))
    }

    /// Deletes an object or a collection.
    pub fn delete(&self, path: &str) -> Call<'_> {
        self.request(Method::DELETE, path)
    }

    /// Opens a watch on a collection.
    pub async fn watch(&self, path: &str) -> Watch<'_> {
        Watch::open(self, path, None).await
    }

    /// Opens a watch whose events come in another form.
    pub async fn watch_as(&self, path: &str, accept: &str) -> Watch<'_> {
        Watch::open(self, path, Some(accept)).await
    }

    /// A run of kubectl, by its arguments; `{ns}` in them is the namespace.
    pub fn kubectl(&self, command: &str) -> Kubectl<'_> {
        Kubectl::new(self, command)
    }

    /// Calls what differs between servers by its name: where they are, and their nodes.
    pub(crate) async fn introduce(&self) {
        if self.kubectl.get().is_some() {
            return;
        }
        let home = self.kubectl_home().path().display().to_string();
        self.call_it(&home, "home");
        let clusters = self.kubeconfig.iter().flat_map(|kubeconfig| &kubeconfig.clusters);
        let clusters = clusters.filter_map(|named| named.cluster.as_ref());
        for server in clusters.filter_map(|cluster| cluster.server.as_deref()) {
            self.call_it(server, "server");
        }
        let nodes = self.get("/api/v1/nodes").unseen().await;
        for node in nodes.body["items"].as_array().into_iter().flatten() {
            self.call_it(node["metadata"]["name"].as_str().unwrap_or_default(), "node");
        }
    }

    /// The folder in which kubectl works: its kubeconfig, and files that it is given.
    ///
    /// # Panics
    /// If there can be none.
    pub fn kubectl_home(&self) -> &TempDir {
        self.kubectl.get_or_init(|| {
            let folder = tempfile::tempdir().expect("a folder");
            let kubeconfig = self.kubeconfig.as_ref().expect("a server that kubectl may be run on");
            write_kubeconfig(kubeconfig, &self.namespace, folder.path());
            folder
        })
    }

    /// What was said so far.
    pub(crate) fn said(&self) -> String {
        self.transcript.borrow().text()
    }

    /// Waits until something is so.
    ///
    /// # Panics
    /// If it never is.
    pub async fn until(&self, what: &str, question: impl AsyncFn() -> bool) {
        let asked = async {
            while !question().await {
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        };
        let so = tokio::time::timeout(self.patience, asked).await;
        so.unwrap_or_else(|_| panic!("never came about: {what}\n{}", self.said()));
    }

    /// Waits until an object is gone.
    pub async fn until_gone(&self, path: &str) {
        self.until(&format!("{path} is gone"), async || self.get(path).maybe().await.code == 404).await;
    }

    /// Waits until what lies at a JSON pointer of an object is this.
    pub async fn until_is(&self, path: &str, pointer: &str, value: &Value) {
        let what = format!("{pointer} of {path} is {value}");
        self.until(&what, async || self.get(path).maybe().await.body.pointer(pointer) == Some(value)).await;
    }

    /// The whole path of one that begins behind the namespace.
    pub(crate) fn path(&self, path: &str) -> String {
        let whole = if path.starts_with('/') {
            path.to_owned()
        } else if let Some(rest) = path.strip_prefix("apis/") {
            let mut parts = rest.splitn(3, '/');
            let mut part = || parts.next().unwrap_or_default();
            format!("/apis/{}/{}/namespaces/{{ns}}/{}", part(), part(), part())
        } else {
            format!("/api/v1/namespaces/{{ns}}/{path}")
        };
        whole.replace("{ns}", &self.namespace)
    }
}
