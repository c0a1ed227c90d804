//! Scale by hand, or by bounds.

use std::collections::BTreeMap;

use serde::Serialize;

use super::accept::{Ground, Plan, Verb};
use super::apply::refused;
use super::power::is_proven;
use super::{Plimsoll, Write};
use crate::caller::{Caller, Role};
use crate::document::{Refusal, golden};
use crate::error::{Error, Violation};
use crate::name::{AppRef, DcName};
use crate::record::{Kind as OperationKind, Operation, Pace};
use crate::scale::{Autoscale, MAX_CPU_PERCENT, MAX_REPLICAS, Placement, Replication, Scale};
use crate::view::Accepted;

/// What is to change of a scale.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ScaleChange {
    /// How many, where [`ScaleChange::dcs`] says; none: as before.
    pub size: Option<Replication>,
    /// These data centers alone, as exceptions; empty: everywhere, and no exceptions are left.
    pub dcs: Vec<DcName>,
    /// Which data centers have any; none: as before.
    pub placement: Option<Placement>,
}

impl ScaleChange {
    /// The scale after the change.
    pub fn of(&self, before: &Scale) -> Scale {
        let mut scale = before.clone();
        if let Some(size) = &self.size {
            if self.dcs.is_empty() {
                scale.size = size.clone();
                scale.exceptions.clear();
            }
            for dc in &self.dcs {
                scale.exceptions.insert(dc.clone(), size.clone());
            }
        }
        if let Some(placement) = &self.placement {
            scale.placement = placement.clone();
        }
        scale
    }

    fn faults(&self, known: &[DcName]) -> Vec<Violation> {
        let mut violations = Vec::new();
        let mut fault = |path: &str, message: String, remedy: &str| {
            violations.push(Violation::new(path, message, remedy));
        };
        match &self.size {
            Some(Replication::Fixed(n)) if *n > MAX_REPLICAS => {
                fault("replicas", format!("is {n}"), "ask for 1000 at most");
            }
            Some(Replication::Auto(auto)) => {
                if auto.min == 0 || auto.min > auto.max || auto.max > MAX_REPLICAS {
                    fault(
                        "autoscale",
                        format!("has the bounds {} and {}", auto.min, auto.max),
                        "give 1 at least, 1000 at most, and the lower one first",
                    );
                }
                if !(1..=MAX_CPU_PERCENT).contains(&auto.cpu_percent) {
                    fault(
                        "autoscale.cpuPercent",
                        format!("is {}", auto.cpu_percent),
                        &format!("give 1 to {MAX_CPU_PERCENT}, of the limit: {}", Autoscale::WHY_NOT_MORE),
                    );
                }
            }
            None if self.placement.is_none() => {
                fault("replicas", "nothing is to change".to_owned(), "give replicas, autoscale or placement");
            }
            Some(Replication::Fixed(_)) | None => {}
        }
        let named = match &self.placement {
            Some(Placement::Only(dcs)) => dcs.as_slice(),
            Some(Placement::All) | None => &[],
        };
        if matches!(&self.placement, Some(Placement::Only(dcs)) if dcs.is_empty()) {
            fault("placement", "names no data center".to_owned(), "name one, or take the app offline");
        }
        for (path, dcs) in [("dataCenters", self.dcs.as_slice()), ("placement", named)] {
            for dc in dcs.iter().filter(|dc| !known.contains(dc)) {
                let there = known.iter().map(DcName::as_str).collect::<Vec<_>>().join(", ");
                fault(path, format!("there is no data center {dc}"), &format!("name one of {there}"));
            }
        }
        violations
    }
}

impl Plimsoll {
    /// Changes the scale of an App in every data center at once.
    ///
    /// # Errors
    /// `Invalid` with every fault and every golden rule that is broken; `Refused` by golden rules alone; `NotFound`; `Conflict`.
    pub async fn scale(
        &self,
        caller: &Caller,
        app: &AppRef,
        change: ScaleChange,
        write: Write,
    ) -> Result<Accepted, Error> {
        caller.require(Role::Developer)?;
        self.accept(caller, app, &Verb::Scale(change), &write).await
    }

    pub(super) async fn plan_scale(
        &self,
        caller: &Caller,
        app: &AppRef,
        change: &ScaleChange,
        reason: Option<&str>,
        ground: &Ground,
    ) -> Result<Plan, Error> {
        let before = ground.existing(app)?;
        let installation = &ground.installation.value;
        let faults = change.faults(&installation.dcs);
        let mut after = ground.touched(before, caller);
        after.scale = change.of(&before.scale);
        // What is wrong by itself is not measured by rules too.
        let is_a_number = faults.iter().all(|fault| !fault.path.starts_with("autoscale"));
        let broken = if is_a_number {
            golden::check_scale(&after.scale, installation.environment)
        } else {
            Vec::new()
        };
        if !faults.is_empty() || !broken.is_empty() {
            return Err(refused("the scale", Refusal { faults, broken }, installation.environment));
        }
        if after.scale == before.scale {
            return Ok(Plan::nothing(Some(before.clone()), format!("{app} has this scale already")));
        }
        let orders = ground.reordered(&after);
        if orders.is_empty() {
            let note = format!("{app} is in no data center yet; its first publish takes this scale");
            return Ok(Plan::nothing(Some(after), note));
        }
        let operation = ground.operation(caller, OperationKind::Scale, &after, &orders, reason);
        let from_zero =
            orders.keys().any(|dc| before.scale.of(dc).at_most() == 0 && after.scale.of(dc).at_most() > 0);
        if from_zero && !is_proven(&self.read_releases(before.uid).await?, &orders) {
            let policy = self.read_content(before.uid, &before.head_content).await?.publish;
            let operation = Operation { pace: Pace::Gated, policy, ..operation };
            return Ok(Plan::new(after, operation, BTreeMap::new()));
        }
        Ok(Plan::new(after, operation, orders))
    }
}
