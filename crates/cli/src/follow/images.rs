//! How work on registries goes, and what it came to.

use std::fmt::Write as _;
use std::time::Duration;

use plimsoll_api_rest::dto::{
    ImageCounts, ImageOperation, ImageOperationKind, ImageProgress, ImageTarget, ImageTargetState,
    OperationState,
};

use crate::failure::{FAILED, Failure};
use crate::output::{bytes, clean, seconds};

/// How many characters a bar has.
const BAR: u64 = 20;

/// `the copy of qa.example.com/shop/web:1.4`.
pub(crate) fn what(operation: &ImageOperation) -> String {
    let ImageOperation { subject, kind, .. } = operation;
    match kind {
        ImageOperationKind::CopyImage => format!("the copy of {subject}"),
        ImageOperationKind::SyncImages => format!("the sync of {subject}"),
        ImageOperationKind::VerifyImages => format!("the verification of {subject}"),
    }
}

/// `the copy of qa.example.com/shop/web:1.4 failed: dc-2: the registry …`.
pub(crate) fn standing(operation: &ImageOperation) -> String {
    let what = what(operation);
    let why = operation.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
    clean(&match operation.state {
        OperationState::Failed => format!("{what} failed{why}"),
        // It begins with the state.
        OperationState::Aborted => {
            let message = operation.message.as_deref().unwrap_or("aborted");
            format!("{what} was {message}")
        }
        OperationState::Succeeded => format!("{what} has succeeded"),
        _ => format!("{what} goes on"),
    })
}

/// `qa.example.com/shop/web:1.4 is in dc-1, dc-2 (340 MiB sent), 4.2 s`.
pub(super) fn sentence(operation: &ImageOperation, took: Option<Duration>) -> String {
    let ImageOperation { subject, kind, targets, .. } = operation;
    let names: Vec<&str> = targets.iter().map(|target| target.target.as_str()).collect();
    let names = names.join(", ");
    let sent: u64 = targets.iter().filter_map(|target| target.sent_bytes).sum();
    let sent = if sent == 0 { "nothing had to be sent".to_owned() } else { format!("{} sent", bytes(sent)) };
    let sum = |count: fn(&ImageCounts) -> u64| -> u64 {
        targets.iter().filter_map(|target| target.images.as_ref()).map(count).sum()
    };
    let mut text = match kind {
        ImageOperationKind::CopyImage => format!("{subject} is in {names} ({sent})"),
        ImageOperationKind::SyncImages => format!(
            "the tags of {subject} are in {names}: {} copied, {} unchanged ({sent})",
            sum(|counts| counts.copied),
            sum(|counts| counts.good)
        ),
        ImageOperationKind::VerifyImages => {
            format!("{subject} is whole in {names} ({} looked at)", images(sum(|counts| counts.total)))
        }
    };
    if let Some(took) = took {
        let _ = write!(text, ", {}", seconds(took));
    }
    clean(&text)
}

/// What its end comes to: nothing where it is well.
pub(super) fn judge(operation: &ImageOperation) -> Result<(), Failure> {
    if operation.state == OperationState::Succeeded {
        return Ok(());
    }
    let mut failure = Failure::new(FAILED, standing(operation));
    for target in &operation.targets {
        if let Some(message) = &target.message {
            failure = failure.with(format!("{}: {:?}: {message}", target.target, target.state));
        }
    }
    Err(failure)
}

pub(super) fn is_settled(state: ImageTargetState) -> bool {
    !matches!(state, ImageTargetState::Waiting | ImageTargetState::Running)
}

/// `dc-1         Done        12 copied, 8 unchanged, 340 MiB sent`.
pub(super) fn line(target: &ImageTarget) -> String {
    let ImageTarget { target: name, state, message, sent_bytes, images, .. } = target;
    let mut told: Vec<String> = Vec::new();
    if let Some(ImageCounts { total, good, copied, bad }) = images {
        told.push(if *copied + *bad == 0 && *good == *total {
            format!("{} as they should be", self::images(*total))
        } else {
            format!("{copied} copied, {good} as they should be, {bad} bad")
        });
    }
    if let Some(sent) = sent_bytes.filter(|sent| *sent > 0) {
        told.push(format!("{} sent", bytes(sent)));
    }
    told.extend(message.as_deref().map(clean));
    format!("{:<12} {:<11} {}", clean(name), format!("{state:?}"), told.join("  ")).trim_end().to_owned()
}

