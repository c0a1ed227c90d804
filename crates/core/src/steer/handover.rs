//! Handing a data center over to whoever serves it next.

use super::opening::needs_gate;
use super::{Scene, Stopwatch, appraise, matters, rewritten};
use crate::ledger::Transaction;

/// What the worker that ends writes of one App: the time that it has measured since each outcome was written,
/// so that its successor goes on from there instead of from the beginning.
///
/// One transaction per Operation, for each compares the outcome that it replaces.
///
/// # Errors
/// If a record has no JSON form, which none lacks.
pub fn hand_over(scene: &Scene, stopwatch: &dyn Stopwatch) -> Result<Vec<Transaction>, serde_json::Error> {
    let mut transactions = Vec::new();
    if scene.behind.is_some() {
        return Ok(transactions);
    }
    for parts in scene.operations.iter().filter(|parts| matters(scene, parts)) {
        let Some(outcome) = parts.outcomes.get(&scene.dc.value.name) else { continue };
        if needs_gate(scene, parts, &outcome.value) {
            continue;
        }
        let Some(after) = appraise(scene, parts, outcome, stopwatch) else { continue };
        // What is stored counts in milliseconds; less than one is nothing to store.
        let measured = [after.spent.running, after.spent.soaked].map(|time| time.as_millis());
        let stored = [outcome.value.spent.running, outcome.value.spent.soaked].map(|time| time.as_millis());
        let stands = after.state == outcome.value.state && after.reason == outcome.value.reason;
        if stands && measured == stored {
            continue;
        }
        transactions.push(rewritten(scene, parts, outcome, &after)?);
    }
    Ok(transactions)
}
