//! The cluster as a client sees it. Time is paused: waiting costs nothing and nothing is left to luck.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

mod autoscaling;
mod configuration;
mod custom;
mod events;
mod evictions;
mod exec;
mod failures;
mod faults;
mod fixtures;
mod garbage;
mod limits;
mod nodes;
mod past;
mod persistence;
mod pods;
mod quota;
mod rollout;
mod support;
mod verbs;
mod watch;
mod wire;
