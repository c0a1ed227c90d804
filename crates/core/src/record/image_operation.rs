//! Operations on registries: an image that is copied, repositories that are kept equal, images that are looked at.
//!
//! They belong to no App and have keys of their own, so nothing that serves Apps ever comes by them. Written once at
//! accept; each target's outcome is written only when its state changes, and the end once.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::key::{self, ImageOperationKey};
use super::{End, EndState, Error, Stored, decode};
use crate::digest::Digest;
use crate::fold::OperationState;
use crate::image::{Home, ImagePace, ImageTally, Tag, TagChoice};
use crate::ledger::Entry;
use crate::name::OperationId;

/// An Operation on registries, immutable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageOperation {
    /// Its id, of the same kind as those of Apps.
    pub id: OperationId,
    /// What is done.
    pub work: ImageWork,
    /// Where, sorted by name; each has an outcome, which is named by its place here.
    pub targets: Vec<ImageTarget>,
    /// How fast and when bytes go, for each target.
    #[serde(default)]
    pub pace: ImagePace,
    /// Who asked for it.
    pub by: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was accepted.
    pub created: Timestamp,
}

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all_fields = "camelCase")]
pub enum ImageWork {
    /// An image is brought to every target.
    CopyImage {
        /// The image, as it was named.
        image: String,
        /// What that was when it was accepted.
        digest: Digest,
        /// Where it is read.
        source: Home,
        /// Where else it may be, if that does not give it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        peers: Vec<Home>,
        /// The tag that is to point to it.
        tag: Tag,
    },
    /// Tags of a repository are brought to every target.
    SyncImages {
        /// The repository.
        source: Home,
        /// Which of its tags.
        choice: TagChoice,
    },
    /// It is looked at in every target whether it is whole.
    VerifyImages {
        /// The image or the repository, as it was named.
        subject: String,
        /// The image; where there is none, every tag of the repository is meant.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        digest: Option<Digest>,
        /// Of each image so many bytes are read and checked.
        sample: u64,
    },
}

impl ImageWork {
    /// What it is about, as it was named.
    pub fn subject(&self) -> String {
        match self {
            Self::CopyImage { image, .. } => image.clone(),
            Self::SyncImages { source, .. } => source.to_string(),
            Self::VerifyImages { subject, .. } => subject.clone(),
        }
    }
}

/// Where something is brought to or looked at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageTarget {
    /// The data center, or the registry with a path in it, as it was named.
    pub name: String,
    /// The repository there.
    pub at: Home,
}

/// How an Operation stands at one target. Where none is written it waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageOutcome {
    /// Where it stands.
    pub state: ImageOutcomeState,
    /// Why, as a stable key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// Bytes that were sent by the server that brought it to its end.
    #[serde(default)]
    pub sent: u64,
    /// How its images stand, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tally: Option<ImageTally>,
}

/// Where an Operation stands at one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ImageOutcomeState {
    /// Nobody has begun.
    Waiting,
    /// It is worked on.
    Running,
    /// All is there, and whole.
    Done,
    /// All that was listed is there, and the list may lack something.
    Incomplete,
    /// It is not there, or not whole.
    Failed,
}

impl ImageOutcomeState {
    /// Whether nothing more follows.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Incomplete | Self::Failed)
    }
}

/// An Operation on registries with its outcomes and its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageOperationParts {
    /// The Operation.
    pub operation: ImageOperation,
    /// The outcomes that were written, by the place of their target.
    pub outcomes: BTreeMap<usize, Stored<ImageOutcome>>,
    /// How it ended.
    pub end: Option<Stored<End>>,
}

impl ImageOperationParts {
    /// An Operation out of its own entry, which comes first, and those of its parts; `None` out of none.
    pub fn read(entries: &[Entry]) -> Result<Option<Self>, Error> {
        let Some((first, rest)) = entries.split_first() else { return Ok(None) };
        let operation: ImageOperation = decode(first)?.value;
        let own = operation.id;
        let mut parts = Self { operation, outcomes: BTreeMap::new(), end: None };
        for entry in rest {
            match key::parse_image_operation(&entry.key) {
                Some(ImageOperationKey::Outcome(id, target)) if id == own => {
                    parts.outcomes.insert(target, decode(entry)?);
                }
                Some(ImageOperationKey::End(id)) if id == own => parts.end = Some(decode(entry)?),
                Some(_) | None => {}
            }
        }
        Ok(Some(parts))
    }

