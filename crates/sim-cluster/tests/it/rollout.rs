use std::time::Duration;

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use plimsoll_sim_cluster::Behavior;
use serde_json::json;

use crate::support::{apply, is_rolled_out, mk_cluster, mk_deployment, pod_names, pods, rolled_out, until};

fn condition(deployment: &Deployment, kind: &str) -> (String, String) {
    let conditions = deployment.status.as_ref().and_then(|status| status.conditions.as_ref()).unwrap();
    let found = conditions.iter().find(|c| c.type_.as_deref() == Some(kind)).unwrap();
    (found.status.clone().unwrap(), found.reason.clone().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_new_image_replaces_pods_within_the_bounds_and_an_old_one_revives_its_set() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    let api: Api<Deployment> = Api::default_namespaced(client.clone());
    let mut web = mk_deployment("web", 4, "app:1");
    web["spec"]["strategy"] = json!({"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}});
    apply(&api, &web).await.unwrap();
    rolled_out(&client, "web").await;
    let first = pod_names(&client).await;
    assert_eq!(first.len(), 4);

    web["spec"]["template"]["spec"]["containers"][0]["image"] = json!("app:2");
    apply(&api, &web).await.unwrap();
    // At no moment more than five pods are there that count, or fewer than four ready.
    loop {
        let deployment = api.get("web").await.unwrap();
        let status = deployment.status.clone().unwrap();
        assert!(status.replicas.unwrap_or_default() <= 5, "{status:?}");
        assert!(status.available_replicas.unwrap_or_default() >= 4, "{status:?}");
        if is_rolled_out(&deployment) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let deployment = api.get("web").await.unwrap();
    assert_eq!(deployment.annotations()["deployment.kubernetes.io/revision"], "2");
    assert_eq!(condition(&deployment, "Progressing"), ("True".into(), "NewReplicaSetAvailable".into()));

    web["spec"]["template"]["spec"]["containers"][0]["image"] = json!("app:1");
    apply(&api, &web).await.unwrap();
    rolled_out(&client, "web").await;
    let sets: Api<ReplicaSet> = Api::default_namespaced(client.clone());
    let sets = sets.list(&ListParams::default()).await.unwrap();
    let mut revisions: Vec<&str> =
        sets.iter().map(|set| set.annotations()["deployment.kubernetes.io/revision"].as_str()).collect();
    revisions.sort_unstable();
    assert_eq!(revisions, ["2", "3"], "the first set was revived, not made again");
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_cannot_go_on_says_so_after_its_deadline_and_keeps_the_old_pods() {
    let cluster = mk_cluster().await;
    cluster.scripts().set_pattern("broken", Behavior::missing()).unwrap();
    let client = cluster.client();
    let api: Api<Deployment> = Api::default_namespaced(client.clone());
    let mut web = mk_deployment("web", 3, "app:1");
    web["spec"]["progressDeadlineSeconds"] = json!(30);
    apply(&api, &web).await.unwrap();
    rolled_out(&client, "web").await;
    web["spec"]["template"]["spec"]["containers"][0]["image"] = json!("app:broken");
    apply(&api, &web).await.unwrap();
    let stuck = until(&api, "web", |found| {
        found.is_some_and(|found| condition(found, "Progressing").1 == "ProgressDeadlineExceeded")
    });
    let stuck = stuck.await.unwrap();
    assert_eq!(condition(&stuck, "Available"), ("True".into(), "MinimumReplicasAvailable".into()));
    assert_eq!(stuck.status.unwrap().available_replicas, Some(3));
}

#[tokio::test(start_paused = true)]
async fn scaling_to_zero_and_back_keeps_the_template_and_leaves_no_pod_meanwhile() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    let api: Api<Deployment> = Api::default_namespaced(client.clone());
    apply(&api, &mk_deployment("web", 3, "app:1")).await.unwrap();
    rolled_out(&client, "web").await;
    let order = async |replicas: i32| {
        let patch = json!({"spec": {"replicas": replicas}});
        api.patch("web", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
        rolled_out(&client, "web").await;
    };
    order(0).await;
    let pods_api: Api<Pod> = Api::default_namespaced(client.clone());
    for name in pod_names(&client).await {
        until(&pods_api, &name, |found| found.is_none()).await;
    }
    order(3).await;
    assert_eq!(pods(&client).await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn recreate_starts_nothing_new_before_all_old_pods_are_gone() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    let api: Api<Deployment> = Api::default_namespaced(client.clone());
    let mut web = mk_deployment("web", 3, "app:1");
    web["spec"]["strategy"] = json!({"type": "Recreate"});
    apply(&api, &web).await.unwrap();
    rolled_out(&client, "web").await;
    web["spec"]["template"]["spec"]["containers"][0]["image"] = json!("app:2");
    apply(&api, &web).await.unwrap();
    loop {
        let images: Vec<String> = pods(&client)
            .await
            .iter()
            .map(|pod| pod.spec.as_ref().unwrap().containers[0].image.clone().unwrap())
            .collect();
        assert!(images.iter().all(|image| *image == images[0]), "{images:?}");
        if is_rolled_out(&api.get("web").await.unwrap()) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_deployment_at_rest_causes_no_write_for_an_hour() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    apply(&Api::<Deployment>::default_namespaced(client.clone()), &mk_deployment("web", 3, "app:1"))
        .await
        .unwrap();
    rolled_out(&client, "web").await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    let (mark, revision) = (cluster.journal().mark(), cluster.revision());
    // Events expire after an hour, which is a write.
    tokio::time::sleep(Duration::from_mins(50)).await;
    assert_eq!(cluster.revision(), revision);
    assert!(cluster.journal().writes_since(mark).is_empty());
}
