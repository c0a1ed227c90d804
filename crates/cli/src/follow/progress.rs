//! How an Operation goes: one line per data center, moving where somebody looks at it, and a new line for each
//! change where it is kept.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use plimsoll_api_rest::dto::{AnyOperation, Outcome, OutcomeImages, OutcomeState, Replicas};

use super::images;
use crate::output::clean;

/// How an Operation goes, on standard error.
pub(crate) struct Progress {
    /// What each line begins with, where several Operations are followed at once.
    label: String,
    form: Form,
}

enum Form {
    /// Lines that are written over.
    Live { all: MultiProgress, bars: BTreeMap<String, ProgressBar> },
    /// A line for each change.
    Plain { shown: BTreeMap<String, String> },
    /// Nothing, for whoever only waits.
    Silent,
}

impl Progress {
    /// As it suits standard error.
    pub(crate) fn new() -> Self {
        let form = if std::io::stderr().is_terminal() {
            Form::Live { all: MultiProgress::new(), bars: BTreeMap::new() }
        } else {
            Form::Plain { shown: BTreeMap::new() }
        };
        Self { label: String::new(), form }
    }

    /// Shows nothing but what goes wrong.
    pub(crate) fn silent() -> Self {
        Self { label: String::new(), form: Form::Silent }
    }

    /// Another one beside it, whose lines begin with this.
    pub(crate) fn labelled(&self, label: &str) -> Self {
        let form = match &self.form {
            Form::Live { all, bars: _ } => Form::Live { all: all.clone(), bars: BTreeMap::new() },
            Form::Plain { .. } => Form::Plain { shown: BTreeMap::new() },
            Form::Silent => Form::Silent,
        };
        Self { label: clean(label), form }
    }

    /// Shows how the Operation stands.
    pub(crate) fn show(&mut self, operation: &AnyOperation) {
        match operation {
            AnyOperation::App(operation) => {
                for outcome in &operation.data_centers {
                    let settled = is_settled(outcome.state);
                    self.line(&outcome.data_center, &line(outcome), copied(outcome), settled);
                }
            }
            AnyOperation::Image(operation) => {
                for target in &operation.targets {
                    let settled = images::is_settled(target.state);
                    self.line(&target.target, &images::line(target), images::progress(target), settled);
                }
            }
        }
    }

    /// Says something beside the lines.
    pub(crate) fn say(&self, text: &str) {
        let text = format!("note: {}", clean(text));
        match &self.form {
            Form::Live { all, .. } => {
                // If standard error is gone, there is nobody to tell.
                let _ = all.println(text);
            }
            Form::Plain { .. } | Form::Silent => eprintln!("{text}"),
        }
    }

    /// Leaves the lines as they are.
    pub(crate) fn finish(&mut self) {
        if let Form::Live { bars, .. } = &self.form {
            for bar in bars.values() {
                bar.abandon();
            }
        }
    }

    /// Shows the line of a data center or another target, with what comes piece by piece behind it.
    fn line(&mut self, name: &str, line: &str, pieces: Option<String>, settled: bool) {
        // Where lines are kept, a new one for every piece that arrives would bury the others.
        let pieces = pieces.filter(|_| matches!(self.form, Form::Live { .. }));
        let text = format!("{}{line}{}", self.label, pieces.unwrap_or_default());
        match &mut self.form {
            Form::Live { all, bars } => {
                let bar = bars.entry(name.to_owned()).or_insert_with(|| {
                    let bar = all.add(ProgressBar::new_spinner().with_style(style()));
                    bar.enable_steady_tick(Duration::from_millis(100));
                    bar
                });
                bar.set_message(text);
                if settled {
                    bar.abandon();
                }
            }
            Form::Plain { shown } => {
                if shown.get(name) != Some(&text) {
                    eprintln!("{text}");
                    shown.insert(name.to_owned(), text);
                }
            }
            Form::Silent => {}
        }
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn is_settled(state: OutcomeState) -> bool {
    matches!(
        state,
        OutcomeState::Healthy
            | OutcomeState::Done
            | OutcomeState::Failed
            | OutcomeState::Owed
            | OutcomeState::Diverged
            | OutcomeState::Superseded
    )
}

/// `dc-1  Progressing  2/3 updated, 1/3 ready  an image cannot be pulled`.
pub(super) fn line(outcome: &Outcome) -> String {
    let Outcome { data_center, state, reason: _, message, since: _, replicas, images } = outcome;
    let mut text = format!("{:<12} {:<11}", clean(data_center), format!("{state:?}"));
    if let Some(replicas) = replicas {
        let _ = write!(text, "  {}", pods(replicas));
    }
    if let Some(message) = message {
        let _ = write!(text, "  {}", clean(message));
    }
    // What a gate waits for, the outcome says itself.
    let late = images
        .as_ref()
        .filter(|_| !matches!(state, OutcomeState::Waiting | OutcomeState::Owed | OutcomeState::Failed));
    if let Some(found) = late.and_then(|images| images.message.as_ref()) {
        let _ = write!(text, "  {}", clean(found));
    }
    text.trim_end().to_owned()
}

/// `: 12 of 340 MiB`, while an image is copied.
fn copied(outcome: &Outcome) -> Option<String> {
    let OutcomeImages { done_bytes, total_bytes, .. } = outcome.images.as_ref()?;
    let mebibytes = |bytes: u64| bytes.div_ceil(1024 * 1024);
    Some(format!(": {} of {} MiB", mebibytes((*done_bytes)?), mebibytes((*total_bytes)?)))
}

/// `2/3 updated, 3/3 ready, 1 old, 1 leaving`; where none is ordered, those that are still there.
fn pods(replicas: &Replicas) -> String {
    let Replicas { ordered, updated, ready, available: _, old, terminating } = replicas;
    if *ordered == 0 {
        return match updated.saturating_add(*old).saturating_add(*terminating) {
            0 => "no pods".to_owned(),
            left => format!("{left} leaving"),
        };
    }
    let mut text = format!("{updated}/{ordered} updated, {ready}/{ordered} ready");
    for (count, what) in [(old, "old"), (terminating, "leaving")] {
        if *count > 0 {
            let _ = write!(text, ", {count} {what}");
        }
    }
    text
}
