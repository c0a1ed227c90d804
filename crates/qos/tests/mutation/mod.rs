//! Faults put into input that is right: into its tree, and into its bytes.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

/// A fault in a tree.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// Another value in some place.
    Put(Index, Value),
    /// What stands in one place, in another one too.
    Graft(Index, Index),
    /// A field or an item left out.
    Drop(Index),
    /// A field by another name.
    Rename(Index, &'static str),
    /// A text with other characters in one place.
    Retype(Index, Index, &'static str),
}

/// A fault in bytes.
#[derive(Clone, Debug)]
pub(crate) enum Slip {
    /// Another byte.
    Byte(Index, u8),
    /// Some bytes left out.
    Cut(Index, usize),
    /// Some bytes said twice.
    Stutter(Index, usize),
}

fn values() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(-1),
        json!(0),
        json!(3),
        json!(1e300),
        json!(-1.5e-300),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(""),
        json!("-1"),
        json!("0"),
        json!("1"),
        json!("100m"),
        json!("1Gi"),
        json!("9Ei"),
        json!("1e512"),
        json!("-1e512"),
        json!("1n"),
        json!("0.0000000001"),
        json!("9223372036854775807"),
        json!("3/2"),
        json!("4294967295/4294967294"),
        json!("Always"),
        json!("Guaranteed"),
        json!("general-5"),
        json!("a\u{0}\u{1b}[31m\n"),
        json!("ä".repeat(600)),
        json!([]),
        json!([null]),
        json!([{}, {}]),
        json!({}),
        json!({"": "1"}),
        json!({"cpu": "1", "memory": "-1"}),
    ]
}

const NAMES: [&str; 14] = [
    "",
    "cpu",
    "memory",
    "pods",
    "requests",
    "limits",
    "resources",
    "initContainers",
    "overhead",
    "status",
    "spec",
    "hugepages-2Mi",
    "nvidia.com/gpu",
    "unknown",
];

const PIECES: [&str; 18] = [
    "-",
    "+",
    ".",
    "0",
    "9",
    "99999999999999999999",
    "e",
    "E9",
    "m",
    "n",
    "Ki",
    "Ei",
    "i",
    "/",
    " ",
    "\u{0}",
    "é",
    "1e-9",
];

/// Up to four faults of a tree.
pub(crate) fn any_faults() -> impl Strategy<Value = Vec<Fault>> {
    let fault = prop_oneof![
        4 => (any::<Index>(), prop::sample::select(values())).prop_map(|(at, value)| Fault::Put(at, value)),
        2 => (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Fault::Graft(from, to)),
        1 => any::<Index>().prop_map(Fault::Drop),
        1 => (any::<Index>(), prop::sample::select(&NAMES)).prop_map(|(at, name)| Fault::Rename(at, name)),
        4 => (any::<Index>(), any::<Index>(), prop::sample::select(&PIECES))
            .prop_map(|(at, within, piece)| Fault::Retype(at, within, piece)),
    ];
    prop::collection::vec(fault, 0..5)
}

/// Mostly no fault of bytes, and else up to three.
pub(crate) fn any_slips() -> impl Strategy<Value = Vec<Slip>> {
    let slip = prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Slip::Byte(at, byte)),
        (any::<Index>(), 1_usize..12).prop_map(|(at, count)| Slip::Cut(at, count)),
        (any::<Index>(), 1_usize..12).prop_map(|(at, count)| Slip::Stutter(at, count)),
    ];
    prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec(slip, 1..4)]
}

/// The tree with these faults.
pub(crate) fn faulty(mut tree: Value, faults: &[Fault]) -> Value {
    for fault in faults {
        let mut places = Vec::new();
        list(&tree, "", &mut places);
        let place = |at: &Index| at.get(&places);
        match fault {
            Fault::Put(at, value) => *tree.pointer_mut(place(at)).unwrap() = value.clone(),
            Fault::Graft(from, to) => {
                let graft = tree.pointer(place(from)).unwrap().clone();
                *tree.pointer_mut(place(to)).unwrap() = graft;
            }
            Fault::Drop(at) => take(&mut tree, place(at), |_, _| {}),
            Fault::Rename(at, name) => take(&mut tree, place(at), |fields, value| {
                if let Value::Object(fields) = fields {
                    fields.insert((*name).to_owned(), value);
                }
            }),
            Fault::Retype(at, within, piece) => {
                if let Some(Value::String(text)) = tree.pointer_mut(place(at)) {
                    let ends: Vec<usize> = text.char_indices().map(|(n, _)| n).chain([text.len()]).collect();
                    text.insert_str(*within.get(&ends), piece);
                }
            }
        }
    }
    tree
}

/// The bytes with these faults.
pub(crate) fn slipped(mut bytes: Vec<u8>, slips: &[Slip]) -> Vec<u8> {
    for slip in slips {
        if bytes.is_empty() {
            break;
        }
        match slip {
            Slip::Byte(at, byte) => *at.get_mut(&mut bytes) = *byte,
            Slip::Cut(at, count) => {
                let from = at.index(bytes.len());
                let to = bytes.len().min(from + count);
                bytes.drain(from..to);
            }
            Slip::Stutter(at, count) => {
                let from = at.index(bytes.len());
                let again = bytes[from..bytes.len().min(from + count)].to_vec();
                bytes.splice(from..from, again);
            }
        }
    }
    bytes
}

/// Every place of a tree, as a JSON pointer; the root first.
fn list(tree: &Value, at: &str, places: &mut Vec<String>) {
    places.push(at.to_owned());
    match tree {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            list(value, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), places);
        }),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, item)| list(item, &format!("{at}/{n}"), places));
        }
        _ => {}
    }
}

/// Takes out what stands in a place, and hands it on with what it was in.
fn take(tree: &mut Value, place: &str, then: impl FnOnce(&mut Value, Value)) {
    let Some((parent, key)) = place.rsplit_once('/') else { return };
    let parent = tree.pointer_mut(parent).unwrap();
    let value = match parent {
        Value::Object(fields) => fields.remove(&key.replace("~1", "/").replace("~0", "~")).unwrap(),
        Value::Array(items) => items.remove(key.parse().unwrap()),
        _ => return,
    };
    then(parent, value);
}