    /// Where it stands at a target.
    pub fn state_at(&self, target: usize) -> ImageOutcomeState {
        self.outcomes.get(&target).map_or(ImageOutcomeState::Waiting, |outcome| outcome.value.state)
    }

    /// The targets that have not come to their end.
    pub fn open(&self) -> Vec<usize> {
        (0..self.operation.targets.len()).filter(|target| !self.state_at(*target).is_final()).collect()
    }

    /// How it stands as a whole.
    pub fn state(&self) -> OperationState {
        match self.end.as_ref().map(|end| end.value.state) {
            None => OperationState::Running,
            Some(EndState::Succeeded | EndState::SucceededOwing) => OperationState::Succeeded,
            Some(EndState::Aborted | EndState::Superseded) => OperationState::Aborted,
            Some(EndState::Failed | EndState::RolledBack) => OperationState::Failed,
        }
    }

    /// How it ends, now that every target has come to its end: with what those say that are not as they should be, the
    /// same said once. `None` while one has not, and after the end.
    pub fn due(&self) -> Option<(EndState, Option<String>)> {
        if self.end.is_some() || !self.open().is_empty() {
            return None;
        }
        let mut causes: Vec<(&str, Vec<&str>)> = Vec::new();
        for (target, outcome) in &self.outcomes {
            if outcome.value.state == ImageOutcomeState::Done {
                continue;
            }
            let Some(ImageTarget { name, .. }) = self.operation.targets.get(*target) else { continue };
            let cause = outcome.value.message.as_deref().unwrap_or("it is not there");
            match causes.iter_mut().find(|(known, _)| *known == cause) {
                Some((_, names)) => names.push(name),
                None => causes.push((cause, vec![name])),
            }
        }
        if causes.is_empty() {
            return Some((EndState::Succeeded, None));
        }
        let causes: Vec<String> =
            causes.into_iter().map(|(cause, names)| format!("{}: {cause}", names.join(", "))).collect();
        Some((EndState::Failed, Some(causes.join("; "))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builders::{mk_image_operation, mk_image_outcome};
    use crate::ledger::Revision;

    fn mk_parts(states: &[(usize, ImageOutcomeState, Option<&str>)]) -> ImageOperationParts {
        let outcome = |(target, state, message): &(usize, ImageOutcomeState, Option<&str>)| {
            let value = ImageOutcome { message: message.map(str::to_owned), ..mk_image_outcome(*state) };
            (*target, Stored { value, revision: Revision(1) })
        };
        ImageOperationParts {
            operation: mk_image_operation(),
            outcomes: states.iter().map(outcome).collect(),
            end: None,
        }
    }

    #[test]
    fn it_ends_when_every_target_has_and_says_what_is_wrong_once() {
        use ImageOutcomeState::{Done, Failed, Incomplete, Running};
        for (states, due) in [
            (&[(0, Done, None)][..], None),
            (&[(0, Done, None), (1, Running, None)], None),
            (&[(0, Done, None), (1, Done, Some("sent"))], Some((EndState::Succeeded, None))),
            (
                &[(0, Done, None), (1, Incomplete, Some("cut"))],
                Some((EndState::Failed, Some("dc-2: cut".to_owned()))),
            ),
            (
                &[(0, Failed, Some("away")), (1, Failed, Some("away"))],
                Some((EndState::Failed, Some("dc-1, dc-2: away".to_owned()))),
            ),
        ] {
            assert_eq!(mk_parts(states).due(), due, "{states:?}");
        }
    }

    #[test]
    fn a_record_keeps_its_form() {
        let text = serde_json::to_string(&mk_image_operation()).unwrap();
        assert_eq!(serde_json::from_str::<ImageOperation>(&text).unwrap(), mk_image_operation());
        insta::assert_snapshot!(text);
    }
}
