//! What registries hold: bytes with a digest, some of which name others.

mod digest;
mod manifest;
mod reference;
mod source;

pub use digest::Verifier;
pub(crate) use digest::{digest_of, is_supported};
pub use manifest::{ACCEPTED, Links, Manifest};
pub use reference::Reference;
pub use source::BlobSource;
