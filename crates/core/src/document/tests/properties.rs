//! What holds for every document.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::{API_VERSION, Path, parse_json, validate};
use super::{IMAGE, mk_full_doc, read};

/// Keys and texts that the validator looks at, so that arbitrary trees reach beyond its first question.
fn word() -> impl Strategy<Value = String> {
    let known = [
        "apiVersion",
        "kind",
        "metadata",
        "spec",
        "name",
        "namespace",
        "labels",
        "grade",
        "image",
        "size",
        "cpu",
        "memory",
        "scale",
        "replicas",
        "autoscale",
        "min",
        "max",
        "placement",
        "exceptions",
        "ports",
        "port",
        "probes",
        "liveness",
        "http",
        "tcp",
        "grpc",
        "path",
        "period",
        "env",
        "envFromSecrets",
        "secret",
        "key",
        "files",
        "content",
        "mode",
        "scratch",
        "user",
        "init",
        "sidecars",
        "shutdown",
        "drain",
        "dataCenters",
        "dc-1",
        "publish",
        "order",
        "succeed",
        "soak",
        "App",
        "All",
        "service",
        "general-5",
        "1Gi",
        "500m",
        "90s",
        "0644",
        "/etc/x",
        "/tmp",
        API_VERSION,
        IMAGE,
    ];
    prop_oneof![3 => prop::sample::select(known.to_vec()).prop_map(str::to_owned), 1 => ".{0,8}"]
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0_u32..5000).prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        word().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((word(), inner), 0..6)
                .prop_map(|all| Value::Object(all.into_iter().collect())),
        ]
    })
}

/// All places in a tree, as JSON pointers.
fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                pointers(value, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), all);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                pointers(value, &format!("{at}/{index}"), all);
            }
        }
        _ => {}
    }
}

fn object(fields: Vec<(&str, Option<Value>)>) -> Value {
    let there = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(there.collect::<Map<_, _>>())
}

fn duration(min: u64, max: u64) -> impl Strategy<Value = Value> {
    (min..=max, any::<bool>()).prop_map(|(seconds, split)| match (split, seconds / 60, seconds % 60) {
        (true, minutes @ 1.., rest) => json!(format!("{minutes}m{rest}s")),
        _ => json!(format!("{seconds}s")),
    })
}

fn any_probe() -> impl Strategy<Value = Value> {
    let check = prop_oneof![
        ("/[a-z]{0,8}", 1_u16..).prop_map(|(path, port)| ("http", json!({"path": path, "port": port}))),
        Just(("http", json!({"path": "/", "port": "http"}))),
        (1_u16..).prop_map(|port| ("tcp", json!({"port": port}))),
        "[a-z]{1,8}".prop_map(|program| ("exec", json!({"command": [program, "-x"]}))),
        (1_u16.., prop::option::of("[a-z]{1,9}")).prop_map(|(port, service)| {
            ("grpc", object(vec![("port", Some(json!(port))), ("service", service.map(Value::from))]))
        }),
    ];
    let times = (duration(0, 3600), duration(1, 3600), duration(1, 300));
    let times = prop::option::of(times);
    (check, times, prop::option::of(1_u32..=1000)).prop_map(|((kind, check), times, failures)| {
        let (delay, period, timeout) =
            times.map_or((None, None, None), |(a, b, c)| (Some(a), Some(b), Some(c)));
        object(vec![
            (kind, Some(check)),
            ("initialDelay", delay),
            ("period", period),
            ("timeout", timeout),
            ("failureThreshold", failures.map(Value::from)),
        ])
    })
}

fn any_probes() -> impl Strategy<Value = Value> {
    let probe = || prop::option::of(any_probe());
    (probe(), probe(), probe()).prop_map(|(startup, readiness, liveness)| {
        object(vec![("startup", startup), ("readiness", readiness), ("liveness", liveness)])
    })
}

fn any_env() -> impl Strategy<Value = Value> {
    let value = "[^\\x00]{0,12}";
    prop::collection::btree_map("[A-OQ-Z_a-z][A-Za-z0-9_.-]{0,8}", value, 0..5).prop_map(|env| json!(env))
}

fn any_replication() -> impl Strategy<Value = Value> {
    prop_oneof![
        (0_u32..=1000).prop_map(|n| json!({"replicas": n})),
        (1_u32..=1000, 0_u32..=1000, prop::option::of(1_u32..=90)).prop_map(|(min, more, percent)| {
            let bounds = vec![
                ("min", Some(json!(min))),
                ("max", Some(json!((min + more).min(1000)))),
                ("cpuPercent", percent.map(Value::from)),
            ];
            json!({"autoscale": object(bounds)})
        }),
    ]
}

fn any_scale() -> impl Strategy<Value = Value> {
    let dc = || prop::sample::select(vec!["dc-1", "dc-2", "dc-3"]);
    let exceptions = prop::collection::btree_map(dc(), any_replication(), 0..3);
    (any_replication(), prop::option::of(Just(json!(["dc-3", "dc-1", "dc-2"]))), exceptions).prop_map(
        |(mut scale, placement, exceptions)| {
            if let Some(placement) = placement {
                scale["placement"] = placement;
            }
            scale["exceptions"] = json!(exceptions);
            scale
        },
    )
}

