//! Documents as people write them: YAML or JSON, with the line and column of everything in it.

mod files;
mod tree;

use std::collections::HashMap;
use std::fmt;

use plimsoll_api_rest::dto::Violation;
use plimsoll_core::document::{MAX_BYTES, Path};
use plimsoll_core::name::{AppRef, NamespaceName};
use serde_json::Value;

use crate::failure::{Failure, USAGE};

pub(crate) use files::{open, unread};

/// What a file is to hold, for whoever gives an empty one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// App documents.
    Apps,
    /// The grades of an installation.
    Grades,
}

impl Wanted {
    fn remedy(self) -> &'static str {
        match self {
            Self::Apps => "write an App document; `plimsoll show APP` prints the one of an app that is there",
            Self::Grades => {
                "write the grades, the most important first, as `plimsoll policy show -o yaml` and `plimsoll qos policy -o \
                 yaml` print them: grades: [{name: gold, qosClass: Guaranteed, cpu: 1, memory: 1, priority: 900000000}]"
            }
        }
    }
}

/// A document with where everything in it stands.
#[derive(Debug)]
pub(crate) struct Source {
    name: String,
    /// The line where it begins, if its file holds others too.
    begin: Option<usize>,
    value: Value,
    positions: HashMap<String, Position>,
}

/// Where something stands in a text; both are counted from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// A position with the name of its file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    name: &'a str,
    position: Position,
}

impl Place<'_> {
    /// Where in its file.
    pub(crate) fn position(&self) -> Position {
        self.position
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.name, self.position.line, self.position.column)
    }
}

impl Source {
    /// The documents of a text; at least one.
    fn parse(name: &str, bytes: Vec<u8>, wanted: Wanted) -> Result<Vec<Self>, Failure> {
        let text = String::from_utf8(bytes).map_err(|error| {
            let end = error.utf8_error().valid_up_to();
            no_text(name, error.as_bytes(), end)
        })?;
        if let Some(end) = text.find('\0') {
            return Err(no_text(name, text.as_bytes(), end));
        }
        let documents = tree::parse(&text).map_err(|faults| {
            let failure = Failure::new(USAGE, format!("{name} cannot be read"));
            faults.into_iter().fold(failure, |failure, tree::Fault { position, message, remedy }| {
                let Position { line, column } = position;
                failure.with(format!("{name}:{line}:{column}: {message} — {remedy}"))
            })
        })?;
        if documents.is_empty() {
            return Err(Failure::usage(format!("{name} holds no document")).with(wanted.remedy()));
        }
        let is_one_of_many = documents.len() > 1;
        let sources: Vec<Self> = documents
            .into_iter()
            .map(|tree::Tree { value, positions }| {
                let first = positions.get("").map(|position| position.line);
                Self { name: name.to_owned(), begin: first.filter(|_| is_one_of_many), value, positions }
            })
            .collect();
        // Only a text that is longer can hold one.
        if text.len() > MAX_BYTES
            && let Some(long) = sources.iter().find(|source| source.value.to_string().len() > MAX_BYTES)
        {
            return Err(Failure::usage(format!(
                "{} has more than 1 MiB, which no document has",
                long.title()
            )));
        }
        Ok(sources)
    }

    /// Its file, and the line where it begins if there are others in it.
    pub(crate) fn title(&self) -> String {
        match self.begin {
            Some(line) => format!("{}:{line}", self.name),
            None => self.name.clone(),
        }
    }

    /// Its file, for people.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it says of itself which Namespace it is of.
    pub(crate) fn names_its_namespace(&self) -> bool {
        self.value["metadata"]["namespace"].is_string()
    }

    /// What it says.
    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// Where `path` stands; for what is not there, where it would belong.
    pub(crate) fn place(&self, path: &str) -> Option<Place<'_>> {
        let mut path: Path = path.parse().ok()?;
        loop {
            if let Some(position) = self.positions.get(&path.to_string()) {
                return Some(Place { name: &self.name, position: *position });
            }
            path = path.parent()?;
        }
    }

    /// The App that it is of. One without a usable name is told all its faults at once.
    pub(crate) fn app(&self, namespace: Option<&NamespaceName>) -> Result<AppRef, Failure> {
        let said = |field: &str| self.value["metadata"][field].as_str();
        let own = said("namespace").and_then(|name| name.parse::<NamespaceName>().ok());
        if let (Some(own), Some(asked)) = (&own, namespace)
            && own != asked
        {
            let fault = Violation {
                path: "metadata.namespace".to_owned(),
                message: format!("is {own}, and {asked} was asked for"),
                remedy: "make the two agree".to_owned(),
                rule: None,
            };
            return Err(Failure::faults("the document is of another Namespace", &[fault], self));
        }
        let own_is_unusable = own.is_none() && !self.value["metadata"]["namespace"].is_null();
        let namespace = if own_is_unusable { None } else { own.or_else(|| namespace.cloned()) };
        match (namespace, said("name").and_then(|name| name.parse().ok())) {
            (Some(namespace), Some(name)) => Ok(AppRef { namespace, name }),
            _ => Err(self.faults()),
        }
    }

    fn faults(&self) -> Failure {
        let violations = plimsoll_core::document::faults(&self.value);
        let violations: Vec<_> = violations.into_iter().map(Violation::from).collect();
        let count = match violations.len() {
            1 => "1 fault".to_owned(),
            count => format!("{count} faults"),
        };
        Failure::faults(&format!("the document has {count}"), &violations, self)
    }
}

