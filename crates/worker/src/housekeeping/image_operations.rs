//! Operations on registries that ended long ago, or that many others came after.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_core::ledger::{Committed, Entry};
use plimsoll_core::name::OperationId;
use plimsoll_core::record::key::{self, ImageOperationKey};
use plimsoll_core::record::{self, Draft, End, Stored};
use plimsoll_core::retention::image_operations;

use super::{BATCH, Error, Gone, Housekeeper};

impl Housekeeper {
    /// Removes those that may go, each with all its parts at once. Nothing refers to them, so nothing is archived.
    pub(super) async fn forget_image_operations(
        &self,
        requested: &BTreeSet<OperationId>,
        gone: &mut Gone,
    ) -> Result<(), Error> {
        let mut entries: BTreeMap<OperationId, Vec<Entry>> = BTreeMap::new();
        let mut ended = BTreeMap::new();
        for entry in self.all(key::IMAGE_OPERATIONS).await? {
            let id = match key::parse_image_operation(&entry.key) {
                Some(ImageOperationKey::Operation(id) | ImageOperationKey::Outcome(id, _)) => id,
                Some(ImageOperationKey::End(id)) => {
                    let end: Stored<End> = record::decode(&entry)?;
                    ended.insert(id, end.value.at);
                    id
                }
                None => continue,
            };
            entries.entry(id).or_default().push(entry);
        }
        let mut draft = Draft::default();
        let (mut size, mut count) = (0, 0);
        for id in image_operations(&ended, requested, self.clock.now()) {
            let parts = entries.remove(&id).unwrap_or_default();
            if size > 0 && size + parts.len() > BATCH {
                self.commit_removal(std::mem::take(&mut draft), &mut count, gone).await?;
                size = 0;
            }
            size += parts.len();
            count += 1;
            for entry in parts {
                draft.remove(entry.key, entry.revision);
            }
        }
        self.commit_removal(draft, &mut count, gone).await
    }

    async fn commit_removal(&self, draft: Draft, count: &mut usize, gone: &mut Gone) -> Result<(), Error> {
        if *count > 0
            && let Committed::At(_) = self.ledger.transact(draft.into()).await?
        {
            gone.image_operations += *count;
        }
        *count = 0;
        Ok(())
    }
}
