use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::builders::{mk_app_ref, mk_dcs, mk_operation, mk_outcomes};
use crate::cluster::Power;
use crate::last_good::last_good;
use crate::ledger::Revision;
use crate::record::{End, EndState, Good, Kind, Operation, Ordered, OutcomeState, Pin, Stored, Track};
use crate::scale::{Placement, Replication, Scale};

const LIMIT: usize = 1000;
/// When everything here happened.
const THEN: Timestamp = Timestamp::UNIX_EPOCH;

fn later(hours: u64) -> Timestamp {
    THEN + Duration::from_hours(hours)
}

fn number(n: u64) -> ReleaseNumber {
    ReleaseNumber::try_from(n).unwrap()
}

fn id(n: u128) -> OperationId {
    uuid::Uuid::from_u128(n).into()
}

fn digest(content: &str) -> Digest {
    Digest::of_bytes(content.as_bytes())
}

fn mk_release(n: u64, content: &str, succeeded: bool, rolled_back: bool) -> (Release, Verdict) {
    let release = Release {
        number: number(n),
        content: digest(content),
        previous: None,
        image: String::new(),
        operation: id(10_000 + u128::from(n)),
        back_to: None,
        by: "ann".to_owned(),
        reason: None,
        created: THEN,
    };
    (release, Verdict { succeeded: succeeded.then_some(THEN), rolled_back: rolled_back.then_some(THEN) })
}

/// An App whose head is the newest of `releases`.
fn mk_holding(releases: Vec<(Release, Verdict)>) -> Holding {
    let (head, _) = releases.last().unwrap();
    let app = App {
        app: mk_app_ref(),
        uid: uuid::Uuid::from_u128(1).into(),
        owner: None,
        description: None,
        labels: BTreeMap::new(),
        head: head.number,
        head_content: head.content,
        scale: Scale { placement: Placement::All, size: Replication::Fixed(3), exceptions: BTreeMap::new() },
        power: Power::Online,
        pin: None,
        operations: BTreeMap::new(),
        created: THEN,
        changed_by: "ann".to_owned(),
        changed: THEN,
    };
    let dcs = mk_dcs(["dc-1", "dc-2", "dc-3"]).into_iter().collect();
    Holding { app: Some(app), dcs, releases, ..Holding::default() }
}

/// `n` Releases that succeeded, each with content of its own.
fn mk_releases(n: u64) -> Vec<(Release, Verdict)> {
    (1..=n).map(|n| mk_release(n, &n.to_string(), true, false)).collect()
}

fn mk_order(holding: &Holding, release: u64, last_good: Option<u64>) -> Order {
    let content = |n: u64| digest(&n.to_string());
    Order {
        uid: holding.app.as_ref().unwrap().uid,
        epoch: 1,
        operation: id(9_999),
        ordered: Ordered::Run {
            release: number(release),
            content: content(release),
            power: Power::Online,
            replication: Replication::Fixed(3),
        },
        deleted: Vec::new(),
        restarts: BTreeMap::new(),
        last_good: last_good.map(|n| Good { release: number(n), content: content(n) }),
        pulls: None,
    }
}

fn mk_parts(n: u128, kind: Kind, end: Option<EndState>, states: [OutcomeState; 3]) -> OperationParts {
    let operation = Operation { id: id(n), kind, ..mk_operation() };
    let stored = |value| Stored { value, revision: Revision(1) };
    let mut parts = OperationParts::new(operation);
    parts.outcomes = mk_outcomes(states).into_iter().map(|(dc, value)| (dc, stored(value))).collect();
    parts.end = end.map(|state| Stored {
        value: End { state, message: None, by: None, at: THEN },
        revision: Revision(2),
    });
    parts
}

const HEALTHY: [OutcomeState; 3] = [OutcomeState::Healthy; 3];

/// With `n` Operations that succeeded.
fn with_operations(mut holding: Holding, n: u128) -> Holding {
    for n in 1..=n {
        holding.history.insert(id(n));
        holding.operations.insert(id(n), mk_parts(n, Kind::Restart, Some(EndState::Succeeded), HEALTHY));
    }
    holding
}

