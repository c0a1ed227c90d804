//! The server killed in the middle of a publish: nothing acknowledged is lost, nothing visible is repeated.

use crate::ground::on_both_grounds;

on_both_grounds!(
    a_server_killed_anywhere_in_a_publish_loses_nothing_and_repeats_nothing: Own,
    a_server_killed_again_and_again_brings_the_newest_release_everywhere: Own,
);

mod scenario {
    use anyhow::{Context, Result, bail};
    use plimsoll_tests::{DataCenter, Document, Mark, Request, World, eventually, image};
    use serde_json::json;
    use std::time::Duration;

    /// Where the publish stands when the server is killed.
    #[derive(Clone, Copy, Debug)]
    enum Moment {
        /// It was accepted, and the answer has just arrived.
        Accepted,
        /// The Order of dc-1 is in the ledger, and the write into dc-1 is on its way: the API server is frozen.
        WriteOnItsWay,
        /// The Deployment of dc-1 has just got the new image.
        Rolling,
        /// dc-1 is done, and its soak runs before the others may begin.
        BetweenTheWaves,
    }

    const MOMENTS: [Moment; 4] =
        [Moment::Accepted, Moment::WriteOnItsWay, Moment::Rolling, Moment::BetweenTheWaves];

    pub(super) async fn a_server_killed_anywhere_in_a_publish_loses_nothing_and_repeats_nothing(
        mut world: World,
    ) -> Result<()> {
        let shop = in_waves(&world);
        let marks = world.marks()?;
        world.user().apply_and_wait(&shop).await?;

        for (moment, version) in MOMENTS.into_iter().zip(2..) {
            kill_at(&mut world, moment, version).await.with_context(|| format!("killed when {moment:?}"))?;
        }

        for (dc, mark) in world.dcs().iter().zip(marks) {
            // Made once, replaced once per publish: by what the resource says of itself, and by what was sent.
            let resource = world.resource(dc).await?;
            assert_eq!(resource["metadata"]["generation"], 1 + MOMENTS.len(), "{}", dc.name());
            let writes = app_writes(dc, mark)?;
            assert!(writes.len() <= 1 + MOMENTS.len(), "{}: {writes:?}", dc.name());
            // One change of the Deployment, and one set of pods, per version: no pod was restarted twice.
            let deployment = world.deployment(dc).await?;
            assert_eq!(deployment["metadata"]["generation"], 1 + MOMENTS.len(), "{}", dc.name());
            let sets = dc.list(&world.path("apis/apps/v1", "replicasets")).await?;
            assert_eq!(sets.len(), 1 + MOMENTS.len(), "{}", dc.name());
        }
        let history = world.user().json(&["history", "shop", "-n", world.namespace()]).await?;
        let releases = history["items"].as_array().cloned().unwrap_or_default();
        let numbers: Vec<_> = releases.iter().map(|release| release["number"].clone()).collect();
        assert_eq!(numbers, [5, 4, 3, 2, 1]);
        assert!(releases.iter().all(|release| release["succeeded"].is_string()), "{history}");
        world.end().await
    }

    pub(super) async fn a_server_killed_again_and_again_brings_the_newest_release_everywhere(
        mut world: World,
    ) -> Result<()> {
        world.user().apply_and_wait(&world.shop()).await?;
        let marks = world.marks()?;
        // The moments are spread, not chosen: somewhere between the answer and the first ready pods.
        let after = [0, 35, 80, 150, 270, 450].map(Duration::from_millis);
        let mut newest = String::new();
        for (after, version) in after.into_iter().zip(2..) {
            let accepted = world.user().apply(&world.shop().version(version)).await?;
            newest = accepted["operation"]["id"].as_str().context("nothing was accepted")?.to_owned();
            tokio::time::sleep(after).await;
            world.kill_server().await?;
            world.start_server().await?;
        }

        succeeded(&world, &newest).await?;
        let last = u8::try_from(after.len() + 1)?;
        for pods in world.all_pods().await? {
            assert!(
                pods.len() == 3 && pods.iter().all(|pod| pod.ready && pod.image == image(last)),
                "{pods:?}"
            );
        }
        for (dc, mark) in world.dcs().iter().zip(marks) {
            let writes = app_writes(dc, mark)?;
            assert!(writes.len() <= after.len(), "{}: {writes:?}", dc.name());
            // A Release that came while the controller was away may have been overtaken by the next.
            let [resource, deployment] = [world.resource(dc).await?, world.deployment(dc).await?]
                .map(|object| object["metadata"]["generation"].as_u64().unwrap_or_default());
            assert!(
                deployment > 1 && deployment <= resource && resource <= 1 + after.len() as u64,
                "{deployment} {resource}"
            );
            assert_eq!(world.resource(dc).await?["spec"]["release"], last, "{}", dc.name());
        }
        world.end().await
    }

