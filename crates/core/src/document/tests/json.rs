//! JSON from outside, and paths into it.

use serde_json::json;

use super::super::{MAX_BYTES, MAX_DEPTH, Path, Segment, parse_json};

fn told(text: &str) -> Vec<String> {
    let faults = parse_json(text.as_bytes()).expect_err(text);
    faults.iter().map(|f| format!("{}: {}; {}", f.path, f.message, f.remedy)).collect()
}

#[test]
fn json_is_read_as_it_is() {
    let text = r#"{"a": [1, -1, 1.5, "x", true, null, {}], "b": 18446744073709551615}"#;
    assert_eq!(
        parse_json(text.as_bytes()),
        Ok(json!({"a": [1, -1, 1.5, "x", true, null, {}], "b": u64::MAX}))
    );
}

#[test]
fn doubled_keys_are_all_told_with_their_places() {
    assert_eq!(
        told(r#"{"a": 1, "b": {"c": 1, "c": 2}, "a": [{"d.e": 1, "d.e": 2}]}"#),
        [
            "b.c: this key appears twice; keep one of the two",
            "a[0][\"d.e\"]: this key appears twice; keep one of the two",
            "a: this key appears twice; keep one of the two",
        ]
    );
}

#[test]
fn depth_and_length_are_bounded() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse_json(nested(MAX_DEPTH).as_bytes()).is_ok());
    let place = "[0]".repeat(MAX_DEPTH);
    let fault = format!(
        "{place}: the document is nested deeper than 32; no field of an App lies that deep; leave it out"
    );
    assert_eq!(told(&nested(MAX_DEPTH + 1)), [fault.as_str()]);
    assert_eq!(told(&nested(100_000)), [fault.as_str()]);
    let long = format!("\"{}\"", "x".repeat(MAX_BYTES));
    assert_eq!(
        told(&long),
        [
            ": the document has 1048578 bytes, 1048576 at most; keep large files out of the document: in the image, or in a volume"
        ]
    );
    assert!(parse_json(format!("\"{}\"", "x".repeat(MAX_BYTES - 2)).as_bytes()).is_ok());
}

#[test]
fn what_is_no_json_says_where() {
    assert_eq!(
        told("{\"a\": 1"),
        [
            ": the document is no JSON: EOF while parsing an object at line 1 column 7; the end is missing: close every brace, bracket and quote"
        ]
    );
    assert_eq!(
        told("{} {}"),
        [": the document is no JSON: trailing characters at line 1 column 4; correct the text at that place"]
    );
    assert_eq!(told("{\"a\": 1e999}").len(), 1);
    assert_eq!(told("").len(), 1);
    assert!(parse_json(b"\"\xff\"").is_err());
}

#[test]
fn paths_print_and_read_back() {
    let table = [
        (Path::root(), ""),
        (Path::root().field("spec").field("ports").index(0).field("name"), "spec.ports[0].name"),
        (Path::root().field("metadata").field("labels").field("a.b/c"), "metadata.labels[\"a.b/c\"]"),
        (Path::root().field("a\"]\n").index(1).index(2), "[\"a\\\"]\\n\"][1][2]"),
        (Path::root().field("").field("x"), "[\"\"].x"),
    ];
    for (path, text) in table {
        assert_eq!(path.to_string(), text);
        assert_eq!(text.parse(), Ok(path));
    }
    for text in [".a", "a.", "a..b", "a[", "a[x]", "a[1", "a[\"b]", "a b", "a]"] {
        assert!(text.parse::<Path>().is_err(), "{text}");
    }
    let path: Path = "spec.ports[3]".parse().unwrap();
    assert_eq!(path.segments().last(), Some(&Segment::Index(3)));
    assert_eq!(path.parent().unwrap().to_string(), "spec.ports");
    assert_eq!(Path::root().parent(), None);
}
