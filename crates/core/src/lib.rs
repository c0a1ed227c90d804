//! The domain of Plimsoll: its words, its rules and its use cases, without any IO.
//!
//! What comes from outside enters through ports, which are traits: [`ledger::Ledger`] holds what was
//! ordered, [`cluster::Cluster`] is one data center, [`clock::Clock`] tells the time. Everything else here
//! is a value or a pure function over values.

pub mod clock;
pub mod digest;
pub mod duration;
pub mod error;
pub mod ledger;
pub mod name;
pub mod policy;
pub mod scale;