fn removals(holding: &Holding, now: Timestamp) -> Removals {
    decide(holding, &BTreeSet::new(), TOMBSTONE_AGE, now, LIMIT)
}

fn released(holding: &Holding) -> Vec<u64> {
    removals(holding, THEN).releases.into_iter().map(ReleaseNumber::get).collect()
}

fn operated(holding: &Holding, now: Timestamp) -> Vec<OperationId> {
    removals(holding, now).operations
}

#[test]
fn the_last_fifty_releases_stay_and_contents_go_with_those_before() {
    assert_eq!(removals(&mk_holding(mk_releases(50)), THEN), Removals::default());
    let found = removals(&mk_holding(mk_releases(52)), THEN);
    assert_eq!(found.releases, [number(1), number(2)]);
    assert_eq!(found.contents, [digest("1"), digest("2")].into());
}

#[test]
fn content_that_a_later_release_has_too_stays() {
    let mut releases = mk_releases(60);
    releases[59].0.content = digest("3");
    let found = removals(&mk_holding(releases), THEN);
    assert_eq!(found.releases.len(), 10);
    assert!(!found.contents.contains(&digest("3")) && found.contents.len() == 9);
}

#[test]
fn a_batch_is_bounded_and_leaves_what_the_next_one_needs() {
    let mut releases = mk_releases(60);
    releases[4].0.content = digest("1");
    let found = decide(&mk_holding(releases), &BTreeSet::new(), TOMBSTONE_AGE, THEN, 3);
    assert_eq!(found.releases, [number(1), number(2), number(3)]);
    assert_eq!(found.contents, [digest("2"), digest("3")].into(), "5 has the content of 1");
    assert!(found.more_later);
}

#[test]
fn what_is_delivered_pinned_or_fallen_back_to_stays_however_old() {
    let mut holding = mk_holding(mk_releases(100));
    let dcs = mk_dcs(["dc-1", "dc-2"]);
    holding.orders.insert(dcs[0].clone(), mk_order(&holding, 7, Some(5)));
    holding.orders.insert(dcs[1].clone(), mk_order(&holding, 90, None));
    let app = holding.app.as_mut().unwrap();
    app.pin = Some(Pin { by: "ann".to_owned(), reason: None, since: THEN, from: number(11) });
    app.operations.insert(Track::Release, id(77));
    let mut open = mk_parts(77, Kind::Upgrade, None, HEALTHY);
    open.operation.release = number(100);
    open.operation.from = Some(number(21));
    open.operation.fallback = Some(number(20));
    holding.operations.insert(id(77), open);
    let good = |n: u64| Good { release: number(n), content: digest(&n.to_string()) };
    holding
        .proven
        .push(Proven { uid: holding.app.as_ref().unwrap().uid, releases: vec![good(100), good(3)] });
    let stay = [3, 5, 7, 11, 20, 21];
    assert_eq!(released(&holding), (1..=50).filter(|n| !stay.contains(n)).collect::<Vec<_>>());
}

#[test]
fn what_rollbacks_would_find_stays_behind_a_long_row_of_failures() {
    let mut releases = mk_releases(100);
    for (_, verdict) in &mut releases[10..] {
        verdict.succeeded = None;
    }
    assert_eq!(
        released(&mk_holding(releases)),
        (1..=50).filter(|n| !(6..=10).contains(n)).collect::<Vec<_>>()
    );
}

#[test]
fn an_old_release_does_not_look_good_because_its_abandonment_is_gone() {
    let mut releases = mk_releases(100);
    // 20 brought the content of 7 again and was rolled back from; dc-1 was away all the time and still has 7.
    releases[19] = mk_release(20, "7", false, true);
    for (_, verdict) in &mut releases[20..] {
        verdict.succeeded = None;
    }
    let mut holding = mk_holding(releases);
    holding.orders.insert(mk_dcs(["dc-1"])[0].clone(), mk_order(&holding, 7, None));
    let gone = released(&holding);
    assert!(!gone.contains(&7) && !gone.contains(&20), "{gone:?}");
}

