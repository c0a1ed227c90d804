//! Restart, offline, online, delete.

use std::collections::BTreeMap;

use super::accept::{Ground, Plan, Verb};
use super::{Plimsoll, Write};
use crate::caller::{Caller, Role};
use crate::cluster::Power;
use crate::error::Error;
use crate::name::{AppRef, DcName};
use crate::order::order_to_delete;
use crate::record::{EndState, Kind as OperationKind, Operation, Order, Ordered, Pace, Release, Verdict};
use crate::view::Accepted;

impl Plimsoll {
    /// Replaces every pod of an App by a new one of the same content, a few at a time.
    ///
    /// # Errors
    /// `NotFound`; `Conflict`.
    pub async fn restart(&self, caller: &Caller, app: &AppRef, write: Write) -> Result<Accepted, Error> {
        caller.require(Role::Developer)?;
        self.accept(caller, app, &Verb::Restart, &write).await
    }

    /// Takes an App offline: no pods, while its Service and its config stay.
    ///
    /// # Errors
    /// `NotFound`; `Conflict`.
    pub async fn offline(&self, caller: &Caller, app: &AppRef, write: Write) -> Result<Accepted, Error> {
        caller.require(Role::Developer)?;
        self.accept(caller, app, &Verb::Power(Power::Offline), &write).await
    }

    /// Brings an App back online with the Release and the scale that it has.
    ///
    /// # Errors
    /// `NotFound`; `Conflict`.
    pub async fn online(&self, caller: &Caller, app: &AppRef, write: Write) -> Result<Accepted, Error> {
        caller.require(Role::Developer)?;
        self.accept(caller, app, &Verb::Power(Power::Online), &write).await
    }

    /// Deletes an App and everything that was made for it, in every data center.
    ///
    /// # Errors
    /// `NotFound`; `Conflict`.
    pub async fn delete(&self, caller: &Caller, app: &AppRef, write: Write) -> Result<Accepted, Error> {
        caller.require(Role::Developer)?;
        self.accept(caller, app, &Verb::Delete, &write).await
    }

    pub(super) async fn plan_power(
        &self,
        caller: &Caller,
        app: &AppRef,
        power: Power,
        reason: Option<&str>,
        ground: &Ground,
    ) -> Result<Plan, Error> {
        let before = ground.existing(app)?;
        let (kind, word) = match power {
            Power::Online => (OperationKind::Online, "online"),
            Power::Offline => (OperationKind::Offline, "offline"),
        };
        if before.power == power {
            return Ok(Plan::nothing(Some(before.clone()), format!("{app} is {word} already")));
        }
        let mut after = ground.touched(before, caller);
        after.power = power;
        let orders = ground.reordered(&after);
        if orders.is_empty() {
            let note = format!("{app} is in no data center yet; its first publish makes it {word}");
            return Ok(Plan::nothing(Some(after), note));
        }
        let operation = ground.operation(caller, kind, &after, &orders, reason);
        if power == Power::Online && !is_proven(&self.read_releases(before.uid).await?, &orders) {
            let policy = self.read_content(before.uid, &before.head_content).await?.publish;
            let operation = Operation { pace: Pace::Gated, policy, ..operation };
            return Ok(Plan::new(after, operation, BTreeMap::new()));
        }
        Ok(Plan::new(after, operation, orders))
    }
}

/// Whether all content that is ordered was healthy before: if not, it comes up by the publish policy, not at
/// once.
pub(super) fn is_proven(releases: &[(Release, Verdict)], orders: &BTreeMap<DcName, Order>) -> bool {
    orders.values().all(|order| match &order.ordered {
        Ordered::Run { content, .. } => releases
            .iter()
            .any(|(release, verdict)| release.content == *content && verdict.succeeded.is_some()),
        Ordered::Deleted => true,
    })
}

impl Ground {
    pub(super) fn plan_restart(
        &self,
        caller: &Caller,
        app: &AppRef,
        reason: Option<&str>,
    ) -> Result<Plan, Error> {
        let before = self.existing(app)?;
        let after = self.touched(before, caller);
        let mut orders = self.reordered(&after);
        if orders.is_empty() || before.power == Power::Offline {
            return Ok(Plan::nothing(Some(before.clone()), format!("{app} has no pods to restart")));
        }
        for order in orders.values_mut() {
            if let Ordered::Run { content, .. } = order.ordered {
                *order.restarts.entry(content).or_default() += 1;
            }
        }
        let operation = self.operation(caller, OperationKind::Restart, &after, &orders, reason);
        Ok(Plan::new(after, operation, orders))
    }

    pub(super) fn plan_delete(
        &self,
        caller: &Caller,
        app: &AppRef,
        reason: Option<&str>,
    ) -> Result<Plan, Error> {
        let before = self.existing(app)?;
        let epoch = self.installation.value.epoch;
        let ordered = self.orders.keys().filter(|dc| self.dcs.contains_key(*dc));
        let orders: BTreeMap<_, _> = ordered
            .filter_map(|dc| {
                Some((dc.clone(), order_to_delete(before.uid, &self.before(dc)?, epoch, self.id)))
            })
            .collect();
        let operation = self.operation(caller, OperationKind::Delete, before, &orders, reason);
        let note = if orders.is_empty() {
            format!("{app} was in no data center; it is gone")
        } else {
            format!("{app} is gone from the list; the operation ends when every data center has confirmed")
        };
        Ok(Plan {
            operation: (!orders.is_empty()).then_some(operation),
            orders,
            // It takes the place of everything that runs.
            supersedes: before.operations.values().map(|id| (*id, EndState::Superseded)).collect(),
            ..Plan::nothing(None, note)
        })
    }
}
