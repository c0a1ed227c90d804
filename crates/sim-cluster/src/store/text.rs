//! The JSON of an object, laid out so that lists and partial forms are parts of it.

use std::ops::Range;

use bytes::Bytes;

use crate::tree::Value;

/// An object as compact JSON: `kind` and `apiVersion` come first and `metadata` next, as a real server writes them.
#[derive(Debug, Clone)]
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

    /// Whether the object says that it is of this version and kind.
    pub(super) fn is_of(&self, kind: &str, api_version: &str) -> bool {
        self.bytes.get(..self.tail.saturating_sub(1)) == Some(&head(kind, api_version)[..])
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
        // Neither a tree nor memory refuses to be written.
        let _ = serde_json::to_writer(&mut self.bytes, value);
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

    use super::Text;

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
        assert!(whole.is_of("ConfigMap", "v1") && !whole.is_of("ConfigMap", "v1beta1"));
    }

    #[test]
    fn another_version_differs_in_the_version_alone() {
        let object = json!({"apiVersion": "a/v1", "kind": "K", "metadata": {"name": "x"}, "spec": {}});
        let mut expected = object.clone();
        expected["apiVersion"] = "a/v1beta2".into();
        let converted = Text::of(&object).converted("K", "a/v1beta2");
        assert_eq!(converted.parsed(), expected);
        assert_eq!(text(converted.metadata()), r#"{"name":"x"}"#);
        assert!(converted.is_of("K", "a/v1beta2"));
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
    }
}
