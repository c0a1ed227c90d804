//! How many fit, by the engine and by a real scheduler: random servers with random pods on them, and pods of one
//! size, some of them with ports of their server, until no more is placed.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use plimsoll_bench::{Bench, Options};
use plimsoll_qos::{FitRequest, NodeAnswer, fit};
use plimsoll_tests::eventually;
use serde_json::{Value, json};

/// Sets a seed, to see again what was seen.
const SEED: &str = "PLIMSOLL_SEED";
/// Each has servers of its own, which its pods select, so that all are scheduled at once.
const ROUNDS: usize = 36;
/// No server takes more of the pods whose number is asked for than that.
const AT_MOST: u64 = 12;

/// A round: its servers, who runs there, and the pod whose number is asked for.
struct Round {
    number: usize,
    nodes: Vec<Value>,
    running: Vec<Value>,
    wanted: Value,
}

fn mk_round(number: usize, random: &mut Rng) -> Round {
    let label = format!("round-{number}");
    let (cpu, memory) = (random.u64(1..2000), random.u64(1..4096));
    let mut nodes = Vec::new();
    let mut running = Vec::new();
    for place in 0..random.usize(1..4) {
        let name = format!("{label}-node-{place}");
        // Of each dimension room for a few, or for none; slots for more than that, or for less.
        let amounts = json!({
            "cpu": format!("{}m", cpu * random.u64(0..AT_MOST) + random.u64(0..=cpu)),
            "memory": format!("{}Mi", memory * random.u64(0..AT_MOST) + random.u64(0..=memory)),
            "ephemeral-storage": "200Gi",
            "pods": random.u64(1..2 * AT_MOST).to_string(),
        });
        nodes.push(json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {
                "name": name,
                "annotations": {"node.alpha.kubernetes.io/ttl": "0"},
                "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "type": "kwok", "round": label},
            },
            "status": {"allocatable": amounts, "capacity": amounts},
        }));
        for resident in 0..random.usize(0..3) {
            let mut pod =
                mk_pod(&format!("{name}-resident-{resident}"), random.u64(0..cpu), random.u64(0..memory));
            pod["spec"]["nodeName"] = json!(name);
            with_ports(&mut pod, random);
            running.push(pod);
        }
    }
    let mut wanted = mk_pod(&label, cpu, memory);
    with_ports(&mut wanted, random);
    wanted["spec"]["nodeSelector"] = json!({"round": label});
    Round { number, nodes, running, wanted }
}

fn mk_pod(name: &str, cpu: u64, memory: u64) -> Value {
    let requests = json!({"cpu": format!("{cpu}m"), "memory": format!("{memory}Mi")});
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"},
        "spec": {"terminationGracePeriodSeconds": 0,
                 "containers": [{"name": "main", "image": "registry.example.com/x", "resources": {"requests": requests}}]},
    })
}

/// Gives every second pod ports of its server: few, on few addresses, so that they are often in each other's way, and
/// some of them in an init step, which takes none, or in a sidecar.
fn with_ports(pod: &mut Value, random: &mut Rng) {
    if random.bool() {
        return;
    }
    let mut ports = Vec::new();
    for number in [8080, 8081] {
        if random.u32(0..3) > 0 {
            let mut port = json!({"containerPort": number, "hostPort": number});
            if random.bool() {
                port["protocol"] = json!(random.choice(["TCP", "UDP"]));
            }
            if random.bool() {
                port["hostIP"] = json!(random.choice(["0.0.0.0", "10.0.0.1", "10.0.0.2"]));
            }
            ports.push(port);
        }
    }
    let spec = &mut pod["spec"];
    match random.u32(0..6) {
        0 => {
            spec["hostNetwork"] = json!(true);
            // There, every port of a container is one of the server, of the same number.
            spec["containers"][0]["ports"] = json!([{"containerPort": 8080}]);
        }
        kind @ (1 | 2) => {
            let mut container = json!({"name": "before", "image": "registry.example.com/x", "ports": ports});
            if kind == 1 {
                container["restartPolicy"] = json!("Always");
            }
            spec["initContainers"] = json!([container]);
        }
        _ => spec["containers"][0]["ports"] = json!(ports),
    }
}

/// What the cluster holds, as `kubectl get` prints it.
async fn held(bench: &Bench, kind: &str) -> Result<Vec<Value>> {
    let list = bench.dc(1).kubectl(&["get", kind, "-A", "-o", "json"]).await?;
    let list: Value = serde_json::from_str(&list).with_context(|| format!("a list of {kind}"))?;
    Ok(list["items"].as_array().cloned().unwrap_or_default())
}

async fn make(bench: &Bench, objects: &[Value]) -> Result<()> {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
    bench.dc(1).kubectl_with(&list, &["create", "-f", "-"]).await?;
    Ok(())
}

