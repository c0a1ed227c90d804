//! The service account of `deploy/data-center.yaml`, on a real control plane: it can do the whole work, and no
//! right that it has is there for nothing.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use plimsoll_bench::{Bench, Options};
use plimsoll_tests::{Document, Server, User, eventually, kubectl};
use serde_json::{Value, json};

const USER: &str = "system:serviceaccount:plimsoll-system:plimsoll";

/// What a short life without trouble does not show in the audit log.
const NOT_SEEN: [&str; 15] = [
    // An apply that makes the object is one `patch` in the log, and takes the right to create besides.
    "create customresourcedefinitions",
    "create deployments",
    "create horizontalpodautoscalers",
    "create limitranges",
    "create poddisruptionbudgets",
    "create resourcequotas",
    "create services",
    // A week after the App was deleted.
    "delete apps",
    // Reads of one object, where a write met a conflict.
    "get apps",
    "get configmaps",
    "get deployments",
    // Only where nothing of a pod begins.
    "list events",
    // Labels that were taken off are put back.
    "patch configmaps",
    "patch namespaces",
    // The election is renewed every few seconds.
    "update leases",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_account_of_the_manifest_can_do_all_of_the_work_and_no_more_than_that() -> Result<()> {
    // Elsewhere the program's `main` does this.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().context("making a folder")?;
    let bench = Bench::start(Options::default().data_centers(1)).await?;
    let admin = bench.dc(1).kubeconfig();
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/data-center.yaml");
    std::os::unix::fs::symlink(manifest.parent().context("a folder")?, folder.path().join("deploy"))?;
    let kubeconfig = folder.path().join("dc-1.yaml");
    eventually("the commands of docs/operating.md make a kubeconfig", async || {
        // Kubernetes fills the token in within moments; until then they fail, and are repeated.
        let said = documented_commands(&admin, folder.path()).await?;
        Ok(said.is_empty().then_some(()).ok_or(said))
    })
    .await?;
    let server = Server::start(folder.path()).await?;
    let user = User::operator(&server, folder.path())?;
    let mark = bench.dc(1).audit_log().mark()?;

    user.ok(&["init", "--id", "rights"]).await?;
    user.ok(&["dc", "add", "dc-1", "--kubeconfig", &kubeconfig.to_string_lossy()]).await?;
    user.ok(&["namespace", "create", "demo"]).await?;
    let shop = Document::new("demo", "shop");
    user.apply_and_wait(&shop).await?;
    let files = json!([{"path": "/etc/shop/shop.toml", "content": "guests = false\n"}]);
    user.apply_and_wait(&shop.clone().version(2).with("/spec/files", files)).await?;
    user.ok(&["scale", "shop", "-n", "demo", "--min", "3", "--max", "5", "--cpu-percent", "60", "--wait"])
        .await?;
    user.ok(&["scale", "shop", "-n", "demo", "--replicas", "4", "--wait"]).await?;
    user.ok(&["rollback", "shop", "-n", "demo", "--wait"]).await?;
    user.ok(&["delete", "shop", "-n", "demo", "--yes", "--wait"]).await?;

    let mut exercised = BTreeSet::new();
    for request in bench.dc(1).audit_log().since(mark)? {
        if request.user != USER
            || request.resource.is_empty()
            || request.resource == "selfsubjectaccessreviews"
        {
            continue;
        }
        assert_ne!(request.code, Some(403), "{request:?}");
        let resource = match request.subresource.as_str() {
            "" => request.resource,
            subresource => format!("{}/{subresource}", request.resource),
        };
        exercised.insert(format!("{} {resource}", request.verb));
    }
    let granted = granted(&std::fs::read_to_string(&manifest)?)?;
    let idle: BTreeSet<_> = granted.difference(&exercised).map(String::as_str).collect();
    assert!(idle.is_subset(&BTreeSet::from(NOT_SEEN)), "granted for nothing: {idle:?}");

    // What is missing is named, and said of a data center that was good before.
    let role = ["patch", "clusterrole", "plimsoll", "--type=json", "-p"];
    let take = r#"[{"op": "remove", "path": "/rules/12"}]"#;
    kubectl(&admin, &[&role[..], &[take]].concat()).await?;
    eventually("the missing right is named", async || {
        let said = user.run(&["dc", "add", "dc-1", "--kubeconfig", &kubeconfig.to_string_lossy()]).await?;
        let is_named =
            said.code == 2 && said.stderr.contains("may not do what it takes there: list pods; each in");
        Ok(is_named.then_some(()).ok_or_else(|| format!("{said:?}")))
    })
    .await?;
    server.stop().await
}

/// Runs what an administrator is told to, in `folder`; gives what it complained of, and nothing if it went well.
async fn documented_commands(admin: &Path, folder: &Path) -> Result<String> {
    let text = include_str!("../../../docs/operating.md");
    let section = text.split_once("## Credentials for each data center").context("the section")?.1;
    let commands = section.split("```").nth(1).context("the commands")?;
    let kubectl = plimsoll_bench::Binaries::find()?.kubectl();
    let programs = kubectl.parent().context("kubectl's folder")?.display().to_string();
    let output = tokio::process::Command::new("bash")
        .args(["-euo", "pipefail", "-c", commands])
        .env("KUBECONFIG", admin)
        .env("PATH", format!("{programs}:{}", std::env::var("PATH").unwrap_or_default()))
        .current_dir(folder)
        .output()
        .await
        .context("running bash")?;
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok(if output.status.success() { String::new() } else { format!("{}: {complaint}", output.status) })
}

fn granted(manifest: &str) -> Result<BTreeSet<String>> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(manifest)?;
    let role = documents.iter().find(|document| document["kind"] == "ClusterRole").context("no role")?;
    let texts = |list: &Value| -> Vec<String> {
        list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let mut granted = BTreeSet::new();
    for rule in role["rules"].as_array().context("no rules")? {
        for resource in texts(&rule["resources"]) {
            granted.extend(texts(&rule["verbs"]).into_iter().map(|verb| format!("{verb} {resource}")));
        }
    }
    Ok(granted)
}
