//! The cells of each built-in kind.

use jiff::Timestamp;

use super::duration::{age, since};
use crate::object::{self, condition, flag, integer, list, map, text};
use crate::select::LabelSelector;
use crate::tree::{Value, json};

pub(super) fn of(resource: &str, object: &Value, now: Timestamp) -> Vec<Value> {
    let name = json!(object::name(object));
    let age = json!(age(object, now));
    let count = |pointer: &str| json!(integer(object, pointer).unwrap_or_default());
    let word = |pointer: &str| json!(or_none(text(object, pointer)));
    match resource {
        "pods" => pod(object, now),
        "deployments.apps" => {
            let ready = integer(object, "/status/readyReplicas").unwrap_or_default();
            let wanted = integer(object, "/spec/replicas").unwrap_or_default();
            let mut cells = vec![
                name,
                json!(format!("{ready}/{wanted}")),
                count("/status/updatedReplicas"),
                count("/status/availableReplicas"),
                age,
            ];
            cells.extend(template(object));
            cells
        }
        "replicasets.apps" => {
            let mut cells = vec![
                name,
                count("/spec/replicas"),
                count("/status/replicas"),
                count("/status/readyReplicas"),
                age,
            ];
            cells.extend(template(object));
            cells
        }
        "services" => service(object, name, age),
        "nodes" => node(object, name, age),
        "namespaces" => vec![name, json!(text(object, "/status/phase")), age],
        "configmaps" => {
            vec![name, json!(entries(object, "/data") + entries(object, "/binaryData")), age]
        }
        "secrets" => vec![name, json!(text(object, "/type")), json!(entries(object, "/data")), age],
        "events" => event(object, now),
        "horizontalpodautoscalers.autoscaling" => vec![
            name,
            json!(format!(
                "{}/{}",
                text(object, "/spec/scaleTargetRef/kind"),
                text(object, "/spec/scaleTargetRef/name")
            )),
            json!(targets(object)),
            json!(
                integer(object, "/spec/minReplicas").map_or_else(|| "<unset>".to_owned(), |n| n.to_string())
            ),
            json!(count("/spec/maxReplicas").to_string()),
            count("/status/currentReplicas"),
            age,
        ],
        "poddisruptionbudgets.policy" => {
            let bound = |pointer: &str| match object.pointer(pointer) {
                None | Some(Value::Null) => json!("N/A"),
                Some(Value::String(text)) => json!(text),
                Some(other) => json!(other.to_string()),
            };
            vec![
                name,
                bound("/spec/minAvailable"),
                bound("/spec/maxUnavailable"),
                count("/status/disruptionsAllowed"),
                age,
            ]
        }
        "endpoints" => vec![name, json!(endpoints(object)), age],
        "endpointslices.discovery.k8s.io" => {
            let [ports, addresses] = slice(object);
            vec![name, json!(text(object, "/addressType")), json!(ports), json!(addresses), age]
        }
        "leases.coordination.k8s.io" => vec![name, json!(text(object, "/spec/holderIdentity")), age],
        "priorityclasses.scheduling.k8s.io" => {
            vec![name, count("/value"), json!(flag(object, "/globalDefault")), age, word("/preemptionPolicy")]
        }
        "resourcequotas" => {
            vec![name, json!(quota(object, Limits::Exclude)), json!(quota(object, Limits::Only)), age]
        }
        "customresourcedefinitions.apiextensions.k8s.io" => {
            vec![name, object["metadata"]["creationTimestamp"].clone()]
        }
        _ => vec![name, age],
    }
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "<none>" } else { text }
}

fn entries(object: &Value, pointer: &str) -> usize {
    map(object, pointer).map_or(0, crate::tree::Map::len)
}

/// Containers, images and selector.
fn template(object: &Value) -> [Value; 3] {
    let containers = list(object, "/spec/template/spec/containers");
    let joined = |field: &str| containers.iter().map(|c| text(c, field)).collect::<Vec<_>>().join(",");
    let selector = LabelSelector::from_object(&object["spec"]["selector"]).unwrap_or_default();
    [joined("/name").into(), joined("/image").into(), selector.to_string().into()]
}

fn pod(pod: &Value, now: Timestamp) -> Vec<Value> {
    let statuses = list(pod, "/status/containerStatuses");
    let sidecars = list(pod, "/spec/initContainers").iter().filter(|c| text(c, "/restartPolicy") == "Always");
    let sidecar_names: Vec<&str> = sidecars.map(|c| text(c, "/name")).collect();
    let sidecar_statuses: Vec<&Value> = list(pod, "/status/initContainerStatuses")
        .iter()
        .filter(|status| sidecar_names.contains(&text(status, "/name")))
        .collect();
    let total = list(pod, "/spec/containers").len() + sidecar_names.len();
    let all = || statuses.iter().chain(sidecar_statuses.iter().copied());
    let ready = all().filter(|status| flag(status, "/ready")).count();
    let restarts: i64 = all().filter_map(|status| integer(status, "/restartCount")).sum();
    let last = all().map(|status| text(status, "/lastState/terminated/finishedAt")).max().unwrap_or_default();
    let restarts = if restarts > 0 && !last.is_empty() {
        format!("{restarts} ({} ago)", since(last, now))
    } else {
        restarts.to_string()
    };
    vec![
        json!(object::name(pod)),
        json!(format!("{ready}/{total}")),
        json!(pod_status(pod)),
        json!(restarts),
        json!(age(pod, now)),
        json!(or_none(text(pod, "/status/podIP"))),
        json!(or_none(text(pod, "/spec/nodeName"))),
        json!("<none>"),
        json!("<none>"),
    ]
}

