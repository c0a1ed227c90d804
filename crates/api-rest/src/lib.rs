//! REST over core's use cases, with the OpenAPI document made from the same declaration.
//!
//! A request goes through [`traced`] (what the log calls it), the rendering of errors, its deadline, who asks,
//! then a handler: what it needs is read and checked by the extractors (`extract`), it calls one use case, and
//! a type of [`dto`] is the answer. Errors become problems in one place (`failure`).

pub mod dto;

mod admission;
mod deadline;
mod extract;
mod failure;
mod handler;
mod openapi;
mod ports;
mod router;
mod trace;

pub use extract::MAX_BODY;
pub use openapi::document as openapi;
pub use ports::Readiness;
pub use router::Rest;
pub use trace::{TraceId, traced};
