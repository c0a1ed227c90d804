//! What others change or delete is put right, and recorded.

use crate::ground::on_both_grounds;

on_both_grounds!(
    a_hand_edit_is_put_right_and_recorded: Shared,
    what_was_deleted_comes_back: Shared,
    an_edit_made_while_nobody_looked_is_put_right_later: Shared,
);

mod scenario {
    use anyhow::{Context, Result, ensure};
    use plimsoll_tests::{DataCenter, World, eventually, holds_for, image};
    use serde_json::{Value, json};
    use std::time::Duration;

    pub(super) async fn a_hand_edit_is_put_right_and_recorded(world: World) -> Result<()> {
        world.user().apply_and_wait(&world.shop()).await?;
        let [dc, neighbour, _] = world.dcs() else { anyhow::bail!("three data centers") };
        let before = world.pods(neighbour).await?;
        let deployment = world.path("apis/apps/v1", "deployments/shop");

        dc.merge("night-shift", &deployment, &json!({"spec": {"replicas": 7}})).await?;
        until_spec(&world, dc, "the replicas are three again", "/spec/replicas", &json!(3)).await?;

        let mut containers = world.deployment(dc).await?["spec"]["template"]["spec"]["containers"].clone();
        containers[0]["image"] = image(9).into();
        let patch = json!({"spec": {"template": {"spec": {"containers": containers}}}});
        dc.merge("night-shift", &deployment, &patch).await?;
        let place = "/spec/template/spec/containers/0/image";
        until_spec(&world, dc, "the image is the ordered one again", place, &json!(image(1))).await?;

        let service = world.path("api/v1", "services/shop");
        dc.merge("day-shift", &service, &json!({"spec": {"selector": {"plimsoll.io/app-uid": "nobody"}}}))
            .await?;
        eventually("the Service selects the pods again", async || {
            let selector = world.object(dc, "api/v1", "services/shop").await?["spec"]["selector"].clone();
            Ok(if selector["plimsoll.io/app-uid"] == "nobody" { Err(selector.to_string()) } else { Ok(()) })
        })
        .await?;

        // What was never ordered is taken away, together with what was changed beside it.
        let ordered = world.deployment(dc).await?["spec"].clone();
        let mut spec = ordered.clone();
        spec["paused"] = json!(true);
        let pods = &mut spec["template"]["spec"];
        pods["hostNetwork"] = json!(true);
        pods["nodeSelector"] = json!({"disk": "fast"});
        let containers = pods["containers"].as_array_mut().context("no containers")?;
        containers[0]["image"] = image(9).into();
        let env = containers[0]["env"].as_array_mut().context("no variables")?;
        env.push(json!({"name": "LOG_FORMAT", "value": "text"}));
        let edited = json!({"privileged": true, "allowPrivilegeEscalation": true, "runAsNonRoot": false, "runAsUser": 0});
        containers[0]["securityContext"] = edited;
        containers.push(json!({"name": "beside", "image": image(9)}));
        dc.merge("late-shift", &deployment, &json!({"spec": spec})).await?;
        eventually("the Deployment is as ordered again", async || {
            let spec = world.deployment(dc).await?["spec"].clone();
            Ok(if spec == ordered { Ok(()) } else { Err(spec.to_string()) })
        })
        .await?;

        // In the data center, and to whoever asks Plimsoll.
        let recorded = [
            ("Deployment/shop", "replicas", "night-shift"),
            ("Deployment/shop", "image", "night-shift"),
            ("Service/shop", "selector", "day-shift"),
            ("Deployment/shop", ".spec.paused", "late-shift"),
            ("Deployment/shop", "hostNetwork", "late-shift"),
            ("Deployment/shop", "nodeSelector", "late-shift"),
            ("Deployment/shop", "LOG_FORMAT", "late-shift"),
            ("Deployment/shop", "privileged", "late-shift"),
            ("Deployment/shop", "runAsUser", "late-shift"),
            ("Deployment/shop", "beside", "late-shift"),
        ];
        eventually("the edits are recorded", async || {
            let own = world.resource(dc).await?["status"]["drift"].clone();
            let shown = world.look_at_shop().await?["dataCenters"][0]["drift"].clone();
            Ok(match recorded.iter().find(|edit| !tells(&own, edit) || !tells(&shown, edit)) {
                None => Ok(()),
                Some(edit) => Err(format!("no {edit:?} in {own} and {shown}")),
            })
        })
        .await?;
        healthy_again(&world, dc).await?;
        assert_eq!(world.pods(neighbour).await?, before);
        assert_eq!(world.resource(neighbour).await?["status"]["drift"], Value::Null);
        world.end().await
    }

