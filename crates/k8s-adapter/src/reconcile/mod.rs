//! From what is ordered and what is there to what is to be done: a pure function.
//!
//! It decides from what is there, never from which event came. So it may run at any time and any number of
//! times, and where all is as ordered it says to do nothing.

mod drift;
mod finding;
mod health;
mod hindrance;
mod observed;
mod plan;
mod pod;
mod removal;

use std::time::Duration;

use jiff::Timestamp;
use plimsoll_core::cluster::{Fence, Finding, Status};
use plimsoll_core::name::AppUid;

use crate::render::{Kind, Object, Rendering};

pub(crate) use health::{is_done, is_settled};
pub(crate) use observed::{Live, Matches, Observed, ReplicaSet};
pub(crate) use pod::Pod;

/// What a data center is to have of an App.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Desired {
    pub(crate) fence: Fence,
    pub(crate) uid: AppUid,
    /// Earlier lives that must go first.
    pub(crate) deleted: Vec<AppUid>,
    /// `None`: nothing of it.
    pub(crate) rendering: Option<Rendering>,
}

/// One thing to do; each is safe to do twice.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// Makes an object that never changes.
    Create(Object),
    /// Brings an object to what was rendered. `uid` is that of the one that was seen; without it, none was,
    /// and one that is there after all must first be found to be ours. `repairs` are the fields that somebody else had changed.
    Apply { object: Object, uid: Option<String>, had: Had, repairs: Vec<String> },
    /// Removes the object of that uid, and nothing but it.
    Delete { kind: Kind, name: String, uid: String },
    /// Reads the objects of these names, whose marks may have been taken off, and decides again with what of
    /// them is ours.
    FindUnmarked(Vec<Object>),
    /// Reads the pods of these lives, and decides again with them.
    ReadPods,
    /// Reads, fresh and complete, whether anything of these lives is left, and decides again with that.
    ConfirmGone(Vec<AppUid>),
    /// Says what is there.
    WriteStatus(Status),
    /// Decides again after so long, whether or not something happens.
    LookAgain(Duration),
}

/// What an object has from others, as far as it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Had {
    /// Nothing that is known of.
    Nothing,
    /// What must be claimed first, and gone after.
    Additions,
}

/// What is to be done for an App, in this order. `matches` is of this very `desired`; it spares work, and what
/// is decided does not hang on it.
pub(crate) fn reconcile(
    desired: &Desired,
    observed: &Observed,
    now: Timestamp,
    matches: &mut Matches,
) -> Vec<Action> {
    match &desired.rendering {
        Some(rendering) => plan::run(desired, rendering, observed, now, matches),
        None => removal::remove(desired, observed),
    }
}

/// What is to be done where the App resource must not be acted on: saying so.
pub(crate) fn refuse(fence: Fence, trouble: Finding, observed: &Observed) -> Vec<Action> {
    let status = health::untouched(fence, trouble, observed);
    finding::write_if_changed(status, observed).into_iter().collect()
}

#[cfg(test)]
mod tests;
