//! Rollback, which always wins, and the pin that it leaves.

use std::collections::BTreeMap;

use super::accept::{Ground, Plan, Verb};
use super::{Plimsoll, Write};
use crate::caller::{Caller, Role};
use crate::digest::Digest;
use crate::error::{Error, Kind};
use crate::last_good::last_good;
use crate::name::{AppRef, OperationId, ReleaseNumber};
use crate::order::{Brings, order_for};
use crate::record::{App, EndState, Kind as OperationKind, Operation, Pace, Pin, Release, Track, Verdict};
use crate::view::Accepted;

/// The name that an automatic rollback is done under.
pub const AUTOMATIC: &str = "plimsoll";

impl Plimsoll {
    /// Brings old content back as a new Release, everywhere at once, and pins the App.
    ///
    /// Without a number it takes the newest Release before the head that succeeded, was not itself rolled
    /// back from, and has another content.
    ///
    /// # Errors
    /// `NotFound` for the App or the Release; `Refused` where there is nothing to go back to.
    pub async fn rollback(
        &self,
        caller: &Caller,
        app: &AppRef,
        to: Option<ReleaseNumber>,
        write: Write,
    ) -> Result<Accepted, Error> {
        caller.require(Role::Developer)?;
        self.accept(caller, app, &Verb::Rollback(to), &write).await
    }

    /// Rolls back what `failed` brought, if it is still what the App aims at.
    ///
    /// # Errors
    /// `Refused` where somebody was faster, or where there is nothing to go back to.
    pub async fn rollback_failed(&self, failed: &Operation, why: &str) -> Result<Accepted, Error> {
        let caller = Caller { name: AUTOMATIC.to_owned(), role: Role::Operator };
        let request_id = format!("rollback-of-{}", failed.id)
            .parse()
            .map_err(|error: crate::name::InvalidName| Error::internal(error))?;
        let write = Write {
            request_id,
            if_match: None,
            mode: super::Mode::Do,
            reason: Some(format!("release {} failed: {why}", failed.release)),
        };
        self.accept(&caller, &failed.app, &Verb::RollbackOf(failed.id), &write).await
    }

    /// Lets an App take publishes again after a rollback.
    ///
    /// # Errors
    /// `NotFound` for the App.
    pub async fn unpin(&self, caller: &Caller, app: &AppRef, write: Write) -> Result<Accepted, Error> {
        caller.require(Role::Developer)?;
        self.accept(caller, app, &Verb::Unpin, &write).await
    }

    pub(super) async fn plan_rollback(
        &self,
        caller: &Caller,
        app: &AppRef,
        to: Option<ReleaseNumber>,
        reason: Option<&str>,
        ground: &Ground,
    ) -> Result<Plan, Error> {
        let before = ground.existing(app)?;
        let releases = self.read_releases(before.uid).await?;
        let target = match to {
            Some(number) => match releases.iter().find(|(release, _)| release.number == number) {
                Some(found) => found,
                None => return Err(self.no_such_release(app, before.uid, number).await),
            },
            None => last_good(&releases, before.head, Some(&before.head_content)).ok_or_else(|| {
                Error::new(
                    Kind::Refused,
                    "NOTHING_TO_ROLL_BACK_TO",
                    format!(
                        "no release of {app} before {} succeeded with other content; name one with --to, or publish",
                        before.head
                    ),
                )
            })?,
        };
        if target.0.number == before.head {
            return Err(Error::new(
                Kind::Refused,
                "IS_THE_HEAD",
                format!(
                    "release {} is what {app} aims at already; plimsoll restart replaces its pods",
                    before.head
                ),
            ));
        }
        self.back_to(caller, ground, before, &releases, &target.0, reason).await
    }

