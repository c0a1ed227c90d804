//! Reads a tree of values field by field and collects what is wrong, instead of stopping at the first fault.
//!
//! A read that fails has put down its fault and gives `None`; nothing that depends on it is read then, so
//! that one fault is told once. What was read is put together at the end of each part, with `?`; a check across parts
//! reads the values that it is about once more and silently, so that no fault of another value hides what it finds.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::LazyLock;
use std::time::Duration;

use plimsoll_qos::{Quantity, Resource};
use serde_json::{Map, Value};

use super::Path;
use super::golden::Rule;
use crate::duration;
use crate::error::Violation;
use crate::name::DcName;

/// More faults than this help nobody, and are not told.
pub(super) const MAX_FAULTS: usize = 200;

/// What is wrong, as far as it was found, and what an installation decides on.
#[derive(Debug, Default)]
pub(super) struct Faults {
    told: RefCell<Vec<Violation>>,
    broken: RefCell<Vec<Violation>>,
    dcs: RefCell<Vec<(Path, DcName)>>,
}

impl Faults {
    /// Puts down a fault, unless there are [`MAX_FAULTS`] already.
    pub(super) fn put(&self, path: &Path, message: impl Into<String>, remedy: impl Into<String>) {
        keep(&self.told, Violation::new(path.to_string(), message, remedy));
    }

    /// Puts down a golden rule of production that is broken: no fault where another rule holds.
    pub(super) fn breaks(&self, violation: Violation) {
        keep(&self.broken, violation);
    }

    /// Puts down a data center that the document names, which an installation may not have.
    pub(super) fn names(&self, path: &Path, dc: &DcName) {
        self.dcs.borrow_mut().push((path.clone(), dc.clone()));
    }

    /// The data centers that the document names, with their places.
    pub(super) fn named(&self) -> Vec<(Path, DcName)> {
        self.dcs.borrow().clone()
    }

    /// All that was put down: faults, broken rules of production, data centers.
    pub(super) fn into_parts(self) -> (Vec<Violation>, Vec<Violation>, Vec<(Path, DcName)>) {
        (self.told.into_inner(), self.broken.into_inner(), self.dcs.into_inner())
    }
}

fn keep(list: &RefCell<Vec<Violation>>, violation: Violation) {
    let mut list = list.borrow_mut();
    if list.len() < MAX_FAULTS {
        list.push(violation);
    }
}

/// What is said of a field that is none of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// What is wrong with it.
    pub(super) message: String,
    /// What to do instead.
    pub(super) remedy: &'static str,
    /// The golden rule that is why there is no such field.
    pub(super) rule: Option<Rule>,
    /// The fields of ours that stand for it, so that nobody is told that they are missing too.
    pub(super) meant: &'static [&'static str],
}

/// A value and its place.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    value: &'a Value,
    path: Path,
    faults: &'a Faults,
}

/// An object whose fields are known.
#[derive(Clone, Debug)]
pub(super) struct Object<'a> {
    fields: &'a Map<String, Value>,
    path: Path,
    faults: &'a Faults,
    /// The fields that are written under another name: a fault already.
    meant: Vec<String>,
}

/// What a field that is not there is read as, where all its own fields have defaults.
static NOTHING: LazyLock<Value> = LazyLock::new(|| Value::Object(Map::new()));

impl<'a> Node<'a> {
    /// The document itself.
    pub(super) fn root(value: &'a Value, faults: &'a Faults) -> Self {
        Self { value, path: Path::root(), faults }
    }

    /// Puts down a fault of this value.
    pub(super) fn fault(&self, message: impl Into<String>, remedy: impl Into<String>) {
        self.faults.put(&self.path, message, remedy);
    }

    /// Puts down a fault of this value that breaks a golden rule.
    pub(super) fn fault_of(&self, rule: Rule, message: impl Into<String>, remedy: impl Into<String>) {
        let violation = Violation::new(self.path.to_string(), message, remedy).of_rule(rule);
        keep(&self.faults.told, violation);
    }

    /// Puts down that this names a data center.
    pub(super) fn names(&self, dc: &DcName) {
        self.faults.names(&self.path, dc);
    }

    /// Puts down a fault of a field of this value.
    pub(super) fn fault_at(&self, field: &str, message: impl Into<String>, remedy: impl Into<String>) {
        self.faults.put(&self.path.field(field), message, remedy);
    }

    fn refuse<T>(&self, message: impl Into<String>, remedy: impl Into<String>) -> Option<T> {
        self.fault(message, remedy);
        None
    }

    fn wrong_type<T>(&self, wanted: &str, remedy: impl Into<String>) -> Option<T> {
        self.refuse(format!("this must be {wanted}, not {}", kind(self.value)), remedy)
    }

