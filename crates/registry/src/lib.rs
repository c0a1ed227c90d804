//! A client of OCI registries: the distribution protocol as registries really speak it, lists that are complete
//! or say why not, and copies that keep every byte.
//!
//! It speaks the [distribution specification 1.1] and the catalog of Docker's registry. Bytes are kept as they came:
//! a manifest is never written anew, a blob never compressed again, so that a digest means the same everywhere.
//! Everything that comes from outside is bounded in size, number and time, and nothing is believed before its
//! digest was checked.
//!
//! [distribution specification 1.1]: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md

mod access;
mod auth;
mod client;
mod content;
mod copy;
mod error;
mod listing;
mod transport;

pub use access::{Access, Credential, InvalidAccess, Limits, Proxy, Scheme};
pub use client::{Mount, Registry, Stored};
pub use content::{ACCEPTED, BlobSource, Links, Manifest, Reference, Verifier};
pub use copy::{Copier, Event, Meter, Moves, Place, Plan, Report, Share, Target, Throttle};
pub use error::{Error, Kind};
pub use listing::{Cause, Completeness, Listing, Page};
pub use oci_spec::image::{Descriptor, Digest, MediaType};
pub use plimsoll_core::image::{Host, Repository, Tag};
