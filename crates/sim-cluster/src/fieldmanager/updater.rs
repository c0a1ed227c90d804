//! The rules of structured-merge-diff: who owns what after an update, and what an apply leaves.

use super::compare::{Comparison, compare};
use super::managed::{Managed, ManagerId, Operation, Owned};
use super::merge::{merge, remove};
use super::path::{Path, same_value};
use super::reconcile::reconcile;
use super::set::FieldSet;
use super::typed::field_set;
use crate::schema::Schema;
use crate::tree::Value;

/// A field that the applier wants to change and somebody else manages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Conflict {
    pub(super) manager: ManagerId,
    pub(super) path: Path,
}

/// The object that the rules are applied to.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) schema: &'a Schema,
    pub(super) api_version: &'a str,
    /// Fields that a request to this endpoint cannot change, so nobody gains or loses them by it.
    pub(super) ignored: Option<&'a FieldSet>,
}

/// Whether taking fields from others is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnConflict {
    /// Answer with the conflicts.
    Report,
    /// Take the fields over.
    Force,
}

/// What an apply leaves: the merged object, or nothing where it equals the live one.
pub(super) type Applied = (Option<Value>, Managed);

impl Rules<'_> {
    /// After `new` has replaced `live`: `manager` owns what it added or modified, everybody loses what is
    /// gone or was modified by somebody else.
    pub(super) fn update(
        &self,
        live: &Value,
        new: &Value,
        mut owners: Managed,
        manager: &ManagerId,
    ) -> Managed {
        self.reconcile(&mut owners);
        let change = self.change(live, new);
        // Forced, so it cannot fail.
        let _ = self.settle(&change, &mut owners, manager, OnConflict::Force);
        let known = owners.fields.remove(manager).map(|owned| owned.set).unwrap_or_default();
        let mut set = known.difference(&change.removed).union(&change.modified).union(&change.added);
        if let Some(ignored) = self.ignored {
            set = set.recursive_difference(ignored);
        }
        if !set.is_empty() {
            owners.fields.insert(manager.clone(), Owned { set, api_version: self.api_version.to_owned() });
        }
        owners
    }

    /// Lays `config` over `live`, takes away what `manager` applied before and no longer lists and nobody
    /// else has, and settles who owns what.
    pub(super) fn apply(
        &self,
        live: &Value,
        config: &Value,
        mut owners: Managed,
        manager: &ManagerId,
        on_conflict: OnConflict,
    ) -> Result<Applied, Vec<Conflict>> {
        self.reconcile(&mut owners);
        let merged = merge(self.schema, live, config);
        let mut set = field_set(self.schema, config);
        if let Some(ignored) = self.ignored {
            set = set.recursive_difference(ignored);
        }
        let owned = Owned { set, api_version: self.api_version.to_owned() };
        let last = owners.fields.insert(manager.clone(), owned);
        let new = match last {
            Some(last) if !last.set.is_empty() => self.prune(&merged, &owners, &last.set),
            _ => merged,
        };
        let change = self.change(live, &new);
        self.settle(&change, &mut owners, manager, on_conflict)?;
        let unchanged = same_value(live, &new);
        Ok(((!unchanged).then_some(new), owners))
    }

    fn change(&self, old: &Value, new: &Value) -> Comparison {
        compare(self.schema, old, new).without(self.ignored)
    }

    /// Takes changed and removed fields from everybody but `manager`.
    fn settle(
        &self,
        change: &Comparison,
        owners: &mut Managed,
        manager: &ManagerId,
        on_conflict: OnConflict,
    ) -> Result<(), Vec<Conflict>> {
        owners.fields.retain(|id, owned| id == manager || self.same_group(&owned.api_version));
        let touched = change.modified.union(&change.added);
        let mut conflicts = Vec::new();
        for (id, owned) in owners.fields.iter().filter(|(id, _)| *id != manager) {
            let taken = owned.set.intersection(&touched);
            conflicts.extend(taken.paths().into_iter().map(|path| Conflict { manager: id.clone(), path }));
        }
        if on_conflict == OnConflict::Report && !conflicts.is_empty() {
            return Err(conflicts);
        }
        for (id, owned) in &mut owners.fields {
            if id != manager {
                let taken = owned.set.intersection(&touched);
                owned.set = owned.set.difference(&taken).difference(&change.removed);
            }
        }
        owners.fields.retain(|_, owned| !owned.set.is_empty());
        Ok(())
    }

    /// Removes from `merged` what was in `last` and is owned by nobody now, `manager`'s new set included.
    fn prune(&self, merged: &Value, owners: &Managed, last: &FieldSet) -> Value {
        let schema = self.schema;
        let named = |set: &FieldSet| set.with_named_fields(schema, Some(schema.root()));
        let pruned = remove(schema, merged, &named(last));
        let owned = owners
            .fields
            .values()
            .filter(|owned| self.same_group(&owned.api_version))
            .fold(FieldSet::default(), |all, owned| all.union(&owned.set));
        let all = named(&field_set(schema, merged));
        let kept = named(&field_set(schema, &pruned)).union(&named(&owned));
        let pruned = remove(schema, merged, &all.difference(&kept));
        // Only what this applier had before may go; children of what it had that are somebody else's, or
        // nobody's, come back.
        let kept = named(&field_set(schema, &pruned));
        remove(schema, merged, &all.difference(&kept).intersection(&named(last)))
    }

    fn reconcile(&self, owners: &mut Managed) {
        owners.fields.retain(|_, owned| self.same_group(&owned.api_version));
        for owned in owners.fields.values_mut() {
            owned.set = reconcile(self.schema, &owned.set);
        }
    }

    /// Versions of one group are taken to have the same structure; entries of another group cannot be
    /// converted and are dropped, as the server does with versions that are no longer served.
    fn same_group(&self, api_version: &str) -> bool {
        group(api_version) == group(self.api_version)
    }
}

impl ManagerId {
    /// Stands for the manager of an update until it is known whether the update changed anything.
    pub(super) fn current_operation() -> Self {
        Self {
            manager: "current-operation".to_owned(),
            operation: Operation::Update,
            api_version: None,
            subresource: String::new(),
        }
    }
}

fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}
