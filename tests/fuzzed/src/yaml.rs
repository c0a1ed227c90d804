//! The reader of YAML that the command line has, which is a program and gives nothing to others: its file is built
//! here a second time.

#[path = "../../../crates/cli/src/document/tree.rs"]
mod tree;

use serde_json::Value;

/// Where something stands, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Position {
    line: usize,
    column: usize,
}

/// The documents of a text; none where it cannot be read, which must have its reasons, each at a place in the text.
pub(crate) fn documents(bytes: &[u8]) -> Vec<Value> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Vec::new() };
    // The command line looks for these before it reads.
    if text.contains('\0') {
        return Vec::new();
    }
    match tree::parse(text) {
        Ok(trees) => {
            for tree in &trees {
                assert!(tree.positions.contains_key(""), "the document itself has no place in {text:?}");
                tree.positions.values().for_each(is_place);
            }
            assert!(trees.len() <= tree::MAX_DOCUMENTS);
            trees.into_iter().map(|tree| tree.value).collect()
        }
        Err(faults) => {
            assert!(!faults.is_empty(), "{text:?} is refused without a reason");
            for tree::Fault { position, message, remedy } in faults {
                is_place(&position);
                assert!(!message.is_empty() && !remedy.is_empty(), "{text:?}");
            }
            Vec::new()
        }
    }
}

fn is_place(Position { line, column }: &Position) {
    assert!(*line > 0 && *column > 0, "{line}:{column} is no place");
}
