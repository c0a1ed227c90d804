//! Comparing what was rendered with what is there, field by field.
//!
//! The measure is what the API server notes in `managedFields`: a write is needed exactly where server-side
//! apply of the rendered object would change a value or an owner. So what changes nothing is never sent, and
//! fields that others added are theirs.

mod cover;
mod difference;
mod managers;

pub(crate) use cover::covers;
pub(crate) use difference::{Difference, Sort, differences};
pub(crate) use managers::Managers;
