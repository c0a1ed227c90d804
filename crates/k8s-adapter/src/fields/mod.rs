//! Comparing what was rendered with what is there, field by field.
//!
//! The measure is what the API server notes in `managedFields`: a write is needed exactly where server-side
//! apply of the rendered object would change a value or an owner. So what changes nothing is never sent. Labels
//! and annotations that others add to an object are theirs; its spec is ours alone, and what others add there is
//! taken away.

mod added;
mod cover;
mod difference;
mod managers;

pub(crate) use added::claim;
pub(crate) use cover::covers;
pub(crate) use difference::{Difference, Sort, compare};
pub(crate) use managers::Managers;
