//! JSON that is kept for long and looked at rarely.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value as compressed JSON. Tens of thousands are held, for which the quick LZ4 takes a third of the room of the
/// text; equal values are equal bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Packed(Arc<[u8]>);

impl Packed {
    /// Packs a value; `None` for one that has no JSON form.
    pub(crate) fn of(value: &impl Serialize) -> Option<Self> {
        let text = serde_json::to_vec(value).ok()?;
        Some(Self(lz4_flex::compress_prepend_size(&text).into()))
    }

    /// The value; `None` if it is not of that form.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(&self.text()?).ok()
    }

    /// The JSON of the value.
    pub(crate) fn text(&self) -> Option<String> {
        String::from_utf8(lz4_flex::decompress_size_prepended(&self.0).ok()?).ok()
    }

    /// Whether both are the same in memory, and so need not be compared.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_is_packed_is_read_again_and_equal_values_are_equal() {
        let value = json!({"spec": {"text": "again and ".repeat(100)}});
        let packed = Packed::of(&value).unwrap();
        assert_eq!(packed.read::<Value>(), Some(value.clone()));
        assert_eq!(packed, Packed::of(&value).unwrap());
        assert!(packed.is(&packed.clone()) && !packed.is(&Packed::of(&value).unwrap()));
        assert!(packed.0.len() < value.to_string().len() / 3);
        assert_eq!(Packed::default().read::<Value>(), None);
    }
}
