//! The cluster port: App resources are made, replaced, read and watched, and their rules hold for anyone.

use std::collections::BTreeMap;

use futures::StreamExt;
use plimsoll_core::cluster::{Asks, Cluster as _, Error, Event, Policy, PriorityClass, Version};
use serde_json::{Value, json};

use super::Target;
use super::mk::{MkDelivery, mk_full_content};
use crate::resource::{DEFINITION, GROUP, VERSION};

fn api() -> String {
    format!("apis/{GROUP}/{VERSION}")
}

/// A data center says who it is.
pub async fn a_data_center_says_who_it_is(target: &Target) {
    let identity = target.cluster.identity().await.unwrap();
    assert_eq!(identity, target.cluster.identity().await.unwrap());
    assert!(identity.version.starts_with('v'), "{identity:?}");
    assert!(!identity.uid.is_empty());
}

/// Preparing a data center that is prepared changes nothing in it.
pub async fn preparing_twice_writes_once(target: &Target) {
    let definition = || async {
        let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{DEFINITION}");
        target.cluster.rest().get::<Value>(&path).await.unwrap()["metadata"]["resourceVersion"].clone()
    };
    let before = definition().await;
    target.cluster.prepare().await.unwrap();
    assert_eq!(definition().await, before);
}

/// Classes that are missing are made, those that are there are left, and one that is another is named with what to do.
pub async fn classes_are_made_once_and_another_of_the_name_is_told(target: &Target) {
    const CLASSES: &str = "/apis/scheduling.k8s.io/v1/priorityclasses";
    // They are the cluster's, and others look at the same cluster.
    let class = |name: &str, value| PriorityClass {
        name: format!("plimsoll-{}-{name}", target.namespace),
        value,
        description: "A check.".to_owned(),
    };
    let read = async |class: &PriorityClass| {
        target.cluster.rest().get::<Value>(&format!("{CLASSES}/{}", class.name)).await.unwrap()
    };
    let (gold, iron, wild) = (class("gold", 9), class("iron", 8), class("wild", 7));
    assert!(target.cluster.ensure_classes(std::slice::from_ref(&gold)).await.unwrap().is_empty());
    let made = read(&gold).await;
    assert_eq!((&made["value"], &made["preemptionPolicy"]), (&json!(9), &json!("PreemptLowerPriority")));

    let foreign = json!({
        "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": wild.name}, "value": 7,
    });
    let _: Value = target.cluster.rest().create(CLASSES, &foreign).await.unwrap();
    let other = PriorityClass { value: 10, ..gold.clone() };
    let blocked = target.cluster.ensure_classes(&[other, iron.clone(), wild.clone()]).await.unwrap();
    assert_eq!(
        blocked,
        BTreeMap::from([
            (
                gold.name.clone(),
                format!(
                    "its PriorityClass {} has the value 9 and should have 10; Kubernetes changes no value: delete the \
                     class there, or give the grade another name (`plimsoll policy set`)",
                    gold.name
                )
            ),
            (
                wild.name.clone(),
                format!(
                    "its PriorityClass {} was not made by Plimsoll; label it app.kubernetes.io/managed-by=plimsoll if \
                     it may be used, or delete it there",
                    wild.name
                )
            ),
        ])
    );
    assert_eq!(read(&gold).await, made, "what is there stays as it is");
    assert_eq!(read(&iron).await["value"], 8);
    for class in [&gold, &iron, &wild] {
        let uid = read(class).await["metadata"]["uid"].as_str().unwrap().to_owned();
        let _: Value =
            target.cluster.rest().delete(&format!("{CLASSES}/{}", class.name), &uid).await.unwrap();
    }
}

/// A namespace gets its labels and keeps what else it has.
pub async fn a_namespace_keeps_what_else_it_has(target: &Target) {
    let name = target.namespace.parse().unwrap();
    let labels = |value: &str| BTreeMap::from([("team".to_owned(), value.to_owned())]);
    let read = async || {
        let path = format!("/api/v1/namespaces/{}", target.namespace);
        target.cluster.rest().get::<Value>(&path).await.unwrap()
    };
    target.cluster.ensure_namespace(&name, &labels("a"), &Policy::default()).await.unwrap();
    let path = format!("/api/v1/namespaces/{}", target.namespace);
    let mine = json!({"metadata": {"labels": {"mine": "1"}}});
    let _: Value = target.cluster.rest().merge(&path, &mine).await.unwrap();
    target.cluster.ensure_namespace(&name, &labels("b"), &Policy::default()).await.unwrap();
    let labelled = read().await;
    assert_eq!(labelled["metadata"]["labels"]["team"], "b");
    assert_eq!(labelled["metadata"]["labels"]["mine"], "1");
    target.cluster.ensure_namespace(&name, &labels("b"), &Policy::default()).await.unwrap();
    assert_eq!(read().await["metadata"]["resourceVersion"], labelled["metadata"]["resourceVersion"]);
}

