//! Putting a transaction together that takes entries out of the ledger, and what is to be archived before it.

use std::collections::BTreeMap;

use plimsoll_core::archive::Record;
use plimsoll_core::digest::Digest;
use plimsoll_core::ledger::{Compare, Entry, Revision};
use plimsoll_core::name::AppUid;
use plimsoll_core::record::{
    self, ArchivedContents, ArchivedRelease, ArchivedSummary, Draft, Release, Stored, key,
};

use super::{Error, Housekeeper};

/// A move out of the ledger while it is put together.
#[derive(Default)]
pub(super) struct Move {
    pub(super) draft: Draft,
    /// What goes into the archive first, by the life that it belongs to.
    pub(super) records: BTreeMap<AppUid, Vec<Record>>,
}

impl Move {
    /// Takes an entry out and keeps it in the archive of this life.
    pub(super) fn archive(&mut self, uid: AppUid, entry: Entry) {
        self.draft.remove(entry.key.clone(), entry.revision);
        self.records.entry(uid).or_default().push(Record { key: entry.key, value: entry.value });
    }
}

impl Housekeeper {
    /// Notes in the ledger what a move takes into the archive of a life, so that its history can say so, its chain of
    /// Releases goes on over the border, and it can be told which contents the life ever held.
    pub(super) async fn note(
        &self,
        draft: &mut Draft,
        uid: AppUid,
        releases: &[Release],
        operations: usize,
    ) -> Result<(), Error> {
        let summary_key = key::archived(uid);
        let (before, mut summary) = self.read::<ArchivedSummary>(&summary_key).await?;
        summary.place = self.archive.place(uid);
        summary.releases += releases.len() as u64;
        summary.operations += operations as u64;
        for release in releases {
            if summary.newest.as_ref().is_none_or(|newest| newest.number < release.number) {
                let digest = Digest::of(release)?;
                summary.newest = Some(ArchivedRelease { number: release.number, digest });
            }
        }
        put(draft, summary_key, before, &summary)?;
        let mut blocks = BTreeMap::new();
        for release in releases {
            let block = key::archived_contents(uid, release.number);
            if !blocks.contains_key(&block) {
                blocks.insert(block.clone(), self.read::<ArchivedContents>(&block).await?);
            }
            if let Some((_, contents)) = blocks.get_mut(&block) {
                contents.note(release.number, &release.content);
            }
        }
        for (key, (before, contents)) in blocks {
            put(draft, key, before, &contents)?;
        }
        Ok(())
    }

    /// A record with its revision, or an empty one.
    async fn read<T: serde::de::DeserializeOwned + Default>(
        &self,
        key: &str,
    ) -> Result<(Option<Revision>, T), Error> {
        Ok(match self.ledger.get(key).await? {
            None => (None, T::default()),
            Some(entry) => {
                let Stored { value, revision } = record::decode(&entry)?;
                (Some(revision), value)
            }
        })
    }
}

/// Writes a record over what was read of it.
fn put<T: serde::Serialize>(
    draft: &mut Draft,
    key: String,
    before: Option<Revision>,
    value: &T,
) -> Result<(), serde_json::Error> {
    draft.requires(match before {
        Some(revision) => Compare::At(key.clone(), revision),
        None => Compare::Absent(key.clone()),
    });
    draft.put(key, value)
}
