//! An image registry in one process that keeps everything in memory, speaks the distribution protocol, and misbehaves
//! where a test asks it to: in the ways in which real registries do ([`Habits`]), and by any answer that a test gives in
//! place of its own ([`ScriptedRegistry::script`]). Every request is kept in a journal.

mod answer;
mod habits;
mod journal;
mod lists;
mod serve;
mod store;
mod uploads;

pub use answer::{Scripted, broken_off, respond};
pub use habits::{Deletes, EntityTags, Habits, Leads, Mounts, Order, Referrers, TokenGate};
pub use journal::Request;
pub use serve::ScriptedRegistry;
pub use store::digest;
