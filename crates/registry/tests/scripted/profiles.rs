use plimsoll_registry::{
    Authentication, Catalog, Cause, Completeness, Credential, Found, Kind, Reads, Refusal, Support,
};
use plimsoll_scripted_registry::{
    Deletes, EntityTags, Habits, Order, Referrers, Scripted, TokenGate, respond,
};

use serde_json::json;

use crate::mk::{MANIFEST, mk_client, mk_digest, mk_registry, mk_repository, mk_tag};

#[tokio::test]
async fn a_registry_is_known_by_what_it_answers_and_is_left_as_it_was() {
    let habits = Habits {
        deletes: Deletes::Off,
        referrers: Referrers::Unknown,
        refuses_above: Some(100),
        ..Habits::default()
    };
    let (server, client) = mk_registry(habits).await;
    let profile = client.probe().await.unwrap();
    assert_eq!(profile.server, Found::Known("registry/2.0".to_owned()));
    assert_eq!(profile.authentication, Found::Known(Authentication::None));
    let catalog = Catalog { largest_page: Some(100), bad_number: Refusal::Taken };
    assert_eq!(profile.catalog, Found::Known(catalog));
    assert_eq!((profile.referrers, profile.deletes), (Found::Known(Support::No), Found::Known(Support::No)));
    let changing =
        server.take_journal().into_iter().filter(|request| request.status < 300 && request.method != "GET");
    assert_eq!(changing.count(), 0);
}

#[tokio::test]
async fn what_a_registry_is_known_not_to_do_is_not_asked_of_it() {
    let habits = Habits {
        deletes: Deletes::Off,
        referrers: Referrers::Unknown,
        refuses_above: Some(100),
        entity_tags: EntityTags::Ignored,
        ignores_ranges: true,
        ..Habits::default()
    };
    let (server, client) = mk_registry(habits).await;
    let config = server.add_blob("shop/web", "{\"os\":\"linux\"}");
    let descriptor = json!({"mediaType": "application/x", "digest": config, "size": 14});
    let manifest = json!({"mediaType": MANIFEST, "config": descriptor}).to_string();
    let digest = server.add_manifest("shop/web", Some("1"), MANIFEST, manifest);
    // It does not say digests.
    server.script(|request| {
        let head = request.method == "HEAD" && request.path.ends_with("/manifests/1");
        if head { Scripted::Instead(respond(200, &[("content-type", MANIFEST)], "")) } else { Scripted::Pass }
    });
    let (repository, digest, tag) = (mk_repository("shop/web"), mk_digest(&digest), mk_tag("1"));
    let asked = async || {
        server.take_journal();
        client.repositories().unwrap().next_page().await.unwrap();
        assert_eq!(client.delete_manifest(&repository, &digest).await.unwrap_err().kind(), Kind::Unsupported);
        client.referrers(&repository, &digest, None).await.unwrap();
        assert_eq!(client.head(&repository, &tag).await.unwrap().unwrap().digest(), &digest);
        let entries = server.take_journal().into_iter();
        entries.map(|request| format!("{} {}", request.method, request.path)).collect::<Vec<String>>()
    };
    let list = format!("GET /v2/shop/web/manifests/{}", digest.to_string().replace(':', "-"));
    let before = asked().await;
    assert_eq!(
        before,
        [
            "GET /v2/_catalog?n=1000",
            "GET /v2/_catalog?n=100",
            &format!("DELETE /v2/shop/web/manifests/{digest}"),
            &format!("GET /v2/shop/web/referrers/{digest}"),
            &list,
            "HEAD /v2/shop/web/manifests/1",
            "GET /v2/shop/web/manifests/1",
        ]
    );
    let profile = client.probe().await.unwrap();
    let reads = Reads { digests: Support::No, entity_tags: Support::No, ranges: Support::No };
    assert_eq!(profile.reads, Found::Known(reads));
    assert_eq!(asked().await, ["GET /v2/_catalog?n=100", &list, "GET /v2/shop/web/manifests/1"]);
}

#[tokio::test]
async fn what_a_caller_may_not_ask_stays_unknown_with_the_reason() {
    let gate =
        TokenGate { realm: String::new(), user: Some(("robot".to_owned(), "s3cret".to_owned())), life: 300 };
    let (server, _) = mk_registry(Habits { tokens: Some(gate), ..Habits::default() }).await;
    let password = Credential::Password { user: "robot".to_owned(), password: "s3cret".to_owned().into() };
    let client = mk_client(&server, |access| access.credential(password));
    server.script(|request| {
        let catalog = request.path.contains("_catalog");
        if catalog { Scripted::Instead(respond(403, &[], "no")) } else { Scripted::Pass }
    });
    let profile = client.probe().await.unwrap();
    assert_eq!(profile.authentication, Found::Known(Authentication::Token));
    assert!(
        matches!(&profile.catalog, Found::Unknown(why) if why.ends_with("answered 403 Forbidden: no")),
        "{profile:?}"
    );
    assert_eq!(profile.referrers, Found::Known(Support::Yes));
}

#[tokio::test]
async fn names_that_a_registry_drops_are_asked_for_and_told() {
    let habits = Habits { hidden: vec!["other".to_owned(), "team/app".to_owned()], ..Habits::default() };
    let (server, client) = mk_registry(habits).await;
    for name in ["team/app", "team/app/tools", "other/app"] {
        server.add_manifest(name, Some("1"), MANIFEST, "{}");
    }
    server.add_repository("other");
    server.script(|request| {
        let bad = request.path.contains("n=none");
        if bad { Scripted::Instead(respond(400, &[], "")) } else { Scripted::Pass }
    });
    let profile = client.probe().await.unwrap();
    assert!(profile.may_drop_names());
    let (mut listed, completeness) = client.all_repositories(&profile).await.unwrap();
    listed.sort();
    let names: Vec<&str> = listed.iter().map(plimsoll_registry::Repository::as_str).collect();
    assert_eq!(names, ["other/app", "team/app", "team/app/tools"]);
    assert_eq!(completeness, Completeness::Incomplete(vec![Cause::Unlisted("team/app".to_owned())]));
}

#[tokio::test]
async fn a_registry_that_lists_in_its_own_order_hides_nothing_and_is_not_asked_again() {
    for order in [Order::Components, Order::Bytes, Order::Keys] {
        let habits = Habits { order, page: 2, refuses_above: Some(2), ..Habits::default() };
        let (server, client) = mk_registry(habits).await;
        for name in ["a", "a/b", "a-b", "a-c", "a.d", "b"] {
            server.add_manifest(name, Some("1"), MANIFEST, "{}");
        }
        server.script(|request| {
            let bad = request.path.contains("n=none");
            if bad { Scripted::Instead(respond(400, &[], "")) } else { Scripted::Pass }
        });
        let profile = client.probe().await.unwrap();
        server.take_journal();
        let (listed, completeness) = client.all_repositories(&profile).await.unwrap();
        let (asked, is_complete) = (server.take_journal().len(), completeness == Completeness::Complete);
        // In the order of an object store, a page that ends with `a-c` may hide `a`.
        assert_eq!(
            (listed.len(), asked > 3, is_complete),
            (6, order == Order::Keys, order != Order::Keys),
            "{order:?}"
        );
    }
}
