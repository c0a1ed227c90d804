//! A data center whose quota is full: its message, in plain words.

use crate::ground::on_both_grounds;

on_both_grounds!(a_full_quota_is_told_in_plain_words_and_passes_when_it_is_raised: Shared);

mod scenario {
    use crate::trouble::assert_trouble;
    use anyhow::{Context, Result};
    use plimsoll_tests::{Said, World, eventually};
    use serde_json::json;

    pub(super) async fn a_full_quota_is_told_in_plain_words_and_passes_when_it_is_raised(
        world: World,
    ) -> Result<()> {
        let [_, full, _] = world.dcs() else { anyhow::bail!("three data centers") };
        let quotas = world.path("api/v1", "resourcequotas");
        let quota = json!({"metadata": {"name": "small"}, "spec": {"hard": {"pods": "1"}}});
        full.create(&quotas, &quota).await?;
        eventually("the quota counts", async || {
            let quota = full.get(&format!("{quotas}/small")).await?.context("no quota")?;
            Ok(if quota["status"]["used"]["pods"] == "0" { Ok(()) } else { Err(quota.to_string()) })
        })
        .await?;
        let patient = world.shop().with("/spec/publish", json!({"deadline": "20s"})).write(world.folder())?;

        let said = world.user().run(&["apply", "-f", &patient.to_string_lossy(), "--wait"]).await?;

        // Before its last words it tells how it goes.
        let end = said.stderr.lines().rfind(|line| line.contains("error")).unwrap_or_default();
        assert_trouble("quota_full", world.folder(), &Said { stderr: end.to_owned(), ..said.clone() });
        let app = world.look_at_shop().await?;
        let id = app["operation"].as_str().context("no operation")?;
        let operation = world.user().get(&format!("/v1/operations/{id}")).await?;
        let outcome = &operation["dataCenters"][1];
        let told = format!("{}: {}", outcome["reason"], outcome["message"]);
        let told = Said { code: said.code, stdout: String::new(), stderr: told };
        assert_trouble("quota_full_as_outcome", world.folder(), &told);

        full.merge("olga", &format!("{quotas}/small"), &json!({"spec": {"hard": {"pods": "10"}}})).await?;
        eventually("the pods have come", async || {
            let pods = world.pods(full).await?;
            Ok(if pods.len() == 3 { Ok(()) } else { Err(format!("{pods:?}")) })
        })
        .await?;
        world.end().await
    }
}
