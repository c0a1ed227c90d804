//! Core's port to what lies in registries, on registries that misbehave.

use std::sync::Arc;
use std::time::Duration;

use plimsoll_core::digest::Digest;
use plimsoll_core::image::{
    ErrorKind, Home, Host, Names, RegistryCatalog as _, Repository, Sample, Walk, Whereabouts,
};
use plimsoll_registry::{Access, Registries};
use plimsoll_scripted_registry::{Habits, Leads, Order, Scripted, ScriptedRegistry, respond};
use serde_json::json;
use tempfile::TempDir;

use crate::mk::{INDEX, MANIFEST, Night, mk_limits};

struct Bed {
    server: ScriptedRegistry,
    port: Registries,
    _folder: TempDir,
}

impl Bed {
    async fn new(habits: Habits, deadline: Duration) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let server = ScriptedRegistry::start(habits).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let access = Access::new(server.host().parse().unwrap()).limits(mk_limits());
        let port = Registries::new([access], folder.path(), Arc::new(Night)).unwrap().deadline(deadline);
        Self { server, port, _folder: folder }
    }

    fn host(&self) -> Host {
        self.server.host().parse().unwrap()
    }
}

fn fill(server: &ScriptedRegistry, count: usize) -> Vec<String> {
    let mut names: Vec<String> = (0..count).map(|at| format!("team-{:02}/app{at}", at % 37)).collect();
    for name in &names {
        server.add_repository(name);
    }
    names.sort();
    names
}

fn texts(names: &Names<Repository>) -> Vec<String> {
    names.names.iter().map(ToString::to_string).collect()
}

fn silent() -> Scripted {
    let never = futures::stream::pending::<Result<bytes::Bytes, std::io::Error>>();
    Scripted::Instead(respond(200, &[], axum::body::Body::from_stream(never)))
}

const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_list_is_in_one_order_whatever_that_of_the_registry_and_its_further_pages_ask_for_nothing() {
    for order in [Order::Bytes, Order::Components, Order::Backwards] {
        let bed = Bed::new(Habits { order, refuses_above: Some(100), ..Habits::default() }, LONG).await;
        let names = fill(&bed.server, 250);
        let listed = bed.port.repositories(&bed.host(), Walk::Anew).await.unwrap();
        assert_eq!((texts(&listed), &listed.incomplete), (names, &None));
        bed.server.take_journal();
        assert_eq!(bed.port.repositories(&bed.host(), Walk::GoOn).await.unwrap(), listed);
        assert!(bed.server.take_journal().is_empty());
        // The first page is of what there is now.
        bed.server.add_repository("a-new-one");
        assert_eq!(bed.port.repositories(&bed.host(), Walk::Anew).await.unwrap().names.len(), 251);
    }
}

#[tokio::test]
async fn a_list_that_leads_in_circles_or_stops_answering_has_what_came_and_says_why_that_is_not_all() {
    let bed = Bed::new(Habits { leads: Leads::InCircles, ..Habits::default() }, LONG).await;
    let names = fill(&bed.server, 1500);
    let listed = bed.port.repositories(&bed.host(), Walk::Anew).await.unwrap();
    assert_eq!(texts(&listed), names);
    let why = "because the registry led back to a page that was read before";
    assert_eq!(listed.incomplete.as_deref(), Some(why));

    let short = Duration::from_secs(2);
    let bed = Bed::new(Habits { refuses_above: Some(100), ..Habits::default() }, short).await;
    fill(&bed.server, 300);
    bed.server.script(|request| if request.path.contains("last=") { silent() } else { Scripted::Pass });
    let listed = bed.port.repositories(&bed.host(), Walk::Anew).await.unwrap();
    assert_eq!(listed.names.len(), 100);
    let why = "because the registry had not listed all of it when the time for it was over";
    assert_eq!(listed.incomplete.as_deref(), Some(why));
    // What is missing is missing on every page.
    assert_eq!(bed.port.repositories(&bed.host(), Walk::GoOn).await.unwrap(), listed);

    bed.server.script(|request| {
        if request.path.contains("last=") { Scripted::Instead(respond(403, &[], "")) } else { Scripted::Pass }
    });
    let listed = bed.port.repositories(&bed.host(), Walk::Anew).await.unwrap();
    let why = listed.incomplete.unwrap_or_default();
    assert!(
        listed.names.len() == 100 && why.starts_with("because the registry failed on the way: "),
        "{why}"
    );

    bed.server.script(|_| Scripted::Instead(respond(403, &[], "")));
    let error = bed.port.repositories(&bed.host(), Walk::Anew).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Refused);
}

#[tokio::test]
async fn an_index_is_shown_as_itself_its_manifests_and_their_configurations_and_not_as_what_refers_to_it() {
    let bed = Bed::new(Habits::default(), LONG).await;
    let server = &bed.server;
    let blob = |content: &str| {
        let digest = server.add_blob("shop/web", content.as_bytes().to_vec());
        json!({"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": content.len()})
    };
    let add =
        |body: &serde_json::Value, kind: &str| server.add_manifest("shop/web", None, kind, body.to_string());
    let config = blob("{}");
    let image = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []});
    let manifest = add(&image, MANIFEST);
    let listed = |digest: &str, body: &serde_json::Value| json!({"mediaType": MANIFEST, "digest": digest, "size": body.to_string().len()});
    let all = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [listed(&manifest, &image)]});
    let index = add(&all, INDEX);
    let subject = json!({"mediaType": INDEX, "digest": index, "size": all.to_string().len()});
    let signature = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": blob("[]"), "layers": [], "subject": subject,
    });
    add(&signature, MANIFEST);
    let home: Home = format!("{}/shop/web", server.host()).parse().unwrap();
    let digest: Digest = index.parse().unwrap();
    let found = bed.port.locate(&[home], &digest, Sample::default()).await;
    let [Whereabouts::Whole(examined)] = &found[..] else { panic!("{found:?}") };
    let shown = [index.as_str(), &manifest, config["digest"].as_str().unwrap()];
    assert_eq!(examined.shown_as, shown.iter().map(|digest| digest.parse().unwrap()).collect());
}
