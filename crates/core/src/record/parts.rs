//! An Operation with everything that belongs to it, as it is read.

use std::collections::BTreeMap;

use super::key::{self, OperationKey};
use super::{Control, End, Error, Operation, Outcome, Stored, decode};
use crate::fold::{Standing, fold};
use crate::ledger::Entry;
use crate::name::DcName;

/// An Operation with its control, its outcomes and its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationParts {
    /// The Operation.
    pub operation: Operation,
    /// What callers say about it.
    pub control: Option<Stored<Control>>,
    /// How it stands in each data center.
    pub outcomes: BTreeMap<DcName, Stored<Outcome>>,
    /// How it ended.
    pub end: Option<Stored<End>>,
}

impl OperationParts {
    /// An Operation of which nothing else is known yet.
    pub fn new(operation: Operation) -> Self {
        Self { operation, control: None, outcomes: BTreeMap::new(), end: None }
    }

    /// An Operation out of its own entry, which comes first, and those of its parts; `None` out of none.
    pub fn read(entries: &[Entry]) -> Result<Option<Self>, Error> {
        let Some((first, rest)) = entries.split_first() else { return Ok(None) };
        let mut parts = Self::new(decode::<Operation>(first)?.value);
        let own = parts.operation.id;
        for entry in rest {
            match key::parse_operation(&entry.key) {
                Some(OperationKey::Control(id)) if id == own => parts.control = Some(decode(entry)?),
                Some(OperationKey::Outcome(id, dc)) if id == own => {
                    parts.outcomes.insert(dc, decode(entry)?);
                }
                Some(OperationKey::End(id)) if id == own => parts.end = Some(decode(entry)?),
                Some(_) | None => {}
            }
        }
        Ok(Some(parts))
    }

    /// The outcomes without their revisions.
    pub fn plain_outcomes(&self) -> BTreeMap<DcName, Outcome> {
        self.outcomes.iter().map(|(dc, stored)| (dc.clone(), stored.value.clone())).collect()
    }

    /// What callers say, if they say anything.
    pub fn plain_control(&self) -> Control {
        self.control.as_ref().map(|control| control.value.clone()).unwrap_or_default()
    }

    /// How the Operation stands as a whole.
    pub fn standing(&self) -> Standing {
        let end = self.end.as_ref().map(|end| &end.value);
        fold(&self.operation, &self.plain_control(), &self.plain_outcomes(), end)
    }
}
