//! A ledger that is tidied and that fills up, as people see it.

use crate::ground::on_both_grounds;

on_both_grounds!(
    what_is_old_moves_into_the_archive_and_people_are_told: Own,
    a_nearly_full_ledger_takes_no_release_and_lets_everything_else_through: Own,
);

mod scenario {
    use anyhow::{Context, Result, ensure};
    use plimsoll_tests::{World, eventually};
    use serde_json::Value;
    use std::collections::BTreeSet;
    use std::fs;

    /// Five more than stay.
    const RELEASES: u8 = 55;

    pub(super) async fn what_is_old_moves_into_the_archive_and_people_are_told(
        mut world: World,
    ) -> Result<()> {
        world.kill_server().await?;
        world.start_server_with("tidy = \"1s\"").await?;
        let namespace = world.namespace().to_owned();
        for version in 1..RELEASES {
            world.user().apply(&world.shop().version(version)).await?;
        }
        world.user().apply_and_wait(&world.shop().version(RELEASES)).await?;
        let history = eventually("the older releases have left the ledger", async || {
            let said = world.user().run(&["history", "shop", "-n", &namespace]).await?;
            Ok(if said.stderr.contains("in the archive") { Ok(said) } else { Err(said.stdout) })
        })
        .await?;
        ensure!(history.code == 0, "{history:?}");
        let releases = world.user().json(&["history", "shop", "-n", &namespace]).await?;
        let releases = releases["items"].as_array().context("no list")?;
        // Fifty, and what somebody may yet go back to.
        ensure!((50..usize::from(RELEASES)).contains(&releases.len()), "{} are left", releases.len());

        let folder = world.folder().join("data/archive");
        let file = fs::read_dir(&folder)?.next().context("no file in the archive")??.path();
        ensure!(history.stderr.contains(&*file.to_string_lossy()), "{}", history.stderr);
        // A line may be there twice: somebody published between the archive and the removal.
        let archived: BTreeSet<u64> = fs::read_to_string(&file)?
            .lines()
            .map(|line| Ok(serde_json::from_str::<Value>(line)?))
            .filter_map(|line: Result<Value>| line.ok())
            .filter(|line| line["key"].as_str().is_some_and(|key| key.starts_with("releases/")))
            .filter_map(|line| line["value"]["number"].as_u64())
            .collect();
        ensure!(archived.len() + releases.len() == usize::from(RELEASES), "{archived:?}");

        let gone = archived.first().context("none in the archive")?.to_string();
        let refused = world.user().run(&["rollback", "shop", "-n", &namespace, "--to", &gone]).await?;
        ensure!(refused.code == 7 && refused.stderr.contains("is in the archive"), "{refused:?}");
        world.on_shop("rollback", &["--to", "54"]).await?;
        world.end().await
    }

    pub(super) async fn a_nearly_full_ledger_takes_no_release_and_lets_everything_else_through(
        mut world: World,
    ) -> Result<()> {
        world.kill_server().await?;
        world.start_server_with("quota = \"1Mi\"").await?;
        let namespace = world.namespace().to_owned();
        world.user().apply_and_wait(&world.shop()).await?;
        let mut version = 1;
        let refused = loop {
            version += 1;
            // Every file of an App may have a hundred kilobytes and more.
            let large = "x".repeat(100_000);
            let shop = world.shop().version(version).with("/spec/files/0/content", large);
            let file = shop.write(world.folder())?;
            let said = world.user().run(&["apply", "-f", &file.to_string_lossy()]).await?;
            if said.code != 0 {
                break said;
            }
            ensure!(version < 20, "it was never full");
        };
        ensure!(
            refused.code == 7 && refused.stderr.contains("from 80 % on it takes no new release"),
            "{refused:?}"
        );
        world.on_shop("scale", &["--replicas", "4"]).await?;
        world.on_shop("rollback", &[]).await?;
        world.on_shop("restart", &[]).await?;
        world.on_shop("delete", &["--yes"]).await?;
        let apps = world.user().json(&["list", "-n", &namespace]).await?;
        ensure!(apps["items"] == serde_json::json!([]), "{apps}");
        world.end().await
    }
}
