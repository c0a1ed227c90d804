//! Texts that are kept and rarely read, made small: what many of them have in common is there once.

use std::sync::Arc;

use lz4_flex::block::{compress_with_dict, decompress_with_dict};
use parking_lot::Mutex;

/// How much is remembered of what went before. LZ4's table of places has no room for those of much more.
const ROOM: usize = 12 << 10;
/// Of so little nothing is gained.
const SHORTEST: usize = 256;
/// A text that takes more than this part of itself is like nothing that is remembered.
const ALIKE: usize = 3;
/// After so many of these for which there was no room, what is remembered has had its time.
const STRANGERS: u32 = 256;

/// Examples of the texts of one table, of which others only say where they differ.
#[derive(Debug, Default)]
pub(super) struct Likeness(Mutex<Learnt>);

#[derive(Debug, Default)]
struct Learnt {
    examples: Arc<Examples>,
    strangers: u32,
}

/// They stay as they are as long as a text needs them: with more of them they are others.
#[derive(Debug, Default)]
struct Examples(Box<[u8]>);

/// A text, packed.
#[derive(Debug, Clone)]
pub(super) struct Packed {
    bytes: Box<[u8]>,
    examples: Arc<Examples>,
}

impl Likeness {
    /// Packs a text; none if nothing is gained by it.
    pub(super) fn pack(&self, text: &[u8]) -> Option<Packed> {
        if text.len() < SHORTEST {
            return None;
        }
        let mut examples = self.0.lock().examples.clone();
        let mut bytes = compress_with_dict(text, &examples.0);
        if bytes.len() > text.len() / ALIKE
            && let Some(with_this) = self.learn(text)
        {
            examples = with_this;
            bytes = compress_with_dict(text, &examples.0);
        }
        (bytes.len() < text.len() / 8 * 7).then(|| Packed { bytes: bytes.into(), examples })
    }

    /// Takes a text among the examples, if there is room for it or it is time for others.
    fn learn(&self, text: &[u8]) -> Option<Arc<Examples>> {
        if text.len() > ROOM {
            return None;
        }
        let mut learnt = self.0.lock();
        let held = &*learnt.examples.0;
        let examples = if held.len() + text.len() <= ROOM {
            [held, text].concat()
        } else if learnt.strangers + 1 < STRANGERS {
            learnt.strangers += 1;
            return None;
        } else {
            text.to_vec()
        };
        *learnt = Learnt { examples: Arc::new(Examples(examples.into())), strangers: 0 };
        Some(learnt.examples.clone())
    }
}

impl Packed {
    /// The text, of which the length is known.
    pub(super) fn unpacked(&self, length: usize) -> Vec<u8> {
        // What was packed above can be unpacked.
        decompress_with_dict(&self.bytes, length, &self.examples.0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::{Likeness, Packed, ROOM, STRANGERS};

    fn pack(likeness: &Likeness, text: &[u8]) -> Option<Packed> {
        let packed = likeness.pack(text);
        if let Some(packed) = &packed {
            assert_eq!(packed.unpacked(text.len()), text);
        }
        packed
    }

    /// Text of which no part comes again.
    fn strange(seed: u64, length: usize) -> Vec<u8> {
        let mut random = fastrand::Rng::with_seed(seed);
        std::iter::repeat_with(|| random.u8(b'0'..=b'Z')).take(length).collect()
    }

    fn pod(number: u64) -> Vec<u8> {
        let mut text = strange(0, 4000);
        text.extend(format!("pod-{number}").into_bytes());
        text
    }

    #[test]
    fn of_texts_that_are_alike_only_the_difference_is_kept() {
        let likeness = Likeness::default();
        for number in 0..10 {
            let packed = pack(&likeness, &pod(number)).unwrap();
            assert!(packed.bytes.len() < 100, "{}", packed.bytes.len());
        }
    }

    #[test]
    fn what_gains_nothing_is_not_packed() {
        let likeness = Likeness::default();
        assert!(pack(&likeness, b"").is_none());
        assert!(pack(&likeness, &[b'a'; 100]).is_none());
        assert!(pack(&likeness, &strange(1, 10 * ROOM)).is_none());
        // It is an example to itself, but not to others.
        assert!(pack(&likeness, &strange(2, ROOM)).is_some());
        assert!(pack(&likeness, &strange(3, ROOM)).is_none());
    }

    #[test]
    fn examples_that_nothing_is_like_any_more_make_room_for_others() {
        let likeness = Likeness::default();
        let early = pack(&likeness, &strange(1, ROOM)).unwrap();
        for _ in 1..STRANGERS {
            assert!(pack(&likeness, &pod(1)).is_none());
        }
        let late = pack(&likeness, &pod(1)).unwrap();
        assert!(pack(&likeness, &pod(2)).unwrap().bytes.len() < 100);
        assert!(!Arc::ptr_eq(&early.examples, &late.examples));
        // What was packed before needs those that it was packed with.
        assert_eq!(early.unpacked(ROOM), strange(1, ROOM));
    }

    proptest! {
        #[test]
        fn whatever_is_packed_is_unpacked_to_the_byte(
            texts in prop::collection::vec(("[a-d]{0,40}", 0_usize..60, prop::collection::vec(any::<u8>(), 0..600)), 0..40)
        ) {
            let likeness = Likeness::default();
            for (word, times, rest) in texts {
                let mut text = word.repeat(times).into_bytes();
                text.extend(rest);
                pack(&likeness, &text);
            }
        }
    }
}
