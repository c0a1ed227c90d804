//! Random requests, leaning towards what is written in practice and towards the edges.

use fastrand::Rng;
use serde_json::{Map, Value, json};

/// What must come up now and then, or a run would show nothing.
pub(crate) const OUTCOMES: &[&str] = &[
    "quantity answered",
    "quantity refused",
    "arithmetic answered",
    "qosClass Guaranteed",
    "qosClass Burstable",
    "qosClass BestEffort",
    "podRequests answered",
    "quotaUsage answered",
    "defaulted answered",
    "resize true",
    "resize false",
];

pub(crate) fn request(random: &mut Rng) -> Value {
    match random.u32(0..100) {
        0..35 => json!({"op": "quantity", "value": text(random)}),
        35..60 => {
            let (left, right) = (quantity(random), quantity(random));
            json!({"op": "arithmetic", "left": left, "right": right, "scale": random.i32(-12..22)})
        }
        60..72 => json!({"op": "qosClass", "pod": pod(random), "server": server(random)}),
        72..80 => json!({"op": "podRequests", "pod": pod(random), "server": server(random)}),
        80..85 => {
            let pod = pod(random);
            json!({"op": "podRequests", "status": status(random, &pod), "pod": pod})
        }
        85..88 => json!({"op": "quotaUsage", "pod": pod(random), "server": server(random)}),
        88..94 => json!({"op": "defaulted", "pod": pod(random), "server": server(random)}),
        _ => resize(random),
    }
}

fn server(random: &mut Rng) -> &'static str {
    pick(random, &["1.37", "1.37", "1.36", "1.35", "1.34", "1.33"])
}

/// Any text but one with an exponent that we refuse and upstream works on for minutes.
fn text(random: &mut Rng) -> String {
    loop {
        let text = any_text(random);
        let (_, exponent) = text.split_once(['e', 'E']).unwrap_or_default();
        let digits: String =
            exponent.chars().skip_while(|c| "+-".contains(*c)).take_while(char::is_ascii_digit).collect();
        if digits.is_empty() || digits.parse::<u16>().is_ok_and(|exponent| exponent <= 512) {
            return text;
        }
    }
}

/// Any text: a quantity, one with a slip, or letters and digits in any order.
fn any_text(random: &mut Rng) -> String {
    match random.u32(0..10) {
        0 => (0..random.usize(0..8)).map(|_| pick(random, &LETTERS)).collect(),
        1 => {
            let mut text: Vec<char> = quantity(random).chars().collect();
            let at = random.usize(0..=text.len());
            if random.bool() && at < text.len() {
                text.remove(at);
            } else {
                text.insert(at, pick(random, &LETTERS));
            }
            text.into_iter().collect()
        }
        _ => quantity(random),
    }
}

const LETTERS: [char; 28] = [
    '0', '1', '5', '9', '+', '-', '.', 'e', 'E', 'n', 'u', 'm', 'k', 'K', 'M', 'G', 'T', 'P', 'i', 'a', ' ',
    '_', 'x', 'µ', '\t', '٣', 'I', ',',
];

const SUFFIXES: [&str; 16] =
    ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// A quantity by the grammar, of any length and notation.
fn quantity(random: &mut Rng) -> String {
    if random.u32(0..4) == 0 {
        return amount(random).to_owned();
    }
    let sign = pick(random, &["", "", "", "-", "+"]);
    let digits = |random: &mut Rng, longest: usize| -> String {
        let digit = |random: &mut Rng| pick(random, &['0', '0', '0', '1', '2', '4', '5', '8', '9']);
        (0..random.usize(0..=longest)).map(|_| digit(random)).collect()
    };
    let longest = pick(random, &[1, 3, 6, 19, 40]);
    let whole = digits(random, longest);
    let fraction = match random.u32(0..3) {
        0 => format!(".{}", digits(random, longest)),
        _ => String::new(),
    };
    let suffix = match random.u32(0..5) {
        0 => format!("{}{}", pick(random, &["e", "E", "e+", "e-", "E-"]), random.u32(0..30)),
        _ => pick(random, &SUFFIXES).to_owned(),
    };
    format!("{sign}{whole}{fraction}{suffix}")
}