/// `  [#####---------------] 120 of 340 MiB, 3 of 20 images, 1m30s left`, while it is worked on.
pub(super) fn progress(target: &ImageTarget) -> Option<String> {
    let ImageProgress { done_bytes, total_bytes, done_images, total_images, left, opens_in } =
        target.progress.as_ref()?;
    let mut told = Vec::new();
    let mut text = String::from("  ");
    let counted = done_images.zip(*total_images);
    let share = |done: u64, total: u64| (total > 0).then(|| BAR * done.min(total) / total);
    // Of several images the bytes are known as they are found.
    let filled = counted.map_or_else(|| share(*done_bytes, *total_bytes), |(done, total)| share(done, total));
    if let Some(filled) = filled {
        for at in 0..BAR {
            text.push(if at < filled { '#' } else { '-' });
        }
        text.push_str("  ");
    }
    if *total_bytes > 0 {
        told.push(format!("{} of {}", bytes(*done_bytes), bytes(*total_bytes)));
    }
    if let Some((done, total)) = counted {
        told.push(format!("{done} of {}", images(total)));
    }
    match (opens_in, left) {
        (Some(opens), _) => told.push(format!("waits {} for its window", clean(opens))),
        (None, Some(left)) if done_bytes < total_bytes => told.push(format!("{} left", clean(left))),
        (None, _) => {}
    }
    text.push_str(&told.join(", "));
    Some(text)
}

fn images(count: u64) -> String {
    if count == 1 { "1 image".to_owned() } else { format!("{count} images") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mk_target(name: &str, state: ImageTargetState) -> ImageTarget {
        ImageTarget {
            target: name.to_owned(),
            repository: format!("{name}.example.com/shop/web"),
            state,
            reason: None,
            message: None,
            since: None,
            sent_bytes: is_settled(state).then_some(340 << 20),
            images: None,
            progress: None,
        }
    }

    fn mk_operation(kind: ImageOperationKind, state: OperationState) -> ImageOperation {
        let targets = vec![
            mk_target("dc-1", ImageTargetState::Done),
            ImageTarget {
                message: Some("the registry dc-2.example.com does not answer\u{1b}[31m".to_owned()),
                ..mk_target("dc-2", ImageTargetState::Failed)
            },
        ];
        let targets = if state == OperationState::Succeeded { targets[..1].to_vec() } else { targets };
        ImageOperation {
            id: "0199".to_owned(),
            kind,
            subject: "qa.example.com/shop/web:1.4".to_owned(),
            digest: None,
            tag: None,
            tags: Vec::new(),
            newest: None,
            sample_bytes: None,
            bytes_per_second: None,
            windows: Vec::new(),
            state,
            message: (state == OperationState::Failed).then(|| "dc-2: it does not answer".to_owned()),
            targets,
            by: "alice".to_owned(),
            reason: None,
            created: "2026-11-23T00:00:00Z".parse().unwrap(),
            ended: None,
        }
    }

    #[test]
    fn every_work_ends_with_one_sentence_or_says_why_not() {
        use ImageOperationKind::{CopyImage, SyncImages, VerifyImages};
        let counts = Some(ImageCounts { total: 20, good: 8, copied: 12, bad: 0 });
        let mut told = Vec::new();
        for kind in [CopyImage, SyncImages, VerifyImages] {
            let mut operation = mk_operation(kind, OperationState::Succeeded);
            operation.targets[0].images = counts.filter(|_| kind != CopyImage);
            told.push(sentence(&operation, Some(Duration::from_millis(4200))));
            assert!(judge(&operation).is_ok());
            for state in [OperationState::Running, OperationState::Aborted] {
                told.push(standing(&mk_operation(kind, state)));
            }
            let failure = judge(&mk_operation(kind, OperationState::Failed)).unwrap_err();
            assert_eq!(failure.exit(), FAILED);
            told.extend(failure.lines());
        }
        insta::assert_yaml_snapshot!(told);
    }

    #[test]
    fn a_target_is_one_line() {
        let progress =
            |done_bytes, total_bytes, images: Option<u64>, left: Option<&str>, opens: Option<&str>| {
                Some(ImageProgress {
                    done_bytes,
                    total_bytes,
                    done_images: images,
                    total_images: images.map(|_| 20),
                    left: left.map(str::to_owned),
                    opens_in: opens.map(str::to_owned),
                })
            };
        let running = |progress| ImageTarget { progress, ..mk_target("dc-1", ImageTargetState::Running) };
        let told: Vec<String> = [
            mk_target("dc-1", ImageTargetState::Waiting),
            running(progress(120 << 20, 340 << 20, None, Some("1m30s"), None)),
            running(progress(0, 340 << 20, None, None, Some("6h"))),
            running(progress(5 << 20, 6 << 20, Some(3), None, None)),
            running(progress(0, 0, Some(0), None, None)),
            mk_operation(ImageOperationKind::CopyImage, OperationState::Failed).targets.remove(1),
            ImageTarget {
                images: Some(ImageCounts { total: 20, good: 8, copied: 11, bad: 1 }),
                ..mk_target("dc-1", ImageTargetState::Failed)
            },
        ]
        .iter()
        .map(|target| format!("{}{}", line(target), self::progress(target).unwrap_or_default()))
        .collect();
        insta::assert_yaml_snapshot!(told);
    }
}
