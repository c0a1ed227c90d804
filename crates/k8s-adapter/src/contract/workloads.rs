//! The controller: what is ordered comes about, stays so, and says so.

use plimsoll_core::cluster::{AppLife, Applied, Cluster as _, Power, Replicas, Status};
use plimsoll_core::scale::{Autoscale, Replication};
use serde_json::{Value, json};

use super::Target;
use super::mk::{mk_full_content, mk_image};
use super::running::{Running, mk_app, put};

pub(super) const APPS: &str = "apis/apps/v1";
pub(super) const CORE: &str = "api/v1";

pub(super) fn all(count: u32) -> Replicas {
    Replicas { ordered: count, updated: count, ready: count, available: count, old: 0, terminating: 0 }
}

pub(super) async fn list(target: &Target, api: &str, plural: &str) -> Vec<Value> {
    let listed = target.get(api, plural).await;
    listed["items"].as_array().cloned().unwrap_or_default()
}

pub(super) fn names(objects: &[Value]) -> Vec<&str> {
    objects.iter().filter_map(|object| object["metadata"]["name"].as_str()).collect()
}

pub(super) async fn config_maps(target: &Target) -> Vec<String> {
    let maps = list(target, CORE, "configmaps").await;
    let mut names: Vec<String> = names(&maps).into_iter().map(str::to_owned).collect();
    names.retain(|name| name.starts_with("shop-"));
    names
}

/// An App goes live with everything that belongs to it.
pub async fn an_app_goes_live(target: &Target) {
    let running = Running::start(target);
    let mut order = running.app();
    order.content = Some(mk_full_content());
    // No node of a test has disks to give away, and nobody makes the Secret.
    order.content_mut().main.size.ephemeral_storage = None;
    order.content_mut().secret_files.clear();
    order.content_mut().main.env_from_secrets.clear();
    let status = running.settle(&order).await;
    assert_eq!((status.replicas, status.applied), (all(3), Applied::Current));
    assert_eq!((status.findings, status.drift), (Vec::new(), Vec::new()));
    assert_eq!(running.deployment().await["spec"]["replicas"], 3);
    assert_eq!(config_maps(target).await.len(), 3);
    let life = AppLife { namespace: order.app.namespace.clone(), uid: order.uid };
    let nobody = AppLife { uid: uuid::Uuid::from_u128(9).into(), ..life.clone() };
    let pods = target.cluster.pods(&[nobody, life.clone()]).await.unwrap();
    assert_eq!(pods.iter().map(|pod| &pod.app).collect::<Vec<_>>(), [&life; 3]);
    target.get(CORE, "services/shop").await;
    target.get("apis/policy/v1", "poddisruptionbudgets/shop").await;
    running.stop().await;
}

/// An upgrade replaces the pods, and a rollback to the content before revives what ran it.
pub async fn a_rollback_revives_the_old_replica_set(target: &Target) {
    let running = Running::start(target);
    let first = running.app();
    running.settle(&first).await;
    let hash = async || {
        let pods = list(target, CORE, "pods").await;
        let mut hashes: Vec<Value> = pods
            .iter()
            .filter(|pod| pod["metadata"]["deletionTimestamp"].is_null())
            .map(|pod| pod["metadata"]["labels"]["pod-template-hash"].clone())
            .collect();
        hashes.dedup();
        assert_eq!(hashes.len(), 1, "{hashes:?}");
        hashes.remove(0)
    };
    let before = hash().await;
    let second = first.next(|next| {
        next.release = 2;
        next.content_mut().main.image = mk_image("shop/web", 'b');
    });
    running.settle(&second).await;
    assert_ne!(hash().await, before);
    let third = second.next(|next| {
        next.release = 3;
        next.content.clone_from(&first.content);
    });
    let status = running.settle(&third).await;
    assert_eq!(status.replicas, all(3));
    assert_eq!(hash().await, before);
    assert_eq!(list(target, APPS, "replicasets").await.len(), 2);
    running.stop().await;
}

