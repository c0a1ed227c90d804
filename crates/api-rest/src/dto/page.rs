//! Pages of lists.

use plimsoll_core::view::Paged;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// In a stable order.
    pub items: Vec<T>,
    /// What to send as `pageToken` for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
    /// What else is worth knowing, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl<T, V: Into<T>> From<Paged<V>> for Page<T> {
    fn from(paged: Paged<V>) -> Self {
        let Paged { items, next, notes } = paged;
        Self { items: items.into_iter().map(Into::into).collect(), next_page_token: next, notes }
    }
}
