use std::path::Path;
use std::process::Stdio;

use plimsoll_registry::Reference;

use crate::mk::{LINES, mk_bytes, mk_repository, mk_server, mk_tag, push_image, push_index};

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
