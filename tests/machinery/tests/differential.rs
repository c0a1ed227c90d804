//! The same random writes by several managers on a simulated and on a real server: the same answers, the same
//! object, the same owners.
//!
//! `PLIMSOLL_SEED=…` repeats a run, `PLIMSOLL_CASES=…` makes it longer.

#![expect(clippy::expect_used, reason = "a test that cannot go on ends")]

use futures::{StreamExt, stream};
use plimsoll_bench::Bench;
use plimsoll_machinery::random::{Kind, Sequence, Step, Verb, definition};
use plimsoll_machinery::{PatchFormat, Server};
use plimsoll_sim_cluster::SimCluster;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Mutex;

/// Sequences of a run.
const CASES: u64 = 2_000;
/// So many are under way at once.
const BESIDE: usize = 16;
/// So many differences are told.
const TOLD: usize = 4;
/// So often a difference is tried to be made smaller.
const SHRINKING: usize = 400;

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn random_writes_of_several_managers_end_alike_on_both_servers() {
    let seed = number("PLIMSOLL_SEED").unwrap_or_else(|| fastrand::u64(..1 << 48));
    let cases = number("PLIMSOLL_CASES").unwrap_or(CASES);
    println!("PLIMSOLL_SEED={seed} PLIMSOLL_CASES={cases}");

    let bench = Bench::shared().expect("the control planes of the run are up");
    let data_center = bench.data_centers().last().expect("a data center");
    let real = std::fs::read_to_string(data_center.kubeconfig()).expect("the kubeconfig can be read");
    let simulated = SimCluster::builder().start().await.expect("a simulated cluster");
    let pair = Pair {
        real: Server::new(&real).await,
        simulated: Server::new(&simulated.kubeconfig()).await,
        tally: Mutex::default(),
    };
    for server in [&pair.real, &pair.simulated] {
        define(server).await;
    }

    let differing = stream::iter(0..cases)
        .map(|case| {
            let pair = &pair;
            async move {
                let sequence = Sequence::new(seed.wrapping_add(case));
                pair.difference(&sequence).await.map(|_| sequence)
            }
        })
        .buffer_unordered(BESIDE)
        .filter_map(std::future::ready);
    let found: Vec<Sequence> = differing.collect().await;
    println!("answers by code: {:?}", pair.tally.lock().expect("a tally"));
    let mut told = String::new();
    for sequence in found.iter().take(TOLD) {
        let smallest = pair.shrink(sequence.clone()).await;
        let difference = pair.difference(&smallest).await.unwrap_or_default();
        let _ = writeln!(told, "{:?}", smallest.kind);
        for Step { verb, manager, body } in &smallest.steps {
            let _ = writeln!(told, "{verb:?} by {manager}: {body}");
        }
        let _ = writeln!(told, "{difference}\n");
    }
    assert!(found.is_empty(), "PLIMSOLL_SEED={seed}: {} sequences end otherwise\n{told}", found.len());
    let things = format!("things.{}", group(&pair.real));
    let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    pair.real.delete(&format!("{definitions}/{things}")).maybe().await;
}

/// Two servers that should not differ.
struct Pair {
    real: Server,
    simulated: Server,
    /// How often the real one answered what: an error by its code, a success by none.
    tally: Mutex<BTreeMap<Option<u64>, usize>>,
}

impl Pair {
    /// What the two say otherwise, if anything.
    async fn difference(&self, sequence: &Sequence) -> Option<String> {
        let name = format!("x{:012x}", fastrand::u64(..1 << 48));
        let (real, simulated) =
            futures::join!(run(&self.real, sequence, &name), run(&self.simulated, sequence, &name));
        for answer in &real {
            *self.tally.lock().expect("a tally").entry(answer["code"].as_u64()).or_default() += 1;
        }
        let at = real.iter().zip(&simulated).position(|(real, simulated)| real != simulated)?;
        let shown = |value: &Value| serde_json::to_string_pretty(value).expect("JSON");
        Some(format!("after step {at}:\n{}", lines(&shown(&real[at]), &shown(&simulated[at]))))
    }

