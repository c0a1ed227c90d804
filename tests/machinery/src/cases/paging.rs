//! Lists in pages.

use serde_json::{Value, json};

use super::mk::{labelled, secret};
use crate::Server;

const SHOWN: [&str; 4] =
    ["/items/0/metadata/name", "/items/1/metadata/name", "/items/2", "/metadata/remainingItemCount"];

async fn five(server: &Server) {
    for name in ["a", "b", "c", "d", "e"] {
        server.post("secrets", &labelled(name, &json!({"all": "yes"}))).unseen().await;
    }
}

fn token(page: &Value) -> &str {
    page["metadata"]["continue"].as_str().unwrap_or_default()
}

/// A list with a limit comes in pages, each saying how many are left.
pub async fn a_list_comes_in_pages(server: &Server) {
    five(server).await;
    let first = server.get("secrets?limit=2").only(&SHOWN).await;
    let next = format!("secrets?limit=2&continue={}", token(&first.body));
    server.call_it(token(&first.body), "first token");
    let second = server.get(&next).only(&SHOWN).await;
    server.call_it(token(&second.body), "second token");
    let last = format!("secrets?limit=2&continue={}", token(&second.body));
    let third = server.get(&last).only(&SHOWN).await;
    assert_eq!(token(&third.body), "");
    assert_eq!(first.version(), third.version());
}

/// All pages show the moment of the first.
pub async fn pages_show_the_moment_of_the_first(server: &Server) {
    five(server).await;
    let first = server.get("secrets?limit=2").only(&SHOWN).await;
    server.call_it(token(&first.body), "token");
    server.post("secrets", &secret("c-a")).unseen().await;
    server.delete("secrets/d").unseen().await;
    server.merge("secrets/e", &json!({"metadata": {"labels": {"all": "no"}}})).unseen().await;
    let next = format!("secrets?limit=10&continue={}", token(&first.body));
    let names = ["/items/0/metadata/name", "/items/1/metadata/name", "/items/2/metadata", "/items/3"];
    server.get(&next).only(&names).await;
}

/// A page may be of another size, and without a limit the rest comes at once.
pub async fn the_rest_comes_without_a_limit(server: &Server) {
    five(server).await;
    let first = server.get("secrets?limit=1").only(&SHOWN).await;
    server.call_it(token(&first.body), "token");
    let rest = server.get(&format!("secrets?continue={}", token(&first.body))).only(&SHOWN).await;
    assert_eq!(rest.body["items"].as_array().map(Vec::len), Some(4));
}

/// With a selector nobody counts what is left.
pub async fn a_selector_hides_the_count(server: &Server) {
    five(server).await;
    let first = server.get("secrets?limit=2&labelSelector=all").only(&SHOWN).await;
    assert!(!token(&first.body).is_empty());
}

/// A page as large as the list has no next.
pub async fn a_page_as_large_as_the_list_is_the_last(server: &Server) {
    five(server).await;
    let all = server.get("secrets?limit=5").only(&SHOWN[..2]).await;
    assert_eq!(token(&all.body), "");
    let all = server.get("secrets?limit=0").only(&SHOWN[..2]).await;
    assert_eq!(token(&all.body), "");
}

/// A token can be used twice.
pub async fn a_page_can_be_read_again(server: &Server) {
    five(server).await;
    let first = server.get("secrets?limit=2").only(&SHOWN).await;
    server.call_it(token(&first.body), "token");
    let next = format!("secrets?limit=2&continue={}", token(&first.body));
    server.get(&next).only(&SHOWN).await;
    server.get(&next).only(&SHOWN).await;
}

/// What is no token, and a token with a version, are refused.
pub async fn the_rules_of_tokens(server: &Server) {
    five(server).await;
    let first = server.get("secrets?limit=2").unseen().await;
    let next = format!("secrets?limit=2&continue={}", token(&first.body));
    server.call_it(token(&first.body), "token");
    server.get("secrets?continue=nonsense").reason().await;
    server.get(&format!("{next}&resourceVersion=1")).await;
    server.get(&format!("{next}&resourceVersion=1&resourceVersionMatch=Exact")).await;
    server.get("secrets?limit=some").reason().await;
    server.get("secrets?limit=-1").only(&["/items/4/metadata/name", "/code"]).await;
}

/// A list from any version comes whole, whatever its limit.
pub async fn a_list_from_version_zero_has_no_pages(server: &Server) {
    five(server).await;
    // What a server has in memory may be a moment old.
    server
        .until("five", async || {
            let held = server.get("secrets?resourceVersion=0").unseen().await;
            held.body["items"].as_array().is_some_and(|items| items.len() == 5)
        })
        .await;
    let all = server.get("secrets?limit=2&resourceVersion=0").only(&SHOWN).await;
    assert_eq!((token(&all.body), all.body["items"].as_array().map(Vec::len)), ("", Some(5)));
}

/// A page can be of exactly an older version.
pub async fn a_page_from_exactly_a_version(server: &Server) {
    five(server).await;
    let then = server.get("secrets").unseen().await;
    server.delete("secrets/a").unseen().await;
    server.call_it(then.version(), "then");
    let at = format!("secrets?limit=2&resourceVersion={}&resourceVersionMatch=Exact", then.version());
    server.get(&at).only(&SHOWN).await;
}
