//! SHA-256 in hexadecimal, for everything that needs a name made from content.

use std::fmt::Write;

use sha2::{Digest, Sha256};

pub(crate) fn sha256(content: impl AsRef<[u8]>) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(content) {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}
