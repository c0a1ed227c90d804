//! A document from what was read: the same meaning, every default written out, nothing that is empty.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::{API_VERSION, AppDocument, KIND};
use crate::content::{
    ApiToken, Check, Container, Content, File, Named, Overlay, Port, PortRef, Probe, Probes, Protocol,
    Scratch, SecretFile, SecretKey, Shutdown, Size,
};
use crate::duration;
use crate::policy::{OnFailure, PublishPolicy, Succeed};
use crate::scale::{Autoscale, Placement, Replication, Scale};

impl AppDocument {
    /// The document in JSON. [`validate`](super::validate) reads it back as an equal one, provided that the
    /// Release was made with the terms that its grade stands for now and by the current renderer.
    pub fn to_value(&self) -> Value {
        let Self { app, owner, description, labels, content, scale } = self;
        json!({
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": fields([
                ("name", json!(app.name)),
                ("namespace", json!(app.namespace)),
                ("owner", json!(owner)),
                ("description", json!(description)),
                ("labels", json!(labels)),
            ]),
            "spec": spec(content, scale),
        })
    }
}

impl Serialize for AppDocument {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

/// An object of the fields that say something.
fn fields<const N: usize>(all: [(&str, Value); N]) -> Value {
    let says_something = |value: &Value| match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    };
    all.into_iter()
        .filter(|(_, value)| says_something(value))
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// The fields of all parts in one object.
fn joined<const N: usize>(parts: [Value; N]) -> Value {
    let mut all = Map::new();
    for part in parts {
        if let Value::Object(fields) = part {
            all.extend(fields);
        }
    }
    Value::Object(all)
}

fn list<T>(items: &[T], one: impl Fn(&T) -> Value) -> Value {
    items.iter().map(one).collect()
}

fn spec(content: &Content, scale: &Scale) -> Value {
    let Content {
        // Not the author's to say: a document is read by the current renderer and with the current terms.
        renderer: _,
        terms: _,
        grade,
        main,
        init,
        sidecars,
        ports,
        files,
        secret_files,
        scratch,
        user,
        shutdown,
        api_token,
        overlays,
        publish,
    } = content;
    let overlays: Map<String, Value> =
        overlays.iter().map(|(dc, overlay)| (dc.to_string(), self::overlay(overlay))).collect();
    joined([
        fields([("type", json!("service")), ("grade", json!(grade))]),
        container(main),
        fields([
            ("scale", self::scale(scale)),
            ("ports", list(ports, port)),
            ("files", list(files, file)),
            ("secretFiles", list(secret_files, secret_file)),
            ("scratch", list(scratch, self::scratch)),
            ("user", json!(user)),
            ("init", list(init, named)),
            ("sidecars", list(sidecars, named)),
            ("shutdown", self::shutdown(shutdown)),
            (
                "apiToken",
                json!(match api_token {
                    ApiToken::None => "None",
                    ApiToken::Mounted => "Mounted",
                }),
            ),
            ("dataCenters", Value::Object(overlays)),
            ("publish", self::publish(publish)),
        ]),
    ])
}

fn named(named: &Named<Container>) -> Value {
    let Named { name, inner } = named;
    joined([fields([("name", json!(name))]), container(inner)])
}

fn container(container: &Container) -> Value {
    let Container { image, command, args, size, env, env_from_secrets, probes } = container;
    let secrets: Map<String, Value> =
        env_from_secrets.iter().map(|(name, key)| (name.clone(), secret_key(key))).collect();
    fields([
        ("image", json!(image)),
        ("command", json!(command)),
        ("args", json!(args)),
        ("size", self::size(size)),
        ("env", json!(env)),
        ("envFromSecrets", Value::Object(secrets)),
        ("probes", self::probes(probes)),
    ])
}

fn size(size: &Size) -> Value {
    let Size { cpu, memory, ephemeral_storage } = size;
    fields([("cpu", json!(cpu)), ("memory", json!(memory)), ("ephemeralStorage", json!(ephemeral_storage))])
}

fn secret_key(from: &SecretKey) -> Value {
    let SecretKey { secret, key } = from;
    json!({"secret": secret, "key": key})
}

fn probes(probes: &Probes) -> Value {
    let Probes { startup, readiness, liveness } = probes;
    fields([
        ("startup", startup.as_ref().map_or(Value::Null, probe)),
        ("readiness", readiness.as_ref().map_or(Value::Null, probe)),
        ("liveness", liveness.as_ref().map_or(Value::Null, probe)),
    ])
}

fn probe(probe: &Probe) -> Value {
    let Probe { check, initial_delay, period, timeout, failure_threshold, success_threshold } = probe;
    let (kind, check) = match check {
        Check::Http { path, port } => ("http", json!({"path": path, "port": port_ref(port)})),
        Check::Tcp { port } => ("tcp", json!({"port": port_ref(port)})),
        Check::Exec { command } => ("exec", json!({"command": command})),
        Check::Grpc { port, service } => {
            ("grpc", fields([("port", json!(port)), ("service", json!(service))]))
        }
    };
    fields([
        (kind, check),
        ("initialDelay", json!(duration::format(*initial_delay))),
        ("period", json!(duration::format(*period))),
        ("timeout", json!(duration::format(*timeout))),
        ("failureThreshold", json!(failure_threshold)),
        ("successThreshold", json!(success_threshold)),
    ])
}

fn port_ref(port: &PortRef) -> Value {
    match port {
        PortRef::Number(number) => json!(number),
        PortRef::Name(name) => json!(name),
    }
}

fn port(port: &Port) -> Value {
    let Port { name, port, protocol, service_port } = port;
    let protocol = match protocol {
        Protocol::Tcp => "TCP",
        Protocol::Udp => "UDP",
    };
    json!({"name": name, "port": port, "protocol": protocol, "servicePort": service_port})
}

fn file(file: &File) -> Value {
    let File { path, content, mode } = file;
    json!({"path": path, "content": content, "mode": format!("{mode:04o}")})
}

fn secret_file(file: &SecretFile) -> Value {
    let SecretFile { path, from: SecretKey { secret, key }, mode } = file;
    json!({"path": path, "secret": secret, "key": key, "mode": format!("{mode:04o}")})
}

fn scratch(scratch: &Scratch) -> Value {
    let Scratch { path, size } = scratch;
    json!({"path": path, "size": size})
}

fn shutdown(shutdown: &Shutdown) -> Value {
    let Shutdown { drain, grace } = shutdown;
    json!({"drain": duration::format(*drain), "grace": duration::format(*grace)})
}

fn overlay(overlay: &Overlay) -> Value {
    let Overlay { env, files } = overlay;
    // An overlay that says nothing is kept, so that the document reads back as the same.
    let mut fields = Map::new();
    if !env.is_empty() {
        fields.insert("env".to_owned(), json!(env));
    }
    if !files.is_empty() {
        fields.insert("files".to_owned(), list(files, file));
    }
    Value::Object(fields)
}

fn scale(scale: &Scale) -> Value {
    let Scale { placement, size, exceptions } = scale;
    let placement = match placement {
        Placement::All => json!("All"),
        Placement::Only(dcs) => json!(dcs),
    };
    let exceptions: Map<String, Value> =
        exceptions.iter().map(|(dc, size)| (dc.to_string(), replication(size))).collect();
    joined([replication(size), fields([("placement", placement), ("exceptions", Value::Object(exceptions))])])
}

fn replication(replication: &Replication) -> Value {
    match replication {
        Replication::Fixed(replicas) => json!({"replicas": replicas}),
        Replication::Auto(Autoscale { min, max, cpu_percent }) => {
            json!({"autoscale": {"min": min, "max": max, "cpuPercent": cpu_percent}})
        }
    }
}

fn publish(policy: &PublishPolicy) -> Value {
    let PublishPolicy { waves, succeed, soak, deadline, on_failure } = policy;
    fields([
        ("order", json!(waves)),
        (
            "succeed",
            match succeed {
                Succeed::All => json!("All"),
                Succeed::AtLeast(count) => json!(count),
            },
        ),
        ("soak", json!(duration::format(*soak))),
        ("deadline", json!(duration::format(*deadline))),
        (
            "onFailure",
            json!(match on_failure {
                OnFailure::Hold => "Hold",
                OnFailure::Rollback => "Rollback",
            }),
        ),
    ])
}
