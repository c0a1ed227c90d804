//! Answers JSON requests, one per line, from standard input; see `plimsoll_qos::eval`.
//!
//! ```text
//! echo '{"op":"quantity","value":"1.5Gi"}' | cargo run -p plimsoll-qos --example eval
//! ```

use std::io::{self, stdin, stdout};

fn main() -> io::Result<()> {
    plimsoll_qos::eval::stream(stdin().lock(), stdout().lock())?;
    Ok(())
}
