//! What `kubectl` shows of an App: the same on a simulated and on a real data center, held against one snapshot.

use crate::ground::on_both_grounds;

on_both_grounds!(kubectl_shows_the_same_of_an_app: Shared);

mod scenario {
    use anyhow::Result;
    use plimsoll_tests::World;

    pub(super) async fn kubectl_shows_the_same_of_an_app(world: World) -> Result<()> {
        world.user().apply_and_wait(&world.shop()).await?;
        let [dc, ..] = world.dcs() else { anyhow::bail!("three data centers") };

        let namespace = ["-n", world.namespace()];
        let table = dc
            .kubectl(&[&["get", "apps.dc.plimsoll.io,deploy,pods,svc,pdb"], &namespace[..]].concat())
            .await?;
        let pods = [
            "get",
            "pods",
            "-o",
            "custom-columns=PHASE:.status.phase,QOS:.status.qosClass,PRIORITY:.spec.priorityClassName",
        ];
        let classes = dc.kubectl(&[&pods, &namespace[..]].concat()).await?;

        let mut settings = insta::Settings::clone_current();
        for (pattern, shown) in [
            // A 32-bit number in decimal, letter by letter: one to ten of them.
            (r"shop-[0-9a-z]{1,10}-[0-9a-z]{5}", "shop-[set]-[pod]"),
            (r"10\.\d+\.\d+\.\d+", "[address]"),
            (r"\b(\d+[smh])+\b", "[age]"),
            (r" +", " "),
            (r" +\n", "\n"),
        ] {
            settings.add_filter(pattern, shown);
        }
        let all = format!("{table}\n{classes}");
        settings.bind(|| {
            insta::assert_snapshot!("kubectl_shows_the_same_of_an_app", all);
        });
        world.end().await
    }
}
