use std::collections::BTreeSet;

use plimsoll_bench::{Line, RegistryOptions, Storage};
use plimsoll_registry::{Cause, Completeness};

use crate::mk::{LINES, mk_bytes, mk_repository, mk_server, mk_server_with, push_image};

/// Repositories as a registry has them on its disk: made there, since pushing a thousand takes minutes.
fn fill(storage: &std::path::Path, from: &str, count: usize) -> Vec<String> {
    let mut names: Vec<String> = (0..count).map(|at| format!("team-{:02}/app{at}", at % 37)).collect();
    names.extend(["a", "a-b", "a/b", "a.y", "a_x"].map(str::to_owned));
    let repositories = storage.join("docker/registry/v2/repositories");
    for name in &names {
        let folder = repositories.join(name);
        for part in ["_layers", "_manifests"] {
            copy(&repositories.join(from).join(part), &folder.join(part));
        }
    }
    names.push(from.to_owned());
    names.sort();
    names
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test]
async fn a_catalog_of_1258_repositories_is_complete() {
    for line in LINES {
        let options = RegistryOptions { catalog: Some(1000), ..RegistryOptions::default() };
        let (server, client) = mk_server_with(line, options).await;
        push_image(&client, &mk_repository("seed/one"), Some("1"), mk_bytes(1, 1000)).await;
        let names = fill(&server.storage(), "seed/one", 1252);
        let mut listing = client.repositories().unwrap();
        let (mut listed, mut pages) = (Vec::new(), 0);
        while let Some(page) = listing.next_page().await.unwrap() {
            listed.extend(page.items.into_iter().map(String::from));
            pages += 1;
        }
        assert_eq!(listing.completeness(), Completeness::Complete, "{line:?}");
        listed.sort();
        assert_eq!((listed.len(), listed == names, pages), (1258, true, 2), "{line:?}");
    }
}

#[tokio::test]
async fn a_registry_that_gives_seven_at_a_time_gives_all_in_the_end() {
    let options = RegistryOptions { catalog: Some(7), ..RegistryOptions::default() };
    let (server, client) = mk_server_with(Line::Distribution, options).await;
    push_image(&client, &mk_repository("seed/one"), Some("1"), mk_bytes(1, 1000)).await;
    let names = fill(&server.storage(), "seed/one", 100);
    let (listed, completeness) = client.repositories().unwrap().collect().await.unwrap();
    let mut listed: Vec<String> = listed.into_iter().map(String::from).collect();
    listed.sort();
    assert_eq!((listed, completeness), (names, Completeness::Complete));
}

#[tokio::test]
async fn tags_are_all_there_and_an_emptied_repository_has_none() {
    for line in LINES {
        let (_server, client) = mk_server(line).await;
        let repository = mk_repository("shop/web");
        let manifest = push_image(&client, &repository, Some("v0"), mk_bytes(1, 1000)).await;
        for at in 1..250 {
            client.put_manifest(&repository, &crate::mk::mk_tag(&format!("v{at}")), &manifest).await.unwrap();
        }
        let (tags, completeness) = client.tags(&repository).unwrap().collect().await.unwrap();
        assert_eq!((tags.len(), completeness), (250, Completeness::Complete), "{line:?}");
        client.delete_manifest(&repository, manifest.digest()).await.unwrap();
        let (tags, completeness) = client.tags(&repository).unwrap().collect().await.unwrap();
        assert_eq!((tags.len(), completeness), (0, Completeness::Complete), "{line:?}");
    }
}

/// On an object store, Distribution leaves out what comes before the end of a page by its own order and after it by the
/// store's.
#[tokio::test]
async fn what_distribution_leaves_out_on_an_object_store_is_found_or_told() {
    const NAMES: [&str; 12] = [
        "a",
        "a-b",
        "a/b",
        "a.y",
        "a_x",
        "ab",
        "other/one",
        "team/app",
        "team/app-x",
        "team/app/tools",
        "team/app/tools/x",
        "team/app2",
    ];
    for most in [1, 2, 3, 1000] {
        let options =
            RegistryOptions { catalog: Some(most), storage: Storage::Objects, ..Default::default() };
        let (_server, client) = mk_server_with(Line::Distribution, options).await;
        for name in NAMES {
            push_image(&client, &mk_repository(name), Some("1"), mk_bytes(1, 100)).await;
        }
        let (listed, _) = client.repositories().unwrap().collect().await.unwrap();
        let profile = client.probe().await.unwrap();
        let (all, completeness) = client.all_repositories(&profile).await.unwrap();
        let all: BTreeSet<&str> = all.iter().map(plimsoll_registry::Repository::as_str).collect();
        let lacking: Vec<&str> = NAMES.into_iter().filter(|name| !all.contains(name)).collect();
        eprintln!(
            "{most} a page: {} of {} listed, then without {lacking:?}, {completeness}",
            listed.len(),
            NAMES.len()
        );
        let Completeness::Incomplete(causes) = completeness else {
            assert_eq!((listed.len(), lacking), (NAMES.len(), Vec::new()), "{most} a page");
            continue;
        };
        for name in &lacking {
            let told = causes.iter().any(|cause| match cause {
                Cause::Hidden(hidden) => name == hidden || name.starts_with(&format!("{hidden}/")),
                _ => false,
            });
            assert!(told, "{most} a page: {name} is lost and nothing says so: {causes:?}");
        }
    }
}