    /// An object that has no other fields than `known`. Unknown ones are faults, and do not stop the rest.
    pub(super) fn object(&self, known: &[&str]) -> Option<Object<'a>> {
        self.object_telling(known, |_| None)
    }

    /// The same, with more to say about some of the unknown ones.
    pub(super) fn object_telling(
        &self,
        known: &[&str],
        tell: impl Fn(&str) -> Option<Told>,
    ) -> Option<Object<'a>> {
        let Value::Object(fields) = self.value else {
            return self.wrong_type("an object", format!("its fields are {}", known.join(", ")));
        };
        let unknown = fields.keys().map(String::as_str).filter(|field| !known.contains(field));
        // To look for what was meant costs time, so no more of them than are told.
        let mut meant = Vec::new();
        for field in unknown.take(MAX_FAULTS) {
            if let Some(told) = tell(field) {
                let path = self.path.field(field).to_string();
                let violation =
                    Violation { rule: told.rule, ..Violation::new(path, told.message, told.remedy) };
                keep(&self.faults.told, violation);
                meant.extend(told.meant.iter().map(|field| (*field).to_owned()));
            } else {
                let message = format!("there is no field `{}` here", shown(field));
                self.fault_at(field, message, likely(field, known));
                meant.extend(near(field, known).map(str::to_owned));
            }
        }
        Some(Object { fields, path: self.path.clone(), faults: self.faults, meant })
    }

    /// A text of so many characters, of any but NUL, which no process can be given.
    pub(super) fn text(&self, length: RangeInclusive<usize>) -> Option<String> {
        let Value::String(text) = self.value else {
            let remedy = match self.value {
                Value::Bool(_) => format!("put it in quotes: \"{}\"", self.value),
                // What YAML took for a number was perhaps written as 1.10 or 0755.
                Value::Number(_) => "put quotes around it as it is written".to_owned(),
                _ => "write one text, in quotes".to_owned(),
            };
            return self.wrong_type("a text", remedy);
        };
        let characters = text.chars().count();
        if !length.contains(&characters) {
            let (min, max) = length.into_inner();
            return match characters {
                0 => self.refuse("this is empty", "give it a value, or leave it out"),
                _ => self.refuse(
                    format!("this has {characters} characters"),
                    format!("write {min} to {max} characters"),
                ),
            };
        }
        if text.contains('\0') {
            return self.refuse("this contains a NUL character", "leave the NUL character out");
        }
        Some(text.clone())
    }

    /// A text for people: nothing that a terminal would obey, nothing that shows it otherwise than it is.
    pub(super) fn prose(&self, length: RangeInclusive<usize>) -> Option<String> {
        let text = self.text(length)?;
        if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            return self.refuse("this contains control characters", "write plain text");
        }
        if text.chars().any(turns) {
            return self.refuse(
                "this contains characters that turn the direction of writing",
                "write it as it is to be read, without them",
            );
        }
        Some(text)
    }

    /// A whole number within bounds.
    pub(super) fn whole(&self, bounds: RangeInclusive<u32>) -> Option<u32> {
        let remedy = format!("write a whole number from {} to {}", bounds.start(), bounds.end());
        self.whole_or(bounds, remedy)
    }

    /// The same, with a remedy that says why.
    pub(super) fn whole_or(&self, bounds: RangeInclusive<u32>, remedy: String) -> Option<u32> {
        let (min, max) = (bounds.start(), bounds.end());
        let Value::Number(number) = self.value else {
            return self.wrong_type("a number", remedy);
        };
        let in_bounds = number.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| bounds.contains(n));
        match in_bounds {
            Some(number) => Some(number),
            None => self.refuse(format!("{number} is not a whole number from {min} to {max}"), remedy),
        }
    }

    /// A port number.
    pub(super) fn port_number(&self) -> Option<u16> {
        self.whole(1..=u32::from(u16::MAX)).and_then(|number| u16::try_from(number).ok())
    }

    /// A duration within bounds.
    pub(super) fn duration(&self, bounds: RangeInclusive<Duration>) -> Option<Duration> {
        let (min, max) = (duration::format(*bounds.start()), duration::format(*bounds.end()));
        let remedy = format!("write a duration from {min} to {max}, such as 90s, 5m or 1h");
        let text = match self.value {
            Value::String(text) => text,
            Value::Number(number) => {
                return self.refuse(
                    format!("{number} says no unit of time"),
                    format!("write seconds, minutes or hours: {number}s, {number}m or {number}h"),
                );
            }
            _ => return self.wrong_type("a duration", remedy),
        };
        let Some(duration) = duration::parse(text) else {
            return self.refuse(format!("`{}` is no duration", shown(text)), remedy);
        };
        if !bounds.contains(&duration) {
            return self.refuse(format!("`{}` is not from {min} to {max}", shown(text)), remedy);
        }
        Some(duration)
    }

    /// An amount of `resource`, as people write them; a bare number is one too.
    pub(super) fn quantity(&self, resource: Resource) -> Option<Quantity> {
        let text = match self.value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return self.wrong_type("a quantity", "write it as a text, such as \"500m\" or \"512Mi\""),
        };
        match Quantity::parse_strict(&text, resource) {
            Ok(quantity) => Some(quantity),
            Err(error) => self.refuse(error.fault.to_string(), error.remedy()),
        }
    }

    /// One of a few words.
    pub(super) fn one_of<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
        let listed = names.join(", ");
        let Value::String(text) = self.value else {
            return self.wrong_type("a word", format!("write one of {listed}"));
        };
        match words.iter().find(|(name, _)| name == text) {
            Some((_, meaning)) => Some(*meaning),
            // What there is, is listed once: in the message, or in the remedy.
            None => match near(text, &names) {
                Some(name) => self.refuse(
                    format!("`{}` is not one of {listed}", shown(text)),
                    format!("did you mean `{name}`?"),
                ),
                None => self
                    .refuse(format!("`{}` is not known here", shown(text)), format!("write one of {listed}")),
            },
        }
    }

    /// This one word; what else may stand here in another form is said by `otherwise`.
    pub(super) fn exactly(&self, word: &str, otherwise: Option<&str>) -> Option<()> {
        let wanted = otherwise.map_or_else(|| word.to_owned(), |otherwise| format!("{word}, or {otherwise}"));
        let found = match self.value {
            Value::String(text) if text == word => return Some(()),
            Value::String(text) => format!("`{}`", shown(text)),
            other => kind(other).to_owned(),
        };
        self.refuse(format!("this must be {wanted}, not {found}"), format!("write {wanted}"))
    }

    /// A text that is checked by its own type.
    pub(super) fn parsed<T, E: std::fmt::Display>(
        &self,
        parse: impl FnOnce(&str) -> Result<T, E>,
        remedy: &str,
    ) -> Option<T> {
        let Value::String(text) = self.value else {
            return self.wrong_type("a text", remedy);
        };
        match parse(text) {
            Ok(parsed) => Some(parsed),
            Err(error) => self.refuse(error.to_string(), remedy),
        }
    }

    /// A list of so many items at most; one faulty item makes the list faulty, after all were read.
    pub(super) fn list<T>(
        &self,
        length: RangeInclusive<usize>,
        read: impl FnMut(Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Value::Array(items) = self.value else {
            return self.wrong_type("a list", "write the items in brackets, or each on a line after a dash");
        };
        let (min, max) = length.clone().into_inner();
        let there = match items.len() {
            count if length.contains(&count) => Some(()),
            0 => self.refuse("this list is empty", "give it an item, or leave it out"),
            n => self.refuse(format!("this list has {n} items"), format!("write {min} to {max} items")),
        };
        // Of more than there may be, so many as there may be are read.
        let items = all(self.items().take(max).map(read));
        there.and(items)
    }

    /// An object with keys of the author's own: so many at most, each checked by `key`.
    pub(super) fn map<K: Ord, V>(
        &self,
        max: usize,
        mut key: impl FnMut(&Self, &str) -> Option<K>,
        mut read: impl FnMut(Self) -> Option<V>,
    ) -> Option<BTreeMap<K, V>> {
        let Value::Object(entries) = self.value else {
            return self.wrong_type("an object", "write a key and its value on each line");
        };
        let there = match entries.len() {
            count if count <= max => Some(()),
            n => self.refuse(format!("this has {n} entries"), format!("write {max} entries at most")),
        };
        // Of more than there may be, so many as there may be are read.
        let pairs = entries.iter().take(max).map(|(name, value)| {
            let node = Self { value, path: self.path.field(name.as_str()), faults: self.faults };
            let key = key(&node, name);
            let value = read(node);
            Some((key?, value?))
        });
        let pairs = all(pairs);
        there.and(pairs)
    }

    /// The same value, read without telling anybody what is wrong.
    pub(super) fn silently<'b>(&self, nobody: &'b Faults) -> Node<'b>
    where
        'a: 'b,
    {
        Node { value: self.value, path: self.path.clone(), faults: nobody }
    }

    /// The value of a field, if this is an object that has it; `null` is the same as nothing.
    pub(super) fn get(&self, field: &str) -> Option<Self> {
        let value = self.value.get(field).filter(|value| !value.is_null())?;
        Some(Self { value, path: self.path.field(field), faults: self.faults })
    }

    /// The items, if this is a list.
    pub(super) fn items(&self) -> impl Iterator<Item = Self> {
        let items = self.value.as_array().map(Vec::as_slice).unwrap_or_default();
        items.iter().enumerate().map(|(index, value)| Self {
            value,
            path: self.path.index(index),
            faults: self.faults,
        })
    }

    /// Where this is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The fault list, for rules.
    pub(super) fn faults(&self) -> &'a Faults {
        self.faults
    }

    /// What is written here.
    pub(super) fn value(&self) -> &'a Value {
        self.value
    }

    /// The keys, if this is an object.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.value.as_object().into_iter().flat_map(Map::keys).map(String::as_str)
    }

    /// The text here, if it is one.
    pub(super) fn as_str(&self) -> Option<&'a str> {
        self.value.as_str()
    }

    /// Whether this is a number.
    pub(super) fn is_number(&self) -> bool {
        self.value.is_number()
    }

    /// Whether this is a list.
    pub(super) fn is_list(&self) -> bool {
        self.value.is_array()
    }
}