#[test]
fn the_newest_operations_stay_and_so_does_what_something_follows_from() {
    let count = OPERATIONS as u128;
    let mut holding = with_operations(mk_holding(mk_releases(1)), count + 6);
    assert_eq!(operated(&holding, later(24)), [], "a request may be repeated for a day");
    assert_eq!(operated(&holding, later(25)), (1..=6).map(id).collect::<Vec<_>>());
    assert!(!removals(&holding, later(25)).more_later);
    // 1 is open; 2 is the newest of its track; 3 wrote an Order; 4 would answer a repeated request.
    holding.operations.insert(id(1), mk_parts(1, Kind::Upgrade, None, HEALTHY));
    holding.app.as_mut().unwrap().operations.insert(Track::Restart, id(2));
    let order = Order { operation: id(3), ..mk_order(&holding, 1, None) };
    holding.orders.insert(mk_dcs(["dc-1"])[0].clone(), order);
    let found = decide(&holding, &BTreeSet::from([id(4)]), TOMBSTONE_AGE, later(25), LIMIT);
    assert_eq!(found.operations, [id(5), id(6)]);
    assert!(found.more_later);
}

#[test]
fn a_deletion_that_is_owed_stays_until_it_is_answered() {
    use OutcomeState::{Done, Owed};
    let mut holding = with_operations(mk_holding(mk_releases(1)), OPERATIONS as u128 + 1);
    let owing = Some(EndState::SucceededOwing);
    holding.operations.insert(id(1), mk_parts(1, Kind::Delete, owing, [Done, Owed, Done]));
    assert_eq!(operated(&holding, later(25)), []);
    holding.operations.insert(id(1), mk_parts(1, Kind::Delete, owing, [Done, Done, Done]));
    assert_eq!(operated(&holding, later(25)), [id(1)]);
}

#[test]
fn the_operations_of_an_app_that_is_gone_go_a_week_after_they_ended() {
    let mut holding = with_operations(mk_holding(mk_releases(1)), 3);
    holding.app = None;
    assert_eq!(operated(&holding, later(7 * 24)), [], "clocks may differ");
    assert!(removals(&holding, later(7 * 24)).more_later);
    assert_eq!(operated(&holding, later(7 * 24 + 1)).len(), 3);
}