/// What was put is what is read, whole, and no field of it is lost on the way.
pub async fn what_was_put_is_read(target: &Target) {
    let mut order = MkDelivery::new(&target.namespace);
    order.content = Some(mk_full_content());
    let app = &order.app;
    assert_eq!(target.cluster.get(app).await.unwrap(), None);
    let made = target.cluster.put(&order.delivery(), None).await.unwrap();
    assert_eq!(target.cluster.get(app).await.unwrap().as_ref(), Some(&made));
    assert_eq!((made.digest, made.fence), (order.delivery().digest, order.delivery().fence));

    let next = order.next(|next| next.restarts = 1);
    let replaced = target.cluster.put(&next.delivery(), Some(&made.version)).await.unwrap();
    assert_eq!(replaced.version.uid, made.version.uid);
    assert_eq!(replaced.digest, next.delivery().digest);

    let gone = next.next(|next| next.content = None);
    let deleted = target.cluster.put(&gone.delivery(), Some(&replaced.version)).await.unwrap();
    assert_eq!(deleted.digest, gone.delivery().digest);
}

/// Nothing is replaced that is not as it was seen.
pub async fn what_changed_meanwhile_is_not_replaced(target: &Target) {
    let order = MkDelivery::new(&target.namespace);
    let next = order.next(|next| next.restarts = 1);
    let nowhere =
        Version { uid: "d0f1c3a5-0000-4000-8000-000000000000".to_owned(), resource_version: "1".to_owned() };
    conflict(&target.cluster.put(&order.delivery(), Some(&nowhere)).await);
    let made = target.cluster.put(&order.delivery(), None).await.unwrap();
    conflict(&target.cluster.put(&next.delivery(), None).await);
    let other_life = Version { uid: nowhere.uid, resource_version: made.version.resource_version.clone() };
    conflict(&target.cluster.put(&next.delivery(), Some(&other_life)).await);
    target.cluster.put(&next.delivery(), Some(&made.version)).await.unwrap();
    conflict(&target.cluster.put(&next.next(|_| ()).delivery(), Some(&made.version)).await);
}

/// Nothing is removed that is not as it was seen; what is gone is removed already.
pub async fn what_is_removed_is_what_was_seen(target: &Target) {
    let order = MkDelivery::new(&target.namespace);
    let app = &order.app;
    let made = target.cluster.put(&order.delivery(), None).await.unwrap();
    let gone = order.next(|next| next.content = None);
    let deleted = target.cluster.put(&gone.delivery(), Some(&made.version)).await.unwrap();
    assert_eq!((made.asks == Asks::Deletion, deleted.asks), (false, Asks::Deletion));
    conflict(&target.cluster.remove(app, &made.version).await);
    let other_life =
        Version { uid: "d0f1c3a5-0000-4000-8000-000000000000".to_owned(), ..deleted.version.clone() };
    conflict(&target.cluster.remove(app, &other_life).await);
    assert_eq!(target.cluster.get(app).await.unwrap().as_ref(), Some(&deleted));
    for _ in 0..2 {
        target.cluster.remove(app, &deleted.version).await.unwrap();
        assert_eq!(target.cluster.get(app).await.unwrap(), None);
    }
    // Another life may begin lower: the rule that a fence never falls is about one resource.
    let next = target.cluster.put(&order.delivery(), None).await.unwrap();
    assert_ne!(next.version.uid, made.version.uid);
    conflict(&target.cluster.remove(app, &deleted.version).await);
    assert_eq!(target.cluster.get(app).await.unwrap(), Some(next));
}

fn conflict<T: std::fmt::Debug>(answer: &Result<T, Error>) {
    assert!(matches!(answer, Err(Error::Conflict)), "{answer:?}");
}

/// A fence never falls, and never stands for two Orders; the data center itself sees to it.
pub async fn an_older_order_is_refused_and_so_is_another_under_the_same_fence(target: &Target) {
    let order = MkDelivery::new(&target.namespace);
    let made = target.cluster.put(&order.delivery(), None).await.unwrap();
    let mut stale = order.clone();
    stale.revision -= 1;
    let mut other = order.clone();
    other.restarts = 9;
    let mut stale_epoch = order.clone();
    (stale_epoch.epoch, stale_epoch.revision) = (0, 1_000_000);
    for (delivery, why) in [
        (stale, "an older Order never replaces a newer one"),
        (stale_epoch, "an older Order never replaces a newer one"),
        (other, "the same fence never stands for two Orders"),
    ] {
        let answer = target.cluster.put(&delivery.delivery(), Some(&made.version)).await;
        match answer {
            Err(Error::Refused(said)) => assert_eq!(said, why),
            answer => panic!("{why}: {answer:?}"),
        }
    }
    let same = target.cluster.put(&order.delivery(), Some(&made.version)).await.unwrap();
    let mut next_epoch = order.clone();
    (next_epoch.epoch, next_epoch.revision) = (2, 1);
    target.cluster.put(&next_epoch.delivery(), Some(&same.version)).await.unwrap();
}

