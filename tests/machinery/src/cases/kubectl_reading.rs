//! kubectl: what it shows, and in which form.

use crate::Server;

async fn three_maps(server: &Server) {
    for (name, tier) in [("b", "front"), ("a", "back"), ("c", "front")] {
        server.kubectl(&format!("create configmap {name} --from-literal=tier={tier}")).unseen().await;
        server.kubectl(&format!("label configmap {name} tier={tier}")).unseen().await;
    }
}

async fn roll_out(server: &Server) {
    server.kubectl("create deployment web --image=registry.example/web:1 --replicas=2").unseen().await;
    server.kubectl("rollout status deployment/web").unseen().await;
}

/// Objects are shown in each form.
pub async fn get_has_many_forms(server: &Server) {
    three_maps(server).await;
    server.kubectl("get configmaps -l tier").await;
    server.kubectl("get configmap a -o yaml").await;
    server.kubectl("get configmap a -o json").await;
    server.kubectl("get configmap a -o name").await;
    server
        .kubectl("get configmap a --show-managed-fields -o jsonpath={.metadata.managedFields[*].manager}")
        .await;
    server
        .kubectl("get configmaps -l tier -o")
        .arg("jsonpath={range .items[*]}{.metadata.name} {.data.tier}{'\\n'}{end}")
        .await;
    server
        .kubectl("get configmaps -l tier -o custom-columns=NAME:.metadata.name,TIER:.data.tier,NONE:.none")
        .await;
    server.kubectl("get configmaps -l tier -o").arg("go-template={{len .items}}").await;
    server.kubectl("get configmaps -l tier --no-headers").await;
    server.kubectl("get configmaps -l tier --show-kind").await;
    server.kubectl("get configmaps -l tier -L tier").await;
    server.kubectl("get configmaps -l tier --show-labels").await;
    server.kubectl("get configmaps -l tier -o yaml").await;
    server.kubectl("get configmaps -l none").await;
    server.kubectl("get configmaps -l none -o json").await;
    server.kubectl("get configmap none").await;
    server.kubectl("get configmap none -o yaml").await;
    server.kubectl("get configmap a none").await;
    server.kubectl("get gadgets").await;
    server.kubectl("get configmap a -o nonsense").await;
}

/// Objects are selected and sorted.
pub async fn get_selects_and_sorts(server: &Server) {
    three_maps(server).await;
    server.kubectl("get configmaps -l tier=front").await;
    server.kubectl("get configmaps -l tier!=front,tier").await;
    server.kubectl("get configmaps -l").arg("tier in (front, back)").await;
    server.kubectl("get configmaps -l").arg("tier in front").await;
    server.kubectl("get configmaps --field-selector=metadata.name=a").await;
    server.kubectl("get configmaps --field-selector=data.tier=a").await;
    server.kubectl("get configmaps -l tier --sort-by=.data.tier").await;
    server.kubectl("get configmaps -l tier --sort-by=.metadata.name -o name").await;
    server.kubectl("get configmaps -l tier --chunk-size=1 -o name").await;
    server.kubectl("get configmaps -A --field-selector=metadata.namespace={ns},metadata.name=a").await;
    server.kubectl("get cm/a cm/b").await;
    server.kubectl("get configmap,secret -l tier").await;
}

/// What runs is shown in tables.
pub async fn what_runs_is_shown_in_tables(server: &Server) {
    roll_out(server).await;
    server.kubectl("expose deployment web --port=80").unseen().await;
    server.kubectl("get deployments").await;
    server.kubectl("get deployments -o wide").await;
    server.kubectl("get replicasets").await;
    server.kubectl("get replicasets -o wide").await;
    server.kubectl("get pods").await;
    server.kubectl("get pods -o").arg("custom-columns=PHASE:.status.phase,QOS:.status.qosClass").await;
    server.kubectl("get services").await;
    server.kubectl("get services -o wide").await;
    server.kubectl("get namespace {ns}").await;
    server.kubectl("get all").await;
    server.kubectl("create quota small --hard=pods=20").unseen().await;
    server.kubectl("create poddisruptionbudget web --selector=app=web --min-available=1").unseen().await;
    server.kubectl("wait pdb/web --for=jsonpath={.status.currentHealthy}=2").unseen().await;
    server.kubectl("get pdb").await;
    server.kubectl("autoscale deployment web --min=1 --max=3 --cpu=50%").await;
    server.kubectl("get serviceaccount").await;
}

