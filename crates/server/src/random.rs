//! Secrets and seeds, from the system's generator.

use std::fmt::Write as _;

use rustls::crypto::ring;

use crate::error::Error;

/// 256 bits as hexadecimal digits: a token that cannot be guessed.
pub(crate) fn token() -> Result<String, Error> {
    Ok(bytes::<32>()?.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

/// Any number.
pub(crate) fn number() -> Result<u64, Error> {
    bytes().map(u64::from_ne_bytes)
}

fn bytes<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    ring::default_provider().secure_random.fill(&mut bytes).map_err(|_| {
        Error::Failed("this machine has no random numbers".to_owned(), "its generator failed".into())
    })?;
    Ok(bytes)
}
