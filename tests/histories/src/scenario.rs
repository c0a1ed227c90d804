use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

/// Objects, and what happens to them: a file in `scenarios`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scenario {
    /// The name of its file; its namespace too.
    #[serde(skip)]
    pub name: String,
    /// What it shows, in a sentence.
    pub shows: String,
    /// Whether it disturbs the node, so that no other may run there meanwhile, and the node has a history too.
    #[serde(default)]
    pub disturbs_node: bool,
    /// What is applied first, in this order.
    pub given: Vec<Value>,
    /// What happens then, one after another.
    pub then: Vec<Step>,
}

/// One thing that happens, or is waited for.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    /// Something comes to be as is said.
    Await(Expectation),
    /// Nothing is done for this long.
    For(#[serde(deserialize_with = "duration")] Duration),
    /// An object is applied.
    Apply(Value),
    /// An object is deleted: its kind and its name, such as `Pod/x`.
    Delete(String),
    /// Something happens to the node.
    Node(NodeAction),
    /// kubectl is run, and what it says is a part of the history.
    Kubectl(Run),
}

/// A run of kubectl.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Run {
    /// Its arguments.
    pub run: Vec<String>,
    /// What it reads on standard input.
    #[serde(default)]
    pub input: String,
}

/// What is waited for.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expectation {
    /// Kind and name of the object.
    pub of: String,
    /// Where in it, as a JSON pointer; without it the object has to be gone.
    pub at: Option<String>,
    /// The value there.
    #[serde(default)]
    pub is: Value,
}

/// What happens to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NodeAction {
    /// Its kubelet is not heard of any more.
    Lose,
    /// It is heard of again.
    BringBack,
    /// Something gets scarce.
    Press(Pressure),
    /// There is enough of everything again.
    Relieve,
}

/// What can get scarce on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Pressure {
    /// The disk of the kubelet.
    Disk,
    /// Memory.
    Memory,
}

impl Scenario {
    /// All of them, in the order of their names.
    pub fn all() -> Result<Vec<Self>> {
        let folder = folder().join("scenarios");
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
            let path = entry?.path();
            names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
        }
        names.sort();
        names.iter().map(|name| Self::named(name)).collect()
    }

    /// What goes before all of them: the node gets the image that most of them use.
    pub fn before_all() -> Self {
        let image = "registry.test/plimsoll/app:v1";
        let given = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "earlier"},
            "spec": {"containers": [{"name": "app", "image": image}]},
        });
        let at = Some("/status/phase".to_owned());
        let runs = Expectation { of: "Pod/earlier".to_owned(), at, is: "Running".into() };
        Self {
            name: "before-all".to_owned(),
            shows: "The image comes to the node.".to_owned(),
            disturbs_node: false,
            given: vec![given],
            then: vec![Step::Await(runs)],
        }
    }

    /// The one in the file of this name.
    pub fn named(name: &str) -> Result<Self> {
        let path = folder().join("scenarios").join(format!("{name}.yaml"));
        let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let mut scenario: Self =
            serde_saphyr::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
        name.clone_into(&mut scenario.name);
        Ok(scenario)
    }

    /// Whether something gets scarce in it.
    pub fn presses(&self, pressure: Pressure) -> bool {
        self.then.iter().any(|step| matches!(step, Step::Node(NodeAction::Press(held)) if *held == pressure))
    }

    /// Where the history of a real node lies.
    pub fn recording(&self) -> PathBuf {
        folder().join("recorded").join(format!("{}.json", self.name))
    }
}

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    seconds(&text).map_err(serde::de::Error::custom)
}

fn seconds(text: &str) -> Result<Duration> {
    let Some(number) = text.strip_suffix('s') else { bail!("{text} is no number of seconds such as 5s") };
    Ok(Duration::from_secs(number.parse().with_context(|| format!("reading {text}"))?))
}
