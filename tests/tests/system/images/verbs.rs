//! What the command line tells of registries and of the images in them.

use super::*;

/// Where an image is: for each data center how much of it is there, and how many pods run it.
async fn located(bed: &Bed, image: &str) -> Result<Vec<String>> {
    let found = bed.world.user().json(&["image", "where", image]).await?;
    let rows = found["dataCenters"].as_array().context("no data centers")?;
    let line = |row: &Value| {
        let running = row["running"].as_array();
        let pods: Option<u64> = running.map(|apps| apps.iter().filter_map(|of| of["pods"].as_u64()).sum());
        let pods = pods.map_or_else(|| "?".to_owned(), |pods| pods.to_string());
        format!("{} {}", row["state"].as_str().unwrap_or_default(), pods)
    };
    Ok(rows.iter().map(line).collect())
}

/// The exit code, and what was said on standard error.
async fn refused(bed: &Bed, arguments: &[&str]) -> Result<(i32, String)> {
    let said = bed.world.user().run(arguments).await?;
    Ok((said.code, said.stderr))
}

mod simulated {
    use std::time::{Duration, Instant};

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_lies_in_a_registry_and_what_it_is_is_told() -> Result<()> {
        let bed = Bed::new().await?;
        let (qa, user) = (bed.qa.host(), bed.world.user());
        let image = push(&bed.qa, "1.4").await?;
        push(&bed.qa, "1.5").await?;
        let lines = async |arguments: &[&str]| -> Result<Vec<String>> {
            Ok(user.ok(arguments).await?.lines().map(str::to_owned).collect())
        };
        assert_eq!(lines(&["image", "ls", &qa]).await?, ["REPOSITORY", &format!("{qa}/{REPOSITORY}")]);
        assert_eq!(lines(&["image", "ls", &format!("{qa}/demo"), "-o", "name"]).await?.len(), 1);
        assert_eq!(lines(&["image", "ls", &format!("{qa}/dem"), "-o", "name"]).await?.len(), 0);
        let repository = format!("{qa}/{REPOSITORY}");
        assert_eq!(lines(&["image", "tags", &repository]).await?, ["TAG", "1.4", "1.5"]);
        let tags = user.json(&["image", "tags", &repository]).await?;
        assert_eq!(tags, json!({"items": [{"name": "1.4"}, {"name": "1.5"}], "complete": true}));

        let inspected = user.json(&["image", "inspect", &bed.named("1.4")]).await?;
        assert_eq!(
            [&inspected["digest"], &inspected["platforms"], &inspected["mediaType"]],
            [&json!(image.digest().to_string()), &json!(["linux/amd64"]), &json!(MANIFEST)]
        );
        let (exit, said) = refused(&bed, &["image", "inspect", &bed.named("1.6")]).await?;
        ensure!(exit == 5 && said.contains("there is no"), "{exit} {said}");
        let (exit, said) = refused(&bed, &["image", "ls", "registry.example.com"]).await?;
        ensure!(exit == 2 && said.contains("host: is none of the registries"), "{exit} {said}");

        let probed = user.json(&["registry", "probe", &qa]).await?;
        let of = |subject: &str| {
            let traits = probed["traits"].as_array().into_iter().flatten();
            let mut found = traits.filter(|found| found["subject"] == subject);
            let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
            let told =
                |found: &Value| format!("{}: {}", text(&found["finding"]), text(&found["consequence"]));
            found.next().map(told).unwrap_or_default()
        };
        assert_eq!(
            ["Server", "Removal", "Ranges"].map(of),
            [
                "it says that it is registry/2.0: -",
                "it removes images: image rm works there",
                "it gives out content from the middle: a download that breaks goes on where it was",
            ]
        );
        let listed = user.json(&["registry", "ls"]).await?;
        let seen: Vec<(&Value, bool)> = listed["items"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|registry| (&registry["host"], registry["probed"].is_string()))
            .filter(|(_, probed)| *probed)
            .collect();
        assert_eq!(seen, [(&json!(qa), true)]);
        bed.world.end().await
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn where_an_image_is_and_runs_is_told_and_only_one_that_nobody_needs_is_removed() -> Result<()> {
        let mut bed = Bed::new().await?;
        let image = push(&bed.qa, "1.4").await?;
        let unused = push(&bed.qa, "1.5").await?;
        let pinned = |image: &Manifest| format!("{}/{REPOSITORY}@{}", bed.qa.host(), image.digest());
        let (web, other) = (pinned(&image), pinned(&unused));
        // It is brought to the registry of one data center alone; the third pulls from where it was pushed.
        push(&bed.one, "1.4").await?;
        assert_eq!(located(&bed, &bed.named("1.4")).await?, ["Whole 0", "Absent 0", "Whole 0"]);

        bed.world.user().apply_and_wait(&bed.shop("1.4")).await?;
        assert_eq!(located(&bed, &web).await?, ["Whole 3", "Whole 3", "Whole 3"]);
        assert_eq!(located(&bed, &other).await?, ["Absent 0", "Absent 0", "Whole 0"]);

        let (exit, said) = refused(&bed, &["image", "rm", &web, "--yes"]).await?;
        let kept = format!("is kept by release 1 of {}/shop", bed.world.namespace());
        ensure!(exit == 7 && said.contains(&kept), "{exit} {said}");
        let (exit, said) = refused(&bed, &["image", "rm", &other]).await?;
        ensure!(exit == 2 && said.contains("say --yes"), "{exit} {said}");
        bed.world.user().ok(&["image", "rm", &other, "--dry-run"]).await?;
        ensure!(has(&bed.qa, REPOSITORY, &unused).await?, "it was only to be checked");
        bed.world.user().ok(&["image", "rm", &other, "--yes", "--reason", "never used"]).await?;
        ensure!(!has(&bed.qa, REPOSITORY, &unused).await? && has(&bed.qa, REPOSITORY, &image).await?);

        // What is silent is unknown, and holds up the others by a bound at most.
        bed.two.stop().await?;
        let began = Instant::now();
        let found = bed.world.user().json(&["image", "where", &web]).await?;
        ensure!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
        let two = &found["dataCenters"][1];
        let why = two["message"].as_str().unwrap_or_default();
        ensure!(two["state"] == "Unknown" && why.contains("does not answer"), "{two}");
        assert_eq!(located(&bed, &web).await?, ["Whole 3", "Unknown 3", "Whole 3"]);
        bed.world.end().await
    }
}
