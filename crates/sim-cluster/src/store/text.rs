//! The JSON of an object, laid out so that lists and partial forms are parts of it.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::packed::{Likeness, Packed};
use crate::tree::{self, Value};

/// What stands behind `kind` and `apiVersion`, before the value of `metadata`.
const METADATA: &str = "\"metadata\":";

/// An object as compact JSON: `kind` and `apiVersion` come first and `metadata` next, as a real server writes them.
#[derive(Debug, Clone)]
#[cfg_attr(test, derive(PartialEq))]
pub(super) struct Text {
    bytes: Bytes,
    /// Where what follows `kind` and `apiVersion` begins.
    tail: usize,
    /// Where the value of `metadata` lies; empty when there is none.
    metadata: Range<usize>,
}

impl Text {
    pub(super) fn of(object: &Value) -> Self {
        let mut out = Writer { bytes: Vec::with_capacity(8192), fields: 0 };
        let fields = object.as_object();
        let get = |name: &str| fields.and_then(|fields| fields.get(name));
        for name in ["kind", "apiVersion"] {
            if let Some(value) = get(name) {
                out.field(name, value);
            }
        }
        let separated = usize::from(out.fields > 0 && fields.is_some_and(|held| held.len() > out.fields));
        let tail = out.start() + separated;
        let metadata = get("metadata").map_or(0..0, |value| out.field("metadata", value));
        for (name, value) in fields.into_iter().flatten() {
            if !matches!(name.as_str(), "kind" | "apiVersion" | "metadata") {
                out.field(name, value);
            }
        }
        Self { bytes: out.end(), tail, metadata }
    }

    /// All of it.
    pub(super) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The fields behind `kind` and `apiVersion`, with the closing brace and without an opening one.
    pub(super) fn tail(&self) -> &[u8] {
        self.bytes.get(self.tail..).unwrap_or_default()
    }

    /// The value of `metadata`; empty when there is none.
    pub(super) fn metadata(&self) -> &[u8] {
        self.bytes.get(self.metadata.clone()).unwrap_or_default()
    }

    /// `kind` and `apiVersion`, with the opening brace.
    fn head(&self) -> &[u8] {
        self.bytes.get(..self.tail.saturating_sub(1)).unwrap_or_default()
    }

    /// The same object in another version of its kind.
    pub(super) fn converted(&self, kind: &str, api_version: &str) -> Self {
        let mut bytes = head(kind, api_version);
        if self.tail() != b"}" {
            bytes.push(b',');
        }
        let tail = bytes.len();
        bytes.extend_from_slice(self.tail());
        let moved = |at: usize| if at == 0 { 0 } else { at + tail - self.tail };
        let metadata = moved(self.metadata.start)..moved(self.metadata.end);
        Self { bytes: Bytes::from(bytes.into_boxed_slice()), tail, metadata }
    }

    /// The object as a tree.
    pub(super) fn parsed(&self) -> Value {
        // What was written above can be read.
        serde_json::from_slice(&self.bytes).unwrap_or_default()
    }
}

/// A text that is kept with a stored object: as it is at first, and packed once the object is looked at no more.
#[derive(Debug)]
pub(super) struct Kept {
    head: Arc<[u8]>,
    length: u32,
    /// Where the value of `metadata` ends; zero when there is none.
    metadata_end: u32,
    form: Mutex<Form>,
}

#[derive(Debug)]
enum Form {
    Plain(Bytes),
    Packed(Packed),
}

/// What the texts of one table have in common.
#[derive(Debug, Default)]
pub(super) struct Alike {
    /// Of each version in which there are objects.
    heads: Mutex<Vec<Arc<[u8]>>>,
    likeness: Likeness,
}

impl Alike {
    fn head(&self, head: &[u8]) -> Arc<[u8]> {
        let mut heads = self.heads.lock();
        if let Some(held) = heads.iter().find(|held| ***held == *head) {
            return held.clone();
        }
        let head: Arc<[u8]> = head.into();
        heads.push(head.clone());
        head
    }
}

