#![doc = include_str!("../README.md")]

mod access;
mod auth;
mod catalog;
mod client;
mod content;
mod copy;
mod description;
mod error;
mod examine;
mod listing;
#[doc(hidden)]
pub mod outside;
mod port;
mod profile;
mod transport;
mod walks;
mod words;

pub use access::{Access, Credential, InvalidAccess, Limits, Proxy, Scheme};
pub use client::{Mount, Registry, Stored};
pub use content::{ACCEPTED, BlobSource, Links, Manifest, Reference, Verifier};
pub use copy::{
    Copier, Event, Hours, Meter, Mirror, Moves, Place, Plan, Progress, Reached, Report, Share, Stage, Synced,
    SyncedTarget, Target, Throttle,
};
pub use description::Description;
pub use error::{Error, Kind};
pub use examine::{Presence, Whereabouts, whereabouts};
pub use listing::{Cause, Completeness, Listing, Page};
pub use oci_spec::image::{Descriptor, Digest, MediaType};
pub use plimsoll_core::image::{Host, InvalidWindow, Repository, Tag, Window};
pub use port::Registries;
pub use profile::{Authentication, Catalog, Found, Profile, Reads, Refusal, Support};
