use std::time::Duration;

use plimsoll_core::breaker::{Cause, Guard, Stop};
use plimsoll_core::ledger::Ledger as _;
use plimsoll_core::record::{DataCenter, Draft, Environment};
use plimsoll_core::usecase::NewInstallation;
use plimsoll_ledger::MemoryLedger;
use plimsoll_sim_cluster::{SimCluster, Verb};
use plimsoll_worker::Sights;
use tempfile::TempDir;

use super::*;
use crate::clock::{SystemClock, SystemIds};

/// An installation without data centers.
struct Bed {
    folder: TempDir,
    ledger: Arc<MemoryLedger>,
    plimsoll: Plimsoll,
    data_centers: Arc<DataCenters>,
    olga: Caller,
}

impl Bed {
    async fn new() -> Self {
        Self::of("test", Options::default().deadline).await
    }

    /// For whoever does not answer in time; a busy machine does not answer in time either.
    async fn impatient() -> Self {
        Self::of("test", Duration::from_millis(500)).await
    }

    async fn of(installation: &str, deadline: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(SystemClock::start());
        let ledger = Arc::new(MemoryLedger::default());
        let plimsoll = Plimsoll::new(ledger.clone(), Sights::new(), clock.clone(), Arc::new(SystemIds));
        let olga = Caller { name: "olga".to_owned(), role: Role::Operator };
        let id = installation.parse().unwrap();
        let new = NewInstallation {
            id,
            name: "a test".to_owned(),
            environment: Environment::Production,
            policy: None,
        };
        plimsoll.init(&olga, new, mk_write()).await.unwrap();
        let dir = Arc::new(DataDir::open(folder.path()).unwrap());
        let options = Options { deadline, ..Options::default() };
        let role = ControllerRole { identity: "me".to_owned(), clock, plimsoll: plimsoll.clone() };
        let data_centers = DataCenters::open(dir, plimsoll.clone(), options, role).await.unwrap();
        Self { folder, ledger, plimsoll, data_centers, olga }
    }

    async fn add(&self, name: &str, kubeconfig: &str) -> Result<DcView, Error> {
        self.add_as(name, kubeconfig, Sharing::Alone).await
    }

    async fn add_as(&self, name: &str, kubeconfig: &str, sharing: Sharing) -> Result<DcView, Error> {
        let name = name.parse().unwrap();
        self.data_centers.add(&self.olga, name, kubeconfig.into(), sharing, mk_write()).await
    }

    /// The refusal in words, each line one fault; nothing may be left of it.
    async fn refusal(&self, name: &str, kubeconfig: &str) -> String {
        let error = self.add(name, kubeconfig).await.unwrap_err();
        let mut lines = vec![format!("{:?} {}: {}", error.kind, error.reason, error.message)];
        lines.extend(error.violations.iter().map(|v| format!("  {}: {}; {}", v.path, v.message, v.remedy)));
        lines.join("\n")
    }

    async fn names(&self) -> Vec<String> {
        self.plimsoll.dcs(&self.olga).await.unwrap().into_iter().map(|dc| dc.name.to_string()).collect()
    }

    fn files(&self) -> Vec<String> {
        // It is made with the first.
        let Ok(entries) = std::fs::read_dir(self.folder.path().join("kubeconfig")) else { return Vec::new() };
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// A write like no other.
fn mk_write() -> Write {
    let request_id = uuid::Uuid::now_v7().to_string().parse().unwrap();
    Write { request_id, if_match: None, mode: Mode::Do, reason: None }
}

async fn sim(name: &str, seed: u64) -> SimCluster {
    SimCluster::builder()
        .name(name)
        .seed(seed)
        .nodes(1)
        .token("the-good-token", "admin", ["system:masters"])
        .token("the-weak-token", "viewer", ["viewers"])
        .start()
        .await
        .unwrap()
}

/// A web server that is no Kubernetes; lives as long as the test's runtime.
async fn something_else() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, axum::Router::new()).await });
    url
}

