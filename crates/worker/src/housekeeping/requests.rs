//! Requests that nobody will repeat any more.

use std::collections::BTreeSet;

use plimsoll_core::ledger::{Committed, Range};
use plimsoll_core::name::OperationId;
use plimsoll_core::record::{self, Draft, Request, Stored, key};
use plimsoll_core::retention::{REQUEST_AGE, is_over};

use super::{BATCH, Error, Gone, Housekeeper};

impl Housekeeper {
    /// Removes the requests whose time is over; answers which Operations a repeat of the others would be answered with.
    pub(super) async fn forget_requests(&self, gone: &mut Gone) -> Result<BTreeSet<OperationId>, Error> {
        let now = self.clock.now();
        let mut requested = BTreeSet::new();
        let mut range = Range::prefix(key::REQUESTS);
        loop {
            let page = self.ledger.range(&range).await?;
            range.after = page.entries.last().map(|entry| entry.key.clone());
            let mut over = Vec::new();
            for entry in page.entries {
                let request: Stored<Request> = record::decode(&entry)?;
                if is_over(request.value.at, REQUEST_AGE, now) {
                    over.push((entry.key, entry.revision));
                } else {
                    requested.extend(request.value.operation);
                }
            }
            for batch in over.chunks(BATCH) {
                let mut draft = Draft::default();
                for (key, revision) in batch {
                    draft.remove(key.clone(), *revision);
                }
                if let Committed::At(_) = self.ledger.transact(draft.into()).await? {
                    gone.requests += batch.len();
                }
            }
            if !page.more {
                return Ok(requested);
            }
        }
    }
}
