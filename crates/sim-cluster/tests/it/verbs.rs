use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Service};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, ResourceExt};
use serde_json::json;

use crate::support::{apply, created, mk_cluster, mk_config_map, mk_deployment, refusal};

#[tokio::test(start_paused = true)]
async fn a_created_object_gets_what_only_the_server_gives() {
    let cluster = mk_cluster().await;
    let api: Api<ConfigMap> = Api::default_namespaced(cluster.client());
    let made = created(&api, json!({"metadata": {"generateName": "x-"}})).await;
    assert!(made.name_any().starts_with("x-") && made.name_any().len() == 7, "{}", made.name_any());
    assert!(made.uid().is_some() && made.creation_timestamp().is_some());
    assert_eq!(made.namespace().as_deref(), Some("default"));
    assert_eq!(made.resource_version(), Some(cluster.revision().to_string()));
}

#[tokio::test(start_paused = true)]
async fn refusals_carry_the_real_reasons() {
    let cluster = mk_cluster().await;
    let api: Api<ConfigMap> = Api::default_namespaced(cluster.client());
    let post = PostParams::default();
    api.create(&post, &mk_config_map("x")).await.unwrap();

    let status = refusal(api.create(&post, &mk_config_map("x")).await);
    assert_eq!((status.code, status.reason.as_str()), (409, "AlreadyExists"));
    assert_eq!(status.message, "configmaps \"x\" already exists");

    let status = refusal(api.get("y").await);
    assert_eq!((status.code, status.reason.as_str()), (404, "NotFound"));
    assert_eq!(status.message, "configmaps \"y\" not found");

    let status = refusal(api.create(&post, &mk_config_map("No_Name")).await);
    assert_eq!((status.code, status.reason.as_str()), (422, "Invalid"));
    let details = status.details.unwrap();
    assert_eq!((details.kind.as_str(), details.causes[0].field.as_str()), ("ConfigMap", "metadata.name"));

    let elsewhere: Api<ConfigMap> = Api::namespaced(cluster.client(), "nowhere");
    let status = refusal(elsewhere.create(&post, &mk_config_map("x")).await);
    assert_eq!((status.code, status.message.as_str()), (404, "namespaces \"nowhere\" not found"));

    let status =
        refusal(Api::<Namespace>::all(cluster.client()).delete("default", &DeleteParams::default()).await);
    assert_eq!((status.code, status.reason.as_str()), (403, "Forbidden"));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_modelled_is_refused_by_name() {
    let cluster = mk_cluster().await;
    let api: Api<k8s_openapi::api::batch::v1::Job> = Api::default_namespaced(cluster.client());
    let status = refusal(api.list(&ListParams::default()).await);
    assert_eq!(status.code, 501);
    assert!(status.message.contains("GET /apis/batch/v1/namespaces/default/jobs"), "{}", status.message);

    // What a real server would answer, and what it knows as little: the suite of tests/machinery has the latter.
    for (path, code) in [
        ("/apis/batch", 501),
        ("/apis/batch/v1", 501),
        ("/apis/autoscaling/v1", 501),
        ("/openapi/v3/apis/batch/v1", 501),
        ("/metrics", 501),
        ("/.well-known/openid-configuration", 501),
        ("/nothing", 404),
        ("/apis/shop.example.com", 404),
        ("/openapi/v3/apis/shop.example.com/v1", 404),
    ] {
        let request = http::Request::get(path).body(Vec::new()).unwrap();
        let status = refusal(cluster.client().request::<serde_json::Value>(request).await);
        assert_eq!(status.code, code, "{path}: {status:?}");
        assert!(code == 404 || status.message.contains(&format!("GET {path}")), "{status:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_replace_against_an_older_version_or_another_uid_conflicts() {
    let cluster = mk_cluster().await;
    let api: Api<ConfigMap> = Api::default_namespaced(cluster.client());
    let first = api.create(&PostParams::default(), &mk_config_map("x")).await.unwrap();
    let mut second = first.clone();
    second.data = Some([("a".to_owned(), "2".to_owned())].into());
    let replaced = api.replace("x", &PostParams::default(), &second).await.unwrap();
    assert_ne!(replaced.resource_version(), first.resource_version());

    let status = refusal(api.replace("x", &PostParams::default(), &second).await);
    assert_eq!((status.code, status.reason.as_str()), (409, "Conflict"));

    let mut other = replaced.clone();
    other.metadata.uid = Some("00000000-0000-4000-8000-000000000000".to_owned());
    assert_eq!(refusal(api.replace("x", &PostParams::default(), &other).await).code, 409);

    let again = api.replace("x", &PostParams::default(), &replaced).await.unwrap();
    assert_eq!(again.resource_version(), replaced.resource_version(), "nothing changed, nothing was written");
}

#[tokio::test(start_paused = true)]
async fn each_patch_format_changes_what_it_says() {
    let cluster = mk_cluster().await;
    let api: Api<Deployment> = Api::default_namespaced(cluster.client());
    apply(&api, &mk_deployment("web", 1, "app:1")).await.unwrap();
    let params = PatchParams::default();
    let env = |deployment: &Deployment| {
        let pod = deployment.spec.template.spec.as_ref().unwrap();
        pod.containers.iter().map(|c| (c.name.clone(), c.image.clone().unwrap())).collect::<Vec<_>>()
    };
    let strategic =
        json!({"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "app:2"}]}}}});
    let patched = api.patch("web", &params, &Patch::Strategic(&strategic)).await.unwrap();
    assert_eq!(env(&patched), [("app".to_owned(), "app:2".to_owned())]);
    assert!(patched.spec.template.spec.unwrap().containers[0].readiness_probe.is_some(), "merged by name");

    let merge = json!({"metadata": {"labels": {"tier": "web"}}, "spec": {"minReadySeconds": 3}});
    let patched = api.patch("web", &params, &Patch::Merge(&merge)).await.unwrap();
    assert_eq!(patched.labels()["tier"], "web");
    assert_eq!(patched.spec.min_ready_seconds, Some(3));

    let json = json!([{"op": "test", "path": "/spec/minReadySeconds", "value": 4}]);
    let patch: json_patch::Patch = serde_json::from_value(json).unwrap();
    assert_eq!(refusal(api.patch("web", &params, &Patch::Json::<()>(patch)).await).code, 422);
}

#[tokio::test(start_paused = true)]
async fn an_apply_that_changes_nothing_writes_nothing() {
    let cluster = mk_cluster().await;
    let api: Api<Service> = Api::default_namespaced(cluster.client());
    let service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
    });
    let first = apply(&api, &service).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let second = apply(&api, &service).await.unwrap();
    assert_eq!(first, second);
    let spec = first.spec.unwrap();
    assert_eq!(spec.type_.as_deref(), Some("ClusterIP"));
    assert!(spec.cluster_ip.unwrap().starts_with("10.96."));
}

#[tokio::test(start_paused = true)]
async fn an_apply_without_force_names_who_owns_the_field() {
    let cluster = mk_cluster().await;
    let api: Api<Deployment> = Api::default_namespaced(cluster.client());
    apply(&api, &mk_deployment("web", 1, "app:1")).await.unwrap();
    let other = PatchParams::apply("other");
    let patch = json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 2}});
    let status = refusal(api.patch("web", &other, &Patch::Apply(&patch)).await);
    assert_eq!((status.code, status.reason.as_str()), (409, "Conflict"));
    assert_eq!(status.details.unwrap().causes[0].field, ".spec.replicas");
}

