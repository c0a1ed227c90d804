//! The server killed in the middle of a publish: nothing acknowledged is lost, nothing visible is repeated.

use crate::ground::on_both_grounds;

on_both_grounds!(a_server_killed_anywhere_in_a_publish_loses_nothing_and_repeats_nothing: Own);

mod scenario {
    use anyhow::{Context, Result, bail};
    use plimsoll_tests::{Mark, World, eventually, image};
    use serde_json::json;

    /// Where the publish stands when the server is killed.
    #[derive(Clone, Copy, Debug)]
    enum Moment {
        /// It was accepted, and the answer has just arrived.
        Accepted,
        /// The Order of dc-1 is in the ledger, and the write into dc-1 is on its way: the API server is frozen.
        WriteOnItsWay,
        /// Pods are rolling in dc-1.
        Rolling,
        /// dc-1 is done, and its soak runs before the others may begin.
        BetweenTheWaves,
    }

    const MOMENTS: [Moment; 4] =
        [Moment::Accepted, Moment::WriteOnItsWay, Moment::Rolling, Moment::BetweenTheWaves];

    pub(super) async fn a_server_killed_anywhere_in_a_publish_loses_nothing_and_repeats_nothing(
        mut world: World,
    ) -> Result<()> {
        let waves = json!({"order": [["dc-1"], ["dc-2", "dc-3"]], "soak": "2s", "deadline": "2m"});
        let shop = world.shop().with("/spec/publish", waves);
        let marks = marks(&world)?;
        world.user().apply_and_wait(&shop).await?;

        for (moment, version) in MOMENTS.into_iter().zip(2..) {
            kill_at(&mut world, moment, version).await.with_context(|| format!("killed when {moment:?}"))?;
        }

        for (dc, mark) in world.dcs().iter().zip(marks) {
            // Made once, replaced once per publish.
            let writes: Vec<_> = dc
                .writes(mark)?
                .into_iter()
                .filter(|request| request.resource == "apps" && request.subresource.is_empty())
                .filter(|request| request.code.is_some_and(|code| code < 300))
                .map(|request| request.short())
                .collect();
            let updates = std::iter::repeat_n("update apps", MOMENTS.len());
            assert_eq!(
                writes,
                std::iter::once("create apps").chain(updates).collect::<Vec<_>>(),
                "{}",
                dc.name()
            );
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

    async fn kill_at(world: &mut World, moment: Moment, version: u8) -> Result<()> {
        let waves = json!({"order": [["dc-1"], ["dc-2", "dc-3"]], "soak": "2s", "deadline": "2m"});
        let shop = world.shop().with("/spec/publish", waves).version(version);
        if matches!(moment, Moment::WriteOnItsWay) {
            first(world)?.freeze().await?;
        }
        let accepted = world.user().apply(&shop).await?;
        let id = accepted["operation"]["id"].as_str().context("nothing was accepted")?.to_owned();
        let path = format!("/v1/operations/{id}");

        let wanted = match moment {
            Moment::Accepted => None,
            Moment::WriteOnItsWay => Some("Sent"),
            Moment::Rolling => Some("Progressing"),
            Moment::BetweenTheWaves => Some("Healthy"),
        };
        if let Some(wanted) = wanted {
            eventually("the publish comes to the moment", async || {
                let operation = world.user().get(&path).await?;
                let state = &operation["dataCenters"][0]["state"];
                Ok(if state == wanted { Ok(()) } else { Err(operation.to_string()) })
            })
            .await?;
        }
        world.kill_server().await?;
        if matches!(moment, Moment::WriteOnItsWay) {
            first(world)?.thaw().await?;
        }
        world.start_server().await?;

        eventually("the publish has succeeded", async || {
            let operation = world.user().get(&path).await?;
            match operation["state"].as_str() {
                Some("Succeeded") => Ok(Ok(())),
                Some("Running" | "SucceededOwing") => Ok(Err(operation.to_string())),
                _ => bail!("it ended otherwise: {operation}"),
            }
        })
        .await?;
        for pods in world.all_pods().await? {
            assert!(
                pods.len() == 3 && pods.iter().all(|pod| pod.ready && pod.image == image(version)),
                "{pods:?}"
            );
        }
        Ok(())
    }

    fn first(world: &World) -> Result<&plimsoll_tests::DataCenter> {
        world.dcs().first().context("no data center")
    }

    fn marks(world: &World) -> Result<Vec<Mark>> {
        world.dcs().iter().map(plimsoll_tests::DataCenter::mark).collect()
    }
}
