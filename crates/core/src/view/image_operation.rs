//! Operations on registries, and what stands beside those of Apps.

use jiff::Timestamp;
use serde::Serialize;

use super::{Accepted, OperationView};
use crate::fold::OperationState;
use crate::image::{Advance, Home, ImagePace, ImageTally};
use crate::name::OperationId;
use crate::record::{ImageOutcomeState, ImageWork};

/// An Operation: they have one kind of id, and one place to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnyOperation {
    /// One that changes an App.
    App(Box<OperationView>),
    /// One on registries.
    Image(Box<ImageOperationView>),
}

impl AnyOperation {
    /// Its id.
    pub fn id(&self) -> OperationId {
        match self {
            Self::App(view) => view.id,
            Self::Image(view) => view.id,
        }
    }

    /// How it stands.
    pub fn state(&self) -> OperationState {
        match self {
            Self::App(view) => view.state,
            Self::Image(view) => view.state,
        }
    }

    /// The one that changes an App, if it is one.
    pub fn of_app(self) -> Option<OperationView> {
        match self {
            Self::App(view) => Some(*view),
            Self::Image(_) => None,
        }
    }

    /// The one on registries, if it is one.
    pub fn of_images(self) -> Option<ImageOperationView> {
        match self {
            Self::App(_) => None,
            Self::Image(view) => Some(*view),
        }
    }
}

/// What was said to an Operation, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Steered {
    /// To one that changes an App.
    App(Box<Accepted>),
    /// To one on registries.
    Image(Box<ImageAccepted>),
}

impl Steered {
    /// What came of it, if it was said to one that changes an App.
    pub fn of_app(self) -> Option<Accepted> {
        match self {
            Self::App(accepted) => Some(*accepted),
            Self::Image(_) => None,
        }
    }

    /// What came of it, if it was said to one on registries.
    pub fn of_images(self) -> Option<ImageAccepted> {
        match self {
            Self::App(_) => None,
            Self::Image(accepted) => Some(*accepted),
        }
    }
}

/// An Operation on registries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageOperationView {
    /// Its id.
    pub id: OperationId,
    /// What it does.
    pub work: ImageWork,
    /// How fast and when bytes go.
    pub pace: ImagePace,
    /// How it stands.
    pub state: OperationState,
    /// Why, in a sentence.
    pub message: Option<String>,
    /// How it stands at each target.
    pub targets: Vec<ImageTargetView>,
    /// Who asked for it.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// When it was accepted.
    pub created: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

/// How an Operation on registries stands at one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageTargetView {
    /// The data center, or the registry with a path in it.
    pub name: String,
    /// The repository there.
    pub at: Home,
    /// Where it stands.
    pub state: ImageTargetState,
    /// Why, as a stable key.
    pub reason: Option<String>,
    /// Why, in a sentence.
    pub message: Option<String>,
    /// Since when; none while nobody has begun.
    pub since: Option<Timestamp>,
    /// Bytes that were sent, of one that has come to its end.
    pub sent: Option<u64>,
    /// How its images stand, where there are several.
    pub tally: Option<ImageTally>,
    /// How far it has come, live, while somebody works on it.
    pub advance: Option<Advance>,
}

/// Where an Operation on registries stands at one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum ImageTargetState {
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
    /// The Operation was ended before it came to its end here.
    Aborted,
}

impl ImageTargetState {
    /// How an outcome shows in an Operation that stands so.
    pub(crate) fn of(outcome: ImageOutcomeState, operation: OperationState) -> Self {
        match outcome {
            ImageOutcomeState::Waiting | ImageOutcomeState::Running
                if operation == OperationState::Aborted =>
            {
                Self::Aborted
            }
            ImageOutcomeState::Waiting => Self::Waiting,
            ImageOutcomeState::Running => Self::Running,
            ImageOutcomeState::Done => Self::Done,
            ImageOutcomeState::Incomplete => Self::Incomplete,
            ImageOutcomeState::Failed => Self::Failed,
        }
    }
}

/// The answer to a request for work on registries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageAccepted {
    /// What it started; none where it was only validated.
    pub operation: Option<ImageOperationView>,
    /// What it would take, where it was only validated.
    pub plan: Option<ImagePlanView>,
    /// What else is worth knowing, a sentence each.
    pub notes: Vec<String>,
}

/// What work on registries would take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImagePlanView {
    /// Bytes of the image with all that belongs to it, where it is about one.
    pub bytes: Option<u64>,
    /// How much refers to it, such as signatures and bills of materials.
    pub evidence: Option<u64>,
    /// What each target lacks.
    pub targets: Vec<PlannedTarget>,
}

/// What work on registries would take at one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedTarget {
    /// The data center, or the registry with a path in it.
    pub name: String,
    /// The repository there.
    pub at: Home,
    /// Bytes that it lacks, if it says.
    pub bytes: Option<u64>,
    /// Tags that were chosen and those that it has as they are, where it is about several.
    pub tags: Option<(u64, u64)>,
    /// Why that is not known, or not all, in a sentence.
    pub message: Option<String>,
}
