//! Custom resources: definitions checked and compiled, objects pruned, defaulted and validated as
//! kube-apiserver v1.37 does it.
//!
//! Rules in CEL are evaluated with the `cel` crate. A definition whose rules use anything that the crate and
//! Kubernetes do not do alike is refused when it is created, so no rule is ever skipped or guessed.
//!
//! Known differences from the real server:
//! - The cost of rules is not estimated: a definition that is refused there as too expensive is accepted here.
//! - Lists of type set compare by order inside rules.
//! - Patterns are Rust's regular expressions, which differ from Go's in corners, and in how faults are worded.
//! - Where both sides of `||` or `&&` fail to evaluate, the other side's error may be reported.
//! - Of an apply that lists empty metadata maps, the real server stores those and drops them with the next
//!   write, which therefore changes the version of an otherwise unchanged object.

mod accepted;
mod cel_check;
mod cel_value;
mod columns;
mod definition;
mod document;
mod fault;
mod format;
mod identity;
mod json_path;
mod prune;
mod rule;
mod structural;
mod unique;
mod validate;

#[cfg(test)]
mod tests;

pub use accepted::{default_definition, established_status};
pub use columns::{PrinterColumns, age};
pub use definition::{Definition, Scale, Served};
pub use fault::{FieldError, Reason};
pub use identity::{Names, Scope};
