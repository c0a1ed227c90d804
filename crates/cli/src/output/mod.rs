//! How answers are written: data on standard output, everything else on standard error.

mod describe;
mod table;
mod text;

use std::fmt::Write as _;
use std::io::{self, Write as _};

use serde_json::Value;

use crate::arguments::Format;
use crate::failure::{FAILED, Failure};

pub(crate) use describe::{describe, leaving, sold};
pub(crate) use table::Table;
pub(crate) use text::{age, bytes, clean, seconds};

/// Writes `text` with a line end to standard output. A reader that went away is no failure of ours.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::new(FAILED, format!("the answer cannot be written: {error}"))),
    }
}

/// Writes something worth knowing to standard error.
pub(crate) fn note(text: &str) {
    eprintln!("note: {}", clean(text));
}

/// Writes each of these to standard error.
pub(crate) fn note_all(texts: &[String]) {
    for text in texts {
        note(text);
    }
}

/// Prints an answer in a form for programs; `None` where a form for people is asked for.
pub(crate) fn structured(format: Format, value: &Value) -> Option<Result<(), Failure>> {
    match format {
        Format::Json => Some(print(&json(value))),
        Format::Yaml => Some(yaml(value).and_then(|text| print(text.trim_end()))),
        Format::Table | Format::Wide | Format::Name => None,
    }
}

/// JSON in which no character can steer a terminal: what the format lets pass as it is gets escaped.
fn json(value: &Value) -> String {
    let mut text = String::new();
    for c in format!("{value:#}").chars() {
        if c != '\n' && text::steers(c) {
            // Writing to a String cannot fail.
            let _ = write!(text, "\\u{:04x}", u32::from(c));
        } else {
            text.push(c);
        }
    }
    text
}

fn yaml(value: &Value) -> Result<String, Failure> {
    let cleaned = cleaned(value);
    // An image with its digest is longer than most lines, and is looked for by its line.
    let options = serde_saphyr::ser_options! { folded_wrap_chars: usize::MAX };
    serde_saphyr::to_string_with_options(&cleaned, options).map_err(|error| {
        Failure::new(FAILED, format!("the answer cannot be written as YAML: {error}; try -o json"))
    })
}

/// YAML escapes what steers a terminal in some styles and not in others, so it is taken out.
fn cleaned(value: &Value) -> Value {
    match value {
        Value::String(text) => {
            Value::String(text.chars().filter(|c| *c == '\n' || !text::steers(*c)).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(cleaned).collect()),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, value)| (clean(key), cleaned(value))).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_answer_steers_the_terminal() {
        let evil = json!({"a\u{1b}[2J": "x\u{9b}31m\u{1b}]0;t\u{7}\u{202e}y\nz\t\u{7f}"});
        let bare = |text: &str| !text.chars().any(|c| c != '\n' && text::steers(c));
        let text = json(&evil);
        assert!(bare(&text), "{text:?}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), evil);
        let text = yaml(&evil).unwrap();
        assert!(bare(&text), "{text:?}");
    }

    #[test]
    fn yaml_is_read_back_as_it_was() {
        let value = json!({"spec": {
            "env": {"A": "yes", "B": "0644", "C": "null", "D": "1e3", "E": "", "F": " x ", "G": "a: b # c", "H": "~",
                "I": "- x", "J": "{", "K": "true", "L": "0x10", "M": "8080", "N": "*a", "O": "&a", "P": "!a", "Q": "<<"},
            "files": [{"content": "[a]\nb = \"c\"\n\n  d\n"}, {"content": "no end"}, {"content": "\n"}],
            "n": [0, -1, 1.5, true, null, [], {}],
        }});
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        std::fs::write(&path, yaml(&value).unwrap()).unwrap();
        assert_eq!(
            crate::document::open(&[path], crate::document::Wanted::Apps).unwrap()[0].value(),
            &value,
            "{}",
            yaml(&value).unwrap()
        );
    }
}
