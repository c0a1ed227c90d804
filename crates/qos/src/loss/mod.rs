//! Does the rest fit when a data center, or any set of nodes, is lost?
//!
//! Placing different pods on different nodes as well as can be is a hard problem, so the answer is a bracket:
//! what was placed, which is proven by the placement itself, and what no placement exceeds, which is proven by
//! counting. Where the two meet, the answer is exact.

mod answer;
mod bound;
mod displaced;
mod place;
mod preempt;
mod request;
mod spreads;

pub use answer::{LossAnswer, Missing, Move, Preemption, Pushed, Tier};
pub use request::{LossRequest, Lost, LostNode, Preempt, lose};
