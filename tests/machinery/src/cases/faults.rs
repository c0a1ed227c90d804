//! What a server answers that was overloaded, restarted, compacted, or put back to an earlier state.

use serde_json::{Value, json};

use super::mk::secret;
use crate::{Server, Watch};

const PAGE: [&str; 3] = ["/items/0/metadata/name", "/items/1", "/metadata/remainingItemCount"];
const REFUSED: [&str; 4] = ["/code", "/reason", "/message", "/details"];
const TOO_LARGE: [&str; 3] = ["/code", "/reason", "/details"];

async fn three(server: &Server) {
    for name in ["a", "b", "c"] {
        server.post("secrets", &secret(name)).unseen().await;
    }
}

fn token(page: &Value) -> &str {
    page["metadata"]["continue"].as_str().unwrap_or_default()
}

/// Says what a watch tells, without the versions that an error names.
fn note(server: &Server, event: &Value) {
    let [code, reason] = ["code", "reason"].map(|field| &event["object"][field]);
    server.note(&format!("{} {code} {reason}", event["type"]));
}

/// 429 comes before anything else is looked at, with `Retry-After`, and is no `Status`.
pub async fn requests_that_are_too_many_are_turned_away(server: &Server) {
    three(server).await;
    server.faults().overload(&server.namespace).await;
    server.get("secrets/a").await;
    server.get("secrets/none").await;
    server.get("secrets").await;
    server.get("secrets?watch=1").await;
    server.post("secrets", &secret("d")).await;
    server.merge("secrets/a", &json!({"metadata": {"labels": {"x": "y"}}})).await;
    server.delete("secrets/a").await;
    server.faults().relieve(&server.namespace).await;
    server.get("secrets/a").only(&["/metadata/name", "/metadata/labels"]).await;
    server.get("secrets/d").only(&["/code"]).await;
}

/// 504 is a `Status` without its kind, for the server no longer knows what it is answering.
pub async fn a_request_that_takes_too_long_is_timed_out(server: &Server) {
    three(server).await;
    server.faults().slow_down().await;
    server.get("secrets/a?timeout=1ns").await;
    server.get("secrets?timeout=1ns").await;
    server.post("secrets?timeout=1ns", &secret("d")).await;
    server.get("secrets/a?timeout=10s").only(&["/metadata/name"]).await;
}

/// A watch goes on from no version that lies before the restart; lists and pages do.
pub async fn a_restarted_server_does_not_tell_what_watches_missed(server: &Server) {
    three(server).await;
    let first = server.get("secrets?limit=1").unseen().await;
    server.delete("secrets/b").unseen().await;
    server.faults().restart().await;

    server.call_it(first.version(), "then");
    server.call_it(token(&first.body), "token");
    let mut watch: Watch<'_> = server.watch(&format!("secrets?resourceVersion={}", first.version())).await;
    note(server, &watch.skip().await);
    watch.end().await;
    let exactly = format!("secrets?limit=1&resourceVersion={}&resourceVersionMatch=Exact", first.version());
    server.get(&exactly).only(&PAGE).await;
    server.get(&format!("secrets?limit=1&continue={}", token(&first.body))).only(&PAGE).await;
}

/// A list of exactly a version that was compacted is 410.
pub async fn what_was_compacted_is_expired(server: &Server) {
    three(server).await;
    let then = server.get("secrets").unseen().await;
    server.delete("secrets/b").unseen().await;
    server.faults().compact().await;
    server.call_it(then.version(), "then");
    let exactly = format!("secrets?resourceVersion={}&resourceVersionMatch=Exact", then.version());
    server.get(&exactly).await;
    server.get(&format!("{exactly}&limit=1")).await;
    let at_least = format!("secrets?resourceVersion={}", then.version());
    server.get(&at_least).only(&["/items/0/metadata/name", "/items/1/metadata/name", "/items/2"]).await;
}

/// The refusal of a page names a token with which the list goes on in the present.
pub async fn a_list_goes_on_in_the_present_where_its_moment_is_expired(server: &Server) {
    three(server).await;
    let first = server.get("secrets?limit=1").unseen().await;
    server.delete("secrets/b").unseen().await;
    server.post("secrets", &secret("a-b")).unseen().await;
    server.post("secrets", &secret("d")).unseen().await;
    server.faults().compact().await;
    server.call_it(token(&first.body), "token");
    let expired = server.get(&format!("secrets?limit=1&continue={}", token(&first.body))).await;
    server.call_it(token(&expired.body), "token of the refusal");
    let next = server.get(&format!("secrets?limit=1&continue={}", token(&expired.body))).only(&PAGE).await;
    server.call_it(token(&next.body), "next token");
    server.get(&format!("secrets?limit=2&continue={}", token(&next.body))).only(&PAGE).await;
}

