use plimsoll_registry::{Credential, Kind, Mount, Registry};
use plimsoll_scripted_registry::{Habits, Scripted, ScriptedRegistry, TokenGate, respond};

use crate::mk::{MANIFEST, mk_blob, mk_client, mk_registry, mk_repository, mk_tag};

fn mk_gate() -> TokenGate {
    TokenGate { realm: String::new(), user: Some(("robot".to_owned(), "s3cret".to_owned())), life: 300 }
}

fn mk_password() -> Credential {
    Credential::Password { user: "robot".to_owned(), password: "s3cret".to_owned().into() }
}

async fn mk_gated(gate: TokenGate) -> (ScriptedRegistry, Registry) {
    let server = ScriptedRegistry::start(Habits { tokens: Some(gate), ..Habits::default() }).await.unwrap();
    server.add_manifest("shop/web", Some("1"), MANIFEST, "{}");
    let client = mk_client(&server, |access| access.credential(mk_password()));
    (server, client)
}

fn asked_for(server: &ScriptedRegistry) -> Vec<String> {
    let journal = server.take_journal();
    let tokens = journal.iter().filter(|request| request.path.starts_with("/token"));
    let scopes = |path: &str| {
        path.split('&').filter_map(|pair| pair.strip_prefix("scope=")).collect::<Vec<_>>().join(" ")
    };
    tokens
        .map(|request| scopes(&request.path).replace("%3A", ":").replace("%2F", "/").replace("%2C", ","))
        .collect()
}

#[tokio::test]
async fn a_token_is_fetched_once_for_what_is_done_with_it() {
    let (server, client) = mk_gated(mk_gate()).await;
    let repository = mk_repository("shop/web");
    for _ in 0..3 {
        assert!(client.head(&repository, &mk_tag("1")).await.unwrap().is_some());
    }
    assert_eq!(asked_for(&server), ["repository:shop/web:pull"]);
    // From the second call on the registry need not ask first.
    client.repositories().unwrap().collect().await.unwrap();
    client.mount(&repository, mk_blob(b"x").digest(), &mk_repository("base/jdk")).await.unwrap();
    client.ping().await.unwrap();
    assert_eq!(
        asked_for(&server),
        ["registry:catalog:*", "repository:base/jdk:pull repository:shop/web:pull,push", ""]
    );
}

#[tokio::test]
async fn many_who_need_the_same_token_fetch_one() {
    let (server, client) = mk_gated(mk_gate()).await;
    let (repository, tag) = (mk_repository("shop/web"), mk_tag("1"));
    let heads = (0..20).map(|_| client.head(&repository, &tag));
    futures::future::try_join_all(heads).await.unwrap();
    assert_eq!(asked_for(&server).len(), 1);
}

#[tokio::test]
async fn a_token_that_ended_or_was_taken_back_is_replaced() {
    let (server, client) = mk_gated(TokenGate { life: 0, ..mk_gate() }).await;
    let (repository, tag) = (mk_repository("shop/web"), mk_tag("1"));
    for _ in 0..2 {
        client.head(&repository, &tag).await.unwrap();
    }
    assert_eq!(asked_for(&server).len(), 2);

    let (server, client) = mk_gated(mk_gate()).await;
    client.head(&repository, &tag).await.unwrap();
    let taken = server.take_journal().last().unwrap().header("authorization").unwrap().to_owned();
    let realm = format!("Bearer realm=\"http://{}/token\",service=\"scripted\"", server.host());
    server.script(move |request| {
        let taken_back = request.header("authorization") == Some(&taken);
        if taken_back {
            Scripted::Instead(respond(401, &[("www-authenticate", &realm)], ""))
        } else {
            Scripted::Pass
        }
    });
    assert!(client.head(&repository, &tag).await.unwrap().is_some());
    assert_eq!(asked_for(&server).len(), 1);
}

