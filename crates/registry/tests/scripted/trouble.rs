use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use plimsoll_registry::{Access, Kind, Limits, Proxy, Registry, Scheme};
use plimsoll_scripted_registry::{Habits, Scripted, respond};

use crate::mk::{MANIFEST, mk_client, mk_limits, mk_registry, mk_repository, mk_tag};

async fn head(client: &Registry) -> Result<bool, plimsoll_registry::Error> {
    client.head(&mk_repository("shop/web"), &mk_tag("1")).await.map(|found| found.is_some())
}

#[tokio::test]
async fn trouble_that_passes_is_waited_out() {
    for (status, headers) in
        [(429, vec![("retry-after", "0")]), (503, vec![]), (502, vec![]), (500, vec![]), (504, vec![])]
    {
        let (server, client) = mk_registry(Habits::default()).await;
        server.add_manifest("shop/web", Some("1"), MANIFEST, "{}");
        let asked = AtomicUsize::new(0);
        server.script(move |_| match asked.fetch_add(1, Ordering::Relaxed) {
            0 | 1 => Scripted::Instead(respond(status, &headers, "<html>")),
            _ => Scripted::Pass,
        });
        assert!(head(&client).await.unwrap(), "{status}");
        assert_eq!(server.take_journal().len(), 3, "{status}");
    }
}

#[tokio::test]
async fn trouble_that_stays_ends_with_what_the_registry_said() {
    let (server, client) = mk_registry(Habits::default()).await;
    for (status, body, kind, requests, words) in [
        (503, "overloaded", Kind::Unavailable, 4, "answered 503 Service Unavailable: overloaded"),
        (
            403,
            r#"{"errors":[{"code":"DENIED","message":"not yours"}]}"#,
            Kind::Denied,
            1,
            "DENIED (not yours)",
        ),
        (400, "<html><h1>400</h1></html>", Kind::Invalid, 1, "answered 400 Bad Request"),
        (500, "{}", Kind::Unavailable, 4, "answered 500 Internal Server Error"),
    ] {
        server.script(move |_| Scripted::Instead(respond(status, &[], body)));
        let error = client.ping().await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (kind, Some(status)), "{error}");
        assert!(error.to_string().ends_with(words), "{error}");
        assert!(error.to_string().starts_with(&format!("GET registry at {}: ", server.host())), "{error}");
        assert_eq!(server.take_journal().len(), requests, "{error}");
    }
}

#[tokio::test]
async fn a_registry_that_asks_for_an_hour_is_not_waited_for() {
    let (server, client) = mk_registry(Habits::default()).await;
    server.script(|_| Scripted::Instead(respond(429, &[("retry-after", "3600")], "")));
    let error = head(&client).await.unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (Kind::RateLimited, Some(Duration::from_hours(1))));
    assert_eq!(server.take_journal().len(), 1);
}

#[tokio::test]
async fn silence_is_an_end_too() {
    let (server, _) = mk_registry(Habits::default()).await;
    let limits = Limits { idle: Duration::from_millis(100), attempts: 1, ..mk_limits() };
    let client = mk_client(&server, |access| access.limits(limits));
    // A body that begins and then says nothing.
    server.script(|_| {
        let silent = futures::stream::pending::<Result<bytes::Bytes, std::io::Error>>();
        Scripted::Instead(respond(200, &[("content-type", MANIFEST)], axum::body::Body::from_stream(silent)))
    });
    let error = client.manifest(&mk_repository("shop/web"), &mk_tag("1")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::TimedOut, "{error}");
    // A listener that takes connections and never answers.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string().parse().unwrap();
    let limits = Limits { idle: Duration::from_millis(100), attempts: 1, ..mk_limits() };
    let client = Registry::new(plimsoll_registry::Access::new(host).limits(limits)).unwrap();
    assert_eq!(client.ping().await.unwrap_err().kind(), Kind::TimedOut);
}

#[tokio::test]
async fn a_proxy_carries_what_goes_to_a_registry_and_not_what_is_excepted() {
    let (proxy, _) = mk_registry(Habits::default()).await;
    let (registry, _) = mk_registry(Habits::default()).await;
    let through = |except: &str| Proxy::Through {
        url: format!("http://{}", proxy.host()).parse().unwrap(),
        except: except.to_owned(),
    };
    let access =
        Access::new("registry.example.com".parse().unwrap()).scheme(Scheme::Http).limits(mk_limits());
    Registry::new(access.proxy(through(""))).unwrap().ping().await.unwrap();
    assert_eq!(proxy.take_journal()[0].header("host"), Some("registry.example.com"));
    let straight = mk_client(&registry, |access| access.proxy(through("127.0.0.0/8")));
    straight.ping().await.unwrap();
    assert_eq!((proxy.take_journal().len(), registry.take_journal().len()), (0, 1));
}

#[tokio::test]
async fn nobody_listening_is_told_as_that() {
    let (server, client) = mk_registry(Habits::default()).await;
    drop(server);
    let error = client.ping().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
    assert!(error.to_string().contains("it cannot be connected to"), "{error}");
}