#[test]
fn a_deletion_is_remembered_until_the_data_centers_had_a_week_to_forget_it_and_another_if_they_are_away() {
    use OutcomeState::{Done, Owed};
    let tombstones = |states, lost: &[&str], now| {
        let mut holding = mk_holding(mk_releases(1));
        for dc in mk_dcs(["dc-1", "dc-2", "dc-3"]) {
            let order = Order { ordered: Ordered::Deleted, operation: id(1), ..mk_order(&holding, 1, None) };
            holding.orders.insert(dc, order);
        }
        holding.app = None;
        holding.dcs.retain(|dc| !lost.contains(&dc.as_str()));
        holding.history.insert(id(1));
        holding.operations.insert(id(1), mk_parts(1, Kind::Delete, Some(EndState::Succeeded), states));
        removals(&holding, now).tombstones.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let (week, fortnight) = (later(7 * 24 + 1), later(2 * (7 * 24 + 1)));
    let nobody: [&str; 0] = [];
    assert_eq!(tombstones([Done; 3], &[], week), nobody, "each data center's worker takes its own away");
    assert_eq!(tombstones([Done; 3], &[], fortnight - Duration::from_secs(1)), nobody);
    assert_eq!(tombstones([Done; 3], &[], fortnight), ["dc-1", "dc-2", "dc-3"], "they were away");
    assert_eq!(tombstones([Done, Done, Owed], &[], fortnight), nobody);
    assert_eq!(tombstones([Done, Done, Owed], &["dc-3"], week - Duration::from_secs(1)), nobody);
    assert_eq!(tombstones([Done, Done, Owed], &["dc-3"], week), ["dc-3"], "nobody works for a lost one");
}

#[test]
fn a_deletion_is_due_a_week_after_the_last_data_center_that_is_awaited_has_answered() {
    use OutcomeState::{Done, Owed, Superseded};
    let at = |states, awaited: &[&str]| {
        let mut parts = mk_parts(1, Kind::Delete, None, states);
        let last = parts.outcomes.values_mut().last().unwrap();
        last.value.since = later(5);
        forget_at(&parts, |dc| awaited.contains(&dc.as_str()), TOMBSTONE_AGE)
    };
    let all = ["dc-1", "dc-2", "dc-3"];
    assert_eq!(at([Done; 3], &all), Some(later(7 * 24 + 1 + 5)));
    assert_eq!(at([Done, Superseded, Done], &all), Some(later(7 * 24 + 1 + 5)));
    assert_eq!(at([Done, Owed, Done], &all), None);
    assert_eq!(at([Done, Done, Owed], &all[..2]), Some(later(7 * 24 + 1)));
}

#[test]
fn time_is_over_only_when_it_is_over_by_every_clock() {
    assert!(!is_over(THEN, REQUEST_AGE, later(24)));
    assert!(is_over(THEN, REQUEST_AGE, later(25)));
    assert!(!is_over(later(48), REQUEST_AGE, THEN), "stamped by a clock that is ahead");
    let second = Duration::from_secs(1);
    assert!(is_over(THEN, second, THEN + 2 * second), "what is kept for a second is not kept for an hour");
}

proptest! {
    /// Whatever the past was: removing what may go, batch by batch, leaves every rollback without a number what it
    /// would have found, and the second look finds nothing more to do.
    #[test]
    fn rollbacks_find_the_same_with_and_without_the_archive(
        past in proptest::collection::vec((0_u8..12, any::<bool>(), proptest::bool::weighted(0.2)), 51..160),
        ordered in proptest::option::of(any::<prop::sample::Index>()),
        limit in 1_usize..40,
    ) {
        let mut all: Vec<_> = (1..).zip(&past)
            .map(|(n, (content, succeeded, rolled_back))| {
                mk_release(n, &content.to_string(), *succeeded, *rolled_back)
            })
            .collect();
        let mut holding = mk_holding(all.clone());
        if let Some(index) = ordered {
            let (release, _) = index.get(&all);
            let mut order = mk_order(&holding, release.number.get(), None);
            if let Ordered::Run { content, .. } = &mut order.ordered {
                *content = release.content;
            }
            holding.orders.insert(mk_dcs(["dc-1"])[0].clone(), order);
        }
        loop {
            let found = decide(&holding, &BTreeSet::new(), TOMBSTONE_AGE, THEN, limit);
            prop_assert!(found.releases.len() <= limit);
            if found.is_empty() {
                prop_assert!(!found.more_later);
                break;
            }
            holding.releases.retain(|(release, _)| !found.releases.contains(&release.number));
            for (release, _) in &holding.releases {
                prop_assert!(!found.contents.contains(&release.content));
            }
        }
        let mut kept = holding.releases;
        prop_assert!(kept.len() <= RELEASES + 2 * WAYS_BACK + 8, "{} stay", kept.len());
        for _ in 0..WAYS_BACK {
            let (head, _) = all.last().unwrap().clone();
            let choice = |from: &[(Release, Verdict)]| last_good(from, head.number, Some(&head.content)).cloned();
            let target = choice(&all);
            prop_assert_eq!(&target, &choice(&kept));
            let Some((target, _)) = target else { break };
            for list in [&mut all, &mut kept] {
                list.last_mut().unwrap().1.rolled_back = Some(THEN);
                let mut back = mk_release(head.number.get() + 1, "", false, false);
                back.0.content = target.content;
                list.push(back);
            }
        }
    }
}
