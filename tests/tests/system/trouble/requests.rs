//! Requests that name what is not there, or come from who may not.

use super::assert_trouble;
use anyhow::Result;
use plimsoll_tests::{Claim, Document, Ground, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_for_what_is_not_there_is_refused_in_one_line() -> Result<()> {
    let world = World::new(Ground::Simulated, Claim::Shared).await?;
    let shop = world.shop().write(world.folder())?;
    world.user().apply_and_wait(&world.shop()).await?;
    let nowhere = Document::new("nowhere", "stall").write(world.folder())?;
    let (shop, nowhere) = (shop.to_string_lossy(), nowhere.to_string_lossy());
    let no_operation = "01900000-0000-7000-8000-000000000001";
    let here = ["-n", world.namespace()];

    for (name, words) in [
        ("apply_into_an_unknown_namespace", vec!["apply", "-f", &nowhere]),
        ("get_in_an_unknown_namespace", vec!["get", "shop", "-n", "nowhere"]),
        ("list_of_an_unknown_namespace", vec!["list", "-n", "nowhere"]),
        ("get_of_an_unknown_app", vec!["get", "stall", here[0], here[1]]),
        ("rollback_of_an_unknown_app", vec!["rollback", "stall", here[0], here[1]]),
        ("history_of_an_unknown_app", vec!["history", "stall", here[0], here[1]]),
        ("delete_of_an_unknown_app", vec!["delete", "stall", "--yes", here[0], here[1]]),
        (
            "scale_in_an_unknown_data_center",
            vec!["scale", "shop", "--replicas", "4", "--dc", "dc-9", here[0], here[1]],
        ),
        (
            "placement_on_an_unknown_data_center",
            vec!["scale", "shop", "--placement", "dc-1,dc-9", here[0], here[1]],
        ),
        ("rollback_with_nothing_to_go_back_to", vec!["rollback", "shop", here[0], here[1]]),
        ("rollback_to_an_unknown_release", vec!["rollback", "shop", "--to", "9", here[0], here[1]]),
        ("unknown_operation", vec!["operation", "get", no_operation]),
        ("no_operation_id", vec!["operation", "get", "newest"]),
        ("app_name_that_is_none", vec!["get", "Shop", here[0], here[1]]),
        ("no_namespace", vec!["get", "shop"]),
        ("changed_since_it_was_seen", vec!["restart", "shop", "--if-match", "1", here[0], here[1]]),
        ("delete_without_being_asked", vec!["delete", "shop", here[0], here[1]]),
        ("namespace_that_is_kept", vec!["namespace", "create", "kube-system"]),
        ("installation_has_a_name", vec!["init", "--id", "other"]),
    ] {
        let said = world.user().run(&words).await?;
        assert_trouble(&format!("request_{name}"), world.folder(), &said);
        assert_eq!(said.stdout, "", "{name}");
    }

    let stranger = world.user().with_token("not-a-token-that-anybody-has");
    let said = stranger.run(&["apply", "-f", &shop]).await?;
    assert_trouble("request_unknown_token", world.folder(), &said);
    let said = world.user().with_token("").run(&["list"]).await?;
    assert_trouble("request_no_token", world.folder(), &said);
    assert_eq!(world.look_at_shop().await?["release"], 1, "nothing has changed");
    world.end().await
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_in_one_line() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let home = folder.path();

    let said = plimsoll_tests::Program::run(home, &["list"]).await?;
    assert_trouble("request_no_server_known", home, &said);

    let said = plimsoll_tests::Program::run(home, &["list", "--server", "http://127.0.0.1:1"]).await?;
    assert_trouble("request_server_refuses", home, &said);

    let said = plimsoll_tests::Program::run(home, &["list", "--server", "shop"]).await?;
    assert_trouble("request_server_that_is_no_address", home, &said);
    Ok(())
}
