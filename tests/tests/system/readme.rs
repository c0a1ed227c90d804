//! The tour of the README, taken as a newcomer takes it: what it shows is what the program says.

use anyhow::{Result, ensure};
use plimsoll_tests::{Dev, Program, Said};
use std::path::Path;

#[tokio::test(flavor = "multi_thread")]
async fn the_readme_shows_what_the_program_says() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let steps = steps(&std::fs::read_to_string(root.join("README.md"))?);
    ensure!(steps.len() >= 8, "the README has lost its tour: {steps:?}");
    let home = tempfile::tempdir()?;
    std::os::unix::fs::symlink(root.canonicalize()?.join("examples"), home.path().join("examples"))?;
    let dev = Dev::start(home.path()).await?;

    for Step { command, shown } in steps {
        let said = Said::by(&mut Program::shell(home.path(), &command)?).await?;
        assert_eq!(shape(&format!("{}{}", said.stderr, said.stdout)), shape(&shown), "$ {command}\n{said:?}");
    }
    dev.stop().await
}

/// A command of the tour and what it is shown to say.
#[derive(Debug)]
struct Step {
    command: String,
    shown: String,
}

/// The commands that need nothing but the program. What comes of a hand edit depends on the moment, and is left to
/// the tests of that.
fn steps(readme: &str) -> Vec<Step> {
    let tour = readme.split("## ").find(|section| section.starts_with("Five minutes")).unwrap_or_default();
    let blocks = tour.split("```").skip(1).step_by(2).filter(|block| !block.contains("$ kubectl"));
    let mut steps: Vec<Step> = Vec::new();
    for line in blocks.flat_map(|block| block.trim().lines()) {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => {
                steps.push(Step { command: command.to_owned(), shown: String::new() });
            }
            (None, Some(step)) => step.shown.extend([line, "\n"]),
            // What `dev` says comes before the first command.
            (None, None) => {}
        }
    }
    steps.retain(|step| ["plimsoll ", "sed "].iter().any(|program| step.command.starts_with(program)));
    steps
}

/// What is said, without what differs from run to run and without the progress: numbers, times, widths.
fn shape(text: &str) -> Vec<String> {
    let is_progress = |line: &&str| {
        let is_counted =
            line.contains(" updated, ") || line.ends_with(" leaving") || line.ends_with(" no pods");
        line.starts_with("dc-") && (is_counted || line.split_whitespace().count() == 2)
    };
    text.lines()
        .filter(|line| !is_progress(line))
        .map(|line| line.split_whitespace().map(word).collect::<Vec<_>>().join(" "))
        .filter(|line| !line.is_empty())
        .collect()
}

fn word(word: &str) -> String {
    // The README cuts digests short.
    if let Some((image, _)) = word.split_once("@sha256:") {
        return image.to_owned();
    }
    let bare = word.trim_matches(|c: char| matches!(c, '"' | ',' | '(' | ')'));
    let is_age = bare.strip_suffix(['s', 'm', 'h']).is_some_and(|number| number.parse::<u32>().is_ok());
    if bare.parse::<jiff::Timestamp>().is_ok() {
        "TIME".to_owned()
    } else if is_age || (bare.contains('.') && bare.parse::<f64>().is_ok()) {
        "DURATION".to_owned()
    } else if word.starts_with('"') && bare.parse::<u64>().is_ok() {
        "ETAG".to_owned()
    } else {
        word.to_owned()
    }
}
