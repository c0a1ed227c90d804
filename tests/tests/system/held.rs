//! Much goes missing at once, or a cluster is not what it was: Plimsoll stops there until an operator decides, and
//! the others go on.

use crate::ground::on_both_grounds;

on_both_grounds!(
    deleted_app_resources_come_back_up_to_the_limit_and_then_by_word_of_an_operator: Own,
    deleted_deployments_come_back_up_to_the_limit_and_then_by_word_of_an_operator: Own,
    a_cluster_put_back_to_an_earlier_state_is_held: Own,
    a_cluster_whose_store_was_restored_under_the_server_is_held: Own,
);

mod scenario {
    use std::time::Duration;

    use anyhow::{Context, Result, ensure};
    use futures::future::try_join_all;
    use plimsoll_tests::{DataCenter, Document, World, eventually, holds_for};
    use serde_json::{Value, json};

    /// How many Apps there are; with so many, three things may go missing within an hour.
    const APPS: usize = 8;
    const LIMIT: usize = 3;

    pub(super) async fn deleted_app_resources_come_back_up_to_the_limit_and_then_by_word_of_an_operator(
        world: World,
    ) -> Result<()> {
        publish(&world, 1).await?;
        let dc = first(&world)?;
        let deployments = deployments(&world, dc).await?;
        dc.kubectl(&["delete", "apps.dc.plimsoll.io", "--all", "-A", "--wait=false"]).await?;

        let held = until_held(&world).await?;
        assert_eq!(
            (&held["stops"][0]["reason"], &held["stops"][0]["noticedBy"], &held["stops"][0]["count"]),
            (&json!("TooMuchMissing"), &json!("Worker"), &json!(LIMIT + 1)),
            "{held}"
        );
        stays(&world, dc, "apis/dc.plimsoll.io/v1alpha1", "apps").await?;
        others_go_on(&world).await?;

        world.user().ok(&["dc", "refuse", "dc-1", "--reason", "it is being moved"]).await?;
        let shown = world.user().ok(&["dc", "get", "dc-1"]).await?;
        for said in ["Held", "noticed by the worker (TooMuchMissing)", "App demo-", "it is being moved"] {
            ensure!(shown.contains(said), "{said:?} is missing in\n{shown}");
        }
        stays(&world, dc, "apis/dc.plimsoll.io/v1alpha1", "apps").await?;

        world.user().ok(&["dc", "confirm", "dc-1"]).await?;
        until_well(&world).await?;
        assert_eq!(self::deployments(&world, dc).await?, deployments, "no workload was touched");
        world.end().await
    }

    pub(super) async fn deleted_deployments_come_back_up_to_the_limit_and_then_by_word_of_an_operator(
        mut world: World,
    ) -> Result<()> {
        publish(&world, 1).await?;
        first(&world)?.kubectl(&["delete", "deployments", "--all", "-A", "--wait=false"]).await?;

        let held = until_held(&world).await?;
        assert_eq!(held["stops"][0]["noticedBy"], "Controller", "{held}");
        stays(&world, first(&world)?, "apis/apps/v1", "deployments").await?;
        others_go_on(&world).await?;

        world.kill_server().await?;
        world.start_server().await?;
        until_held(&world).await?;
        let dc = first(&world)?;
        stays(&world, dc, "apis/apps/v1", "deployments").await?;
        let app = app_of(&world, dc).await?;
        let missing = &app["findings"][0];
        ensure!(missing["reason"] == "Held", "{app}");

        world.user().ok(&["dc", "confirm", "dc-1"]).await?;
        until_well(&world).await?;
        assert_eq!(deployments(&world, dc).await?.len(), APPS);
        world.end().await
    }

    pub(super) async fn a_cluster_put_back_to_an_earlier_state_is_held(mut world: World) -> Result<()> {
        publish(&world, 1).await?;
        let collection = world.path("apis/dc.plimsoll.io/v1alpha1", "apps");
        let backup = first(&world)?.list(&collection).await?;
        publish(&world, 2).await?;
        world.kill_server().await?;
        let dc = first(&world)?;
        for mut object in backup {
            let name = object["metadata"]["name"].as_str().context("a resource without name")?.to_owned();
            dc.delete(&format!("{collection}/{name}")).await?;
            let metadata = object["metadata"].as_object_mut().context("a resource without metadata")?;
            metadata.retain(|field, _| ["name", "namespace", "labels"].contains(&field.as_str()));
            dc.create(&collection, &object).await?;
        }
        let put_back = releases(&world, dc).await?;
        assert_eq!(put_back, [1; APPS]);

        world.start_server().await?;

        let held = until_held(&world).await?;
        assert_eq!(held["stops"][0]["reason"], "ClusterPutBack", "{held}");
        let dc = first(&world)?;
        holds_for(Duration::from_secs(3), async || {
            ensure!(releases(&world, dc).await? == [1; APPS], "something was delivered");
            Ok(())
        })
        .await?;
        world.user().ok(&["dc", "confirm", "dc-1"]).await?;
        until_well(&world).await?;
        assert_eq!(releases(&world, dc).await?, [2; APPS]);
        world.end().await
    }

