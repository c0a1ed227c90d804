//! The `pod-template-hash` of a template.

use crate::tree::Value;

/// Letters and digits that form no words, as in pod names.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// A short name for a template: equal templates get equal names. `collisions` makes another one when a
/// ReplicaSet of that name holds another template.
pub(super) fn of(template: &Value, collisions: i64) -> String {
    let mut hash: u32 = 0x811c_9dc5;
    let text = template.to_string();
    let salt = if collisions > 0 { collisions.to_string() } else { String::new() };
    for byte in text.bytes().chain(salt.bytes()) {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    hash.to_string().bytes().map(|digit| char::from(ALPHABET[usize::from(digit) % ALPHABET.len()])).collect()
}
