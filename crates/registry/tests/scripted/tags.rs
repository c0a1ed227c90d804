use plimsoll_registry::{Copier, Kind, Manifest, Moves, Reference};
use plimsoll_scripted_registry::Habits;

use crate::copies::{digest, mk_fleet, mk_image, mk_target};
use crate::mk::{MANIFEST, mk_bytes, mk_client, mk_registry, mk_repository, mk_tag};

#[tokio::test]
async fn of_copies_that_want_one_tag_at_the_same_time_one_gets_it() {
    let fleet = mk_fleet(1, Habits::default()).await;
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let copiers = folders.each_ref().map(|folder| Copier::new(folder.path()).unwrap());
    for round in 0..20 {
        let roots =
            [0, 1].map(|at| digest(&mk_image(&fleet.source, None, &[mk_bytes(1000 + 2 * round + at)])));
        let tag = format!("v{round}");
        let copy = async |at: usize| {
            let target = vec![mk_target(&fleet.targets[0].1, &tag)];
            let plan = copiers[at].plan(&fleet.place, &roots[at], target).await.unwrap();
            copiers[at].run(&plan, &|_| {}).await.remove(0).map_err(|error| error.kind())
        };
        let results = tokio::join!(copy(0), copy(1));
        let winner = match results {
            (Ok(_), Err(Kind::Forbidden)) => &roots[0],
            (Err(Kind::Forbidden), Ok(_)) => &roots[1],
            other => panic!("{other:?}"),
        };
        assert_eq!(fleet.targets[0].0.tag("prod/web", &tag), Some(winner.to_string()));
    }
}

#[tokio::test]
async fn a_registry_whose_tags_are_fixed_gets_none_moved_by_anything_of_ours() {
    let (server, _) = mk_registry(Habits::default()).await;
    let client = mk_client(&server, |access| access.tags(Moves::Never));
    let repository = mk_repository("prod/web");
    let [old, new] = ["{}", "{ }"].map(|body| Manifest::new(body, MANIFEST.into()));
    client.put_manifest(&repository, &mk_tag("1.4"), &old).await.unwrap();
    client.put_manifest(&repository, &mk_tag("1.4"), &old).await.unwrap();
    let tag = "1.4".parse().unwrap();
    for error in [
        client.put_manifest(&repository, &mk_tag("1.4"), &new).await.unwrap_err(),
        client.put_tag(&repository, &tag, &new, Moves::Freely).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), Kind::Forbidden, "{error}");
    }
    assert_eq!(server.tag("prod/web", "1.4"), Some(old.digest().to_string()));
    // What has no tag, another tag and the lists of referrers, which grow, go on.
    client.put_manifest(&repository, &Reference::Digest(new.digest().clone()), &new).await.unwrap();
    client.put_manifest(&repository, &mk_tag("1.5"), &new).await.unwrap();
    let list = mk_tag(&format!("sha256-{}", old.digest().digest()));
    for manifest in [&old, &new] {
        client.put_manifest(&repository, &list, manifest).await.unwrap();
    }
}
