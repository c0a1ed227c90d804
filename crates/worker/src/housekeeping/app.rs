//! What one App no longer needs at hand.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_core::ledger::{Committed, Compare, Entry, Revision};
use plimsoll_core::name::{AppRef, AppUid, DcName, OperationId, ReleaseNumber};
use plimsoll_core::record::{self, App, Draft, OperationParts, Release, Stored, Verdict, key};
use plimsoll_core::retention::{Holding, Removals, decide};

use super::shelf::Move;
use super::{BATCH, Error, Gone, Housekeeper};

/// So many Operations and so many Releases go at once; a Release has up to three entries.
const AT_ONCE: usize = 30;
/// How often to look again in one pass when somebody changed the App meanwhile.
const ROUNDS: usize = 3;

/// What lies in the ledger of one App, with what the decision is made from.
struct Scene {
    holding: Holding,
    uid: Option<AppUid>,
    revision: Option<Revision>,
    orders: BTreeMap<DcName, Revision>,
    operations: BTreeMap<OperationId, Vec<Entry>>,
    releases: BTreeMap<ReleaseNumber, (Release, Entry)>,
    verdicts: BTreeMap<ReleaseNumber, Entry>,
}

impl Housekeeper {
    /// Takes out of the ledger what may go of an App. Answers whether nothing more will go until somebody changes it.
    pub(super) async fn tidy_app(
        &self,
        app: &AppRef,
        requested: &BTreeSet<OperationId>,
        dcs: &BTreeSet<DcName>,
        gone: &mut Gone,
    ) -> Result<bool, Error> {
        let mut overtaken = 0;
        while overtaken < ROUNDS {
            let scene = self.look_at(app, dcs).await?;
            let remember = self.pace.remember_deletions;
            let removals = decide(&scene.holding, requested, remember, self.clock.now(), AT_ONCE);
            if removals.is_empty() {
                return Ok(!removals.more_later);
            }
            if !self.remove(app, &scene, &removals, gone).await? {
                overtaken += 1;
            }
        }
        Ok(false)
    }

    /// Reads the App first: whatever comes to need an entry after that changes the App, or the entry itself, and both
    /// are compared by what removes it.
    async fn look_at(&self, name: &AppRef, dcs: &BTreeSet<DcName>) -> Result<Scene, Error> {
        let app = self.ledger.get(&key::app(name)).await?;
        let app: Option<Stored<App>> = app.as_ref().map(record::decode).transpose()?;
        let mut scene = Scene {
            uid: app.as_ref().map(|app| app.value.uid),
            revision: app.as_ref().map(|app| app.revision),
            holding: Holding { app: app.map(|app| app.value), dcs: dcs.clone(), ..Holding::default() },
            orders: BTreeMap::new(),
            operations: BTreeMap::new(),
            releases: BTreeMap::new(),
            verdicts: BTreeMap::new(),
        };
        for entry in self.all(&key::orders(name)).await? {
            let Some((_, dc)) = key::parse_order(&entry.key) else { continue };
            scene.orders.insert(dc.clone(), entry.revision);
            scene.holding.orders.insert(dc, record::decode(&entry)?.value);
        }
        // After the Orders: what was good and is no longer ordered was noted before the Order moved on.
        for entry in self.all(&key::all_proven(name)).await? {
            scene.holding.proven.push(record::decode(&entry)?.value);
        }
        for entry in self.all(&key::history(name)).await? {
            scene.holding.history.extend(key::parse_history(&entry.key).map(|(_, id)| id));
        }
        for id in scene.holding.asks_for(AT_ONCE) {
            let entries = self.operation_entries(id).await?;
            if let Some(parts) = OperationParts::read(&entries)? {
                scene.holding.operations.insert(id, parts);
                scene.operations.insert(id, entries);
            }
        }
        if let Some(uid) = scene.uid {
            self.look_at_releases(uid, &mut scene).await?;
        }
        Ok(scene)
    }

    async fn look_at_releases(&self, uid: AppUid, scene: &mut Scene) -> Result<(), Error> {
        let mut verdicts = BTreeMap::new();
        for entry in self.all(&key::verdicts(uid)).await? {
            verdicts.insert(tail(&entry.key).to_owned(), entry);
        }
        for entry in self.all(&key::releases(uid)).await? {
            let release: Release = record::decode(&entry)?.value;
            let number = release.number;
            let verdict = match verdicts.remove(tail(&entry.key)) {
                None => Verdict::default(),
                Some(entry) => {
                    let verdict = record::decode(&entry)?.value;
                    scene.verdicts.insert(number, entry);
                    verdict
                }
            };
            scene.holding.releases.push((release.clone(), verdict));
            scene.releases.insert(number, (release, entry));
        }
        Ok(())
    }

