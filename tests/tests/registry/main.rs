//! The registry client against registries as people run them, with other clients as witnesses.

#![expect(clippy::unwrap_used, reason = "the tests share functions")]

mod access;
mod copies;
mod cuts;
mod kills;
mod lists;
mod mk;
mod profiles;
mod protocol;
mod sites;
mod teams;
mod witness;
