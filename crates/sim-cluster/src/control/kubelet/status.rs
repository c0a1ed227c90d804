//! The status of a pod, as a kubelet writes it.

use jiff::Timestamp;

use super::container::{Container, Role, Shown, State};
use super::image;
use super::run::Run;
use crate::admission::quota::to_value;
use crate::clock;
use crate::control::condition;
use crate::object::{self, flag, list, text};
use crate::tree::{Map, Value, json};

/// The conditions that the kubelet sets itself.
const OURS: [&str; 5] =
    ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"];

pub(super) fn of(pod: &Value, run: &Run, node: Option<&Value>, now: Timestamp) -> Value {
    let mut status = Map::new();
    let generation = object::generation(pod);
    status.insert("conditions", conditions(pod, run, now).into());
    let of_role = |main: bool| -> Vec<Value> {
        run.containers
            .iter()
            .filter(|container| (container.role == Role::Main) == main)
            .map(|container| container_status(pod, run, container))
            .collect()
    };
    let init = of_role(false);
    let mut main = of_role(true);
    main.sort_by(|a, b| text(a, "/name").cmp(text(b, "/name")));
    if !init.is_empty() {
        status.insert("initContainerStatuses", init.into());
    }
    status.insert("containerStatuses", main.into());
    if let Some(address) = node.and_then(internal_address) {
        status.insert("hostIP", address.into());
        status.insert("hostIPs", json!([{"ip": address}]));
    }
    // It is seen with the first that is seen of a container.
    if run.containers.iter().any(Container::has_begun) {
        status.insert("podIP", run.address.clone().into());
        status.insert("podIPs", json!([{"ip": run.address}]));
    }
    let asked = crate::kinds::resources(pod);
    let requests = asked.requests();
    let limits = asked.limits();
    let mut resources = Map::new();
    if !requests.is_empty() {
        status.insert("allocatedResources", to_value(&requests));
        resources.insert("requests", to_value(&requests));
    }
    if !limits.is_empty() {
        resources.insert("limits", to_value(&limits));
    }
    status.insert("resources", resources.into());
    status.insert("observedGeneration", generation.into());
    let phase = phase(run);
    // It has ended when its sandbox has; until then it is what it was.
    let held = text(pod, "/status/phase");
    let shown = if is_final(phase) && !run.sandbox_gone { held } else { phase };
    status.insert("phase", shown.into());
    match &run.evicted {
        Some(evicted) if shown == "Failed" => {
            status.insert("reason", "Evicted".into());
            status.insert("message", evicted.message.clone().into());
        }
        // What was said of a phase holds as long as it does.
        _ if shown == held => {
            for field in ["reason", "message"] {
                status.extend(pod["status"].get(field).map(|value| (field.to_owned(), value.clone())));
            }
        }
        _ => {}
    }
    status.insert("qosClass", pod["status"]["qosClass"].clone());
    status.insert("startTime", clock::seconds(run.started).into());
    Value::Object(status)
}

fn internal_address(node: &Value) -> Option<&str> {
    let addresses = list(node, "/status/addresses");
    addresses.iter().find(|a| text(a, "/type") == "InternalIP").map(|a| text(a, "/address"))
}

fn is_final(phase: &str) -> bool {
    matches!(phase, "Succeeded" | "Failed")
}

fn phase(run: &Run) -> &'static str {
    let main: Vec<&Container> = run.containers.iter().filter(|c| c.role == Role::Main).collect();
    let code = |container: &Container| match &container.state {
        State::Ended(state) => object::integer(state, "/terminated/exitCode"),
        _ => None,
    };
    let init_failed =
        run.containers.iter().any(|c| c.role == Role::Init && code(c).is_some_and(|code| code != 0));
    if init_failed {
        return "Failed";
    }
    if !run.is_initialized() && !main.iter().any(|container| code(container).is_some()) {
        return "Pending";
    }
    let runs = |container: &Container| container.since().is_some();
    let was =
        |container: &Container| matches!(container.shown, Shown::Ended(_)) || container.last != json!({});
    if main.iter().any(|container| !runs(container) && code(container).is_none() && !was(container)) {
        return "Pending";
    }
    let codes: Vec<Option<i64>> = main.iter().map(|container| code(container)).collect();
    if codes.iter().all(Option::is_some) {
        return if codes.iter().all(|code| *code == Some(0)) { "Succeeded" } else { "Failed" };
    }
    "Running"
}

