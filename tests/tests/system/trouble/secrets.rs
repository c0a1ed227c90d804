//! Secrets that an app names and that are not there: told in plain words, with what to do.

use crate::ground::on_both_grounds;

on_both_grounds!(a_secret_that_is_missing_is_told_with_what_to_do_and_its_coming_is_enough: Shared);

mod scenario {
    use crate::trouble::assert_trouble;
    use anyhow::{Context, Result};
    use plimsoll_tests::{
        DataCenter, Document, PLAYED, Said, Unstarted, World, eventually, eventually_within,
    };
    use serde_json::json;
    use std::time::Duration;

    /// In the first data center the Secret of a file is missing, in the second a key of it, in the third the Secret
    /// of a variable.
    pub(super) async fn a_secret_that_is_missing_is_told_with_what_to_do_and_its_coming_is_enough(
        world: World,
    ) -> Result<()> {
        let [no_file, no_key, no_variable] = world.dcs() else { anyhow::bail!("three data centers") };
        create(&world, no_key, "truststore", "old.p12").await?;
        create(&world, no_variable, "truststore", "store.p12").await?;
        for dc in [no_file, no_key] {
            create(&world, dc, "database", "password").await?;
        }
        let document = Document::new(world.namespace(), PLAYED)
            .with("/spec/envFromSecrets", json!({"PASSWORD": {"secret": "database", "key": "password"}}))
            .with(
                "/spec/secretFiles",
                json!([{"path": "/etc/shop/store.p12", "secret": "truststore", "key": "store.p12"}]),
            )
            .with("/spec/publish", json!({"deadline": "30s"}))
            .write(world.folder())?;

        let arguments = ["apply", "-f", &*document.to_string_lossy(), "--wait"];
        let (said, ..) = tokio::try_join!(
            world.user().run(&arguments),
            unmounted(&world, no_file, "secret \"truststore\" not found"),
            unmounted(&world, no_key, "references non-existent secret key: store.p12"),
            no_variable.play_kubelet(
                world.namespace(),
                3,
                Unstarted::Container("secret \"database\" not found")
            ),
        )?;

        // Which of the three is over its deadline first is up to them.
        let end = said.stderr.lines().rfind(|line| line.contains("error")).unwrap_or_default();
        let (of_which, why) = end.split_once("not healthy within 30s: 3 of 3 pods: ").context("no cause")?;
        assert!(why.starts_with("the Secret ") && said.code == 1, "{said:?}");
        let path = format!("/v1/namespaces/{}/apps/{PLAYED}", world.namespace());
        for (number, name) in ["missing", "without_the_key", "of_a_variable_missing"].into_iter().enumerate()
        {
            let found = eventually("it is told in every data center", async || {
                let app = world.user().get(&path).await?;
                let found = app["dataCenters"][number]["findings"][0].clone();
                Ok(if found.is_null() { Err(app["dataCenters"].to_string()) } else { Ok(found) })
            })
            .await?;
            let message = found["message"].as_str().context("no message")?;
            let told = format!("{}: {message}", found["reason"]);
            let said = Said { code: said.code, stdout: String::new(), stderr: told };
            assert_trouble(&format!("secret_{name}"), world.folder(), &said);
            if of_which.contains(&format!("dc-{}: ", number + 1)) {
                assert!(end.contains(message), "{end} and {message}");
            }
        }

        create(&world, no_file, "truststore", "store.p12").await?;
        let add = json!({"stringData": {"store.p12": "x"}});
        no_key.merge("olga", &world.path("api/v1", "secrets/truststore"), &add).await?;
        create(&world, no_variable, "database", "password").await?;
        for dc in world.dcs() {
            dc.play_start(world.namespace()).await?;
        }
        // A kubelet tries a volume again after two minutes at the latest.
        let patience = Duration::from_mins(4);
        eventually_within(patience, "the app is healthy everywhere", async || {
            let app = world.user().get(&path).await?;
            Ok(if app["health"] == "Healthy" { Ok(()) } else { Err(app["dataCenters"].to_string()) })
        })
        .await?;
        world.end().await
    }

    async fn create(world: &World, dc: &DataCenter, name: &str, key: &str) -> Result<()> {
        let secret = json!({"metadata": {"name": name}, "stringData": {key: "x"}});
        dc.create(&world.path("api/v1", "secrets"), &secret).await.map(drop)
    }

    /// The volume of the Secret `truststore` cannot be mounted there.
    async fn unmounted(world: &World, dc: &DataCenter, why: &str) -> Result<()> {
        let deployment = world.path("apis/apps/v1", &format!("deployments/{PLAYED}"));
        let volumes = eventually("the Deployment is there", async || {
            let deployment = dc.get(&deployment).await?;
            Ok(deployment.map(|it| it["spec"]["template"]["spec"]["volumes"].clone()).ok_or_else(String::new))
        })
        .await?;
        let volumes = volumes.as_array().context("no volumes")?;
        let volume = volumes.iter().find(|volume| volume["secret"].is_object()).context("no such volume")?;
        let words = format!("MountVolume.SetUp failed for volume {} : {why}", volume["name"]);
        dc.play_kubelet(world.namespace(), 3, Unstarted::Mount(&words)).await
    }
}
