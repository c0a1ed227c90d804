//! Conflicts as the server words them.

use std::collections::BTreeMap;

use super::managed::{ManagerId, Operation};
use super::path::print_path;
use super::updater::Conflict;

/// One entry of `details.causes` in the answer to an apply that conflicts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictCause {
    /// Always `FieldManagerConflict`.
    pub reason: &'static str,
    /// Who manages the field.
    pub message: String,
    /// The field, such as `.spec.replicas`.
    pub field: String,
}

pub(super) fn causes(conflicts: &[Conflict]) -> Vec<ConflictCause> {
    conflicts
        .iter()
        .map(|conflict| ConflictCause {
            reason: "FieldManagerConflict",
            message: format!("conflict with {}", print_manager(&conflict.manager)),
            field: print_path(&conflict.path),
        })
        .collect()
}

pub(super) fn message(conflicts: &[Conflict]) -> String {
    if let [only] = conflicts {
        let (manager, path) = (print_manager(&only.manager), print_path(&only.path));
        return format!("Apply failed with 1 conflict: conflict with {manager}: {path}");
    }
    let mut by_manager: BTreeMap<&ManagerId, Vec<String>> = BTreeMap::new();
    for conflict in conflicts {
        by_manager.entry(&conflict.manager).or_default().push(print_path(&conflict.path));
    }
    let mut lines = Vec::new();
    for (manager, paths) in by_manager {
        lines.push(format!("conflicts with {}:", print_manager(manager)));
        lines.extend(paths.into_iter().map(|path| format!("- {path}")));
    }
    format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
}

fn print_manager(id: &ManagerId) -> String {
    let mut text = format!("{:?}", id.manager);
    if !id.subresource.is_empty() {
        text = format!("{text} with subresource {:?}", id.subresource);
    }
    match (id.operation, &id.api_version) {
        (Operation::Update, Some(version)) => format!("{text} using {version}"),
        _ => text,
    }
}