/// What is said of bytes that are text only up to `end`: where the first one stands that is none.
fn no_text(name: &str, bytes: &[u8], end: usize) -> Failure {
    let (text, rest) = bytes.split_at(end);
    let line = text.split(|byte| *byte == b'\n').count();
    let of_line = text.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    // Before the first byte that is none, all are whole characters.
    let column = 1 + String::from_utf8_lossy(of_line).chars().count();
    let remedy = match rest {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] if end == 0 => "this looks like UTF-16; save it as UTF-8",
        [0, ..] => "a byte is NUL, which no text has; name a YAML or JSON file",
        _ => "save it as UTF-8",
    };
    Failure::usage(format!("{name} is no UTF-8 text")).with(format!("{name}:{line}:{column}: {remedy}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn source(text: &str) -> Source {
        Source::parse("shop.yaml", text.as_bytes().to_vec(), Wanted::Apps).unwrap().remove(0)
    }

    fn failure(text: &[u8]) -> String {
        let failure = Source::parse("shop.yaml", text.to_vec(), Wanted::Apps).unwrap_err();
        assert_eq!(failure.exit(), USAGE);
        failure.lines().join("\n")
    }

    /// Pieces of which YAML is made, and of which its traps are.
    fn mk_text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            prop::sample::select(vec![
                "a: ",
                "- ",
                "\n",
                "\n  ",
                "\n    ",
                "\t",
                "---\n",
                "...\n",
                "{",
                "}",
                "[",
                "]",
                ",",
                ": ",
                "? ",
                "|\n",
                ">-\n",
                "'",
                "\"",
                "\\u00",
                "\\x",
                "&a ",
                "*a",
                "<<: ",
                "!!str ",
                "!<",
                "%YAML 1.2\n",
                "# x",
                "\r",
                "\u{feff}",
                "\u{85}",
                "\u{2028}",
                "metadata: ",
                "spec: ",
                "1e999",
                ".nan",
                "0x",
                "~",
            ])
            .prop_map(str::to_owned),
            "\\PC{0,3}",
            any::<char>().prop_map(String::from),
        ];
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        /// Whatever a file holds: documents in which everything has a place in it, or faults that each have one.
        #[test]
        fn any_text_is_read_or_refused_with_the_place(text in mk_text()) {
            let lines = text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count() + 1;
            match tree::parse(&text) {
                Ok(documents) => for tree::Tree { positions, .. } in documents {
                    for Position { line, column } in positions.into_values() {
                        prop_assert!((1..=lines).contains(&line) && column >= 1, "{line}:{column} in {text:?}");
                    }
                },
                Err(faults) => {
                    prop_assert!(!faults.is_empty());
                    for tree::Fault { position: Position { line, column }, message, remedy } in faults {
                        prop_assert!((1..=lines).contains(&line) && column >= 1, "{line}:{column} in {text:?}");
                        prop_assert!(!message.is_empty() && !remedy.is_empty());
                    }
                }
            }
            // The same as bytes: whoever is told of a fault is told the file, and a place unless there is nothing.
            if let Err(failure) = Source::parse("shop.yaml", text.into_bytes(), Wanted::Apps) {
                let lines = failure.lines();
                prop_assert!(lines.len() > 1 && lines.iter().all(|line| !line.is_empty()), "{lines:?}");
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Err(failure) = Source::parse("shop.yaml", bytes, Wanted::Apps) {
                prop_assert_eq!(failure.exit(), USAGE);
            }
        }
    }

    #[test]
    fn what_is_missing_is_placed_where_it_would_belong() {
        let source = source("spec:\n  ports:\n    - name: http\n      port: 80\n    - port: 81\n");
        let place = |path: &str| source.place(path).unwrap().to_string();
        assert_eq!(place("spec.ports[0].port"), "shop.yaml:4:7");
        assert_eq!(place("spec.ports[1].name"), "shop.yaml:5:7");
        assert_eq!(place("spec.image"), "shop.yaml:1:1");
        assert_eq!(place("metadata.name"), "shop.yaml:1:1");
        assert_eq!(source.place("no path at all"), None);
    }

    #[test]
    fn an_app_is_named_by_its_document_and_the_command_line_together() {
        let demo: NamespaceName = "demo".parse().unwrap();
        let named = source("metadata: {name: shop}");
        assert_eq!(named.app(Some(&demo)).unwrap().to_string(), "demo/shop");
        let full = source("metadata: {name: shop, namespace: demo}");
        assert_eq!(full.app(None).unwrap().to_string(), "demo/shop");
        assert_eq!(full.app(Some(&"prod".parse().unwrap())).unwrap_err().exit(), USAGE);
        assert_eq!(named.app(None).unwrap_err().exit(), USAGE);
        assert_eq!(
            source("metadata: {name: Shop, namespace: 7}").app(Some(&demo)).unwrap_err().exit(),
            USAGE
        );
    }

    #[test]
    fn what_is_too_long_or_no_text_is_refused() {
        let long = format!("a: 1\n---\nb: {}\n", "x".repeat(MAX_BYTES));
        assert_eq!(failure(long.as_bytes()), "shop.yaml:3 has more than 1 MiB, which no document has");
        for (bytes, place, remedy) in [
            (&b"a: \xff"[..], "1:4", "save it as UTF-8"),
            ("ä: 1\r\nb: ü".as_bytes().strip_suffix(&[0xbc]).unwrap(), "2:4", "save it as UTF-8"),
            (b"\xff\xfea\0:\0 \x001\0", "1:1", "this looks like UTF-16; save it as UTF-8"),
            (b"\x7fELF\x02\0", "1:6", "a byte is NUL, which no text has; name a YAML or JSON file"),
        ] {
            assert_eq!(failure(bytes), format!("shop.yaml is no UTF-8 text\nshop.yaml:{place}: {remedy}"));
        }
    }
}
