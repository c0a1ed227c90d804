//! The life of an App, verb by verb, from going live to being deleted.

use crate::ground::on_both_grounds;

on_both_grounds!(an_app_lives_from_go_live_to_delete: Shared, a_change_for_one_data_center_restarts_pods_there_alone: Shared);

mod scenario {
    use anyhow::{Context, Result};
    use plimsoll_tests::{DataCenter, Pod, World, image};
    use serde_json::{Value, json};
    use std::collections::BTreeSet;

    pub(super) async fn an_app_lives_from_go_live_to_delete(world: World) -> Result<()> {
        let shop = world.shop();

        let operation = world.user().apply_and_wait(&shop).await?;
        assert_eq!(summary(&operation), ended("GoLive", 1));
        let born = nine_ready_pods_of(&world, 1).await?;
        let old_sets = replica_sets(&world).await?;

        let operation = world.user().apply_and_wait(&shop.clone().version(2)).await?;
        assert_eq!(summary(&operation), ended("Upgrade", 2));
        let upgraded = nine_ready_pods_of(&world, 2).await?;
        assert!(born.iter().zip(&upgraded).all(|(old, new)| old.is_disjoint(new)));

        let operation = world.on_shop("rollback", &[]).await?;
        assert_eq!(summary(&operation), ended("Rollback", 3));
        let back = nine_ready_pods_of(&world, 1).await?;
        let sets = replica_sets(&world).await?;
        for (old, sets) in old_sets.iter().zip(&sets) {
            assert!(old.is_subset(sets) && sets.len() == 2, "the old ReplicaSet is used again: {sets:?}");
        }

        let file = shop.clone().version(3).write(world.folder())?;
        let refused = world.user().run(&["apply", "-f", &file.to_string_lossy()]).await?;
        assert_eq!(refused.code, 7, "{refused:?}");
        assert!(refused.stderr.contains("rolled back from release 2 by olga"), "{refused:?}");
        assert_eq!(world.all_pods().await?, back);

        world.user().ok(&["unpin", "shop", "-n", world.namespace()]).await?;

        let operation = world.on_shop("scale", &["--replicas", "4"]).await?;
        assert_eq!(summary(&operation), ended("Scale", 3));
        let scaled = world.all_pods().await?;
        for (before, after) in back.iter().zip(&scaled) {
            assert!(before.is_subset(after) && after.len() == 4, "one more each: {before:?} {after:?}");
        }

        let before = neighbours(&world).await?;
        let config = json!([{"path": "/etc/shop/shop.toml", "content": "guests = false\n"}]);
        let operation = world.user().apply_and_wait(&shop.clone().with("/spec/files", config)).await?;
        assert_eq!(summary(&operation), ended("Upgrade", 4));
        assert_eq!(neighbours(&world).await?, before, "nothing but config and pods has changed");
        let configured = world.all_pods().await?;
        for (before, after) in scaled.iter().zip(&configured) {
            assert!(before.is_disjoint(after) && after.len() == 4, "the scale stays: {after:?}");
            assert!(after.iter().all(|pod| pod.image == image(1) && pod.ready), "{after:?}");
        }
        for dc in world.dcs() {
            assert_eq!(mounted_files(&world, dc).await?, ["guests = false\n"]);
        }

        let before = configs(&world).await?;
        let operation = world.on_shop("restart", &[]).await?;
        assert_eq!(summary(&operation), ended("Restart", 4));
        let restarted = world.all_pods().await?;
        for (before, after) in configured.iter().zip(&restarted) {
            assert!(before.is_disjoint(after) && after.len() == 4, "all pods anew: {after:?}");
        }
        assert_eq!(configs(&world).await?, before);

        let before = neighbours(&world).await?;
        let operation = world.on_shop("offline", &[]).await?;
        assert_eq!(states(&operation), ["dc-1 Done", "dc-2 Done", "dc-3 Done"]);
        assert_eq!(world.all_pods().await?, vec![BTreeSet::new(); 3]);
        assert_eq!(neighbours(&world).await?, before, "Service and PodDisruptionBudget stay");
        assert!(configs(&world).await?.iter().all(|names| !names.is_empty()), "config stays");
        let app = world.look_at_shop().await?;
        assert_eq!(app["scale"]["replicas"], 4, "the scale is kept");
        for dc in app["dataCenters"].as_array().context("no data centers")? {
            assert_eq!(dc["replication"], json!({"replicas": 0}), "no pod is ordered");
        }

        let operation = world.on_shop("online", &[]).await?;
        assert_eq!(summary(&operation), ended("Online", 4));
        assert!(
            world.all_pods().await?.iter().all(|pods| pods.len() == 4 && pods.iter().all(|pod| pod.ready))
        );

        let operation = world.on_shop("delete", &["--yes"]).await?;
        assert_eq!(states(&operation), ["dc-1 Done", "dc-2 Done", "dc-3 Done"]);
        for dc in world.dcs() {
            for (api, collection) in [
                ("apis/apps/v1", "deployments"),
                ("apis/apps/v1", "replicasets"),
                ("api/v1", "services"),
                ("api/v1", "configmaps"),
                ("apis/policy/v1", "poddisruptionbudgets"),
                ("api/v1", "pods"),
            ] {
                assert_eq!(
                    world.names(dc, api, collection).await?,
                    BTreeSet::new(),
                    "{collection} of {}",
                    dc.name()
                );
            }
        }
        let gone = world.user().run(&["get", "shop", "-n", world.namespace()]).await?;
        assert_eq!(gone.code, 5, "{gone:?}");
        world.end().await
    }