/// Two installations may share a data center, never an App: whose it is, is said, and the rule holds for anyone.
pub async fn an_app_of_another_installation_is_left_to_it(target: &Target) {
    let theirs = MkDelivery::new(&target.namespace);
    let made = target.cluster.put(&theirs.delivery(), None).await.unwrap();
    let ours = theirs.next(|next| "ours".clone_into(&mut next.installation));
    let expected = format!(
        "the installation `test` of Plimsoll has an App shop in the namespace {} of this data center: delete it \
         there, or give this one another name or namespace",
        target.namespace
    );
    for seen in [None, Some(&made.version)] {
        match target.cluster.put(&ours.delivery(), seen).await {
            Err(Error::Refused(said)) => assert_eq!(said, expected),
            answer => panic!("{answer:?}"),
        }
    }
    assert_eq!(target.cluster.get(&theirs.app).await.unwrap(), Some(made));
}

/// A wish for a local rollback outlives every Order that does not know of it.
pub async fn a_local_rollback_is_not_taken_away(target: &Target) {
    let order = MkDelivery::new(&target.namespace);
    let made = target.cluster.put(&order.delivery(), None).await.unwrap();
    let local = json!({"spec": {"local": {"by": "ann", "reason": "cut off"}}});
    target.merge_as("kubectl", &api(), "apps/shop", &local).await;
    let next = order.next(|next| next.restarts = 1).delivery();
    conflict(&target.cluster.put(&next, Some(&made.version)).await);
    let told = target.cluster.get(&order.app).await.unwrap().and_then(|resource| resource.local);
    assert_eq!(told.and_then(|local| local.by).as_deref(), Some("ann"));
    let unset = json!({"spec": {"local": null}});
    let path = format!("/apis/{GROUP}/{VERSION}/namespaces/{}/apps/shop", target.namespace);
    let refused = target.cluster.rest().merge::<Value>(&path, &unset).await;
    assert!(matches!(refused, Err(kube::Error::Api(status)) if status.code == 422));
}

/// A namespace that is not there is said to be so.
pub async fn a_missing_namespace_is_named(target: &Target) {
    let order = MkDelivery::new("nobody-made-this");
    match target.cluster.put(&order.delivery(), None).await {
        Err(Error::Refused(why)) => assert!(why.contains("namespace"), "{why}"),
        answer => panic!("{answer:?}"),
    }
}

/// A watch begins with all there is, and then says what happens.
pub async fn a_watch_begins_with_all_there_is(target: &Target) {
    let mut first = MkDelivery::new(&target.namespace);
    // Its own installation: the target's other checks run beside this one.
    first.installation.clone_from(&target.namespace);
    let mut second = first.clone();
    second.app.name = "second".parse().unwrap();
    let made = target.cluster.put(&first.delivery(), None).await.unwrap();
    let mut watch = target.cluster.watch(&first.installation.parse().unwrap());
    // A watch also tells of what other installations have: here those of the checks beside this one.
    let elsewhere = |event: &Event| {
        let (Event::Foreign { app, .. } | Event::Gone(app)) = event else { return false };
        app.namespace != first.app.namespace
    };
    let mut next = async || {
        let next = async {
            loop {
                let event = watch.next().await.unwrap().unwrap();
                if !elsewhere(&event) {
                    return event;
                }
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), next).await.unwrap()
    };
    assert_eq!(next().await, Event::All(vec![made.clone()]));
    let second_made = target.cluster.put(&second.delivery(), None).await.unwrap();
    assert_eq!(next().await, Event::Changed(second_made));
    let changed = target.cluster.put(&first.next(|_| ()).delivery(), Some(&made.version)).await.unwrap();
    assert_eq!(next().await, Event::Changed(changed));
    target.delete(&api(), "apps/second").await;
    assert_eq!(next().await, Event::Gone(second.app));
    let newer: Value = json!({"spec": {"replication": {"replicas": null}}});
    target.merge_as("kubectl", &api(), "apps/shop", &newer).await;
    let Event::Unreadable { app, why: _ } = next().await else { panic!("it was read") };
    assert_eq!(app, first.app);
}
