//! Lives of Apps that are over: no App has the uid, and no Order speaks of it.

use plimsoll_core::ledger::{Committed, Range};
use plimsoll_core::name::AppUid;
use plimsoll_core::record::{Draft, key};

use super::shelf::Move;
use super::{BATCH, Error, Gone, Housekeeper};

impl Housekeeper {
    /// Moves everything of a life into the archive. A uid never comes back, so nothing can come to need any of it; the
    /// Releases go last, as it is by them that a life is found.
    pub(super) async fn clear_life(&self, uid: AppUid, gone: &mut Gone) -> Result<(), Error> {
        for prefix in [key::contents(uid), key::verdicts(uid)] {
            self.archive_all(uid, &prefix).await?;
        }
        // What the notes say is in the archive itself.
        for prefix in [key::archived_blocks(uid), key::archived(uid)] {
            for batch in self.all(&prefix).await?.chunks(BATCH) {
                let mut draft = Draft::default();
                for entry in batch {
                    draft.remove(entry.key.clone(), entry.revision);
                }
                if self.ledger.transact(draft.into()).await? == Committed::Lost {
                    return Ok(());
                }
            }
        }
        gone.releases += self.archive_all(uid, &key::releases(uid)).await?;
        Ok(())
    }

    async fn archive_all(&self, uid: AppUid, prefix: &str) -> Result<usize, Error> {
        let mut count = 0;
        loop {
            let page = self.ledger.range(&Range { limit: BATCH, ..Range::prefix(prefix) }).await?;
            if page.entries.is_empty() {
                return Ok(count);
            }
            let size = page.entries.len();
            let mut moved = Move::default();
            for entry in page.entries {
                moved.archive(uid, entry);
            }
            if !self.carry_out(moved).await? {
                return Ok(count);
            }
            count += size;
        }
    }
}
