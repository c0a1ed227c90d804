//! `plimsoll dev`: a whole installation from nothing, to which kubectl speaks and which a restart brings back.

use crate::trouble::assert_trouble;
use anyhow::{Context, Result};
use plimsoll_bench::Binaries;
use plimsoll_tests::{Dev, Program, Said, eventually, holds_for};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// What it takes on a loaded machine, and unoptimized, says nothing of the 30 seconds that it is meant to take and gives
/// itself where nobody says `--timeout`: so these tests give it longer, and tell what it says that it took.
const PATIENCE: &str = "3m";

#[tokio::test(flavor = "multi_thread")]
async fn dev_ends_well_once_its_example_is_healthy() -> Result<()> {
    let home = tempfile::tempdir()?;
    let mut command = Dev::command(home.path())?;

    let said = Said::by(command.args(["--until-healthy", "--timeout", PATIENCE])).await?;

    assert_eq!(said.code, 0, "{said:?}");
    let last = said.stdout.lines().last().unwrap_or_default();
    let took = last
        .strip_prefix("demo/shop release 1 is live in dc-1, dc-2, dc-3: 9 pods ready, ")
        .and_then(|rest| rest.strip_suffix(" s after the start"))
        .with_context(|| format!("{said:?}"))?;
    eprintln!("it took {took} s");
    // The example has dc-1 soak for two seconds before the others begin: sooner, it would not have waited for it.
    assert!(took.parse::<f64>()? > 2.0, "{said:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_that_is_not_healthy_in_time_says_why() -> Result<()> {
    let home = tempfile::tempdir()?;
    let mut command = Dev::command(home.path())?;

    let said = Said::by(command.args(["--until-healthy", "--timeout", "1s"])).await?;

    assert_eq!(said.code, 1, "{said:?}");
    let last = said.stderr.lines().last().unwrap_or_default();
    let why = last
        .strip_prefix("error: demo/shop was not healthy everywhere within 1 s: ")
        .and_then(|rest| rest.strip_suffix("; give more time with --timeout"));
    // How far it came in that time is up to the machine.
    assert!(why.is_some_and(|why| !why.is_empty()), "{said:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_without_a_folder_leaves_nothing_behind() -> Result<()> {
    let (home, temporary) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let dev = Dev::start_without_folder(home.path(), temporary.path()).await?;
    assert!(dev.run(&["get", "shop", "-n", "demo"]).await?.ok()?.contains("Healthy"));
    let made = entries(temporary.path())?;
    assert!(matches!(made.as_slice(), [folder] if folder.starts_with("plimsoll-dev-")), "{made:?}");
    dev.stop().await?;
    assert_eq!(entries(temporary.path())?, Vec::<String>::new());

    let mut command = Dev::command_without_folder(home.path(), temporary.path())?;
    let said = Said::by(command.args(["--until-healthy", "--timeout", PATIENCE])).await?;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(entries(temporary.path())?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_without_a_folder_that_fails_says_where_its_log_is_left() -> Result<()> {
    let (home, temporary) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let mut command = Dev::command_without_folder(home.path(), temporary.path())?;

    let said = Said::by(command.args(["--until-healthy", "--timeout", "1s"])).await?;

    assert_eq!(said.code, 1, "{said:?}");
    let left = entries(temporary.path())?;
    let [folder] = left.as_slice() else { anyhow::bail!("{left:?}") };
    let folder = temporary.path().join(folder);
    let told = format!("everything that was made is left in {};", folder.display());
    assert!(said.stderr.contains(&told), "{said:?}");
    assert_ne!(std::fs::read_to_string(folder.join("plimsoll.log"))?, "");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_does_not_wait_for_what_time_does_not_mend() -> Result<()> {
    let until_healthy = async |home: &Path| {
        let mut command = Dev::command(home)?;
        Said::by(command.args(["--until-healthy", "--timeout", PATIENCE])).await
    };
    let last = |said: &Said| said.stderr.lines().last().unwrap_or_default().to_owned();

    // A release that a person has to decide about.
    let home = tempfile::tempdir()?;
    let dev = Dev::start(home.path()).await?;
    let broken = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/shop-broken.yaml");
    let held = std::fs::read_to_string(broken)?.replace("onFailure: Rollback", "onFailure: Hold");
    std::fs::write(home.path().join("held.yaml"), held)?;
    let said = dev.run(&["apply", "-f", "held.yaml", "--wait"]).await?;
    assert_eq!(said.code, 1, "{said:?}");
    dev.stop().await?;
    let said = until_healthy(home.path()).await?;
    let begin = "error: demo/shop waits for a decision, and not for time: release 2 is held: ";
    assert!(said.code == 1 && last(&said).starts_with(begin), "{said:?}");

    // Another cluster under the name of one. Where a release is held too, which of the two is told is up to the machine.
    let home = tempfile::tempdir()?;
    let said = until_healthy(home.path()).await?;
    assert_eq!(said.code, 0, "{said:?}");
    std::fs::remove_dir_all(home.path().join("data/simulated/dc-1"))?;
    let said = until_healthy(home.path()).await?;
    let begin = "error: demo/shop waits for a decision, and not for time: dc-1 is held until an operator decides: another cluster \
                 answers for it";
    assert!(said.code == 1 && last(&said).starts_with(begin), "{said:?}");
    Ok(())
}

#[tokio::test]
async fn dev_leaves_a_corrupt_ledger_and_its_folder_as_they_are() -> Result<()> {
    let home = tempfile::tempdir()?;
    let data = home.path().join("data");
    std::fs::create_dir(&data)?;
    std::fs::write(data.join("ledger.redb"), "these are the accounts of the shop\n")?;

    let said = Said::by(&mut Dev::command(home.path())?).await?;

    assert_trouble("dev_ledger_is_something_else", home.path(), &said);
    assert_eq!(entries(&data)?, ["ledger.redb", "lock"]);
    assert_eq!(std::fs::read_to_string(data.join("ledger.redb"))?, "these are the accounts of the shop\n");
    Ok(())
}

fn entries(folder: &std::path::Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

#[tokio::test(flavor = "multi_thread")]
async fn client_verbs_find_dev_by_themselves_and_kubectl_works_on_its_data_centers() -> Result<()> {
    let home = tempfile::tempdir()?;
    let dev = Dev::start(home.path()).await?;

    let app: Value =
        serde_json::from_str(&dev.run(&["get", "shop", "-n", "demo", "-o", "json"]).await?.ok()?)?;
    assert_eq!(app["health"], "Healthy");

    let all = dev.kubectl("dc-1", &["get", "apps.dc.plimsoll.io,deploy,pods", "-A", "-o", "name"]).await?;
    let kinds: Vec<_> = all.lines().filter_map(|line| line.split_once('/')).map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["app.dc.plimsoll.io", "deployment.apps", "pod", "pod", "pod"]);
    let described = dev.kubectl("dc-1", &["describe", "deploy", "shop", "-n", "demo"]).await?;
    assert!(
        described.contains("3 desired | 3 updated | 3 total | 3 available | 0 unavailable"),
        "{described}"
    );
    dev.kubectl("dc-1", &["describe", "pods", "-n", "demo"]).await?;
    dev.kubectl("dc-1", &["describe", "apps.dc.plimsoll.io", "shop", "-n", "demo"]).await?;
    let log = dev.kubectl("dc-1", &["logs", "deploy/shop", "-n", "demo", "-c", "app"]).await?;
    assert_ne!(log, "");

    let secret = ["get", "secret", "shop-database", "-n", "demo", "-o", "jsonpath={.data}"];
    assert!(dev.kubectl("dc-3", &secret).await?.contains("password"), "the example's secret is there");

    let file = home.path().join("guest.yaml");
    std::fs::write(&file, GUEST)?;
    let file = file.to_string_lossy();
    assert_eq!(dev.kubectl("dc-2", &["apply", "-f", &file]).await?, "deployment.apps/guest created\n");
    assert_eq!(dev.kubectl("dc-2", &["apply", "-f", &file]).await?, "deployment.apps/guest unchanged\n");
    dev.kubectl("dc-2", &["rollout", "status", "deploy/guest", "--timeout=30s"]).await?;
    assert_eq!(
        dev.kubectl("dc-2", &["scale", "deploy/guest", "--replicas=2"]).await?,
        "deployment.apps/guest scaled\n"
    );
    dev.kubectl("dc-2", &["rollout", "status", "deploy/guest", "--timeout=30s"]).await?;
    let ready = ["get", "deploy", "guest", "-o", "jsonpath={.status.readyReplicas}"];
    assert_eq!(dev.kubectl("dc-2", &ready).await?, "2");
    assert_eq!(
        dev.kubectl("dc-2", &["delete", "deploy", "guest"]).await?,
        "deployment.apps \"guest\" deleted from default namespace\n"
    );
    eventually("the guest's pods are gone", async || {
        let pods = dev.kubectl("dc-2", &["get", "pods", "-o", "name"]).await?;
        Ok(if pods.is_empty() { Ok(()) } else { Err(pods) })
    })
    .await?;

    // A hand edit of what is ours does not stay.
    dev.kubectl("dc-3", &["scale", "deploy/shop", "-n", "demo", "--replicas=1"]).await?;
    eventually("the shop has three replicas again", async || {
        let replicas = ["get", "deploy", "shop", "-n", "demo", "-o", "jsonpath={.spec.replicas}"];
        let replicas = dev.kubectl("dc-3", &replicas).await?;
        Ok(if replicas == "3" { Ok(()) } else { Err(replicas) })
    })
    .await?;
    dev.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broken_example_fails_in_dev_and_goes_back_by_itself() -> Result<()> {
    let home = tempfile::tempdir()?;
    let dev = Dev::start(home.path()).await?;
    let broken = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/shop-broken.yaml");

    let said = dev.run(&["apply", "-f", broken, "--wait"]).await?;

    assert_eq!(said.code, 1, "{said:?}");
    let why = "the main container ends by itself: exit code 1 (Error)";
    assert!(said.stderr.contains("dc-1: Failed") && said.stderr.contains(why), "{said:?}");
    eventually("the release before is live again", async || {
        let app = dev.run(&["get", "shop", "-n", "demo", "-o", "json"]).await?.ok()?;
        let healthy = serde_json::from_str::<Value>(&app)?["health"] == "Healthy";
        Ok(if healthy && app.contains("60303ae22b99") { Ok(()) } else { Err(app) })
    })
    .await?;
    // The other data centers never saw it.
    let events = ["get", "events", "-n", "demo", "-o", "jsonpath={.items[*].message}"];
    for (dc, saw) in [("dc-1", true), ("dc-2", false)] {
        assert_eq!(dev.kubectl(dc, &events).await?.contains("deadbeef"), saw, "{dc}");
    }
    dev.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_started_again_on_its_folder_says_what_it_said_before() -> Result<()> {
    let home = tempfile::tempdir()?;
    let dev = Dev::start(home.path()).await?;
    let before = at_rest(&dev).await?;
    dev.stop().await?;

    let dev = Dev::start(home.path()).await?;
    holds_for(Duration::from_secs(3), async || {
        assert_eq!(everything(&dev).await?, before);
        Ok(())
    })
    .await?;
    // Killed, it had no time to write anything down.
    dev.kill().await?;

    let dev = Dev::start(home.path()).await?;
    assert_eq!(everything(&dev).await?, before);
    let history: Value =
        serde_json::from_str(&dev.run(&["history", "shop", "-n", "demo", "-o", "json"]).await?.ok()?)?;
    assert_eq!(history["items"].as_array().map(Vec::len), Some(1), "{history}");
    dev.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_dev_on_the_same_folder_is_told_the_pid_of_the_first() -> Result<()> {
    let home = tempfile::tempdir()?;
    let dev = Dev::start(home.path()).await?;

    let said = Said::by(&mut Dev::command(home.path())?).await?;

    assert_trouble("dev_folder_in_use", home.path(), &said);
    let address = dev.url().trim_start_matches("http://");
    let said = Program::run(home.path(), &["dev", "--listen", address, "--data", "other"]).await?;
    assert_trouble("dev_port_in_use", home.path(), &said);
    assert!(!home.path().join("other").exists(), "a folder was made for nothing");
    assert!(dev.run(&["get", "shop", "-n", "demo"]).await?.code == 0, "the first is not disturbed");
    dev.stop().await
}

/// What `kubectl get -A -o yaml` says of everything in the data centers, elections aside, once it is at rest.
async fn at_rest(dev: &Dev) -> Result<String> {
    eventually("nothing changes any more", async || {
        let before = everything(dev).await?;
        let quiet = holds_for(Duration::from_secs(3), async || {
            let now = everything(dev).await?;
            anyhow::ensure!(now == before, "{}", first_difference(&before, &now));
            Ok(())
        });
        Ok(quiet.await.map(|()| before.clone()).map_err(|error| format!("{error:#}")))
    })
    .await
}

fn first_difference(before: &str, now: &str) -> String {
    let changed = before.lines().zip(now.lines()).find(|(before, now)| before != now);
    changed.map_or_else(|| "one is longer".to_owned(), |(before, now)| format!("{before} became {now}"))
}

async fn everything(dev: &Dev) -> Result<String> {
    let mut all = String::new();
    for dc in ["dc-1", "dc-2", "dc-3"] {
        let resources = dev.kubectl(dc, &["api-resources", "--verbs=list", "-o", "name"]).await?;
        let names: Vec<_> = resources.lines().filter(|name| !name.starts_with("leases.")).collect();
        assert!(names.contains(&"apps.dc.plimsoll.io") && names.contains(&"pods"), "{names:?}");
        let said = dev.kubectl(dc, &["get", &names.join(","), "-A", "-o", "yaml"]).await;
        all += &said.with_context(|| format!("everything in {dc}"))?;
    }
    Ok(all)
}

/// Somebody else's Deployment.
const GUEST: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: guest}
spec:
  replicas: 1
  selector: {matchLabels: {app: guest}}
  template:
    metadata: {labels: {app: guest}}
    spec:
      containers: [{name: main, image: registry.example.com/guest:1}]
";

#[tokio::test(flavor = "multi_thread")]
async fn dev_with_registries_copies_what_it_publishes_to_each_data_center() -> Result<()> {
    let home = tempfile::tempdir()?;
    let program = Binaries::tool("registry")?;
    let dev = Dev::start_with_registries(home.path(), &program).await?;
    let address =
        |name: &str| std::fs::read_to_string(home.path().join(format!("data/registries/{name}/address")));
    let pulled = async |dev: &Dev| {
        let mut images = Vec::new();
        for dc in ["dc-1", "dc-2", "dc-3"] {
            let template = "jsonpath={.spec.template.spec.containers[0].image}";
            images.push(dev.kubectl(dc, &["get", "deployment", "shop", "-n", "demo", "-o", template]).await?);
        }
        anyhow::Ok(images)
    };
    let first = pulled(&dev).await?;
    let (_, digest) = first[0].split_once('@').context("no digest")?;
    let expected = |digest: &str| {
        let named = |name| anyhow::Ok(format!("{}/demo/shop@{digest}", address(name)?));
        ["dc-1", "dc-2", "dc-3"].into_iter().map(named).collect::<Result<Vec<_>>>()
    };
    assert_eq!(first, expected(digest)?);

    // As it says how to go on.
    let said = dev.said()?;
    let upgrade =
        said.lines().find(|line| line.contains("| sed ")).context("it says nothing of an upgrade")?;
    let said = Said::by(&mut Program::shell(home.path(), upgrade)?).await?;
    assert_eq!(said.code, 0, "{said:?}");
    let second = pulled(&dev).await?;
    let (_, digest) = second[0].split_once('@').context("no digest")?;
    assert_ne!(second, first);
    assert_eq!(second, expected(digest)?);
    let repository = format!(
        "data/registries/dc-3/storage/docker/registry/v2/repositories/demo/shop/_manifests/revisions/sha256/{}",
        digest.trim_start_matches("sha256:")
    );
    assert!(home.path().join(repository).is_dir());
    let before = address("qa")?;
    dev.stop().await?;

    // What its Releases came from is where it was.
    let dev = Dev::start_with_registries(home.path(), &program).await?;
    assert_eq!(address("qa")?, before);
    assert_eq!(pulled(&dev).await?, second);
    let said = dev.run(&["rollback", "shop", "-n", "demo", "--wait"]).await?;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(pulled(&dev).await?, first);
    dev.stop().await
}

#[tokio::test]
async fn dev_that_cannot_have_its_registries_says_what_to_do() -> Result<()> {
    let home = tempfile::tempdir()?;
    let mut command = Dev::command(home.path())?;
    let said = Said::by(command.arg("--registries").env("PATH", "").env_remove("GOBIN").env_remove("GOPATH"))
        .await?;
    assert_trouble("dev_registry_is_not_there", home.path(), &said);

    let mut command = Dev::command(home.path())?;
    let said = Said::by(command.arg("--registries=/bin/false")).await?;
    assert_trouble("dev_registry_does_not_start", home.path(), &said);
    Ok(())
}