    pub(super) async fn a_change_for_one_data_center_restarts_pods_there_alone(world: World) -> Result<()> {
        let shop = world.shop();
        world.user().apply_and_wait(&shop).await?;
        let before = nine_ready_pods_of(&world, 1).await?;
        let generations = generations(&world).await?;

        let overlay =
            json!({"dc-2": {"files": [{"path": "/etc/shop/shop.toml", "content": "guests = false\n"}]}});
        let operation = world.user().apply_and_wait(&shop.with("/spec/dataCenters", overlay)).await?;

        assert_eq!(summary(&operation), ended("Upgrade", 2));
        let after = nine_ready_pods_of(&world, 1).await?;
        assert_eq!((&after[0], &after[2]), (&before[0], &before[2]));
        assert!(after[1].is_disjoint(&before[1]));
        let now = self::generations(&world).await?;
        assert_eq!((now[0], now[1], now[2]), (generations[0], generations[1] + 1, generations[2]));
        world.end().await
    }

    /// What an Operation did and how it ended, without ids and times.
    fn summary(operation: &Value) -> Value {
        json!({
            "kind": operation["kind"], "release": operation["release"], "state": operation["state"],
            "dcs": states(operation),
        })
    }

    fn ended(kind: &str, release: u64) -> Value {
        let dcs = ["dc-1 Healthy", "dc-2 Healthy", "dc-3 Healthy"];
        json!({"kind": kind, "release": release, "state": "Succeeded", "dcs": dcs})
    }

    fn states(operation: &Value) -> Vec<String> {
        let dcs = operation["dataCenters"].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        dcs.iter().map(|dc| format!("{} {}", text(&dc["dataCenter"]), text(&dc["state"]))).collect()
    }

    /// The pods of all data centers, three in each, ready, with the image of that version.
    ///
    /// Not waited for: the Operation has ended, so they must be there.
    async fn nine_ready_pods_of(world: &World, version: u8) -> Result<Vec<BTreeSet<Pod>>> {
        let all = world.all_pods().await?;
        for pods in &all {
            let good = pods.iter().all(|pod| pod.ready && pod.image == image(version));
            assert!(pods.len() == 3 && good, "three ready pods of version {version}: {pods:?}");
        }
        Ok(all)
    }

    async fn replica_sets(world: &World) -> Result<Vec<BTreeSet<String>>> {
        let mut all = Vec::new();
        for dc in world.dcs() {
            all.push(world.names(dc, "apis/apps/v1", "replicasets").await?);
        }
        Ok(all)
    }

    async fn configs(world: &World) -> Result<Vec<BTreeSet<String>>> {
        let mut all = Vec::new();
        for dc in world.dcs() {
            all.push(world.names(dc, "api/v1", "configmaps").await?);
        }
        Ok(all)
    }

    async fn generations(world: &World) -> Result<Vec<u64>> {
        let mut all = Vec::new();
        for dc in world.dcs() {
            let deployment = world.deployment(dc).await?;
            all.push(
                deployment["metadata"]["generation"].as_u64().context("a Deployment without generation")?,
            );
        }
        Ok(all)
    }

    /// What stands beside the Deployment, with the spec's generation or, where there is none, the whole spec.
    async fn neighbours(world: &World) -> Result<Vec<Value>> {
        let mut all = Vec::new();
        for dc in world.dcs() {
            let service = world.object(dc, "api/v1", "services/shop").await?;
            let budget = world.object(dc, "apis/policy/v1", "poddisruptionbudgets/shop").await?;
            all.push(json!([service["metadata"]["resourceVersion"], budget["metadata"]["generation"]]));
        }
        Ok(all)
    }

    /// The contents of the files that the Deployment's pods mount from a ConfigMap.
    async fn mounted_files(world: &World, dc: &DataCenter) -> Result<Vec<String>> {
        let deployment = world.deployment(dc).await?;
        let volumes =
            deployment["spec"]["template"]["spec"]["volumes"].as_array().cloned().unwrap_or_default();
        let name = volumes
            .iter()
            .find_map(|volume| volume["configMap"]["name"].as_str())
            .context("no pod mounts a ConfigMap")?;
        let config = world.object(dc, "api/v1", &format!("configmaps/{name}")).await?;
        let data = config["data"].as_object().context("a ConfigMap without data")?;
        Ok(data.values().filter_map(Value::as_str).map(str::to_owned).collect())
    }
}
