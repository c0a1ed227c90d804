//! Label and field selectors, as queries carry them and as objects hold them.

mod field;
mod label;
mod printed;
mod query;

pub(crate) use field::FieldSelector;
pub(crate) use label::LabelSelector;
pub(crate) use printed::printed;

use crate::tree::Value;

/// Both selectors of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) labels: LabelSelector,
    pub(crate) fields: FieldSelector,
}

impl Selection {
    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.labels.matches_object(object) && self.fields.matches(object)
    }

    /// Whether every object matches.
    pub(crate) fn is_everything(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }
}
