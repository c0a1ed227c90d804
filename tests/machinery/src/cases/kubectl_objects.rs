//! kubectl: making, changing and deleting objects.

use crate::Server;

const SETTINGS: &str = r#"apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  labels:
    app: web
data:
  color: green
  size: "1"
"#;

const WEB: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
      - name: main
        image: registry.example/web:1
";

/// An object is made, and made no second time.
pub async fn create_makes_what_a_file_says(server: &Server) {
    server.kubectl("create -f -").input(SETTINGS).await;
    server.kubectl("create -f -").input(SETTINGS).await;
    server.kubectl("get configmap settings -o yaml").await;
    server.kubectl("create -f -").input("kind: ConfigMap").await;
    server.kubectl("create -f -").input(SETTINGS.replace("settings", "Settings")).await;
    server.kubectl("create -f -").input(SETTINGS.replace("color: green", "color: [green]")).await;
    server.kubectl("create -f -").input(SETTINGS.replace("data:", "dater:")).await;
    server.kubectl("replace -f -").input(SETTINGS.replace("green", "red")).await;
    server.kubectl("get cm settings -o jsonpath={.data.color}").await;
}

/// Commands make objects of their own.
pub async fn create_makes_objects_from_its_arguments(server: &Server) {
    for command in [
        "create deployment web --image=registry.example/web:1 --replicas=0 --port=8080",
        "create configmap settings --from-literal=color=green --from-literal=size=1",
        "create secret generic token --from-literal=token=secret",
        "create service clusterip web --tcp=80:8080",
        "create serviceaccount robot",
        "create quota small --hard=pods=20,configmaps=20",
        "create poddisruptionbudget web --selector=app=web --min-available=1",
    ] {
        server.kubectl(command).await;
        server.kubectl(command).await;
    }
    server.kubectl("get deployment web -o yaml").await;
    server.kubectl("get secret token -o jsonpath={.data}").await;
    server.kubectl("get pdb web -o jsonpath={.spec}").await;
    server.kubectl("create deployment web2 --image=registry.example/web:1 --dry-run=server -o name").await;
    server.kubectl("expose deployment web --name=exposed --port=80 --target-port=8080").await;
    server.kubectl("get service exposed -o jsonpath={.spec.selector}{.spec.ports}").await;
}

/// A namespace is made and goes with all that is in it.
pub async fn a_namespace_comes_and_goes(server: &Server) {
    server.kubectl("create namespace {ns}-more").await;
    server.kubectl("create namespace {ns}-more").await;
    server.kubectl("get namespace {ns}-more").await;
    server.kubectl("create configmap settings -n {ns}-more").await;
    server.kubectl("delete namespace {ns}-more").await;
    server.kubectl("get namespace {ns}-more").await;
    server.kubectl("create configmap settings -n {ns}-more").await;
}

/// An apply makes, changes, and leaves as it is.
pub async fn apply_makes_and_changes(server: &Server) {
    server.kubectl("apply -f -").input(SETTINGS).await;
    server.kubectl("apply -f -").input(SETTINGS).await;
    server.kubectl("apply -f -").input(SETTINGS.replace("  size: \"1\"\n", "")).await;
    server.kubectl("get configmap settings -o yaml").await;
    server.kubectl("apply view-last-applied configmap settings").await;
    server.kubectl("apply --dry-run=server -f -").input(SETTINGS.replace("green", "red")).await;
    server.kubectl("get configmap settings -o jsonpath={.data.color}").await;
    server.note("what was made otherwise is warned of");
    server.kubectl("create configmap other --from-literal=a=1").unseen().await;
    server.kubectl("apply -f -").input(SETTINGS.replace("settings", "other")).await;
    server
        .kubectl("apply -f -")
        .input(format!("{SETTINGS}---\n{}", SETTINGS.replace("settings", "third")))
        .await;
    server.kubectl("apply -f -").input(SETTINGS.replace("color: green", "color: [green]")).await;
    server.kubectl("delete -f -").input(SETTINGS).await;
    server.kubectl("delete -f -").input(SETTINGS).await;
}

/// A server-side apply keeps what others own.
pub async fn apply_on_the_server_keeps_what_others_own(server: &Server) {
    let apply = "apply --server-side -f -";
    server.kubectl(apply).input(WEB).await;
    server.kubectl(apply).input(WEB).await;
    server
        .kubectl("apply --server-side --field-manager=other -f -")
        .input(WEB.replace("web:1", "web:2"))
        .await;
    server
        .kubectl("apply --server-side --field-manager=other --force-conflicts -f -")
        .input(WEB.replace("web:1", "web:2"))
        .await;
    server.kubectl(apply).input(WEB).await;
    server.kubectl("scale deployment web --replicas=0").await;
    server.kubectl(apply).input(WEB.replace("web:1", "web:2")).await;
    let operation = "jsonpath={.metadata.managedFields[?(@.manager=='other')].operation}";
    server.kubectl("get deployment web -o").arg(operation).await;
}

