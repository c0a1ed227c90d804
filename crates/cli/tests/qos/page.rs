//! docs/oversell.md: its commands run, and its tables are what they say.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{fleet, list, node, pod};
use crate::fixture::{Fixture, SHOP};

const PAGE: &str = include_str!("../../../../docs/oversell.md");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The commands of the page that begin so, in their order: those of its blocks, and those within a line.
fn commands(program: &str) -> Vec<String> {
    let mut commands = Vec::new();
    for (number, part) in PAGE.split("```").enumerate() {
        let is_block = number % 2 == 1;
        if is_block {
            let lines = part.strip_prefix("sh\n").unwrap_or_default().lines();
            commands
                .extend(lines.filter_map(|line| line.split(" # ").next()).map(str::trim).map(str::to_owned));
        } else {
            commands.extend(part.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    commands.retain(|command| command.starts_with(program));
    commands
}

/// The rows of the table whose head begins so, cell by cell.
fn table(head: &str) -> Vec<Vec<String>> {
    let (_, table) = PAGE.split_once(&format!("\n| {head} |")).unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// As a shell has them, with what the page leaves open.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (number, part) in command.split('"').enumerate() {
        if number % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    for word in &mut words {
        match word.as_str() {
            "APP" => "shop".clone_into(word),
            "NODE" => "dc-1-n1".clone_into(word),
            _ => {}
        }
    }
    words
}

/// The files that the page speaks of, as the programs make them that it names.
fn with_files() -> Fixture {
    let fixture = Fixture::bare();
    std::os::unix::fs::symlink(root().join("examples").canonicalize().unwrap(), fixture.path("examples"))
        .unwrap();
    let [first, second] = fleet();
    let used = json!({"apiVersion": "v1", "kind": "List", "items": [{"kind": "PodMetrics",
        "metadata": {"name": "dc-1-shop-0", "namespace": "demo"},
        "containers": [{"name": "app", "usage": {"cpu": "1", "memory": "9Gi"}}]}]});
    let series = |value: &str| json!({"end": 86_400, "interval": 300, "values": vec![value; 289]});
    let usage = json!({"now": 86_400, "apps": [{"namespace": "demo", "name": "shop", "grade": "general-2", "replicas": 1,
        "size": {"cpu": "2", "memory": "4Gi"}, "pods": [{"cpu": series("20m"), "memory": series("1Gi")}]}]});
    let deployment = json!({"kind": "Deployment", "metadata": {"name": "bare", "namespace": "demo"},
        "spec": {"template": {"spec": {"containers": [{"name": "main"}]}}}});
    for (name, value) in [
        ("dc-1.json", &first),
        ("dc-2.json", &second),
        ("pods.json", &list(&[pod("dc-1-shop-0", "dc-1-n1", 600), pod("dc-1-shop-1", "dc-1-n1", 800)])),
        ("used.json", &used),
        ("usage.json", &usage),
        ("namespace.yaml", &deployment),
    ] {
        fixture.file(name, &value.to_string());
    }
    let mut own = node("dc-1-n1");
    own["status"]["capacity"] = own["status"]["allocatable"].clone();
    fixture.file("node.json", &own.to_string());
    fixture.file("shop.yaml", SHOP);
    fixture.file("grades.yaml", &super::documented_grades());
    fixture
}

#[test]
fn every_command_of_the_page_does_what_it_is_shown_for() {
    let fixture = with_files();
    let commands = commands("plimsoll ");
    assert!(commands.len() >= 16, "the page has lost commands: {commands:#?}");
    // An app is shown once there is one.
    let (last, mut commands): (Vec<String>, Vec<String>) =
        commands.into_iter().partition(|command| command.starts_with("plimsoll get "));
    commands.extend(last);
    let mut ends = BTreeMap::new();
    for command in commands {
        if command.starts_with("plimsoll get ") {
            let kubeconfig = fixture.file("one.yaml", "uid-of-dc-1");
            fixture.ok(&["dc", "add", "dc-1", "--kubeconfig", &kubeconfig]);
            fixture.ok(&["namespace", "create", "demo"]);
            fixture.file("gold.yaml", &SHOP.replace("general-2", "gold"));
            fixture.ok(&["apply", "-f", "gold.yaml"]);
        }
        let (asked, into) = command.split_once(" > ").unwrap_or((&command, ""));
        let words = words(asked);
        let mut arguments: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
        // Named by itself, where its arguments do not matter.
        if arguments == ["qos", "node-view"] {
            arguments.extend(["-f", "shop.yaml", "--memory", "1Ti"]);
        }
        if arguments.first() == Some(&"get") {
            arguments.extend(["-n", "demo"]);
        }
        let said = fixture.run(&arguments);
        assert!(matches!(said.exit, Some(0 | 3)), "$ {command}\n{said:?}");
        assert!(!said.stdout.is_empty() || !said.stderr.is_empty(), "$ {command}");
        if !into.is_empty() {
            fixture.file(into, &said.stdout);
        }
        ends.insert(command, said.exit.unwrap());
    }
    let three: Vec<&str> =
        ends.iter().filter(|(_, exit)| **exit == 3).map(|(command, _)| command.as_str()).collect();
    assert_eq!(
        three,
        [
            "plimsoll qos lint -f namespace.yaml",
            "plimsoll qos what-if --cluster dc-1=dc-1.json --cluster dc-2=dc-2.json --lose dc-1",
        ],
        "found something, and what does not come back"
    );
}

#[test]
fn every_test_that_the_page_names_is_there() {
    let commands: Vec<String> = ["cargo test ", "cargo xtask test "].into_iter().flat_map(commands).collect();
    assert!(commands.len() >= 6, "{commands:?}");
    for command in commands {
        let words = words(&command);
        let after = |flag: &str| words.iter().skip_while(|word| *word != flag).nth(1);
        let package = after("-p").unwrap().strip_prefix("plimsoll-").unwrap();
        let folder =
            if package == "tests" { root().join("tests") } else { root().join("crates").join(package) };
        assert!(folder.is_dir(), "{command}");
        if let Some(test) = after("--test") {
            let files =
                [folder.join(format!("tests/{test}.rs")), folder.join(format!("tests/{test}/main.rs"))];
            assert!(files.iter().any(|file| file.is_file()), "{command}");
        }
    }
}

#[test]
fn the_grades_of_the_page_are_those_of_the_engine() {
    let fixture = Fixture::bare();
    let printed: Value = serde_json::from_str(&fixture.ok(&["qos", "policy", "-o", "json"])).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let grades = printed["grades"].as_array().unwrap().iter();
    let rows: Vec<Vec<String>> = grades
        .map(|grade| {
            let request = |field: &str| match text(&grade[field]).split_once('/') {
                Some((sold, of)) => format!("ceil(limit × {of}/{sold})"),
                None if grade[field] == "1" => "limit".to_owned(),
                None => format!("ceil(limit / {})", text(&grade[field])),
            };
            let mut priority = grade["priority"].to_string();
            for at in [3, 6] {
                priority.insert(priority.len() - at - at / 6, ',');
            }
            let name = format!("`{}`", text(&grade["name"]));
            vec![name, text(&grade["qosClass"]), request("cpu"), request("memory"), priority]
        })
        .collect();
    assert_eq!(table("Grade | QoS class"), rows);
}

#[test]
fn what_the_page_says_that_oversell_earns_is_what_fits() {
    let fixture = with_files();
    let command = commands("plimsoll qos fit").remove(0);
    let ask = |grade: &str| -> Value {
        let words = words(&command.replace("general-10", grade));
        let arguments: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
        serde_json::from_str(&fixture.ok(&arguments)).unwrap()
    };
    let mut rows = 0;
    for row in table("Grade | Fit") {
        for grade in row[0].split(", ").map(|name| name.trim_matches('`')) {
            let answer = ask(grade);
            let by = |dimension: &str| answer["byDimension"][dimension].to_string();
            let binding = match answer["binding"].as_str().unwrap() {
                "cpu" => "CPU",
                "pods" => "pod slots",
                other => other,
            };
            let found = [answer["fits"].to_string(), binding.to_owned(), by("cpu"), by("memory"), by("pods")];
            assert_eq!(row[1..], found, "{grade}");
            rows += 1;
        }
    }
    assert_eq!(rows, 5);
    let useful = ask("general-10")["usefulRatio"]["decimal"].as_str().unwrap().to_owned();
    assert!(PAGE.contains(&format!("beyond {useful} times (k\\*) not one pod more fits")), "{useful}");
}
