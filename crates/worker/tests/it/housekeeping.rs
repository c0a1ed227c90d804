//! The ledger over weeks: bounded, whole at every look, and nothing gone that anybody reaches for.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_core::archive::Archive as _;
use plimsoll_core::digest::Digest;
use plimsoll_core::error::Kind;
use plimsoll_core::fold::OperationState;
use plimsoll_core::ledger::Entry;
use plimsoll_core::name::{AppUid, ReleaseNumber};
use plimsoll_core::record::{Release, decode, key};
use plimsoll_core::retention::{OPERATIONS, RELEASES};
use plimsoll_core::usecase::{PageRequest, TakeScale};
use plimsoll_ledger::MemoryLedger;
use plimsoll_ledger::faults::{Call, Fault, FaultLedger, Gate, Rule};
use serde_json::json;

use crate::integrity::Inventory;
use crate::support::{Bed, ann, document, shop, write};

const HOUR: Duration = Duration::from_hours(1);

impl Bed {
    async fn inventory(&self) -> Inventory {
        let inventory = Inventory::of(&*self.ledger).await;
        inventory.check();
        inventory
    }

    async fn uid(&self) -> AppUid {
        self.plimsoll.get(&ann(), &shop()).await.unwrap().uid
    }

    /// Publishes so many versions, one after the other, and lets `pause` pass after each.
    async fn publish(&self, versions: impl Iterator<Item = u8>, pause: Duration) {
        for version in versions {
            let published = self.apply(version, &json!({})).await;
            self.until(published.id, |view| view.state.is_final()).await;
            self.pass(pause).await;
        }
    }

    /// All Releases that there ever were, out of ledger and archive, in the order of their numbers.
    async fn all_releases(&self, uid: AppUid) -> Vec<Release> {
        let archived = self.archive.read(uid).await.unwrap();
        let ledger = Inventory::of(&*self.ledger).await.keys.into_values();
        let revision = plimsoll_core::ledger::Revision(0);
        let archived =
            archived.into_iter().map(|record| Entry { key: record.key, value: record.value, revision });
        let entries = ledger.chain(archived).filter(|entry| key::parse_release(&entry.key) == Some(uid));
        let mut releases: Vec<Release> = entries.map(|entry| decode(&entry).unwrap().value).collect();
        releases.sort_by_key(|release| release.number);
        releases
    }
}

