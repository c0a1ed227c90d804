//! The workers over a ledger in memory and data centers that remember, in virtual time.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on ends")]

mod added;
mod breaker;
mod control;
mod dice;
mod erase;
mod grades;
mod handover;
mod housekeeping;
mod image_work;
mod images;
mod integrity;
mod lastgood;
mod lists;
mod local;
mod publish;
mod races;
mod random;
mod room;
mod support;
mod trouble;
mod whereabouts;