fn conditions(pod: &Value, run: &Run, now: Timestamp) -> Vec<Value> {
    let names = |containers: Vec<&Container>| {
        containers.iter().map(|container| container.name.as_str()).collect::<Vec<_>>().join(" ")
    };
    let unpassed: Vec<&Container> =
        run.containers.iter().filter(|c| c.role != Role::Main && !c.is_passed()).collect();
    let unready: Vec<&Container> =
        run.containers.iter().filter(|c| c.role != Role::Init && !c.is_ready()).collect();
    let phase = phase(run);
    let initialized = if phase == "Succeeded" {
        ("True", "PodCompleted", String::new())
    } else if unpassed.is_empty() {
        ("True", "", String::new())
    } else {
        let message = format!("containers with incomplete status: [{}]", names(unpassed));
        ("False", "ContainersNotInitialized", message)
    };
    let ready = if phase == "Succeeded" {
        ("False", "PodCompleted", String::new())
    } else if phase == "Failed" {
        ("False", "PodFailed", String::new())
    } else if unready.is_empty() {
        ("True", "", String::new())
    } else {
        ("False", "ContainersNotReady", format!("containers with unready status: [{}]", names(unready)))
    };
    let sandbox = match (run.sandbox_up, run.sandbox_gone) {
        (_, true) => ("False", "PodSandboxNotReady", "pod sandbox is not ready".to_owned()),
        (false, _) => ("False", "PodSandboxNotReady", "no pod sandbox exists".to_owned()),
        (true, _) => ("True", "", String::new()),
    };
    // Conditions that others set, readiness gates for instance, stay.
    let others = list(pod, "/status/conditions").iter();
    let mut list: Vec<Value> = others.filter(|held| !OURS.contains(&text(held, "/type"))).cloned().collect();
    if let Some(evicted) = run.evicted.as_ref().filter(|evicted| evicted.for_node && run.sandbox_gone) {
        list.retain(|held| text(held, "/type") != "DisruptionTarget");
        let target = ("True", "TerminationByKubelet", evicted.message.clone());
        list.push(with_times(pod, "DisruptionTarget", target, now));
    }
    list.extend([
        with_times(pod, "PodReadyToStartContainers", sandbox, now),
        with_times(pod, "Initialized", initialized, now),
        with_times(pod, "Ready", ready.clone(), now),
        with_times(pod, "ContainersReady", ready, now),
    ]);
    list.extend(condition(pod, "PodScheduled").map(|held| {
        let mut scheduled = held.clone();
        scheduled["observedGeneration"] = object::generation(pod).into();
        scheduled
    }));
    list
}

fn with_times(pod: &Value, kind: &str, state: (&str, &str, String), now: Timestamp) -> Value {
    let (status, reason, message) = state;
    let held = condition(pod, kind).filter(|held| text(held, "/status") == status);
    let since = held.map_or_else(|| clock::seconds(now).into(), |held| held["lastTransitionTime"].clone());
    let mut condition = json!({
        "type": kind,
        "status": status,
        "lastProbeTime": null,
        "lastTransitionTime": since,
        "observedGeneration": object::generation(pod),
    });
    if !reason.is_empty() {
        condition["reason"] = reason.into();
    }
    if !message.is_empty() {
        condition["message"] = message.into();
    }
    condition
}

fn container_status(pod: &Value, run: &Run, container: &Container) -> Value {
    let begun = container.times_started > 0;
    let spec = container.spec();
    let (image, image_id) =
        if begun { image::names(&container.image) } else { (container.image.clone(), String::new()) };
    let mut status = json!({
        "image": image,
        "imageID": image_id,
        "lastState": container.last,
        "name": container.name,
        "ready": container.is_ready(),
        "restartCount": container.restarts(),
        "started": container.is_started(),
        "state": state(run, container),
    });
    if begun {
        status["containerID"] = container.id(&run.uid).into();
        let resources = &spec["resources"];
        if let Some(requests) = resources.get("requests") {
            status["allocatedResources"] = requests.clone();
        }
        status["resources"] = if resources.is_null() { json!({}) } else { resources.clone() };
    }
    let mounts: Vec<Value> = container.mounts(pod).iter().map(mount).collect();
    if !mounts.is_empty() {
        status["volumeMounts"] = mounts.into();
    }
    status
}

fn mount(mount: &Value) -> Value {
    let mut shown = json!({"mountPath": mount["mountPath"], "name": mount["name"]});
    if flag(mount, "/readOnly") {
        shown["readOnly"] = true.into();
        shown["recursiveReadOnly"] = "Disabled".into();
    }
    shown
}

fn state(run: &Run, container: &Container) -> Value {
    if let Some(since) = container.since() {
        return json!({"running": {"startedAt": clock::seconds(since)}});
    }
    if let State::Ended(state) = &container.state {
        return state.clone();
    }
    match &container.shown {
        Shown::Ended(state) => state.clone(),
        Shown::Waiting(reason) => json!({"waiting": {"reason": reason.word, "message": reason.message}}),
        Shown::Beginning => {
            let has_init = run.containers.iter().any(|container| container.role != Role::Main);
            json!({"waiting": {"reason": if has_init { "PodInitializing" } else { "ContainerCreating" }}})
        }
    }
}