/// Objects come back with the uid and the version that they had.
pub async fn a_server_that_was_put_back_shows_what_was_there(server: &Server) {
    three(server).await;
    let then = server.get("secrets/a").await;
    server.faults().back_up().await;
    server.merge("secrets/a", &json!({"metadata": {"labels": {"x": "y"}}})).unseen().await;
    server.delete("secrets/b").unseen().await;
    server.post("secrets", &secret("d")).unseen().await;
    server.faults().put_back().await;
    let now = server.get("secrets/a").await;
    assert_eq!((then.uid(), then.version()), (now.uid(), now.version()));
    server.get("secrets/b").only(&["/metadata/name"]).await;
    server.get("secrets/d").only(&REFUSED).await;
}

/// A version that was, and is not any more, is not the version that is there.
pub async fn what_is_written_from_after_it_was_put_back_conflicts(server: &Server) {
    three(server).await;
    server.faults().back_up().await;
    let later = server.merge("secrets/a", &json!({"metadata": {"labels": {"x": "y"}}})).unseen().await;
    server.faults().put_back().await;
    server.put("secrets/a", &later.body).only(&REFUSED).await;
    let version = later.version();
    let condition = json!({"metadata": {"resourceVersion": version, "labels": {"x": "z"}}});
    server.merge("secrets/a", &condition).only(&REFUSED).await;
    let options = json!({"preconditions": {"resourceVersion": version}});
    server.delete("secrets/a").json(&options).only(&TOO_LARGE).await;
}

/// How many writes lie between what is put back and what clients know: more than a server does of its own when it starts.
const WRITES: usize = 200;

/// Puts the server back, and gives the version that it had before.
async fn put_back(server: &Server) -> u64 {
    three(server).await;
    server.faults().back_up().await;
    for number in 0..WRITES {
        let label = json!({"metadata": {"labels": {"number": number.to_string()}}});
        server.merge("secrets/a", &label).unseen().await;
    }
    let later = server.get("secrets").unseen().await;
    server.faults().put_back().await;
    server.call_it(later.version(), "later");
    later.version().parse().expect("a version")
}

/// Reads that ask for it are told that it is too large.
pub async fn a_version_from_before_it_was_put_back_is_too_large(server: &Server) {
    let later = put_back(server).await;
    server.get(&format!("secrets/a?resourceVersion={later}")).only(&TOO_LARGE).await;
    server.get(&format!("secrets?resourceVersion={later}")).only(&TOO_LARGE).await;
    let exactly = format!("secrets?resourceVersion={later}&resourceVersionMatch=Exact");
    server.get(&exactly).only(&TOO_LARGE).await;
    let streamed =
        "secrets?sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let mut watch = server.watch(&format!("{streamed}&resourceVersion={later}")).await;
    note(server, &watch.skip().await);
    watch.end().await;
}

/// Nothing tells a client that watches from there that the server was put back: it hears of nothing until as much was
/// written again.
pub async fn a_watch_from_before_it_was_put_back_is_told_of_what_is_later_alone(server: &Server) {
    let later = put_back(server).await;
    let mut watch = server.watch(&format!("secrets?resourceVersion={later}&timeoutSeconds=2")).await;
    server.delete("secrets/b").unseen().await;
    watch.end().await;
    let mut watch = server.watch(&format!("secrets?resourceVersion={later}")).await;
    let mut last = 0;
    while last <= later {
        let label = json!({"metadata": {"labels": {"last": last.to_string()}}});
        last = server.merge("secrets/c", &label).unseen().await.version().parse().expect("a version");
    }
    let told = watch.skip().await;
    let version =
        told["object"]["metadata"]["resourceVersion"].as_str().and_then(|it| it.parse::<u64>().ok());
    assert!(version.is_some_and(|version| version > later), "{told}");
    server.note(&format!("{} of {}", told["type"], told["object"]["metadata"]["name"]));
}
