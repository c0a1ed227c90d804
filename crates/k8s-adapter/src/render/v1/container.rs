//! Containers.

use std::time::Duration;

use plimsoll_core::content::{Check, Container, PortRef, Probe, Protocol, SecretKey, Size};
use plimsoll_qos::{Amounts, requests};
use serde_json::{Map, Value, json};

use super::config::Config;
use super::{Input, processors, volume};

/// What a container is in its pod.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Main,
    /// Runs to its end before the next starts.
    Step,
    /// Starts before the main container and stops after it (KEP-753).
    Sidecar,
}

pub(super) fn container(
    input: &Input<'_>,
    config: &Config,
    role: Role,
    name: &str,
    container: &Container,
) -> Value {
    let Container { image, command, args, size, env: _, env_from_secrets: _, probes } = container;
    let mut rendered = json!({
        "name": name,
        "image": input.pinned(image),
        "imagePullPolicy": "IfNotPresent",
        "resources": resources(input, size),
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]},
            // Said of each container as well as of the pod: what is said of a container would win.
            "privileged": false,
            "readOnlyRootFilesystem": true,
            "runAsNonRoot": true,
            "runAsUser": input.content.user,
        },
        "env": env(input, config, name, container),
        "volumeMounts": volume::mounts(input, config, name),
    });
    if !command.is_empty() {
        rendered["command"] = json!(command);
    }
    if !args.is_empty() {
        rendered["args"] = json!(args);
    }
    if let Some(map) = config.env_of(name) {
        rendered["envFrom"] = json!([{"configMapRef": {"name": map}}]);
    }
    if role == Role::Sidecar {
        rendered["restartPolicy"] = json!("Always");
    }
    if role == Role::Main {
        let ports: Vec<Value> = input
            .content
            .ports
            .iter()
            .map(|port| json!({"name": port.name, "containerPort": port.port, "protocol": protocol(port.protocol)}))
            .collect();
        // Nothing is stored for an empty list, so it would look different for ever.
        if !ports.is_empty() {
            rendered["ports"] = json!(ports);
        }
        let drain = seconds(input.content.shutdown.drain);
        if drain > 0 {
            // Load balancers hear that a pod leaves at the same time as the pod; until they have, it serves.
            rendered["lifecycle"] = json!({"preStop": {"sleep": {"seconds": drain}}});
        }
    }
    // A step runs to its end: Kubernetes takes no probes of it.
    if role != Role::Step {
        for (field, given) in [
            ("startupProbe", &probes.startup),
            ("readinessProbe", &probes.readiness),
            ("livenessProbe", &probes.liveness),
        ] {
            if let Some(given) = given {
                rendered[field] = probe(given);
            }
        }
    }
    rendered
}

pub(super) fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "TCP",
        Protocol::Udp => "UDP",
    }
}

pub(super) fn seconds(duration: Duration) -> u64 {
    duration.as_secs()
}

/// What is listed later may refer to what is listed before, and everything to what comes from the ConfigMap.
fn env(input: &Input<'_>, config: &Config, name: &str, container: &Container) -> Vec<Value> {
    let mut env = vec![
        json!({"name": "PLIMSOLL_APP", "value": input.app.name}),
        json!({"name": "PLIMSOLL_DC", "value": input.dc}),
        json!({"name": "PLIMSOLL_NAMESPACE", "value": input.app.namespace}),
    ];
    for (variable, value) in processors::hints(input, config, name, container) {
        env.push(json!({"name": variable, "value": value}));
    }
    for (variable, SecretKey { secret, key }) in &container.env_from_secrets {
        env.push(json!({
            "name": variable,
            "valueFrom": {"secretKeyRef": {"name": secret, "key": key}},
        }));
    }
    for (variable, value) in config.expanded_of(name) {
        env.push(json!({"name": variable, "value": value}));
    }
    env
}

/// What a container of that size may use, and what it requests.
pub(super) fn amounts(input: &Input<'_>, size: &Size) -> (Amounts, Amounts) {
    let limit = Amounts { cpu: size.cpu.clone(), memory: size.memory.clone() };
    let request = requests(&limit, &input.content.grade, &input.content.terms).amounts();
    (limit, request)
}

fn resources(input: &Input<'_>, size: &Size) -> Value {
    let (limit, request) = amounts(input, size);
    let list = |resources: &Amounts| {
        let mut list = Map::new();
        list.insert("cpu".to_owned(), json!(resources.cpu));
        list.insert("memory".to_owned(), json!(resources.memory));
        if let Some(disk) = &size.ephemeral_storage {
            // Disk is not sold twice: a full disk takes the whole server down.
            list.insert("ephemeral-storage".to_owned(), json!(disk));
        }
        list
    };
    json!({"limits": list(&limit), "requests": list(&request)})
}

fn probe(probe: &Probe) -> Value {
    let Probe { check, initial_delay, period, timeout, failure_threshold, success_threshold } = probe;
    let mut rendered = json!({
        "periodSeconds": seconds(*period).max(1),
        "timeoutSeconds": seconds(*timeout).max(1),
        "failureThreshold": failure_threshold,
        "successThreshold": success_threshold,
    });
    // Zero is the same as nothing, and the API server stores nothing.
    if seconds(*initial_delay) > 0 {
        rendered["initialDelaySeconds"] = json!(seconds(*initial_delay));
    }
    match check {
        Check::Http { path, port } => {
            rendered["httpGet"] = json!({"path": path, "port": port_ref(port), "scheme": "HTTP"});
        }
        Check::Tcp { port } => rendered["tcpSocket"] = json!({"port": port_ref(port)}),
        Check::Exec { command } => rendered["exec"] = json!({"command": command}),
        Check::Grpc { port, service } => {
            // The API server stores an empty name where none is given.
            rendered["grpc"] = json!({"port": port, "service": service.as_deref().unwrap_or_default()});
        }
    }
    rendered
}

fn port_ref(port: &PortRef) -> Value {
    match port {
        PortRef::Number(number) => json!(number),
        PortRef::Name(name) => json!(name),
    }
}
