use proptest::prelude::*;

use super::{Reader, WireError, WireTypes, WireValue};
use crate::tree::json;

/// A field of bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u8::try_from(bytes.len()).unwrap();
    [&[number << 3 | 2, length], bytes].concat()
}

/// A field that is a number.
fn number(at: u8, value: u8) -> Vec<u8> {
    vec![at << 3, value]
}

fn read(kind: &str, bytes: &[u8]) -> Result<crate::tree::Value, WireError> {
    WireTypes::recorded().object("v1", kind, bytes)
}

#[test]
fn what_go_writes_without_being_told_is_left_out_and_what_is_set_to_zero_is_kept() {
    // Name, generateName and namespace; grace period, a pointer.
    let metadata = [field(1, b"a"), field(2, b""), field(3, b""), number(10, 0), field(8, b"")].concat();
    let pod = field(1, &metadata);
    assert_eq!(
        read("Pod", &pod).unwrap(),
        json!({"metadata": {"name": "a", "deletionGracePeriodSeconds": 0}})
    );
}

#[test]
fn each_type_becomes_what_it_is_in_json() {
    let entry = |key: &[u8], value: &[u8]| [field(1, key), field(2, value)].concat();
    let quantity = field(1, b"100m");
    let resources = field(1, &entry(b"cpu", &quantity));
    let env = [field(1, b"A"), field(2, b"")].concat();
    let port = [field(1, b"web"), vec![3 << 3, 0x90, 0x3f]].concat();
    let handler = field(2, &[field(1, b"/"), field(2, &[number(1, 1), field(3, b"web")].concat())].concat());
    let probe = [field(1, &handler), number(2, 5)].concat();
    let container = [
        field(1, b"main"),
        field(4, b""),
        field(6, &port),
        field(7, &env),
        field(8, &resources),
        field(10, &probe),
    ];
    let volume = [field(1, b"v"), field(2, &field(2, b""))].concat();
    let spec = [field(1, &volume), field(2, &container.concat())].concat();
    let expected = json!({"spec": {
        "volumes": [{"name": "v", "emptyDir": {}}],
        "containers": [{
            "name": "main",
            "args": [""],
            "ports": [{"name": "web", "containerPort": 8080}],
            "env": [{"name": "A"}],
            "resources": {"limits": {"cpu": "100m"}},
            "livenessProbe": {"httpGet": {"path": "/", "port": "web"}, "initialDelaySeconds": 5},
        }],
    }});
    assert_eq!(read("Pod", &field(2, &spec)).unwrap(), expected);
    let secret = [field(2, &entry(b"k", b"\xff")), field(1, &field(8, &[8, 1]))].concat();
    let expected = json!({"data": {"k": "/w=="}, "metadata": {"creationTimestamp": "1970-01-01T00:00:01Z"}});
    assert_eq!(read("Secret", &secret).unwrap(), expected);
}

#[test]
fn what_is_no_message_is_refused_in_the_words_of_go() {
    let cases: [(&[u8], &str); 9] = [
        (b"\x0a\x09\x0a", "unexpected EOF"),
        (b"\x0a", "unexpected EOF"),
        (b"\x08\x01", "proto: wrong wireType = 0 for field ObjectMeta"),
        (b"\x0c", "proto: ConfigMap: wiretype end group for non-group"),
        (b"\x00\x01", "proto: ConfigMap: illegal tag 0 (wire type 0)"),
        (b"\x7f\x01", "proto: illegal wireType 7"),
        (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "proto: negative length found during unmarshaling"),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "proto: integer overflow"),
        (b"\xf3\x01\xf3\x01\xf4\x01", "unexpected EOF"),
    ];
    for (bytes, why) in cases {
        assert_eq!(read("ConfigMap", bytes).unwrap_err().to_string(), why, "{bytes:?}");
    }
}

#[test]
fn fields_that_are_not_known_are_passed_over() {
    // A group in a group, a number of four bytes, one of eight.
    let bytes = b"\xf3\x01\xf3\x01\xf4\x01\xf4\x01\xf5\x01abcd\xf1\x01abcdefgh\x20\x01";
    assert_eq!(read("ConfigMap", bytes).unwrap(), json!({"immutable": true}));
}

#[test]
fn nesting_has_a_bound() {
    // `not`: a schema in a schema.
    let nested =
        |deep| (0..deep).fold(Vec::new(), |inner, _| [b"\xe2\x01", &*length(inner.len()), &inner].concat());
    let read = |deep| {
        // The schema of a version of the spec.
        let definition = [1_u8, 4, 7, 2]
            .iter()
            .fold(nested(deep), |inner, number| [&[number << 3 | 2], &*length(inner.len()), &inner].concat());
        WireTypes::recorded().object("apiextensions.k8s.io/v1", "CustomResourceDefinition", &definition)
    };
    read(90).unwrap();
    assert_eq!(read(2_000).unwrap_err().to_string(), "nested too deep");
}

fn length(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap());
    bytes
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for (api_version, kind) in [
            ("v1", "Pod"),
            ("apps/v1", "Deployment"),
            ("policy/v1", "Eviction"),
            ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        ] {
            let _ = WireTypes::recorded().object(api_version, kind, &bytes);
        }
        let mut reader = Reader::new(&bytes);
        while let Ok(Some((_, value))) = reader.field("any") {
            prop_assert!(!matches!(value, WireValue::Other(4)));
        }
    }
}
