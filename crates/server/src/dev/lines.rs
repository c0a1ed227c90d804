//! One live line per data center.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;

use super::say;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use plimsoll_core::cluster::Replicas;
use plimsoll_core::fold::OperationState;
use plimsoll_core::name::DcName;
use plimsoll_core::view::{AppDcView, AppView, ImagesState, OperationView, OutcomeView};

/// Lines on standard error: on a terminal they change in place, elsewhere each change is a line of its own.
pub(super) struct Lines {
    terminal: Option<MultiProgress>,
    lines: BTreeMap<DcName, Line>,
}

struct Line {
    text: String,
    bar: Option<ProgressBar>,
}

impl Lines {
    pub(super) fn on_stderr() -> Self {
        let terminal = std::io::stderr().is_terminal().then(MultiProgress::new);
        Self { terminal, lines: BTreeMap::new() }
    }

    /// Lines that nobody sees.
    #[cfg(test)]
    pub(super) fn hidden() -> Self {
        let nowhere = indicatif::ProgressDrawTarget::hidden();
        Self { terminal: Some(MultiProgress::with_draw_target(nowhere)), lines: BTreeMap::new() }
    }

    /// Shows how an App fares everywhere.
    pub(super) fn show(&mut self, view: &AppView, operation: Option<&OperationView>) {
        for dc in &view.dcs {
            let text = text(dc, operation);
            let terminal = self.terminal.as_ref();
            let line = self.lines.entry(dc.dc.clone()).or_insert_with(|| Line {
                text: String::new(),
                bar: terminal.map(|terminal| {
                    let style = ProgressStyle::with_template("{msg}");
                    let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
                    terminal.add(ProgressBar::no_length().with_style(style))
                }),
            });
            if line.text == text {
                continue;
            }
            match &line.bar {
                Some(bar) => bar.set_message(text.clone()),
                None => say::message(&text),
            }
            line.text = text;
        }
    }

    /// Leaves the last lines as they are.
    pub(super) fn finish(self) {
        for bar in self.lines.into_values().filter_map(|line| line.bar) {
            bar.abandon();
        }
    }
}

fn text(dc: &AppDcView, operation: Option<&OperationView>) -> String {
    let running = operation.filter(|operation| operation.state == OperationState::Running);
    let outcome = running.and_then(|operation| operation.dcs.iter().find(|outcome| outcome.dc == dc.dc));
    let state = match outcome {
        Some(outcome) => format!("{:?}", outcome.state),
        None => format!("{:?}", dc.health),
    };
    let mut parts = vec![format!("  {}  {state:<12}", dc.dc)];
    if let Some(replicas) = dc.replicas {
        let Replicas { ordered, updated, ready, .. } = replicas;
        parts.push(format!("updated {updated}/{ordered}"));
        parts.push(format!("ready {ready}/{ordered}"));
    }
    if let Some(copying) = outcome.and_then(copying) {
        parts.push(copying);
    }
    if let Some(finding) = dc.findings.first() {
        parts.push(plain(&finding.message));
    }
    parts.join("  ").trim_end().to_owned()
}

/// How far the copy of an image has come that a data center waits for.
fn copying(outcome: &OutcomeView) -> Option<String> {
    let images = outcome.images.as_ref().filter(|images| images.state == ImagesState::Copying)?;
    let bytes = images.bytes?;
    let mebibytes = |bytes: u64| bytes.div_ceil(1 << 20);
    Some(format!("copies its image: {} of {} MiB", mebibytes(bytes.done), mebibytes(bytes.total)))
}

/// A data center's words may hold anything; a terminal is to see no control character of theirs.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}
