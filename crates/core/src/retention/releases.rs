//! Releases that no rollback, no data center and nobody's pin reaches for, and contents that go with them.

use std::collections::BTreeSet;

use super::{Holding, RELEASES, Removals, WAYS_BACK};
use crate::digest::Digest;
use crate::last_good::{last_good, ways_back};
use crate::name::ReleaseNumber;
use crate::record::{App, Ordered, Release, Verdict};

pub(super) fn decide(holding: &Holding, app: &App, limit: usize, removals: &mut Removals) {
    let stay = staying(holding, app);
    let (kept, gone): (Vec<_>, Vec<_>) = holding
        .releases
        .iter()
        .map(|(release, _)| release)
        .partition(|release| stay.contains(&release.number));
    let (now, later) = gone.split_at(gone.len().min(limit));
    removals.more_later |= !later.is_empty();
    let needed: BTreeSet<Digest> = kept
        .iter()
        .chain(later)
        .map(|release| release.content)
        .chain([app.head_content])
        .chain(delivered(holding, app).map(|(_, content)| content))
        .collect();
    removals.releases = now.iter().map(|release| release.number).collect();
    removals.contents =
        now.iter().map(|release| release.content).filter(|content| !needed.contains(content)).collect();
}

/// The Releases that stay.
fn staying(holding: &Holding, app: &App) -> BTreeSet<ReleaseNumber> {
    let releases = &holding.releases;
    let last = releases.iter().rev().take(RELEASES).map(|(release, _)| release.number);
    let mut stay: BTreeSet<ReleaseNumber> = last.collect();
    stay.insert(app.head);
    stay.extend(app.pin.iter().map(|pin| pin.from));
    stay.extend(delivered(holding, app).map(|(release, _)| release));
    for parts in app.operations.values().filter_map(|id| holding.operations.get(id)) {
        let operation = &parts.operation;
        stay.extend([operation.release].into_iter().chain(operation.from).chain(operation.fallback));
    }
    let back = ways_back(releases, app.head, Some(&app.head_content)).take(WAYS_BACK);
    stay.extend(back.map(|(release, _)| release.number));
    stay.extend(completed(holding, app).map(|release| release.number));
    // That what is ordered succeeded once lets it come up at once.
    for (_, content) in delivered(holding, app) {
        stay.extend(newest(releases, |release, verdict| {
            release.content == content && verdict.succeeded.is_some()
        }));
    }
    // An old one that stays must not look good because the newer one that it was abandoned as is gone.
    let abandoned: Vec<ReleaseNumber> = releases
        .iter()
        .filter(|(release, _)| stay.contains(&release.number))
        .filter_map(|(kept, _)| {
            newest(releases, |release, verdict| {
                release.number > kept.number
                    && release.content == kept.content
                    && verdict.rolled_back.is_some()
            })
        })
        .collect();
    stay.extend(abandoned);
    stay
}

fn newest(releases: &[(Release, Verdict)], is: impl Fn(&Release, &Verdict) -> bool) -> Option<ReleaseNumber> {
    releases.iter().rev().find(|(release, verdict)| is(release, verdict)).map(|(release, _)| release.number)
}

/// The last Release that completed, which a data center that is added later gets, in the name of the Operation that
/// made it.
pub(super) fn completed<'a>(holding: &'a Holding, app: &App) -> Option<&'a Release> {
    last_good(&holding.releases, app.head.next(), None).map(|(release, _)| release)
}

/// What the data centers have, what they fall back to, and what was good there.
fn delivered(holding: &Holding, app: &App) -> impl Iterator<Item = (ReleaseNumber, Digest)> {
    let uid = app.uid;
    let proven = holding.proven.iter().filter(move |proven| proven.uid == uid);
    let proven = proven.flat_map(|proven| &proven.releases).map(|good| (good.release, good.content));
    let ordered = holding.orders.values().filter(move |order| order.uid == uid).flat_map(|order| {
        let ordered = match &order.ordered {
            Ordered::Run { release, content, .. } => Some((*release, *content)),
            Ordered::Deleted => None,
        };
        let good = order.last_good.as_ref().map(|good| (good.release, good.content));
        ordered.into_iter().chain(good)
    });
    ordered.chain(proven)
}
