//! Every scenario on a simulated node, whose history must be that of the real one.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Result;
use k8s_openapi::api::core::v1::Node;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use plimsoll_histories::{Ground, History, NODE, NodeAction, Pressure, Run, Scenario, play, run_kubectl};
use plimsoll_sim_cluster::{
    self as simulated, Answers, Behavior, Command, Containers, End, Executed, Exit, SimCluster,
};
use serde_json::{Value, json};
use similar::TextDiff;

/// A simulated cluster with the node of the scenarios, and another that takes no pods.
struct Simulated(SimCluster);

impl Simulated {
    async fn new(scenario: &Scenario) -> Self {
        let cluster = SimCluster::builder().name("kl").nodes(2).seed(7).start().await.unwrap();
        let nodes: Api<Node> = Api::all(cluster.client());
        let cordon = Patch::Merge(json!({"spec": {"unschedulable": true}}));
        nodes.patch("kl-n2", &PatchParams::default(), &cordon).await.unwrap();
        let scripts = cluster.scripts();
        scripts.set(Containers::of_image(":missing$").unwrap(), Behavior::missing());
        scripts.set(Containers::of_image("^denied").unwrap(), Behavior::denied());
        scripts.on_command(Containers::all(), busybox);
        for pod in scenario.given.iter().filter(|object| object["kind"] == "Pod") {
            let name = pod["metadata"]["name"].as_str().unwrap();
            for list in ["initContainers", "containers"] {
                for container in pod["spec"][list].as_array().into_iter().flatten() {
                    if let Some(behavior) = acted(container) {
                        let which = Containers::all().in_pod(name).named(container["name"].as_str().unwrap());
                        scripts.set(which, behavior);
                    }
                }
            }
        }
        Self(cluster)
    }
}

impl Ground for Simulated {
    async fn prepare(&self, _: &Scenario) -> Result<()> {
        Ok(())
    }

    fn client(&self) -> Client {
        self.0.client()
    }

    /// Time goes its way while kubectl runs, which is another program.
    async fn kubectl(&self, namespace: &str, run: &Run) -> Result<Value> {
        let folder = tempfile::tempdir()?;
        let kubeconfig = folder.path().join("kubeconfig");
        std::fs::write(&kubeconfig, self.0.kubeconfig())?;
        tokio::time::resume();
        let said = run_kubectl(&kubeconfig, namespace, run).await;
        tokio::time::pause();
        said
    }

    async fn act(&self, action: NodeAction) -> Result<()> {
        let nodes = self.0.nodes();
        match action {
            NodeAction::Lose => nodes.lose(NODE),
            NodeAction::BringBack => nodes.bring_back(NODE),
            NodeAction::Press(Pressure::Disk) => nodes.press(NODE, simulated::Pressure::Disk),
            NodeAction::Press(Pressure::Memory) => nodes.press(NODE, simulated::Pressure::Memory),
            NodeAction::Relieve => nodes.relieve(NODE),
        }
        Ok(())
    }
}

/// What is asked of busybox in the recordings, and what it does.
fn busybox(command: &Command) -> Option<Executed> {
    let arguments: Vec<&str> = command.arguments.iter().map(String::as_str).collect();
    if let ["/etc" | "/etc/hostname"] = *arguments {
        return Some(Executed::refused("permission denied"));
    }
    let done = match *arguments.strip_prefix(&["/bin/busybox"])? {
        ["cat"] => Executed::printing(command.input.clone()),
        ["wc", "-l"] => {
            let lines = String::from_utf8_lossy(&command.input).lines().count();
            Executed::printing(format!("{lines}\n"))
        }
        ["sh", "-c", "exit 3"] => Executed::failing(3, ""),
        ["sh", "-c", "echo out; echo err >&2; exit 2"] => {
            Executed { stdout: b"out\n".into(), ..Executed::failing(2, "err\n") }
        }
        ["sh", "-c", "nothing"] => Executed::failing(127, "sh: nothing: not found\n"),
        ["sh", "-c", "/etc/hostname"] => Executed::failing(126, "sh: /etc/hostname: Permission denied\n"),
        ["sh", "-c", "kill -9 $$"] => Executed::failing(137, ""),
        ["nothing"] => Executed::failing(127, "nothing: applet not found\n"),
        _ => return None,
    };
    Some(done)
}

