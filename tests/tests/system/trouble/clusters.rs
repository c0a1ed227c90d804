//! Data centers that cannot be used: the certificate, the token, the address, the file is wrong.

use crate::ground::on_both_grounds;

on_both_grounds!(
    a_data_center_that_cannot_be_used_is_not_added: Shared,
    a_data_center_whose_credentials_no_longer_hold_is_owed_and_says_why: Shared,
);

/// Apart, since on real ground it takes a control plane of its own; there, a publish meets a frozen one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_center_that_does_not_answer_is_not_added() -> anyhow::Result<()> {
    use plimsoll_tests::{Claim, Ground, World};
    let world = World::new(Ground::Simulated, Claim::Own).await?;
    let [dc, ..] = world.dcs() else { anyhow::bail!("three data centers") };
    dc.freeze().await?;
    let kubeconfig = dc.kubeconfig().to_string_lossy().into_owned();

    let said = world.user().run(&["dc", "add", "dc-4", "--kubeconfig", &kubeconfig]).await?;

    super::assert_trouble("data_center_frozen", world.folder(), &said);
    dc.thaw().await?;
    world.end().await
}

/// On real ground alone: a simulated API server knows tokens that never end, and no certificates of clients.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_center_whose_credentials_have_expired_is_not_added_and_says_when() -> anyhow::Result<()> {
    use plimsoll_bench::{Bench, Credential};
    use plimsoll_tests::{Claim, Ground, World};
    use std::time::{Duration, SystemTime};
    let world = World::new(Ground::Real, Claim::Shared).await?;
    let bench = Bench::shared()?;
    let added_with = async |credential, end| {
        let kubeconfig = bench.dc(1).kubeconfig_until(credential, end).await?;
        std::fs::write(world.folder().join("dc-4.yaml"), kubeconfig)?;
        world.user().run(&["dc", "add", "dc-4", "--kubeconfig", "dc-4.yaml"]).await
    };
    let now = SystemTime::now();
    let hour = Duration::from_hours(1);

    for (name, credential, accepted) in [
        ("expired_token", Credential::Token, "its user may not do what it takes there"),
        ("expired_certificate", Credential::Certificate, "this cluster is known as dc-1 already"),
    ] {
        // What is refused an hour after its end is accepted an hour before: nothing else is wrong with it.
        let said = added_with(credential, now + hour).await?;
        assert!(said.stderr.contains(accepted), "{said:?}");
        let said = added_with(credential, now - hour).await?;
        super::assert_trouble(&format!("data_center_{name}"), world.folder(), &said);
    }
    world.end().await
}

mod scenario {
    use crate::trouble::assert_trouble;
    use anyhow::{Context, Result};
    use plimsoll_tests::{Said, World, eventually};
    use serde_json::Value;
    use std::path::Path;

    pub(super) async fn a_data_center_that_cannot_be_used_is_not_added(world: World) -> Result<()> {
        let [one, other, _] = world.dcs() else { anyhow::bail!("three data centers") };
        let good = read(one.kubeconfig())?;
        let closed = changed(&good, SERVER, "https://127.0.0.1:1".into())?;
        let no_context = changed(&good, "/current-context", "nowhere".into())?;

        for (name, text) in [
            (
                "wrong_certificate",
                serde_saphyr::to_string(&wrong_certificate(one.kubeconfig(), other.kubeconfig())?)?,
            ),
            ("wrong_token", serde_saphyr::to_string(&wrong_token(&good)?)?),
            ("refused", serde_saphyr::to_string(&closed)?),
            ("no_context", serde_saphyr::to_string(&no_context)?),
            ("no_kubeconfig", "shop: yes\n".to_owned()),
        ] {
            std::fs::write(world.folder().join("dc-4.yaml"), text)?;
            let said = world.user().run(&["dc", "add", "dc-4", "--kubeconfig", "dc-4.yaml"]).await?;
            assert_trouble(&format!("data_center_{name}"), world.folder(), &said);
        }
        let said = world.user().run(&["dc", "add", "dc-4", "--kubeconfig", "absent.yaml"]).await?;
        assert_trouble("data_center_absent_file", world.folder(), &said);
        std::fs::write(world.folder().join("dc-4.yaml"), serde_saphyr::to_string(&good)?)?;
        let said = world.user().run(&["dc", "add", "dc-4", "--kubeconfig", "dc-4.yaml"]).await?;
        assert_trouble("data_center_added_twice", world.folder(), &said);

        let names = world.user().ok(&["dc", "list", "-o", "name"]).await?;
        assert_eq!(names, "dc-1\ndc-2\ndc-3\n", "nothing was added");
        world.end().await
    }