    /// Answers whether nobody was faster.
    async fn remove(
        &self,
        app: &AppRef,
        scene: &Scene,
        removals: &Removals,
        gone: &mut Gone,
    ) -> Result<bool, Error> {
        let Removals { operations, tombstones, releases, contents: _, more_later: _ } = removals;
        if !tombstones.is_empty() {
            if !self.remove_tombstones(app, scene, tombstones).await? {
                return Ok(false);
            }
            gone.tombstones += tombstones.len();
        }
        let entries = |id: &OperationId| scene.operations.get(id).map_or(0, Vec::len) + 1;
        let mut rest = operations.as_slice();
        while !rest.is_empty() {
            let mut size = 0;
            // The first one goes in any case; it has an entry per data center and a few more.
            let fit = rest
                .iter()
                .take_while(|id| {
                    size += entries(id);
                    size <= BATCH
                })
                .count()
                .max(1);
            let (batch, later) = rest.split_at(fit);
            if !self.archive_operations(app, scene, batch).await? {
                return Ok(false);
            }
            gone.operations += batch.len();
            rest = later;
        }
        if let Some(uid) = scene.uid.filter(|_| !releases.is_empty()) {
            if !self.archive_releases(app, uid, scene, removals).await? {
                return Ok(false);
            }
            gone.releases += releases.len();
        }
        Ok(true)
    }

    async fn remove_tombstones(&self, app: &AppRef, scene: &Scene, dcs: &[DcName]) -> Result<bool, Error> {
        for batch in dcs.chunks(BATCH) {
            let mut draft = scene.draft(app);
            for dc in batch {
                if let Some(revision) = scene.orders.get(dc) {
                    draft.remove(key::order(app, dc), *revision);
                }
            }
            if self.ledger.transact(draft.into()).await? == Committed::Lost {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn archive_operations(
        &self,
        app: &AppRef,
        scene: &Scene,
        ids: &[OperationId],
    ) -> Result<bool, Error> {
        let mut moved = Move { draft: scene.draft(app), ..Move::default() };
        let mut of_this_life = 0;
        for id in ids {
            let (Some(parts), Some(entries)) = (scene.holding.operations.get(id), scene.operations.get(id))
            else {
                continue;
            };
            if parts.control.is_none() {
                moved.draft.requires(Compare::Absent(key::control(*id)));
            }
            for entry in entries.clone() {
                moved.archive(parts.operation.uid, entry);
            }
            moved.draft.delete(key::history_entry(app, *id));
            of_this_life += usize::from(Some(parts.operation.uid) == scene.uid);
        }
        // Of a life that is over nothing is noted: its notes go with it.
        if let Some(uid) = scene.uid.filter(|_| of_this_life > 0) {
            self.note(&mut moved.draft, uid, &[], of_this_life).await?;
        }
        self.carry_out(moved).await
    }

    async fn archive_releases(
        &self,
        app: &AppRef,
        uid: AppUid,
        scene: &Scene,
        removals: &Removals,
    ) -> Result<bool, Error> {
        let mut moved = Move { draft: scene.draft(app), ..Move::default() };
        let mut releases = Vec::new();
        for number in &removals.releases {
            if let Some((release, entry)) = scene.releases.get(number) {
                releases.push(release.clone());
                moved.archive(uid, entry.clone());
            }
            match scene.verdicts.get(number) {
                Some(entry) => moved.archive(uid, entry.clone()),
                None => moved.draft.requires(Compare::Absent(key::verdict(uid, *number))),
            }
        }
        for digest in &removals.contents {
            // Who publishes it again meanwhile writes it again, and this is lost.
            if let Some(entry) = self.ledger.get(&key::content(uid, digest)).await? {
                moved.archive(uid, entry);
            }
        }
        self.note(&mut moved.draft, uid, &releases, 0).await?;
        self.carry_out(moved).await
    }

    /// Archives, then removes; answers whether nobody was faster.
    pub(super) async fn carry_out(&self, moved: Move) -> Result<bool, Error> {
        let Move { draft, records } = moved;
        for (uid, records) in records {
            self.archive.append(uid, &records).await?;
        }
        Ok(self.ledger.transact(draft.into()).await? != Committed::Lost)
    }
}

impl Scene {
    /// A transaction that holds while nobody changes the App.
    fn draft(&self, app: &AppRef) -> Draft {
        let mut draft = Draft::default();
        match self.revision {
            Some(revision) => draft.relies(key::app(app), revision),
            None => draft.requires(Compare::Absent(key::app(app))),
        }
        draft
    }
}

/// The last part of a key.
fn tail(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}