impl Kept {
    pub(super) fn new(text: Text, alike: &Alike) -> Self {
        Self {
            head: alike.head(text.head()),
            // None comes near to this, for requests have a bound.
            length: u32::try_from(text.bytes.len()).unwrap_or(u32::MAX),
            metadata_end: u32::try_from(text.metadata.end).unwrap_or(u32::MAX),
            form: Mutex::new(Form::Plain(text.bytes)),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.length as usize
    }

    /// The text as it is.
    pub(super) fn text(&self) -> Text {
        let tail = self.head.len() + 1;
        let metadata = match self.metadata_end {
            0 => 0..0,
            end => tail + METADATA.len()..end as usize,
        };
        let bytes = match &*self.form.lock() {
            Form::Plain(bytes) => bytes.clone(),
            Form::Packed(packed) => packed.unpacked(self.len()).into(),
        };
        Text { bytes, tail, metadata }
    }

    /// Whether the object says that it is of this version and kind.
    pub(super) fn is_of(&self, kind: &str, api_version: &str) -> bool {
        *self.head == *head(kind, api_version)
    }

    #[cfg(test)]
    pub(super) fn is_packed(&self) -> bool {
        matches!(&*self.form.lock(), Form::Packed(_))
    }

    /// Packs it, unless it is packed or nothing is gained by that.
    pub(super) fn pack(&self, alike: &Alike) {
        let mut form = self.form.lock();
        if let Form::Plain(bytes) = &*form
            && let Some(packed) = alike.likeness.pack(bytes)
        {
            *form = Form::Packed(packed);
        }
    }
}

/// `{"kind":…,"apiVersion":…`
fn head(kind: &str, api_version: &str) -> Vec<u8> {
    let mut out = Writer { bytes: Vec::new(), fields: 0 };
    out.field("kind", &kind.into());
    out.field("apiVersion", &api_version.into());
    out.bytes
}

struct Writer {
    bytes: Vec<u8>,
    fields: usize,
}

impl Writer {
    /// Writes one field; the answer is where its value lies.
    fn field(&mut self, name: &str, value: &Value) -> Range<usize> {
        self.bytes.push(if self.fields == 0 { b'{' } else { b',' });
        self.fields += 1;
        self.value(&name.into());
        self.bytes.push(b':');
        let start = self.bytes.len();
        self.value(value);
        start..self.bytes.len()
    }

    fn value(&mut self, value: &Value) {
        tree::write(value, &mut self.bytes);
    }

    /// Where the next field begins.
    fn start(&self) -> usize {
        self.bytes.len().max(1)
    }

    fn end(mut self) -> Bytes {
        if self.fields == 0 {
            self.bytes.push(b'{');
        }
        self.bytes.push(b'}');
        // A copy takes no more than it needs; what has grown while it was written would keep its room.
        Bytes::copy_from_slice(&self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use crate::tree::{Value, json};
    use proptest::prelude::*;

    use super::{Alike, Kept, Text};

    fn kept(object: &Value, alike: &Alike) -> Kept {
        Kept::new(Text::of(object), alike)
    }

    fn text(bytes: &[u8]) -> &str {
        std::str::from_utf8(bytes).unwrap()
    }

    #[test]
    fn the_parts_of_an_object_are_parts_of_its_text() {
        let object =
            json!({"apiVersion": "v1", "data": {"a": "1"}, "kind": "ConfigMap", "metadata": {"name": "x"}});
        let whole = Text::of(&object);
        assert_eq!(
            text(whole.bytes()),
            r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"x"},"data":{"a":"1"}}"#
        );
        assert_eq!(text(whole.tail()), r#""metadata":{"name":"x"},"data":{"a":"1"}}"#);
        assert_eq!(text(whole.metadata()), r#"{"name":"x"}"#);
        let kept = Kept::new(whole, &Alike::default());
        assert!(kept.is_of("ConfigMap", "v1") && !kept.is_of("ConfigMap", "v1beta1"));
    }

    #[test]
    fn another_version_differs_in_the_version_alone() {
        let object = json!({"apiVersion": "a/v1", "kind": "K", "metadata": {"name": "x"}, "spec": {}});
        let mut expected = object.clone();
        expected["apiVersion"] = "a/v1beta2".into();
        let converted = Text::of(&object).converted("K", "a/v1beta2");
        assert_eq!(converted.parsed(), expected);
        assert_eq!(text(converted.metadata()), r#"{"name":"x"}"#);
        assert!(Kept::new(converted, &Alike::default()).is_of("K", "a/v1beta2"));
    }

    #[test]
    fn objects_that_lack_something_are_read_back() {
        for object in [
            json!({}),
            json!({"kind": "K"}),
            json!({"kind": "K", "apiVersion": "v1"}),
            json!({"metadata": {}}),
            json!({"spec": 1}),
        ] {
            let whole = Text::of(&object);
            assert_eq!(whole.parsed(), object);
            assert_eq!(kept(&object, &Alike::default()).text(), whole);
            let mut expected = object.clone();
            expected["kind"] = "K".into();
            expected["apiVersion"] = "v2".into();
            assert_eq!(whole.converted("K", "v2").parsed(), expected, "{object}");
        }
    }

    fn tree() -> impl Strategy<Value = Value> {
        crate::tree::tests::plain().prop_map(Value::from)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(spec in tree(), metadata in tree()) {
            let object = json!({"kind": "K", "apiVersion": "v1", "metadata": metadata, "spec": spec});
            prop_assert_eq!(Text::of(&object).parsed(), object);
        }

        #[test]
        fn what_is_packed_is_the_same_text_with_the_same_parts(
            objects in prop::collection::vec((tree(), tree()), 1..12)
        ) {
            let alike = Alike::default();
            for (spec, metadata) in objects {
                let notes = "the same of all of them, ".repeat(20);
                let object = json!({"kind": "K", "metadata": metadata, "notes": notes, "spec": spec});
                let kept = kept(&object, &alike);
                let plain = kept.text();
                kept.pack(&alike);
                prop_assert!(kept.is_packed());
                prop_assert_eq!(kept.text(), plain);
            }
        }
    }
}
