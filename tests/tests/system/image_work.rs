//! Copies, syncs and verifications that a person asks for, over real registries, by the command line.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use plimsoll_bench::RegistryServer;
use plimsoll_registry::Digest;
use plimsoll_tests::eventually;
use serde_json::Value;

use crate::images::{Bed, REPOSITORY, has, push};

/// State, bytes and images of each target.
fn targets(operation: &Value) -> Vec<String> {
    let targets = operation["targets"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    targets
        .iter()
        .map(|target| {
            let (good, copied, bad) =
                (&target["images"]["good"], &target["images"]["copied"], &target["images"]["bad"]);
            let state = text(&target["state"]);
            let counts = if good.is_null() { String::new() } else { format!(" {good}/{copied}/{bad}") };
            format!("{} {state} {}{counts}", text(&target["target"]), target["sentBytes"])
        })
        .collect()
}

/// Takes the bytes of a blob away, as a broken disk does.
fn lose(server: &RegistryServer, blob: &Digest) -> Result<()> {
    let hex = blob.to_string().trim_start_matches("sha256:").to_owned();
    let path = server.storage().join("docker/registry/v2/blobs/sha256").join(&hex[..2]).join(&hex);
    fs::remove_dir_all(&path).with_context(|| format!("removing {}", path.display()))
}

mod simulated {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_image_is_copied_to_two_data_centers_and_found_again_by_its_digest() -> Result<()> {
        let bed = Bed::new().await?;
        let image = push(&bed.qa, "1.4").await?;
        let (user, named) = (bed.world.user(), bed.named("1.4"));
        let planned = user.ok(&["image", "copy", &named, "--dry-run"]).await?;
        ensure!(planned.contains("TO SEND") && planned.ends_with("nothing was changed\n"), "{planned}");
        ensure!(!has(&bed.one, REPOSITORY, &image).await?, "nothing was copied yet");
        let copied = user.run(&["image", "copy", &named, "--wait", "--reason", "sale"]).await?;
        let expected = format!("{named} is in dc-1, dc-2 (587 KiB sent), ");
        ensure!(copied.code == 0 && copied.stdout.starts_with(&expected), "{copied:?}");
        ensure!(copied.stderr.contains("dc-1         Done"), "{copied:?}");
        ensure!(has(&bed.one, REPOSITORY, &image).await? && has(&bed.two, "mirror/demo/shop", &image).await?);
        let listed = user.json(&["operation", "list"]).await?;
        let operation = &listed["items"][0];
        assert_eq!((&operation["kind"], &operation["reason"]), (&"CopyImage".into(), &"sale".into()));
        let id = operation["id"].as_str().context("no id")?;
        let shown = user.ok(&["operation", "get", id]).await?;
        ensure!(shown.contains("CopyImage") && shown.contains("mirror/demo/shop"), "{shown}");
        let events = user.events(&format!("/v1/operations/{id}/watch")).await?;
        assert_eq!(events.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["operation", "end"]);
        let paused = user.run(&["operation", "pause", id]).await?;
        ensure!(paused.code == 7, "{paused:?}");
        bed.world.end().await
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn twenty_tags_are_brought_once_and_what_breaks_later_is_found() -> Result<()> {
        let mut bed = Bed::new().await?;
        let mut last = None;
        for tag in 0..20 {
            last = Some(push(&bed.qa, &format!("1.{tag:02}")).await?);
        }
        let repository = format!("{}/{REPOSITORY}", bed.qa.host());
        let user = bed.world.user().clone();
        let synced = user.json(&["image", "sync", &repository, "--wait"]).await?;
        let first = targets(&synced);
        ensure!(first[0].starts_with("dc-1 Done") && first[0].ends_with(" 0/20/0"), "{synced}");
        ensure!(!first[0].contains(" 0 0/20/0"), "{synced}");
        let again = user.json(&["image", "sync", &repository, "--wait"]).await?;
        assert_eq!(targets(&again), ["dc-1 Done 0 20/0/0", "dc-2 Done 0 20/0/0"]);

        let image = last.context("no image")?;
        let body: Value = serde_json::from_slice(image.bytes())?;
        let layer = body["layers"][0]["digest"].as_str().context("no layer")?.parse::<Digest>()?;
        // It remembers what it had otherwise.
        bed.two.stop().await?;
        lose(&bed.two, &layer)?;
        bed.two.start_again().await?;
        let verified = user.run(&["image", "verify", &repository, "--wait"]).await?;
        ensure!(verified.code == 1, "{verified:?}");
        let why = format!("dc-2: 1.19: 1 part of it is not there ({layer})");
        ensure!(verified.stderr.contains(&why), "{verified:?}");
        // A copy mends it.
        let copied = user.json(&["image", "copy", &format!("{repository}:1.19"), "--wait"]).await?;
        ensure!(targets(&copied)[0] == "dc-1 Done 0", "{copied}");
        let verified = user.json(&["image", "verify", &repository, "--at", "dc-2", "--wait"]).await?;
        assert_eq!(targets(&verified), ["dc-2 Done 0 20/0/0"]);
        bed.world.end().await
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_server_that_is_killed_in_the_middle_of_a_copy_goes_on_with_it() -> Result<()> {
        let mut bed = Bed::new().await?;
        let image = push(&bed.qa, "1.4").await?;
        let begun = ["image", "copy", &bed.named("1.4"), "--rate", "60k", "-o", "name"];
        let id = bed.world.user().ok(&begun).await?;
        let path = format!("/v1/operations/{}", id.trim());
        eventually("it is in the middle", async || {
            let operation = bed.world.user().get(&path).await?;
            let moved = operation["targets"][0]["progress"]["doneBytes"].as_u64().unwrap_or_default();
            Ok(if moved > 0 { Ok(()) } else { Err(operation.to_string()) })
        })
        .await?;
        bed.world.kill_server().await?;
        ensure!(!has(&bed.one, REPOSITORY, &image).await?, "it was killed too late");
        bed.start_server().await?;
        let ended = bed.world.user().json(&["operation", "wait", id.trim(), "--timeout", "2m"]).await?;
        assert_eq!((&ended["state"], &ended["id"]), (&"Succeeded".into(), &id.trim().into()));
        ensure!(has(&bed.one, REPOSITORY, &image).await? && has(&bed.two, "mirror/demo/shop", &image).await?);
        bed.world.end().await
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_abort_ends_a_copy_at_once_and_a_registry_that_is_down_is_named() -> Result<()> {
        let mut bed = Bed::new().await?;
        let image = push(&bed.qa, "1.4").await?;
        let named = bed.named("1.4");
        let user = bed.world.user().clone();
        let id = user.ok(&["image", "copy", &named, "--rate", "1k", "-o", "name"]).await?;
        let aborted = user.json(&["operation", "abort", id.trim()]).await?;
        assert_eq!(aborted["operation"]["state"], "Aborted");
        ensure!(!has(&bed.one, REPOSITORY, &image).await?);
        bed.one.stop().await?;
        let copied = user.run(&["image", "copy", &named, "--wait", "--timeout", "2m"]).await?;
        ensure!(copied.code == 1, "{copied:?}");
        let why = format!("dc-1: the registry {} does not answer", bed.one.host());
        ensure!(copied.stderr.contains(&why), "{copied:?}");
        ensure!(has(&bed.two, "mirror/demo/shop", &image).await?, "the other has it");
        tokio::time::timeout(Duration::from_secs(30), bed.world.end()).await?
    }
}