fn with_authority_of(kubeconfig: &str, other: &str) -> String {
    let line = |text: &str| {
        text.lines().find(|line| line.contains("certificate-authority-data")).unwrap().to_owned()
    };
    kubeconfig.replace(&line(kubeconfig), &line(other))
}

#[tokio::test]
async fn a_data_center_that_cannot_be_added_leaves_nothing_behind() {
    let bed = Bed::new().await;
    let (one, two) = (sim("one", 1).await, sim("two", 2).await);
    let good = one.kubeconfig();
    let mut told = Vec::new();
    let port = |sim: &SimCluster| sim.url().rsplit(':').next().unwrap().to_owned();
    let (first, second) = (port(&one), port(&two));
    let mut tell = |what: &str, refusal: String| {
        told.push(format!("# {what}\n{}", refusal.replace(&first, "PORT").replace(&second, "PORT")));
    };
    tell("no kubeconfig", bed.refusal("dc-1", "hello").await);
    tell("an empty kubeconfig", bed.refusal("dc-1", "kind: Config").await);
    tell("a program", bed.refusal("dc-1", "users: [{user: {exec: {command: rm}}}]").await);
    tell("another certificate", bed.refusal("dc-1", &with_authority_of(&good, &two.kubeconfig())).await);
    tell("an unknown token", bed.refusal("dc-1", &good.replace("the-good-token", "the-old-token")).await);
    let web = something_else().await;
    tell("something else", bed.refusal("dc-1", &good.replace(&one.url(), &web)).await);
    let impatient = Bed::impatient().await;
    one.freeze();
    tell("a frozen server", impatient.refusal("dc-1", &good).await);
    assert_eq!((impatient.names().await, impatient.files()), (vec![], vec![]));
    one.thaw();
    one.stop().await;
    tell("a stopped server", bed.refusal("dc-1", &good).await);
    one.start().await.unwrap();
    assert_eq!((bed.names().await, bed.files()), (vec![], vec![]));

    let added = bed.add("dc-1", &good).await.unwrap();
    assert_eq!(bed.add("dc-1", &good).await.unwrap(), added, "adding it again changes nothing");
    tell("a known cluster by another name", bed.refusal("dc-2", &good).await);
    tell("another cluster by a known name", bed.refusal("dc-1", &two.kubeconfig()).await);
    assert_eq!((bed.names().await, bed.files()), (vec!["dc-1".to_owned()], vec!["dc-1.yaml".to_owned()]));
    assert_eq!(std::fs::read_to_string(bed.folder.path().join("kubeconfig/dc-1.yaml")).unwrap(), good);
    let told = told.join("\n");
    // Uids are made anew with each run of the clusters.
    let told = told.replace(&added.cluster_uid, "UID-1");
    let uid = bed.data_centers.options.clone();
    let other =
        KubeCluster::from_kubeconfig(&two.kubeconfig(), &uid).await.unwrap().identity().await.unwrap();
    insta::assert_snapshot!(told.replace(&other.uid, "UID-2"));
    bed.data_centers.stop().await;
}

#[tokio::test]
async fn credentials_that_cannot_do_the_work_are_told_every_right_that_they_lack() {
    let bed = Bed::new().await;
    let one = sim("one", 1).await;
    let weak = one.kubeconfig().replace("the-good-token", "the-weak-token");
    for (verb, group, resource) in [
        (Verb::Patch, "", "configmaps"),
        (Verb::Delete, "", "configmaps"),
        (Verb::Watch, "apps", "replicasets"),
        (Verb::Update, "dc.plimsoll.io", "apps/status"),
        (Verb::List, "", "pods"),
        (Verb::Get, "", "secrets"),
    ] {
        one.permissions().deny("viewer", verb, group, resource);
    }
    let mark = one.journal().mark();

    let refused = bed.refusal("dc-1", &weak).await;
    insta::assert_snapshot!(refused);
    let validate = Write { mode: Mode::Validate, ..mk_write() };
    let checked = bed
        .data_centers
        .add(&bed.olga, "dc-1".parse().unwrap(), weak.as_str().into(), Sharing::Alone, validate)
        .await;
    assert_eq!(checked.unwrap_err().kind, Kind::Invalid);
    assert_eq!((bed.names().await, bed.files()), (vec![], vec![]));
    let mut written = one.journal().since(mark);
    written.retain(|entry| entry.request.is_write() && entry.request.resource != "selfsubjectaccessreviews");
    assert!(written.is_empty(), "{written:?}");

    bed.add("dc-1", &one.kubeconfig()).await.unwrap();
    bed.data_centers.stop().await;
}