/// What people write, and what is next to it.
fn amount(random: &mut Rng) -> &'static str {
    const AMOUNTS: [&str; 40] = [
        "0",
        "0m",
        "1m",
        "10m",
        "67m",
        "100m",
        "250m",
        "333m",
        "500m",
        "0.5",
        "1",
        "1000m",
        "1.5",
        "2",
        "4",
        "100.5m",
        "1e3",
        "2k",
        "1Ki",
        "1023",
        "1024",
        "64Mi",
        "100Mi",
        "128Mi",
        "0.1Gi",
        "683Mi",
        "1Gi",
        "1024Mi",
        "1.5Gi",
        "4Gi",
        "1G",
        "1000M",
        "1000000Ki",
        "128974848",
        "64Ti",
        "7Ei",
        "8Ei",
        "9223372036854775807",
        "1n",
        "999999n",
    ];
    pick(random, &AMOUNTS)
}

fn pod(random: &mut Rng) -> Value {
    let mut pod = json!({"containers": containers(random, 1..4, requirements)});
    if random.u32(0..3) == 0 {
        pod["initContainers"] = init_containers(random, requirements);
    }
    if random.u32(0..4) == 0 {
        pod["overhead"] = list(random, &NAMES);
    }
    match random.u32(0..6) {
        0 => pod["resources"] = requirements(random, &WHOLE),
        1 => pod["resources"] = requirements(random, &["cpu", "memory"]),
        2 => {
            let nothing =
                [json!({}), json!({"requests": {}}), json!({"limits": {}, "requests": {}}), Value::Null];
            pod["resources"] = pick(random, &nothing);
        }
        _ => {}
    }
    pod
}

const NAMES: [&str; 6] = ["cpu", "memory", "cpu", "memory", "ephemeral-storage", "nvidia.com/gpu"];
const ALL_NAMES: [&str; 8] = [
    "cpu",
    "memory",
    "cpu",
    "memory",
    "ephemeral-storage",
    "hugepages-2Mi",
    "nvidia.com/gpu",
    "kubernetes.io/x",
];
const WHOLE: [&str; 6] = ["cpu", "memory", "cpu", "memory", "hugepages-2Mi", "hugepages-1Gi"];

