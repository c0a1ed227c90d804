//! At rest, nothing is written.

use crate::ground::on_both_grounds;

on_both_grounds!(a_healthy_app_costs_no_write_and_no_request_but_watches: Own);

mod scenario {
    use anyhow::{Result, ensure};
    use plimsoll_tests::{Mark, Request, World, eventually, holds_for};
    use std::time::Duration;

    /// Long enough for every loop that looks again by the clock: the slowest silence of a watch is ten seconds.
    const A_WHILE: Duration = Duration::from_secs(25);

    pub(super) async fn a_healthy_app_costs_no_write_and_no_request_but_watches(world: World) -> Result<()> {
        world.user().apply_and_wait(&world.shop()).await?;
        // The last word on a publish may still be on its way into the resources when the Operation has ended.
        eventually("everything has been written", async || {
            let marks = world.marks()?;
            let quiet = holds_for(Duration::from_secs(2), async || no_writes(&world, &marks)).await;
            Ok(quiet.map_err(|error| format!("{error:#}")))
        })
        .await?;
        let ledger = world.folder().join("data/ledger.redb");
        let before = std::fs::read(&ledger)?;
        let marks = world.marks()?;

        holds_for(A_WHILE, async || no_writes(&world, &marks)).await?;

        for (dc, mark) in world.dcs().iter().zip(marks) {
            let requests = dc.requests(mark)?;
            let renewals = requests.iter().filter(|request| request.short() == "update leases").count();
            assert!(renewals > 0, "{}: what is not seen cannot be counted", dc.name());
            let reads: Vec<_> = requests
                .into_iter()
                // A watch is begun anew when it has lived its time; elections are looked at and renewed.
                .filter(|request| request.verb != "watch" && request.resource != "leases")
                // Whether the data center is still there is asked where nothing was heard for a while.
                .filter(|request| request.resource != "/version")
                .collect();
            assert_eq!(reads, [], "{}", dc.name());
        }
        assert!(std::fs::read(&ledger)? == before, "the ledger has been written to");
        world.end().await
    }

    fn no_writes(world: &World, since: &[Mark]) -> Result<()> {
        for (dc, mark) in world.dcs().iter().zip(since) {
            let writes: Vec<_> = dc.writes(*mark)?.iter().map(Request::short).collect();
            ensure!(writes.is_empty(), "{} got {}", dc.name(), writes.join(", "));
        }
        Ok(())
    }
}