#[tokio::test]
async fn rights_that_are_taken_away_later_are_why_a_data_center_does_not_answer() {
    let bed = Bed::new().await;
    let one = sim("one", 1).await;
    bed.add("dc-1", &one.kubeconfig()).await.unwrap();
    let cluster = bed.data_centers.cluster(&"dc-1".parse().unwrap()).unwrap();
    let has_watch = |resource: &str| {
        one.journal().entries().iter().any(|entry| {
            let request = &entry.request;
            request.verb == Verb::Watch && request.resource == resource && entry.code == Some(200)
        })
    };
    tokio::time::timeout(Duration::from_secs(20), async {
        while !has_watch("deployments") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("the controller watches");

    one.permissions().deny("admin", Verb::List, "apps", "deployments");
    one.permissions().deny("admin", Verb::Watch, "apps", "deployments");
    one.hooks().cut_watches();
    // What may be watched is watched on, until the controller finds out that it may not see everything.
    let ended = tokio::time::timeout(Duration::from_secs(40), async {
        let mut watch = cluster.watch(&"test".parse().unwrap());
        loop {
            match futures::StreamExt::next(&mut watch).await {
                Some(Ok(_)) => {}
                // Cut with the others.
                Some(Err(_)) => watch = cluster.watch(&"test".parse().unwrap()),
                None => return,
            }
        }
    });
    ended.await.expect("whoever watches is made to look again");
    insta::assert_snapshot!(cluster.prepare().await.unwrap_err());
    bed.data_centers.stop().await;
}

/// Two may share a cluster, but not without knowing.
#[tokio::test]
async fn the_data_center_of_another_installation_is_taken_only_where_that_is_meant() {
    let ours = Bed::new().await;
    let theirs = Bed::of("theirs", Options::default().deadline).await;
    let one = sim("one", 1).await;
    theirs.add("dc-9", &one.kubeconfig()).await.unwrap();
    let mark = one.journal().mark();

    insta::assert_snapshot!(ours.refusal("dc-1", &one.kubeconfig()).await);
    assert_eq!((ours.names().await, ours.files()), (vec![], vec![]));
    let validate = Write { mode: Mode::Validate, ..mk_write() };
    let name = || "dc-1".parse().unwrap();
    let checked =
        ours.data_centers.add(&ours.olga, name(), one.kubeconfig().into(), Sharing::Alone, validate).await;
    assert_eq!(checked.unwrap_err().reason, "DATA_CENTER_OF_ANOTHER");
    let mut written = one.journal().since(mark);
    // Their controller goes on being elected.
    let asks = ["leases", "selfsubjectaccessreviews"];
    written.retain(|entry| entry.request.is_write() && !asks.contains(&entry.request.resource.as_str()));
    assert!(written.is_empty(), "{written:?}");

    let added = ours.add_as("dc-1", &one.kubeconfig(), Sharing::Shared).await.unwrap();
    // Renewing credentials asks nobody again, on either side.
    assert_eq!(ours.add("dc-1", &one.kubeconfig()).await.unwrap(), added);
    theirs.add("dc-9", &one.kubeconfig()).await.unwrap();
    ours.data_centers.stop().await;
    theirs.data_centers.stop().await;
}

#[tokio::test]
async fn a_controller_that_meets_another_cluster_goes_on_when_that_one_is_confirmed() {
    let bed = Bed::new().await;
    let (one, two) = (sim("one", 1).await, sim("two", 2).await);
    let dc = bed.add("dc-1", &one.kubeconfig()).await.unwrap();
    bed.data_centers.stop().await;
    // Behind its credentials there is another cluster when this process starts.
    let dir = bed.data_centers.dir.clone();
    dir.write_kubeconfig(&dc.name, &two.kubeconfig()).unwrap();
    let (options, role) = (bed.data_centers.options.clone(), bed.data_centers.role.clone());
    let data_centers = DataCenters::open(dir, bed.plimsoll.clone(), options, role).await.unwrap();
    let says_who_it_is = || {
        let asked =
            two.journal().entries().into_iter().filter(|entry| entry.request.resource == "namespaces");
        (asked.count() >= 2).then_some(())
    };
    until("it has asked twice", says_who_it_is).await;
    let written: Vec<_> =
        two.journal().entries().into_iter().filter(|entry| entry.request.is_write()).collect();
    assert!(written.is_empty(), "{written:?}");

    let found = data_centers.cluster(&dc.name).unwrap().identity().await.unwrap().uid;
    let cause = Cause::OtherCluster { expected: dc.cluster_uid, found };
    let stop = Stop { by: Guard::Worker, cause, since: bed.data_centers.role.clock.now() };
    let key = plimsoll_core::record::key::dc(&dc.name);
    let entry = bed.ledger.get(&key).await.unwrap().unwrap();
    let stored = plimsoll_core::record::decode::<DataCenter>(&entry).unwrap();
    let mut draft = Draft::default();
    draft.replace(key, stored.revision, &stored.value.held(stop).unwrap()).unwrap();
    assert_ne!(bed.ledger.transact(draft.into()).await.unwrap(), plimsoll_core::ledger::Committed::Lost);
    bed.plimsoll.confirm_dc(&bed.olga, &dc.name, mk_write()).await.unwrap();
    let leads = || {
        let entries = two.journal().entries();
        entries
            .iter()
            .any(|entry| entry.request.resource == "leases" && entry.code == Some(201))
            .then_some(())
    };
    until("the controller works there", leads).await;
    data_centers.stop().await;
}

async fn until<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let looked = tokio::time::timeout(Duration::from_secs(40), async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    looked.await.unwrap_or_else(|_| panic!("never: {what}"))
}

#[tokio::test]
async fn only_an_operator_adds_a_data_center() {
    let bed = Bed::new().await;
    let ann = Caller { name: "ann".to_owned(), role: Role::Developer };
    let refused =
        bed.data_centers.add(&ann, "dc-1".parse().unwrap(), "hello".into(), Sharing::Alone, mk_write()).await;
    assert_eq!(refused.unwrap_err().kind, Kind::PermissionDenied);
}

#[tokio::test]
async fn renewed_credentials_take_the_place_of_the_old_ones_at_once() {
    let bed = Bed::new().await;
    let one = sim("one", 1).await;
    bed.add("dc-1", &one.kubeconfig()).await.unwrap();
    let cluster = bed.data_centers.cluster(&"dc-1".parse().unwrap()).unwrap();
    let mut watch = cluster.watch(&"test".parse().unwrap());
    assert!(futures::StreamExt::next(&mut watch).await.unwrap().is_ok());
    let renewed = format!("# renewed\n{}", one.kubeconfig());
    bed.add("dc-1", &renewed).await.unwrap();
    // The watch by the old ones ends; whoever held the way goes on by the new ones.
    let ended = tokio::time::timeout(Duration::from_secs(5), futures::StreamExt::next(&mut watch)).await;
    assert!(ended.unwrap().is_none());
    cluster.identity().await.unwrap();
    assert_eq!(std::fs::read_to_string(bed.folder.path().join("kubeconfig/dc-1.yaml")).unwrap(), renewed);
    bed.data_centers.stop().await;
}
