//! The loops that carry Orders to the data centers and their health back, over core's ports.
//!
//! One mirror of the ledger feeds one worker per data center. A worker decides by
//! [`plimsoll_core::steer`], from what is there and never from which event came, and has everything of its
//! own: queue, connection, deadlines and bound. A data center that is down therefore delays nobody else.

mod audit;
mod connection;
mod desk;
mod erase;
mod guard;
mod handover;
mod housekeeping;
mod mirror;
mod porter;
mod preflight;
mod queue;
mod sights;
mod stopwatch;
mod supervisor;

pub use housekeeping::TIDY_EVERY;
pub use sights::Sights;
pub use supervisor::{Setup, run};
