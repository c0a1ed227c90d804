use plimsoll_registry::{Description, Kind, Place, Presence};
use plimsoll_scripted_registry::{Habits, Scripted, ScriptedRegistry, respond};
use serde_json::{Value, json};

use crate::mk::{INDEX, MANIFEST, mk_bytes, mk_digest, mk_registry, mk_repository};

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

fn add(server: &ScriptedRegistry, kind: &str, bytes: Vec<u8>) -> Value {
    let size = bytes.len();
    json!({"mediaType": kind, "digest": server.add_blob("shop/web", bytes), "size": size})
}

fn mk_image(server: &ScriptedRegistry, config: &Value, annotations: &Value, layers: &[Vec<u8>]) -> Value {
    let layers: Vec<Value> = layers.iter().map(|layer| add(server, "application/x", layer.clone())).collect();
    let config = add(server, CONFIG, config.to_string().into());
    let body = json!({"mediaType": MANIFEST, "config": config, "layers": layers, "annotations": annotations});
    let size = body.to_string().len();
    let digest = server.add_manifest("shop/web", None, MANIFEST, body.to_string());
    json!({"mediaType": MANIFEST, "digest": digest, "size": size})
}

async fn mk_place() -> (ScriptedRegistry, Place) {
    let (server, registry) = mk_registry(Habits::default()).await;
    (server, Place { registry, repository: mk_repository("shop/web") })
}

#[tokio::test]
async fn an_image_tells_where_it_comes_from_and_what_it_does_not_say_is_unknown() {
    let (server, place) = mk_place().await;
    let config = json!({"created": "2026-01-02T03:04:05Z", "author": "ci", "os": "linux", "architecture": "amd64",
        "config": {"Labels": {"org.opencontainers.image.source": "https://git/old", "org.label-schema.vcs-ref": "abc",
            "team": "shop", "org.opencontainers.image.vendor": " "}}});
    let annotations = json!({"org.opencontainers.image.source": "https://git/shop"});
    let image = mk_image(&server, &config, &annotations, &[mk_bytes(10)]);
    let described = place.describe(&mk_digest(image["digest"].as_str().unwrap())).await.unwrap();
    let Description { labels, size, .. } = &described;
    assert_eq!((labels["team"].as_str(), *size), ("shop", 10 + config.to_string().len() as u64));
    assert_eq!(
        described,
        Description {
            created: Some("2026-01-02T03:04:05Z".to_owned()),
            authors: Some("ci".to_owned()),
            source: Some("https://git/shop".to_owned()),
            revision: Some("abc".to_owned()),
            platforms: vec!["linux/amd64".to_owned()],
            labels: labels.clone(),
            size: *size,
            ..Description::default()
        }
    );
}

#[tokio::test]
async fn an_index_tells_its_platforms_and_what_its_first_image_says() {
    let (server, place) = mk_place().await;
    let mut manifests = Vec::new();
    for (os, architecture, variant) in
        [("unknown", "unknown", None), ("linux", "arm64", Some("v8")), ("linux", "amd64", None)]
    {
        let config = json!({"author": format!("{os}-{architecture}")});
        let mut image = mk_image(&server, &config, &Value::Null, &[]);
        image["platform"] = json!({"os": os, "architecture": architecture, "variant": variant});
        manifests.push(image);
    }
    let annotations = json!({"org.opencontainers.image.version": "1.4"});
    let body = json!({"mediaType": INDEX, "manifests": manifests, "annotations": annotations});
    let root = server.add_manifest("shop/web", None, INDEX, body.to_string());
    let described = place.describe(&mk_digest(&root)).await.unwrap();
    assert_eq!(described.platforms, ["linux/arm64/v8", "linux/amd64"]);
    assert_eq!(
        (described.authors.as_deref(), described.version.as_deref()),
        (Some("linux-arm64"), Some("1.4"))
    );
    let nothing = mk_digest(&format!("sha256:{}", "0".repeat(64)));
    assert_eq!(place.describe(&nothing).await.unwrap_err().kind(), Kind::NotFound);
}

#[tokio::test]
async fn an_image_is_whole_when_every_blob_is_there_and_what_was_read_is_what_it_should_be() {
    let (server, place) = mk_place().await;
    let (small, large) = (mk_bytes(1000), mk_bytes(100_000));
    let image = mk_image(&server, &json!({}), &Value::Null, &[small.clone(), large.clone()]);
    let root = mk_digest(image["digest"].as_str().unwrap());
    let whole = place.examine(&root, 50_000).await.unwrap();
    let names = whole.names.clone();
    assert_eq!(whole, Presence { manifests: 1, blobs: 3, reread: 2, names, ..Presence::default() });
    assert!(whole.is_whole());

    let [missing, damaged] = [&large, &small].map(|bytes| plimsoll_scripted_registry::digest(bytes));
    let (gone, changed) = (missing.clone(), damaged.clone());
    server.script(move |request| {
        if request.path.ends_with(&gone) {
            return Scripted::Instead(respond(404, &[], ""));
        }
        let read = request.method == "GET" && request.path.ends_with(&changed);
        if read { Scripted::Instead(respond(200, &[], vec![0; 1000])) } else { Scripted::Pass }
    });
    let broken = place.examine(&root, 50_000).await.unwrap();
    assert!(!broken.is_whole());
    assert_eq!((broken.missing, broken.damaged), (vec![mk_digest(&missing)], vec![mk_digest(&damaged)]));
    let nothing = mk_digest(&format!("sha256:{}", "0".repeat(64)));
    assert_eq!(place.examine(&nothing, 0).await.unwrap_err().kind(), Kind::NotFound);
}
