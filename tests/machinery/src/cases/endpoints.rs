//! Services: where they lead.

use serde_json::{Value, json};

use super::mk::deployment;
use crate::Server;

const SERVICE: &str = "services/web";
const ENDPOINTS: &str = "endpoints/web";
const SLICES: &str = "apis/discovery.k8s.io/v1/endpointslices?labelSelector=kubernetes.io/service-name=web";
const PODS: &str = "pods?labelSelector=app=web";

fn service(spec: &Value) -> Value {
    let mut whole = json!({"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]});
    for (field, value) in spec.as_object().into_iter().flatten() {
        whole[field] = value.clone();
    }
    json!({"metadata": {"name": "web", "labels": {"part-of": "shop"}}, "spec": whole})
}

/// One pod that is ready and answers on the port `http`.
async fn ready_pod(server: &Server) {
    let mut web = deployment("web");
    web["spec"]["replicas"] = json!(1);
    let container = &mut web["spec"]["template"]["spec"]["containers"][0];
    container["ports"] = json!([{"name": "http", "containerPort": 8081}]);
    server.post("apis/apps/v1/deployments", &web).unseen().await;
    server.until_is("apis/apps/v1/deployments/web", "/status/readyReplicas", &json!(1)).await;
    let pod = server.get(PODS).unseen().await.body["items"][0].clone();
    for (pointer, name) in
        [("/status/podIP", "(address)"), ("/metadata/name", "(pod)"), ("/spec/nodeName", "(node)")]
    {
        server.call_it(pod.pointer(pointer).and_then(Value::as_str).unwrap_or_default(), name);
    }
}

async fn endpoints(server: &Server) -> Vec<Value> {
    let slices = server.get(SLICES).unseen().await;
    slices.body["items"][0]["endpoints"].as_array().cloned().unwrap_or_default()
}

async fn shown(server: &Server) {
    server.get(ENDPOINTS).only(&["/metadata/labels", "/metadata/annotations", "/subsets"]).await;
    let mut slice =
        vec!["/items/0/addressType", "/items/0/metadata/labels", "/items/0/metadata/ownerReferences"];
    slice.push("/items/0/ports");
    if endpoints(server).await.is_empty() {
        slice.push("/items/0/endpoints");
    } else {
        // Which zone a node is in is the cluster's own.
        slice.extend([
            "/items/0/endpoints/0/addresses",
            "/items/0/endpoints/0/conditions",
            "/items/0/endpoints/0/nodeName",
            "/items/0/endpoints/0/targetRef",
        ]);
    }
    server.get(SLICES).only(&slice).await;
}

/// A Service that nobody stands behind leads nowhere, and says so.
pub async fn a_service_that_nobody_stands_behind_leads_nowhere(server: &Server) {
    server.post("services", &service(&json!({}))).unseen().await;
    server.until_is(SLICES, "/items/0/addressType", &json!("IPv4")).await;
    server.until(ENDPOINTS, async || server.get(ENDPOINTS).maybe().await.code == 200).await;
    shown(server).await;
}

/// A Service leads to the ready pod behind it.
pub async fn a_service_leads_to_the_ready_pod_behind_it(server: &Server) {
    ready_pod(server).await;
    server.post("services", &service(&json!({}))).unseen().await;
    server.until_is(SLICES, "/items/0/endpoints/0/conditions/ready", &json!(true)).await;
    server.until_is(ENDPOINTS, "/subsets/0/ports/0/port", &json!(8080)).await;
    shown(server).await;
    let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
    server.get(ENDPOINTS).accept(table).only(&["/columnDefinitions/1/name", "/rows/0/cells/1"]).await;
    let columns = ["/columnDefinitions/1/name", "/columnDefinitions/2/name", "/columnDefinitions/3/name"];
    let cells = [columns, ["/rows/0/cells/1", "/rows/0/cells/2", "/rows/0/cells/3"]].concat();
    server.get(SLICES).accept(table).only(&cells).await;
}

/// A port that is named is looked up on the pod.
pub async fn a_named_port_is_looked_up_on_the_pod(server: &Server) {
    ready_pod(server).await;
    let ports = json!([
        {"name": "web", "port": 80, "targetPort": "http", "appProtocol": "http"},
        {"name": "other", "port": 81, "targetPort": "nobody"},
    ]);
    server.post("services", &service(&json!({"ports": ports}))).unseen().await;
    server.until_is(SLICES, "/items/0/endpoints/0/conditions/ready", &json!(true)).await;
    server.until_is(ENDPOINTS, "/subsets/0/ports/0/port", &json!(8081)).await;
    shown(server).await;
}

/// A headless Service is marked, and may have no ports.
pub async fn a_headless_service_is_marked(server: &Server) {
    ready_pod(server).await;
    let headless = json!({"clusterIP": "None", "ports": []});
    server.post("services", &service(&headless)).unseen().await;
    server.until_is(SLICES, "/items/0/endpoints/0/conditions/ready", &json!(true)).await;
    server.until_is(ENDPOINTS, "/subsets/0/addresses/0/targetRef/kind", &json!("Pod")).await;
    shown(server).await;
}

/// A pod that loses its label is led to no more.
pub async fn a_pod_that_loses_its_label_is_led_to_no_more(server: &Server) {
    // Nobody's pod: nobody puts another in its place.
    let container = json!({"name": "main", "image": "registry.example/app:1"});
    let metadata = json!({"name": "web", "labels": {"app": "web"}});
    server.post("pods", &json!({"metadata": metadata, "spec": {"containers": [container]}})).unseen().await;
    server.post("services", &service(&json!({}))).unseen().await;
    server.until_is(SLICES, "/items/0/endpoints/0/conditions/ready", &json!(true)).await;
    server.until_is(ENDPOINTS, "/subsets/0/addresses/0/targetRef/name", &json!("web")).await;
    server.merge("pods/web", &json!({"metadata": {"labels": {"app": "other"}}})).unseen().await;
    server
        .until("nothing left", async || server.get(ENDPOINTS).maybe().await.body.get("subsets").is_none())
        .await;
    server.until("no endpoint", async || endpoints(server).await.is_empty()).await;
    shown(server).await;
}

/// What has no selector is led by somebody else.
pub async fn a_service_without_a_selector_is_left_alone(server: &Server) {
    server.post("services", &service(&json!({"selector": {}}))).unseen().await;
    let mut other = service(&json!({}));
    other["metadata"]["name"] = json!("later");
    server.post("services", &other).unseen().await;
    let later = "endpoints/later";
    server.until(later, async || server.get(later).maybe().await.code == 200).await;
    server.get(ENDPOINTS).maybe().await;
}

/// When a Service goes, what says where it leads goes too.
pub async fn when_a_service_goes_what_it_led_to_is_forgotten(server: &Server) {
    server.post("services", &service(&json!({}))).unseen().await;
    server.until_is(SLICES, "/items/0/addressType", &json!("IPv4")).await;
    server.until(ENDPOINTS, async || server.get(ENDPOINTS).maybe().await.code == 200).await;
    server.request(http::Method::DELETE, SERVICE).unseen().await;
    server.until_is(SLICES, "/items", &json!([])).await;
    server.until(ENDPOINTS, async || server.get(ENDPOINTS).maybe().await.code == 404).await;
    server.get(ENDPOINTS).await;
}