    /// Versions go back too: a watch from a later one is told nothing.
    pub(super) async fn a_cluster_whose_store_was_restored_under_the_server_is_held(
        world: World,
    ) -> Result<()> {
        publish(&world, 1).await?;
        let dc = first(&world)?;
        let backup = dc.back_up().await?;
        publish(&world, 2).await?;

        dc.stop().await?;
        eventually("dc-1 is not reached", async || {
            let dc = world.user().get("/v1/datacenters/dc-1").await?;
            Ok(if dc["reach"]["state"] == "Connected" { Err(dc.to_string()) } else { Ok(()) })
        })
        .await?;
        dc.put_back(&backup).await?;

        assert_eq!(releases(&world, dc).await?, [1; APPS]);
        let held = until_held(&world).await?;
        assert_eq!(held["stops"][0]["reason"], "ClusterPutBack", "{held}");
        world.user().ok(&["dc", "confirm", "dc-1"]).await?;
        until_well(&world).await?;
        assert_eq!(releases(&world, dc).await?, [2; APPS]);
        world.end().await
    }

    fn first(world: &World) -> Result<&DataCenter> {
        world.dcs().first().context("no data center")
    }

    fn document(world: &World, n: usize, version: u8) -> Document {
        Document::new(world.namespace(), &format!("app-{n}")).version(version)
    }

    async fn publish(world: &World, version: u8) -> Result<()> {
        let documents: Vec<_> = (0..APPS).map(|n| document(world, n, version)).collect();
        try_join_all(documents.iter().map(|document| world.user().apply_and_wait(document))).await?;
        Ok(())
    }

    /// What the Deployments of the Namespace are, by name.
    async fn deployments(world: &World, dc: &DataCenter) -> Result<Vec<Value>> {
        let list = dc.list(&world.path("apis/apps/v1", "deployments")).await?;
        Ok(list.iter().map(|it| json!([it["metadata"]["name"], it["metadata"]["uid"]])).collect())
    }

    async fn releases(world: &World, dc: &DataCenter) -> Result<Vec<u64>> {
        let list = dc.list(&world.path("apis/dc.plimsoll.io/v1alpha1", "apps")).await?;
        Ok(list.iter().filter_map(|it| it["spec"]["release"].as_u64()).collect())
    }

    /// Waits until dc-1 is held, and gives it as it is shown.
    async fn until_held(world: &World) -> Result<Value> {
        eventually("dc-1 is held", async || {
            let dc = world.user().get("/v1/datacenters/dc-1").await?;
            Ok(if dc["state"] == "Held" { Ok(dc) } else { Err(dc.to_string()) })
        })
        .await
    }

    /// As many of them as may be made again are there, and no more come.
    async fn stays(world: &World, dc: &DataCenter, api: &str, plural: &str) -> Result<()> {
        let path = world.path(api, plural);
        holds_for(Duration::from_secs(3), async || {
            let there = dc.list(&path).await?.len();
            ensure!(there <= LIMIT, "{there} {plural}");
            Ok(())
        })
        .await?;
        assert_eq!(dc.list(&path).await?.len(), LIMIT);
        Ok(())
    }

    /// A publish is not delayed by the one that is held, and owes it.
    async fn others_go_on(world: &World) -> Result<()> {
        let operation = world.user().apply_and_wait(&document(world, 0, 9)).await?;
        assert_eq!(operation["state"], "SucceededOwing", "{operation}");
        let states: Vec<_> = operation["dataCenters"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|dc| (dc["state"].clone(), dc["reason"].clone()))
            .collect();
        let healthy = (json!("Healthy"), Value::Null);
        assert_eq!(states, [(json!("Owed"), json!("Held")), healthy.clone(), healthy], "{operation}");
        Ok(())
    }

    /// Waits until dc-1 takes Orders, nothing is left to be put back, and every App is healthy everywhere.
    async fn until_well(world: &World) -> Result<()> {
        eventually("all is well again", async || {
            let dc = world.user().get("/v1/datacenters/dc-1").await?;
            let apps = world.user().get(&format!("/v1/namespaces/{}/apps", world.namespace())).await?;
            let apps = apps["items"].as_array().cloned().unwrap_or_default();
            let ill: Vec<_> = apps.iter().filter(|app| app["health"] != "Healthy").collect();
            let well = dc["state"] == "Active" && dc["message"].is_null() && apps.len() == APPS;
            Ok(if well && ill.is_empty() { Ok(()) } else { Err(format!("{dc}\n{ill:?}")) })
        })
        .await
    }

    /// How an App whose Deployment is missing in dc-1 is shown there.
    async fn app_of(world: &World, dc: &DataCenter) -> Result<Value> {
        let there = deployments(world, dc).await?;
        let is_there = |name: &str| there.iter().any(|it| it[0] == name);
        let missing = (0..APPS).map(|n| format!("app-{n}")).find(|name| !is_there(name));
        let missing = missing.context("all are there")?;
        let app = world.user().get(&format!("/v1/namespaces/{}/apps/{missing}", world.namespace())).await?;
        Ok(app["dataCenters"][0].clone())
    }
}
