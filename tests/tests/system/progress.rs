//! What a person sees who publishes and waits: a line per data center as it goes, and one sentence at the end.

use crate::ground::on_both_grounds;

on_both_grounds!(a_publish_is_shown_per_data_center_and_ends_with_one_sentence: Shared);

mod scenario {
    use anyhow::Result;
    use plimsoll_tests::World;

    pub(super) async fn a_publish_is_shown_per_data_center_and_ends_with_one_sentence(
        world: World,
    ) -> Result<()> {
        let shop = world.shop().write(world.folder())?;

        let said = world.user().run(&["apply", "-f", &shop.to_string_lossy(), "--wait"]).await?;

        assert_eq!(said.code, 0, "{said:?}");
        for dc in ["dc-1", "dc-2", "dc-3"] {
            let lines: Vec<_> = said.stderr.lines().filter(|line| line.starts_with(dc)).collect();
            let last = lines.last().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
            assert_eq!(last, Some(format!("{dc} Healthy 3/3 updated, 3/3 ready")), "{said:?}");
        }
        let (sentence, seconds) = said.stdout.trim_end().rsplit_once(", ").unwrap_or_default();
        assert_eq!(sentence, "shop release 1 is live in dc-1, dc-2, dc-3 (9 of 9 pods ready)");
        let seconds: Option<f64> = seconds.strip_suffix(" s").and_then(|seconds| seconds.parse().ok());
        assert!(seconds.is_some_and(|seconds| seconds > 0.0), "{said:?}");
        world.end().await
    }
}