    pub(super) async fn what_was_deleted_comes_back(world: World) -> Result<()> {
        world.user().apply_and_wait(&world.shop()).await?;
        let [without_deployment, without_resource, without_service] = world.dcs() else {
            anyhow::bail!("three data centers")
        };

        let before = world.deployment(without_deployment).await?["metadata"]["uid"].clone();
        without_deployment.delete(&world.path("apis/apps/v1", "deployments/shop")).await?;
        eventually("the Deployment is there again", async || {
            let path = world.path("apis/apps/v1", "deployments/shop");
            let uid = without_deployment.get(&path).await?.map(|found| found["metadata"]["uid"].clone());
            Ok(if uid.as_ref().is_some_and(|uid| *uid != before) { Ok(()) } else { Err(format!("{uid:?}")) })
        })
        .await?;
        healthy_again(&world, without_deployment).await?;
        let gone = |drift: &Value| {
            drift.as_array().is_some_and(|list| {
                list.iter().any(|it| {
                    it["object"] == "Deployment/shop" && it["field"].as_str().unwrap_or("").is_empty()
                })
            })
        };
        eventually("the loss is recorded", async || {
            let drift = world.resource(without_deployment).await?["status"]["drift"].clone();
            Ok(if gone(&drift) { Ok(()) } else { Err(drift.to_string()) })
        })
        .await?;

        let pods = world.pods(without_resource).await?;
        let deployment = identity(&world.deployment(without_resource).await?);
        let resource = world.resource(without_resource).await?;
        without_resource.delete(&world.path("apis/dc.plimsoll.io/v1alpha1", "apps/shop")).await?;
        let again = eventually("the App resource is written again", async || {
            let path = world.path("apis/dc.plimsoll.io/v1alpha1", "apps/shop");
            let found = without_resource.get(&path).await?;
            let other = found.filter(|found| found["metadata"]["uid"] != resource["metadata"]["uid"]);
            Ok(other.ok_or_else(|| "none".to_owned()))
        })
        .await?;
        assert_eq!(again["spec"], resource["spec"], "the same Order under the same fence");
        healthy_again(&world, without_resource).await?;
        holds_for(Duration::from_secs(5), async || {
            ensure!(world.pods(without_resource).await? == pods, "pods were restarted");
            Ok(())
        })
        .await?;
        assert_eq!(identity(&world.deployment(without_resource).await?), deployment);

        let pods = world.pods(without_service).await?;
        let config = world.names(without_service, "api/v1", "configmaps").await?;
        let path = world.path("api/v1", "services/shop");
        without_service.delete(&path).await?;
        for name in &config {
            without_service.delete(&world.path("api/v1", &format!("configmaps/{name}"))).await?;
        }
        eventually("Service and ConfigMaps are there again", async || {
            let service = without_service.get(&path).await?;
            let maps = world.names(without_service, "api/v1", "configmaps").await?;
            Ok(if service.is_some() && maps == config {
                Ok(())
            } else {
                Err(format!("{service:?} {maps:?}"))
            })
        })
        .await?;
        assert_eq!(world.pods(without_service).await?, pods);
        world.end().await
    }

    pub(super) async fn an_edit_made_while_nobody_looked_is_put_right_later(mut world: World) -> Result<()> {
        world.user().apply_and_wait(&world.shop()).await?;
        world.kill_server().await?;
        let path = world.path("apis/apps/v1", "deployments/shop");
        let dc = world.dcs().first().context("no data center")?;
        dc.merge("night-shift", &path, &json!({"spec": {"replicas": 1}})).await?;

        world.start_server().await?;

        let dc = world.dcs().first().context("no data center")?;
        until_spec(&world, dc, "the replicas are three again", "/spec/replicas", &json!(3)).await?;
        healthy_again(&world, dc).await?;
        world.end().await
    }

    async fn until_spec(
        world: &World,
        dc: &DataCenter,
        what: &str,
        place: &str,
        value: &Value,
    ) -> Result<()> {
        eventually(what, async || {
            let deployment = world.deployment(dc).await?;
            let found = deployment.pointer(place);
            Ok(if found == Some(value) { Ok(()) } else { Err(format!("{found:?}")) })
        })
        .await
    }

    /// Waits until three ready pods of version 1 are all there is.
    async fn healthy_again(world: &World, dc: &DataCenter) -> Result<()> {
        eventually("three pods are ready again", async || {
            let pods = world.pods(dc).await?;
            let good = pods.len() == 3 && pods.iter().all(|pod| pod.ready && pod.image == image(1));
            Ok(if good { Ok(()) } else { Err(format!("{pods:?}")) })
        })
        .await
    }

    /// Whether `drift` tells of an edit of this field of this object by this manager, and since when.
    fn tells(drift: &Value, (object, field, manager): &(&str, &str, &str)) -> bool {
        drift.as_array().is_some_and(|list| {
            list.iter().any(|it| {
                it["object"] == *object
                    && it["field"].as_str().is_some_and(|found| found.contains(field))
                    && it["manager"] == *manager
                    && it["since"].is_string()
            })
        })
    }

    fn identity(object: &Value) -> Value {
        json!([object["metadata"]["uid"], object["metadata"]["generation"]])
    }
}
