//! YAML, of which a document may use what JSON has too: no anchors and aliases, no tags, no merge keys, no key
//! twice. A text may hold several documents.
//!
//! It works on the parser's events rather than on a finished tree, which would have lost all of these.

use std::borrow::Cow;
use std::collections::HashMap;

use plimsoll_core::document::{MAX_DEPTH, Path};
use saphyr::Scalar;
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};
use serde_json::{Map, Number, Value};

use super::Position;

/// What keeps a text from being read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) position: Position,
    pub(super) message: String,
    pub(super) remedy: &'static str,
}

/// How many documents are taken at once, in one text or in several.
pub(super) const MAX_DOCUMENTS: usize = 100;

/// How many faults are told; a text with more is most likely no YAML at all.
const MAX_FAULTS: usize = 20;

/// What a document says, and where.
#[derive(Debug, PartialEq)]
pub(super) struct Tree {
    pub(super) value: Value,
    pub(super) positions: HashMap<String, Position>,
}

/// Reads the documents of a text; there may be none, only comments perhaps.
pub(super) fn parse(text: &str) -> Result<Vec<Tree>, Vec<Fault>> {
    let mut reader =
        Reader { parser: Parser::new_from_str(text), faults: Vec::new(), positions: HashMap::new() };
    match reader.stream() {
        Ok(documents) if reader.faults.is_empty() => Ok(documents),
        Ok(_) | Err(Stop) => {
            reader.faults.truncate(MAX_FAULTS);
            Err(reader.faults)
        }
    }
}

/// Reading cannot go on; why is among the faults.
struct Stop;

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    faults: Vec<Fault>,
    positions: HashMap<String, Position>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Position), Stop> {
        match self.parser.next() {
            Some(Ok((event, Span { start, .. }))) => Ok((event, position(&start))),
            Some(Err(error)) => Err(self.syntax(&error)),
            // The parser says when it has ended, and nobody asks after that.
            None => Ok((Event::StreamEnd, Position { line: 1, column: 1 })),
        }
    }

    fn syntax(&mut self, error: &ScanError) -> Stop {
        let remedy = "look at the indentation, the quotes and the brackets here and just before";
        self.fault(position(error.marker()), format!("this is no YAML: {}", error.info()), remedy);
        Stop
    }

    fn fault(&mut self, position: Position, message: impl Into<String>, remedy: &'static str) {
        self.faults.push(Fault { position, message: message.into(), remedy });
    }

    fn stream(&mut self) -> Result<Vec<Tree>, Stop> {
        let mut documents = Vec::new();
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(documents),
                (Event::DocumentStart(_), begin) => {
                    let (event, position) = self.next()?;
                    // A `---` with nothing behind it says nothing.
                    if is_nothing(&event) {
                        continue;
                    }
                    if documents.len() == MAX_DOCUMENTS {
                        let message = format!("this is more than {MAX_DOCUMENTS} documents");
                        self.fault(begin, message, "apply them in several goes");
                        return Err(Stop);
                    }
                    let value = self.node(&Path::root(), 1, event, position)?;
                    documents.push(Tree { value, positions: std::mem::take(&mut self.positions) });
                }
                _ => {}
            }
        }
    }

    /// The value that begins with `event`.
    fn node(
        &mut self,
        path: &Path,
        depth: usize,
        event: Event<'a>,
        position: Position,
    ) -> Result<Value, Stop> {
        // The place of a key, noted before, is where people look for its value.
        self.positions.entry(path.to_string()).or_insert(position);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.plain_only(position, anchor, tag.as_deref());
                Ok(self.scalar(text, style, position))
            }
            Event::SequenceStart(anchor, tag) => {
                self.plain_only(position, anchor, tag.as_deref());
                self.enter(depth, position)?;
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => return Ok(Value::Array(items)),
                        (event, position) => {
                            items.push(self.node(&path.index(items.len()), depth + 1, event, position)?);
                        }
                    }
                }
            }
            Event::MappingStart(anchor, tag) => {
                self.plain_only(position, anchor, tag.as_deref());
                self.enter(depth, position)?;
                self.mapping(path, depth)
            }
            Event::Alias(_) => {
                self.fault(position, "aliases are not read", "write the value out where it is meant");
                Ok(Value::Null)
            }
            _ => {
                self.fault(position, "a value is missing", "give one, or leave the key out");
                Err(Stop)
            }
        }
    }

    fn mapping(&mut self, path: &Path, depth: usize) -> Result<Value, Stop> {
        let mut map = Map::new();
        loop {
            let (key, at) = match self.next()? {
                (Event::MappingEnd, _) => return Ok(Value::Object(map)),
                (Event::Scalar(key, style, anchor, tag), at) => {
                    self.plain_only(at, anchor, tag.as_deref());
                    if style == ScalarStyle::Plain && key == "<<" {
                        self.fault(
                            at,
                            "merge keys are not read",
                            "write the fields out where they are meant",
                        );
                    }
                    (key.into_owned(), at)
                }
                (_, at) => {
                    self.fault(at, "a key is no plain text", "give a name as the key");
                    return Err(Stop);
                }
            };
            let below = path.field(key.as_str());
            let twice = map.contains_key(&key);
            if twice {
                self.fault(at, format!("the key {key:?} is here twice"), "keep one of the two");
            } else {
                self.positions.insert(below.to_string(), at);
            }
            let (event, position) = self.next()?;
            let value = self.node(&below, depth + 1, event, position)?;
            map.insert(key, value);
        }
    }

    fn scalar(&mut self, text: Cow<'a, str>, style: ScalarStyle, position: Position) -> Value {
        match Scalar::parse_from_cow_and_metadata(text, style, None) {
            None | Some(Scalar::Null) => Value::Null,
            Some(Scalar::Boolean(value)) => Value::Bool(value),
            Some(Scalar::Integer(number)) => Value::from(number),
            Some(Scalar::String(text)) => Value::String(text.into_owned()),
            Some(Scalar::FloatingPoint(number)) => Number::from_f64(number.into_inner()).map_or_else(
                || {
                    self.fault(
                        position,
                        "this is no number that JSON knows",
                        "give a finite number, or quote it",
                    );
                    Value::Null
                },
                Value::Number,
            ),
        }
    }

    fn enter(&mut self, depth: usize, position: Position) -> Result<(), Stop> {
        if depth > MAX_DEPTH || self.faults.len() > MAX_FAULTS {
            self.fault(
                position,
                format!("this is nested more than {MAX_DEPTH} deep"),
                "no document needs that",
            );
            return Err(Stop);
        }
        Ok(())
    }

    fn plain_only(&mut self, position: Position, anchor: usize, tag: Option<&Tag>) {
        if anchor > 0 {
            self.fault(
                position,
                "anchors are not read",
                "remove it, and write values out where they are meant",
            );
        }
        if let Some(Tag { handle, suffix }) = tag {
            let handle = handle.replace("tag:yaml.org,2002:", "!!");
            self.fault(
                position,
                format!("the tag {handle}{suffix} is not read"),
                "remove it; quote what is text",
            );
        }
    }
}