type Requirements = fn(&mut Rng, &[&'static str]) -> Value;

fn containers(random: &mut Rng, how_many: std::ops::Range<usize>, requirements: Requirements) -> Value {
    // Alike, often: a pod is Guaranteed only where all its containers are.
    let alike = random.bool().then(|| requirements(random, &ALL_NAMES));
    let count = random.usize(how_many);
    let container = |n: usize, random: &mut Rng| {
        let resources = alike.clone().unwrap_or_else(|| requirements(random, &ALL_NAMES));
        json!({"name": format!("c{n}"), "resources": resources})
    };
    (0..count).map(|n| container(n, random)).collect()
}

fn init_containers(random: &mut Rng, requirements: Requirements) -> Value {
    let Value::Array(mut list) = containers(random, 1..4, requirements) else { return Value::Null };
    for (n, container) in list.iter_mut().enumerate() {
        container["name"] = json!(format!("i{n}"));
        if random.bool() {
            container["restartPolicy"] = json!("Always");
        }
    }
    Value::Array(list)
}

/// Requests and limits: none, one side, both the same, or each its own.
fn requirements(random: &mut Rng, names: &[&'static str]) -> Value {
    match random.u32(0..9) {
        0 => json!({}),
        1 => json!({"requests": list(random, names)}),
        2 | 3 => json!({"limits": list(random, names)}),
        4 | 5 => {
            let both = json!({"cpu": amount(random), "memory": amount(random)});
            json!({"requests": both, "limits": both})
        }
        6 => {
            let both = list(random, names);
            json!({"requests": both, "limits": both})
        }
        _ => json!({"requests": list(random, names), "limits": list(random, names)}),
    }
}

fn list(random: &mut Rng, names: &[&'static str]) -> Value {
    let mut list = Map::new();
    for _ in 0..random.usize(0..4) {
        list.insert(pick(random, names).to_owned(), amount(random).into());
    }
    Value::Object(list)
}

/// What a node says about some of the pod's containers.
fn status(random: &mut Rng, pod: &Value) -> Value {
    let mut status = json!({});
    for (from, to) in [("containers", "containerStatuses"), ("initContainers", "initContainerStatuses")] {
        let mut said = Vec::new();
        for container in pod[from].as_array().into_iter().flatten() {
            if random.u32(0..4) == 0 {
                continue;
            }
            let mut one = json!({"name": container["name"]});
            if random.bool() {
                one["allocatedResources"] = some(random);
            }
            if random.bool() {
                one["resources"] = json!({"requests": some(random)});
            }
            said.push(one);
        }
        status[to] = said.into();
    }
    if random.bool() {
        let reason = pick(random, &["Infeasible", "Deferred"]);
        status["conditions"] = json!([{"type": "PodResizePending", "status": "True", "reason": reason}]);
    }
    if random.u32(0..3) == 0 {
        status["resources"] = json!({"requests": some(random)});
        if random.bool() {
            status["allocatedResources"] = some(random);
        }
    }
    status
}

/// At least one amount: an empty map and none are told apart by Go, and by no API.
fn some(random: &mut Rng) -> Value {
    json!({pick(random, &["cpu", "memory"]): amount(random)})
}

/// A pod that an API server may have stored, and the same with a few changes.
fn resize(random: &mut Rng) -> Value {
    let mut pod = json!({"containers": containers(random, 1..3, modest)});
    if random.u32(0..3) == 0 {
        pod["initContainers"] = init_containers(random, modest);
    }
    if random.u32(0..4) == 0 {
        pod["resources"] =
            json!({"requests": {"cpu": "8", "memory": "16Gi"}, "limits": {"cpu": "8", "memory": "16Gi"}});
    }
    if random.bool() {
        let policy = pick(random, &["NotRequired", "RestartContainer"]);
        for list in ["containers", "initContainers"] {
            let all = pod.get_mut(list).and_then(Value::as_array_mut);
            for container in
                all.into_iter().flatten().filter(|c| list == "containers" || c["restartPolicy"] == "Always")
            {
                container["resizePolicy"] = json!([{"resourceName": "cpu", "restartPolicy": policy}]);
            }
        }
    }
    let mut to = pod.clone();
    for _ in 0..random.usize(0..3) {
        change(random, &mut to);
    }
    json!({"op": "resize", "pod": pod, "to": to, "server": server(random)})
}

/// Requests of at most the limits, of CPU and memory, now and then of disk.
fn modest(random: &mut Rng, _: &[&'static str]) -> Value {
    let (cpu, memory) = (pick(random, &["100m", "500m", "1"]), pick(random, &["64Mi", "100Mi", "1Gi"]));
    let request = json!({"cpu": cpu, "memory": memory});
    match random.u32(0..6) {
        0 => json!({"requests": request}),
        1 => json!({"limits": request}),
        2 => {
            json!({"requests": request, "limits": {"cpu": "2", "memory": "2Gi", "ephemeral-storage": "1Gi"}})
        }
        3 => json!({"requests": request, "limits": {"cpu": "2"}}),
        4 => json!({}),
        _ => json!({"requests": request, "limits": request}),
    }
}

fn change(random: &mut Rng, pod: &mut Value) {
    let list = pick(random, &["containers", "containers", "initContainers"]);
    let side = pick(random, &["requests", "limits"]);
    let name = pick(random, &["cpu", "memory", "cpu", "memory", "ephemeral-storage"]);
    let amount = match name {
        "cpu" => pick(random, &["200m", "500m", "1", "2", "3"]),
        _ => pick(random, &["128Mi", "100Mi", "1Gi", "2Gi"]),
    };
    let Some(containers) = pod.get_mut(list).and_then(Value::as_array_mut) else { return };
    if containers.is_empty() {
        return;
    }
    match random.u32(0..20) {
        0 => {
            containers.pop();
        }
        1 => containers.reverse(),
        2 => pod["resources"]["requests"]["cpu"] = json!("9"),
        3 => pod["resources"]["limits"]["memory"] = json!("32Gi"),
        4 => pod["overhead"] = json!({"cpu": "10m"}),
        5 | 6 => {
            let at = random.usize(0..containers.len());
            if let Some(list) = containers[at]["resources"].get_mut(side).and_then(Value::as_object_mut) {
                list.remove(name);
            }
        }
        7..11 => {
            let at = random.usize(0..containers.len());
            for side in ["requests", "limits"] {
                containers[at]["resources"][side][name] = json!(amount);
            }
        }
        _ => {
            let at = random.usize(0..containers.len());
            containers[at]["resources"][side][name] = json!(amount);
        }
    }
}

fn pick<T: Clone>(random: &mut Rng, from: &[T]) -> T {
    from[random.usize(0..from.len())].clone()
}
