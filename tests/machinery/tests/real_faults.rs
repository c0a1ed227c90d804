//! The cases of disturbed servers on real ones, each of its own: etcd and kube-apiserver.

#![expect(clippy::expect_used, reason = "a test that cannot go on ends")]

use std::time::Duration;

use async_trait::async_trait;
use http::Response;
use kube::Client;
use kube::client::Body;
use plimsoll_bench::{Backup, Bench, DataCenter, Extent, Options};
use plimsoll_machinery::{Faults, cases, check_with_faults, client, for_each_case_of_faults};
use serde_json::{Value, json};
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinHandle;

/// How many servers are up at a time.
static TURNS: Semaphore = Semaphore::const_new(2);

/// Whom the client of a case acts for: one of the group `system:masters` is never turned away.
const USER: &str = "crowd";

/// What turns the crowd away.
const NAME: &str = "crowd";

struct Real {
    bench: Bench,
    client: Client,
    backup: Mutex<Option<Backup>>,
    /// A request of the crowd that does not end. Without one, even a level without a place lets one request in.
    endless: Mutex<Option<JoinHandle<()>>>,
}

impl Real {
    fn dc(&self) -> &DataCenter {
        self.bench.dc(1)
    }

    async fn create(&self, object: &Value) {
        self.dc().kubectl_with(&object.to_string(), &["create", "-f", "-"]).await.expect("to create");
    }

    /// Waits until the crowd is answered so.
    async fn until(&self, namespace: &str, so: impl Fn(&Response<Body>) -> bool) {
        let asked = async {
            loop {
                let path = format!("/api/v1/namespaces/{namespace}/secrets");
                let request = http::Request::get(path).body(Body::empty()).expect("a request");
                let answer = self.client.send(request).await.expect("an answer");
                if so(&answer) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), asked).await.expect("flow control follows its objects");
    }
}

#[async_trait(?Send)]
impl Faults for Real {
    async fn overload(&self, namespace: &str) {
        self.create(&json!({
            "apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": "PriorityLevelConfiguration",
            "metadata": {"name": NAME},
            "spec": {"type": "Limited", "limited": {
                "nominalConcurrencyShares": 0, "lendablePercent": 0, "borrowingLimitPercent": 0,
                "limitResponse": {"type": "Reject"},
            }},
        }))
        .await;
        self.create(&json!({
            "apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": "FlowSchema",
            "metadata": {"name": NAME},
            "spec": {
                "matchingPrecedence": 2, "priorityLevelConfiguration": {"name": NAME},
                "rules": [{
                    "subjects": [{"kind": "User", "user": {"name": USER}}],
                    "resourceRules": [{
                        "verbs": ["*"], "apiGroups": [""], "resources": ["secrets"], "namespaces": [namespace],
                    }],
                }],
            },
        }))
        .await;
        // What is begun before has a place elsewhere.
        let of = "x-kubernetes-pf-flowschema-uid";
        let uid = ["get", "flowschema", NAME, "-o", "jsonpath={.metadata.uid}"];
        let uid = self.dc().kubectl(&uid).await.expect("a uid");
        self.until(namespace, |answer| {
            answer.headers().get(of).is_some_and(|it| it.as_bytes() == uid.as_bytes())
        })
        .await;
        let path = format!("/api/v1/namespaces/{namespace}/secrets");
        let taken = async {
            loop {
                let endless = tokio::spawn(self.dc().create_without_end(&path, USER));
                // Who asks while it is on its way may have the only place; then it is turned away and ends, and another is
                // sent.
                loop {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    if endless.is_finished() {
                        break;
                    }
                    let request = http::Request::get(&path).body(Body::empty()).expect("a request");
                    if self.client.send(request).await.expect("an answer").status() == 429
                        && !endless.is_finished()
                    {
                        return endless;
                    }
                }
            }
        };
        let taken = tokio::time::timeout(Duration::from_secs(30), taken).await;
        *self.endless.lock().await = Some(taken.expect("the only place to be taken"));
    }

    async fn relieve(&self, namespace: &str) {
        for kind in ["flowschema", "prioritylevelconfiguration"] {
            self.dc().kubectl(&["delete", kind, NAME]).await.expect("to delete");
        }
        if let Some(endless) = self.endless.lock().await.take() {
            endless.abort();
        }
        self.until(namespace, |answer| answer.status() == 200).await;
    }

    /// No request takes less than a nanosecond here.
    async fn slow_down(&self) {}

    async fn restart(&self) {
        self.dc().stop_apiserver().await.expect("to stop it");
        self.dc().start_apiserver().await.expect("to start it");
    }

    async fn compact(&self) {
        self.dc().compact().await.expect("to compact it");
    }

    async fn back_up(&self) {
        *self.backup.lock().await = Some(self.dc().back_up().await.expect("a backup"));
    }

    async fn put_back(&self) {
        let backup = self.backup.lock().await.take().expect("a backup");
        self.dc().put_back(&backup).await.expect("to put it back");
    }
}

macro_rules! on_a_real_server {
    ($($group:ident: $($case:ident),+ $(,)?);+ $(;)?) => {$($(
        #[tokio::test]
        async fn $case() {
            let _turn = TURNS.acquire().await.expect("a turn");
            let options = Options::default().data_centers(1).extent(Extent::ApiServer);
            let bench = Bench::start(options).await.expect("a control plane");
            let everything = ["create", "clusterrolebinding", USER, "--clusterrole=cluster-admin", "--user", USER];
            bench.dc(1).kubectl(&everything).await.expect("to let the crowd do everything");
            let kubeconfig = std::fs::read_to_string(bench.dc(1).kubeconfig()).expect("a kubeconfig");
            let client = client(&kubeconfig.replace("    token:", &format!("    as: {USER}\n    token:"))).await;
            let (backup, endless) = (Mutex::default(), Mutex::default());
            let faults = Real { bench, client: client.clone(), backup, endless };
            check_with_faults(client, Box::new(faults), stringify!($case), cases::$group::$case).await;
        }
    )+)+};
}

for_each_case_of_faults!(on_a_real_server);
