//! A data center that does not answer: owed, delaying nobody, and given its newest Order once on return.

use crate::ground::on_both_grounds;

on_both_grounds!(
    a_stopped_data_center_gets_the_newest_release_by_one_write_when_it_is_back: Own,
    a_frozen_data_center_is_owed_and_the_others_go_on: Own,
);

mod scenario {
    use anyhow::{Context, Result};
    use jiff::{Timestamp, Unit};
    use plimsoll_tests::{World, eventually, image};
    use serde_json::{Value, json};
    use std::collections::BTreeSet;

    pub(super) async fn a_stopped_data_center_gets_the_newest_release_by_one_write_when_it_is_back(
        world: World,
    ) -> Result<()> {
        let [_, _, lost] = world.dcs() else { anyhow::bail!("three data centers") };
        let shop = world.shop();
        world.user().apply_and_wait(&shop).await?;
        lost.stop().await?;

        for version in [2, 3] {
            let operation = world.user().apply_and_wait(&shop.clone().version(version)).await?;
            assert_eq!(operation["state"], "SucceededOwing");
            assert_eq!(outcomes(&operation), ["Healthy", "Healthy", "Owed"]);
            for dc in &world.dcs()[..2] {
                let pods = world.pods(dc).await?;
                assert!(pods.len() == 3 && pods.iter().all(|pod| pod.ready && pod.image == image(version)));
            }
        }
        let reach = world.user().get("/v1/datacenters").await?["items"][2]["reach"].clone();
        let why = "the data center does not answer (Connection refused (os error 111))";
        let since: Timestamp = reach["since"].as_str().context("since when?")?.parse()?;
        assert_eq!(reach, json!({"state": "Unreachable", "message": why, "since": since}));
        let shown = world.look_at_shop().await?;
        let there = &dcs(&shown)[2];
        assert_eq!((&there["reach"], &there["seenRelease"]), (&reach, &json!(1)));
        let told = world.user().ok(&["get", "shop", "-n", world.namespace()]).await?;
        let owed = "release 3 is owed, and release 1 was seen there last";
        let line = format!("dc-3: Unreachable: {why}, since {}; {owed}", since.round(Unit::Second)?);
        assert!(told.lines().any(|told| told == line), "{line}\n{told}");
        let newest = shown["operation"].as_str().context("no operation")?.to_owned();
        let mark = lost.mark()?;
        lost.start().await?;

        let path = format!("/v1/operations/{newest}");
        let operation = eventually("nobody is owed", async || {
            let operation = world.user().get(&path).await?;
            let done = operation["state"] == "Succeeded";
            Ok(if done { Ok(operation) } else { Err(operation.to_string()) })
        })
        .await?;
        assert_eq!(outcomes(&operation), ["Healthy", "Healthy", "Healthy"]);
        let writes: Vec<_> = lost
            .writes(mark)?
            .into_iter()
            .filter(|request| request.resource == "apps" && request.subresource.is_empty())
            .map(|request| (request.short(), request.code))
            .collect();
        assert_eq!(writes, [("update apps".to_owned(), Some(200))]);
        assert_eq!(world.resource(lost).await?["spec"]["release"], 3);
        let sets = lost.list(&world.path("apis/apps/v1", "replicasets")).await?;
        let images: BTreeSet<_> = sets
            .iter()
            .map(|set| set["spec"]["template"]["spec"]["containers"][0]["image"].clone().to_string())
            .collect();
        let [first, third] = [1, 3].map(|version| Value::from(image(version)).to_string());
        assert_eq!(images, BTreeSet::from([first, third]), "the Release between never came");
        world.end().await
    }

    pub(super) async fn a_frozen_data_center_is_owed_and_the_others_go_on(world: World) -> Result<()> {
        let [_, frozen, _] = world.dcs() else { anyhow::bail!("three data centers") };
        let shop = world.shop();
        world.user().apply_and_wait(&shop).await?;
        frozen.freeze().await?;

        let operation = world.user().apply_and_wait(&shop.version(2)).await?;

        assert_eq!(operation["state"], "SucceededOwing");
        assert_eq!(outcomes(&operation), ["Healthy", "Owed", "Healthy"]);
        // What it answers meanwhile is what people see.
        let app = world.look_at_shop().await?;
        let health: Vec<_> = dcs(&app).iter().map(|dc| dc["health"].clone()).collect();
        assert_eq!(health, ["Healthy", "Unknown", "Healthy"]);
        let finding = &dcs(&app)[1]["findings"][0];
        assert_eq!(finding["reason"], "Unreachable", "{finding}");
        frozen.thaw().await?;
        let path = format!("/v1/operations/{}", operation["id"].as_str().context("no id")?);
        eventually("nobody is owed", async || {
            let operation = world.user().get(&path).await?;
            Ok(if operation["state"] == "Succeeded" { Ok(()) } else { Err(operation.to_string()) })
        })
        .await?;
        let pods = world.pods(frozen).await?;
        assert!(pods.len() == 3 && pods.iter().all(|pod| pod.ready && pod.image == image(2)), "{pods:?}");
        world.end().await
    }

    fn outcomes(operation: &Value) -> Vec<Value> {
        dcs(operation).iter().map(|dc| dc["state"].clone()).collect()
    }

    fn dcs(view: &Value) -> Vec<Value> {
        view["dataCenters"].as_array().cloned().unwrap_or_default()
    }
}