#[tokio::test(start_paused = true)]
async fn pages_of_a_list_show_one_revision_and_meet_no_object_twice() {
    let cluster = mk_cluster().await;
    let api: Api<ConfigMap> = Api::namespaced(cluster.client(), "kube-public");
    let before = api.list(&ListParams::default()).await.unwrap().items.len();
    for number in 0..7 {
        api.create(&PostParams::default(), &mk_config_map(&format!("x{number}"))).await.unwrap();
    }
    let first = api.list(&ListParams::default().limit(3)).await.unwrap();
    assert_eq!(first.metadata.remaining_item_count, Some(i64::try_from(before).unwrap() + 4));
    api.delete("x6", &DeleteParams::default()).await.unwrap();
    let mut names: Vec<String> = first.items.iter().map(ResourceExt::name_any).collect();
    let mut token = first.metadata.continue_.clone();
    while let Some(next) = token.take() {
        let page = api.list(&ListParams::default().limit(3).continue_token(&next)).await.unwrap();
        assert_eq!(page.metadata.resource_version, first.metadata.resource_version);
        names.extend(page.items.iter().map(ResourceExt::name_any));
        token = page.metadata.continue_.clone();
    }
    assert_eq!(names.iter().filter(|name| name.starts_with('x')).count(), 7);
    let status = refusal(api.list(&ListParams::default().continue_token("bm8")).await);
    assert_eq!((status.code, status.reason.as_str()), (400, "BadRequest"));
}

