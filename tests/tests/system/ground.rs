//! The two kinds of ground that a scenario runs on.

/// Makes two tests of a scenario, `NAME::simulated` and `NAME::real`.
macro_rules! on_both_grounds {
    ($($name:ident: $claim:ident),+ $(,)?) => {$(
        mod $name {
            use plimsoll_tests::{Claim, Ground, World};

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn simulated() -> anyhow::Result<()> {
                super::scenario::$name(World::new(Ground::Simulated, Claim::$claim).await?).await
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn real() -> anyhow::Result<()> {
                super::scenario::$name(World::new(Ground::Real, Claim::$claim).await?).await
            }
        }
    )+};
}

pub(crate) use on_both_grounds;
