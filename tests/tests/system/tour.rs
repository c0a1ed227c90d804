//! The tour by curl and grpcurl in `docs/api.md`, taken as a newcomer takes it: what it shows is what the server answers.

use anyhow::{Context, Result, ensure};
use plimsoll_tests::{Dev, Said};
use std::path::Path;
use tokio::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn the_tour_by_curl_shows_what_rest_answers() -> Result<()> {
    let curl = Command::new("curl").arg("--version").output().await;
    ensure!(curl.is_ok(), "curl is not there, which the tour is about: apt-get install curl");
    take("```\n$ export TOKEN=$(cat data/token) V1=", 18).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tour_by_grpcurl_shows_what_grpc_answers() -> Result<()> {
    take("```\n$ export TOKEN=$(cat data/token) SHOP=", 18).await
}

/// Takes the tour that begins so, and has so many steps at least.
async fn take(begin: &str, steps: usize) -> Result<()> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/api.md");
    let docs = std::fs::read_to_string(docs)?;
    let (_, tour) = docs.split_once(begin).context("docs/api.md has lost the tour")?;
    let (_, begin) = begin.split_once('\n').context("a block")?;
    let tour = format!("{begin}{}", tour.split("```").next().unwrap_or_default());
    let home = tempfile::tempdir()?;
    let dev = Dev::start(home.path()).await?;
    let address = dev.url().trim_start_matches("http://");
    let (mut prelude, mut taken, mut ids) = (String::new(), 0, Ids::default());
    for step in tour.split("\n$ ") {
        let (command, shown) = step.split_once('\n').unwrap_or((step, ""));
        let command = command.trim_start_matches("$ ").replace("127.0.0.1:7400", address);
        // Each command has a shell of its own, to which these are said again.
        if command.starts_with("export ") || command.contains("() {") {
            prelude.extend([command.as_str(), "\n"]);
            continue;
        }
        let command = ids.known(&command);
        let said = Said::by(&mut shell(home.path(), &format!("{prelude}{command}"))?).await?;
        let said = words(&format!("{}{}", said.stdout, said.stderr));
        ids.meet(&words(shown), &said)
            .with_context(|| format!("$ {command}\n{said}\nis shown as\n{shown}"))?;
        taken += 1;
    }
    ensure!(taken >= steps, "docs/api.md has lost steps of the tour: {taken}");
    dev.stop().await
}

/// As a shell runs it that has grpcurl in its path.
fn shell(home: &Path, script: &str) -> Result<Command> {
    let grpcurl = plimsoll_bench::Binaries::find()?.grpcurl();
    let folder = grpcurl.parent().context("the folder of grpcurl")?;
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = Command::new("bash");
    shell.args(["-c", script]).env_clear().env("PATH", path).env("HOME", home).current_dir(home);
    Ok(shell)
}

/// One blank where there are any, for answers are shown on one line.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

const ID: usize = 36;

/// The ids that are shown, and those that were made instead.
#[derive(Default)]
struct Ids(Vec<(String, String)>);

impl Ids {
    /// The text with the ids that were made instead of those that are shown.
    fn known(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (shown, made)| text.replace(shown, made))
    }

    /// Holds what is said against what is shown, in which `…` stands for anything; learns the ids.
    fn meet(&mut self, shown: &str, said: &str) -> Result<()> {
        let mut rest = said;
        let parts: Vec<&str> = shown.split('…').map(str::trim).collect();
        for (n, part) in parts.iter().enumerate() {
            let is_end = n > 0 && n + 1 == parts.len();
            for (m, piece) in pieces(part).into_iter().enumerate() {
                let piece = self.known(piece);
                let at = match (n, m) {
                    // Behind `…` anything may stand before it.
                    (1.., 0) if is_end => rest.rfind(&piece),
                    (1.., 0) => rest.find(&piece),
                    _ if is_id(&piece) && !self.0.iter().any(|(_, made)| *made == piece) => {
                        let made = rest.get(..ID).filter(|made| is_id(made)).context("there is no id")?;
                        self.0.push((piece, made.to_owned()));
                        rest = &rest[ID..];
                        continue;
                    }
                    _ => rest.trim_start().starts_with(&piece).then(|| rest.len() - rest.trim_start().len()),
                };
                let at = at.with_context(|| format!("{piece} is not in {rest}"))?;
                rest = &rest[at + piece.len()..];
            }
        }
        let is_open = parts.last().is_some_and(|part| part.is_empty()) && parts.len() > 1;
        ensure!(is_open || rest.trim().is_empty(), "{rest} is not shown");
        Ok(())
    }
}

/// Splits a text at its ids.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut begin, mut at) = (0, 0);
    while at < text.len() {
        match text.get(at..at + ID).filter(|id| is_id(id)) {
            Some(id) => {
                pieces.extend([&text[begin..at], id]);
                at += ID;
                begin = at;
            }
            None => at += 1,
        }
    }
    pieces.push(&text[begin..]);
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

fn is_id(text: &str) -> bool {
    text.len() == ID
        && text.matches('-').count() == 4
        && text.parse::<plimsoll_core::name::OperationId>().is_ok()
}