impl<'a> Object<'a> {
    /// Where this is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts down a fault of the object as a whole.
    pub(super) fn fault(&self, message: impl Into<String>, remedy: impl Into<String>) {
        self.faults.put(&self.path, message, remedy);
    }

    /// The fault list, for checks across parts.
    pub(super) fn faults(&self) -> &'a Faults {
        self.faults
    }

    /// The value of a field; `null` is the same as nothing.
    pub(super) fn get(&self, field: &str) -> Option<Node<'a>> {
        let value = self.fields.get(field).filter(|value| !value.is_null())?;
        Some(Node { value, path: self.path.field(field), faults: self.faults })
    }

    /// Whether a field is written under another name.
    pub(super) fn means(&self, field: &str) -> bool {
        self.meant.iter().any(|meant| meant == field)
    }

    /// Whether a field is not there, under no name that can be told to mean it.
    pub(super) fn lacks(&self, field: &str) -> bool {
        self.get(field).is_none() && !self.means(field)
    }

    /// A field that must be there.
    pub(super) fn required<T>(&self, field: &str, read: impl FnOnce(Node<'a>) -> Option<T>) -> Option<T> {
        let Some(node) = self.get(field) else {
            if !self.lacks(field) {
                return None;
            }
            self.faults.put(&self.path.field(field), "this is missing", format!("add `{field}`"));
            return None;
        };
        read(node)
    }

    /// A field that may be left out, and means nothing then.
    #[expect(clippy::option_option, reason = "without faults or not, and there or not, are two questions")]
    pub(super) fn optional<T>(
        &self,
        field: &str,
        read: impl FnOnce(Node<'a>) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.get(field) {
            Some(node) => read(node).map(Some),
            None => Some(None),
        }
    }

    /// A field that may be left out, and has a default then.
    pub(super) fn or<T>(
        &self,
        field: &str,
        default: T,
        read: impl FnOnce(Node<'a>) -> Option<T>,
    ) -> Option<T> {
        match self.get(field) {
            Some(node) => read(node),
            None => Some(default),
        }
    }

    /// A field that may be left out, and is read as an object without fields then.
    pub(super) fn or_nothing<T>(&self, field: &str, read: impl FnOnce(Node<'a>) -> Option<T>) -> Option<T> {
        read(self.get(field).unwrap_or_else(|| Node {
            value: &NOTHING,
            path: self.path.field(field),
            faults: self.faults,
        }))
    }
}

/// All or nothing, but only after everything was read.
fn all<T, C: FromIterator<T>>(read: impl Iterator<Item = Option<T>>) -> Option<C> {
    let read: Vec<Option<T>> = read.collect();
    read.into_iter().collect()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Whether a character overrides or isolates the direction of writing (UAX 9), so that what follows is shown in
/// another order than it has.
fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What was probably meant, or what there is.
fn likely(word: &str, known: &[&str]) -> String {
    match near(word, known) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("write one of {}", known.join(", ")),
    }
}

fn near<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    if word.len() > 64 {
        return None;
    }
    let lower = word.to_lowercase();
    known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&lower, &name.to_lowercase()), *name))
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4)
        .min()
        .map(|(_, name)| name)
}

/// What somebody wrote, short and harmless enough for a message.
pub(super) fn shown(text: &str) -> String {
    const MAX: usize = 60;
    let printable: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX).collect();
    if text.chars().nth(MAX).is_some() { format!("{printable}…") } else { printable }
}
