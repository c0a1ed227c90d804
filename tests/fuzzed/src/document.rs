use plimsoll_core::document::{Path, faults, parse_json, validate};
use serde_json::Value;

use crate::yaml;

/// How many faults are told of one document.
const MAX_FAULTS: usize = 200;

/// A document that is taken is taken again as its canonical form, from JSON and from YAML; one that is refused is told
/// its faults, each at a path and with a remedy.
pub fn document(bytes: &[u8]) {
    let _ = parse_json(bytes);
    for value in yaml::documents(bytes) {
        check(&value);
    }
}

fn check(value: &Value) {
    let told = match validate(value) {
        Ok(document) => {
            let canonical = document.to_value();
            let text = canonical.to_string();
            assert_eq!(parse_json(text.as_bytes()).as_ref(), Ok(&canonical), "read from JSON");
            assert_eq!(
                yaml::documents(text.as_bytes()),
                std::slice::from_ref(&canonical),
                "JSON read as YAML"
            );
            let again = validate(&canonical).expect("the canonical form is taken");
            assert_eq!((&again, again.to_value()), (&document, canonical));
            assert_eq!(faults(value), [], "there is a fault in what is taken");
            return;
        }
        Err(told) => told,
    };
    assert!((1..=MAX_FAULTS).contains(&told.len()), "{} faults", told.len());
    for fault in told.into_iter().chain(faults(value)) {
        assert!(!fault.message.is_empty() && !fault.remedy.is_empty(), "{fault:?}");
        let path: Path = fault.path.parse().expect("a fault has a path");
        assert_eq!(path.to_string(), fault.path);
    }
}
