//! Documents with faults: every fault is told at once, with its place and its remedy.

use super::assert_trouble;
use anyhow::Result;
use plimsoll_tests::{Claim, Ground, World};

/// The first lines of every document here.
const HEAD: &str =
    "apiVersion: plimsoll.io/v1alpha1\nkind: App\nmetadata: {name: shop, namespace: NAMESPACE}\n";

/// A document without fault, to put one into.
const GOOD: &str = "spec:
  grade: general-2
  image: registry.example.com/demo/shop@sha256:0101010101010101010101010101010101010101010101010101010101010101
  size: {cpu: 100m, memory: 64Mi}
  ports:
    - {name: http, port: 8080}
  probes:
    readiness: {http: {path: /, port: http}}
    liveness: {http: {path: /, port: http}}
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_document_is_refused_with_every_fault_its_place_and_its_remedy() -> Result<()> {
    let world = World::new(Ground::Simulated, Claim::Shared).await?;
    let head = HEAD.replace("NAMESPACE", world.namespace());
    let with = |from: &str, to: &str| format!("{head}{}", GOOD.replace(from, to));

    for (name, text) in [
        ("no_yaml", format!("{head}spec: [unclosed\n")),
        ("empty", String::new()),
        ("only_comments", "# to be written\n---\n".to_owned()),
        ("null", "~\n".to_owned()),
        ("no_mapping", "- shop\n".to_owned()),
        ("nul", format!("{head}spec: {{command: [a\0b]}}\n")),
        (
            "byte_order_mark_and_crlf",
            format!("\u{feff}{}", with("port: 8080", "port: 0").replace('\n', "\r\n")),
        ),
        ("unknown_namespace", with("", "").replace(world.namespace(), "nowhere")),
        ("no_namespace", with("", "").replace(&format!(", namespace: {}", world.namespace()), "")),
        ("two_documents", format!("{head}{GOOD}---\n{head}{GOOD}")),
        (
            "alias",
            with(
                "size: {cpu: 100m, memory: 64Mi}",
                "size: &size {cpu: 100m, memory: 64Mi}\n  scratch: [*size]",
            ),
        ),
        ("duplicate_key", with("grade: general-2", "grade: general-2\n  grade: system")),
        ("unknown_field", with("image:", "imgae:")),
        ("wrong_type", with("port: 8080", "port: [8080]")),
        ("wrong_kind", with("", "").replace("kind: App", "kind: Deployment")),
        ("missing_fields", format!("{head}spec: {{}}\n")),
        (
            "image_without_digest",
            with("@sha256:0101010101010101010101010101010101010101010101010101010101010101", ":1.4.2"),
        ),
        ("type_not_built_yet", with("grade:", "type: worker\n  grade:")),
        (
            "against_the_golden_rules",
            with(
                "  probes:\n    readiness: {http: {path: /, port: http}}\n    liveness: {http: {path: /, port: http}}\n",
                "  scale: {replicas: 1}\n",
            ),
        ),
        (
            "with_faults_and_against_the_golden_rules",
            with(
                "  probes:\n    readiness: {http: {path: /, port: http}}\n    liveness: {http: {path: /, port: http}}\n",
                "  scale: {replicas: 1}\n  hostNetwork: true\n  dataCenters: {dc-9: {env: {A: b}}}\n",
            )
            .replace("general-2", "golden"),
        ),
        ("unknown_data_center", with("grade:", "dataCenters: {dc-9: {env: {A: b}}}\n  grade:")),
        (
            "many_faults",
            with("general-2", "golden")
                .replace("100m", "lots")
                .replace("8080", "80800")
                .replace("path: /,", "pth: /,"),
        ),
        ("too_deep", format!("{head}spec: {}1{}\n", "[".repeat(40), "]".repeat(40))),
        ("too_large", format!("{head}{GOOD}  command: [{}]\n", "a".repeat(1 << 20))),
    ] {
        std::fs::write(world.folder().join("shop.yaml"), text)?;
        let said = world.user().run(&["apply", "-f", "shop.yaml"]).await?;
        assert_trouble(&format!("document_{name}"), world.folder(), &said);
        assert_eq!(said.stdout, "", "{name}");
    }

    for (name, bytes) in [
        ("no_text", &b"kind: \xff\xfe\n"[..]),
        ("utf_16", b"\xff\xfek\0i\0n\0d\0"),
        ("program", b"\x7fELF\x02\x01\x01\0\0\0"),
    ] {
        std::fs::write(world.folder().join("shop.yaml"), bytes)?;
        let said = world.user().run(&["apply", "-f", "shop.yaml"]).await?;
        assert_trouble(&format!("document_{name}"), world.folder(), &said);
    }
    std::fs::create_dir(world.folder().join("folder"))?;
    let said = world.user().run(&["apply", "-f", "folder"]).await?;
    assert_trouble("document_folder", world.folder(), &said);
    // Standard input of these runs is empty.
    let said = world.user().run(&["apply", "-f", "-"]).await?;
    assert_trouble("document_standard_input", world.folder(), &said);
    let said = world.user().run(&["apply", "-f", "absent.yaml"]).await?;
    assert_trouble("document_absent", world.folder(), &said);

    let apps = world.user().ok(&["list", "-n", world.namespace(), "-o", "name"]).await?;
    assert_eq!(apps, "", "nothing was made");
    world.end().await
}