/// What does not reach the pods replaces none of them.
pub async fn another_order_of_the_same_content_writes_its_status_alone(target: &Target) {
    let running = Running::start(target);
    let first = running.app();
    running.settle(&first).await;
    let versions = async || {
        let deployment = running.deployment().await;
        let service = target.get(CORE, "services/shop").await;
        (deployment["metadata"]["generation"].clone(), service["metadata"]["resourceVersion"].clone())
    };
    let before = versions().await;
    running.settle(&first.next(|next| next.release = 2)).await;
    assert_eq!(versions().await, before);
    running.stop().await;
}

/// Changed config has another name; the one before stays for as long as something can be revived with it.
pub async fn changed_config_replaces_the_pods_and_keeps_what_a_rollback_needs(target: &Target) {
    let running = Running::start(target);
    let first =
        running.app().next(|next| drop(next.content_mut().main.env.insert("A".to_owned(), "1".to_owned())));
    running.settle(&first).await;
    let before = config_maps(target).await;
    let second = first.next(|next| drop(next.content_mut().main.env.insert("A".to_owned(), "2".to_owned())));
    running.settle(&second).await;
    let after = config_maps(target).await;
    assert_eq!((before.len(), after.len()), (1, 2));
    assert!(after.contains(&before[0]), "{after:?}");
    let old = list(target, APPS, "replicasets").await;
    let needs = |set: &&Value| set.to_string().contains(&before[0]);
    let name = old.iter().find(needs).unwrap()["metadata"]["name"].as_str().unwrap().to_owned();
    target.delete(APPS, &format!("replicasets/{name}")).await;
    target
        .until("config pruned that nobody needs", async || {
            (!config_maps(target).await.contains(&before[0])).then_some(())
        })
        .await;
    running.stop().await;
}

/// An object that vanishes is made again, and told.
pub async fn a_deleted_deployment_comes_back(target: &Target) {
    let running = Running::start(target);
    let order = running.app();
    running.settle(&order).await;
    let uid = running.deployment().await["metadata"]["uid"].clone();
    target.delete(APPS, "deployments/shop").await;
    let told = |status: &Status| {
        super::running::is_settled(status)
            && status.drift.iter().any(|drift| drift.object == "Deployment/shop")
    };
    let status = running.status(&order, "the Deployment made again", told).await;
    assert_eq!(status.drift[0].field, "");
    assert_ne!(running.deployment().await["metadata"]["uid"], uid);
    running.stop().await;
}

/// A quota that is full is said in plain words.
pub async fn a_full_quota_is_said_in_plain_words(target: &Target) {
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": "team", "namespace": target.namespace},
        "spec": {"hard": {"pods": "2"}},
    });
    target.create(CORE, "resourcequotas", &quota).await;
    target
        .until("the quota counted", async || {
            let quota = target.get(CORE, "resourcequotas/team").await;
            (quota["status"]["hard"]["pods"] == "2").then_some(())
        })
        .await;
    let running = Running::start(target);
    let order = running.app();
    running.order(&order).await;
    let full = |status: &Status| {
        status.replicas.ready == 2 && status.findings.iter().any(|finding| finding.reason == "QuotaExceeded")
    };
    let status = running.status(&order, "the quota named", full).await;
    assert_eq!(
        status.findings[0].message,
        "the namespace's quota team is full: pods 2 of 2 used, 1 more asked for. Ask for a larger quota, or lower \
         replicas or size"
    );
    running.stop().await;
}

/// Offline takes the pods and leaves the rest; online brings them back.
pub async fn offline_takes_the_pods_and_leaves_the_rest(target: &Target) {
    let running = Running::start(target);
    let order = running.app();
    running.settle(&order).await;
    let offline = order.next(|next| next.power = Power::Offline);
    let status = running.settle(&offline).await;
    assert_eq!((status.replicas, status.applied), (Replicas::default(), Applied::Current));
    assert_eq!(names(&list(target, CORE, "pods").await), Vec::<&str>::new());
    target.get(CORE, "services/shop").await;
    let status = running.settle(&offline.next(|next| next.power = Power::Online)).await;
    assert_eq!(status.replicas, all(3));
    running.stop().await;
}