/// The one word that stands for the state of a pod.
fn pod_status(pod: &Value) -> String {
    let mut word = match text(pod, "/status/reason") {
        "" => text(pod, "/status/phase").to_owned(),
        reason => reason.to_owned(),
    };
    if condition(pod, "PodScheduled").is_some_and(|it| text(it, "/reason") == "SchedulingGated") {
        "SchedulingGated".clone_into(&mut word);
    }
    let init = list(pod, "/spec/initContainers");
    let mut initializing = false;
    for (index, status) in list(pod, "/status/initContainerStatuses").iter().enumerate() {
        let sidecar = init.get(index).is_some_and(|c| text(c, "/restartPolicy") == "Always");
        let exited = status.pointer("/state/terminated/exitCode").and_then(Value::as_i64);
        if exited == Some(0) || (sidecar && flag(status, "/started")) {
            continue;
        }
        let reason = text(status, "/state/waiting/reason");
        word = match (exited, reason) {
            (Some(code), _) => match text(status, "/state/terminated/reason") {
                "" => format!("Init:ExitCode:{code}"),
                reason => format!("Init:{reason}"),
            },
            (None, "" | "PodInitializing") => format!("Init:{index}/{}", init.len()),
            (None, reason) => format!("Init:{reason}"),
        };
        initializing = true;
        break;
    }
    if !initializing {
        let mut running = false;
        for status in list(pod, "/status/containerStatuses").iter().rev() {
            let waiting = text(status, "/state/waiting/reason");
            let ended = text(status, "/state/terminated/reason");
            if !waiting.is_empty() {
                waiting.clone_into(&mut word);
            } else if !ended.is_empty() {
                ended.clone_into(&mut word);
            } else if flag(status, "/ready") {
                running = true;
            }
        }
        if word == "Completed" && running {
            "Running".clone_into(&mut word);
        }
    }
    if object::is_terminating(pod) {
        "Terminating".clone_into(&mut word);
    }
    word
}

fn service(service: &Value, name: Value, age: Value) -> Vec<Value> {
    let ports: Vec<String> = list(service, "/spec/ports")
        .iter()
        .map(|port| {
            let (number, protocol) = (integer(port, "/port").unwrap_or_default(), text(port, "/protocol"));
            match integer(port, "/nodePort") {
                Some(node) => format!("{number}:{node}/{protocol}"),
                None => format!("{number}/{protocol}"),
            }
        })
        .collect();
    let external = match text(service, "/spec/type") {
        "LoadBalancer" => "<pending>",
        "ExternalName" => text(service, "/spec/externalName"),
        _ => "<none>",
    };
    let selector = map(service, "/spec/selector").into_iter().flatten();
    let selector: Vec<String> =
        selector.map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default())).collect();
    vec![
        name,
        json!(text(service, "/spec/type")),
        json!(or_none(text(service, "/spec/clusterIP"))),
        json!(external),
        json!(or_none(&ports.join(","))),
        age,
        json!(or_none(&selector.join(","))),
    ]
}

fn node(node: &Value, name: Value, age: Value) -> Vec<Value> {
    let ready = list(node, "/status/conditions").iter().find(|c| text(c, "/type") == "Ready");
    let mut status = match ready.map(|c| text(c, "/status")) {
        Some("True") => "Ready".to_owned(),
        Some(_) => "NotReady".to_owned(),
        None => "Unknown".to_owned(),
    };
    if flag(node, "/spec/unschedulable") {
        status.push_str(",SchedulingDisabled");
    }
    let roles: Vec<&str> = map(node, "/metadata/labels")
        .into_iter()
        .flatten()
        .filter_map(|(key, _)| key.strip_prefix("node-role.kubernetes.io/"))
        .collect();
    let address = |kind: &str| {
        let found = list(node, "/status/addresses").iter().find(|a| text(a, "/type") == kind);
        json!(found.map_or("<none>", |a| text(a, "/address")))
    };
    let info = |field: &str| json!(text(node, &format!("/status/nodeInfo/{field}")));
    vec![
        name,
        json!(status),
        json!(or_none(&roles.join(","))),
        age,
        info("kubeletVersion"),
        address("InternalIP"),
        address("ExternalIP"),
        info("osImage"),
        info("kernelVersion"),
        info("containerRuntimeVersion"),
    ]
}

