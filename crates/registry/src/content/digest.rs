//! Checking that bytes are those of a digest.

use oci_spec::image::{Digest, DigestAlgorithm};
use sha2::{Digest as _, Sha256, Sha512};

use crate::error::{Error, Kind};

/// Sees bytes go by, and says in the end whether they were those that a digest and a size promise.
#[derive(Clone, Debug)]
pub struct Verifier {
    hasher: Hasher,
    expected: Digest,
    size: u64,
    seen: u64,
}

#[derive(Clone, Debug)]
enum Hasher {
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Hasher {
    fn of(algorithm: &DigestAlgorithm) -> Option<Self> {
        match algorithm {
            DigestAlgorithm::Sha256 => Some(Self::Sha256(Sha256::new())),
            DigestAlgorithm::Sha512 => Some(Self::Sha512(Sha512::new())),
            _ => None,
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    fn hex(self) -> String {
        use std::fmt::Write as _;
        let bytes: Vec<u8> = match self {
            Self::Sha256(hasher) => hasher.finalize().to_vec(),
            Self::Sha512(hasher) => hasher.finalize().to_vec(),
        };
        bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

impl Verifier {
    /// Expects `size` bytes with this digest.
    ///
    /// # Errors
    /// [`Kind::Invalid`] for an algorithm other than SHA-256 and SHA-512.
    pub fn new(expected: &Digest, size: u64) -> Result<Self, Error> {
        let hasher = Hasher::of(expected.algorithm()).ok_or_else(|| {
            Error::new(Kind::Invalid, expected, "content is checked by sha256 and sha512 only")
        })?;
        Ok(Self { hasher, expected: expected.clone(), size, seen: 0 })
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`Kind::Corrupt`] as soon as there are more than were promised: a body without end ends here.
    pub fn update(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.seen += bytes.len() as u64;
        if self.seen > self.size {
            let message = format!("there are more than the {} bytes that were promised", self.size);
            return Err(Error::new(Kind::Corrupt, &self.expected, message));
        }
        self.hasher.update(bytes);
        Ok(())
    }

    /// How many bytes went by.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Whether all that was promised went by.
    pub fn is_whole(&self) -> bool {
        self.seen == self.size
    }

    /// Says whether the bytes were those that were promised.
    ///
    /// # Errors
    /// [`Kind::Corrupt`] when bytes are missing or others came.
    pub fn finish(self) -> Result<(), Error> {
        if self.seen != self.size {
            let message = format!("{} of {} bytes came", self.seen, self.size);
            return Err(Error::new(Kind::Corrupt, &self.expected, message));
        }
        let hex = self.hasher.hex();
        if hex != self.expected.digest() {
            let message = format!("the bytes have the digest {}:{hex}", self.expected.algorithm());
            return Err(Error::new(Kind::Corrupt, &self.expected, message));
        }
        Ok(())
    }
}

/// Whether content with this digest can be checked.
pub(crate) fn is_supported(digest: &Digest) -> bool {
    Hasher::of(digest.algorithm()).is_some()
}

/// The SHA-256 digest of `bytes`.
pub(crate) fn digest_of(bytes: &[u8]) -> Digest {
    let hex = Hasher::Sha256(Sha256::new_with_prefix(bytes)).hex();
    let Ok(digest) = format!("sha256:{hex}").parse() else {
        unreachable!("64 hexadecimal digits make a digest")
    };
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-2, appendices B.1 and C.1.
    const ABC: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const ABC_512: &str = "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";

    fn verify(digest: &str, size: u64, pieces: &[&[u8]]) -> Result<(), Error> {
        let mut verifier = Verifier::new(&digest.parse().unwrap(), size)?;
        pieces.iter().try_for_each(|piece| verifier.update(piece))?;
        verifier.finish()
    }

    #[test]
    fn content_is_that_of_its_digest_in_whatever_pieces_it_comes() {
        verify(ABC, 3, &[b"a", b"", b"bc"]).unwrap();
        verify(ABC_512, 3, &[b"abc"]).unwrap();
        assert_eq!(digest_of(b"abc").to_string(), ABC);
    }

    #[test]
    fn other_content_is_refused_with_what_is_wrong() {
        for (digest, size, bytes, why) in [
            (
                ABC,
                3,
                b"abd".as_slice(),
                "the bytes have the digest sha256:a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9",
            ),
            (ABC, 4, b"abc", "3 of 4 bytes came"),
            (ABC, 2, b"abc", "there are more than the 2 bytes that were promised"),
        ] {
            let error = verify(digest, size, &[bytes]).unwrap_err();
            assert_eq!((error.kind(), error.to_string()), (Kind::Corrupt, format!("{ABC}: {why}")));
        }
        let unknown = format!("blake3:{}", "0".repeat(64));
        assert_eq!(verify(&unknown, 1, &[]).unwrap_err().kind(), Kind::Invalid);
    }
}