/// An autoscaler keeps the number that it found, and no Order takes it back.
pub async fn an_autoscaled_app_never_falls_back_to_one(target: &Target) {
    let running = Running::start(target);
    let order = running.app();
    running.settle(&order.next(|_| ())).await;
    let auto = order.next(|next| {
        next.revision += 1;
        next.replication = Replication::Auto(Autoscale { min: 2, max: 10, cpu_percent: 70 });
    });
    let status = running.settle(&auto).await;
    assert_eq!(status.replicas, all(3));
    target.get("apis/autoscaling/v2", "horizontalpodautoscalers/shop").await;
    target.scale_as("kube-controller-manager", "deployments/shop", 5).await;
    let status = running.status(&auto, "five pods", |status| status.replicas == all(5)).await;
    assert_eq!(status.drift, Vec::new());
    let upgraded = auto.next(|next| next.content_mut().main.image = mk_image("shop/web", 'b'));
    let status = running.settle(&upgraded).await;
    assert_eq!(status.replicas, all(5));
    let fixed = upgraded.next(|next| next.replication = Replication::Fixed(2));
    assert_eq!(running.settle(&fixed).await.replicas, all(2));
    assert_eq!(target.find("apis/autoscaling/v2", "horizontalpodautoscalers/shop").await, None);
    running.stop().await;
}

/// An Order to delete takes everything of that life, and says when all is gone.
pub async fn a_deletion_takes_everything(target: &Target) {
    let running = Running::start(target);
    let order =
        running.app().next(|next| drop(next.content_mut().main.env.insert("A".to_owned(), "1".to_owned())));
    running.settle(&order).await;
    let gone = order.next(|next| next.content = None);
    let status = running.settle(&gone).await;
    assert_eq!((status.applied, status.replicas), (Applied::Gone, Replicas::default()));
    for (api, plural) in [
        (APPS, "deployments"),
        (APPS, "replicasets"),
        (CORE, "pods"),
        (CORE, "services"),
        ("apis/policy/v1", "poddisruptionbudgets"),
    ] {
        assert_eq!(names(&list(target, api, plural).await), Vec::<&str>::new(), "{plural}");
    }
    assert_eq!(config_maps(target).await, Vec::<String>::new());
    running.stop().await;
}

/// An App that is made again under its name waits for the life before to go.
pub async fn a_new_life_takes_the_place_of_the_old(target: &Target) {
    let running = Running::start(target);
    let order = running.app();
    running.settle(&order).await;
    let again = order.next(|next| {
        next.deleted = vec![order.uid];
        next.uid = uuid::Uuid::now_v7().into();
    });
    let status = running.settle(&again).await;
    assert_eq!(status.replicas, all(3));
    let deployment = running.deployment().await;
    assert_eq!(deployment["metadata"]["labels"]["plimsoll.io/app-uid"], again.uid.to_string());
    running.stop().await;
}

/// A missing App resource is unknown, and not "nothing": its workloads stay, and so do their pods when it is
/// written again.
pub async fn a_deleted_resource_takes_nothing_with_it(target: &Target) {
    let running = Running::start(target);
    let order = running.app();
    running.settle(&order).await;
    let pods = names_of(&list(target, CORE, "pods").await);
    target.delete("apis/dc.plimsoll.io/v1alpha1", "apps/shop").await;
    put(target, &order).await;
    let status = running.settled(&order).await;
    assert_eq!(status.replicas, all(3));
    assert_eq!(names_of(&list(target, CORE, "pods").await), pods);
    running.stop().await;
}

fn names_of(objects: &[Value]) -> Vec<String> {
    let mut names: Vec<String> = names(objects).into_iter().map(str::to_owned).collect();
    names.sort();
    names
}