/// A diff says what an apply would change.
pub async fn diff_says_what_an_apply_would_change(server: &Server) {
    server.kubectl("diff -f -").input(SETTINGS).await;
    server.kubectl("apply -f -").input(SETTINGS).unseen().await;
    server.kubectl("diff -f -").input(SETTINGS).await;
    server.kubectl("diff -f -").input(SETTINGS.replace("green", "red")).await;
    server.kubectl("diff --server-side -f -").input(SETTINGS.replace("green", "red")).await;
    server.kubectl("diff -f -").input(SETTINGS.replace("color: green", "color: [green]")).await;
}

/// Objects are patched, labelled and annotated.
pub async fn objects_are_patched_labelled_and_annotated(server: &Server) {
    server.kubectl("apply -f -").input(SETTINGS).unseen().await;
    server.kubectl("patch configmap settings --type=merge -p").arg(r#"{"data":{"color":"red"}}"#).await;
    server.kubectl("patch configmap settings --type=merge -p").arg(r#"{"data":{"color":"red"}}"#).await;
    let step = r#"[{"op":"replace","path":"/data/color","value":"blue"}]"#;
    server.kubectl("patch configmap settings --type=json -p").arg(step).await;
    let step = r#"[{"op":"remove","path":"/data/none"}]"#;
    server.kubectl("patch configmap settings --type=json -p").arg(step).await;
    server.kubectl("patch configmap settings -p").arg(r#"{"data":{"size":null}}"#).await;
    server.kubectl("patch configmap settings -p").arg("{").await;
    server.kubectl("patch configmap none -p").arg("{}").await;
    server.kubectl("get configmap settings -o jsonpath={.data}").await;
    server.kubectl("label configmap settings tier=front").await;
    server.kubectl("label configmap settings tier=front").await;
    server.kubectl("label configmap settings tier=back").await;
    server.kubectl("label configmap settings tier=back --overwrite").await;
    server.kubectl("label configmap settings tier-").await;
    server.kubectl("label configmap settings tier-").await;
    server.kubectl("label configmap settings tier=not,a,value").await;
    server.kubectl("annotate configmap settings note=first").await;
    server.kubectl("annotate configmap settings note=second").await;
    server.kubectl("annotate configmap settings note-").await;
    server.kubectl("get configmap settings --show-labels").await;
}

/// An object is edited.
pub async fn objects_are_edited(server: &Server) {
    server.kubectl("apply -f -").input(SETTINGS).unseen().await;
    server.kubectl("edit configmap settings").editor("sed -i s/green/red/").await;
    server.kubectl("edit configmap settings").editor("sed -i s/green/red/").await;
    server.kubectl("get configmap settings -o jsonpath={.data}").await;
    server.kubectl("edit configmap none").editor("true").await;
    server.kubectl("edit configmap settings -o json").editor("sed -i s/red/blue/").await;
    server.kubectl("get configmap settings -o jsonpath={.data}").await;
}

/// Objects are deleted, one by one and as selected.
pub async fn objects_are_deleted(server: &Server) {
    for name in ["a", "b", "c", "d", "e"] {
        server.kubectl(&format!("create configmap {name}")).unseen().await;
    }
    server.kubectl("label configmap b c app=web").unseen().await;
    server.kubectl("delete configmap a").await;
    server.kubectl("delete configmap a").await;
    server.kubectl("delete configmap a --ignore-not-found").await;
    server.kubectl("delete configmap -l app=web --dry-run=server").await;
    server.kubectl("delete configmap -l app=web").await;
    server.kubectl("delete configmap/d configmap/e --wait=false").await;
    server.kubectl("get configmap").await;
    server.kubectl("delete configmap").await;
    server.kubectl("delete gadget a").await;
    server.note("what belongs to an object goes with it, or stays");
    server.kubectl("create deployment web --image=registry.example/web:1 --replicas=0").unseen().await;
    server.kubectl("wait replicaset -l app=web --for=create").unseen().await;
    server.kubectl("delete deployment web --cascade=orphan").await;
    server.kubectl("get replicaset -l app=web -o jsonpath={.items[*].metadata.ownerReferences}").await;
    server.kubectl("delete replicaset -l app=web --cascade=foreground").await;
    server.kubectl("get replicaset -l app=web").await;
}