fn event(event: &Value, now: Timestamp) -> Vec<Value> {
    let first_of = |pointers: &[&str]| {
        let found = pointers.iter().map(|pointer| text(event, pointer)).find(|at| !at.is_empty());
        json!(since(found.unwrap_or_default(), now))
    };
    let object = format!(
        "{}/{}",
        text(event, "/involvedObject/kind").to_lowercase(),
        text(event, "/involvedObject/name")
    );
    let mut source = text(event, "/source/component").to_owned();
    if source.is_empty() {
        text(event, "/reportingComponent").clone_into(&mut source);
    }
    let host = text(event, "/source/host");
    if !host.is_empty() {
        source = format!("{source}, {host}");
    }
    let last = first_of(&["/series/lastObservedTime", "/lastTimestamp", "/eventTime"]);
    let first = first_of(&["/firstTimestamp", "/eventTime"]);
    let count = integer(event, "/series/count").or_else(|| integer(event, "/count")).unwrap_or(1);
    vec![
        last,
        json!(text(event, "/type")),
        json!(text(event, "/reason")),
        json!(object),
        json!(text(event, "/involvedObject/fieldPath")),
        json!(source),
        json!(text(event, "/message").trim()),
        first,
        json!(count),
        json!(object::name(event)),
    ]
}

fn targets(autoscaler: &Value) -> String {
    let statuses = list(autoscaler, "/status/currentMetrics");
    let target = |(index, metric): (usize, &Value)| {
        // One of the two; both are printed alike.
        let field = ["resource", "containerResource"].into_iter().find(|field| metric.get(field).is_some());
        let Some(field) = field else { return "<unknown type>".to_owned() };
        let current = statuses.get(index).and_then(|status| status.get(field)).map(|found| &found["current"]);
        let percent = |holder: &Value| Some(format!("{}%", integer(holder, "/averageUtilization")?));
        let value = |holder: &Value| holder.get("averageValue")?.as_str().map(str::to_owned);
        let (current, wanted) = match value(&metric[field]["target"]) {
            Some(wanted) => (current.and_then(value), wanted),
            None => (
                current.and_then(percent),
                percent(&metric[field]["target"]).unwrap_or_else(|| "<auto>".to_owned()),
            ),
        };
        let current = current.unwrap_or_else(|| "<unknown>".to_owned());
        format!("{}: {current}/{wanted}", text(&metric[field], "/name"))
    };
    let targets: Vec<String> = list(autoscaler, "/spec/metrics").iter().enumerate().map(target).collect();
    if targets.is_empty() { "<none>".to_owned() } else { targets.join(", ") }
}

/// Where a Service leads: the first three of its ready addresses, on each of its ports.
fn endpoints(endpoints: &Value) -> String {
    let mut all = Vec::new();
    for subset in list(endpoints, "/subsets") {
        let addresses = || list(subset, "/addresses").iter().map(|address| text(address, "/ip").to_owned());
        let ports = list(subset, "/ports");
        if ports.is_empty() {
            all.extend(addresses());
        }
        for port in ports.iter().filter_map(|port| integer(port, "/port")) {
            all.extend(addresses().map(|address| format!("{address}:{port}")));
        }
    }
    if list(endpoints, "/subsets").is_empty() { "<none>".to_owned() } else { first_three(&all) }
}

/// The ports and the addresses of a slice.
fn slice(slice: &Value) -> [String; 2] {
    let ports = list(slice, "/ports").iter();
    let ports: Vec<String> = ports
        .map(|port| integer(port, "/port").map_or_else(|| "*".to_owned(), |number| number.to_string()))
        .collect();
    let endpoints = list(slice, "/endpoints").iter().flat_map(|endpoint| list(endpoint, "/addresses"));
    let addresses: Vec<String> = endpoints.filter_map(Value::as_str).map(str::to_owned).collect();
    [ports, addresses].map(|all| if all.is_empty() { "<unset>".to_owned() } else { first_three(&all) })
}

fn first_three(all: &[String]) -> String {
    let shown = all.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(",");
    if all.len() > 3 { format!("{shown} + {} more...", all.len() - 3) } else { shown }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Limits {
    Only,
    Exclude,
}

fn quota(quota: &Value, limits: Limits) -> String {
    let used =
        |name: &str| map(quota, "/status/used").and_then(|used| used.get(name)).and_then(Value::as_str);
    map(quota, "/status/hard")
        .into_iter()
        .flatten()
        .filter(|(name, _)| name.starts_with("limits.") == (limits == Limits::Only))
        .map(|(name, hard)| {
            format!("{name}: {}/{}", used(name).unwrap_or("0"), hard.as_str().unwrap_or_default())
        })
        .collect::<Vec<_>>()
        .join(", ")
}
