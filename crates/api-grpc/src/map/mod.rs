//! From core's views to messages. Each function takes a view apart in full, so that a new field cannot be
//! forgotten.

mod app;
mod grades;
mod image;
mod image_operation;
mod installation;
mod operation;

pub(crate) use app::{accepted, app, difference, release};
pub(crate) use grades::{policy, policy_change};
pub(crate) use image::{image, image_tag, registry, repository, whereabouts};
pub(crate) use image_operation::{image_accepted, image_operation};
pub(crate) use installation::{data_center, installation, namespace};
pub(crate) use operation::operation;

use jiff::Timestamp;

fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.as_second(), nanos: at.subsec_nanosecond() }
}
