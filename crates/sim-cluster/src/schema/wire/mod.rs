//! How objects of the built-in kinds are written in protobuf, from what is recorded of their Go types.

mod decode;
mod reader;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

pub(crate) use reader::{Reader, WireError, WireValue};

use super::recording::decode;

/// The kinds that are known, and the structs that they are made of.
#[derive(Debug, Deserialize)]
pub(crate) struct WireTypes {
    /// `apiVersion kind` → the name of a struct.
    kinds: BTreeMap<String, String>,
    /// Names → fields by their number.
    structs: BTreeMap<String, BTreeMap<u64, Field>>,
}

/// One field of a struct.
#[derive(Debug, Deserialize)]
struct Field {
    /// What it is called in JSON.
    name: String,
    /// What it is called in Go: errors name it so.
    go: String,
    /// The type of the value, of the items of a list or of the values of a map.
    #[serde(rename = "type")]
    ty: String,
    #[serde(default)]
    shape: FieldShape,
    /// Each value is a list of strings, in a message of its own.
    #[serde(default)]
    wrapped: bool,
    /// A zero that was sent is one that was set.
    #[serde(default)]
    pointer: bool,
    /// In JSON the fields of the value are fields of the struct itself.
    #[serde(default)]
    inline: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum FieldShape {
    #[default]
    One,
    List,
    Map,
}

impl WireTypes {
    /// What is recorded; read when it is first asked for, once per process.
    pub(crate) fn recorded() -> &'static Self {
        static RECORDED: OnceLock<WireTypes> = OnceLock::new();
        #[expect(clippy::expect_used, reason = "the bytes are part of the program; a test reads them")]
        RECORDED.get_or_init(|| {
            let recorded = include_bytes!("../../../schemas/wire_types.json.gz");
            let recorded = decode(recorded).expect("the recorded types are compressed JSON");
            serde_json::from_value((&recorded).into()).expect("the recorded types are well formed")
        })
    }
}
