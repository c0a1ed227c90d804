//! The columns of `kubectl get`.

mod columns;
mod duration;
mod rows;

use jiff::Timestamp;

use crate::api::Target;
use crate::crd::PrinterColumns;
use crate::tree::{Value, json};

/// The column definitions of a resource.
pub(super) fn columns(target: &Target) -> Vec<Value> {
    if let Some(custom) = custom(target) {
        return custom.definitions();
    }
    columns::of(&target.resource.key)
        .iter()
        .map(|column| {
            let format = if column.name == "Name" { "name" } else { "" };
            json!({
                "name": column.name,
                "type": column.kind,
                "format": format,
                "description": "",
                "priority": column.priority,
            })
        })
        .collect()
}

/// The cells of one object, in the order of the columns.
pub(super) fn cells(target: &Target, object: &Value, now: Timestamp) -> Vec<Value> {
    match custom(target) {
        Some(custom) => custom.cells(object, now),
        None => rows::of(&target.resource.key, object, now),
    }
}

fn custom(target: &Target) -> Option<&PrinterColumns> {
    target.resource.definition.as_ref()?.printer_columns(&target.version)
}
