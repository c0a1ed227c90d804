//! The use cases: every verb of Plimsoll, the same for REST, gRPC and whatever comes later.
//!
//! Each takes the caller first, checks the permission before anything else, reads what it relies on, decides
//! by pure functions, and commits one transaction that compares all it read.

mod accept;
mod apply;
mod apps;
mod archived;
mod control;
mod data_centers;
mod diff;
mod grades;
mod image_work;
mod images;
mod installation;
mod operations;
mod outage;
mod page;
mod power;
mod reading;
mod registries;
mod request;
mod rollback;
mod scale;
mod start;
mod tags;
mod whereabouts;

use std::sync::Arc;

use crate::clock::{Clock, Ids};
use crate::image::{Images, Pulls};
use crate::ledger::Ledger;
use crate::live::Live;
use crate::name::{DcName, RequestId};
use crate::view::Etag;

pub use apply::TakeScale;
pub use control::Steering;
pub use data_centers::NewDataCenter;
pub use image_work::{CopyImage, ImageRequest, PaceWanted, SyncImages, VerifyImages};
pub use installation::NewInstallation;
pub use operations::OperationFilter;
pub use page::{DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, PageRequest};
pub use rollback::AUTOMATIC;
pub use scale::ScaleChange;

/// The use cases over their ports.
#[derive(Clone)]
pub struct Plimsoll {
    ledger: Arc<dyn Ledger>,
    live: Arc<dyn Live>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    images: Option<Images>,
}

/// What every write carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Names the request, so that its repeat within 24 hours gets the first answer.
    pub request_id: RequestId,
    /// What the caller had seen; none: whatever is there.
    pub if_match: Option<Etag>,
    /// Whether to do it.
    pub mode: Mode,
    /// Why, for the record.
    pub reason: Option<String>,
}

/// Whether a write is to be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It is.
    #[default]
    Do,
    /// It is only checked; fails where the real one would.
    Validate,
}

impl Plimsoll {
    /// The use cases over these ports.
    pub fn new(
        ledger: Arc<dyn Ledger>,
        live: Arc<dyn Live>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        Self { ledger, live, clock, ids, images: None }
    }

    /// The same with registries, by which tags are resolved; without any, images are taken as they are written.
    #[must_use]
    pub fn with_images(self, images: Option<Images>) -> Self {
        Self { images, ..self }
    }

    /// From where a data center pulls images now.
    fn pulls(&self, dc: &DcName) -> Option<Pulls> {
        self.images.as_ref()?.registries.pulls(dc)
    }
}