/// What the program of the recordings does, which its environment tells it.
fn acted(container: &Value) -> Option<Behavior> {
    if container.get("command").is_some() {
        return Some(Behavior::bad_command());
    }
    let entries = container["env"].as_array()?;
    let told: BTreeMap<&str, &str> = entries
        .iter()
        .filter_map(|entry| Some((entry["name"].as_str()?, entry["value"].as_str()?)))
        .collect();
    let span = |text: &str| Duration::from_secs(text.strip_suffix('s').unwrap().parse().unwrap());
    let mut behavior = Behavior { ready: Answers::after(Duration::ZERO), ..Behavior::default() };
    for (name, value) in &told {
        match *name {
            "EXIT_AFTER" => {
                let code = told.get("EXIT_CODE").map_or(0, |code| code.parse().unwrap());
                behavior.exit = Some(Exit { after: span(value), end: End::Code(code) });
            }
            "ALLOCATE_AFTER" => behavior.exit = Some(Exit { after: span(value), end: End::OutOfMemory }),
            "LISTENS_AFTER" => {
                behavior.alive = Answers::after(span(value));
                behavior.ready = behavior.alive;
            }
            "HANGS_AFTER" => {
                behavior.alive = Answers::until(span(value));
                behavior.ready = behavior.alive;
            }
            "READY" if *value == "never" => behavior.ready = Answers::never(),
            "READY" => {
                let spans: Vec<Duration> = value.split(' ').map(span).collect();
                behavior.ready = Answers {
                    from: spans[0],
                    until: Some(spans[0] + spans[1]),
                    pause: Some(spans[2].saturating_sub(spans[0])),
                };
            }
            "FILL_AFTER" => behavior.fills = Some(span(value)),
            "LEAVES_AFTER" => behavior.leave.after = span(value),
            "LEAVES_WITH" => behavior.leave.code = value.parse().unwrap(),
            "SAYS" => behavior.says = Some(vec![(*value).to_owned()]),
            "STAYS" => behavior.leave = Behavior::deaf().leave,
            "EXIT_CODE" | "FILL_FILE" | "FILL_MIB" => {}
            other => panic!("{other} is not played"),
        }
    }
    Some(behavior)
}

/// A history as lines, for people.
fn told(history: &History) -> String {
    let mut text = String::new();
    for (what, events) in &history.events {
        writeln!(text, "{what} tells").unwrap();
        for event in events {
            writeln!(text, "  {event}").unwrap();
        }
    }
    for said in &history.said {
        writeln!(text, "kubectl says {said}").unwrap();
    }
    for (what, histories) in &history.states {
        for (number, state) in histories.iter().flat_map(|states| states.iter().enumerate()) {
            writeln!(text, "{what} is, {}.", number + 1).unwrap();
            write_fields(&mut text, 2, state);
        }
    }
    text
}

/// A field in each line, down to the items of lists.
fn write_fields(text: &mut String, depth: usize, value: &Value) {
    let Value::Object(fields) = value else {
        writeln!(text, "  {value}").unwrap();
        return;
    };
    for (name, value) in fields {
        match value {
            Value::Object(_) if depth > 0 => write_fields(text, depth - 1, value),
            Value::Array(items) => {
                for item in items {
                    writeln!(text, "  {name}: {item}").unwrap();
                }
            }
            value => writeln!(text, "  {name}: {value}").unwrap(),
        }
    }
}

async fn is_as_on_a_real_node(name: &str) {
    let scenario = Scenario::named(name).unwrap();
    let text = std::fs::read_to_string(scenario.recording()).unwrap();
    let recorded: History = serde_json::from_str(&text).unwrap();
    let ground = Simulated::new(&scenario).await;
    play(&Scenario::before_all(), &ground).await.unwrap();
    let found = play(&scenario, &ground).await.unwrap();
    if found != recorded {
        let (recorded, found) = (told(&recorded), told(&found));
        let diff = TextDiff::from_lines(&recorded, &found);
        let diff = diff.unified_diff().context_radius(4).header("on a real node", "simulated").to_string();
        panic!("{}\n{diff}", scenario.shows);
    }
}

macro_rules! scenarios {
    ($($function:ident: $name:literal),+ $(,)?) => {
        $(
            #[tokio::test(start_paused = true)]
            async fn $function() {
                is_as_on_a_real_node($name).await;
            }
        )+

        #[test]
        fn every_scenario_is_played() {
            let names: Vec<String> =
                Scenario::all().unwrap().into_iter().map(|scenario| scenario.name).collect();
            assert_eq!(names, [$($name),+]);
        }
    };
}

scenarios! {
    a_command_that_is_not_there: "command-missing",
    commands: "commands",
    an_environment_that_is_not_there: "config-missing",
    a_crash_after_seconds: "crash-after-seconds",
    a_crash_at_once: "crash-at-once",
    a_pressed_disk: "disk-pressed",
    a_volume_that_grew_too_large: "evicted-for-its-volume",
    an_end_for_good: "exit-for-good",
    an_end_without_fault: "exit-zero",
    a_good_start: "good-start",
    a_graceful_end: "graceful-end",
    an_image_that_is_denied: "image-denied",
    an_image_that_is_not_there: "image-missing",
    an_image_that_is_none: "image-misspelt",
    an_image_that_is_never_pulled: "image-never-pulled",
    an_image_that_is_pulled: "image-pulled",
    init_steps: "init-steps",
    a_hanging_program: "liveness-lost",
    logs: "logs",
    a_node_without_memory: "memory-pressed",
    a_program_that_is_never_ready: "never-ready",
    a_lost_node: "node-lost",
    a_program_without_memory: "out-of-memory",
    a_program_that_is_ready_on_and_off: "ready-on-and-off",
    a_rollout: "rollout",
    a_slow_start: "slow-start",
    a_volume_that_is_not_there: "volume-missing",
}

#[test]
fn recordings_are_as_they_were_written() {
    for scenario in Scenario::all().unwrap() {
        let text = std::fs::read_to_string(scenario.recording()).unwrap();
        let recorded: History = serde_json::from_str(&text).unwrap();
        assert_eq!(recorded.text(), text, "{}", scenario.name);
    }
}
