//! What use cases say of Releases that lie in the archive.

use super::Plimsoll;
use crate::digest::Digest;
use crate::error::{Error, Kind};
use crate::name::{AppRef, AppUid, ReleaseNumber};
use crate::record::{ArchivedContents, ArchivedSummary, decode, key};

impl Plimsoll {
    /// Whether a life of an App ever had this content, in the ledger or in what the ledger notes of the archive; that of
    /// a life which is over lies in the archive alone.
    ///
    /// # Errors
    /// What reading the ledger fails with.
    pub async fn ever_held(&self, uid: AppUid, content: &Digest) -> Result<bool, Error> {
        if self.ledger.get(&key::content(uid, content)).await.map_err(super::reading::from_ledger)?.is_some()
        {
            return Ok(true);
        }
        for entry in self.read_all(&key::archived_blocks(uid)).await? {
            let block = decode::<ArchivedContents>(&entry).map_err(Error::internal)?;
            if block.value.held(content) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Where the older Releases of an App lie, in a sentence, if there are any.
    pub(super) async fn note_on_the_archive(
        &self,
        app: &AppRef,
        uid: AppUid,
    ) -> Result<Option<String>, Error> {
        let summary = self.read::<ArchivedSummary>(&key::archived(uid)).await?.map(|stored| stored.value);
        Ok(summary.and_then(|summary| {
            let newest = summary.newest?.number;
            Some(format!(
                "{} older releases of {app}, up to {newest}, are in the archive: {}",
                summary.releases, summary.place
            ))
        }))
    }

    /// Why a Release cannot be had: it lies in the archive, or there never was one of this number.
    pub(super) async fn no_such_release(&self, app: &AppRef, uid: AppUid, number: ReleaseNumber) -> Error {
        let summary = match self.read::<ArchivedSummary>(&key::archived(uid)).await {
            Ok(summary) => summary.map(|stored| stored.value),
            Err(error) => return error,
        };
        let list = format!("plimsoll history {} -n {}", app.name, app.namespace);
        match summary {
            Some(ArchivedSummary { place, newest: Some(newest), .. }) if number <= newest.number => Error::new(
                Kind::Refused,
                "RELEASE_ARCHIVED",
                format!(
                    "release {number} of {app} is in the archive ({place}) and no longer at hand; choose one that \
                     {list} lists, or apply its document anew"
                ),
            )
            .with("archive", place),
            _ => Error::new(
                Kind::NotFound,
                "RELEASE_NOT_FOUND",
                format!("{app} has no release {number}; {list} lists them"),
            ),
        }
    }
}
