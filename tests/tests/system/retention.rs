//! A ledger that is tidied and that fills up, as people see it.

use crate::ground::on_both_grounds;

on_both_grounds!(
    what_is_old_moves_into_the_archive_and_people_are_told: Own,
    a_nearly_full_ledger_takes_no_release_and_lets_everything_else_through: Own,
    what_was_deleted_is_forgotten_everywhere: Own,
    a_name_used_again_removes_what_was_owed_of_the_life_before: Own,
);

mod scenario {
    use anyhow::{Context, Result, ensure};
    use plimsoll_tests::{Request, World, eventually};
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

    /// As short as they may be.
    const SHORT: &str = "tidy = \"1s\"\ndeletions = \"2s\"";

    pub(super) async fn what_was_deleted_is_forgotten_everywhere(mut world: World) -> Result<()> {
        world.kill_server().await?;
        world.start_server_with(SHORT).await?;
        world.user().apply_and_wait(&world.shop()).await?;
        let uid = world.resource(&world.dcs()[0]).await?["spec"]["uid"].clone();
        let marks = world.marks()?;
        world.on_shop("delete", &["--yes"]).await?;
        for (dc, mark) in world.dcs().iter().zip(marks) {
            let path = world.path("apis/dc.plimsoll.io/v1alpha1", "apps/shop");
            eventually("the App resource is gone", async || {
                Ok(dc.get(&path).await?.map_or(Ok(()), |there| Err(there["status"].to_string())))
            })
            .await?;
            let written: Vec<_> =
                dc.writes(mark)?.into_iter().filter(|request| request.resource == "apps").collect();
            let verbs: Vec<_> =
                written.iter().filter(|it| it.subresource.is_empty()).map(Request::short).collect();
            ensure!(verbs == ["update apps", "delete apps"], "{verbs:?}");
        }
        eventually("everything of it is in the archive, and nobody asks for it", async || {
            let file =
                world.folder().join(format!("data/archive/{}.jsonl", uid.as_str().unwrap_or_default()));
            let archived = fs::read_to_string(file).unwrap_or_default();
            let is_archived = archived.lines().any(|line| line.contains("\"key\":\"releases/"));
            let dcs = world.user().get("/v1/datacenters").await?;
            let is_active =
                dcs["items"].as_array().is_some_and(|dcs| dcs.iter().all(|dc| dc["state"] == "Active"));
            let dc = world.user().get(&format!("/v1/datacenters/{}", world.dcs()[0].name())).await?;
            let is_known = dc["strangers"].as_array().is_none_or(Vec::is_empty);
            Ok(if is_archived && is_active && is_known {
                Ok(())
            } else {
                Err(format!("{dcs} {dc} {archived}"))
            })
        })
        .await?;
        world.end().await
    }

    pub(super) async fn a_name_used_again_removes_what_was_owed_of_the_life_before(
        mut world: World,
    ) -> Result<()> {
        world.kill_server().await?;
        world.start_server_with(SHORT).await?;
        world.user().apply_and_wait(&world.shop()).await?;
        let away = &world.dcs()[2];
        let uid = |resource: &Value| resource["spec"]["uid"].clone();
        let first = uid(&world.resource(away).await?);
        let deployment = world.deployment(away).await?["metadata"]["uid"].clone();
        away.stop().await?;
        let deleted = world.on_shop("delete", &["--yes"]).await?;
        ensure!(deleted["state"] == "SucceededOwing", "{deleted}");
        let published = world.user().apply_and_wait(&world.shop().version(2)).await?;
        ensure!(published["state"] == "SucceededOwing", "{published}");
        away.start().await?;
        let path = format!("/v1/operations/{}", published["id"].as_str().context("no id")?);
        eventually("nobody is owed", async || {
            let operation = world.user().get(&path).await?;
            Ok(if operation["state"] == "Succeeded" { Ok(()) } else { Err(operation.to_string()) })
        })
        .await?;
        let resource = world.resource(away).await?;
        ensure!(uid(&resource) != first && resource["spec"]["deleted"][0] == first, "{resource}");
        ensure!(world.deployment(away).await?["metadata"]["uid"] != deployment, "of the life before");
        // Pods go after their Deployment, when the garbage collector comes to them.
        eventually("the pods of the new life alone", async || {
            let pods = world.pods(away).await?;
            let alone = pods.len() == 3 && pods.iter().all(|pod| pod.ready);
            Ok(if alone { Ok(()) } else { Err(format!("{pods:?}")) })
        })
        .await?;
        world.on_shop("scale", &["--replicas", "4"]).await?;
        for dc in world.dcs() {
            let resource = world.resource(dc).await?;
            ensure!(resource["spec"]["deleted"].is_null(), "{resource}");
        }
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