/// Objects are watched.
pub async fn get_watches(server: &Server) {
    three_maps(server).await;
    server.kubectl("get configmaps -l tier -w").until(4).await;
    server.kubectl("get configmaps -l tier -w -o name").until(3).await;
    server.kubectl("get configmap a -w").until(2).await;
    server.kubectl("get configmaps -l tier -w --output-watch-events").until(4).await;
    server.kubectl("get configmaps -l tier -w -o").arg("jsonpath={.metadata.name}{'\\n'}").until(3).await;
}

/// Kinds are explained.
pub async fn kinds_are_explained(server: &Server) {
    let fields = "^(GROUP|KIND|VERSION|FIELD)|\t<|^  enum";
    server.kubectl("explain deployment").lines(fields).await;
    server.kubectl("explain deployment.spec.strategy").lines(fields).await;
    server.kubectl("explain pod.spec.containers.livenessProbe").lines(fields).await;
    server.kubectl("explain configmap --recursive").lines(fields).await;
    server.kubectl("explain horizontalpodautoscalers.spec").lines(fields).await;
    server.kubectl("explain deployment.none").await;
    server.kubectl("explain gadget").await;
}

/// What there is is described.
pub async fn objects_are_described(server: &Server) {
    roll_out(server).await;
    server.kubectl("expose deployment web --port=80").unseen().await;
    server.kubectl("create configmap settings --from-literal=color=green").unseen().await;
    server.kubectl("create secret generic token --from-literal=token=secret").unseen().await;
    server.kubectl("create poddisruptionbudget web --selector=app=web --min-available=1").unseen().await;
    server.kubectl("wait pdb/web --for=jsonpath={.status.currentHealthy}=2").unseen().await;
    server.kubectl("describe deployment web").await;
    server
        .kubectl("describe replicaset -l app=web")
        .lines("^(Name:|Labels|Controlled By|Replicas|Pods Status|Pod Template)")
        .await;
    server.kubectl("describe configmap settings").await;
    server.kubectl("describe secret token").await;
    server.kubectl("describe pdb web").await;
    server
        .kubectl("describe service web")
        .lines("^(Name|Labels|Selector|Type|IP|Port|TargetPort|Endpoints|Session|Internal)")
        .await;
    server.kubectl("describe namespace {ns}").await;
    server.kubectl("describe serviceaccount default").await;
    server.kubectl("describe configmap none").await;
    server.kubectl("describe gadget a").await;
}

/// A pod that no node takes is described with its reason.
pub async fn a_pod_that_no_node_takes_is_described(server: &Server) {
    let pod = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"picky","labels":{"app":"picky"}},"spec":{
        "nodeSelector":{"disk":"golden"},"tolerations":[{"operator":"Exists"}],
        "containers":[{"name":"main","image":"registry.example/web:1","args":["serve"],
        "env":[{"name":"COLOR","value":"green"}],"ports":[{"containerPort":8080}],
        "resources":{"requests":{"cpu":"100m","memory":"1Gi"}},
        "readinessProbe":{"httpGet":{"path":"/healthz","port":8080}}}]}}"#;
    server.kubectl("apply -f -").input(pod).unseen().await;
    server.kubectl("wait pod/picky --for=condition=PodScheduled=false").await;
    server.kubectl("get pod picky -o wide").await;
    server
        .until("an event", async || {
            let events = server.get("events?fieldSelector=reason=FailedScheduling").maybe().await;
            events.body["items"].as_array().is_some_and(|items| !items.is_empty())
        })
        .await;
    server.kubectl("describe pod picky").await;
    server.kubectl("events").await;
    server.kubectl("events --for=pod/picky --types=Warning").await;
    server.kubectl("get events").await;
    server.kubectl("get events --field-selector=type=Normal").await;
    server.kubectl("delete pod picky").await;
}
