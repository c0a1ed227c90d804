//! Comparing what was rendered with what is there, field by field.

mod cover;

pub(crate) use cover::covers;