/// Whether this is the value of what has none.
fn is_nothing(event: &Event<'_>) -> bool {
    matches!(event, Event::Scalar(text, ScalarStyle::Plain, 0, None) if text.is_empty())
}

fn position(marker: &saphyr_parser::Marker) -> Position {
    Position { line: marker.line(), column: marker.col() + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn faults(text: &str) -> Vec<String> {
        let told = parse(text).unwrap_err();
        told.iter()
            .map(|Fault { position: Position { line, column }, message, .. }| {
                format!("{line}:{column}: {message}")
            })
            .collect()
    }

    fn values(text: &str) -> Vec<Value> {
        parse(text).unwrap().into_iter().map(|tree| tree.value).collect()
    }

    #[test]
    fn yaml_is_read_as_the_json_that_it_means() {
        for (text, value) in [
            ("a: 1\nb: [x, 'y', \"z\"]\n", json!({"a": 1, "b": ["x", "y", "z"]})),
            ("a:\n  - b: true\n  - c: ~\n  - 1.5\n", json!({"a": [{"b": true}, {"c": null}, 1.5]})),
            ("a: '8080'\nb: no\nc: 0644\nd: 1e3", json!({"a": "8080", "b": "no", "c": 644, "d": 1000.0})),
            ("a: |\n  one\n  two\nb: >\n  one\n  two\n", json!({"a": "one\ntwo\n", "b": "one two\n"})),
            ("{\"a\": {\"b\": [1, null, \"\\u00e9\"]}}", json!({"a": {"b": [1, null, "é"]}})),
            ("# only a comment\n---\na: 1\n...\n", json!({"a": 1})),
            ("---\n---\na: 1\n---\n# nothing more\n", json!({"a": 1})),
            ("\u{feff}a: 1\r\nb: |\r\n  x\r\n  y\r\n", json!({"a": 1, "b": "x\ny\n"})),
            ("a:\n", json!({"a": null})),
            ("1: x\ntrue: y\n", json!({"1": "x", "true": "y"})),
        ] {
            assert_eq!(values(text), [value], "{text:?}");
        }
    }

    #[test]
    fn a_text_without_a_document_is_told_from_one_that_says_null() {
        for text in ["", "\n\n", "# only a comment\n", "---\n", "\u{feff}", "---\n...\n---\n"] {
            assert_eq!(parse(text).unwrap(), [], "{text:?}");
        }
        assert_eq!(values("~\n"), [json!(null)]);
    }

    #[test]
    fn everything_has_the_place_of_its_key() {
        let text = "metadata:\n  name: shop\n  labels: {app.io/x: 'ü', b: c}\nspec:\n  ports:\n  - port: 80\n    \
                    name: http\n  -\n    port: 81\n";
        let [Tree { positions, .. }] = &parse(text).unwrap()[..] else { panic!("one document") };
        for (path, line, column) in [
            ("metadata", 1, 1),
            ("metadata.name", 2, 3),
            ("metadata.labels[\"app.io/x\"]", 3, 12),
            ("metadata.labels.b", 3, 27),
            ("spec.ports", 5, 3),
            ("spec.ports[0]", 6, 5),
            ("spec.ports[0].port", 6, 5),
            ("spec.ports[0].name", 7, 5),
            ("spec.ports[1].port", 9, 5),
        ] {
            assert_eq!(positions.get(path), Some(&Position { line, column }), "{path}");
        }
    }

    #[test]
    fn what_json_has_not_is_refused_where_it_stands() {
        for (text, fault) in [
            ("a: &x 1\n", "1:4: anchors are not read"),
            ("a: !!str 1\n", "1:4: the tag !!str is not read"),
            ("a: !secret x\n", "1:4: the tag !secret is not read"),
            ("a: 1\nb: 2\na: 3\n", "3:1: the key \"a\" is here twice"),
            ("a: {<<: {b: 1}}\n", "1:5: merge keys are not read"),
            ("a: .nan\n", "1:4: this is no number that JSON knows"),
            ("? [a]\n: b\n", "1:3: a key is no plain text"),
        ] {
            assert_eq!(faults(text), [fault], "{text:?}");
        }
    }

    #[test]
    fn an_alias_is_told_beside_its_anchor_and_never_expanded() {
        assert_eq!(faults("a: &x [1]\nb: *x\n"), ["1:4: anchors are not read", "2:4: aliases are not read"]);
    }

    #[test]
    fn syntax_is_told_with_its_place() {
        for (text, place) in
            [("a: [1, 2\n", "2:1"), ("a: 'x\n", "1:4"), ("a: b: c\n", "1:5"), ("a:\n\t- 1\n", "2:2")]
        {
            let told = faults(text);
            assert!(told[0].starts_with(place) && told[0].contains("no YAML"), "{text:?}: {told:?}");
        }
    }

    #[test]
    fn each_document_has_its_own_places_in_the_text() {
        let text = "---\na: 1\n--- # nothing\n---\na: 2\nb: 3\n...\n";
        assert_eq!(values(text), [json!({"a": 1}), json!({"a": 2, "b": 3})]);
        let trees = parse(text).unwrap();
        let place = |document: usize, path: &str| trees[document].positions.get(path).copied();
        assert_eq!(place(0, "a"), Some(Position { line: 2, column: 1 }));
        assert_eq!(place(1, "a"), Some(Position { line: 5, column: 1 }));
        assert_eq!(place(0, "b"), None);
        assert_eq!(faults("a: 1\n---\nb: [\n")[0].split(": ").next(), Some("4:1"));
    }

    #[test]
    fn documents_are_bounded_in_number() {
        assert_eq!(values(&"--- 1\n".repeat(MAX_DOCUMENTS)).len(), MAX_DOCUMENTS);
        let told = faults(&"--- 1\n".repeat(MAX_DOCUMENTS + 1));
        assert_eq!(told, ["101:1: this is more than 100 documents"]);
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(&nested(MAX_DEPTH)).is_ok());
        assert!(faults(&nested(MAX_DEPTH + 1))[0].contains("nested more than"));
        assert!(parse(&nested(100_000)).is_err());
    }
}
