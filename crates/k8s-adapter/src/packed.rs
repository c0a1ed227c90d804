//! JSON that is kept for long and looked at rarely.

use std::sync::Arc;

use plimsoll_core::digest::Digest;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value as JSON, compressed as soon as it is to be kept. Tens of thousands are held, for which the quick LZ4 takes a
/// third of the room of the text. Most events bring what is there already, which the digest tells without compressing
/// anything.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    /// Of the JSON.
    digest: Digest,
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Text(Vec<u8>),
    Compressed(Arc<[u8]>, Likeness),
}

/// What values of one sort have in common: the JSON of the first of them that was kept. What others share with it they
/// only point at, so that of ten thousand Deployments one is held as a whole and of the others what differs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Likeness(Option<Arc<[u8]>>);

/// As many bytes as most values have: room made in one step.
const USUAL: usize = 4096;
/// So much is looked at of what went before, with every value that is kept.
const LIKENESS: usize = 16 * 1024;

impl Packed {
    /// A value that is not to be kept yet; `None` for one that has no JSON form.
    pub(crate) fn of(value: &impl Serialize) -> Option<Self> {
        let mut text = Vec::with_capacity(USUAL);
        serde_json::to_writer(&mut text, value).ok()?;
        Some(Self { digest: Digest::of_bytes(&text), form: Form::Text(text) })
    }

    /// What tells it from others.
    pub(crate) fn digest(&self) -> Digest {
        self.digest
    }

    /// What is to be kept of it, where `before` was kept: that, if it is the same.
    pub(crate) fn keep(&mut self, before: Option<&Self>, likeness: &mut Likeness) {
        match (&self.form, before) {
            (_, Some(before)) if before == self => *self = before.clone(),
            (Form::Text(text), _) => {
                let like = likeness.0.get_or_insert_with(|| text[..text.len().min(LIKENESS)].into());
                let compressed = lz4_flex::block::compress_prepend_size_with_dict(text, like);
                self.form = Form::Compressed(compressed.into(), likeness.clone());
            }
            (Form::Compressed(..), _) => {}
        }
    }

    /// The value; `None` if it is not of that form.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(&self.text()?).ok()
    }

    /// The JSON of the value.
    pub(crate) fn text(&self) -> Option<String> {
        let text = match &self.form {
            Form::Text(text) => text.clone(),
            Form::Compressed(bytes, Likeness(like)) => {
                let like = like.as_deref().unwrap_or_default();
                lz4_flex::block::decompress_size_prepended_with_dict(bytes, like).ok()?
            }
        };
        String::from_utf8(text).ok()
    }
}

impl Default for Packed {
    /// Nothing.
    fn default() -> Self {
        Self { digest: Digest::of_bytes(&[]), form: Form::Text(Vec::new()) }
    }
}

impl PartialEq for Packed {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for Packed {}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn kept(value: &Value, before: Option<&Packed>, likeness: &mut Likeness) -> Packed {
        let mut packed = Packed::of(value).unwrap();
        packed.keep(before, likeness);
        assert_eq!(packed.read::<Value>().as_ref(), Some(value));
        packed
    }

    fn bytes(packed: &Packed) -> &Arc<[u8]> {
        match &packed.form {
            Form::Compressed(bytes, _) => bytes,
            Form::Text(_) => panic!("what is kept is compressed"),
        }
    }

    #[test]
    fn what_is_the_same_is_kept_once() {
        let (mut likeness, value) = (Likeness::default(), json!({"spec": "a"}));
        let packed = kept(&value, None, &mut likeness);
        let again = kept(&value, Some(&packed), &mut likeness);
        assert!(Arc::ptr_eq(bytes(&again), bytes(&packed)));
        let changed = kept(&json!({"spec": "b"}), Some(&packed), &mut likeness);
        assert_ne!(changed, packed);
        assert_eq!(Packed::default().read::<Value>(), None);
    }

    #[test]
    fn of_many_that_are_alike_one_is_kept_as_a_whole() {
        let mut likeness = Likeness::default();
        let settings: Value =
            (0..50).map(|n| json!({"name": format!("SETTING_{n}"), "value": n * n * 7919})).collect();
        let mut value = json!({"metadata": {"name": "app-0"}, "spec": settings});
        let text = value.to_string().len();
        kept(&value, None, &mut likeness);
        value["metadata"]["name"] = json!("app-1");
        value["spec"][20]["value"] = json!("another");
        let packed = kept(&value, None, &mut likeness);
        assert!(bytes(&packed).len() < text / 10, "{} of {text}", bytes(&packed).len());
        // What is like nothing that was before is kept as well.
        kept(&json!([1, 2, 3]), None, &mut likeness);
        kept(&json!("x".repeat(200_000)), None, &mut likeness);
    }
}