#[tokio::test(start_paused = true)]
async fn an_app_published_two_hundred_times_over_weeks_keeps_its_bounds() {
    let bed = Bed::new().await;
    for round in 0..20 {
        bed.publish(round * 10 + 1..=round * 10 + 10, 3 * HOUR).await;
        bed.inventory().await;
    }
    bed.pass(2 * HOUR).await;
    let uid = bed.uid().await;
    let inventory = bed.inventory().await;
    assert_eq!(inventory.count(&key::releases(uid)), RELEASES);
    assert_eq!(inventory.count(&key::verdicts(uid)), RELEASES);
    assert_eq!(inventory.count(&key::contents(uid)), RELEASES);
    assert_eq!(inventory.operations.len(), OPERATIONS);
    let requests = inventory.count(key::REQUESTS);
    assert!((7..=8).contains(&requests), "of the last 25 hours there are {requests}");
    assert_eq!(inventory.count(&key::archived(uid)), 2, "a summary and a block of contents");
    // The chain is whole over the border.
    let all = bed.all_releases(uid).await;
    assert_eq!(all.len(), 200);
    for pair in all.windows(2) {
        assert_eq!(pair[1].previous, Some(Digest::of(&pair[0]).unwrap()), "release {}", pair[1].number);
    }
    // What is in the archive is said to be there, and is no way back.
    let history = bed.plimsoll.history(&ann(), &shop(), PageRequest::default()).await.unwrap();
    let place = bed.archive.place(uid);
    let note = format!("150 older releases of demo/shop, up to 150, are in the archive: {place}");
    assert_eq!((history.items.len(), history.next, history.notes), (50, None, vec![note]));
    let number = |n: u64| ReleaseNumber::try_from(n).unwrap();
    let refused = bed.plimsoll.rollback(&ann(), &shop(), Some(number(17)), write("far")).await.unwrap_err();
    assert_eq!((refused.kind, refused.reason), (Kind::Refused, "RELEASE_ARCHIVED"));
    assert_eq!(
        refused.message,
        format!(
            "release 17 of demo/shop is in the archive ({place}) and no longer at hand; choose one that plimsoll history \
             shop -n demo lists, or apply its document anew"
        )
    );
    let refused = bed.plimsoll.document(&ann(), &shop(), Some(number(17))).await.unwrap_err();
    assert_eq!(refused.reason, "RELEASE_ARCHIVED");
    let unknown =
        bed.plimsoll.rollback(&ann(), &shop(), Some(number(201)), write("never")).await.unwrap_err();
    assert_eq!(unknown.reason, "RELEASE_NOT_FOUND");
    // What was ever held is known without the archive.
    for (content, held) in [(all[0].content, true), (all[199].content, true), (Digest::of_bytes(b"x"), false)]
    {
        assert_eq!(bed.plimsoll.ever_held(uid, &content).await.unwrap(), held);
    }
    // Back by one, and then by one more, as if nothing had gone.
    for (n, expected) in [(1, 199), (2, 198)] {
        let back = bed.plimsoll.rollback(&ann(), &shop(), None, write(&format!("back-{n}"))).await.unwrap();
        let back = bed.ended(back).await;
        assert_eq!(back.state, OperationState::Succeeded);
        let history = bed.plimsoll.history(&ann(), &shop(), PageRequest::default()).await.unwrap();
        assert_eq!(history.items[0].back_to, Some(ReleaseNumber::try_from(expected).unwrap()));
    }
    bed.inventory().await;
    bed.kill().await;
}

#[tokio::test(start_paused = true)]
async fn at_rest_nothing_is_written() {
    let bed = Bed::new().await;
    bed.publish(1..=60, Duration::ZERO).await;
    bed.pass(30 * HOUR).await;
    let before = bed.inventory().await;
    let appended = bed.archive.appended();
    assert!(appended > 0);
    tokio::time::sleep(24 * HOUR).await;
    bed.pass(24 * 14 * HOUR).await;
    let after = bed.inventory().await;
    assert_eq!(before.keys, after.keys);
    assert_eq!(bed.archive.appended(), appended);
    bed.kill().await;
}