    /// A sequence from which nothing can be left out so that they still differ.
    async fn shrink(&self, mut sequence: Sequence) -> Sequence {
        let mut tries = 0;
        'smaller: loop {
            for less in sequence.smaller() {
                tries += 1;
                if tries > SHRINKING {
                    return sequence;
                }
                if self.difference(&less).await.is_some() {
                    sequence = less;
                    continue 'smaller;
                }
            }
            return sequence;
        }
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

fn group(server: &Server) -> String {
    format!("{}.example.io", server.namespace)
}

async fn define(server: &Server) {
    let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    server.post(definitions, &definition(&group(server))).unseen().await;
    let things = format!("apis/{}/v1/things", group(server));
    server.until("the definition is served", async || server.get(&things).maybe().await.code == 200).await;
}

/// What is answered to each step, and what is there at the end.
async fn run(server: &Server, sequence: &Sequence, name: &str) -> Vec<Value> {
    let group = group(server);
    let (api_version, kind, collection) = match sequence.kind {
        Kind::ConfigMap => ("v1".to_owned(), "ConfigMap", "configmaps".to_owned()),
        Kind::ReplicaSet => ("apps/v1".to_owned(), "ReplicaSet", "apis/apps/v1/replicasets".to_owned()),
        Kind::Thing => (format!("{group}/v1"), "Thing", format!("apis/{group}/v1/things")),
    };
    let path = format!("{collection}/{name}");
    let mut answers = Vec::new();
    for Step { verb, manager, body } in &sequence.steps {
        let mut whole = body.clone();
        whole["apiVersion"] = api_version.clone().into();
        whole["kind"] = kind.into();
        whole["metadata"]["name"] = name.into();
        let call = match verb {
            Verb::Apply => server.apply(manager, &path, &whole),
            Verb::Force => server.apply(manager, &path, &whole).query("force=true"),
            Verb::Merge | Verb::Forget => server.merge(&path, body).query(&format!("fieldManager={manager}")),
            Verb::Strategic => {
                let call = server.patch(PatchFormat::Strategic, &path, body);
                call.query(&format!("fieldManager={manager}"))
            }
            Verb::Replace => server.put(&path, &whole).query(&format!("fieldManager={manager}")),
        };
        let answer = call.maybe().await;
        answers.push(comparable(answer.code, &answer.body, &group));
    }
    let end = server.get(&path).maybe().await;
    answers.push(comparable(end.code, &end.body, &group));
    answers
}

/// An answer without what may differ: identity, times, the order of managers, words.
fn comparable(code: u16, body: &Value, group: &str) -> Value {
    if code >= 300 {
        let text = body.to_string().replace(group, "GROUP");
        let body: Value = serde_json::from_str(&text).expect("JSON");
        let mut causes: Vec<_> =
            body["details"]["causes"].as_array().into_iter().flatten().cloned().collect();
        // Times are in the words of conflicts with updates.
        let known = code == 409;
        causes.iter_mut().filter_map(Value::as_object_mut).filter(|_| !known).for_each(|cause| {
            cause.remove("message");
        });
        let mut causes: Vec<String> = causes.iter().map(|cause| without_times(&cause.to_string())).collect();
        causes.sort();
        return json!({"code": code, "reason": body["reason"], "causes": causes});
    }
    let text = body.to_string().replace(group, "GROUP");
    let mut object: Value = serde_json::from_str(&text).expect("JSON");
    let fields = object.as_object_mut().expect("an object");
    fields.remove("status");
    let metadata = fields["metadata"].as_object_mut().expect("metadata");
    for field in ["uid", "resourceVersion", "creationTimestamp", "namespace"] {
        metadata.remove(field);
    }
    let entries = metadata.get_mut("managedFields").and_then(Value::as_array_mut);
    if let Some(entries) = entries {
        // What the cluster's controllers write comes when it comes.
        entries.retain(|entry| entry["manager"] != "kube-controller-manager");
        entries.iter_mut().filter_map(Value::as_object_mut).for_each(|entry| drop(entry.remove("time")));
        entries.sort_by_cached_key(Value::to_string);
    }
    object
}

fn without_times(text: &str) -> String {
    text.split(" at 20").next().unwrap_or_default().to_owned()
}

/// Both texts in one, the lines that differ marked.
fn lines(real: &str, simulated: &str) -> String {
    let lines = similar::TextDiff::from_lines(real, simulated);
    lines.unified_diff().context_radius(6).header("real", "simulated").to_string()
}
