//! The same requests to a simulated cluster and to a real one, whose answers must be equal. What the real one
//! says is right.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

mod admission;
mod pair;