    pub(super) async fn plan_rollback_of(
        &self,
        caller: &Caller,
        app: &AppRef,
        failed: OperationId,
        why: Option<&str>,
        ground: &Ground,
    ) -> Result<Plan, Error> {
        let before = ground.existing(app)?;
        let overtaken =
            || Error::new(Kind::Refused, "OVERTAKEN", format!("{app} does not aim at what failed any more"));
        let operation = self.read_operation(failed).await?.ok_or_else(overtaken)?.operation;
        if before.operations.get(&Track::Release) != Some(&failed) || before.head != operation.release {
            return Err(overtaken());
        }
        let releases = self.read_releases(before.uid).await?;
        let target = operation
            .fallback
            .and_then(|number| releases.iter().find(|(release, _)| release.number == number))
            .ok_or_else(overtaken)?;
        let plan = self.back_to(caller, ground, before, &releases, &target.0, why).await?;
        let supersedes = plan
            .supersedes
            .into_iter()
            .map(|(id, state)| (id, if id == failed { EndState::RolledBack } else { state }))
            .collect();
        Ok(Plan { supersedes, ..plan })
    }

    async fn back_to(
        &self,
        caller: &Caller,
        ground: &Ground,
        before: &App,
        releases: &[(Release, Verdict)],
        target: &Release,
        reason: Option<&str>,
    ) -> Result<Plan, Error> {
        let head = self.head_release(before).await?;
        let content = self.read_content(before.uid, &target.content).await?;
        let release = Release {
            number: head.number.next(),
            content: target.content,
            previous: Some(Digest::of(&head).map_err(Error::internal)?),
            image: target.image.clone(),
            operation: ground.id,
            back_to: Some(target.number),
            by: caller.name.clone(),
            reason: reason.map(str::to_owned),
            created: ground.now,
        };
        let mut app = ground.touched(before, caller);
        app.head = release.number;
        app.head_content = release.content;
        app.pin = Some(Pin {
            by: caller.name.clone(),
            reason: reason.map(str::to_owned),
            since: ground.now,
            from: before.head,
        });
        let epoch = ground.installation.value.epoch;
        let orders: BTreeMap<_, _> = ground
            .counted()
            .into_iter()
            .map(|dc| {
                let order = order_for(
                    &app,
                    &dc,
                    Brings { release: release.number, content: release.content, pulls: self.pulls(&dc) },
                    ground.before(&dc),
                    epoch,
                    ground.id,
                );
                (dc, order)
            })
            .collect();
        let operation = Operation {
            from: Some(before.head),
            pace: Pace::AtOnce,
            // It counts by the policy of what it brings back, but neither waits for anybody nor rolls back.
            policy: content.publish.clone(),
            ..ground.operation(caller, OperationKind::Rollback, &app, &orders, reason)
        };
        let mut verdict = releases
            .iter()
            .find(|(r, _)| r.number == before.head)
            .map(|(_, v)| v.clone())
            .unwrap_or_default();
        verdict.rolled_back = Some(ground.now);
        let mut notes = vec![format!(
            "release {} brings back release {}; {} takes no publish until it is released: plimsoll unpin {} -n {}",
            release.number, target.number, before.app, before.app.name, before.app.namespace
        )];
        for dc in orders.keys() {
            let sight = self.live.sight(&before.app, dc);
            if let Some(local) = sight.and_then(|sight| sight.local) {
                notes.push(format!("{dc} is left out: {}", local.sentence()));
            }
        }
        let plan = Plan::new(app, operation, orders);
        Ok(Plan { release: Some((release, content)), verdict: Some((before.head, verdict)), notes, ..plan })
    }
}

impl Ground {
    pub(super) fn plan_unpin(&self, caller: &Caller, app: &AppRef) -> Result<Plan, Error> {
        let before = self.existing(app)?;
        if before.pin.is_none() {
            return Ok(Plan::nothing(Some(before.clone()), format!("{app} is not pinned")));
        }
        let mut after = self.touched(before, caller);
        after.pin = None;
        Ok(Plan::nothing(Some(after), format!("{app} takes publishes again")))
    }
}

/// What an automatic rollback from `next` would bring back.
pub(super) fn fallback(releases: &[(Release, Verdict)], next: &Release) -> Option<ReleaseNumber> {
    last_good(releases, next.number, Some(&next.content)).map(|(release, _)| release.number)
}