    pub(super) async fn a_data_center_whose_credentials_no_longer_hold_is_owed_and_says_why(
        mut world: World,
    ) -> Result<()> {
        world.user().apply_and_wait(&world.shop()).await?;
        let [one, two, three] = world.dcs() else { anyhow::bail!("three data centers") };
        let strange = wrong_certificate(two.kubeconfig(), one.kubeconfig())?;
        let withdrawn = wrong_token(&read(three.kubeconfig())?)?;
        let kept = ["dc-2", "dc-3"].map(|name| world.folder().join(format!("data/kubeconfig/{name}.yaml")));
        let before = [std::fs::read(&kept[0])?, std::fs::read(&kept[1])?];
        world.kill_server().await?;
        std::fs::write(&kept[0], serde_saphyr::to_string(&strange)?)?;
        std::fs::write(&kept[1], serde_saphyr::to_string(&withdrawn)?)?;
        world.start_server().await?;

        let operation = world.user().apply_and_wait(&world.shop().version(2)).await?;

        assert_eq!(operation["state"], "SucceededOwing");
        let dcs = world.user().get("/v1/datacenters").await?;
        let told = |dc: usize| {
            format!("{}: {}", dcs["items"][dc]["reach"]["state"], dcs["items"][dc]["reach"]["message"])
        };
        for (dc, name) in [(1, "wrong_certificate"), (2, "wrong_token")] {
            let said = Said { code: 0, stdout: String::new(), stderr: told(dc) };
            assert_trouble(&format!("data_center_later_{name}"), world.folder(), &said);
        }

        world.kill_server().await?;
        std::fs::write(&kept[0], &before[0])?;
        std::fs::write(&kept[1], &before[1])?;
        world.start_server().await?;
        let path = format!("/v1/operations/{}", operation["id"].as_str().context("no id")?);
        eventually("nobody is owed", async || {
            let operation = world.user().get(&path).await?;
            Ok(if operation["state"] == "Succeeded" { Ok(()) } else { Err(operation.to_string()) })
        })
        .await?;
        world.end().await
    }

    const SERVER: &str = "/clusters/0/cluster/server";

    fn read(kubeconfig: &Path) -> Result<Value> {
        Ok(serde_saphyr::from_str(&std::fs::read_to_string(kubeconfig)?)?)
    }

    fn changed(kubeconfig: &Value, place: &str, value: Value) -> Result<Value> {
        let mut changed = kubeconfig.clone();
        *changed.pointer_mut(place).with_context(|| format!("no {place}"))? = value;
        Ok(changed)
    }

    /// The address of one, the authority of the other.
    fn wrong_certificate(one: &Path, other: &Path) -> Result<Value> {
        let server = read(one)?.pointer(SERVER).context("no server")?.clone();
        let token = read(one)?.pointer("/users/0/user/token").context("no token")?.clone();
        changed(&changed(&read(other)?, SERVER, server)?, "/users/0/user/token", token)
    }

    fn wrong_token(kubeconfig: &Value) -> Result<Value> {
        changed(kubeconfig, "/users/0/user/token", "withdrawn".into())
    }
}
