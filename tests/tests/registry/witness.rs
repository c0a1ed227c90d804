use std::path::Path;
use std::process::Stdio;

use plimsoll_bench::{Binaries, Line};
use plimsoll_registry::{Copier, Descriptor, Moves, Place, Reference, Target};
use serde_json::Value;

use crate::mk::{LINES, mk_bytes, mk_referrer, mk_repository, mk_server, mk_tag, push_image, push_index};

async fn skopeo(arguments: &[&str]) -> String {
    let output =
        tokio::process::Command::new("skopeo").args(arguments).stdin(Stdio::null()).output().await.unwrap();
    assert!(output.status.success(), "skopeo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The digest of what skopeo reads as raw bytes.
async fn seen_by_skopeo(name: &str, folder: &Path) -> String {
    let raw = skopeo(&["inspect", "--raw", "--tls-verify=false", &format!("docker://{name}")]).await;
    let file = folder.join("manifest");
    std::fs::write(&file, raw).unwrap();
    skopeo(&["manifest-digest", file.to_str().unwrap()]).await.trim().to_owned()
}

#[tokio::test]
async fn skopeo_reads_what_we_pushed_and_we_read_what_skopeo_pushed() {
    for line in LINES {
        let (server, client) = mk_server(line).await;
        let folder = tempfile::tempdir().unwrap();
        let (ours, theirs) = (mk_repository("ours/web"), mk_repository("theirs/web"));
        let image = push_image(&client, &ours, Some("1"), mk_bytes(1, 200_000)).await;
        let index = push_index(&client, &ours, Some("all"), &[&image]).await;
        let host = server.host();
        for (tag, expected) in [("1", &image), ("all", &index)] {
            let seen = seen_by_skopeo(&format!("{host}/ours/web:{tag}"), folder.path()).await;
            assert_eq!(seen, expected.digest().to_string(), "{line:?}");
            let (from, to) =
                (format!("docker://{host}/ours/web:{tag}"), format!("docker://{host}/theirs/web:{tag}"));
            skopeo(&[
                "copy",
                "--all",
                "--preserve-digests",
                "--src-tls-verify=false",
                "--dest-tls-verify=false",
                &from,
                &to,
            ])
            .await;
            let read = client.manifest(&theirs, &mk_tag(tag)).await.unwrap();
            assert_eq!(read.as_ref(), Some(expected), "{line:?}");
        }
        let by_digest = Reference::Digest(image.digest().clone());
        assert_eq!(client.manifest(&theirs, &by_digest).await.unwrap(), Some(image), "{line:?}");
    }
}

/// What a program says, which must succeed.
async fn said(program: &Path, arguments: &[&str], folder: &Path) -> String {
    let output = tokio::process::Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Python has none of our code, and none of Go's: what it reads over its own HTTP has the digests by its own hashes.
#[tokio::test]
async fn python_finds_a_copy_to_be_what_its_digests_say() {
    let (_source, client) = mk_server(Line::Docker).await;
    let repository = mk_repository("qa/web");
    let amd = push_image(&client, &repository, None, mk_bytes(1, 3_000_000)).await;
    let arm = push_image(&client, &repository, None, mk_bytes(2, 10)).await;
    let root = push_index(&client, &repository, Some("1.4"), &[&amd, &arm]).await;
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("witness.py");
    std::fs::write(&script, include_str!("witness.py")).unwrap();
    for line in LINES {
        let (server, target) = mk_server(line).await;
        let copier = Copier::new(folder.path().join(format!("{line:?}"))).unwrap();
        let source = Place { registry: client.clone(), repository: repository.clone() };
        let place = Place { registry: target, repository: mk_repository("prod/web") };
        let tag = Some("1.4".parse().unwrap());
        let target = Target { place, tag, moves: Moves::Never, mounts_from: Vec::new(), throttle: None };
        let plan = copier.plan(&source, root.digest(), vec![target]).await.unwrap();
        copier.run(&plan, &|_| {}).await.remove(0).unwrap();
        let arguments = [script.to_str().unwrap(), &server.host(), "prod/web", "1.4"];
        let seen = said(Path::new("python3"), &arguments, folder.path()).await;
        // The index, two manifests, and of each a configuration and a layer.
        let first = seen.lines().next().unwrap_or_default();
        assert_eq!((first, seen.lines().count()), (root.digest().as_ref(), 7), "{line:?}: {seen}");
    }
}

#[tokio::test]
async fn oras_finds_the_evidence_that_we_attached_and_copied_and_we_find_and_copy_what_oras_attached() {
    let oras = Binaries::tool("oras").unwrap();
    for line in LINES {
        let (server, client) = mk_server(line).await;
        let repository = mk_repository("qa/web");
        let image = push_image(&client, &repository, Some("1.4"), mk_bytes(1, 10_000)).await;
        let ours = mk_referrer(&client, &repository, &image, "application/vnd.ours", "our signature").await;
        client.put_referrer(&repository, &ours).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("sbom.json"), "{}").unwrap();
        let tagged = format!("{}/qa/web:1.4", server.host());
        let attach =
            ["attach", "--plain-http", "--artifact-type", "application/vnd.theirs", &tagged, "sbom.json"];
        said(&oras, &attach, folder.path()).await;
        let kinds = async |host: String| {
            let name = format!("{host}@{}", image.digest());
            let found =
                said(&oras, &["discover", "--plain-http", "--format", "json", &name], folder.path()).await;
            let found: Value = serde_json::from_str(&found).unwrap();
            let of = found.get("referrers").or_else(|| found.get("manifests")).and_then(Value::as_array);
            let mut kinds: Vec<String> = of
                .into_iter()
                .flatten()
                .filter_map(|one| one["artifactType"].as_str().map(str::to_owned))
                .collect();
            kinds.sort();
            kinds
        };
        let both = ["application/vnd.ours", "application/vnd.theirs"];
        assert_eq!(kinds(format!("{}/qa/web", server.host())).await, both, "{line:?}");
        let listed = client.referrers(&repository, image.digest(), Some(both[1])).await.unwrap();
        assert_eq!(listed.len(), 1, "{line:?}: {listed:?}");
        let theirs: Vec<&Descriptor> = listed.iter().collect();

        let (other, target) = mk_server(line).await;
        let copier = Copier::new(folder.path().join("copies")).unwrap();
        let source = Place { registry: client.clone(), repository: repository.clone() };
        let place = Place { registry: target.clone(), repository: mk_repository("prod/web") };
        let tag = Some("1.4".parse().unwrap());
        let to = Target { place, tag, moves: Moves::Never, mounts_from: Vec::new(), throttle: None };
        let plan = copier.plan(&source, image.digest(), vec![to]).await.unwrap();
        copier.run(&plan, &|_| {}).await.remove(0).unwrap();
        assert_eq!(kinds(format!("{}/prod/web", other.host())).await, both, "{line:?}");
        let by_digest = Reference::Digest(theirs[0].digest().clone());
        let there = target.manifest(&mk_repository("prod/web"), &by_digest).await.unwrap();
        assert_eq!(there, client.manifest(&repository, &by_digest).await.unwrap(), "{line:?}");
    }
}