#[tokio::test(start_paused = true)]
async fn an_app_that_was_deleted_is_gone_from_the_ledger_after_a_week_and_kept_in_the_archive() {
    let bed = Bed::new().await;
    let empty = bed.inventory().await.keys.len();
    bed.publish(1..=3, HOUR).await;
    let uid = bed.uid().await;
    bed.ended(bed.plimsoll.delete(&ann(), &shop(), write("delete")).await.unwrap()).await;
    bed.pass(24 * 7 * HOUR).await;
    let inventory = bed.inventory().await;
    assert_eq!(inventory.count(key::ORDERS), 3, "the deletion is remembered for a week and an hour");
    assert_eq!(inventory.count(key::RELEASES), 3);
    bed.pass(3 * HOUR).await;
    let inventory = bed.inventory().await;
    // What is left was there before it: the namespace's request went by time.
    assert!(inventory.keys.len() <= empty, "{:#?}", inventory.keys.keys().collect::<Vec<_>>());
    let kept = bed.archive.read(uid).await.unwrap();
    let count = |prefix: &str| kept.iter().filter(|record| record.key.starts_with(prefix)).count();
    assert_eq!([count("releases/"), count("contents/"), count("verdicts/")], [3, 3, 3]);
    // Go live, two upgrades, a delete; each with an end and three outcomes.
    assert_eq!(count(key::OPERATIONS), 4 * 5);
    bed.kill().await;
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_a_data_center_has_not_confirmed_is_never_forgotten() {
    let bed = Bed::new().await;
    bed.publish(1..=1, HOUR).await;
    bed.dcs[2].holds_on(true);
    let delete = bed.plimsoll.delete(&ann(), &shop(), write("delete")).await.unwrap();
    bed.pass(24 * 30 * HOUR).await;
    let inventory = bed.inventory().await;
    assert_eq!(inventory.count(key::ORDERS), 3);
    assert_eq!(inventory.count(key::RELEASES), 1);
    bed.dcs[2].holds_on(false);
    bed.ended(delete).await;
    bed.pass(24 * 7 * HOUR).await;
    assert_eq!(bed.inventory().await.count(key::ORDERS), 3, "a week from its answer");
    bed.pass(3 * HOUR).await;
    assert_eq!(bed.inventory().await.count(key::ORDERS), 0);
    bed.kill().await;
}

#[tokio::test(start_paused = true)]
async fn content_that_is_published_again_while_it_is_removed_stays() {
    let faults = Arc::new(FaultLedger::new(Arc::new(MemoryLedger::new())));
    let bed = Bed::on(faults.clone()).await;
    bed.publish(1..=51, Duration::ZERO).await;
    let uid = bed.uid().await;
    // The housekeeper has decided that the content of release 1 goes, and is about to commit.
    let gate = Gate::shut();
    let rule = Rule::on(Call::Transact, Fault::Wait(gate.clone()))
        .when(|seen| seen.keys.iter().any(|key| key.starts_with("archived/")))
        .times(1);
    faults.add(rule);
    gate.arrived(1).await;
    let again = bed.plimsoll.apply(&ann(), &document(1, &json!({})), TakeScale::No, write("again")).await;
    let digest = bed.plimsoll.get(&ann(), &shop()).await.unwrap().content;
    gate.open();
    bed.ended(again.unwrap()).await;
    assert!(bed.inventory().await.keys.contains_key(&key::content(uid, &digest)));
    for dc in &bed.dcs {
        assert!(dc.what_it_has(&shop()).is_some());
    }
    bed.pass(2 * HOUR).await;
    let inventory = bed.inventory().await;
    assert!(inventory.keys.contains_key(&key::content(uid, &digest)));
    assert_eq!(inventory.count(&key::releases(uid)), RELEASES);
    bed.kill().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_decided_before_somebody_changed_the_app_is_decided_anew() {
    let faults = Arc::new(FaultLedger::new(Arc::new(MemoryLedger::new())));
    let bed = Bed::on(faults.clone()).await;
    bed.publish(1..=51, Duration::ZERO).await;
    let gate = Gate::shut();
    let removes =
        |seen: &plimsoll_ledger::faults::Seen<'_>| seen.keys.iter().any(|key| key.starts_with("archived/"));
    let tried = faults.add(Rule::on(Call::Transact, Fault::Delay(Duration::ZERO)).when(removes));
    faults.add(Rule::on(Call::Transact, Fault::Wait(gate.clone())).when(removes).times(1));
    gate.arrived(1).await;
    let restart = bed.plimsoll.restart(&ann(), &shop(), write("restart")).await.unwrap();
    gate.open();
    bed.ended(restart).await;
    bed.pass(HOUR / 2).await;
    assert_eq!(tried.get(), 2, "the first was decided on what the App had been");
    assert_eq!(bed.inventory().await.count(&key::releases(bed.uid().await)), RELEASES);
    bed.kill().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_tidied_while_the_ledger_is_behind_its_data_centers() {
    let ledger = Arc::new(MemoryLedger::new());
    let bed = Bed::on(ledger.clone()).await;
    // More than stay, all within the hour in which nobody tidies.
    bed.publish(1..=55, Duration::ZERO).await;
    let names: Vec<String> = (0..5).map(|n| format!("app-{n}")).collect();
    bed.publish_apps(&names, 1).await;
    let backup = Arc::new(ledger.fork());
    bed.publish_apps(&names, 2).await;
    bed.kill().await;
    let bed = bed.with_ledger(backup);
    let before = bed.inventory().await.keys;
    bed.run();
    bed.pass(30 * HOUR).await;
    let after = bed.inventory().await.keys;
    let is_past = |key: &&String| !key.starts_with(key::DCS);
    assert_eq!(
        after.keys().filter(is_past).collect::<Vec<_>>(),
        before.keys().filter(is_past).collect::<Vec<_>>()
    );
    assert_eq!(bed.archive.appended(), 0);
    bed.kill().await;
}

#[tokio::test(start_paused = true)]
async fn a_repeated_request_is_answered_for_a_day_however_much_happened_since() {
    let bed = Bed::new().await;
    let first =
        bed.plimsoll.apply(&ann(), &document(1, &json!({})), TakeScale::No, write("first")).await.unwrap();
    bed.ended(first.clone()).await;
    bed.publish(2..=80, Duration::from_mins(10)).await;
    bed.pass(Duration::from_mins(23 * 60 - 800)).await;
    let repeat = bed.plimsoll.apply(&ann(), &document(1, &json!({})), TakeScale::No, write("first")).await;
    assert_eq!(repeat.unwrap().operation.unwrap().id, first.operation.unwrap().id);
    bed.inventory().await;
    bed.kill().await;
}

/// The keys of the ledger and of the archive after 60 publishes and a day, and how many transactions the housekeeper
/// tried, if a fault strikes one of them: one that was not made though the archive was written, as by a crash in
/// between, or one whose answer was lost.
async fn swept(fault: Option<(Fault, u64)>) -> (BTreeSet<String>, BTreeSet<String>, u64) {
    let faults = Arc::new(FaultLedger::new(Arc::new(MemoryLedger::new())));
    let bed = Bed::on(faults.clone()).await;
    bed.publish(1..=60, Duration::ZERO).await;
    // The housekeeper looked when the ledger was empty, and looks again after an hour.
    let archive_writes = |seen: &plimsoll_ledger::faults::Seen<'_>| {
        seen.keys.iter().any(|key| key.starts_with("archived/") || key.starts_with(key::REQUESTS))
            && !seen.keys.iter().any(|key| key.starts_with(key::APPS))
    };
    let counter = faults.add(Rule::on(Call::Transact, Fault::Delay(Duration::ZERO)).when(archive_writes));
    if let Some((fault, nth)) = fault {
        faults.add(Rule::on(Call::Transact, fault).when(archive_writes).nth(nth));
    }
    bed.pass(30 * HOUR).await;
    let inventory = bed.inventory().await;
    let uid = bed.uid().await;
    let kept = bed.archive.read(uid).await.unwrap().into_iter().map(|record| record.key).collect();
    bed.kill().await;
    (inventory.keys.into_keys().collect(), kept, counter.get())
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_or_after_any_removal_ends_where_no_crash_does() {
    let (ledger, archive, writes) = swept(None).await;
    assert!(writes >= 4, "{writes}");
    for nth in 1..=writes {
        for fault in [Fault::Refuse, Fault::LoseReply] {
            let (swept_ledger, swept_archive, _) = swept(Some((fault.clone(), nth))).await;
            assert_eq!(swept_ledger, ledger, "{fault:?} {nth}");
            assert_eq!(swept_archive, archive, "{fault:?} {nth}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_leaves_the_ledger_that_the_archive_did_not_take() {
    let bed = Bed::new().await;
    bed.archive.refuse();
    bed.publish(1..=60, Duration::ZERO).await;
    bed.pass(2 * HOUR).await;
    let uid = bed.uid().await;
    let inventory = bed.inventory().await;
    assert_eq!((inventory.count(&key::releases(uid)), inventory.operations.len()), (60, 60));
    bed.archive.relent();
    bed.pass(30 * HOUR).await;
    let inventory = bed.inventory().await;
    assert_eq!((inventory.count(&key::releases(uid)), inventory.operations.len()), (RELEASES, OPERATIONS));
    assert_eq!(bed.all_releases(uid).await.len(), 60);
    bed.kill().await;
}