    /// The shop, published to dc-1 first and to the others when it has stood there for two seconds.
    fn in_waves(world: &World) -> Document {
        let policy = json!({"order": [["dc-1"], ["dc-2", "dc-3"]], "soak": "2s", "deadline": "2m"});
        world.shop().with("/spec/publish", policy)
    }

    async fn kill_at(world: &mut World, moment: Moment, version: u8) -> Result<()> {
        let shop = in_waves(world).version(version);
        if matches!(moment, Moment::WriteOnItsWay) {
            first(world)?.freeze().await?;
        }
        let accepted = world.user().apply(&shop).await?;
        let id = accepted["operation"]["id"].as_str().context("nothing was accepted")?.to_owned();
        let path = format!("/v1/operations/{id}");

        let seen = &*world;
        eventually("the publish comes to the moment", async || {
            let operation = seen.user().get(&path).await?;
            let state = operation["dataCenters"][0]["state"].as_str();
            let come = match moment {
                Moment::Accepted => true,
                // After five seconds without an answer it is owed.
                Moment::WriteOnItsWay => matches!(state, Some("Sent" | "Owed")),
                Moment::Rolling => has_image(seen, version).await?,
                Moment::BetweenTheWaves => state == Some("Healthy"),
            };
            Ok(if come { Ok(()) } else { Err(operation.to_string()) })
        })
        .await?;
        world.kill_server().await?;
        if matches!(moment, Moment::WriteOnItsWay) {
            first(world)?.thaw().await?;
        }
        world.start_server().await?;

        succeeded(world, &id).await?;
        for pods in world.all_pods().await? {
            assert!(
                pods.len() == 3 && pods.iter().all(|pod| pod.ready && pod.image == image(version)),
                "{pods:?}"
            );
        }
        Ok(())
    }

    async fn succeeded(world: &World, operation: &str) -> Result<()> {
        let path = format!("/v1/operations/{operation}");
        eventually("the publish has succeeded", async || {
            let operation = world.user().get(&path).await?;
            match operation["state"].as_str() {
                Some("Succeeded") => Ok(Ok(())),
                Some("Running" | "SucceededOwing") => Ok(Err(operation.to_string())),
                _ => bail!("it ended otherwise: {operation}"),
            }
        })
        .await
    }

    /// The writes of App resources that a data center has answered with success. One whose sender was killed may
    /// have been taken too, and is answered to nobody.
    fn app_writes(dc: &DataCenter, since: Mark) -> Result<Vec<String>> {
        let mut writes = dc.writes(since)?;
        writes.retain(|write| write.resource == "apps" && write.subresource.is_empty());
        writes.retain(|write| write.code.is_some_and(|code| code < 300));
        Ok(writes.iter().map(Request::short).collect())
    }

    /// Whether the Deployment of dc-1 is told to run that version.
    async fn has_image(world: &World, version: u8) -> Result<bool> {
        let deployment = world.deployment(first(world)?).await?;
        Ok(deployment["spec"]["template"]["spec"]["containers"][0]["image"] == image(version))
    }

    fn first(world: &World) -> Result<&DataCenter> {
        world.dcs().first().context("no data center")
    }
}