#[tokio::test(start_paused = true)]
async fn selectors_select_and_unknown_fields_are_refused() {
    let cluster = mk_cluster().await;
    let api: Api<ConfigMap> = Api::default_namespaced(cluster.client());
    for (name, tier) in [("a", "web"), ("b", "api")] {
        created(&api, json!({"metadata": {"name": name, "labels": {"tier": tier}}})).await;
    }
    let names = async |params: ListParams| {
        api.list(&params).await.unwrap().items.iter().map(ResourceExt::name_any).collect::<Vec<_>>()
    };
    assert_eq!(names(ListParams::default().labels("tier in (web)")).await, ["a"]);
    assert_eq!(names(ListParams::default().fields("metadata.name=b")).await, ["b"]);
    let status = refusal(api.list(&ListParams::default().fields("data.a=1")).await);
    let why = "\"data.a\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"";
    assert_eq!((status.code, status.message.as_str()), (400, why));
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_answers_as_the_real_write_would_and_changes_nothing() {
    let cluster = mk_cluster().await;
    let api: Api<ConfigMap> = Api::default_namespaced(cluster.client());
    let before = cluster.revision();
    let dry = PostParams { dry_run: true, field_manager: None };
    let made = api.create(&dry, &mk_config_map("x")).await.unwrap();
    assert!(made.uid().is_some());
    assert_eq!(cluster.revision(), before);
    assert_eq!(refusal(api.get("x").await).code, 404);
}

#[tokio::test(start_paused = true)]
async fn scale_is_read_and_written_apart_from_the_rest() {
    let cluster = mk_cluster().await;
    let api: Api<Deployment> = Api::default_namespaced(cluster.client());
    apply(&api, &mk_deployment("web", 2, "app:1")).await.unwrap();
    let scale = api.get_scale("web").await.unwrap();
    assert_eq!(scale.spec.unwrap().replicas, Some(2));
    let patch = json!({"spec": {"replicas": 5}});
    api.patch_scale("web", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    let deployment = api.get("web").await.unwrap();
    assert_eq!((deployment.spec.replicas, deployment.metadata.generation), (Some(5), Some(2)));
}

#[tokio::test(start_paused = true)]
async fn a_delete_holds_to_its_preconditions_and_waits_for_finalizers() {
    let cluster = mk_cluster().await;
    let api: Api<ConfigMap> = Api::default_namespaced(cluster.client());
    created(&api, json!({"metadata": {"name": "x", "finalizers": ["example.io/hold"]}})).await;
    let wrong = Preconditions { uid: Some("other".into()), resource_version: None };
    let refused = api.delete("x", &DeleteParams::default().preconditions(wrong)).await;
    assert_eq!(refusal(refused.map(|_| ())).code, 409);

    api.delete("x", &DeleteParams::default()).await.unwrap();
    let held = api.get("x").await.unwrap();
    assert!(held.metadata.deletion_timestamp.is_some());
    let release = json!({"metadata": {"finalizers": null}});
    api.patch("x", &PatchParams::default(), &Patch::Merge(&release)).await.unwrap();
    assert_eq!(refusal(api.get("x").await).code, 404);
}