#[tokio::test]
async fn a_wrong_password_is_said_once_and_not_tried_again() {
    let (server, _) = mk_gated(mk_gate()).await;
    let wrong = Credential::Password { user: "robot".to_owned(), password: "wrong".to_owned().into() };
    let client = mk_client(&server, |access| access.credential(wrong));
    let error = client.head(&mk_repository("shop/web"), &mk_tag("1")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unauthenticated);
    assert!(!format!("{error:?} {client:?}").contains("wrong"), "{error:?}");
    assert_eq!(server.take_journal().len(), 2);
}

#[tokio::test]
async fn a_refresh_token_is_given_by_a_form() {
    let (server, _) = mk_gated(TokenGate { user: None, ..mk_gate() }).await;
    let client = mk_client(&server, |access| access.credential(Credential::Refresh("r".to_owned().into())));
    server.script(|request| {
        let token = || respond(200, &[], "{\"access_token\":\"0|repository:shop/web:pull\"}");
        if request.path.starts_with("/token") { Scripted::Instead(token()) } else { Scripted::Pass }
    });
    assert!(client.head(&mk_repository("shop/web"), &mk_tag("1")).await.unwrap().is_some());
    let journal = server.take_journal();
    let asked = journal.iter().find(|request| request.path.starts_with("/token")).unwrap();
    assert_eq!(
        (asked.method.as_str(), asked.header("content-type")),
        ("POST", Some("application/x-www-form-urlencoded"))
    );
}

#[tokio::test]
async fn the_credential_does_not_go_to_a_host_that_nobody_named() {
    let thief =
        ScriptedRegistry::start(Habits { tokens: Some(mk_gate()), ..Habits::default() }).await.unwrap();
    let (server, client) =
        mk_gated(TokenGate { realm: format!("http://{}/token", thief.host()), ..mk_gate() }).await;
    let error = client.head(&mk_repository("shop/web"), &mk_tag("1")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Forbidden);
    assert!(error.to_string().contains("name it as a token host"), "{error}");
    assert!(thief.take_journal().is_empty());
    // Named, it gives the tokens.
    let named = mk_client(&server, |access| {
        access.credential(mk_password()).token_host(thief.host().parse().unwrap())
    });
    assert!(named.head(&mk_repository("shop/web"), &mk_tag("1")).await.unwrap().is_some());
}

#[tokio::test]
async fn a_token_realm_cannot_lead_into_this_machine() {
    let (server, client) = mk_registry(Habits::default()).await;
    for realm in ["http://169.254.169.254/token", "http://localhost:1/token", "http://[::1]:1/"] {
        let challenge = format!("Bearer realm=\"{realm}\"");
        server.script(move |_| Scripted::Instead(respond(401, &[("www-authenticate", &challenge)], "")));
        let error = client.head(&mk_repository("shop/web"), &mk_tag("1")).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Forbidden, "{realm}: {error}");
    }
}

#[tokio::test]
async fn a_password_is_sent_only_when_it_is_asked_for() {
    let (server, _) = mk_registry(Habits::default()).await;
    server.add_manifest("shop/web", Some("1"), MANIFEST, "{}");
    server.script(|request| match request.header("authorization") {
        Some("Basic cm9ib3Q6czNjcmV0") => Scripted::Pass,
        _ => Scripted::Instead(respond(401, &[("www-authenticate", "Basic realm=\"x\"")], "")),
    });
    let client = mk_client(&server, |access| access.credential(mk_password()));
    assert!(client.head(&mk_repository("shop/web"), &mk_tag("1")).await.unwrap().is_some());
    assert!(client.head(&mk_repository("shop/web"), &mk_tag("1")).await.unwrap().is_some());
    let sent: Vec<bool> =
        server.take_journal().iter().map(|request| request.header("authorization").is_some()).collect();
    assert_eq!(sent, [false, true, true]);
    let declined =
        client.mount(&mk_repository("a"), mk_blob(b"x").digest(), &mk_repository("b")).await.unwrap();
    assert_eq!(declined, Mount::Declined);
}
