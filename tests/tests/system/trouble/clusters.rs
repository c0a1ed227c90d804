//! Data centers that cannot be added: the certificate, the token, the address, the file is wrong.

use crate::ground::on_both_grounds;

on_both_grounds!(a_data_center_that_cannot_be_used_is_not_added: Shared);

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

mod scenario {
    use crate::trouble::assert_trouble;
    use anyhow::{Context, Result};
    use plimsoll_tests::World;
    use serde_json::Value;

    pub(super) async fn a_data_center_that_cannot_be_used_is_not_added(world: World) -> Result<()> {
        let [one, other, _] = world.dcs() else { anyhow::bail!("three data centers") };
        let good: Value = serde_saphyr::from_str(&std::fs::read_to_string(one.kubeconfig())?)?;
        let strange: Value = serde_saphyr::from_str(&std::fs::read_to_string(other.kubeconfig())?)?;
        let server = "/clusters/0/cluster/server";

        // The address of one, the authority of another.
        let mut wrong_certificate = strange.clone();
        *wrong_certificate.pointer_mut(server).context("no server")? =
            good.pointer(server).context("no server")?.clone();
        let mut wrong_token = good.clone();
        *wrong_token.pointer_mut("/users/0/user/token").context("no token")? = "expired".into();
        let mut closed = good.clone();
        *closed.pointer_mut(server).context("no server")? = "https://127.0.0.1:1".into();
        let mut no_context = good.clone();
        *no_context.pointer_mut("/current-context").context("no context")? = "nowhere".into();

        for (name, text) in [
            ("wrong_certificate", serde_saphyr::to_string(&wrong_certificate)?),
            ("wrong_token", serde_saphyr::to_string(&wrong_token)?),
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
}
