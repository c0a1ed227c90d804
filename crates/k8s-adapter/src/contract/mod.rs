//! What a data center must do with what it is told, as checks that run on any API server.
//!
//! The simulated cluster runs them in this crate's tests, real control planes in the system tests.

pub mod mk;
