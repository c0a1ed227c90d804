//! Which requests reached the API servers, counted where they arrive.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use plimsoll_tests::{Mark, World};

/// For so long nothing may be written before it counts as quiet: longer than any status is held back.
const QUIET: Duration = Duration::from_secs(3);

/// How many requests of each sort reached all data centers.
#[derive(Clone, Debug, Default)]
pub struct Tally(BTreeMap<String, usize>);

impl Tally {
    /// Of everything since these marks, the renewal of elections aside.
    pub fn since(world: &World, marks: &[Mark]) -> Result<Self> {
        let mut tally = BTreeMap::new();
        for (dc, mark) in world.dcs().iter().zip(marks) {
            for request in dc.requests(*mark)?.iter().filter(|request| request.resource != "leases") {
                *tally.entry(request.short()).or_default() += 1;
            }
        }
        Ok(Self(tally))
    }

    /// By sort, the most frequent first.
    pub fn rows(&self) -> Vec<(&str, usize)> {
        let mut rows: Vec<_> = self.0.iter().map(|(sort, count)| (sort.as_str(), *count)).collect();
        rows.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        rows
    }

    /// Leaves out what only reads.
    pub fn only_writes(&mut self) {
        self.0.retain(|sort, _| !["get ", "list ", "watch "].iter().any(|verb| sort.starts_with(verb)));
    }

    /// A count, divided by how many shared it.
    #[expect(clippy::cast_precision_loss, reason = "a number for people")]
    pub fn each(&self, count: usize, by: usize) -> f64 {
        count as f64 / by.max(1) as f64
    }

    /// All of them.
    pub fn total(&self) -> usize {
        self.0.values().sum()
    }
}

/// Waits until nothing has been written into any data center for a while; gives how long before now the last
/// write was seen, which is to be taken off what was measured until now.
pub async fn quiet(world: &World) -> Result<Duration> {
    let mut marks = world.marks()?;
    let mut written = Instant::now();
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        for (dc, mark) in world.dcs().iter().zip(&mut marks) {
            let next = dc.mark()?;
            if !dc.writes(*mark)?.is_empty() {
                written = Instant::now();
            }
            *mark = next;
        }
        if written.elapsed() >= QUIET {
            return Ok(written.elapsed());
        }
    }
}