fn any_files() -> impl Strategy<Value = Value> {
    let modes = prop::option::of("0?[0-7]{3}");
    prop::collection::btree_map("[a-z]{1,8}", ("[^\\x00]{0,40}", modes), 0..4).prop_map(|files| {
        let file = |(name, (content, mode)): (String, (String, Option<String>))| {
            let path = json!(format!("/etc/shop/{name}"));
            object(vec![
                ("path", Some(path)),
                ("content", Some(json!(content))),
                ("mode", mode.map(Value::from)),
            ])
        };
        files.into_iter().map(file).collect()
    })
}

fn any_publish() -> impl Strategy<Value = Value> {
    let order = prop::sample::select(vec![json!([]), json!([["dc-1"]]), json!([["dc-3"], ["dc-2", "dc-1"]])]);
    let succeed = prop::sample::select(vec![json!("All"), json!(1), json!(3)]);
    let failure = prop::sample::select(vec!["Hold", "Rollback"]);
    (order, succeed, duration(0, 86_400), duration(10, 86_400), failure).prop_map(
        |(order, succeed, soak, deadline, failure)| {
            json!({"order": order, "succeed": succeed, "soak": soak, "deadline": deadline, "onFailure": failure})
        },
    )
}

fn any_size() -> impl Strategy<Value = Value> {
    let memory = prop_oneof![
        (4_u64..100_000).prop_map(|n| format!("{n}Mi")),
        (5_u64..1000).prop_map(|n| format!("{n}M")),
        (0_u64..1000).prop_map(|n| format!("{n}.5Gi")),
        (5_000_000_u64..1 << 40).prop_map(|n| n.to_string()),
    ];
    let cpu =
        prop_oneof![(1_u32..64_000).prop_map(|n| json!(format!("{n}m"))), (1_u32..64).prop_map(Value::from)];
    (cpu, memory).prop_map(|(cpu, memory)| json!({"cpu": cpu, "memory": memory}))
}

fn any_document() -> impl Strategy<Value = Value> {
    let grades = prop::sample::select(vec!["system", "important", "general-2", "general-5", "general-10"]);
    let parts = (grades, any_size(), any_scale(), any_probes(), any_env(), any_files());
    let more = (any_env(), any_files(), any_publish(), 1_u32..=2_147_483_647, any_size(), any_probe());
    (parts, more).prop_map(
        |((grade, size, scale, probes, env, files), (dc_env, dc_files, publish, user, beside, probe))| {
            let sidecar_probe = if probe.pointer("/http/port") == Some(&json!("http")) {
                json!({})
            } else {
                json!({"liveness": probe})
            };
            json!({
                "apiVersion": API_VERSION,
                "kind": "App",
                "metadata": {"name": "shop", "namespace": "demo"},
                "spec": {
                    "grade": grade,
                    "image": IMAGE,
                    "size": size,
                    "scale": scale,
                    "ports": [{"name": "http", "port": 8080}],
                    "probes": probes,
                    "env": env,
                    "files": files,
                    "dataCenters": {"dc-2": {"env": dc_env, "files": dc_files}, "dc-3": {}},
                    "publish": publish,
                    "user": user,
                    "sidecars": [{"name": "beside", "image": IMAGE, "size": beside, "probes": sidecar_probe}],
                },
            })
        },
    )
}

proptest! {
    #[test]
    fn any_tree_is_answered_with_a_document_or_with_faults(value in any_json()) {
        if let Err(faults) = validate(&value) {
            prop_assert!(!faults.is_empty());
            for fault in faults {
                prop_assert!(!fault.message.is_empty() && !fault.remedy.is_empty());
                let path = fault.path.parse::<Path>();
                prop_assert_eq!(path.map(|path| path.to_string()), Ok(fault.path));
            }
        }
    }

    #[test]
    fn one_wrong_value_anywhere_is_answered_too(place in any::<prop::sample::Index>(), value in any_json()) {
        let mut doc = mk_full_doc();
        let mut all = Vec::new();
        pointers(&doc, "", &mut all);
        if let Some(there) = doc.pointer_mut(place.get(&all).as_str()) {
            *there = value;
        }
        match validate(&doc) {
            Ok(document) => prop_assert_eq!(validate(&document.to_value()), Ok(document)),
            Err(faults) => prop_assert!(!faults.is_empty()),
        }
    }

    #[test]
    fn a_document_reads_back_as_it_was_rendered(doc in any_document()) {
        let document = read(&doc);
        let rendered = document.to_value();
        prop_assert_eq!(&read(&rendered), &document);
        prop_assert_eq!(read(&rendered).to_value(), rendered);
    }

    #[test]
    fn reading_bytes_never_panics_and_agrees_with_serde(bytes in prop::collection::vec(any::<u8>(), 0..64), value in any_json()) {
        let _ = parse_json(&bytes);
        let text = value.to_string();
        prop_assert_eq!(parse_json(text.as_bytes()).ok(), serde_json::from_str::<Value>(&text).ok());
    }
}