/// What the engine says of a round, by node, and what binds.
fn counted(round: &Round, nodes: &[Value], pods: &[Value]) -> Result<(u64, Vec<NodeAnswer>)> {
    let request = json!({
        "clusters": [{"name": "dc-1", "nodes": nodes, "pods": pods}],
        "want": {"pod": round.wanted["spec"], "namespace": "default"},
    });
    let answer = fit(serde_json::from_value::<FitRequest>(request)?)?;
    let of_round = format!("round-{}-", round.number);
    let nodes = answer.all.data_centers.into_iter().flat_map(|dc| dc.clusters).flat_map(|it| it.nodes);
    let nodes = nodes.filter(|node| node.name.starts_with(&of_round)).collect();
    Ok((u64::try_from(answer.all.fits)?, nodes))
}

/// The scheduler's word for a dimension.
fn reason(dimension: &str) -> String {
    match dimension {
        "pods" => "Too many pods".to_owned(),
        "hostPorts" => "didn't have free ports for the requested pod ports".to_owned(),
        dimension => format!("Insufficient {dimension}"),
    }
}

fn unschedulable(pod: &Value) -> Option<&str> {
    let mut conditions = pod["status"]["conditions"].as_array()?.iter();
    let said = conditions.find(|it| it["type"] == "PodScheduled" && it["reason"] == "Unschedulable")?;
    said["message"].as_str()
}

#[tokio::test]
async fn as_many_fit_as_a_real_scheduler_places_and_for_the_same_reason() -> Result<()> {
    let seed = std::env::var(SEED).ok().map_or_else(|| Ok(fastrand::u64(..)), |text| text.parse())?;
    println!("seed {seed}: {SEED}={seed} shows the same again");
    let mut random = Rng::with_seed(seed);
    let rounds: Vec<Round> = (0..ROUNDS).map(|number| mk_round(number, &mut random)).collect();

    let bench = Bench::start(Options::default().data_centers(1).nodes(1)).await?;
    let all = |part: fn(&Round) -> &Vec<Value>| rounds.iter().flat_map(part).cloned().collect::<Vec<_>>();
    let nodes = all(|round| &round.nodes);
    make(&bench, &nodes).await?;
    eventually("all servers are ready", async || {
        let there = held(&bench, "nodes").await?;
        let ready = there.iter().filter(|node| {
            let conditions = node["status"]["conditions"].as_array().into_iter().flatten();
            let is_ready = { conditions }.any(|it| it["type"] == "Ready" && it["status"] == "True");
            is_ready && node["spec"]["taints"].is_null()
        });
        let missing = nodes.len() + 1 - ready.count();
        Ok(if missing == 0 { Ok(()) } else { Err(format!("{missing} are not")) })
    })
    .await?;
    make(&bench, &all(|round| &round.running)).await?;

    let (nodes, before) = (held(&bench, "nodes").await?, held(&bench, "pods").await?);
    let mut counts = Vec::new();
    let mut asked = Vec::new();
    for round in &rounds {
        let count = counted(round, &nodes, &before)?;
        // One more than fit, or than the engine says.
        for number in 0..=count.0 {
            let mut pod = round.wanted.clone();
            pod["metadata"]["name"] = json!(format!("round-{}-{number}", round.number));
            pod["metadata"]["labels"] = json!({"round": format!("round-{}", round.number)});
            asked.push(pod);
        }
        counts.push(count);
    }
    make(&bench, &asked).await?;
    let settled = async || {
        let pods = held(&bench, "pods").await?;
        let waiting =
            pods.iter().filter(|pod| pod["spec"]["nodeName"].is_null() && unschedulable(pod).is_none());
        let waiting = waiting.count();
        Ok(if waiting == 0 { Ok(pods) } else { Err(format!("{waiting} pods are not decided about")) })
    };
    let after = eventually("the scheduler has decided about every pod", settled).await?;

    let held = |round: &&(u64, Vec<NodeAnswer>)| {
        round.1.iter().any(|node| node.binding.as_deref() == Some("hostPorts"))
    };
    let by_ports = counts.iter().filter(held).count();
    println!("{by_ports} of {ROUNDS} rounds are bound by ports of servers");
    ensure!(by_ports > 0, "seed {seed}: no round is bound by ports, which shows nothing of them");
    for (round, (fits, said)) in rounds.iter().zip(counts) {
        let own = format!("round-{}", round.number);
        let pods: Vec<_> =
            after.iter().filter(|pod| pod["metadata"]["labels"]["round"] == own.as_str()).collect();
        let mut placed: BTreeMap<&str, u64> = BTreeMap::new();
        for node in pods.iter().filter_map(|pod| pod["spec"]["nodeName"].as_str()) {
            *placed.entry(node).or_default() += 1;
        }
        let expected: BTreeMap<&str, u64> =
            said.iter().filter(|node| node.fits > 0).map(|node| (node.name.as_str(), node.fits)).collect();
        ensure!(placed == expected, "seed {seed}, {own}: placed {placed:?}, counted {expected:?}");
        let refused: Vec<_> = pods.iter().filter_map(|pod| unschedulable(pod)).collect();
        ensure!(refused.len() == 1, "seed {seed}, {own}: {fits} fit and one more was asked for: {refused:?}");
        for binding in said.iter().filter_map(|node| node.binding.as_deref()) {
            ensure!(
                refused[0].contains(&reason(binding)),
                "seed {seed}, {own}: {binding} binds: {}",
                refused[0]
            );
        }
    }
    Ok(())
}