/// A controller that starts on what is as ordered changes nothing.
pub async fn a_restarted_controller_changes_nothing(target: &Target) {
    let running = Running::start(target);
    let order = running.app();
    running.settle(&order).await;
    running.stop().await;
    let versions = async || {
        let app = target.get("apis/dc.plimsoll.io/v1alpha1", "apps/shop").await;
        let deployment = target.get(APPS, "deployments/shop").await;
        let budget = target.get("apis/policy/v1", "poddisruptionbudgets/shop").await;
        let service = target.get(CORE, "services/shop").await;
        [app, deployment, service, budget].map(|object| object["metadata"]["resourceVersion"].clone())
    };
    let before = versions().await;
    let running = Running::start(target);
    // By the time that this one is done, the other was looked at.
    let mut marker = order.clone();
    marker.app.name = "marker".parse().unwrap();
    marker.uid = uuid::Uuid::now_v7().into();
    running.settle(&marker).await;
    assert_eq!(versions().await, before);
    running.stop().await;
}

/// A resource that was edited by hand is not acted on, and says so.
pub async fn an_edited_resource_is_not_acted_on(target: &Target) {
    let running = Running::start(target);
    let order = running.app();
    running.settle(&order).await;
    let edit = json!({"spec": {"replication": {"replicas": 1}}});
    target.merge_as("a-person", "apis/dc.plimsoll.io/v1alpha1", "apps/shop", &edit).await;
    let said = |status: &Status| status.findings.iter().any(|finding| finding.reason == "Edited");
    running.status(&order, "the edit told", said).await;
    assert_eq!(running.deployment().await["spec"]["replicas"], 3);
    put(target, &order).await;
    running.settled(&order).await;
    running.stop().await;
}

/// What somebody else made under the App's name is left alone, and named.
pub async fn what_is_not_ours_is_left_alone(target: &Target) {
    let order = mk_app(target);
    let service = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "shop", "namespace": target.namespace},
        "spec": {"selector": {"mine": "1"}, "ports": [{"port": 80}]},
    });
    let made = target.create(CORE, "services", &service).await;
    let running = Running::start(target);
    running.order(&order).await;
    let told = async |what: &str| {
        let taken = |status: &Status| {
            status.findings.iter().any(|it| it.reason == "NameTaken" && it.message.contains(what))
        };
        running.status(&order, what, taken).await;
    };
    told("that Plimsoll did not make: remove or rename it").await;
    let there = target.get(CORE, "services/shop").await;
    assert_eq!(there["metadata"]["resourceVersion"], made["metadata"]["resourceVersion"]);
    let marks = json!({"plimsoll.io/installation": "theirs", "plimsoll.io/app-uid": uuid::Uuid::now_v7().to_string()});
    target.merge_as("a-person", CORE, "services/shop", &json!({"metadata": {"labels": marks}})).await;
    told("the installation `theirs` of Plimsoll has a Service named shop here").await;
    target.delete(CORE, "services/shop").await;
    running.settled(&order).await;
    running.stop().await;
}

/// Of several candidates one works, and another goes on when it stops.
pub async fn another_candidate_goes_on(target: &Target) {
    let holder = async || {
        let path = format!(
            "/apis/coordination.k8s.io/v1/namespaces/plimsoll-system/leases/plimsoll-controller-{}",
            target.namespace
        );
        target.cluster.rest().get::<Value>(&path).await.unwrap()["spec"]["holderIdentity"].clone()
    };
    let first = Running::start_as(target, "first");
    let order = first.app();
    first.settle(&order).await;
    let second = Running::start_as(target, "second");
    first.settle(&order.next(|_| ())).await;
    assert_eq!(holder().await, "first");
    first.stop().await;
    let status = second.settle(&order.next(|next| next.revision += 1)).await;
    assert_eq!(status.replicas, all(3));
    assert_eq!(holder().await, "second");
    second.stop().await;
}
