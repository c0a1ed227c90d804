//! The domain of Plimsoll: its words, its rules and its use cases, without any IO.
//!
//! What comes from outside enters through ports, which are traits: [`ledger::Ledger`] holds what was
//! ordered, [`archive::Archive`] what it no longer needs at hand, [`cluster::Cluster`] is one data center,
//! [`image::ImageRegistry`] the registries, [`live::Live`] says what the data centers show right now,
//! [`clock::Clock`] tells the time. Everything else here is a value or a pure function over values, but for
//! [`usecase`], which joins them, and for what the ports are asked in a fixed order.

pub mod archive;
pub mod breaker;
#[cfg(test)]
mod builders;
pub mod caller;
pub mod clock;
pub mod cluster;
pub mod content;
pub mod digest;
pub mod document;
pub mod duration;
pub mod enrol;
pub mod error;
pub mod fold;
pub mod gate;
pub mod health;
pub mod image;
pub mod last_good;
pub mod ledger;
pub mod live;
pub mod name;
pub mod order;
pub mod policy;
pub mod record;
pub mod retention;
pub mod scale;
pub mod shape;
pub mod steer;
pub mod usecase;
pub mod view;
